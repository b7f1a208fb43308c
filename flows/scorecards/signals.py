"""The scorecards: cells gathered in SQL, completed with base rates, intervals, p and q values."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from flows.config import Settings
from flows.scorecards.bases import Base, Bases, Columns, Group, fetch, sector_bases, token_bases
from flows.scoring import inference
from flows.scoring.blocks import CallBlocks, EdgeCells, count_wide_blocks, edge_variance, mean_variance
from flows.scoring.series import LONG, SHORT, WINDOWS, Floats, Ints, Series

ReadBases = Callable[[duckdb.DuckDBPyConnection, str, tuple[int, ...]], Iterator[Bases]]


@dataclass(frozen=True)
class Card:
    """One kind of scorecard: its table, what its cells are gathered by, and the name of the cell over all, if any.

    `scope` names the groups and horizons that an increment computes, and where it infers (`is_rescored`), if not all.
    """

    table: str
    kind: str
    group: str
    all_groups: str | None
    scope: str | None

    @property
    def is_group(self) -> str:
        """SQL for whether a cell is one of a group, not the one over all."""
        return f"{self.group} <> '{self.all_groups}'" if self.all_groups else "true"

    @property
    def scope_key(self) -> str:
        """What a row of the scope says of."""
        return f"vendor, {self.group}, timeframe, horizon"


SIGNAL_CARD = Card("marts.signal_scorecard", "sector", "sector", "all", None)
TOKEN_CARD = Card("marts.token_scorecard", "token", "token_id", None, "temp.card_scope")


def write_scorecards(connection: duckdb.DuckDBPyConnection, settings: Settings, *, is_full: bool) -> None:
    """Write `marts.signal_scorecard` and `marts.token_scorecard` from the cells, blocks and base windows of the build.

    Of tokens there are many, so that an increment computes only the cards in `temp.card_scope`, infers only where a
    scored call of theirs changed, and keeps the others.
    """
    inferred: dict[Card, list[Columns]] = {SIGNAL_CARD: [], TOKEN_CARD: []}
    under_way: deque[tuple[Card, _Inference]] = deque()

    def finish_oldest() -> None:
        card, oldest = under_way.popleft()
        inferred[card].append(oldest.finish())

    with ThreadPoolExecutor(settings.threads) as pool:
        # The next bases are read while those before are inferred from; no more, or they would fill the memory.
        for card, read_bases in ((SIGNAL_CARD, sector_bases), (TOKEN_CARD, token_bases)):
            for begun in _begin_inference(connection, settings, card, read_bases, pool):
                under_way.append((card, begun))
                if len(under_way) > settings.threads:
                    finish_oldest()
        while under_way:
            finish_oldest()
    for card, parts in inferred.items():
        _keep(connection, card, _concatenate(parts), is_whole=is_full or card.scope is None)
        _write_comparisons(connection, card)


def _begin_inference(
    connection: duckdb.DuckDBPyConnection, settings: Settings, card: Card, read_bases: ReadBases, pool: Executor
) -> Iterator["_Inference"]:
    """Begin whatever takes inference in one kind of scorecard, one timeframe and horizon after the other."""
    for timeframe in settings.timeframes:
        cells = _fetch_cells(connection, card, timeframe)
        if len(cells["cell_id"]):
            blocks = _fetch_blocks(connection, card, timeframe)
            for bases in read_bases(connection, timeframe, settings.horizons[timeframe]):
                yield _Inference.begun(_at_horizon(cells, bases.horizon), blocks, bases, pool)


def _at_horizon(cells: Columns, horizon: int) -> Columns:
    is_at = cells["horizon"] == horizon
    return {name: values[is_at] for name, values in cells.items()}


@dataclass(frozen=True)
class _Inference:
    """Everything about the cells of one timeframe and horizon that takes inference, under way in pieces."""

    every: Columns
    own_ids: Ints
    pieces: Sequence[Future[tuple[Ints, Columns]]]

    @classmethod
    def begun(cls, every: Columns, blocks: CallBlocks, bases: Bases, pool: Executor) -> "_Inference":
        # Cells of different provenance that hold the same calls have the same numbers.
        is_own = every["calls_of"] == every["cell_id"]
        cells = {name: values[is_own] for name, values in every.items()}
        # A cell without base windows is in good hands anywhere.
        piece_of_cell = np.array([bases.piece.get(group, 0) for group in _groups(cells)], dtype=np.int64)

        def infer_piece(number: int) -> tuple[Ints, Columns]:
            mine = np.flatnonzero(piece_of_cell == number)
            own = {name: values[mine] for name, values in cells.items()}
            return mine, _infer_cells(own, blocks.of_cells(own["cell_id"]), bases.make[number](), bases.horizon)

        pieces = [pool.submit(infer_piece, number) for number in range(len(bases.make))]
        return cls(every, cells["cell_id"], pieces)

    def finish(self) -> Columns:
        """Wait for the pieces and put them together, a row for every cell."""
        parts = [piece.result() for piece in self.pieces]
        order = np.argsort(np.concatenate([mine for mine, _ in parts]))
        found = {name: np.concatenate([part[name] for _, part in parts])[order] for name in parts[0][1]}
        place = np.searchsorted(self.own_ids, self.every["calls_of"])
        return {"cell_id": self.every["cell_id"], **{name: values[place] for name, values in found.items()}}


def _infer_cells(cells: Columns, blocks: CallBlocks, base: Base, horizon: int) -> Columns:
    """Base rates, variances and intervals of cells that each hold calls of their own."""
    n_cells = len(cells["cell_id"])
    n, hit_rate = cells["n_calls"], cells["hit_rate"]

    edges = _edge_cells(cells, base)
    base_rate = _weighted(edges.base_long, edges.base_short, cells)
    priced_long, priced_short = _rates(_span_sums(cells, base, base.priced))

    hit_variance, _ = mean_variance(blocks, "n_hits", "n_calls", n_cells)
    n_clusters = count_wide_blocks(blocks, n_cells)
    n_effective = inference.effective_size(hit_rate, hit_variance, n, n_clusters)
    hit_low, hit_high = inference.wilson_interval(hit_rate, n_effective, inference.t_quantile(n_clusters))

    matched = blocks.of(blocks.n_matched > 0)
    selection_variance, n_matched_clusters = mean_variance(matched, "selection", "n_matched", n_cells)
    selection = inference.t_interval(cells["selection_edge"], selection_variance, n_matched_clusters)
    excess_variance, _ = mean_variance(matched, "excess", "n_matched", n_cells)
    excess = inference.t_interval(cells["excess_return"], excess_variance, n_matched_clusters)
    edge = inference.t_interval(edges.edge, *edge_variance(blocks, base.covered, horizon, edges, n_cells))

    return {
        "base_rate": base_rate,
        "coverage_edge": base_rate - _weighted(priced_long, priced_short, cells),
        "edge": edges.edge,
        "timing_edge": cells["mean_base_hit"] - base_rate,
        "n_clusters": n_clusters,
        "n_effective": n_effective,
        "hit_rate_low": hit_low,
        "hit_rate_high": hit_high,
        "selection_low": selection[0],
        "selection_high": selection[1],
        "selection_p": selection[2],
        "edge_low": edge[0],
        "edge_high": edge[1],
        "edge_p": edge[2],
        "excess_low": excess[0],
        "excess_high": excess[1],
        "is_reportable": (n_effective >= inference.MIN_EFFECTIVE) & (n_clusters >= inference.MIN_CLUSTERS),
    }


def _compare(cards: Columns) -> Columns:
    """What a card owes to the others of its family: q values and the shrunk hit rate."""
    is_tested = (
        cards["is_leaf"]
        & (cards["n_calls"] >= inference.MIN_CALLS_FOR_Q)
        & (cards["n_clusters"] >= inference.MIN_CLUSTERS)
    )

    def q_values(p: Floats) -> Floats:
        return inference.benjamini_hochberg(np.where(is_tested, p, np.nan), cards["q_family"])

    return {
        "card_id": cards["card_id"],
        "selection_q": q_values(cards["selection_p"]),
        "edge_q": q_values(cards["edge_p"]),
        "hit_rate_shrunk": inference.shrink(
            cards["hit_rate"], cards["n_effective"], cards["shrink_family"], cards["is_group"]
        ),
    }


def _edge_cells(cells: Columns, base: Base) -> EdgeCells:
    """Base rates of both directions over each cell's span, and how a base window enters the linearised edge."""
    sums = _span_sums(cells, base, base.covered)
    base_long, base_short = _rates(sums)
    n, n_long = cells["n_calls"], cells["n_bullish"]
    # A direction without calls has no part in the edge, whatever its base rate.
    base_long, base_short = np.where(n_long > 0, base_long, 0), np.where(n_long < n, base_short, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        n_windows = np.where(sums[WINDOWS] > 0, sums[WINDOWS], np.nan)
        weight_long, weight_short = n_long / n / n_windows, (n - n_long) / n / n_windows
    weights = np.stack([weight_long, weight_short, -(weight_long * base_long + weight_short * base_short)])
    return EdgeCells(
        group=_places(cells, base),
        first=cells["first_step"],
        last=cells["last_step"],
        n=n,
        edge=cells["hit_rate"] - _weighted(base_long, base_short, cells),
        base_long=base_long,
        base_short=base_short,
        weights=weights,
    )


def _span_sums(cells: Columns, base: Base, series: Series) -> Ints:
    return series.sums(_places(cells, base), cells["first_step"], cells["last_step"])


def _places(cells: Columns, base: Base) -> Ints:
    """Where each cell's group stands in the series; one without base windows, at its end, where there are none."""
    return np.array([base.groups.get(group, len(base.groups)) for group in _groups(cells)], dtype=np.int64)


def _groups(cells: Columns) -> Iterator[Group]:
    return zip(cells["vendor_id"].tolist(), cells["group"].tolist(), strict=True)


def _rates(sums: Ints) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[LONG] / sums[WINDOWS], sums[SHORT] / sums[WINDOWS]


def _weighted(rate_long: Floats, rate_short: Floats, cells: Columns) -> Floats:
    """The two directions' rates, weighted by the cell's own scored calls."""
    n, n_long = cells["n_calls"], cells["n_bullish"]
    of_long = np.where(n_long > 0, n_long * rate_long, 0)
    of_short = np.where(n_long < n, (n - n_long) * rate_short, 0)
    return np.asarray((of_long + of_short) / n)


# --- reading -----------------------------------------------------------------------------------------------


def _fetch_cells(connection: duckdb.DuckDBPyConnection, card: Card, timeframe: str) -> Columns:
    """The cells of a timeframe that take inference, which those with scored calls do, in order of their id."""
    scope = f"semi join (from {card.scope} where is_rescored) using ({card.scope_key})" if card.scope else ""
    return fetch(
        connection,
        f"""
        select
            cell_id, calls_of, vendor_id, {card.group} as "group", horizon, n_calls, n_bullish, hit_rate,
            selection_edge, mean_base_hit, excess_return,
            bar_number(timeframe, first_entry_at) as first_step,
            bar_number(timeframe, last_entry_at) as last_step
        from temp.{card.kind}_cell
        inner join work.vendor using (vendor)
        {scope}
        where timeframe = '{timeframe}' and n_calls > 0
        order by cell_id
        """,
    )


def _fetch_blocks(connection: duckdb.DuckDBPyConnection, card: Card, timeframe: str) -> CallBlocks:
    """The blocks of the cells of a timeframe that have their numbers from no other."""
    rows = fetch(
        connection,
        f"""
        select cell_id as cell, block, part, n_calls, n_bullish, n_hits, n_matched, selection, excess
        from temp.{card.kind}_cell_block
        where timeframe = '{timeframe}'
        """,
    )
    return CallBlocks.gathered(**rows)


# --- writing -----------------------------------------------------------------------------------------------


def _concatenate(parts: list[Columns]) -> pa.Table:
    if not parts:
        return _EMPTY
    return _as_table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def _as_table(columns: Columns) -> pa.Table:
    return pa.table(
        {
            name: pa.array(values, mask=np.isnan(values)) if values.dtype == np.float64 else pa.array(values)
            for name, values in columns.items()
        }
    )


_EMPTY = pa.schema(
    [("cell_id", pa.int64())]
    + [(name, pa.float64()) for name in ("base_rate", "coverage_edge", "edge", "timing_edge")]
    + [("n_clusters", pa.int64())]
    + [
        (name, pa.float64())
        for name in (
            "n_effective",
            "hit_rate_low",
            "hit_rate_high",
            "selection_low",
            "selection_high",
            "selection_p",
            "edge_low",
            "edge_high",
            "edge_p",
            "excess_low",
            "excess_high",
        )
    ]
    + [("is_reportable", pa.bool_())]
).empty_table()


def _keep(connection: duckdb.DuckDBPyConnection, card: Card, inferred: pa.Table, *, is_whole: bool) -> None:
    """Write the cards just computed to the public table: as the whole of it, or in the place of those they replace.

    New ones stand after the others: the table is in no order.
    """
    connection.register("inferred", inferred)
    if is_whole:
        connection.execute(f"create or replace table {card.table} as {_cards(card, 'inferred')} order by cell_id")
    else:
        columns = ", ".join(f"old.{name}" for name in inferred.column_names if name != "cell_id")
        connection.execute(
            f"""
            create or replace temporary table inferred_before as
            select cell.cell_id, {columns}
            from temp.{card.kind}_cell as cell
            semi join (from {card.scope} where not is_rescored) using ({card.scope_key})
            inner join {card.table} as old using ({card.scope_key}, direction, provenance, entry_rule)
            """
        )
        is_same = " and ".join(f"old.{name} = scope.{name}" for name in card.scope_key.split(", "))
        connection.execute(f"delete from {card.table} as old using {card.scope} as scope where {is_same}")
        every = "(from inferred union all by name from inferred_before)"
        connection.execute(f"insert into {card.table} by name {_cards(card, every)}")
        connection.execute("drop table inferred_before")
    connection.unregister("inferred")


def _cards(card: Card, inferred: str) -> str:
    """The select of cards from their cells and, where they hold scored calls, what is inferred from these."""
    symbol = "" if card.all_groups else "current_token.symbol,"
    tokens = "" if card.all_groups else "left join work.current_token as current_token using (token_id)"
    return f"""
        select
            cell.vendor, cell.{card.group}, {symbol} cell.timeframe, cell.horizon, cell.direction, cell.provenance,
            cell.entry_rule,
            cell.n_calls, cell.n_tokens, cell.n_open, cell.n_truncated, cell.n_excluded, cell.n_unpriced,
            cell.hit_rate, cell.hit_rate_floor, inferred.base_rate, inferred.coverage_edge, inferred.edge,
            cell.n_matched, cell.selection_edge, inferred.timing_edge,
            coalesce(inferred.n_clusters, 0) as n_clusters, inferred.n_effective,
            inferred.hit_rate_low, inferred.hit_rate_high,
            inferred.selection_low, inferred.selection_high, inferred.selection_p,
            inferred.edge_low, inferred.edge_high, inferred.edge_p,
            null::double as selection_q, null::double as edge_q, null::double as hit_rate_shrunk,
            cell.mean_gross_return, cell.mean_return, cell.median_return,
            cell.base_return, cell.excess_return, inferred.excess_low, inferred.excess_high,
            cell.profit_factor, cell.payoff_ratio,
            cell.mean_mae, cell.worst_mae, cell.mean_mfe, cell.n_wiped_out,
            cell.mean_drawdown, cell.p95_drawdown, cell.worst_drawdown,
            coalesce(inferred.is_reportable, false) as is_reportable
        from temp.{card.kind}_cell as cell
        left join {inferred} as inferred using (cell_id)
        {tokens}
    """


def _write_comparisons(connection: duckdb.DuckDBPyConnection, card: Card) -> None:
    """Give every card of the public table what it owes to the others: each card that moves, moves them all."""
    compared = _compare(
        fetch(
            connection,
            f"""
            with family as (
                select
                    *,
                    dense_rank() over (order by timeframe, horizon, vendor, provenance, entry_rule) as q_family,
                    row_number() over (
                        order by timeframe, horizon, vendor, provenance, entry_rule, direction
                    ) as shrink_family
                from (select distinct timeframe, horizon, vendor, provenance, entry_rule, direction from {card.table})
            )

            select
                card.rowid as card_id, n_calls, n_clusters, hit_rate, n_effective, selection_p, edge_p,
                {card.is_group} as is_group,
                {card.is_group} and direction <> 'both' as is_leaf,
                q_family, shrink_family
            from {card.table} as card
            inner join family using (timeframe, horizon, vendor, provenance, entry_rule, direction)
            where n_calls > 0
            order by {card.group}
            """,
        )
    )
    connection.register("compared", _as_table(compared))
    connection.execute(
        f"""
        update {card.table} as card
        set
            selection_q = compared.selection_q,
            edge_q = compared.edge_q,
            hit_rate_shrunk = compared.hit_rate_shrunk
        from compared
        where card.rowid = compared.card_id
        """
    )
    connection.unregister("compared")
