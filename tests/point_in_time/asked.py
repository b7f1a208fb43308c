"""A source like a paid API: it delivers only the days and tokens that were requested."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from flows.home.raw_store import FetchedDataset, Response
from flows.sources.base import FetchRequest
from flows.sources.files import FilesSource

MOMENTS = {"prices": "bar_start", "signals": "signal_at"}


class AskedSource(FilesSource):
    """A folder read like an API: only the requested days and tokens are delivered."""

    delivers_whole = False

    def __init__(self, folder: Path, *, is_archive: bool = True) -> None:
        super().__init__(folder, "vendor")
        self.is_archive = is_archive

    def fetch(self, wanted: FetchRequest) -> Iterator[FetchedDataset]:
        for name in ("tokens", "prices", "signals"):
            rows = pd.read_parquet(self.folder / f"{name}.parquet")
            if name in MOMENTS:
                days = rows[MOMENTS[name]].dt.normalize()
                if wanted.since is not None:
                    rows, days = rows[days >= pd.Timestamp(wanted.since)], days[days >= pd.Timestamp(wanted.since)]
                if wanted.until is not None:
                    rows = rows[days <= pd.Timestamp(wanted.until)]
            if wanted.token_ids is not None:
                rows = rows[rows["token_id"].isin(wanted.token_ids)]
            yield FetchedDataset(
                name,
                (Response(f"{name}.parquet", rows.to_parquet()),),
                since=wanted.since,
                declaration=self.declaration.text_of(name),
            )
