"""Delivering: an edition is sent to every channel, at most once; an attempt that certainly failed is retried."""

import sqlite3
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from flows.delivery import unknown_outcome
from flows.delivery.channels import Channel, NotDelivered, OutcomeUnknown
from flows.delivery.delivery import OPEN, Delivery, State, deadline, read, week_end
from flows.delivery.edition import Edition
from flows.delivery.mail import Mail
from flows.delivery.outbox import Outbox, open_outbox
from flows.delivery.overdue import advice
from flows.delivery.redaction import redact
from flows.delivery.serialized import body_hash
from flows.delivery.settings import DeliverySettings
from flows.delivery.webhook import WebhookChannel
from flows.errors import DeliveryError, UsageError

LONGEST_WAIT_SECONDS = 600

# How long to wait for the lock: a delivery takes seconds, or minutes where servers do not answer.
WAIT_FOR_ANOTHER_SECONDS = 600


@dataclass(frozen=True)
class Receipt:
    """The outcome of one week on one channel; `note` explains it and contains no secret."""

    key: str
    state: State
    note: str


def open_channels(settings: DeliverySettings) -> list[Channel]:
    """Every channel that is set up. Raises DeliveryError for a chat that apprise does not know."""
    timeout = settings.delivery_timeout_seconds
    channels: list[Channel] = [Mail(name, address, settings) for name, address in settings.mail_to.items()]
    channels += [WebhookChannel(name, webhook, timeout) for name, webhook in settings.webhooks.items()]
    if settings.chats:
        from flows.delivery.chat import Chat  # Apprise takes half a second to import.

        channels += [Chat(name, url, timeout) for name, url in settings.chats.items()]
    return channels


def deliver(edition: Edition, settings: DeliverySettings, home: Path, now: datetime) -> list[Receipt]:
    """Send an edition on every channel that its week has not been sent on yet; return the outcome of each.

    A week that is not over is not sent. One past its deadline waits for `trackrecord deliveries --resend`. A delivery
    that certainly failed is tried again by `retry`, until the deadline. Raises LockHeld while another process delivers.
    """
    channels = open_channels(settings)
    if not channels:
        return []
    if now < week_end(edition.week):
        note = f"not sent: {edition.week} is not over before {week_end(edition.week):%Y-%m-%d %H:%M} UTC"
        return [Receipt(f"{edition.week}/{channel.name}", State.DUE, note) for channel in channels]
    with _outbox(home, f"the delivery of {edition.week}") as outbox:
        delivering = _Delivering(outbox, channels, settings, now)
        outbox.keep(edition, now)
        receipts = {channel.name: delivering.enqueue(edition, channel) for channel in channels}
        sent = delivering.send_open(edition.week)
    return [sent.get(receipt.key, receipt) for receipt in receipts.values()]


def retry(settings: DeliverySettings, home: Path, now: datetime) -> list[Receipt]:
    """Retry the deliveries that certainly failed and are within their deadline; return the outcome of each."""
    if not read(home):
        return []
    with _outbox(home, "a retry of deliveries") as outbox:
        return list(_Delivering(outbox, open_channels(settings), settings, now).send_open().values())


def resend(key: str, settings: DeliverySettings, home: Path, now: datetime) -> Receipt:
    """Send a delivery whose outcome is unknown, or that came too late, because an operator wants it.

    Raises UsageError for a key that was delivered, waits to be sent anyway, or does not exist.
    """
    with _outbox(home, f"the resending of {key}") as outbox:
        delivering = _Delivering(outbox, open_channels(settings), settings, now)
        one = _decidable(outbox, key)
        if outbox.edition(one.body_sha256) is None:
            raise DeliveryError(
                f"The edition of {one.week} is no longer held. Make it again (`trackrecord digest --week {one.week}`), "
                "then resend it."
            )
        until = now + timedelta(hours=settings.delivery_deadline_hours)
        outbox.write(one.become(State.DUE, now, "an operator asked for it to be sent again", deadline_at=until))
        sent = delivering.send_open(one.week)
    if key not in sent:
        raise DeliveryError(f"{one.channel} is not set up any more, so {key} cannot be sent on it.")
    return sent[key]


