"""Digests made up by the tests, as large and unusual as they may be."""

import random
from datetime import date, datetime, timedelta
from typing import Any

from flows.report.digest.model import (
    Account,
    Cell,
    Changes,
    Curve,
    CurvePoint,
    Digest,
    Estimate,
    FunnelStep,
    GradeChange,
    ImprovedToken,
    LastWeek,
    NewCall,
    Note,
    OpenCall,
    OpenCount,
    Provenance,
    Quality,
    Ranked,
    Regime,
    SectorCurves,
    SectorDrawdown,
    Track,
)
from flows.report.digest.sentences import with_sentences
from flows.timeframes import headline_horizon

MONDAY = datetime(2026, 11, 16)


def a_digest(
    *,
    n_sectors: int = 20,
    horizons: tuple[int, ...] = (1, 7, 14, 30, 90),
    timeframes: tuple[str, ...] = ("1d",),
    seed: int = 0,
    is_simulated: bool = True,
    few: float = 0.2,
    symbol: str = "TOKEN",
    note: str = "A note.",
    sector: str = "Sector of tokens",
    vendors: tuple[str, ...] = ("a/b",),
    shared_symbols: tuple[str, ...] = (),
    n_vendors: int = 0,
) -> Digest:
    """A digest with numbers drawn by `seed`; the share `few` of its cells is too small.

    With `n_vendors` there is a ranking of so many, of which `vendors` are the first, shown in detail.
    """
    draw = random.Random(seed)
    sectors = ["all", *(f"{sector} {number}" for number in range(1, n_sectors))]
    tracks = tuple(
        _track(draw, vendor, timeframe, sectors, horizons, few, symbol)
        for vendor in vendors
        for timeframe in timeframes
    )
    names = [*vendors, *(f"{vendors[0]} {number}" for number in range(len(vendors), n_vendors))]
    ranking = tuple(_ranked(name, place) for place, name in enumerate(names, 1)) if n_vendors else ()
    facts: dict[str, Any] = {
        "week": "2026-W46",
        "week_from": (MONDAY - timedelta(days=7)).date(),
        "week_to": (MONDAY - timedelta(days=1)).date(),
        "as_of": MONDAY + timedelta(minutes=20),
        "archive_end": None,
        "run_id": "20261116T002000-abcdef",
        "source": "sample",
        "is_simulated": is_simulated,
        "is_complete": False,
        "incomplete_because": ("3 token-days are missing inside the week",),
        "version": "0.1.0",
        "cost_bps": 20.0,
        "n_tested": 320,
        "mark_level": 0.1 / 52,
        "n_vendors": n_vendors or len(vendors),
        "n_judged": len(ranking),
        "n_better": 1 if ranking else 0,
        "n_worse": 0,
        "n_new_calls": sum(one.n_new_calls for one in tracks),
        "ranking": ranking,
        "accounts": tuple(_account(one.vendor) for one in ranking),
        "tracks": tracks,
        "changes": Changes(
            has_last_week=True,
            n_upgrades=30,
            n_downgrades=30,
            grade_changes=tuple(
                GradeChange(
                    vendor="a/b",
                    token_id=number,
                    symbol=f"{symbol}{number}",
                    kind="tm",
                    before=20,
                    after=80,
                    label_before="Sell",
                    label_after="Buy",
                )
                for number in range(60)
            ),
            moved=(),
            restated=(),
            n_restated_of=0,
        ),
        "improved": tuple(
            ImprovedToken(
                token_id=number,
                symbol=f"{symbol}{number}",
                sector=sectors[-1],
                sharpe=1.2,
                sharpe_before=0.4,
                max_drawdown=-0.2,
                max_drawdown_before=-0.3,
                volatility=0.5,
                volatility_before=0.6,
            )
            for number in range(30)
        ),
        "n_compared": 500,
        "regime": Regime(
            at=MONDAY,
            n_tokens=200,
            week_return=-0.012,
            drawdown=-0.3,
            volatility_30=0.4,
            volatility_365=0.6,
            n_above_50=60,
            n_with_50=200,
            n_above_50_before=70,
            n_with_50_before=200,
            n_up=99,
            n_up_of=200,
            bitcoin="BTC",
            n_beat_bitcoin=40,
            n_beat_bitcoin_of=199,
        ),
        "funnel": (
            _step("delivered", None, None),
            _step("call", "delivered", None),
            _step("excluded", "call", "seasoning"),
        ),
        "quality": Quality(delivered=(), quarantined=(), warned=(), missing=(), n_missing=3),
        "shared_symbols": shared_symbols,
        "notes": (Note(written_at=MONDAY, text=note),),
        "left_out": (),
    }
    return with_sentences(Digest(**facts, sentences=()))


