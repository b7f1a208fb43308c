"""The k-th request fails, for every k and in every way: the data are whole, or the error names what to do."""

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.devserver import DevServer, Fault
from flows.devserver.answers import refusal
from flows.errors import TrackrecordError
from flows.sources.tokenmetrics.endpoints import ENDPOINTS
from flows.sources.tokenmetrics.pages import compressed
from tests.scale import repeats
from tests.tokenmetrics.conftest import NOW
from tests.tokenmetrics.desk import Brought, bytes_under, fetch
from tests.tokenmetrics.test_completeness import wanted

# A fetch of a few calls, one of each kind of paging, so that all of them can be swept.
FEW = ("top-market-cap-tokens", "tokens", "daily-ohlcv", "trading-signals", "quantmetrics", "moonshot-tokens")
SKIPPED = ",".join(one.name for one in ENDPOINTS if one.name not in FEW)

MENDED = [
    *(Fault("status", status) for status in ("408", "429", "500", "502", "503", "504")),
    Fault("status", "429", retry_after="0"),
    Fault("status", "404"),
    Fault("empty"),
    Fault("html"),
    Fault("blank"),
    Fault("cut"),
    Fault("reset"),
    Fault("stall", "1.5"),
    Fault("length", "-10"),
    Fault("length", "10"),
    Fault("shrink", "1"),
    Fault("shrink", "5"),
    Fault("shrink", "1000"),
    Fault("repeat", "3"),
    Fault("lose", "3"),
    Fault("shuffle"),
    Fault("text"),
]
REFUSED = [Fault("status", status) for status in ("400", "401", "402", "403", "410", "418")]
FAULTS = [*MENDED, *REFUSED]
PATIENT = {"timeout_seconds": 1}
# Of a nightly's calls every so many-th is swept.
EVERY = repeats(5, whole=1)
# Faults after which the body that counts is the one that a server without fault gives.
WHOLE_OR_NOT = ("status", "empty", "html", "blank", "cut", "reset", "stall", "length")
NO_ROWS = f"{hashlib.sha256(compressed(refusal('Data not found'))).hexdigest()}.gz"


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
        # The dataset was not delivered, so nothing of it can be published.
        assert not list((home / "raw").glob("[!u]*/*.gz"))
        return "stopped"
    lost = [name for name, rows in whole.rows.items() if wanted(brought.rows.get(name, [])) != wanted(rows)]
    text = " ".join(brought.notes)
    for name in lost:
        assert f"Its part of {name}" in text, (fault, name, brought.notes)
    # Endpoints only kept raw: every body of a fetch without faults is there.
    for name in whole.kept.keys() - whole.rows.keys() if fault.kind in WHOLE_OR_NOT else ():
        if not bodies(whole, name) <= bodies(brought, name):
            assert f"{name} is not" in text, (fault, name, brought.notes)
            lost.append(name)
    return "missing, and reported" if lost else "complete"


def bodies(brought: Brought, name: str) -> set[str]:
    """The names of the bodies with rows that were kept of an endpoint."""
    kept = brought.kept.get(name)
    return {path.name for path in kept.paths if path.suffix == ".gz"} - {NO_ROWS} if kept else set()


def sweep(
    server: DevServer, home: Path, whole: Brought, fault: Fault, *, every: int = 1, **more: object
) -> Counter[str]:
    """The outcomes of all fetches of which the k-th call failed. `yesterday` is a journal that each of them finds.

    With `every`, only each so-many-th call fails, from another first one a fault: together the faults befall all calls.
    """
    seen: Counter[str] = Counter()
    first = 1 + FAULTS.index(fault) % every
    for k in range(first, whole.n_calls + 1, every):
        place = home / f"{fault.kind}-{fault.value}-{k}"
        if more.get("yesterday"):
            (place / "journal").mkdir(parents=True)
            shutil.copy(str(more["yesterday"]), place / "journal" / "requests.jsonl")
        befalls = Fault(fault.kind, fault.value, call=k, retry_after=fault.retry_after)
        rest = {name: value for name, value in more.items() if name != "yesterday"}
        seen[outcome(server, place, whole, befalls, **rest)] += 1
    return seen


@pytest.mark.parametrize(
    "fault",
    [
        MENDED[7],
        MENDED[14],
        REFUSED[3],
        *(pytest.param(one, marks=pytest.mark.slow) for one in (MENDED[2], MENDED[11])),
    ],
    ids=str,
)
def test_any_one_call_of_a_small_fetch_may_fail(double: DevServer, tmp_path: Path, fault: Fault) -> None:
    more = {"timeframes": ("1d",), "skip": SKIPPED, "history_days": 5}
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", **more)  # type: ignore[arg-type]
    seen = sweep(double, tmp_path / "swept", whole, fault, **more)
    if fault in MENDED:
        assert seen == {"complete": whole.n_calls}
    else:
        assert seen["stopped"] >= 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_any_one_call_of_a_nightly_may_fail(double: DevServer, tmp_path: Path, fault: Fault) -> None:
    """On the second night, when every endpoint has answered before: all of the data, or none of it."""
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", history_days=7)
    assert whole.n_calls <= 60
    yesterday = tmp_path / "whole" / "journal" / "requests.jsonl"
    seen = sweep(double, tmp_path / "swept", whole, fault, every=EVERY, history_days=7, yesterday=yesterday, **PATIENT)
    n_swept = seen.total()
    print(f"\n{fault.kind} {fault.value} {fault.retry_after}: {n_swept} of {whole.n_calls} calls swept, {dict(seen)}")
    assert n_swept >= whole.n_calls // EVERY
    if fault in MENDED:
        assert seen == {"complete": n_swept}
    elif fault.value == "410":
        # A 410 is taken as permanent: the run goes on, with a note that the part is missing.
        assert set(seen) <= {"missing, and reported", "stopped", "complete"}
    else:
        assert set(seen) <= {"stopped", "complete"}
        # A 401 or 403 is requested twice before it is believed; another refusal may be of a page beyond the end.
        assert seen["stopped"] > n_swept // 2
    # Over the whole sweep the key was sent some thousand times, and lies nowhere.
    assert double.keys[0].encode() not in bytes_under(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("status", ["401", "403"])
def test_on_the_first_night_a_refusal_is_taken_for_the_plan_and_noted(
    double: DevServer, tmp_path: Path, status: str
) -> None:
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", history_days=7)
    seen = sweep(double, tmp_path / "swept", whole, Fault("status", status), every=EVERY, history_days=7, **PATIENT)
    print(f"\nfirst night, {status}: {whole.n_calls} calls swept, {dict(seen)}")
    assert set(seen) <= {"missing, and reported", "stopped", "complete"}
    assert seen["missing, and reported"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_several_faults_at_once_are_no_worse(double: DevServer, tmp_path: Path) -> None:
    draw = random.Random(20261122)
    double.faults = ()
    whole = fetch(double, tmp_path / "whole", history_days=7)
    for number in range(repeats(10, whole=30)):
        kinds = [draw.choice(MENDED) for _ in range(3)]
        double.faults = [
            Fault(one.kind, one.value, call=draw.randint(1, whole.n_calls), retry_after=one.retry_after)
            for one in kinds
        ]
        brought = fetch(double, tmp_path / str(number), history_days=7, **PATIENT)
        assert all(wanted(brought.rows[name]) == wanted(rows) for name, rows in whole.rows.items()), kinds
