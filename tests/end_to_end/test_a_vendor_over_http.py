"""Nights of a vendor's API, from the call to the published file and a restored warehouse."""

from pathlib import Path

import duckdb

from flows.config import Settings
from flows.devserver import DevServer
from flows.run import start_run
from flows.sources.tokenmetrics import TokenMetricsSource
from flows.warehouse import restore
from tests.product import run_main_job
from tests.tokenmetrics.desk import settings_for

KEPT = "select 'signals', count(*) from raw.signals union all select 'prices', count(*) from raw.prices"
TABLES = "select 'signals', count(*) from core.signal union all select 'prices', count(*) from core.price_bar"


def test_two_nights_publish_what_the_vendor_said_and_a_lost_warehouse_comes_back(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    with DevServer() as server:
        wanted = settings_for(server, history_days=10)
        for _ in range(2):
            outcome = run_main_job(start_run(TokenMetricsSource(wanted), settings))
    # The second night asks for less, and misses nothing by it.
    warnings = {result.rule for one in outcome.snapshots if one.gate for result in one.gate.warnings}
    assert not warnings & {"rows_kept", "tokens_kept"}
    assert all(one.n_new == 0 for one in outcome.snapshots if one.dataset in ("tokens", "signals"))
    with duckdb.connect(str(settings.published), read_only=True) as file:
        published = dict(file.execute(TABLES).fetchall())
        assert min(published.values()) > 100
        assert file.execute("select count(*) > 50, count(distinct run_id) from ops.request").fetchall() == [(True, 2)]
        assert file.execute("select count(*) from ops.delivery").fetchall() == [(0,)]

    settings.warehouse.unlink()
    assert restore.recover(settings) is None
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        assert dict(warehouse.execute(KEPT).fetchall()) == published
