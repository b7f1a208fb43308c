"""The outbox: one SQLite file beside the warehouse, mirrored to the journal step by step.

Every step is written to the journal first and then to the outbox, each flushed to the disk before going on. So a
process that dies leaves the two at most one step apart, and the one with the higher step is right. Either can be
rebuilt from the other; where both are lost, a restore records that, and deliveries open then wait for an operator.

SQLite's rollback journal is used, not a write-ahead log, so that between two steps one file holds everything and may
be copied.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flows.delivery import delivery as record
from flows.delivery import unknown_outcome
from flows.delivery.delivery import OPEN, Delivery, State, to_event
from flows.delivery.edition import Edition
from flows.delivery.serialized import body_hash, deserialize, serialize
from flows.errors import DeliveryError
from flows.home.lock import hold_lock

FILE = "outbox.sqlite"
LOCK = "outbox.lock"

# How long an edition is kept so that it can be sent again.
KEPT = timedelta(weeks=8)

SCHEMA = """
create table if not exists delivery (
    week text not null, channel text not null, body_sha256 text not null, state text not null,
    n_attempts integer not null, n_parts integer not null, n_sent integer not null,
    enqueued_at text not null, deadline_at text not null, reached_at text not null, told text not null,
    step integer not null, primary key (week, channel)
) strict;
create table if not exists edition (
    body_sha256 text primary key, week text not null, kept_at text not null, packed blob not null
) strict;
"""

INTERRUPTED = "the process ended between sending and recording"


class Outbox:
    """Deliveries and their editions. Made by `open_outbox`, which holds the lock meanwhile."""

    def __init__(self, connection: sqlite3.Connection, home: Path) -> None:
        self._connection = connection
        self._home = home

    def deliveries(self, *states: State) -> list[Delivery]:
        """Deliveries in one of these states, or all; oldest week first."""
        marks = ", ".join("?" * len(states))
        where = f"where state in ({marks})" if states else ""
        return self._read(f"select * from delivery {where} order by week, channel", *states)

    def delivery(self, key: str) -> Delivery | None:
        """The delivery of this key, or None."""
        found = self._read("select * from delivery where week || '/' || channel = ?", key)
        return found[0] if found else None

    def write(self, one: Delivery) -> Delivery:
        """Record a step in the journal and in the outbox; durable when this returns."""
        record.write(self._home, one)
        self._put(one)
        return one

    def keep(self, edition: Edition, at: datetime) -> str:
        """Keep an edition until well after its week; return its hash."""
        sha256 = body_hash(edition)
        with self._connection:
            self._connection.execute("delete from edition where kept_at < ?", [(at - KEPT).isoformat()])
            self._connection.execute(
                "insert or replace into edition values (?, ?, ?, ?)",
                [sha256, edition.week, at.isoformat(), serialize(edition)],
            )
        return sha256

    def edition(self, sha256: str) -> Edition | None:
        """A kept edition; None where it is missing, as after a restore."""
        row = self._connection.execute("select packed from edition where body_sha256 = ?", [sha256]).fetchone()
        return deserialize(row[0]) if row else None

    def reconcile(self) -> None:
        """Bring the outbox and the journal to the same step of every delivery, whichever of the two is behind."""
        ours, recorded = {one.key: one for one in self.deliveries()}, record.read(self._home)
        for key, one in record.latest([*ours.values(), *recorded.values()]).items():
            if key not in recorded or one.step > recorded[key].step:
                record.write(self._home, one)
            if key not in ours or one != ours[key]:
                self._put(one)

    def settle_interrupted(self, repeatable: set[str], at: datetime) -> None:
        """End the deliveries in state `sending`: the lock is ours, so the process that was sending them has died.

        On the `repeatable` channels they may be sent again; elsewhere their outcome is unknown.
        """
        for one in self.deliveries(State.SENDING):
            state = State.FAILED if one.channel in repeatable else State.UNKNOWN
            self.write(one.become(state, at, INTERRUPTED))

    def settle_restored(self, repeatable: set[str], hours: float, at: datetime) -> None:
        """Mark as unknown the deliveries that were open at a restore without outbox, but on `repeatable` channels.

        `hours` is the setting `delivery_deadline_hours`.
        """
        for one in self.deliveries(*OPEN):
            restored_at = self.restore_without_outbox(one.week, hours)
            if restored_at and one.reached_at < restored_at and one.channel not in repeatable:
                self.write(one.become(State.UNKNOWN, at, unknown_outcome.message(restored_at)))

    def restore_without_outbox(self, week: str, hours: float) -> datetime | None:
        """The restore that makes it unknown whether a week was sent, if any."""
        return unknown_outcome.restore_without_outbox(self._home, week, hours)

    def _read(self, sql: str, *values: str) -> list[Delivery]:
        cursor = self._connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [record.from_event(dict(zip(names, row, strict=True))) for row in cursor]

    def _put(self, one: Delivery) -> None:
        values = _plain(one)
        marks = ", ".join("?" * len(values))
        with self._connection:
            self._connection.execute(
                f"insert or replace into delivery ({', '.join(values)}) values ({marks})", list(values.values())
            )


@contextmanager
def open_outbox(home: Path, holder: str, *, wait_seconds: float = 0) -> Iterator[Outbox]:
    """The outbox, for one process at a time, reconciled with the journal.

    Raises LockHeld while another process delivers, DeliveryError where the file is no outbox.
    """
    with hold_lock(home, holder, wait_seconds=wait_seconds, name=LOCK):
        path = home / FILE
        connection = sqlite3.connect(path)
        try:
            connection.execute("pragma journal_mode = delete")
            connection.execute("pragma synchronous = extra")
            connection.executescript(SCHEMA)
            outbox = Outbox(connection, home)
            outbox.reconcile()
            yield outbox
        except (sqlite3.DatabaseError, OSError) as error:
            raise DeliveryError(
                f"{path} cannot be used: {error}. Make room if the disk is full; if it is damaged, set it aside and "
                "run again: it is rebuilt from the journal, and nothing is sent a second time."
            ) from error
        finally:
            connection.close()


def _plain(one: Delivery) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in to_event(one).items()}
