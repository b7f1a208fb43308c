"""The simulated tokens: names, categories, sectors, coverage, and events such as halts and deaths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from flows.sources.sample.spec import MarketSpec

FIRST_TOKEN_ID = 900_001
SEASONING_DAYS = 7
NEVER = 1 << 30

_HEADS = (
    "Zorv",
    "Quill",
    "Brax",
    "Nyxo",
    "Vemb",
    "Drul",
    "Plix",
    "Gwen",
    "Yurt",
    "Kazm",
    "Ombr",
    "Frob",
    "Thul",
    "Wexl",
)
_TAILS = ("ex", "um", "ora", "ith", "ane", "opi", "uzz", "eld", "arq", "inox", "obb", "yle", "ast", "umo")

# CoinGecko-like category slugs. A token always has the first of its sector's list, which data/sectors.csv maps to the
# sector before any cross-sector slug; it has each of the others with probability one half.
_SECTOR_SLUGS: dict[str, tuple[str, ...]] = {
    "Layer 1": ("layer-1", "smart-contract-platform", "proof-of-stake-pos", "proof-of-work-pow"),
    "DeFi": ("decentralized-exchange", "decentralized-finance-defi", "lending-borrowing", "yield-farming"),
    "Meme": ("meme-token", "dog-themed-coins", "frog-themed-coins", "elon-musk-inspired-coins"),
    "AI": ("artificial-intelligence", "infrastructure"),
    "Gaming": ("gaming", "play-to-earn"),
    "RWA": ("rwa-protocol", "real-world-assets-rwa"),
    "Infrastructure": ("cross-chain-communication", "infrastructure"),
    "Exchange Tokens": ("centralized-exchange-token-cex", "exchange-based-tokens"),
}
_CROSS_SLUGS = ("smart-contract-platform", "decentralized-finance-defi", "real-world-assets-rwa")
_ECOSYSTEM_SLUGS = (
    "ethereum-ecosystem", "solana-ecosystem", "binance-smart-chain", "made-in-usa", "arbitrum-ecosystem",
    "avalanche-ecosystem", "polygon-ecosystem", "base-ecosystem", "alleged-sec-securities",
    "near-protocol-ecosystem",
)  # fmt: skip
_STABLE_SLUGS = ["stablecoins", "usd-stablecoin", "fiat-backed-stablecoin", "ethereum-ecosystem"]
_WRAPPED_SLUGS = ["wrapped-tokens", "asset-backed-tokens", "ethereum-ecosystem"]


@dataclass(frozen=True)
class TokenPlan:
    """One entry per token. Days are indices into the panel; NEVER for an event that does not happen."""

    sector: np.ndarray  # index into spec.sectors, -1 for pegged tokens
    twin_of: np.ndarray  # the token a wrapped one follows, -1 otherwise
    is_stable: np.ndarray
    is_covered: np.ndarray
    covered_from: np.ndarray  # the vendor's first day
    listed: np.ndarray  # first day with a bar
    halted: np.ndarray  # first day without bars
    resumed: np.ndarray
    redenominated: np.ndarray  # first day at the new scale
    scale: np.ndarray  # of prices from that day on
    dead: np.ndarray  # first day of no bars, for ever
    beta: np.ndarray
    idiosyncratic_vol: np.ndarray  # per year
    start_price: np.ndarray  # USD

    @property
    def ids(self) -> np.ndarray:
        """Token ids, ascending."""
        return FIRST_TOKEN_ID + np.arange(self.sector.size, dtype=np.int64)

    def total_vol(self, spec: MarketSpec) -> np.ndarray:
        """Standard deviation of a token's log return, per year."""
        variance = (self.beta * spec.market_vol) ** 2 + spec.sector_vol**2 + self.idiosyncratic_vol**2
        vol: np.ndarray = np.sqrt(variance)
        return vol

    def trades_on(self, n_days: int) -> np.ndarray:
        """Day x token: listed, not halted, not dead."""
        day = np.arange(n_days)[:, None]
        return (day >= self.listed) & (day < self.dead) & ~((day >= self.halted) & (day < self.resumed))


