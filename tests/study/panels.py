"""Simulated panels scored by the product itself: simulate, put into `raw`, `build`, read the scorecard.

Many panels share one warehouse and one build, each as a vendor of its own with token ids of its own, because most of
the cost of a small build is fixed. Nothing they are judged by is shared: coverage, base rates and families of tests
are a vendor's. (Only `coverage_edge` looks at everybody's tokens; the study does not.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from flows.config import Settings
from flows.sources import sample
from flows.warehouse.build import build
from flows.warehouse.connection import prepare

HORIZONS = (1, 7, 14, 30, 90)

# Token ids of two panels never meet.
_IDS_PER_PANEL = 1_000

# A signal moved by fewer days could still stand in the drift that follows a call (45 days), or before one.
_LEAST_SHIFT = 60


@dataclass(frozen=True, order=True)
class Setting:
    """A kind of panel: how many tokens, what makes it hard, the edge planted (points), whether signals are shifted.

    `market_vol` is the volatility per year that all tokens share.
    """

    n_tokens: int
    bunched: bool = False
    fat_tails: bool = False
    drift: bool = False
    edge_points: float = 0.0
    is_shifted: bool = False
    market_vol: float = 0.50

    @property
    def market(self) -> str:
        """What makes it hard, in words."""
        knobs = {"bunched": self.bunched, "fat tails": self.fat_tails, "drift": self.drift}
        named = [name for name, is_on in knobs.items() if is_on]
        return "all three" if len(named) == len(knobs) else ", ".join(named) or "plain"

    def spec(self, seed: int) -> sample.MarketSpec:
        """The generator's spec of one panel."""
        spec = sample.study_spec(
            self.n_tokens,
            seed,
            edge_points=self.edge_points,
            bunched=self.bunched,
            fat_tails=self.fat_tails,
            drift=self.drift,
        )
        return replace(spec, market_vol=self.market_vol)


@dataclass(frozen=True)
class Panel:
    """One draw of a setting."""

    setting: Setting
    seed: int


_MARKETS = (
    {},
    {"bunched": True},
    {"fat_tails": True},
    {"drift": True},
    {"bunched": True, "fat_tails": True, "drift": True},
)
NO_SKILL = tuple(Setting(n_tokens, **market) for n_tokens in (60, 15) for market in _MARKETS)
PLANTED = tuple(replace(setting, edge_points=5.0) for setting in NO_SKILL)
SHIFTED = tuple(replace(setting, is_shifted=True) for setting in PLANTED if setting.market in ("plain", "all three"))
ALL = (*NO_SKILL, *PLANTED, *SHIFTED)


def score(panels: Iterable[Panel], *, threads: int = 1) -> pd.DataFrame:
    """The scorecard rows of every panel, next open, all provenances, with the panel's seed and setting beside them."""
    numbered = dict(enumerate(panels, start=1))
    with TemporaryDirectory() as home, duckdb.connect() as connection:
        settings = Settings(home=Path(home), threads=threads, memory_limit="3GB", horizons_1d=HORIZONS, _env_file=None)
        prepare(connection, settings)
        for number, panel in numbered.items():
            _insert(connection, panel, number)
        connection.execute(
            "insert into ops.snapshot (snapshot_id, run_id, dataset, as_of, fetched_at, is_replay, state) "
            "values (1, 'study', 'signals', $end, $end, false, 'passed')",
            {"end": sample.SAMPLE_END},
        )
        connection.execute(
            "insert into ops.reread (snapshot_id, run_id, dataset, vendor, timeframe, as_of) "
            "select distinct 1, 'study', 'signals', vendor, timeframe, $end::timestamp from raw.signals",
            {"end": sample.SAMPLE_END},
        )
        build(connection, settings, as_of=sample.SAMPLE_END, run_id="study")
        cells = connection.execute(
            """
            select
                vendor::integer as panel, sector, horizon, direction, n_calls, n_clusters, n_effective, is_reportable,
                hit_rate, hit_rate_low, hit_rate_high, base_rate, selection_edge, selection_p, edge, edge_p
            from marts.signal_scorecard
            where entry_rule = 'next_open' and provenance = 'all'
            order by all
            """
        ).df()
    cells["setting"] = cells["panel"].map({number: panel.setting for number, panel in numbered.items()})
    cells["seed"] = cells["panel"].map({number: panel.seed for number, panel in numbered.items()})
    return cells.drop(columns="panel")


def _insert(connection: duckdb.DuckDBPyConnection, panel: Panel, number: int) -> None:
    tables = sample.simulate(panel.setting.spec(panel.seed))
    if panel.setting.is_shifted:
        tables["signals"] = _shifted(tables["signals"], panel)
    for name in ("tokens", "prices", "signals"):
        vendor = f", '{number}' as vendor" if name == "signals" else ""
        connection.register("panel_table", tables[name])
        connection.execute(
            f"""
            insert into raw.{name} by name
            select
                * replace (token_id + {number * _IDS_PER_PANEL} as token_id{vendor}),
                1 as snapshot_id, row_number() over () as row_number, false as is_snapped, false as is_preliminary
            from panel_table
            """
        )
        connection.unregister("panel_table")


def _shifted(signals: pa.Table, panel: Panel) -> pa.Table:
    """Each token's signals a random number of days later; what leaves at the end comes in at the start."""
    n_tokens = panel.setting.n_tokens
    n_days = signals.num_rows // n_tokens
    rng = np.random.default_rng(panel.seed)
    days = rng.integers(_LEAST_SHIFT, n_days - _LEAST_SHIFT, n_tokens)
    rows = np.arange(signals.num_rows).reshape(n_tokens, n_days)
    order = pa.array(np.concatenate([np.roll(row, shift) for row, shift in zip(rows, days, strict=True)]))
    for name in ("direction", "trend", "score"):
        signals = signals.set_column(signals.column_names.index(name), name, signals[name].take(order))
    return signals


def draw(settings: Iterable[Setting], seeds: range) -> list[Panel]:
    """Every setting with every seed, seed by seed, so that whatever is done first is done of all settings."""
    settings = list(settings)
    return [Panel(setting, seed) for seed in seeds for setting in settings]


def score_all(panels: Iterable[Panel], *, processes: int) -> Iterator[pd.DataFrame]:
    """Score many panels, a build's worth at a time, in their order."""
    # Spawned, not forked: DuckDB's threads do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(score, _builds(panels))


def _builds(panels: Iterable[Panel], n_tokens: int = 600) -> Iterator[list[Panel]]:
    """The panels in their order, gathered into builds of at least so many tokens."""
    batch: list[Panel] = []
    for panel in panels:
        batch.append(panel)
        if sum(one.setting.n_tokens for one in batch) >= n_tokens:
            yield batch
            batch = []
    if batch:
        yield batch
