"""One small market that the tests of single models share: every number in it can be followed by hand.

Costs are 20 bps; horizons are 1, 2 and 3 days, 1 and 2 hours. Tokens 1 to 4 are memes, 5 is a game that misses the 9th,
6 a stablecoin, which is never scored. Daily prices begin on the 1st, are flat for the season, and move from the 8th on:

    token          8th            9th            10th           11th (the night's)
    1          100 -> 110     110 -> 121     121 -> 96.8    96.8 -> 106.48
    2           50             50 -> 55       55 -> 66       66
    3           20             20 -> 19       19             19 -> 20.9
    4           10             10 (10.5)      10             10
    5           40 -> 20       none           20 -> 30       30 -> 33

Hours are of other prices: of tokens 1 and 2 only, one of the 1st, which a gap ends, and those from the 8th, 00:00, on.
Vendor v speaks without a known_at of all tokens, w with one of tokens 1 and 2.
"""

import json
from typing import Any

from tests.warehouse.scene import Scene, flat

FIRST_NIGHT, SECOND_NIGHT = "2026-01-11T00:20", "2026-01-12T00:20"


def lay_out(scene: Scene) -> None:
    """What the first night delivers."""
    scene.is_daily_only = True
    scene.token(1, symbol="ONE", categories="Meme")
    scene.token(2, symbol="TWO", categories="Meme")
    scene.token(3, symbol="THREE", categories="Meme")
    scene.token(4, symbol="FOUR", categories="Meme")
    scene.token(5, symbol="FIVE", categories="GameFi")
    scene.token(6, symbol="SIX", categories="Stablecoins")
    scene.seasoned(1, "2026-01-08", (100, 110, 100, 110), (110, 132, 99, 121), (121, 121, 88, 96.8))
    scene.seasoned(2, "2026-01-08", flat(50), (50, 55, 45, 55), (55, 66, 55, 66))
    scene.seasoned(3, "2026-01-08", flat(20), (20, 20, 18, 19), flat(19))
    scene.seasoned(4, "2026-01-08", flat(10), flat(10), flat(10))
    scene.seasoned(5, "2026-01-08", (40, 40, 20, 20), None, (20, 30, 20, 30))
    scene.seasoned(6, "2026-01-08", flat(1), flat(1), flat(1))
    for token_id, price in ((1, 300), (2, 150)):
        scene.bars(token_id, "2026-01-01T00:00", flat(price), timeframe="1h")
    hours = ((330, 330, 330, 330), (330, 330, 297, 297), (297, 363, 297, 363), (363, 363, 330, 330))
    scene.bars(1, "2026-01-08T00:00", *hours, timeframe="1h")
    scene.bars(2, "2026-01-08T00:00", flat(150), flat(150), (150, 150, 120, 120), flat(120), timeframe="1h")
    # Days of January and the side from then on.
    scene.signals(1, "2026-01-07", 0, 1, 1, -1)
    scene.signals(2, "2026-01-07", 0, -1, -1, 0)
    scene.signals(3, "2026-01-07", 0, 1, None, 0)
    scene.signals(4, "2026-01-07", 0, 0, 0, 0)
    scene.signals(5, "2026-01-07", 0, 1)
    scene.signals(6, "2026-01-07", 0, 1)
    scene.signal(1, "2026-01-06", 0, known_at="2026-01-07T00:10", vendor="w")
    scene.signal(1, "2026-01-08", -1, known_at="2026-01-08T18:00", vendor="w")
    scene.signal(2, "2026-01-06", 0, known_at="2026-01-07T00:10", vendor="w")
    scene.signal(2, "2026-01-08", 1, known_at="2026-01-09T06:00", vendor="w")
    for hour, of_one, of_two in ((0, -1, 1), (1, 1, 1), (2, -1, 0)):
        scene.signal(1, f"2026-01-08T{hour:02}:00", of_one, timeframe="1h")
        scene.signal(2, f"2026-01-08T{hour:02}:00", of_two, timeframe="1h")
    for hour, side in ((0, 1), (1, -1)):
        known_at = f"2026-01-08T{hour:02}:30"
        scene.signal(1, f"2026-01-08T{hour:02}:00", side, known_at=known_at, vendor="w", timeframe="1h")
    scene.other_rows = {
        "grades": [
            _grade("v", 1, "tm", "2026-01-08", 70.5, "good"),
            _grade("v", 1, "tm", "2026-01-09", 80, "buy"),
            _grade("v", 1, "trader", "2026-01-08", 30, None),
            _grade("w", 1, "tm", "2026-01-08", 20, "bad"),
        ],
        "levels": [
            _level("v", 1, "1d", "2026-01-08", 90, "support", 2.5),
            _level("v", 1, "1d", "2026-01-09", 130, "resistance", 1.5),
            _level("v", 1, "1h", "2026-01-08", 90, "resistance", 7),
            _level("w", 1, "1d", "2026-01-08", 90, "resistance", 4),
        ],
        "quantmetrics": [
            _quantmetric("v", 1, "2026-01-08", "30", 1.5),
            _quantmetric("v", 1, "2026-01-09", "30", 1.75),
            _quantmetric("v", 1, "2026-01-08", None, -0.5),
            _quantmetric("w", 1, "2026-01-08", "30", 9),
        ],
    }


