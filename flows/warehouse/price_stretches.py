"""The stretches of tokens whose price sources contest each other, found from all that was delivered of them."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import duckdb
import pyarrow as pa

from flows.scoring.price_stretches import EVER, Bar, Grid, price_stretches
from flows.timeframes import TIMEFRAMES

# Bars that are in memory at once.
BATCH = 50_000

SECOND = 1_000_000

Row = tuple[str, int, int, str, int, float, bool, bool]


def find_stretches(connection: duckdb.DuckDBPyConnection, *, bars: str, snapshots: str, scope: str) -> pa.Table:
    """The stretches of the tokens in the scope; one that is not contested has one."""
    rows: list[tuple[str, int, str, int | None, int | None]] = [
        (*token, None, None)
        for token in connection.execute(
            f"select timeframe, token_id, price_source from {scope} where not is_contested"
        ).fetchall()
    ]
    for (timeframe, token_id), of_token in groupby(_versions(connection, bars, snapshots, scope), itemgetter(0, 1)):
        declared = TIMEFRAMES[timeframe]
        grid = Grid(declared.seconds * SECOND, declared.tolerated_seconds * SECOND)
        deliveries = ((Bar(*row[3:]) for row in delivery) for _, delivery in groupby(of_token, itemgetter(2)))
        stretches = price_stretches(deliveries, grid)
        starts = [None if one.used_from == EVER else one.used_from for one in stretches]
        for stretch, start, end in zip(stretches, starts, [*starts[1:], None], strict=True):
            rows.append((timeframe, token_id, stretch.source, start, end))
    names = ("timeframe", "token_id", "price_source", "used_from", "used_to")
    types = (pa.string(), pa.int64(), pa.string(), pa.int64(), pa.int64())
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=list(names))


def _versions(connection: duckdb.DuckDBPyConnection, bars: str, snapshots: str, scope: str) -> Iterator[Row]:
    """Every closed version of the bars of contested tokens, by token, delivery, source and start."""
    reader = connection.execute(
        f"""
        select
            bar.timeframe, bar.token_id, dense_rank() over (order by snapshot.as_of, snapshot.snapshot_id) as delivery,
            coalesce(bar.price_source, '') as price_source, epoch_us(bar.bar_start) as start, bar.close,
            is_unmoved(bar.open, bar.high, bar.low, bar.close, bar.volume_usd) as is_unmoved,
            bar.volume_usd is not null as has_volume
        from {bars} as bar
        inner join {scope} as scope using (timeframe, token_id)
        inner join {snapshots} as snapshot using (snapshot_id)
        where scope.is_contested and not bar.is_preliminary
        order by bar.timeframe, bar.token_id, delivery, price_source, bar.bar_start
        """
    ).to_arrow_reader(BATCH)
    for batch in reader:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
