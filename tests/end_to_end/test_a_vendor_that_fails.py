"""The command line against a vendor any one of whose calls fails: all of the data, or the old file untouched."""

import gzip
import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.config import ROOT
from flows.devserver import DevServer, Fault
from tests.scale import repeats
from tests.tokenmetrics.test_sweep import MENDED, REFUSED

from .desk import Answer, Desk

SENTINEL = "tm-5e471e15-5e47-4e15-8e47-5e471e15e471"
FIRST_NIGHT = datetime(2026, 11, 21, 7, 30)
SECOND_NIGHT = FIRST_NIGHT + timedelta(days=1)
N_DRAWN = repeats(15, whole=50)
# The vendor's values in each table, without the run's own times.
COMPARED = {
    "core.token": "token_id, symbol, name",
    "core.price_bar": "token_id, timeframe, bar_start, open, high, low, close, volume_usd",
    "core.signal": "vendor, token_id, timeframe, signal_at, direction, trend, revision",
    "core.level": "vendor, token_id, timeframe, level_at, price, side",
    "core.grade": "vendor, token_id, kind, graded_at, grade, label",
    "core.quantmetric": "vendor, token_id, measured_at, sharpe, sortino, volatility, max_drawdown, cagr",
    "marts.signal_outcome": "* exclude (provenance)",
}


@pytest.fixture(scope="module")
def vendor() -> Iterator[DevServer]:
    with DevServer(now=FIRST_NIGHT, keys=(SENTINEL,)) as server:
        yield server


@pytest.fixture
def environment(vendor: DevServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An operator's settings, as environment variables."""
    variables = {
        "TOKENMETRICS_BASE_URL": f"{vendor.base_url}/v2",
        "TOKENMETRICS_API_KEY": SENTINEL,
        "TOKENMETRICS_UNIVERSE": "top:12",
        "TOKENMETRICS_REQUESTS_PER_MINUTE": "0",
        "TOKENMETRICS_BACKOFF_SECONDS": "0.001",
        "TOKENMETRICS_TIMEOUT_SECONDS": "1",
        "TOKENMETRICS_HISTORY_DAYS": "20",
        "TRACKRECORD_REREAD_PARTS": "0",
    }
    for name in list(os.environ):
        if name.startswith(("TOKENMETRICS_", "TRACKRECORD_")):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def night(desk: Desk, vendor: DevServer, moment: datetime) -> Answer:
    """A nightly, with the vendor's clock at a given moment."""
    vendor.now = moment
    return desk.run("nightly", "--source", "tokenmetrics", "--plain", "--as-of", moment.isoformat())


def published_rows(published: Path) -> dict[str, str]:
    """A checksum over the rows of each table."""
    with duckdb.connect(str(published), read_only=True) as file:
        return {
            table: hashlib.sha256(repr(file.sql(f"select {columns} from {table} order by all").fetchall()).encode())
            .hexdigest()
            for table, columns in COMPARED.items()
        }  # fmt: skip


def duplicates(published: Path) -> int:
    """Keys of signals and bars that are there more than once."""
    with duckdb.connect(str(published), read_only=True) as file:
        ((n_signals,),) = file.sql(
            "select count(*) - count(distinct (vendor, token_id, timeframe, signal_at)) from core.signal"
        ).fetchall()
        ((n_bars,),) = file.sql(
            "select count(*) - count(distinct (token_id, timeframe, bar_start)) from core.price_bar"
        ).fetchall()
    return int(n_signals + n_bars)


def files_with(text: bytes, folder: Path) -> list[Path]:
    """The files that contain a text, in compressed ones also after decompression."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            body = path.read_bytes()
            if text in body or (body[:2] == b"\x1f\x8b" and text in gzip.decompress(body)):
                found.append(path)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_faults_drawn_at_random_publish_all_or_leave_the_file_as_it_was(
    vendor: DevServer, environment: dict[str, str], tmp_path: Path
) -> None:
    draw = random.Random(20261122)
    first = Desk(tmp_path, tmp_path / "first")
    first.home.mkdir()
    vendor.faults = ()
    assert night(first, vendor, FIRST_NIGHT).exit_code == 0
    whole = Desk(tmp_path, tmp_path / "whole")
    shutil.copytree(first.home, whole.home)
    n_before = len(vendor.calls)
    assert night(whole, vendor, SECOND_NIGHT).exit_code == 0
    n_calls = len(vendor.calls) - n_before
    expected = published_rows(whole.published)
    before = first.published.read_bytes()

    seen: Counter[str] = Counter()
    for number in range(N_DRAWN):
        kind = draw.choice([*MENDED, *REFUSED])
        fault = Fault(kind.kind, kind.value, call=draw.randint(1, n_calls), retry_after=kind.retry_after)
        desk = Desk(tmp_path, tmp_path / "home")
        shutil.copytree(first.home, desk.home)
        vendor.faults = [fault]
        answer = night(desk, vendor, SECOND_NIGHT)
        vendor.faults = ()
        if answer.exit_code == 0:
            differ = [table for table, rows in published_rows(desk.published).items() if rows != expected[table]]
            is_noted = "is missing from this run" in answer.out and fault.value == "410"
            assert not differ or is_noted, (number, fault, differ)
            assert duplicates(desk.published) == 0
            seen["published, missing told" if differ else "published whole"] += 1
        else:
            assert answer.exit_code == 1, (number, fault, answer)
            assert desk.published.read_bytes() == before, (number, fault)
            assert "docs/" in answer.err or "Run again" in answer.err, answer.err
            seen["stopped, file unchanged"] += 1
        assert SENTINEL not in answer.out + answer.err
        assert not files_with(SENTINEL.encode(), desk.home), (number, fault)
        shutil.rmtree(desk.home)
    print(f"\n{N_DRAWN} faults drawn of {n_calls} calls a night: {dict(seen)}")
    assert seen["published whole"] > N_DRAWN * 0.4
    assert seen["stopped, file unchanged"] > N_DRAWN * 0.06


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_key_is_in_no_file_log_or_database_of_runs_under_the_orchestrator(
    vendor: DevServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """With and without faults, at the loudest log level, with Prefect's own database among the files."""
    vendor.now = None
    loud = {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
        "TRACKRECORD_HOME": str(tmp_path / "home"),
        "DO_NOT_TRACK": "1",
    }
    text = ""
    codes = []
    for command, faults in (
        (("nightly",), ()),
        (("hourly",), (Fault("html", call=2), Fault("cut", call=4))),
        (("nightly",), (Fault("status", "401", times=None),)),
        (("hourly",), (Fault("status", "400", call=3),)),
    ):
        vendor.faults = faults
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *command, "--source", "tokenmetrics"],
            cwd=ROOT,
            env={**os.environ, **environment, **loud},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        codes.append(done.returncode)
        text += done.stdout + done.stderr
    vendor.faults = ()
    vendor.now = FIRST_NIGHT
    (tmp_path / "terminal.txt").write_text(text)
    assert codes == [0, 0, 1, 1], text[-3000:]
    assert list((tmp_path / "prefect").rglob("*.db"))
    n_files = sum(path.is_file() for path in tmp_path.rglob("*"))
    print(f"\nexit codes {codes}; {n_files} files looked through")
    assert not files_with(SENTINEL.encode(), tmp_path)