def settle(key: str, home: Path, now: datetime) -> Receipt:
    """Take an operator's word that a delivery of unknown outcome has arrived.

    Raises UsageError for a key whose outcome is known.
    """
    with _outbox(home, f"the settling of {key}") as outbox:
        outbox.settle_interrupted(set(), now)
        one = _decidable(outbox, key)
        done = outbox.write(one.become(State.DELIVERED, now, "an operator says that it arrived", n_sent=one.n_parts))
    return Receipt(key, done.state, done.note)


def drop(key: str, home: Path, now: datetime) -> Receipt:
    """Give up a delivery of unknown outcome or past its deadline: it is never sent and no longer reported as overdue.

    Raises UsageError for a key in any other state.
    """
    with _outbox(home, f"the dropping of {key}") as outbox:
        outbox.settle_interrupted(set(), now)
        one = _decidable(outbox, key)
        done = outbox.write(one.become(State.DROPPED, now, f"an operator let it be ({one.note})"))
    return Receipt(key, done.state, done.note)


def require_sent(receipts: Iterable[Receipt], *, is_late_allowed: bool = False) -> None:
    """Raise DeliveryError where a digest has not certainly arrived, naming each key and what to do next.

    `is_late_allowed` accepts expired deliveries, for the digest of a past week that somebody asked for.
    """
    passed = {State.DELIVERED, State.DROPPED, State.DUE, *([State.EXPIRED] if is_late_allowed else [])}
    left = [receipt for receipt in receipts if receipt.state not in passed]
    if left:
        raise DeliveryError("\n".join(f"{one.key} is {one.state}: {one.note}. {_next_step(one)}" for one in left))


def _next_step(receipt: Receipt) -> str:
    if receipt.state is State.FAILED:
        return "The schedule, or `trackrecord deliveries --retry`, tries again until the deadline."
    return advice(receipt.key, receipt.state)


def _outbox(home: Path, holder: str) -> AbstractContextManager[Outbox]:
    return open_outbox(home, holder, wait_seconds=WAIT_FOR_ANOTHER_SECONDS)


def _decidable(outbox: Outbox, key: str) -> Delivery:
    one = outbox.delivery(key)
    if one is None:
        raise UsageError(f"There is no delivery {key}. `trackrecord deliveries` lists them.")
    if one.state not in (State.UNKNOWN, State.EXPIRED):
        raise UsageError(f"{key} is {one.state}: {one.note}. An operator decides only what is unknown or expired.")
    return one


