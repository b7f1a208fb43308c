"""The scorecard in the digest: cells, marks after the correction, and when small cells will be reportable."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from scipy import stats

from flows.report.digest.model import Cell, Estimate, LastWeek, Provenance
from flows.report.digest.moment import File
from flows.report.pace import enough_at
from flows.scoring.inference import CONFIDENCE, benjamini_hochberg
from flows.timeframes import headline_horizon

# The false discovery rate allowed over a year of digests; each week gets a 52nd of it.
YEARLY_ERROR = 0.10
MARK_LEVEL = YEARLY_ERROR / 52

POWER = 0.80

# What is tested in a cell, and the columns that name one.
TESTS = ("edge", "selection")
CELL_KEY = ("vendor", "timeframe", "sector", "horizon", "direction")

# One row per vendor, timeframe, sector, horizon and direction, over all provenances, entered at the next open.
CELLS = """
with spans as (
    select
        vendor, timeframe, horizon, coalesce(sector, 'all') as sector, coalesce(side, 'both') as direction,
        min(entry_at) as first_entry_at,
        greatest(max(entry_at), any_value(newest_end - (due_at - entry_at))) as last_entry_at
    from (
        select *, if(direction = 1, 'bullish', 'bearish') as side
        from scored
        where entry_rule = 'next_open' and vendor in (select unnest($vendors))
    )
    group by vendor, timeframe, horizon, grouping sets ((sector, side), (sector), (side), ())
),

last_week as (
    select
        vendor, sector, timeframe, horizon, direction, n_calls as last_n_calls, n_effective as last_n_effective,
        hit_rate as last_hit_rate, hit_rate_low as last_hit_rate_low, hit_rate_high as last_hit_rate_high,
        is_reportable as last_is_reportable
    from last_card
    where provenance = 'all' and entry_rule = 'next_open'
),

-- By the week's moment, as the pace is that of the present.
newest as (
    select vendor, timeframe, max(signal_at) as newest_signal_at
    from core.signal
    where revision = 0 and snapshot_id not in (from later_snapshot)
    group by all
)

select
    card.*,
    newest.newest_signal_at,
    spans.* exclude (vendor, timeframe, horizon, sector, direction),
    last_week.* exclude (vendor, timeframe, horizon, sector, direction)
from card
left join spans using (vendor, timeframe, horizon, sector, direction)
left join last_week using (vendor, timeframe, horizon, sector, direction)
left join newest using (vendor, timeframe)
where
    card.provenance = 'all' and card.entry_rule = 'next_open' and card.vendor in (select unnest($vendors))
    -- A cell with neither scored nor open calls, such as one of tokens that are never scored, is not shown.
    and card.n_calls + card.n_open > 0
order by
    list_position($vendors, card.vendor), card.timeframe, card.sector <> 'all', card.sector, card.horizon,
    array_position(['both', 'bullish', 'bearish'], card.direction)
