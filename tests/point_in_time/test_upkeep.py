"""What a night leaves behind in the warehouse's file is tidied up once a week, not every night."""

from datetime import datetime
from pathlib import Path

import duckdb

from tests.point_in_time.markets import Step, random_market
from tests.point_in_time.publisher import new_publisher


def test_row_groups_are_merged_by_the_first_night_of_a_week(tmp_path: Path) -> None:
    """Else every night writes a few whole row groups anew: most of what it writes, and of its commit."""
    market, publisher = random_market(3, n_tokens=5, n_days=60, has_known_at=True), new_publisher(tmp_path)
    n_row_groups: dict[datetime, int] = {}
    for days in (40, 3, 3, 1):
        now = market.advance(Step(days=days, hour=0))
        market.deliver(tmp_path / "vendor", is_archive=False)
        publisher.publish(tmp_path / "vendor", now)
        n_row_groups[now] = row_groups(publisher.settings.warehouse)
    assert {now.strftime("%a %d") for now, n in n_row_groups.items() if n == 1} == {"Mon 10", "Mon 17"}


def row_groups(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as warehouse:
        (found,) = warehouse.execute(
            "select count(distinct row_group_id) from pragma_storage_info('work.spine_bar')"
        ).fetchone() or (0,)
    return int(found)