def _draw_coverage(spec: MarketSpec, sector: np.ndarray, listed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covered share of every sector (and of the pegged), and the day coverage begins."""
    rng = spec.stream("coverage")
    covered = np.zeros(sector.size, dtype=bool)
    for group in np.unique(sector):
        members = rng.permutation(np.flatnonzero(sector == group))
        covered[members[: round(spec.covered_share * members.size)]] = True
    lag = np.where(listed > 0, rng.integers(3, 45, sector.size), 0)
    return covered, listed + lag


def plan_tokens(spec: MarketSpec) -> TokenPlan:
    """Draw the tokens: ordinary ones, assigned to the sectors in turn, then the pegged ones."""
    n, n_ordinary = spec.n_tokens, spec.n_tokens - spec.n_pegged
    rng, fate = spec.stream("tokens"), spec.stream("frictions")
    is_pegged = np.arange(n) >= n_ordinary
    is_stable = is_pegged & (np.arange(n) < n_ordinary + (spec.n_pegged + 1) // 2)
    sector = np.where(is_pegged, -1, np.arange(n) % len(spec.sectors))
    twin_of = np.where(is_pegged & ~is_stable, np.arange(n) - n_ordinary, -1)

    never = np.full(n, NEVER)
    listed, halted, resumed, redenominated, dead = (np.zeros(n, int), *(never.copy() for _ in range(4)))
    scale = np.ones(n)
    order, days, knobs = fate.permutation(n_ordinary), spec.n_days, spec.frictions
    shares = (knobs.late_share, knobs.halt_share, knobs.redenominate_share, knobs.dead_share)
    cuts = np.cumsum([round(share * n_ordinary) for share in shares])
    late, halts, rescaled, dying, _ = np.split(order, cuts)
    listed[late] = fate.integers(30, int(days * 0.75), late.size)
    halted[halts] = fate.integers(60, days - 40, halts.size)
    resumed[halts] = halted[halts] + fate.integers(4, 21, halts.size)
    redenominated[rescaled] = fate.integers(60, days - 40, rescaled.size)
    scale[rescaled] = np.where(np.arange(rescaled.size) % 2 == 0, 1000.0, 0.001)
    dead[dying] = fate.integers(int(days * 0.4), int(days * 0.97), dying.size)

    covered, covered_from = _draw_coverage(spec, sector, listed)
    start_price = 10.0 ** rng.uniform(-3, 3, n)
    start_price = np.where(is_stable, 1.0, np.where(twin_of >= 0, start_price[twin_of], start_price))
    return TokenPlan(
        sector, twin_of, is_stable, covered, covered_from, listed, halted, resumed, redenominated, scale,
        dead,
        beta=np.clip(rng.normal(1.0, 0.25, n), 0.3, 1.8),
        idiosyncratic_vol=spec.idiosyncratic_vol * np.exp(rng.normal(0.0, spec.vol_spread, n)),
        start_price=start_price,
    )  # fmt: skip


def _invented_names(spec: MarketSpec) -> list[str]:
    pool = [head + tail for tail in _TAILS for head in _HEADS]
    order = spec.stream("names").permutation(len(pool))
    return [pool[order[i % len(pool)]] + ("" if i < len(pool) else str(i // len(pool))) for i in range(spec.n_tokens)]


def _categories(spec: MarketSpec, sector: int, rng: np.random.Generator) -> list[str]:
    slugs = _SECTOR_SLUGS[spec.sectors[sector].name]
    extra = [slug for slug in slugs[1:] if rng.random() < 0.5]
    labels = rng.permutation(_ECOSYSTEM_SLUGS)[: rng.integers(1, 5)]
    cross = [slug for slug in _CROSS_SLUGS if rng.random() < 0.15]
    return list(dict.fromkeys([*(str(label) for label in labels), *slugs[:1], *extra, *cross]))


def token_table(spec: MarketSpec, plan: TokenPlan) -> pa.Table:
    """The `tokens` dataset: invented names, a few symbols used twice, CoinGecko-like category slugs."""
    rng, names = spec.stream("names"), _invented_names(spec)
    symbols = [name.upper() for name in names]
    categories: list[list[str]] = []
    for i in range(spec.n_tokens):
        twin = int(plan.twin_of[i])
        if twin >= 0:
            names[i], symbols[i] = f"Wrapped {names[twin]}", symbols[twin]
            categories.append(_WRAPPED_SLUGS)
        elif plan.is_stable[i]:
            names[i], symbols[i] = f"{names[i]} USD", f"{symbols[i]}USD"
            categories.append(_STABLE_SLUGS)
        else:
            categories.append(_categories(spec, int(plan.sector[i]), rng))
    if spec.n_pegged and spec.n_tokens - spec.n_pegged > 60:
        symbols[40], symbols[57] = symbols[11], symbols[23]  # two tokens, one symbol: the id is the key
    columns = {
        "token_id": pa.array(plan.ids),
        "symbol": pa.array(symbols, pa.string()),
        "name": pa.array(names, pa.string()),
        "categories": pa.array(categories, pa.list_(pa.string())),
    }
    return pa.table(columns)
