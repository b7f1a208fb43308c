"""Nights of a vendor's API, from the call to the published file and a restored warehouse."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from flows.clock import utc_now
from flows.config import Settings
from flows.devserver import DevServer
from flows.errors import CreditsSpent
from flows.pipeline import Outcome
from flows.run import start_run
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource, ledger
from flows.warehouse import restore
from tests.product import run_main_job
from tests.tokenmetrics.desk import settings_for

KEPT = "select 'signals', count(*) from raw.signals union all select 'prices', count(*) from raw.prices"
TABLES = "select 'signals', count(*) from core.signal union all select 'prices', count(*) from core.price_bar"


@dataclass(frozen=True)
class Nights:
    """A vendor, and a home that two nights have been published in."""

    server: DevServer
    home: Path
    wanted: TokenMetricsSettings
    second: Outcome


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    home = tmp_path_factory.mktemp("home")
    with DevServer() as server:
        wanted = settings_for(server, history_days=10)
        for _ in range(2):
            outcome = run_main_job(start_run(TokenMetricsSource(wanted), settings_of(home)))
        yield Nights(server, home, wanted, outcome)


def settings_of(home: Path) -> Settings:
    return Settings(home=home, reread_parts=2, _env_file=None)  # type: ignore[call-arg]


def test_two_nights_publish_what_the_vendor_served_and_a_lost_warehouse_comes_back(
    nights: Nights, tmp_path: Path
) -> None:
    settings = settings_of(shutil.copytree(nights.home, tmp_path / "home"))
    # The second night requests less, and still misses nothing.
    snapshots = nights.second.snapshots
    warnings = {result.rule for one in snapshots if one.gate for result in one.gate.warnings}
    assert not warnings & {"rows_kept", "tokens_kept"}
    assert all(one.n_new == 0 for one in snapshots if one.dataset in ("tokens", "signals"))
    with duckdb.connect(str(settings.published), read_only=True) as file:
        published = dict(file.execute(TABLES).fetchall())
        assert min(published.values()) > 100
        assert file.execute("select count(*) > 50, count(distinct run_id) from ops.request").fetchall() == [(True, 2)]
        assert file.execute("select count(*) from ops.delivery").fetchall() == [(0,)]

    settings.warehouse.unlink()
    assert restore.recover(settings) is None
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        assert dict(warehouse.execute(KEPT).fetchall()) == published


def test_a_night_that_the_month_pays_for_only_in_part_calls_nobody_and_leaves_the_file_as_it_was(
    nights: Nights, tmp_path: Path
) -> None:
    settings = settings_of(shutil.copytree(nights.home, tmp_path / "home"))
    spent, n_calls = ledger.credits_spent(settings.home, utc_now()), len(nights.server.calls)
    before = settings.published.read_bytes()
    source = TokenMetricsSource(nights.wanted.model_copy(update={"monthly_credits": spent + 50}))
    with pytest.raises(CreditsSpent, match=f"of this month's {spent + 50} credits {spent} are spent") as stop:
        run_main_job(start_run(source, settings))
    assert stop.value.exit_code == 1
    assert len(nights.server.calls) == n_calls
    assert settings.published.read_bytes() == before
