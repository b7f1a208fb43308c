"""The warehouse's file is vacuumed once in a number of snapshots, not every night."""

from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from flows.warehouse import build
from tests.point_in_time.markets import Step, random_market
from tests.point_in_time.publisher import new_publisher


def test_row_groups_are_merged_once_in_so_many_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merging every night would rewrite whole row groups, which would be most of the night's writes."""
    monkeypatch.setattr(build, "SNAPSHOTS_A_TIDY", 6)
    market, publisher = random_market(3, n_tokens=5, n_days=60, has_known_at=True), new_publisher(tmp_path)
    nights = []
    for days in (40, *[1] * 6):
        now = market.advance(Step(days=days, hour=0))
        market.deliver(tmp_path / "vendor", is_archive=False)
        publisher.publish(tmp_path / "vendor", now)
        nights.append(left_in(publisher.settings.warehouse))
    is_due = [newest // 6 > before // 6 for (before, _), (newest, _) in pairwise(nights)]
    is_tidy = [n_row_groups == 1 for _, n_row_groups in nights[1:]]
    assert is_tidy == is_due and set(is_due) == {True, False}


def left_in(file: Path) -> tuple[int, int]:
    """The newest snapshot, and the number of row groups of a table that every night appends to."""
    with duckdb.connect(str(file), read_only=True) as warehouse:
        found = warehouse.execute(
            "select (select max(snapshot_id) from ops.snapshot), "
            "(select count(distinct row_group_id) from pragma_storage_info('work.spine_bar'))"
        ).fetchone()
    assert found is not None
    return found[0], found[1]
