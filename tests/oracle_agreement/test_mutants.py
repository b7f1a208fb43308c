"""The oracle can fail: each of these faults, put into a copy of the product, makes the comparison red.

A mutant is one change of text under `sql/`, in whichever file it stands, or one name of the array kernels set to
something else. It names the table and the column that must show it. The gates are left out: this is about the models
alone. Seventeen run by default, the others with the slow tests.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import duckdb
import numpy as np
import pytest

from flows.config import SQL_DIR, Settings
from flows.run import Run
from flows.scoring import blocks as clusters
from flows.scoring import inference, price_stretches, windows
from flows.warehouse.connection import prepare
from tests.oracle_agreement.comparing import OracleTables, compare, in_words, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.product import build_anew, make_run, snapshot_without_gate, sql_from

WINDOWS, CALLS, OUTCOMES = "core.forward_window", "core.call", "marts.signal_outcome"
SECTORS, TOKENS = "marts.signal_scorecard", "marts.token_scorecard"
CURVES, FALLS = "marts.sector_equity", "marts.sector_drawdown"
FUNNEL = "marts.signal_funnel"


@dataclass(frozen=True)
class SqlMutant:
    """`old`, which stands once under `sql/`, becomes `new`; `seen_in` must disagree, at `column` among others."""

    claim: str
    old: str
    new: str
    seen_in: str
    column: str
    is_slow: bool = False


@dataclass(frozen=True)
class KernelMutant:
    """A name of a module stands for something else."""

    claim: str
    module: ModuleType
    name: str
    value: object
    seen_in: str
    column: str
    is_slow: bool = False


SQL_MUTANTS = (
    SqlMutant(
        "a gap of exactly 3 days ends the segment (> for >=)",
        "tolerated_seconds(timeframe) + bar_seconds(timeframe)",
        "tolerated_seconds(timeframe)",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "a bar without trade is a bar",
        "bar_start < flat_from + interval 3 days as is_traded",
        "bar_start < flat_from + interval 3 days or true as is_traded",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "of unknown volume, a price may stand still for a day more",
        "bar_start < flat_from + interval 3 days as is_traded",
        "bar_start < flat_from + interval 4 days as is_traded",
        WINDOWS,
        "status",
        True,
    ),
    SqlMutant(
        "a filled price that is rounded is a trade",
        "<= 1e-6 * greatest(abs(a)",
        "<= 0 * greatest(abs(a)",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "a source takes over inside a segment",
        "coalesce(used_from <> lag(used_from) over token, true)",
        "lag(used_from) over token is null",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "outcomes name the source that was first in use",
        "and entry.entry_at < stretch.used_to",
        "and stretch.used_from = '-infinity'::timestamp",
        OUTCOMES,
        "price_source",
        True,
    ),
    SqlMutant("no segment is cut by a jump up", "next_open > 5 * close", "false", WINDOWS, "exit_at"),
    SqlMutant(
        "an open at exactly a fifth cuts the segment",
        "5 * next_open < close",
        "5 * next_open <= close",
        WINDOWS,
        "status",
        True,
    ),
    SqlMutant(
        "windows hold one bar too many",
        "bars_between(timeframe, bar_start, segment_end)",
        "1 + bars_between(timeframe, bar_start, segment_end)",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "every segment is seasoned, not only the first",
        "bar.segment = 1 and ",
        "",
        WINDOWS,
        "status",
        True,
    ),
    SqlMutant(
        "a segment has ended at 3 days of silence, not after",
        "last_bar_at > to_seconds",
        "last_bar_at >= to_seconds",
        WINDOWS,
        "status",
    ),
    SqlMutant(
        "filled bars are taken for real ones",
        "true as is_filled",
        "false as is_filled",
        WINDOWS,
        "status",
        True,
    ),
    SqlMutant(
        "the side held before ignores the trend",
        "coalesce(signal.trend, signal.direction) as side,",
        "signal.direction as side,",
        CALLS,
        "rows",
    ),
    SqlMutant(
        "the row before counts before it was known: look-ahead",
        "previous_known_from <= known_at and",
        "",
        CALLS,
        "rows",
        True,
    ),
    SqlMutant(
        "a call's known_at is read as its bar's end",
        "bar_ceiling(timeframe, known_at)",
        "bar_floor(timeframe, known_at)",
        OUTCOMES,
        "entry_price",
    ),
    SqlMutant(
        "what came a bar late is called attested",
        "when known_at < {{ dataset.moment }} + 2",
        "when known_at < {{ dataset.moment }} + 3",
        OUTCOMES,
        "provenance",
        True,
    ),
    SqlMutant("coverage ends a bar early", "+ 3 * bar_length", "+ 2 * bar_length", CURVES, "n_long", True),
    SqlMutant(
        "the base holds the token itself",
        "base.n_windows - sided.is_in_base::integer",
        "base.n_windows",
        OUTCOMES,
        "n_base",
    ),
    SqlMutant(
        "the base's hits hold the token's own",
        "- (sided.is_in_base and sided.is_hit)::integer",
        "",
        OUTCOMES,
        "base_hit",
        True,
    ),
    SqlMutant(
        "two other windows are base enough",
        "case when n_base >= 3 then n_base_hits",
        "case when n_base >= 2 then n_base_hits",
        OUTCOMES,
        "base_hit",
        True,
    ),
    SqlMutant(
        "a short loses more than its stake",
        "greatest(-1, -(exit_price",
        "greatest(-9, -(exit_price",
        OUTCOMES,
        "net_return",
        True,
    ),
    SqlMutant(
        "a short's excursion looks at the low",
        "least(0, 1 - highest / entry_price)",
        "least(0, 1 - lowest / entry_price)",
        OUTCOMES,
        "mae",
        True,
    ),
    SqlMutant(
        "truncated hits count in the floor",
        "hit and status = 'matured'",
        "hit",
        SECTORS,
        "hit_rate_floor",
    ),
    SqlMutant(
        "a quantile of a sector is the lower of its two neighbours",
        "sorted[ceil(place)::bigint + 1]",
        "sorted[floor(place)::bigint + 1]",
        SECTORS,
        "median_return",
        True,
    ),
    SqlMutant(
        "the deep side of drawdowns is the shallow one",
        "at = 0.05",
        "at = 0.95",
        TOKENS,
        "p95_drawdown",
        True,
    ),
    SqlMutant(
        "blocks are two horizons wide",
        "floor(epoch(moment) / (horizon * bar_seconds(timeframe)))",
        "2 * floor(epoch(moment) / (2 * horizon * bar_seconds(timeframe)))",
        SECTORS,
        "n_effective",
        True,
    ),
    SqlMutant(
        "the base holds windows from before and after coverage",
        "and entries.entry_at between coverage.covered_from and coverage.covered_to",
        "",
        SECTORS,
        "base_rate",
        True,
    ),
    SqlMutant(
        "a silent vendor keeps its stance a bar longer",
        "bar.bar_start < coverage.covered_to",
        "bar.bar_start <= coverage.covered_to",
        CURVES,
        "n_long",
    ),
    SqlMutant(
        "a change of stance pays the round trip",
        "{{ cost }}::double / 2",
        "{{ cost }}::double",
        CURVES,
        "bar_return",
    ),
    SqlMutant(
        "a bar earns close over open, also where the stance was held",
        "when stance = stance_before then",
        "when false then",
        CURVES,
        "bar_return",
        True,
    ),
    SqlMutant(
        "the peak is the first bar at a top",
        "arg_max(top.bar_start, (top.height, -epoch_us(top.bar_start)))",
        "min(top.bar_start)",
        FALLS,
        "peak_at",
        True,
    ),
    SqlMutant(
        "a row whose bar is open is in no step of the funnel",
        "count(*) filter (where is_preliminary and known_to is null) as n_preliminary",
        "0::bigint as n_preliminary",
        FUNNEL,
        "n_rows",
    ),
    SqlMutant(
        "seasoning ends early where the funnel gives its reason",
        "first_segment.started_at + interval 7 days",
        "first_segment.started_at + interval 1 days",
        FUNNEL,
        "n_rows",
        True,
    ),
)

# Faults in what is read otherwise where the signals are events, on a folder of events.
EVENTS_MUTANTS = (
    SqlMutant(
        "a repeated side is no call of events",
        "where style.style = 'events' or sided.before_at is null or",
        "where sided.before_at is null or",
        CALLS,
        "rows",
    ),
    SqlMutant(
        "the first row of a token is no call of events",
        "style.style = 'events' or sided.before_at is not null as is_call",
        "sided.before_at is not null as is_call",
        CALLS,
        "rows",
        True,
    ),
    SqlMutant(
        "events cover only the tokens they name",
        "where style.style = 'events' and token.is_scored",
        "where false",
        OUTCOMES,
        "n_base",
    ),
    SqlMutant(
        "the coverage of events ends with the vendor's newest row",
        "when 'events' then 'infinity'::timestamp",
        "when 'none' then 'infinity'::timestamp",
        CURVES,
        "n_long",
        True,
    ),
    SqlMutant("events never expire", "when bars.bar_start >= sides.stance_to then 0", "", CURVES, "n_long"),
    SqlMutant(
        "an event stands on the bar that begins when it expires",
        "bars.bar_start >= sides.stance_to",
        "bars.bar_start > sides.stance_to",
        CURVES,
        "n_long",
        True,
    ),
)


def _without_entry(entry: windows.Floats, state: windows.Floats) -> windows.Floats:
    """The drawdown's path begins at the first close, not at the entry."""
    fall = state[windows.FALL].copy()
    entered = _ENTERED(entry, state)
    entered[windows.FALL] = -1 - fall
    return entered


