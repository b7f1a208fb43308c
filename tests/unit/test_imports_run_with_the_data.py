"""The contracts of `pyproject.toml` hold, and each of them turns red when an import breaks it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.config import ROOT

LINT = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter finds in the package and the contracts that lie in `folder`."""
    return subprocess.run([LINT, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False)


def test_every_contract_is_kept() -> None:
    found = lint(ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("module", "planted", "broken"),
    [
        ("warehouse/connection.py", "import flows.report.tables", "flows.warehouse.connection -> flows.report.tables"),
        ("report/published.py", "import flows.pipeline", "flows.report.published -> flows.pipeline"),
        ("delivery/edition.py", "import flows.warehouse.days", "flows.delivery.edition -> flows.warehouse.days"),
        ("scoring/series.py", "import flows.config", "flows.scoring.series -> flows.config"),
        ("scoring/series.py", "import duckdb", "flows.scoring.series -> duckdb"),
        (
            "sources/tokenmetrics/tasks.py",
            "import flows.sources.tokenmetrics.estimate",
            "No cycles are allowed in flows.sources.tokenmetrics.",
        ),
        ("newcomer.py", "import flows.clock", "flows.newcomer"),
    ],
)
def test_an_import_against_the_way_of_the_data_is_refused(
    module: str, planted: str, broken: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "flows", tmp_path / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "flows" / module).open("a", encoding="utf-8") as file:
        file.write(f"{planted}\n")
    found = lint(tmp_path)
    assert found.returncode == 1, found.stdout + found.stderr
    assert broken in found.stdout
