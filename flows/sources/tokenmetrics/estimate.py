"""What a fetch will cost, told before anything is called."""

from flows.sources.base import Wanted
from flows.sources.tokenmetrics.endpoints import Grain
from flows.sources.tokenmetrics.held import Held
from flows.sources.tokenmetrics.plan import queries
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.tasks import tasks_of, within_reach
from flows.sources.tokenmetrics.universe import read_token_ids

# Where only the vendor knows how many there are.
TOKENS_OF_ALL = 1_500
N_INDICES = 10
# A list is read to its end, and once more to be sure that it was.
CALLS_OF_A_LIST = 2


def estimated_calls(settings: TokenMetricsSettings, wanted: Wanted, held: Held) -> dict[str, int]:
    """Calls by endpoint, retries and second readings left out."""
    token_ids = foreseen(settings, wanted, held)
    calls: dict[str, int] = {}
    if wanted.token_ids is None and not ("1d" not in wanted.timeframes and held.token_ids):
        chosen = settings.wanted_universe
        if chosen.kind == "top":
            calls["top-market-cap-tokens"] = -(-chosen.count // settings.page_limit)
        elif chosen.kind != "file":
            calls["tokens"] = TOKENS_OF_ALL // settings.page_limit + 1
    for asked in tasks_of(settings, wanted, held, token_ids):
        task = within_reach(asked, wanted.as_of.date(), settings.ohlcv_days)
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


def foreseen(settings: TokenMetricsSettings, wanted: Wanted, held: Held) -> tuple[int, ...]:
    """Token ids as many as the run will follow; made-up ones where only the vendor knows which."""
    if wanted.token_ids is not None:
        return tuple(sorted(wanted.token_ids))
    chosen = settings.wanted_universe
    if chosen.kind == "file" and chosen.path is not None:
        return read_token_ids(chosen.path)
    if held.token_ids:
        return tuple(sorted(held.token_ids))
    return tuple(range(1, (chosen.count or TOKENS_OF_ALL) + 1))