def _no_neighbours(blocks: object, u: object, n_cells: int) -> object:
    return np.zeros(n_cells)


_ENTERED = windows._entered

KERNEL_MUTANTS = (
    KernelMutant(
        "of two sources the first by name takes over", price_stretches, "LOOKBACK", 0, OUTCOMES, "price_source"
    ),
    KernelMutant(
        "a source of candles without trade takes over",
        price_stretches,
        "_is_same",
        lambda a, b: False,
        OUTCOMES,
        "price_source",
        True,
    ),
    KernelMutant("a tie is a hit", windows, "TIE", -1e-14, OUTCOMES, "hit"),
    KernelMutant("a fifth of the bars may be filled in", windows, "FILLED_PER_BAR", 5, WINDOWS, "status", True),
    KernelMutant("the entry is no part of the drawdown", windows, "_entered", _without_entry, WINDOWS, "drawdown_long"),
    KernelMutant(
        "calls that overlap are independent", clusters, "_neighbour_products", _no_neighbours, SECTORS, "n_effective"
    ),
    KernelMutant("the interval is one-sided", inference, "CONFIDENCE", 0.95, SECTORS, "hit_rate_low", True),
    KernelMutant(
        "it takes seven sectors to shrink", inference, "MIN_GROUPS_TO_SHRINK", 7, SECTORS, "hit_rate_shrunk", True
    ),
    KernelMutant("every leaf is in the family of tests", inference, "MIN_CALLS_FOR_Q", 0, SECTORS, "selection_q", True),
)


