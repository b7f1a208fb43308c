"""A digest that was not made or not delivered by its deadline is reported as overdue, until the next one has come."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.delivery.deliver import deliver, drop, require_sent, resend, settle
from flows.delivery.delivery import deadline
from flows.delivery.overdue import overdue
from flows.errors import DeliveryError, UsageError
from flows.home import journal

from .editions import NOW, WEEK, edition, mail_to, settings
from .servers import free_port, mail_server

DEADLINE = deadline(WEEK, 24)
LATE = DEADLINE + timedelta(minutes=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that had published something before the digest was due."""
    monkeypatch.setattr(journal, "utc_now", lambda: NOW - timedelta(days=5))
    journal.append(tmp_path, "runs", run_id="r", state="published")
    monkeypatch.undo()
    return tmp_path


def test_a_digest_that_was_never_made_is_late_after_its_deadline_and_not_before(home: Path) -> None:
    where = settings(**mail_to(25))

    (late,) = overdue(home, LATE, where)
    assert late.startswith("The digest of 2026-W10 was to be delivered by 2026-03-10 06:00 UTC and was never made.")
    assert "`trackrecord digest --week 2026-W10`" in late
    # Nothing was published after the week before.
    assert overdue(home, DEADLINE - timedelta(minutes=1), where) == []


def test_nothing_is_late_where_nothing_is_to_be_delivered_or_nothing_was_published(home: Path, tmp_path: Path) -> None:
    assert overdue(home, LATE, settings()) == []
    assert overdue(tmp_path / "new", LATE, settings(**mail_to(25))) == []


@pytest.mark.parametrize(("behaviour", "state"), [(None, "failed"), ({"at_dot": ["take and break"]}, "unknown")])
def test_a_digest_that_did_not_certainly_arrive_is_late_and_the_way_out_is_shown(
    home: Path, behaviour: dict[str, Any] | None, state: str
) -> None:
    if behaviour is None:
        where = settings(**mail_to(free_port()))
        deliver(edition(), where, home, NOW)
    else:
        with mail_server(**behaviour) as server:
            where = settings(**mail_to(server.port))
            deliver(edition(), where, home, NOW)

    (late,) = overdue(home, LATE, where)
    assert f"2026-W10/mail.desk was to be delivered by 2026-03-10 06:00 UTC and is {state}" in late
    assert "`trackrecord deliveries --resend 2026-W10/mail.desk`" in late


def test_it_is_green_again_once_it_was_delivered_or_an_operator_confirms_it(home: Path) -> None:
    with mail_server(at_dot=["lose and break", "take and break", "take"]) as server:
        where = settings(**mail_to(server.port, "boss", "desk"))
        deliver(edition(), where, home, NOW)
        assert len(overdue(home, LATE, where)) == 2
        resend("2026-W10/mail.boss", where, home, LATE)
        settle("2026-W10/mail.desk", home, LATE)
        assert overdue(home, LATE, where) == []


def test_a_channel_that_was_not_there_yet_makes_no_old_digest_late(home: Path) -> None:
    with mail_server() as server:
        deliver(edition(), settings(**mail_to(server.port, "desk")), home, NOW)
        assert overdue(home, LATE, settings(**mail_to(server.port, "desk", "boss"))) == []


def test_a_digest_of_unknown_outcome_is_reported_for_eight_weeks_or_until_it_is_dropped(home: Path) -> None:
    with mail_server(at_dot=["lose and break", "lose and break"]) as server:
        where = settings(**mail_to(server.port, "boss", "desk"))
        deliver(edition(), where, home, NOW)
        deliver(edition("2026-W11"), settings(**mail_to(server.port, "boss", "desk")), home, NOW + timedelta(weeks=1))
    overdue_lines = [f"2026-W10/mail.{name} was to be delivered" for name in ("boss", "desk")]

    for weeks in (0, 1, 7):
        lines = [line for line in overdue(home, LATE + timedelta(weeks=weeks), where) if "W10" in line]
        assert [line.startswith(wanted) for line, wanted in zip(lines, overdue_lines, strict=True)] == [True, True], (
            weeks
        )
    assert [line for line in overdue(home, LATE + timedelta(weeks=8), where) if "W10" in line] == []

    dropped = drop("2026-W10/mail.boss", home, LATE)
    assert dropped.state == "dropped"
    assert [line for line in overdue(home, LATE, where) if "boss" in line] == []
    # A dropped delivery is never reported again.
    with pytest.raises(UsageError, match="is dropped"):
        resend("2026-W10/mail.boss", where, home, LATE)
    assert {one.key: one.state for one in deliver(edition(), where, home, LATE)}["2026-W10/mail.boss"] == "dropped"


def test_an_older_digest_that_was_never_made_is_late_while_it_can_be_made(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        deliver(edition(), where, home, NOW)
        # Of the two weeks after, only the second was followed by a publish; then all goes on as it should.
        later = NOW + timedelta(weeks=2)
        monkeypatch.setattr(journal, "utc_now", lambda: later)
        journal.append(home, "runs", run_id="s", state="published", as_of=later)
        deliver(edition("2026-W13"), where, home, NOW + timedelta(weeks=3))
        (late,) = overdue(home, LATE + timedelta(weeks=3), where)

    assert late.startswith("The digest of 2026-W12") and "`trackrecord digest --week 2026-W12`" in late


def test_a_digest_of_a_week_after_which_nothing_was_published_wants_a_nightly_first(home: Path) -> None:
    (late,) = overdue(home, LATE, settings(**mail_to(25)))

    assert "Nothing was published since the week ended: run the nightly, then `trackrecord digest" in late


@pytest.mark.parametrize(
    ("behaviour", "state", "next_step"),
    [
        ({"at_rcpt": ["451 4.7.1 Greylisted"] * 2}, "failed", "tries again until the deadline"),
        ({"at_dot": ["lose and break"]}, "unknown", "--arrived 2026-W10/mail.desk"),
    ],
)
def test_what_did_not_certainly_arrive_does_not_end_green(
    home: Path, behaviour: dict[str, Any], state: str, next_step: str
) -> None:
    with mail_server(**behaviour) as server:
        receipts = deliver(edition(), settings(**mail_to(server.port)), home, NOW)

    with pytest.raises(DeliveryError, match=f"2026-W10/mail.desk is {state}: .*{next_step}"):
        require_sent(receipts)


def test_a_past_week_that_somebody_asked_for_ends_green_and_a_late_one_does_not(home: Path) -> None:
    receipts = deliver(edition(), settings(**mail_to(25)), home, LATE)

    require_sent(receipts, is_late_allowed=True)
    with pytest.raises(DeliveryError, match=r"is expired: .*--resend 2026-W10/mail\.desk` sends it all the same"):
        require_sent(receipts)
