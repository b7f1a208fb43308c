"""Simulated and real rows never share a warehouse: both number their tokens from 1."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.config import Settings
from flows.errors import UsageError
from flows.run import start_run
from flows.sources.files import FilesSource
from flows.sources.simulated import SampleSource
from flows.warehouse import runs
from flows.warehouse.connection import prepare
from tests.product import snapshot_without_gate


def test_the_sample_is_not_added_to_a_real_warehouse_nor_the_reverse(tmp_path: Path) -> None:
    pd.DataFrame({"token_id": [1], "symbol": ["A"]}).to_csv(tmp_path / "tokens.csv", index=False)
    (tmp_path / "prices.csv").write_text("token_id,timeframe,bar_start,open,high,low,close\n")
    (tmp_path / "signals.csv").write_text("token_id,timeframe,signal_at,direction\n")
    settings = Settings(home=tmp_path / "home", _env_file=None)
    sample, real = start_run(SampleSource(), settings), start_run(FilesSource(tmp_path), settings)
    with duckdb.connect() as connection:
        prepare(connection, settings)
        runs.require_one_world(connection, sample)
        runs.begin(connection, real)
        snapshot_without_gate(connection, real)
        runs.require_one_world(connection, real)
        with pytest.raises(UsageError, match="TRACKRECORD_HOME"):
            runs.require_one_world(connection, sample)
        connection.execute("update ops.run set is_simulated = true, source = 'sample'")
        connection.execute("update ops.snapshot set source = 'sample'")
        with pytest.raises(UsageError, match="holds what the source sample delivered"):
            runs.require_one_world(connection, real)
