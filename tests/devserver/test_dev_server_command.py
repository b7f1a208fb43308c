"""`trackrecord dev-server` from a terminal: it prints what to type, serves, and stops on Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import httpx
import pytest

from flows.devserver.command import serve
from flows.errors import UsageError


@contextmanager
def _dev_server(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "flows.cli", "dev-server", "--port", "0", "--tokens", "12", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, _until(process.stdout, "Stop with Ctrl-C.")
        finally:
            process.kill()


def _until(stream: IO[str], end: str) -> str:
    text = ""
    for line in stream:
        text += line
        if end in line:
            return text
    raise AssertionError(f"it ended before it text {end!r}: {text}")


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM])
def test_the_lines_it_prints_work_and_it_stops_cleanly(number: int) -> None:
    with _dev_server("--fault", "status=503,call=2", "--key", "tm-a-key-of-mine") as (process, printed):
        settings = dict(re.findall(r"export (TOKENMETRICS_\w+)=(\S+)", printed))
        assert settings["TOKENMETRICS_API_KEY"] == "tm-a-key-of-mine"
        with httpx.Client(
            base_url=settings["TOKENMETRICS_BASE_URL"], headers={"x-api-key": settings["TOKENMETRICS_API_KEY"]}
        ) as client:
            got = [client.get("/tokens", params={"limit": 5}) for _ in range(3)]
            assert [response.status_code for response in got] == [200, 503, 200]
            # The client stays connected, which must not keep the server from stopping.
            os.kill(process.pid, number)
            assert process.wait(timeout=10) == 0
        assert process.stdout is not None and "Stopped after 3 calls." in process.stdout.read()
        assert process.stderr is not None and process.stderr.read() == ""


def test_an_impossible_setting_is_refused_before_a_market_is_drawn() -> None:
    nothing: dict[str, Any] = {"keys": (), "faults": (), "lacks": frozenset(), "per_minute": None, "market_end": None}
    plain = {"port": 0, "n_tokens": 12, **nothing}
    printed: list[str] = []
    with pytest.raises(UsageError, match="stumble is unknown"):
        serve(printed.append, **{**plain, "faults": ("stumble",)})
    with pytest.raises(UsageError, match="weather: no such endpoint"):
        serve(printed.append, **{**plain, "lacks": frozenset({"weather"})})
    assert not printed