@dataclass(frozen=True)
class Bench:
    """A warehouse in memory whose raw tables are filled, ready to be built again and again."""

    connection: duckdb.DuckDBPyConnection
    run: Run
    expected: OracleTables

    def disagreements(self) -> dict[str, list[str]]:
        build_anew(self.connection, self.run)
        return compare(self.connection, self.expected)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with _bench(tmp_path_factory.mktemp("mutants"), style=None) as made:
        yield made


@pytest.fixture(scope="module")
def events_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with _bench(tmp_path_factory.mktemp("mutants"), style="events") as made:
        yield made


@contextmanager
def _bench(folder: Path, *, style: str | None) -> Iterator[Bench]:
    """Daily only and few horizons, for speed."""
    write_synthetic(folder / "vendor", ("1d",), style)
    settings = Settings(home=folder / "home", horizons_1d=(1, 7, 30), horizons_1h=(1,), _env_file=None)
    run = make_run(folder / "vendor", settings, as_of=AS_OF, fetched_at=FETCHED_AT)
    with duckdb.connect() as connection:
        prepare(connection, settings)
        snapshot_without_gate(connection, run)
        yield Bench(connection, run, oracle_tables(run, folder / "vendor"))


@pytest.fixture(scope="module")
def is_green(bench: Bench) -> None:
    """Red means nothing where the unchanged product is not green."""
    found = bench.disagreements()
    assert not found, in_words(found)


