"""The estimate of what a fetch will cost, before anything is called."""

from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics.coverage import Coverage
from flows.sources.tokenmetrics.endpoints import Grain
from flows.sources.tokenmetrics.queries import queries
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import tasks_of, within_reach
from flows.sources.tokenmetrics.universe import read_token_ids

# Guesses of numbers that only the vendor knows.
TOKENS_OF_ALL = 1_500
N_INDICES = 10
# A list is read to its end, and once more to confirm it.
CALLS_OF_A_LIST = 2


def estimated_calls(settings: TokenMetricsSettings, request: FetchRequest, coverage: Coverage) -> dict[str, int]:
    """Calls by endpoint, without retries and second rounds."""
    token_ids = expected_token_ids(settings, request, coverage)
    calls: dict[str, int] = {}
    if request.token_ids is None and not ("1d" not in request.timeframes and coverage.token_ids):
        chosen = settings.wanted_universe
        if chosen.kind == "top":
            calls["top-market-cap-tokens"] = -(-chosen.count // settings.page_limit)
        elif chosen.kind != "file":
            calls["tokens"] = TOKENS_OF_ALL // settings.page_limit + 1
    for whole in tasks_of(settings, request, coverage, token_ids):
        task = within_reach(whole, request.as_of.date(), settings.ohlcv_days)
        if task is None:
            continue
        n_queries = len(queries(task.endpoint, task.token_ids, task.window, settings))
        match task.endpoint.grain:
            case Grain.LIST:
                n_queries = 1 if task.endpoint.is_newest_page else CALLS_OF_A_LIST
            case Grain.INDEX | Grain.INDEX_DAY:
                n_queries *= N_INDICES
        calls[task.endpoint.name] = calls.get(task.endpoint.name, 0) + n_queries
    return calls


def expected_token_ids(settings: TokenMetricsSettings, request: FetchRequest, coverage: Coverage) -> tuple[int, ...]:
    """As many token ids as the run will follow; invented ones where only the vendor knows which."""
    if request.token_ids is not None:
        return tuple(sorted(request.token_ids))
    chosen = settings.wanted_universe
    if chosen.kind == "file" and chosen.path is not None:
        return read_token_ids(chosen.path)
    if coverage.token_ids:
        return tuple(sorted(coverage.token_ids))
    return tuple(range(1, (chosen.count or TOKENS_OF_ALL) + 1))
