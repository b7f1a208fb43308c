"""The `sample` source: the project's own simulated market, as its vendor would have delivered it at any moment."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.datasets import DATASETS, Dataset
from flows.home.raw_store import FetchedDataset, Kept, Response
from flows.sources import sample
from flows.sources.base import FetchRequest, Part
from flows.sources.tabular import read_parts


class SampleSource:
    """The bundled simulated market. Its as-of moment defaults to the end of the simulation."""

    name = "sample"
    vendor = sample.VENDOR
    is_archive = True
    is_simulated = True
    notes: Sequence[str] = ()
    delivers_whole = True
    no_history: frozenset[str] = frozenset()

    def default_as_of(self) -> datetime | None:
        return sample.SAMPLE_END

    def fetch(self, request: FetchRequest) -> Iterator[FetchedDataset]:
        """Deliver each dataset as the vendor had it at `request.as_of`, in the timeframes asked for, as Parquet."""
        as_of = request.as_of
        tables = sample.snapshot_at(sample.simulate(), as_of)
        for name in (name for name in DATASETS if name in tables):
            table = tables[name]
            if DATASETS[name].has_timeframe:
                table = table.filter(pc.field("timeframe").isin(list(request.timeframes)))
            yield FetchedDataset(name, (Response(f"{name}.parquet", _as_parquet(table), {"as_of": as_of.isoformat()}),))

    def parse(self, connection: duckdb.DuckDBPyConnection, dataset: Dataset, kept: Kept) -> Sequence[Part]:
        return read_parts(connection, dataset, kept)


def _as_parquet(table: pa.Table) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
