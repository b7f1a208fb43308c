"""A fetch that is interrupted and run again pays for no page twice."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from flows.config import ROOT
from flows.devserver import DevServer, Fault
from flows.errors import SourceError
from flows.home import journal
from flows.sources.tokenmetrics.pages import Page, PageStore, compressed
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import QUICK, fetch, settings_for

FETCH = """
import json, sys
from datetime import datetime
from pathlib import Path
from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics import TokenMetricsSettings, TokenMetricsSource
settings = TokenMetricsSettings(_env_file=None, **json.loads(sys.argv[1]))
list(TokenMetricsSource(settings).fetch(FetchRequest(datetime.fromisoformat(sys.argv[2]), Path(sys.argv[3]))))
"""


def paid(server: DevServer) -> Counter[str]:
    """Every request that was answered with content, and how often."""
    return Counter(
        json.dumps([call.endpoint, sorted(call.params.items())]) for call in server.calls if call.status in (200, 404)
    )


def test_a_fetch_that_failed_goes_on_where_it_stopped(server: DevServer, tmp_path: Path) -> None:
    fetch(server, tmp_path / "whole")
    once = paid(server)
    server.calls.clear()
    server.faults = [Fault("status", "503", call=25, times=None)]
    with pytest.raises(SourceError):
        fetch(server, tmp_path / "home", max_attempts=1)
    n_paid = sum(paid(server).values())
    server.faults = ()
    brought = fetch(server, tmp_path / "home")
    assert n_paid > 15
    # Each request is paid as often as in a fetch without interruption (some are made twice to compare the answers),
    # except those under way when it stopped.
    assert not once - paid(server)
    assert sum((paid(server) - once).values()) < settings_for(server).concurrency
    assert brought.rows["signals"]


def test_a_fetch_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with DevServer(now=NOW) as server:
        fetch(server, tmp_path / "whole")
        once = paid(server)
        server.calls.clear()
        server.faults = [Fault("stall", "0.05", times=None)]
        settings = json.dumps({**QUICK, "base_url": f"{server.base_url}/v2"})
        command = [sys.executable, "-c", FETCH, settings, NOW.isoformat(), str(tmp_path / "home")]
        with subprocess.Popen(command, cwd=ROOT) as process:
            while len(server.calls) < 25:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        server.faults = ()
        time.sleep(0.3)
        fetch(server, tmp_path / "home")
        # Requests under way when the process died were paid, and their answers lost.
        assert sum((paid(server) - once).values()) <= QUICK.get("concurrency", 4)


def test_a_fetch_that_was_whole_asks_anew(server: DevServer, tmp_path: Path) -> None:
    first, second = fetch(server, tmp_path), fetch(server, tmp_path)
    assert first.n_calls == second.n_calls
    assert not list((tmp_path / "pages").rglob("*.pages"))


def test_a_torn_page_is_no_page(tmp_path: Path) -> None:
    with closing(PageStore(tmp_path, "today")) as store:
        for number in ("1", "2"):
            store.keep(Page("tokens", {"page": number}, 200, NOW, compressed(b'{"data": [%s]}' % number.encode())), 1)
    (path,) = (tmp_path / "pages" / "tokenmetrics").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    with closing(PageStore(tmp_path, "today")) as store:
        page = store.find("tokens", {"page": "1"}, 1)
        assert page is not None and page.rows == [1]
        assert store.find("tokens", {"page": "1"}, 2) is None
        assert store.find("tokens", {"page": "2"}, 1) is None


def test_a_fetch_that_is_done_forgets_its_own_pages_and_no_others(server: DevServer, tmp_path: Path) -> None:
    """An hourly run during an unfinished nightly leaves the nightly's stored pages alone."""
    server.faults = [Fault("status", "503", call=25, times=None)]
    with pytest.raises(SourceError):
        fetch(server, tmp_path, max_attempts=1)
    n_paid = sum(paid(server).values())
    server.faults = ()
    with closing(PageStore(tmp_path, "a fetch under way")) as store:
        hourly = fetch(server, tmp_path, timeframes=("1h",))
        store.keep(Page("tokens", {"page": "1"}, 200, NOW, compressed(b'{"data": [1]}')), 1)
        assert store.find("tokens", {"page": "1"}, 1) is not None
    assert hourly.rows["signals"]
    whole = fetch(server, tmp_path / "whole")
    n_left = fetch(server, tmp_path).n_calls
    # Except the requests under way when the first one stopped.
    assert 0 <= n_left - (whole.n_calls - n_paid) < settings_for(server).concurrency


def test_every_call_is_in_the_journal_whatever_became_of_it(server: DevServer, tmp_path: Path) -> None:
    server.faults = [Fault("html", call=3), Fault("reset", call=5)]
    fetch(server, tmp_path)
    events = journal.read(tmp_path, "requests")
    assert len(events) == len(server.calls)
    assert {line["fault"] for line in events} >= {"not_json", "transport"}
    assert len({line["request_id"] for line in events}) == len(events)
