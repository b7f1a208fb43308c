"""Whoever changes a model finds its test by its name, and no published column is written that no test looks at."""

import duckdb

from flows.run import Run
from flows.warehouse.models import load_models
from flows.warehouse.render import Renderer
from tests.oracle_agreement.comparing import oracle_tables
from tests.product import make_run, run_main_job
from tests.warehouse import market
from tests.warehouse.named import expected_in, tables_expected, tables_expected_same
from tests.warehouse.scene import Scene, moment

# What every run measures anew, so that no test can write it down.
MEASURED = {"ops.run.durations": "seconds that each step took"}


def test_every_model_has_a_test_with_exact_rows(first_night: Scene) -> None:
    missing = _models(first_night) - tables_expected().keys()
    assert not missing, f"no test expects exact rows of {', '.join(sorted(missing))}"


def test_every_published_column_has_a_test_with_its_value(scene: Scene) -> None:
    """By exact rows, by the oracle, which is compared with ours column by column, or by equality with such a table."""
    asserted = tables_expected()
    run = _published(scene)
    for table, rows in oracle_tables(run, scene.folder).items():
        asserted.setdefault(table, set()).update(rows.columns)
    for table, other in tables_expected_same().items():
        asserted.setdefault(table, set()).update(asserted[other])
    with duckdb.connect(str(run.settings.published), read_only=True) as file:
        columns = file.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('core', 'marts', 'ops') and not internal"
        ).fetchall()
    # A view of what was known then has its table's columns; tests/end_to_end/test_publish.py asks it for its rows.
    missing = [
        f"{table}.{column}"
        for table, column in ((view.removesuffix("_then"), column) for view, column in columns)
        if column not in asserted.get(table, ()) and f"{table}.{column}" not in MEASURED
    ]
    assert not missing, f"no test expects a value of {', '.join(sorted(missing))}"


def test_only_what_is_compared_counts() -> None:
    """Not a comment, not what is selected, not a column of which every expected cell is None or cannot be placed."""
    source = """
# scene.expect("work.vendor", "vendor_id", (1,))
KEYS = "timeframe, n_bars"
found = scene.rows("select n_filled from core.segment")
scene.expect("core.segment", KEYS, ("1d", None), *others)
scene.expect("core.call", "side_before, direction, sector", (0, *more), where="sector = 'Meme'")
expect(file, "ops.run", "state, error", ("failed", "no folder"))
"""
    assert dict(expected_in(source)) == {
        "core.segment": {"timeframe"},
        "core.call": {"side_before"},
        "ops.run": {"state", "error"},
    }


def _models(scene: Scene) -> set[str]:
    """The names of all models, of full builds and of increments."""
    return {
        model.name
        for is_full in (True, False)
        for model in load_models(scene.connection, Renderer(scene.settings, is_full=is_full))
    }


def _published(scene: Scene) -> Run:
    market.lay_out(scene)
    scene.write(None)
    run = make_run(scene.folder, scene.settings, as_of=moment(market.FIRST_NIGHT))
    run_main_job(run)
    return run
