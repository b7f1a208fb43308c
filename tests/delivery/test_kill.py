"""Kill -9 at any moment of a delivery: nothing arrives twice, and every loss and unknown outcome is reported."""

import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flows.delivery import delivery as record
from flows.delivery.delivery import Delivery, State, summary
from flows.delivery.overdue import overdue
from tests.scale import repeats

from .editions import mail_to, settings
from .fork_server import fork_server
from .servers import Endpoint, MailServer, endpoint, mail_server

FIRST_MONDAY = datetime(2020, 1, 6)

# The servers wait up to so many seconds before and after each step, so that most kills hit the protocol.
SLOWNESS = 0.02


@dataclass
class Readers:
    """Two mailboxes, two endpoints and a chat, and what arrived there."""

    mail: MailServer
    hook: Endpoint
    safe_hook: Endpoint
    chat: Endpoint

    @property
    def settings(self) -> dict[str, Any]:
        secret = "a secret of enough letters"
        return {
            **mail_to(self.mail.port, "desk", "boss"),
            "webhooks": {
                "desk": {"url": self.hook.url, "secret": secret},
                "safe": {"url": self.safe_hook.url, "secret": secret, "is_idempotent": True},
            },
            "chats": {"team": f"json://127.0.0.1:{self.chat.port}"},
        }

    def arrivals(self) -> Counter[str]:
        """How often each key arrived, or each message of a chat; an endpoint that acts once counts a key once."""
        found = Counter(
            f"{mail['Message-ID'].split('.')[1]}/mail.{mail['To'].split('@')[0]}" for mail in self.mail.mails
        )
        found.update(request.headers["Idempotency-Key"] for request in self.hook.requests)
        found.update({request.headers["Idempotency-Key"] for request in self.safe_hook.requests})
        for request in self.chat.requests:
            at = re.match(r"\((\d)/2\)\n(\S+) page \1", request.json["message"])
            assert at
            found[f"{at[2]}/chat.team/{at[1]}"] += 1
        return found


@pytest.fixture
def readers() -> Iterator[Readers]:
    with ExitStack() as servers:
        yield Readers(
            servers.enter_context(mail_server(slowness=SLOWNESS)),
            *(servers.enter_context(endpoint(slowness=SLOWNESS)) for _ in range(3)),
        )


def week(number: int) -> str:
    return f"{FIRST_MONDAY + timedelta(weeks=number):%G-W%V}"


def test_what_was_killed_after_it_arrived_and_before_it_was_recorded_is_unknown_and_not_sent_again(
    readers: Readers, tmp_path: Path
) -> None:
    channels: list[tuple[str, MailServer | Endpoint]] = [
        ("mail.boss", readers.mail),
        ("webhook.desk", readers.hook),
        ("chat.team", readers.chat),
    ]
    with fork_server(readers.settings, tmp_path) as children:
        for number, (_, server) in enumerate(channels):
            server.arrived.clear()
            server.silence = 0.7  # The wait between accepting something and answering.
            assert children.deliver(week(number), is_time=partial(bool, server.arrived)) == -signal.SIGKILL
            server.silence = 0
            assert children.deliver(week(number)) == 0

    deliveries = record.read(tmp_path)
    assert {key: one.state for key, one in deliveries.items() if one.state is not State.DELIVERED} == {
        f"{week(number)}/{channel}": "unknown" for number, (channel, _) in enumerate(channels)
    }
    assert max(readers.arrivals().values()) == 1


def kill_deliveries(n_kills: int, seed: int, readers: Readers, home: Path) -> str:
    """Kill deliveries at random moments until `n_kills` hit, let a further delivery finish; return the counts."""
    draw = random.Random(seed)
    with fork_server(readers.settings, home) as children:
        assert children.deliver(week(0)) == 0
        n_steps = journal_lines(home)
        n_killed = n_weeks = 0
        # A delivery that ended before its moment was not killed.
        while n_killed < n_kills:
            n_weeks += 1
            is_time = moment(home, draw.randrange(n_steps), draw.random() * 3 * SLOWNESS)
            n_killed += children.deliver(week(n_weeks), is_time=is_time) == -signal.SIGKILL
            assert children.deliver(week(n_weeks)) == 0
    time.sleep(0.2)  # The servers may still be reading what a dead process sent.

    arrivals, deliveries = readers.arrivals(), record.read(home)
    assert {key: n for key, n in arrivals.items() if n > 1} == {}
    assert len(deliveries) == 5 * (1 + n_weeks)
    states = Counter(one.state for one in deliveries.values())
    assert set(states) <= {State.DELIVERED, State.UNKNOWN}

    # Delivered means arrived.
    assert [
        part for one in deliveries.values() if one.state is State.DELIVERED for part in parts(one) if not arrivals[part]
    ] == []

    # Unknown outcomes are counted, reported and fail the status check; an idempotent receiver leaves none.
    unknown = [one for one in deliveries.values() if one.state is State.UNKNOWN]
    assert not any(one.channel == "webhook.safe" for one in unknown)
    assert not unknown or f"{len(unknown)} unknown" in summary(deliveries.values())
    for one in unknown:
        (late,) = [line for line in overdue(home, after_deadline(one), settings(**readers.settings)) if one.key in line]
        assert "unknown" in late and f"--resend {one.key}" in late
    n_arrived = sum(all(arrivals[part] for part in parts(one)) for one in unknown)
    n_repeated = len(readers.safe_hook.requests) - 1 - n_weeks
    return (
        f"{n_killed} kills: {states[State.DELIVERED]} of {len(deliveries)} delivered, 0 twice, 0 lost, "
        f"{len(unknown)} unknown and reported ({n_arrived} had arrived, "
        f"{len(unknown) - n_arrived} had not); {n_repeated} requests repeated under their idempotency key"
    )


def journal_lines(home: Path) -> int:
    path = home / "journal" / "deliveries.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def moment(home: Path, n_steps: int, seconds: float) -> Callable[[], bool]:
    """Whether so many more steps have been recorded, and then so many seconds have passed."""
    until, reached = journal_lines(home) + n_steps, []

    def is_time() -> bool:
        if journal_lines(home) >= until:
            reached.append(time.monotonic())
        return bool(reached) and time.monotonic() - reached[0] >= seconds

    return is_time


def parts(one: Delivery) -> list[str]:
    return [f"{one.key}/{number}" for number in (1, 2)] if one.channel == "chat.team" else [one.key]


def after_deadline(one: Delivery) -> datetime:
    return one.deadline_at + timedelta(hours=1)


MANY = [
    pytest.param(repeats(50, whole=100), seed, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])
    for seed in (6, 7, 8)[: repeats(1, whole=3)]
]


@pytest.mark.parametrize(("n_kills", "seed"), [(5, 5), *MANY])
def test_deliveries_killed_at_random_moments_deliver_nothing_twice_and_lose_nothing(
    n_kills: int, seed: int, readers: Readers, tmp_path: Path, capsys: pytest.CaptureFixture[str], record_property: Any
) -> None:
    figures = kill_deliveries(n_kills, seed, readers, tmp_path)

    record_property("figures", figures)
    with capsys.disabled():
        print(f"\n{figures}")
