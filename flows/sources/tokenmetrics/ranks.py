"""The ranks of tokens, from the order of the vendor's list by market cap, which has neither rank nor cap."""

import gzip
from collections.abc import Mapping

from flows.home.raw_store import FetchedDataset
from flows.sources.tokenmetrics.aliases import folded
from flows.sources.tokenmetrics.body import rows_of
from flows.sources.tokenmetrics.endpoints import TOP_TOKENS
from flows.sources.tokenmetrics.parse import identifier


def ranks_of(tokens: FetchedDataset) -> dict[int, int]:
    """Rank (1 is the largest) by token id, from the delivered pages of that list; empty where there are none."""
    pages = [one for one in tokens.responses if one.request.get("endpoint") == TOP_TOKENS.name]
    ranks: dict[int, int] = {}
    for page in sorted(pages, key=lambda one: int(one.request.get("page", 0))):
        body = page.content if isinstance(page.content, bytes) else page.content.read_bytes()
        for row in rows_of(gzip.decompress(body)):
            token_id = identifier(folded(row).get("token_id")) if isinstance(row, Mapping) else None
            if isinstance(token_id, int):
                ranks.setdefault(token_id, len(ranks) + 1)
    return ranks