def lay_out_the_night_after(scene: Scene) -> None:
    """What the second night delivers: the next bar, and a past that is not what it was.

    The 9th of token 4 closed at 10.5. Of v, a short of token 2 was a long all the time, the call of token 3 of the 8th
    is gone, and one of the 9th is there that nobody had seen; the hours go on, unchanged.
    """
    scene.bars(1, "2026-01-11", (96.8, 106.48, 96.8, 106.48))
    scene.bars(2, "2026-01-11", flat(66))
    scene.bars(3, "2026-01-11", (19, 20.9, 19, 20.9))
    scene.bars(4, "2026-01-11", flat(10))
    scene.bars(5, "2026-01-11", (30, 33, 30, 33))
    scene.bars(6, "2026-01-11", flat(1))
    scene.bars(1, "2026-01-08T04:00", (330, 396, 330, 396), timeframe="1h")
    scene.bars(2, "2026-01-08T04:00", flat(120), timeframe="1h")
    scene.replace_bar(4, "2026-01-09", (10, 10.5, 10, 10.5))
    scene.remove_signals(2, "2026-01-08", "2026-01-09")
    scene.signals(2, "2026-01-08", 1, -1, None, 1)
    scene.remove_signals(3, "2026-01-08")
    scene.signals(3, "2026-01-09", -1, None, 0)
    scene.signals(1, "2026-01-11", -1)
    scene.signals(4, "2026-01-11", 1)
    scene.signal(1, "2026-01-08T03:00", -1, timeframe="1h")
    scene.other_rows["grades"][0]["grade"] = 65
    scene.other_rows["grades"].append(_grade("v", 1, "tm", "2026-01-10", 90, "buy"))
    scene.other_rows["levels"][0]["strength"] = 3.5
    scene.other_rows["quantmetrics"][0]["sharpe"] = 1.25


def _grade(vendor: str, token_id: int, kind: str, day: str, grade: float, label: str | None) -> dict[str, Any]:
    components = json.dumps({"momentum": int(grade)})
    return {
        "vendor": vendor,
        "token_id": token_id,
        "kind": kind,
        "graded_at": day,
        "grade": grade,
        "label": label,
        "components": components,
    }


def _level(
    vendor: str, token_id: int, timeframe: str, at: str, price: float, side: str, strength: float
) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "token_id": token_id,
        "timeframe": timeframe,
        "level_at": at,
        "price": price,
        "side": side,
        "strength": strength,
        "formed_at": "2026-01-05",
    }


def _quantmetric(vendor: str, token_id: int, day: str, lookback: str | None, sharpe: float) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "token_id": token_id,
        "measured_at": day,
        "lookback": lookback,
        "sharpe": sharpe,
        "sortino": 2 * sharpe,
        "volatility": 0.5,
        "max_drawdown": -0.25,
        "cagr": 0.75,
    }
