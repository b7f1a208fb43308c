"""`signal_scorecard` and `token_scorecard` (contract, section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .calls import Coverage
from .clock import TIMEFRAME_US, as_int
from .inference import (
    Blocks,
    benjamini_hochberg,
    block_sums,
    clustered_variance,
    e_value,
    n_effective,
    shrink,
    t_interval,
    t_quantile,
    variance_of_hit_rate,
    variance_of_mean,
    wilson,
)
from .outcomes import no_window_hits

DIRECTIONS = {"bullish": (1,), "bearish": (-1,), "both": (1, -1)}
PROVENANCES = ("witnessed", "attested", "backfill", "all")
FAMILY = ["vendor", "provenance", "entry_rule", "timeframe", "horizon"]

METRICS = [
    "n_calls", "n_tokens", "n_open", "n_truncated", "n_excluded", "n_unpriced", "hit_rate", "hit_rate_floor",
    "base_rate", "coverage_edge", "edge", "n_matched", "selection_edge", "timing_edge", "n_clusters",
    "n_effective", "hit_rate_low", "hit_rate_high", "selection_low", "selection_high", "selection_p", "selection_e",
    "edge_low", "edge_high", "edge_p", "edge_e", "selection_q", "edge_q", "hit_rate_shrunk", "mean_gross_return",
    "mean_return", "median_return", "base_return", "excess_return", "excess_low", "excess_high",
    "profit_factor", "payoff_ratio", "mean_mae", "median_mae", "worst_mae", "mean_mfe", "n_wiped_out", "mean_drawdown",
    "p95_drawdown", "worst_drawdown", "is_reportable",
]  # fmt: skip


@dataclass(frozen=True)
class BaseCounts:
    """Scored windows of one group of tokens per entry_at: how many, and how many hits in either direction."""

    entry_at: NDArray[np.int64]
    n: NDArray[np.float64]
    hits: dict[int, NDArray[np.float64]]

    def between(self, first: int, last: int) -> BaseCounts:
        """The windows whose entry_at lies between the two moments, both included."""
        part = slice(*np.searchsorted(self.entry_at, [first, last + 1]))
        return BaseCounts(self.entry_at[part], self.n[part], {d: hits[part] for d, hits in self.hits.items()})

    def rate(self, direction: int) -> float:
        """Share of hits; NaN without windows."""
        total = self.n.sum()
        return float(self.hits[direction].sum() / total) if total else float("nan")


def count_base(hits: pd.DataFrame, by: str | None) -> dict[object, BaseCounts]:
    """BaseCounts per value of a column (or of all together, under the key 'all')."""
    key: object = hits[by] if by else pd.Series("all", index=hits.index, dtype=object)
    sums = hits.groupby([key, "entry_at"], sort=True)[["hit_long", "hit_short"]].agg(["sum", "size"])
    found = {}
    for value, of_value in sums.groupby(level=0):
        part = of_value.droplevel(0)
        found[value] = BaseCounts(
            entry_at=part.index.to_numpy(dtype=np.int64),
            n=part["hit_long", "size"].to_numpy(dtype=np.float64),
            hits={1: part["hit_long", "sum"].to_numpy(), -1: part["hit_short", "sum"].to_numpy()},
        )
    return found


NO_WINDOWS = BaseCounts(np.empty(0, np.int64), np.empty(0), {1: np.empty(0), -1: np.empty(0)})


@dataclass(frozen=True)
class Cell:
    """Outcomes as arrays, for a whole table or for one cell of a scorecard."""

    token_id: NDArray[np.int64]
    direction: NDArray[np.int64]
    provenance: NDArray[np.object_]
    entry_rule: NDArray[np.object_]
    status: NDArray[np.object_]
    entry_at: NDArray[np.int64]
    hit: NDArray[np.bool_]  # False where not scored, like wiped
    wiped: NDArray[np.bool_]
    gross: NDArray[np.float64]
    net: NDArray[np.float64]
    mae: NDArray[np.float64]
    mfe: NDArray[np.float64]
    drawdown: NDArray[np.float64]
    base_hit: NDArray[np.float64]
    base_return: NDArray[np.float64]

    def where(self, mask: NDArray[np.bool_]) -> Cell:
        """The outcomes selected by a mask."""
        return Cell(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})

    def count(self, status: str) -> int:
        """How many outcomes have the status."""
        return int((self.status == status).sum())


def as_cell(outcomes: pd.DataFrame) -> Cell:
    """The columns of signal_outcome that a scorecard looks at."""

    def objects(name: str) -> NDArray[np.object_]:
        return outcomes[name].to_numpy(dtype=object)

    def floats(name: str) -> NDArray[np.float64]:
        return outcomes[name].to_numpy(dtype=np.float64)

    return Cell(
        token_id=outcomes["token_id"].to_numpy(dtype=np.int64),
        direction=outcomes["direction"].to_numpy(dtype=np.int64),
        provenance=objects("provenance"),
        entry_rule=objects("entry_rule"),
        status=objects("status"),
        entry_at=as_int(outcomes["entry_at"]),
        hit=outcomes["hit"].fillna(False).to_numpy(dtype=bool),
        wiped=outcomes["is_wiped_out"].fillna(False).to_numpy(dtype=bool),
        gross=floats("gross_return"),
        net=floats("net_return"),
        mae=floats("mae"),
        mfe=floats("mfe"),
        drawdown=floats("max_drawdown"),
        base_hit=floats("base_hit"),
        base_return=floats("base_return"),
    )


def score_cell(everything: Cell, covered: BaseCounts, priced: BaseCounts, width: int) -> dict[str, float]:
    """The columns of a cell that do not depend on other cells. `width` is h bars in microseconds.

    Names that begin with '_' are inputs of the intervals, which are computed for all cells at once.
    """
    is_truncated = everything.status == "truncated"
    is_scored = is_truncated | (everything.status == "matured")
    cell = everything.where(is_scored)
    n = len(cell.hit)
    row: dict[str, float] = {
        "n_calls": n,
        "n_tokens": len(np.unique(cell.token_id)),
        "n_open": everything.count("open"),
        "n_truncated": everything.count("truncated"),
        "n_excluded": everything.count("excluded"),
        "n_unpriced": everything.count("unpriced"),
        "n_matched": 0,
        "n_clusters": 0,
        "n_wiped_out": int(cell.wiped.sum()),
    }
    if n == 0:
        return row
    blocks = Blocks(width, cell.entry_at)
    b2 = blocks.count(2)
    n_hits = int(cell.hit.sum())
    hit_rate = n_hits / n
    row["n_clusters"] = b2
    row["hit_rate"] = hit_rate
    # Truncated and unpriced calls count as misses: the unpriced ones join the denominator.
    row["hit_rate_floor"] = int((everything.hit & ~is_truncated).sum()) / (n + row["n_unpriced"])
    row["n_effective"] = n_effective(hit_rate, variance_of_hit_rate(cell.hit, blocks), n, b2)

    # The base over the span of the cell, each direction weighted by the cell's own scored calls.
    first, last = int(cell.entry_at.min()), int(cell.entry_at.max())
    span = covered.between(first, last)
    span_priced = priced.between(first, last)
    share = {d: float((cell.direction == d).sum()) / n for d in (1, -1) if (cell.direction == d).any()}
    base_rate = sum(weight * span.rate(d) for d, weight in share.items())
    edge = hit_rate - base_rate
    row["base_rate"] = base_rate
    row["coverage_edge"] = base_rate - sum(weight * span_priced.rate(d) for d, weight in share.items())
    row["edge"] = edge
    row["_edge_variance"] = edge_variance(cell, span, share, edge, blocks)

    # Selection and timing: over the calls that have a matched base.
    matched = ~np.isnan(cell.base_hit)
    row["n_matched"] = int(matched.sum())
    if matched.any():
        matched_blocks = Blocks(width, cell.entry_at[matched])
        selection = cell.hit[matched] - cell.base_hit[matched]
        excess = cell.net[matched] - cell.base_return[matched]
        row["selection_edge"] = float(selection.mean())
        row["timing_edge"] = float((cell.base_hit[matched] - base_rate).mean())
        row["base_return"] = float(cell.base_return[matched].mean())
        row["excess_return"] = float(excess.mean())
        row["_matched_clusters"] = matched_blocks.count(2)
        row["_selection_variance"] = variance_of_mean(selection, matched_blocks)
        row["_excess_variance"] = variance_of_mean(excess, matched_blocks)

    # Returns and excursions.
    gains, losses = cell.net[cell.net > 0], cell.net[cell.net < 0]
    row["mean_gross_return"] = float(cell.gross.mean())
    row["mean_return"] = float(cell.net.mean())
    row["median_return"] = float(np.median(cell.net))
    if len(losses):
        row["profit_factor"] = float(gains.sum() / -losses.sum())  # 0 without a gain
        if len(gains):
            row["payoff_ratio"] = float(gains.mean() / -losses.mean())
    row["mean_mae"] = float(cell.mae.mean())
    row["median_mae"] = float(np.median(cell.mae))
    row["worst_mae"] = float(cell.mae.min())
    row["mean_mfe"] = float(cell.mfe.mean())
    row["mean_drawdown"] = float(cell.drawdown.mean())
    row["p95_drawdown"] = float(np.percentile(cell.drawdown, 5))  # linear interpolation
    row["worst_drawdown"] = float(cell.drawdown.min())
    return row


def edge_variance(cell: Cell, span: BaseCounts, share: dict[int, float], edge: float, blocks: Blocks) -> float:
    """V of the linearised edge.

    AMBIGUOUS: the sums of squares run over all blocks, those that hold only base windows too (their u_b is
    what the base rate's own uncertainty is); "only blocks that hold calls count towards B1, B2 and the
    degrees of freedom".
    """
    n = len(cell.hit)
    base_of = {d: span.rate(d) for d in share}
    own_base = np.where(cell.direction > 0, base_of.get(1, np.nan), base_of.get(-1, np.nan))
    call_part = (cell.hit - own_base - edge) / n
    base_part = sum(weight * (span.hits[d] - base_of[d] * span.n) / span.n.sum() for d, weight in share.items())
    sums = []
    for factor in (1, 2):
        call_blocks = blocks.numbers(factor)
        base_blocks = span.entry_at // (factor * blocks.width)
        lowest = int(min(call_blocks.min(), base_blocks.min(initial=call_blocks.min())))
        highest = int(max(call_blocks.max(), base_blocks.max(initial=call_blocks.max())))
        length = highest - lowest + 1
        sums.append(
            block_sums(call_blocks, call_part, lowest, length) - block_sums(base_blocks, base_part, lowest, length)
        )
    variance = clustered_variance(sums[0], sums[1], blocks.count(1), blocks.count(2))
    # The terms are about 1 and cancel, so anything below 1e-8 of a standard error is rounding noise.
    return 0.0 if variance <= 1e-16 else variance


# --- the two tables ----------------------------------------------------------------------------------------


def score_groups(
    outcomes: pd.DataFrame,
    hits: pd.DataFrame,
    coverage: Coverage,
    horizon: int,
    by: str,
    *,
    with_all: bool,
) -> Iterator[dict[str, object]]:
    """Rows of the cells of one vendor, timeframe and horizon, grouped by `by` (sector or token_id)."""
    covered_hits = hits[coverage.covers(hits["token_id"].to_numpy(), hits["entry_at"].to_numpy())]
    covered = count_base(covered_hits, by)
    priced = count_base(hits, by)
    cell = as_cell(outcomes)
    group_of = outcomes[by].to_numpy(dtype=object)
    groups: list[tuple[object, Cell]] = [(value, cell.where(group_of == value)) for value in sorted(set(group_of))]
    if with_all:
        covered |= count_base(covered_hits, None)
        priced |= count_base(hits, None)
        groups.append(("all", cell))
    width = horizon * coverage.step
    for value, group in groups:
        bases = covered.get(value, NO_WINDOWS), priced.get(value, NO_WINDOWS)
        for entry_rule in sorted(set(group.entry_rule)):
            of_rule = group.where(group.entry_rule == entry_rule)
            for direction, signs in DIRECTIONS.items():
                of_direction = of_rule.where(np.isin(of_rule.direction, signs))
                n_all = len(of_direction.hit)
                whole = score_cell(of_direction, *bases, width) if n_all else {}
                for provenance in PROVENANCES:
                    part = of_direction
                    if provenance != "all":
                        part = part.where(part.provenance == provenance)
                    if len(part.hit) == 0:
                        continue  # a cell with any call has a row; one without has none
                    # Where all calls have one provenance, its row equals that of `all` and is not computed twice.
                    numbers = whole if len(part.hit) == n_all else score_cell(part, *bases, width)
                    keys = {"direction": direction, "provenance": provenance, "entry_rule": entry_rule}
                    yield {by: value} | keys | numbers


def finish_scorecard(rows: list[dict[str, object]], by: str) -> pd.DataFrame:
    """Intervals, p, q, shrinkage and flags of all cells; `by` is sector or token_id."""
    ingredients = ["_edge_variance", "_selection_variance", "_excess_variance", "_matched_clusters"]
    keys = ["vendor", by, "timeframe", "horizon", "direction", "provenance", "entry_rule"]
    card = pd.DataFrame(rows).reindex(columns=[*keys, *METRICS, *ingredients])
    counts = [name for name in METRICS if name.startswith("n_") and name != "n_effective"]
    if card.empty:
        return card[[*keys, *METRICS]]
    card[counts] = card[counts].astype(np.int64)
    floats = [name for name in [*METRICS, *ingredients] if name not in [*counts, "is_reportable"]]
    card[floats] = card[floats].astype(np.float64)

    def values(name: str) -> NDArray[np.float64]:
        return card[name].to_numpy(dtype=np.float64)

    b2, matched_b2 = values("n_clusters"), values("_matched_clusters")
    with np.errstate(invalid="ignore", divide="ignore"):
        card["hit_rate_low"], card["hit_rate_high"] = wilson(values("hit_rate"), values("n_effective"), t_quantile(b2))
        card["selection_low"], card["selection_high"], card["selection_p"] = t_interval(
            values("selection_edge"), values("_selection_variance"), matched_b2
        )
        card["edge_low"], card["edge_high"], card["edge_p"] = t_interval(values("edge"), values("_edge_variance"), b2)
        card["excess_low"], card["excess_high"], _ = t_interval(
            values("excess_return"), values("_excess_variance"), matched_b2
        )
        card["selection_e"] = e_value(values("selection_p"), matched_b2)
        card["edge_e"] = e_value(values("edge_p"), b2)
    # 31 calls, each in a block of its own, are worth exactly 30, not 29.999...
    card["is_reportable"] = (card["n_effective"] >= 30 - 1e-9) & (card["n_clusters"] >= 10)

    is_leaf = (card[by] != "all") if by == "sector" else pd.Series(True, index=card.index)
    tested = card[is_leaf & (card["direction"] != "both") & (card["n_calls"] >= 30) & (card["n_clusters"] >= 10)]
    for _, family in tested.groupby(FAMILY):
        for name in ("selection", "edge"):
            card.loc[family.index, f"{name}_q"] = benjamini_hochberg(family[f"{name}_p"].to_numpy())
    shrunk = card[is_leaf & (card["n_calls"] > 0)]
    for _, family in shrunk.groupby([*FAMILY, "direction"]):
        card.loc[family.index, "hit_rate_shrunk"] = shrink(
            family["hit_rate"].to_numpy(), family["n_effective"].to_numpy()
        )
    return card[[*keys, *METRICS]].sort_values(keys, ignore_index=True)


def build_scorecards(
    outcomes: pd.DataFrame,
    hits_of: dict[tuple[str, int], pd.DataFrame],
    coverage_of: dict[tuple[str, str], Coverage],
    tokens: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`signal_scorecard` and `token_scorecard`.

    AMBIGUOUS: "the same per token without sectors" is read as: put the token where the sector stood.
    base_rate is of the token's own windows, q values run over token x direction, shrinkage over the tokens;
    no `all` rows. The calls' base_hit stays what it is in signal_outcome: the others of the sector.
    """
    by_sector: list[dict[str, object]] = []
    by_token: list[dict[str, object]] = []
    for (vendor, timeframe, horizon), part in outcomes.groupby(["vendor", "timeframe", "horizon"]):
        hits = hits_of.get((timeframe, horizon), no_window_hits())
        coverage = coverage_of[vendor, timeframe]
        assert coverage.step == TIMEFRAME_US[timeframe]
        cell_of = {"vendor": vendor, "timeframe": timeframe, "horizon": horizon}
        by_sector += [cell_of | row for row in score_groups(part, hits, coverage, horizon, "sector", with_all=True)]
        own = hits[hits["token_id"].isin(part["token_id"])]
        by_token += [cell_of | row for row in score_groups(part, own, coverage, horizon, "token_id", with_all=False)]
    token_card = finish_scorecard(by_token, "token_id").merge(tokens[["token_id", "symbol"]], on="token_id", how="left")
    return finish_scorecard(by_sector, "sector"), token_card
