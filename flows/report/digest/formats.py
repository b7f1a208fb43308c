"""Number formats: one for each kind of figure, so that readers and tests can distinguish a rate from a return.

A share is written without a sign (`58.3 %`), everything that can be negative with one (`+3.3`, `−15.8 %`). Spaces
within a figure are non-breaking, so that it stays on one line.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

NO_VALUE = "–"
MINUS = "−"
HOLD = "\u00a0"
TO = f"{HOLD}to{HOLD}"

MARKS = {"above": "▲", "below": "▼"}
HOLLOW_MARKS = {"above": "△", "below": "▽"}
SIDES = {1: f"▲{HOLD}long", -1: f"▼{HOLD}short", 0: "flat"}


def _signed(value: float, digits: int = 1) -> str:
    text = f"{100 * value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}{HOLD}%"


def _number(value: float | None) -> str:
    return NO_VALUE if value is None else f"{100 * value:.1f}"


def _signed_or_dash(value: float | None) -> str:
    return NO_VALUE if value is None else _signed(value)


def _day(value: date) -> str:
    return f"{value:%Y-%m-%d}"


KINDS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "len": lambda value: f"{len(value):,}",
    "id": str,
    "count": lambda value: f"{value:,.0f}",
    "percent": _percent,
    "number": _number,
    "signed": _signed,
    "estimate": lambda value: f"{_percent(value['value'])} ({_number(value['low'])}{TO}{_number(value['high'])})",
    "difference": lambda value: (
        f"{_signed(value['value'])} ({_signed_or_dash(value['low'])}{TO}{_signed_or_dash(value['high'])})"
    ),
    "points": lambda value: f"{_signed(value)}{HOLD}points",
    "size": lambda value: f"{100 * value:.0f}{HOLD}points",
    "change": lambda value: f"{_signed(value)}{HOLD}%",
    "ratio": lambda value: f"{value:.2f}".replace("-", MINUS),
    "grade": lambda value: f"{value:.0f}",
    "factor": lambda value: f"{value:.2f}",
    "price": lambda value: f"{value:,.6g}",
    "q": lambda value: "<0.0001" if value < 0.0001 else f"{value:.4f}",
    "day": _day,
    "month": lambda value: f"{value:%Y-%m}",
    "moment": lambda value: f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else _day(value),
    "side": lambda value: SIDES[value],
    "mark": lambda value: MARKS[value],
    "hollow": lambda value: HOLLOW_MARKS[value],
    "evidence": lambda value: f"{value:,.2f}" if value < 1_000_000 else ">1,000,000",
    "level": lambda value: f"{value:.4f}",
    "bps": lambda value: f"{value:g}",
}


def written(value: object, kind: str) -> str:
    """A figure in the format of its kind; a dash for None."""
    return NO_VALUE if value is None else KINDS[kind](value)
