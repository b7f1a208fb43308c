"""The k-th call fails, for every k and in every way: the data are whole, or the fetch says what to do."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.devserver import DevServer, Fault
from flows.errors import TrackrecordError
from flows.sources.tokenmetrics.endpoints import ENDPOINTS
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import Brought, bytes_under, fetch
from tests.tokenmetrics.test_completeness import wanted

# A fetch of a few calls, one of each kind of paging, so that all of them can be swept.
FEW = ("top-market-cap-tokens", "tokens", "daily-ohlcv", "trading-signals", "quantmetrics", "moonshot-tokens")
SKIPPED = ",".join(one.name for one in ENDPOINTS if one.name not in FEW)

MENDED = [
    Fault("status", "500"),
    Fault("status", "429", retry_after="0"),
    Fault("status", "404"),
    Fault("html"),
    Fault("blank"),
    Fault("cut"),
    Fault("reset"),
    Fault("length", "-10"),
    Fault("shrink", "5"),
]
REFUSED = [Fault("status", status) for status in ("400", "401", "402", "403")]


@pytest.fixture(scope="module")
def double() -> Iterator[DevServer]:
    with DevServer(now=NOW) as server:
        yield server


def outcome(server: DevServer, home: Path, whole: Brought, fault: Fault, **more: object) -> str:
    """What became of a fetch under a fault. Fails where rows were lost without a word, or came twice."""
    server.faults = [fault]
    stop = None
    try:
        brought = fetch(server, home, **more)  # type: ignore[arg-type]
    except TrackrecordError as error:
        stop = error
    finally:
        server.faults = ()
    if stop is not None:
        assert stop.exit_code == 1
        assert "Run again" in str(stop) or "docs/" in str(stop), stop
        return "stopped"
    lost = [name for name, rows in whole.rows.items() if wanted(brought.rows.get(name, [])) != wanted(rows)]
    told = " ".join(brought.told)
    for name in lost:
        assert f"Its part of {name}" in told, (fault, name, brought.told)
    return "missing, and told" if lost else "complete"


@pytest.mark.parametrize(
    "fault",
    [MENDED[2], REFUSED[3], *(pytest.param(one, marks=pytest.mark.slow) for one in (MENDED[0], MENDED[5]))],
    ids=lambda fault: f"{fault.kind}{fault.value}",
)
def test_any_one_call_of_a_small_fetch_may_fail(double: DevServer, tmp_path: Path, fault: Fault) -> None:
    more = {"timeframes": ("1d",), "skip": SKIPPED, "history_days": 5}
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", **more)  # type: ignore[arg-type]
    seen = Counter(
        outcome(
            double,
            tmp_path / str(k),
            whole,
            Fault(fault.kind, fault.value, call=k, retry_after=fault.retry_after),
            **more,
        )
        for k in range(1, whole.n_calls + 1)
    )
    if fault in MENDED:
        assert seen == {"complete": whole.n_calls}
    else:
        assert seen["stopped"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*MENDED, *REFUSED], ids=lambda fault: f"{fault.kind}{fault.value}")
def test_any_one_call_of_a_nightly_may_fail(double: DevServer, tmp_path: Path, fault: Fault) -> None:
    more = {"history_days": 7}
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", **more)  # type: ignore[arg-type]
    assert whole.n_calls <= 70
    seen = Counter(
        outcome(
            double,
            tmp_path / str(k),
            whole,
            Fault(fault.kind, fault.value, call=k, retry_after=fault.retry_after),
            **more,
        )
        for k in range(1, whole.n_calls + 1)
    )
    print(f"{fault}: {whole.n_calls} calls swept, {dict(seen)}")
    if fault in MENDED:
        assert seen == {"complete": whole.n_calls}
    # Over the whole sweep the key was sent some thousand times, and lies nowhere.
    assert double.keys[0].encode() not in bytes_under(tmp_path)


@pytest.mark.slow
def test_several_faults_at_once_are_no_worse(double: DevServer, tmp_path: Path) -> None:
    draw = random.Random(20261122)
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", history_days=7)
    for number in range(30):
        kinds = [draw.choice(MENDED) for _ in range(3)]
        double.faults = [
            Fault(one.kind, one.value, call=draw.randint(1, whole.n_calls), retry_after=one.retry_after)
            for one in kinds
        ]
        brought = fetch(double, tmp_path / str(number), history_days=7)
        assert all(wanted(brought.rows[name]) == wanted(rows) for name, rows in whole.rows.items()), kinds
