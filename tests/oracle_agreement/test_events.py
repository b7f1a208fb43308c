"""The same folder, its rows declared to be events: scored as the oracle scores them, night after night the same."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from flows.config import Settings
from flows.pipeline import Outcome
from flows.run import Run
from tests.oracle_agreement.comparing import TABLES, OracleTables, compare, in_words, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.point_in_time.homes import Home, assert_same_tables, new_home
from tests.product import make_run, run_main_job


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events") / "vendor"
    write_synthetic(folder, style="events")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    settings = Settings(home=folder.parent / "home", _env_file=None)
    return make_run(folder, settings, as_of=AS_OF, fetched_at=FETCHED_AT)


@pytest.fixture(scope="module")
def outcome(run: Run) -> Outcome:
    return run_main_job(run)


@pytest.fixture(scope="module")
def expected(run: Run, folder: Path) -> OracleTables:
    return oracle_tables(run, folder)


@pytest.mark.parametrize("table", TABLES)
def test_the_published_table_is_the_oracles(outcome: Outcome, run: Run, expected: OracleTables, table: str) -> None:
    assert len(expected[table]) > 0
    with duckdb.connect(str(run.settings.published), read_only=True) as published:
        found = compare(published, expected, [table])
    assert not found, in_words(found)


def test_everything_happens(expected: OracleTables, outcome: Outcome, run: Run) -> None:
    """Agreement proves little where a case does not occur: first rows, repeated sides, tokens nobody spoke of."""
    assert [one.n_quarantined for one in outcome.snapshots] == [0, 0, 0]
    calls = expected["core.call"]
    assert calls["side_before"].isna().sum() > 10
    assert (calls["side_before"] == calls["direction"]).sum() > 100
    funnel = expected["marts.signal_funnel"]
    assert {"scored", "open", "unpriced", "excluded"} <= set(funnel["step"])
    assert set(funnel[funnel["step"].isin(["first_of_token", "repeated_side"])]["n_rows"]) == {0}
    with duckdb.connect(str(run.settings.published), read_only=True) as published:
        # Stances that expire before the token's next row, and ones that its next row cuts short.
        ends = published.execute(
            "select distinct expires_at < lead(signal_at) over (partition by vendor, token_id, timeframe "
            "order by signal_at) + interval 1 day from core.signal where timeframe = '1d' order by 1"
        ).fetchall()
    assert ends == [(False,), (True,), (None,)]


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    with new_home(tmp_path / "nightly") as nightly, new_home(tmp_path / "full") as full:
        yield nightly, full


@pytest.mark.slow
def test_an_increment_equals_a_full_rebuild(folder: Path, homes: tuple[Home, Home]) -> None:
    """Night after night, and after weeks without a run."""
    nightly, full = homes
    reasons = []
    for days in (60, 40, 39, 12, 11, 0):
        moment = AS_OF - timedelta(days=days)
        reasons.append(nightly.replay(folder, moment).reason)
        full.replay(folder, moment, is_full=True)
        assert_same_tables(nightly, full, "core", "marts", "work", message=f"{days} days before the end")
    assert reasons[1:] == ["new rows only"] * 5