def _track(
    draw: random.Random,
    vendor: str,
    timeframe: str,
    sectors: list[str],
    horizons: tuple[int, ...],
    few: float,
    symbol: str,
) -> Track:
    cells = tuple(
        _cell(draw, sector, horizon, direction, few)
        for sector in sectors
        for horizon in horizons
        for direction in ("both", "bullish", "bearish")
    )
    return Track(
        vendor=vendor,
        timeframe=timeframe,
        horizons=horizons,
        main_horizon=headline_horizon(timeframe, horizons),
        cells=cells,
        provenances=tuple(
            Provenance(
                provenance=provenance,
                entry_rule=rule,
                n_calls=n,
                n_effective=n / 2,
                is_reportable=few < 1,
                hit_rate=_estimate(0.5) if few < 1 else None,
                edge=_estimate(edge) if few < 1 else None,
            )
            for provenance, rule, n, edge in (
                ("all", "next_open", 9_000, 0.033),
                ("all", "tradable", 8_400, 0.029 if timeframe == "1d" else 0.011),
                ("attested", "next_open", 8_500, 0.027),
                ("attested", "tradable", 8_400, 0.029 if timeframe == "1d" else 0.011),
                ("backfill", "next_open", 500, 0.158),
            )
        ),
        n_new_calls=400,
        n_new_long=200,
        n_new_short=200,
        n_flips=399,
        n_new_unscored=0,
        n_learned_late=7,
        new_calls=tuple(
            NewCall(
                token_id=number,
                symbol=f"{symbol}{number}",
                sector=draw.choice(sectors[1:] or ["all"]),
                direction=draw.choice((-1, 1)),
                side_before=0,
                signal_at=MONDAY,
                known_at=MONDAY,
                provenance="witnessed",
                is_flip=False,
                is_scored=True,
            )
            for number in range(100)
        ),
        drawdowns=tuple(
            SectorDrawdown(
                sector=sector,
                n_calls=12_345,
                median=-0.12,
                p95=-0.36,
                worst=-1.38,
                worst_symbol=f"{symbol}9",
                worst_token_id=9,
                worst_direction=-1,
                worst_entry_at=MONDAY,
                worst_exit_at=MONDAY,
            )
            for sector in sectors
        ),
        curves=tuple(
            SectorCurves(
                sector=sector,
                n_tokens=20,
                signal=_curve("signal"),
                equal_weight=_curve("equal_weight"),
                hold=_curve("hold"),
            )
            for sector in sectors
        ),
        curve_points=tuple(
            CurvePoint(at=MONDAY + timedelta(days=7 * n), signal=1 + n / 50, equal_weight=1 - n / 90, hold=1.0)
            for n in range(60)
        ),
        open_counts=tuple(OpenCount(horizon=horizon, n_open=10 * horizon) for horizon in horizons),
        open_calls=tuple(
            OpenCall(
                token_id=number,
                symbol=f"{symbol}{number}",
                sector=sectors[0],
                direction=1,
                entry_at=MONDAY,
                entry_price=0.000012,
                due_at=MONDAY,
            )
            for number in range(100)
        ),
        n_open_listed_of=500,
        n_long_now=80,
        n_short_now=70,
    )


def _cell(draw: random.Random, sector: str, horizon: int, direction: str, few: float) -> Cell:
    is_reportable = draw.random() >= few
    n = draw.randint(30, 99_999) if is_reportable else draw.randint(1, 29)
    edge = draw.uniform(-0.3, 0.3)
    mark = draw.choice((None, "above", "below")) if is_reportable and direction != "both" else None
    return Cell(
        sector=sector,
        horizon=horizon,
        direction=direction,
        n_calls=n,
        n_tokens=min(n, 20),
        n_open=5,
        n_truncated=1,
        n_clusters=draw.randint(1, 40),
        n_effective=float(n),
        is_reportable=is_reportable,
        hit_rate=_estimate(0.5 + edge / 2) if is_reportable else None,
        base_rate=0.5 if is_reportable else None,
        edge=_estimate(edge) if is_reportable else None,
        selection=_estimate(edge) if is_reportable else None,
        mean_return=edge / 3 if is_reportable else None,
        edge_mark=mark,
        selection_mark=mark,
        edge_q=0.001 if mark else 0.5,
        selection_q=0.001 if mark else 0.5,
        smallest_edge=0.08,
        enough_date=None if is_reportable else date(2027, 3, 1),
        last_week=LastWeek(n_calls=n, n_effective=float(n), hit_rate=_estimate(0.5) if is_reportable else None),
    )


def _ranked(vendor: str, rank: int) -> Ranked:
    return Ranked(
        rank=rank,
        vendor=vendor,
        timeframe="1d",
        horizon=7,
        n_calls=1_234,
        selection=_estimate(0.08 - rank / 5_000),
        e=80_000 / rank**2,
        mark="above" if rank == 1 else None,
        next_open_n_calls=1_300,
        next_open_selection=_estimate(0.09 - rank / 5_000),
        next_open_mark="above" if rank < 3 else None,
        n_new_calls=rank,
    )


def _account(vendor: str) -> Account:
    return Account(
        vendor=vendor,
        timeframe="1d",
        n_rows=9_000,
        n_calls=1_300,
        n_scored=400,
        n_open=20,
        n_lost=880,
        problem="most of the 1d calls cannot be scored. The commonest reason: their tokens have no prices; check that "
        "prices and signals name tokens alike",
    )


def _step(step: str, part_of: str | None, reason: str | None) -> FunnelStep:
    horizon = 7 if part_of == "call" else None
    return FunnelStep(
        vendor="a/b", timeframe="1d", step=step, part_of=part_of, reason=reason, horizon=horizon, n_rows=50
    )


def _estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.051, high=value + 0.052)


def _curve(policy: str) -> Curve:
    return Curve(
        policy=policy, equity=1.2, week_return=0.01, drawdown=-0.1, max_drawdown=-0.4, peak_at=MONDAY, trough_at=MONDAY
    )
