"""A view is made by full builds only: one under another name, with the same text, must not wait for the next."""

import shutil
from pathlib import Path

from flows.config import SQL_DIR
from tests.product import sql_from
from tests.warehouse.scene import Scene, flat


def test_a_renamed_model_asks_for_a_full_build(scene: Scene, tmp_path: Path) -> None:
    scene.seasoned(1, "2026-01-08", flat(10))
    assert scene.run("2026-01-09T00:20").is_full
    scene.bars(1, "2026-01-09", flat(11))
    folder = tmp_path / "sql"
    shutil.copytree(SQL_DIR, folder)
    # It stands where it stood among the others, whose order does not change then.
    (folder / "core" / "forward_window.sql").rename(folder / "core" / "forward_view.sql")
    # As the next process would read them.
    scene.settings = scene.settings.model_validate(scene.settings.model_dump())
    with sql_from(folder):
        assert scene.run("2026-01-10T00:20").is_full
        assert scene.rows("select count(*) > 0 from core.forward_view") == [(True,)]