"""

# Every cell that is tested, of every vendor: which of them are shown must not make their marks cheaper.
TESTED = """
select vendor, timeframe, sector, horizon, direction, edge_p, selection_p
from card
where provenance = 'all' and entry_rule = 'next_open' and selection_q is not null and n_calls + n_open > 0
order by vendor, timeframe, sector, horizon, direction
"""

PROVENANCES = """
select *
from card
where sector = 'all' and direction = 'both' and vendor in (select unnest($vendors))
order by array_position(['all', 'witnessed', 'attested', 'backfill'], provenance), entry_rule
"""


def read_cells(file: File, vendors: Sequence[str]) -> tuple[dict[tuple[str, str], tuple[Cell, ...]], int]:
    """The cells of some vendors, in their order, by vendor and timeframe; and how many tests there are."""
    q, n_tests = _digest_q(file)
    tracks: dict[tuple[str, str], list[Cell]] = {}
    for row in file.rows(CELLS, vendors=vendors):
        for kind in TESTS:
            row[f"digest_{kind}_q"] = q.get((kind, *(row[name] for name in CELL_KEY)))
        tracks.setdefault((row["vendor"], row["timeframe"]), []).append(_cell(row))
    return {key: tuple(cells) for key, cells in tracks.items()}, n_tests


def _digest_q(file: File) -> tuple[dict[tuple[Any, ...], float], int]:
    """q values by the test and its cell, of one family for the whole digest: every vendor, sector, side and horizon."""
    tests = [
        ((kind, *(row[name] for name in CELL_KEY)), row[f"{kind}_p"])
        for row in file.rows(TESTED)
        for kind in TESTS
        if row[f"{kind}_p"] is not None
    ]
    p = np.array([value for _, value in tests], dtype=np.float64)
    q = benjamini_hochberg(p, np.zeros(len(p), dtype=np.int64))
    return {key: float(value) for (key, _), value in zip(tests, q, strict=True)}, len(tests)


def read_provenances(file: File, vendors: Sequence[str]) -> dict[tuple[str, str, int], tuple[Provenance, ...]]:
    """The pooled cell of each provenance and entry rule, by vendor, timeframe and horizon."""
    found: dict[tuple[str, str, int], tuple[Provenance, ...]] = {}
    for row in file.rows(PROVENANCES, vendors=vendors):
        key = (row["vendor"], row["timeframe"], row["horizon"])
        found[key] = (
            *found.get(key, ()),
            Provenance(
                provenance=row["provenance"],
                entry_rule=row["entry_rule"],
                n_calls=row["n_calls"],
                n_effective=row["n_effective"],
                is_reportable=row["is_reportable"],
                hit_rate=_estimate(row, "hit_rate") if row["is_reportable"] else None,
                edge=_estimate(row, "edge") if row["is_reportable"] else None,
            ),
        )
    return found


def smallest_edge(base_rate: float | None, n_effective: float | None, n_clusters: int) -> float | None:
    """The smallest edge that a two-sided test at 5 percent finds four times in five.

    (t(0.975) + t(0.80)) x sqrt(b (1 - b) / n_effective), t with n_clusters - 1 degrees of freedom, b the base rate
    (one half where there is none). None where there are fewer than 2 clusters, or where no edge can be so large.
    """
    if n_effective is None or n_clusters < 2:
        return None
    chance = 0.5 if base_rate is None else base_rate
    needed = stats.t.ppf(CONFIDENCE, n_clusters - 1) + stats.t.ppf(POWER, n_clusters - 1)
    smallest = float(needed * np.sqrt(chance * (1 - chance) / n_effective))
    return smallest if smallest < max(chance, 1 - chance) else None


def _cell(row: dict[str, Any]) -> Cell:
    is_reportable = bool(row["is_reportable"])
    return Cell(
        **{name: row[name] for name in ("sector", "horizon", "direction", "n_calls", "n_tokens", "n_open")},
        **{name: row[name] for name in ("n_truncated", "n_clusters", "n_effective", "is_reportable")},
        hit_rate=_estimate(row, "hit_rate") if is_reportable else None,
        base_rate=row["base_rate"] if is_reportable else None,
        edge=_estimate(row, "edge") if is_reportable else None,
        selection=_estimate(row, "selection") if is_reportable else None,
        mean_return=row["mean_return"] if is_reportable else None,
        edge_mark=_mark(row, "edge") if is_reportable else None,
        selection_mark=_mark(row, "selection") if is_reportable else None,
        edge_q=row.get("digest_edge_q"),
        selection_q=row.get("digest_selection_q"),
        smallest_edge=smallest_edge(row["base_rate"], row["n_effective"], row["n_clusters"]),
        enough_date=None if is_reportable else _enough_date(row),
        last_week=_last_week(row),
    )


def _estimate(row: dict[str, Any], name: str) -> Estimate | None:
    value = row["selection_edge"] if name == "selection" else row[name]
    return None if value is None else Estimate(value=value, low=row[f"{name}_low"], high=row[f"{name}_high"])


def _mark(row: dict[str, Any], kind: str) -> str | None:
    q = row.get(f"digest_{kind}_q")
    if q is None or q > MARK_LEVEL:
        return None
    return "above" if row["selection_edge" if kind == "selection" else "edge"] > 0 else "below"


def _enough_date(row: dict[str, Any]) -> date | None:
    if row["first_entry_at"] is None:
        return None
    enough = enough_at(
        now=row["published_as_of"],
        newest_signal_at=row["newest_signal_at"],
        span=row["last_entry_at"] - row["first_entry_at"],
        n_effective=row["n_effective"],
        n_clusters=row["n_clusters"],
    )
    return enough.date() if enough else None


def _last_week(row: dict[str, Any]) -> LastWeek | None:
    if row["last_n_calls"] is None:
        return None
    hit_rate = (
        Estimate(value=row["last_hit_rate"], low=row["last_hit_rate_low"], high=row["last_hit_rate_high"])
        if row["last_is_reportable"]
        else None
    )
    return LastWeek(n_calls=row["last_n_calls"], n_effective=row["last_n_effective"], hit_rate=hit_rate)


def main_horizon(timeframe: str, cells: Iterable[Cell]) -> int:
    """The headline horizon, which the digest shows first."""
    return headline_horizon(timeframe, sorted({cell.horizon for cell in cells}))