class _Delivering:
    """One pass over the outbox, under its lock. The clock starts at `now`, so that tests can set it."""

    def __init__(self, outbox: Outbox, channels: list[Channel], settings: DeliverySettings, now: datetime) -> None:
        self._outbox = outbox
        self._channels = {channel.name: channel for channel in channels}
        self._settings = settings
        self._now = now
        self._began = time.monotonic()
        repeatable = {channel.name for channel in channels if channel.is_idempotent}
        outbox.settle_interrupted(repeatable, now)
        outbox.settle_restored(repeatable, settings.delivery_deadline_hours, now)

    def enqueue(self, edition: Edition, channel: Channel) -> Receipt:
        """Enter an edition in the outbox for a channel, unless its week has been sent there, wholly or in part."""
        now, sha256 = self._time(), body_hash(edition)
        one = self._outbox.delivery(f"{edition.week}/{channel.name}")
        until = deadline(edition.week, self._settings.delivery_deadline_hours)
        if one is None:
            state, note = self._beginning(edition.week, channel, until)
            n_parts = len(channel.payloads(edition))
            one = self._outbox.write(
                Delivery(edition.week, channel.name, sha256, state, 0, n_parts, 0, now, until, now, note)
            )
        elif one.body_sha256 != sha256:
            if not self._is_replaceable(one):
                return Receipt(one.key, one.state, f"the digest has changed since and is not sent again ({one.note})")
            n_parts = len(channel.payloads(edition))
            one = self._outbox.write(one.become(one.state, now, one.note, body_sha256=sha256, n_parts=n_parts))
        return Receipt(one.key, one.state, one.note)

    def _beginning(self, week: str, channel: Channel, until: datetime) -> tuple[State, str]:
        """The first state of a week on a channel, and the reason."""
        if self._time() > until:
            note = f"its deadline was {until:%Y-%m-%d %H:%M} UTC; `trackrecord deliveries --resend` sends it anyway"
            return State.EXPIRED, note
        restored_at = self._outbox.restore_without_outbox(week, self._settings.delivery_deadline_hours)
        if restored_at and not channel.is_idempotent:
            return State.UNKNOWN, unknown_outcome.message(restored_at)
        return State.DUE, ""

    def _is_replaceable(self, one: Delivery) -> bool:
        """Whether a newer edition may replace this one: nothing of it was sent, or its own edition is lost."""
        is_lost = self._outbox.edition(one.body_sha256) is None
        return one.n_sent == 0 and (one.state in (*OPEN, State.EXPIRED) or (one.state is State.UNKNOWN and is_lost))

    def send_open(self, week: str | None = None) -> dict[str, Receipt]:
        """Send the open deliveries, of one week or all, with retries where another attempt may succeed."""
        receipts: dict[str, Receipt] = {}
        hopeless: set[str] = set()
        for number in range(self._settings.delivery_attempts):
            open_ones = [
                one for one in self._outbox.deliveries(*OPEN) if one.key not in hopeless and week in (None, one.week)
            ]
            if number and open_ones:
                time.sleep(min(self._settings.delivery_wait_seconds * 2 ** (number - 1), LONGEST_WAIT_SECONDS))
            for one in open_ones:
                done, is_hopeless = self._attempt(one)
                if is_hopeless:
                    hopeless.add(one.key)
                receipts[one.key] = Receipt(one.key, done.state, done.note)
        return receipts

    def _attempt(self, one: Delivery) -> tuple[Delivery, bool]:
        """Send the payloads that have not arrived; return the delivery, and whether this pass should not retry it."""
        channel = self._channels.get(one.channel)
        edition = self._outbox.edition(one.body_sha256)
        if self._time() > one.deadline_at:
            return self._step(one, State.EXPIRED, f"not delivered by its deadline ({one.note or 'no attempt'})"), True
        if channel is None or edition is None:
            missing = "its channel is not set up" if channel is None else "its edition is no longer held"
            return self._step(one, State.FAILED, missing), True
        payloads = channel.payloads(edition)
        one = replace(one, n_attempts=one.n_attempts + 1)

        def passing() -> None:
            nonlocal one
            one = self._step(one, State.SENDING, "on its way")

        while one.n_sent < len(payloads):
            try:
                note = channel.send(payloads[one.n_sent], one.key, passing)
            except NotDelivered as error:
                return self._step(one, State.FAILED, str(error)), error.is_hopeless
            except OutcomeUnknown as error:
                state = State.FAILED if channel.is_idempotent else State.UNKNOWN
                return self._step(one, state, str(error)), False
            except (sqlite3.Error, OSError):
                # The outbox cannot be written, so a further send could not be recorded and might be repeated.
                raise
            except Exception as error:  # noqa: BLE001 A library's error: the other channels must still be served.
                is_out = one.state is State.SENDING and not channel.is_idempotent
                # The error's type alone, because an unforeseen message may quote a secret.
                note = f"stopped by an unforeseen {type(error).__name__}"
                return self._step(one, State.UNKNOWN if is_out else State.FAILED, note), True
            n_sent = one.n_sent + 1
            one = self._step(one, State.DELIVERED if n_sent == len(payloads) else State.DUE, note, n_sent=n_sent)
        return one, False

    def _step(self, one: Delivery, state: State, note: str, **changes: int) -> Delivery:
        return self._outbox.write(
            one.become(state, self._time(), redact(note, self._settings.secret_values), **changes)
        )

    def _time(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._began)
