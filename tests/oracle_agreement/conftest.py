"""The synthetic folder, and what the oracle makes of it, once a session."""

from pathlib import Path

import pytest

from flows.config import Settings
from flows.run import Run
from tests.oracle_agreement.comparing import OracleTables, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.product import make_run


@pytest.fixture(scope="session")
def synthetic_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder / "vendor")
    settings = Settings(home=folder / "home", _env_file=None)
    return make_run(folder / "vendor", settings, as_of=AS_OF, fetched_at=FETCHED_AT)


@pytest.fixture(scope="session")
def synthetic_expected(synthetic_run: Run) -> OracleTables:
    return oracle_tables(synthetic_run, Path(synthetic_run.input))
