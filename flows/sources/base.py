"""The protocol of a source: a name, the datasets it delivers, and a fetch as of a moment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import duckdb

from flows.datasets import Dataset
from flows.home.raw_store import FetchedDataset, Kept
from flows.timeframes import DEFAULT


@dataclass(frozen=True)
class FetchRequest:
    """One request to a source: its data as known at `as_of` (UTC, no zone), and how much of it.

    A source that pays by the request asks only for these `timeframes`, days `since`..`until` (both included, None is
    the newest the source has) and `token_ids` (None is all). One that delivers whole files may deliver more, because
    rows without news add nothing. A source stores pages it has paid for in `home`; its ledgers name `run_id`.
    """

    as_of: datetime
    home: Path
    timeframes: tuple[str, ...] = DEFAULT
    since: date | None = None
    until: date | None = None
    token_ids: frozenset[int] | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Part:
    """Rows that were read together, columns named and typed as they came: those of one body, or of all.

    `name` is the source's name of the body; None where the rows are of several. `after` is what to do about an error
    that shows only when the rows are read: it gives the rows once more, or raises SourceError with the reason.
    """

    rows: duckdb.DuckDBPyRelation
    name: str | None = None
    after: Callable[[duckdb.Error], duckdb.DuckDBPyRelation] | None = None


class Source(Protocol):
    """Where rows come from.

    `name` and `vendor` label its data. `is_archive`: old data is no fault (no freshness warning beyond a remark), and
    it can be read again at any time; data of any other source comes once, and a later run loads it if its own could
    not. `is_simulated` marks every page made from it. `notes` are for the operator, about the last fetch.
    `delivers_whole`: it always delivers everything, whatever is requested. `no_history` names the datasets whose past
    it does not offer: a missed day is lost.
    """

    name: str
    vendor: str
    is_archive: bool
    is_simulated: bool
    notes: Sequence[str]
    delivers_whole: bool
    no_history: frozenset[str]

    def default_as_of(self) -> datetime | None:
        """The as-of moment of a run for which none is given; None is our wall clock."""

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver each dataset as the source has it at `request.as_of`.

        Raises SourceError, naming what could not be read and what to do, where the source cannot deliver.
        """

    def parse(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> Sequence[Part]:
        """Read kept bodies of one dataset into rows, columns named as they came; parts may differ in their columns.

        Raises SourceError where a body cannot be read.
        """


@runtime_checkable
class PaidByRequest(Protocol):
    """A source whose requests cost something: it sees all of a run before the first, and gets word after the last."""

    def begin(self, requests: Sequence[FetchRequest]) -> None:
        """Prepare for these requests. Raises CreditsSpent where the month's credits do not pay for all of them."""

    def settle(self) -> None:
        """Delete what was stored for the case that the run dies: all that was fetched is in `raw/` now."""
