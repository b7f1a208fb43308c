"""Whoever opens the warehouse's file finds no half of a build in it, and nothing that reads one."""

from flows.config import SQL_DIR
from tests.warehouse.scene import Scene, flat

IN_THE_FILE = """
    select table_name as name, '' as made_from from duckdb_tables() where not temporary
    union all
    select view_name as name, sql as made_from from duckdb_views() where not temporary and not internal
"""


def test_what_only_one_build_needs_stays_out_of_the_file(scene: Scene) -> None:
    passing = {path.stem for path in (SQL_DIR / "temp").glob("*.sql")}
    assert passing
    # A file of an older version may hold some of it.
    scene.rows("create table work.card_scope as select 1 as token_id")
    scene.rows("create view work.sector_cell as from work.card_scope")
    scene.seasoned(1, "2026-01-08", flat(10), flat(11))
    scene.signals(1, "2026-01-07", 1, 1)
    assert scene.run("2026-01-10T00:20").is_full
    scene.bars(1, "2026-01-10", flat(12))
    assert not scene.run("2026-01-11T00:20").is_full
    found = scene.rows(IN_THE_FILE)
    assert not passing & {name for name, _ in found}
    assert [name for name, made_from in found if "temp." in made_from] == []
