"""A misspelt name in a model stops a build before anything runs, with the model and the name."""

import shutil
from pathlib import Path

import pytest

from flows.config import SQL_DIR
from flows.errors import WarehouseError
from tests.product import sql_from
from tests.warehouse.scene import Scene, flat


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("work/outcome_sum.sql", "temp.sum_scope"),
        ("work/sector_block.sql", "marts.signal_outcome"),
        ("temp/outcome_scope.sql", "temp.coverage_before"),
    ],
)
def test_a_table_that_no_model_makes_stops_a_build_at_its_start(
    scene: Scene, tmp_path: Path, file: str, name: str
) -> None:
    scene.seasoned(1, "2026-01-08", flat(10))
    scene.run("2026-01-09T00:20")
    scene.bars(1, "2026-01-09", flat(11))
    folder = tmp_path / "sql"
    shutil.copytree(SQL_DIR, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert name in text
    (folder / file).write_text(text.replace(name, name + "z"), encoding="utf-8")
    model = file.removesuffix(".sql").replace("/", ".")
    with sql_from(folder), pytest.raises(WarehouseError, match=f"{model} reads {name}z, which no model makes"):
        scene.run("2026-01-10T00:20")