@pytest.fixture(scope="module")
def is_green_on_events(events_bench: Bench) -> None:
    found = events_bench.disagreements()
    assert not found, in_words(found)


def test_the_unchanged_product_is_green(is_green: None, is_green_on_events: None) -> None: ...


def _each(mutants: tuple[SqlMutant, ...] | tuple[KernelMutant, ...]) -> pytest.MarkDecorator:
    """One test a mutant, named by its claim."""
    params = [pytest.param(one, id=one.claim, marks=[pytest.mark.slow] if one.is_slow else []) for one in mutants]
    return pytest.mark.parametrize("mutant", params)


@_each(SQL_MUTANTS)
def test_a_fault_in_sql_is_seen(bench: Bench, is_green: None, mutant: SqlMutant, tmp_path: Path) -> None:
    _assert_seen(bench, mutant, tmp_path / "sql")


@_each(EVENTS_MUTANTS)
def test_a_fault_in_what_events_are_is_seen(
    events_bench: Bench, is_green_on_events: None, mutant: SqlMutant, tmp_path: Path
) -> None:
    _assert_seen(events_bench, mutant, tmp_path / "sql")


def _assert_seen(bench: Bench, mutant: SqlMutant, folder: Path) -> None:
    shutil.copytree(SQL_DIR, folder)
    path = _file_with(folder, mutant)
    path.write_text(path.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8")
    with sql_from(folder):
        prepare(bench.connection, bench.run.settings)
        _assert_red(bench, mutant.seen_in, mutant.column)
    prepare(bench.connection, bench.run.settings)


@_each(KERNEL_MUTANTS)
def test_a_fault_in_a_kernel_is_seen(
    bench: Bench, is_green: None, mutant: KernelMutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutant.module, mutant.name, mutant.value)
    _assert_red(bench, mutant.seen_in, mutant.column)


def test_every_fault_has_its_place_in_sql() -> None:
    """Also those of the slow tests: who rewrites a model sees at once which fault to write anew."""
    for mutant in (*SQL_MUTANTS, *EVENTS_MUTANTS):
        _file_with(SQL_DIR, mutant)


def _file_with(folder: Path, mutant: SqlMutant) -> Path:
    """The one file under `sql/` in which a fault's text stands, once."""
    found = {
        path: n for path in sorted(folder.rglob("*.*")) if (n := path.read_text(encoding="utf-8").count(mutant.old))
    }
    assert list(found.values()) == [1], (
        f"the fault `{mutant.claim}` needs a text that stands once under sql/, but `{mutant.old}` stands in "
        f"{ {str(path.relative_to(folder)): n for path, n in found.items()} or 'no file' }"
    )
    return next(iter(found))


def _assert_red(bench: Bench, table: str, column: str) -> None:
    found = bench.disagreements()
    seen = [one.split(":")[0] for one in found.get(table, [])]
    assert column in seen, f"{table} should disagree at {column}; what disagrees is\n{in_words(found)}"
