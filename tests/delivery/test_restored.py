"""A restored home never sends a second time, even where no record is left of what had been sent."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flows.config import Settings
from flows.delivery import delivery as record
from flows.delivery.deliver import deliver, resend, retry
from flows.delivery.delivery import due_at
from flows.delivery.overdue import overdue
from flows.delivery.unknown_outcome import weeks_of_unknown_outcome
from flows.home import journal
from flows.warehouse.backup import back_up, restore_backup

from .editions import NOW, WEEK, edition, mail_to, settings
from .servers import endpoint, free_port, mail_server

SECRET = "a secret of enough letters"
NOON = NOW + timedelta(hours=6)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that has sent the digest of the week before."""
    home = tmp_path / "home"
    with mail_server() as server:
        deliver(edition("2026-W09"), settings(**mail_to(server.port)), home, NOW - timedelta(weeks=1))
    return home


def back_up_at(home: Path, folder: Path) -> None:
    back_up(Settings(home=home), folder)


def restore_at(home: Path, folder: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal, "utc_now", lambda: at)
        restore_backup(Settings(home=home), folder)


def test_a_lost_home_restored_before_the_deadline_sends_nothing_a_second_time(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_at(home, tmp_path / "sunday")
    with mail_server() as server, endpoint() as safe:
        where = settings(
            **mail_to(server.port), webhooks={"safe": {"url": safe.url, "secret": SECRET, "is_idempotent": True}}
        )
        deliver(edition(), where, home, NOW)
        shutil.rmtree(home)
        restore_at(home, tmp_path / "sunday", NOON, monkeypatch)
        receipts = {one.key: one for one in deliver(edition(), where, home, NOON)}

        assert len(server.mails) == 1
        mail = receipts["2026-W10/mail.desk"]
        assert mail.state == "unknown"
        assert mail.note == "the home was restored at 2026-03-09 12:00 UTC and does not tell what had been sent by then"
        # An idempotent receiver may be sent the same request again.
        assert receipts["2026-W10/webhook.safe"].state == "delivered"
        assert {request.headers["Idempotency-Key"] for request in safe.requests} == {"2026-W10/webhook.safe"}

        assert weeks_of_unknown_outcome(home, NOON, 24) == ["2026-W10"]
        (late,) = overdue(home, NOON + timedelta(days=1), where)
        assert "2026-W10/mail.desk" in late and "unknown" in late and "restored" in late

        # The operator's decision is final, and the next week's digest is sent as usual.
        assert resend("2026-W10/mail.desk", where, home, NOON).state == "delivered"
        deliver(edition("2026-W11"), where, home, NOW + timedelta(weeks=1))
    assert [mail["Subject"].split()[2] for mail in server.mails] == ["2026-W10:", "2026-W10:", "2026-W11:"]


def test_what_the_backup_was_still_to_try_again_is_not_tried_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(edition(), settings(**mail_to(free_port())), home, NOW)
    back_up_at(home, tmp_path / "monday")
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        assert [one.state for one in retry(where, home, NOW + timedelta(hours=1))][-1] == "delivered"
        shutil.rmtree(home)
        restore_at(home, tmp_path / "monday", NOON, monkeypatch)
        retry(where, home, NOON)

        assert len(server.mails) == 1
        assert record.read(home)["2026-W10/mail.desk"].state == "unknown"


@pytest.mark.parametrize("kept", ["outbox.sqlite", "journal/deliveries.jsonl"])
def test_a_home_that_still_knows_what_it_sent_goes_on_as_if_nothing_had_been(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    back_up_at(home, tmp_path / "sunday")
    with mail_server(at_dot=["take", "take"]) as server:
        where = settings(**mail_to(server.port, "boss"))
        deliver(edition(), where, home, NOW)
        kept_bytes = (home / kept).read_bytes()
        shutil.rmtree(home)
        (home / kept).parent.mkdir(parents=True)
        (home / kept).write_bytes(kept_bytes)
        restore_at(home, tmp_path / "sunday", NOON, monkeypatch)
        where = settings(**mail_to(server.port, "boss", "desk"))
        deliver(edition(), where, home, NOON)

    assert [mail["To"] for mail in server.mails] == ["boss@example.org", "desk@example.org"]
    assert weeks_of_unknown_outcome(home, NOON, 24) == []
    # Earlier weeks are known from the backup.
    assert "2026-W09/mail.desk" in record.read(home)


def test_a_second_restore_keeps_what_the_first_made_unknown(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_at(home, tmp_path / "sunday")
    with mail_server() as server:
        where = settings(**mail_to(server.port))
        deliver(edition(), where, home, NOW)
        shutil.rmtree(home)
        for hours in (0, 1):
            restore_at(home, tmp_path / "sunday", NOON + timedelta(hours=hours), monkeypatch)
        deliver(edition(), where, home, NOON + timedelta(hours=2))
    assert len(server.mails) == 1


@pytest.mark.parametrize("days", [-1, 2])
def test_a_week_that_was_not_open_at_the_restore_has_a_known_outcome(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    back_up_at(home, tmp_path / "copy")
    shutil.rmtree(home)
    restore_at(home, tmp_path / "copy", NOW + timedelta(days=days), monkeypatch)
    with mail_server() as server:
        (receipt,) = deliver(edition(), settings(**mail_to(server.port)), home, NOW + timedelta(days=max(days, 0)))

    assert receipt.state == ("delivered" if days < 0 else "expired")


def test_a_week_of_unknown_outcome_whose_digest_was_not_made_again_is_late_with_the_reason(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(journal, "utc_now", lambda: due_at(WEEK) - timedelta(hours=5))
        journal.append(home, "runs", run_id="r", state="published", as_of=due_at(WEEK) - timedelta(hours=5))
    back_up_at(home, tmp_path / "monday")
    shutil.rmtree(home)
    restore_at(home, tmp_path / "monday", NOON, monkeypatch)

    late = overdue(home, NOON + timedelta(days=1), settings(**mail_to(25)))

    (made,) = [line for line in late if "never made" in line]
    assert "Run `trackrecord digest --week 2026-W10`." in made
    assert "the home was restored at 2026-03-09 12:00 UTC without its outbox" in made
