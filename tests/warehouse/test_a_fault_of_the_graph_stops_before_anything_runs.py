"""A fault of a model stops a build in words before anything runs; what is right with it may read even a scorecard."""

import shutil
from pathlib import Path

import pytest

from flows.config import SQL_DIR
from flows.errors import WarehouseError
from tests.product import sql_from
from tests.warehouse.scene import Scene, flat


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of `sql/`."""
    copy = tmp_path / "sql"
    shutil.copytree(SQL_DIR, copy)
    return copy


def write(folder: Path, name: str, *header: str, select: str = "") -> None:
    text = "\n".join(f"-- {line}" for line in ("A model of a test.", "Grain: vendor", *header))
    schema, table = name.split(".")
    (folder / schema / f"{table}.sql").write_text(f"{text}\n{select}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "header", "select", "words"),
    [
        (
            "work.x",
            ("Computed: inferense(work.vendor)",),
            "",
            "work.x is computed by inferense, which is no kernel; there are comparisons, forward_windows",
        ),
        ("work.x", ("Computed: comparisons(work.vendors)",), "", "work.x reads work.vendors, which no model makes"),
        ("work.x", ("Computed: comparisons()",), "", "gives the kernel comparisons 0 tables; it takes 1: members"),
        ("work.x", ("Computed: comparisons work.vendor",), "", "is not of the form kernel\\(table, table\\)"),
        ("core.x", (), "from raw.signals", "core.x reads raw.signals: a model of core reads staging, core, work"),
        ("marts.x", (), "from staging.feed", "marts.x reads staging.feed: a model of marts reads core, work, marts"),
        ("staging.x", (), "from core.signal", "staging.x reads core.signal: a model of staging reads raw, ops"),
        ("plan.x", (), "from marts.signal_outcome", "plan.x reads marts.signal_outcome: a model of plan reads"),
        ("work.x", (), "select getvariable('spine_fromm') as vendor", "the variable spine_fromm, which no model sets"),
        ("work.x", ("Variable: x_from min(vendor)",), "from work.vendor", "is not of the form name = aggregate"),
        ("work.coverage", (), "from work.vendor", "in a circle"),
        (
            "work.x",
            ("Replaces: from work.nothing as scope where true",),
            "from work.vendor",
            "reads work.nothing, which",
        ),
        ("work.x", (), "from temp.changed_vendor", "reads temp.changed_vendor, which no model makes"),
        ("work.x", (), "", "a model is a select, or is computed by a kernel"),
        ("work.x", ("Materialised: view",), "from work.vendor", "the header has no word `Materialised`"),
        (
            "work.x",
            (),
            "from {{ before('work.call_entry') }}",
            r"before\('work.call_entry'\) }}, a view, which",
        ),
        ("work.x", ("Only: incremental",), "from work.vendor", "`Only: incremental` is neither full nor increment"),
    ],
)
def test_a_fault_of_the_graph_stops_in_words(
    scene: Scene, folder: Path, name: str, header: tuple[str, ...], select: str, words: str
) -> None:
    write(folder, name, *header, select=select)
    with sql_from(folder), pytest.raises(WarehouseError, match=words):
        scene.run("2026-01-09T00:20")
    assert scene.rows("select count(*) from duckdb_tables() where schema_name = 'core'") == [(0,)]


def test_a_model_may_read_a_scorecard(scene: Scene, folder: Path) -> None:
    write(
        folder,
        "marts.best_sector",
        select="select vendor, max(hit_rate) as hit_rate from marts.signal_scorecard group by all",
    )
    scene.seasoned(1, "2026-01-08", flat(10), (10, 12, 10, 12), flat(12))
    scene.signals(1, "2026-01-07", 0, 1)
    with sql_from(folder):
        assert scene.run("2026-01-11T00:20").is_full
        assert scene.rows("from marts.best_sector") == [("v", 1.0)]
        scene.bars(1, "2026-01-11", flat(12))
        assert not scene.run("2026-01-12T00:20").is_full
        assert scene.rows("from marts.best_sector") == [("v", 1.0)]
    # The model is gone again, and its table with it: a publish would find nobody who describes it.
    scene.bars(1, "2026-01-12", flat(12))
    assert scene.run("2026-01-13T00:20").is_full
    assert scene.rows("select count(*) from duckdb_tables() where table_name = 'best_sector'") == [(0,)]


def test_a_changed_kernel_asks_for_a_full_build() -> None:
    """The modules that make a score are found by what the registry of kernels imports."""
    from flows.warehouse.fingerprint import scoring_modules

    found = set(scoring_modules())
    assert {f"flows.scoring.{name}" for name in ("windows", "chain", "blocks", "edge", "inference", "series")} <= found
    assert {"flows.warehouse.kernels", "flows.scorecards.signals", "flows.scorecards.measures"} <= found
    assert not any(name.startswith(("flows.report", "flows.sources", "flows.delivery")) for name in found)
