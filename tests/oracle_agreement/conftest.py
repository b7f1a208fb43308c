"""The synthetic folder, and what the oracle makes of it, once a session."""

from pathlib import Path

import pytest

from flows.config import Settings
from flows.run import Run
from tests.oracle_agreement.comparing import Told, oracle_tables
from tests.oracle_agreement.synthetic import AS_OF, FETCHED_AT, write_synthetic
from tests.product import make_run


@pytest.fixture(scope="session")
def synthetic_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder / "vendor")
    settings = Settings(home=folder / "home", _env_file=None)
    return make_run(folder / "vendor", settings, as_of=AS_OF, fetched_at=FETCHED_AT)


@pytest.fixture(scope="session")
def synthetic_told(synthetic_run: Run) -> Told:
    return oracle_tables(synthetic_run, Path(synthetic_run.input))
