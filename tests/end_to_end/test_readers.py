"""A reader that opens the published file while it is replaced finds a whole one."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flows.warehouse.connection import open_warehouse
from flows.warehouse.publish import adopt_publishes, publish, stamp_of
from tests.point_in_time.markets import Step, random_market
from tests.point_in_time.publisher import new_publisher
from tests.product import make_run
from tests.scale import repeats

# For one publish: the row counts that it records, and the rows there are.
SELECT = """
with last as (select row_counts from ops.publish order by published_at desc limit 1)
select
    (select (row_counts->>'ops.publish')::int from last), (select count(*) from ops.publish),
    (select (row_counts->>'marts.signal_outcome')::int from last), (select count(*) from marts.signal_outcome)
"""

# Opens, compares and closes until it gets a signal; prints how often, and which publishes were inconsistent.
READER = """
import sys, threading, time, duckdb
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
n_reads, torn = 0, []
while not stop.is_set():
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as file:
            file.execute("set enable_progress_bar = false")  # Shown on a slow machine, among what is printed here.
            told, found, told_outcomes, found_outcomes = file.execute(sys.argv[2]).fetchone()
        if (told, told_outcomes) != (found, found_outcomes):
            torn.append((told, found, told_outcomes, found_outcomes))
    except Exception as error:
        torn.append(repr(error))
    n_reads += 1
    time.sleep(float(sys.argv[3]))
print(n_reads, torn[:3])
"""


@pytest.mark.parametrize(
    ("n_readers", "n_publishes"),
    [(1, 2), pytest.param(8, repeats(100, whole=1_000), marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
def test_no_reader_sees_a_torn_file(
    n_readers: int, n_publishes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publisher = new_publisher(tmp_path, threads=1, horizons_1d=(2,), horizons_1h=(4,))
    market = random_market(5, n_tokens=2, n_days=40, has_known_at=False)
    now = market.advance(Step(days=35, hour=0))
    market.deliver(tmp_path / "vendor", is_archive=False)
    publisher.publish(tmp_path / "vendor", now)
    published = publisher.settings.published
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(published), SELECT, str(0.05 * n_readers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(n_readers)
    ]
    try:
        with open_warehouse(publisher.settings) as warehouse:
            for _ in range(n_publishes):
                run = make_run(tmp_path / "vendor", publisher.settings, as_of=now)
                publish(warehouse, stamp_of(run), published)
                adopt_publishes(warehouse, publisher.settings)
        counts = [reader.communicate(timeout=60)[0].split(maxsplit=1) for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    with capsys.disabled():
        print(f"\n{n_readers} readers, {n_publishes} publishes: {', '.join(n_reads for n_reads, _ in counts)} reads")
    assert all(int(n_reads) > 0 and torn.strip() == "[]" for n_reads, torn in counts), counts
    with duckdb.connect(str(published), read_only=True) as file:
        assert file.execute("select count(*) from ops.publish").fetchone() == (n_publishes + 1,)
