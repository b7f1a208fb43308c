"""`trackrecord dev-server`: runs the test double in a terminal until it is stopped."""

import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

from flows.devserver.contract import Plan
from flows.devserver.endpoints import ENDPOINTS
from flows.devserver.faults import parse_fault
from flows.devserver.market import sample_market
from flows.devserver.server import CONTROL, KEY, DevServer
from flows.errors import UsageError


def serve(
    print_line: Callable[[str], None],
    *,
    port: int,
    n_tokens: int,
    keys: tuple[str, ...],
    faults: tuple[str, ...],
    lacks: frozenset[str],
    per_minute: int | None,
    market_end: datetime | None,
) -> None:
    """Serve until SIGINT or SIGTERM; print first which settings point a run at the server.

    Raises UsageError for a fault or an endpoint that does not exist, and for a port that is taken.
    """
    parsed = tuple(parse_fault(text) for text in faults)
    unknown = lacks - set(ENDPOINTS)
    if unknown:
        raise UsageError(f"--lacks {', '.join(sorted(unknown))}: no such endpoint; there are {', '.join(ENDPOINTS)}.")
    spec = sample_market(datetime.now(UTC), n_tokens)
    if market_end is not None:
        spec = replace(spec, end_date=market_end.date())
    print_line(f"Drawing a market of {n_tokens} tokens; nothing in it is real …")
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        plan = Plan(lacks=lacks, per_minute=per_minute)
        with DevServer(market=spec, plan=plan, keys=keys or (KEY,), faults=parsed, port=port) as server:
            for line in _how_to_use(server):
                print_line(line)
            stopped.wait()
            print_line(f"Stopped after {len(server.calls)} calls.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _how_to_use(server: DevServer) -> list[str]:
    return [
        f"Listening on {server.base_url} (v2 and v3). In another terminal:",
        "",
        f"  export TOKENMETRICS_BASE_URL={server.base_url}/v2",
        f"  export TOKENMETRICS_API_KEY={server.keys[0]}",
        # No rate limit, because the default limit is a guess at the vendor's and this server needs none.
        "  export TOKENMETRICS_REQUESTS_PER_MINUTE=0",
        "  trackrecord nightly --source tokenmetrics",
        "",
        f"The market runs until {server.spec.end_date}. A restart in the next quarter moves it: keep it with",
        f"  --market-end {server.spec.end_date}",
        f"Faults now: {', '.join(map(str, server.faults)) or 'none'}. To change them:",
        f"  curl -X PUT {server.base_url}{CONTROL}/faults -d '[\"status=503,call=3\"]'",
        "Stop with Ctrl-C.",
    ]
