"""What a source is: a name, the datasets it delivers, and a fetch as of a moment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import duckdb

from flows.datasets import Dataset
from flows.home.raw_store import Delivery
from flows.timeframes import DEFAULT


@dataclass(frozen=True)
class Wanted:
    """What a fetch is to bring: the source as it stands at `as_of` (UTC, no zone), and how much of it.

    A source whose calls cost something asks only for the `timeframes`, the days `since`..`until` (both included, None
    is what the source takes for the newest) and the `token_ids` (None is all) named. One that delivers whole files may
    deliver more: rows that say nothing new add nothing. `home` is where a source keeps what it has paid for, `run_id`
    the run that its ledgers name.
    """

    as_of: datetime
    home: Path
    timeframes: tuple[str, ...] = DEFAULT
    since: date | None = None
    until: date | None = None
    token_ids: frozenset[int] | None = None
    run_id: str | None = None


class Source(Protocol):
    """Where rows come from.

    `name` and `vendor` label what it delivers. `is_archive` says that old data is no fault (no freshness warning
    beyond a remark), and that it can be read again at any time; what another source has delivered once is gone, and is
    loaded by a later run if its own could not. `is_simulated` stamps every page made from it. `told` is what an
    operator should hear of the last fetch. `delivers_whole` says that it delivers all it has, whatever is wanted;
    `no_history` names the datasets whose past it does not offer: a day that was missed is lost.
    """

    name: str
    vendor: str
    is_archive: bool
    is_simulated: bool
    told: Sequence[str]
    delivers_whole: bool
    no_history: frozenset[str]

    def default_as_of(self) -> datetime | None:
        """The moment a run lives at when nobody says one; None is our wall clock."""

    def fetch(self, wanted: Wanted) -> Iterator[Delivery]:
        """Deliver each dataset as the source holds it at `wanted.as_of`.

        Raises SourceError, naming what could not be read and what to do, where the source cannot deliver.
        """

    def parse(
        self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: list[Path]
    ) -> duckdb.DuckDBPyRelation:
        """Read kept bodies of one dataset into rows, columns named as they came.

        Raises SourceError where a body cannot be read.
        """


@runtime_checkable
class PaidByTheCall(Protocol):
    """A source whose calls cost something: it is told of all fetches of a run before the first, and after the last."""

    def begin(self, readings: Sequence[Wanted]) -> None:
        """Get ready for these fetches. Raises CreditsSpent where the month does not pay for all of them."""

    def settle(self) -> None:
        """Let go of what was held for a run that dies half way: everything that was fetched is kept."""
