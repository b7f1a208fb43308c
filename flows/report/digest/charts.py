"""Charts as hand-written SVG: inline on the page, PNG in the mail. Nothing is shown by colour alone.

Colours are placeholders (`$ink`): a mail's picture gets fixed light colours, the page its own, light or dark.
"""

from datetime import datetime
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from string import Template

from flows.report.digest.document import Chart, Writer, difference, estimate, plain
from flows.report.digest.formats import written
from flows.report.digest.marks import marks_in_words, signs
from flows.report.digest.model import Cell, Digest, Track
from flows.report.digest.parts import starting
from flows.report.digest.sentences import bars

# Okabe and Ito's palette for colour-blind readers, darkened for thin lines on white.
LIGHT = {
    "ground": "#ffffff",
    "ink": "#1b1f24",
    "faint": "#59636e",
    "rule": "#d1d9e0",
    "up": "#0072b2",
    "down": "#b34700",
    "plain": "#59636e",
}
WIDTH = 600
FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

LABEL_WIDTH = 118
NOTE_WIDTH = 58
ROW_HEIGHT = 26
TOP = 34


def in_light(svg: str) -> str:
    """A picture in fixed light colours, for a mail."""
    return Template(svg).substitute(LIGHT)


def in_page(svg: str) -> str:
    """A picture in the page's own colours."""
    return Template(svg).substitute({name: f"var(--{name})" for name in LIGHT})


def rates_chart(digest: Digest, track: Track, number: int) -> Chart | None:
    """Each sector's hit rate with its interval beside its base rate, at the main horizon."""
    shown = [
        (place, cell)
        for place, cell in enumerate(track.cells)
        if cell.horizon == track.main_horizon
        and cell.direction == "both"
        and cell.hit_rate
        and cell.base_rate is not None
    ]
    if not shown:
        return None
    shown.sort(key=lambda one: (one[1].sector != "all", -(one[1].edge.value if one[1].edge else 0)))
    writer = Writer(digest)
    ends = [end for _, cell in shown for end in (_low(cell), _high(cell), cell.base_rate or 0)]
    low, high = floor(min(ends) * 20) / 20, ceil(max(ends) * 20) / 20
    height = TOP + ROW_HEIGHT * len(shown) + 34

    def x(rate: float) -> float:
        return LABEL_WIDTH + (WIDTH - LABEL_WIDTH - NOTE_WIDTH) * (rate - low) / (high - low)

    shapes = [_text(LABEL_WIDTH, 16, "│ base rate   ○ hit rate and its 95 % interval", fill="$faint")]
    step = 0.05 if high - low <= 0.4 else 0.1
    for tick in range(round((high - low) / step) + 1):
        rate = low + tick * step
        shapes.append(_line(x(rate), TOP, x(rate), height - 30, "$rule", 1))
        shapes.append(_text(x(rate), height - 14, f"{100 * rate:.0f} %", anchor="middle", fill="$faint"))
    for row, (place, cell) in enumerate(shown):
        y = TOP + ROW_HEIGHT * (row + 0.5)
        at = f"tracks.{number}.cells.{place}"
        marks = marks_in_words(track, cell)
        tip = f"{cell.sector}: {_in_words(writer, at, cell)}{f'; marked: {marks}' if marks else ''}"
        sign = signs(track, cell)
        colour = {"▲": "$up", "▼": "$down"}.get(sign, "$plain")
        shapes.append(
            f'<g class="tip" data-tip="{_literal(tip)}">'
            + _touchable(0, y - ROW_HEIGHT / 2, WIDTH, ROW_HEIGHT)
            + _text(LABEL_WIDTH - 8, y + 4, cell.sector, anchor="end", weight="bold" if cell.sector == "all" else "")
            + _line(x(cell.base_rate or 0), y - 9, x(cell.base_rate or 0), y + 9, "$ink", 2)
            + _line(x(_low(cell)), y, x(_high(cell)), y, colour, 2.5)
            + _marker(x(cell.hit_rate.value if cell.hit_rate else 0), y, colour, sign)
            + _text(
                WIDTH - 4, y + 4, written(cell.edge.value if cell.edge else None, "signed"), anchor="end", fill=colour
            )
            + "</g>"
        )
    holding = bars(track.main_horizon, track.timeframe)
    shapes.append(_text(WIDTH - 4, 16, "edge, points", anchor="end", fill="$faint"))
    extremes = "; ".join(
        f"{cell.sector} {_in_words(writer, f'tracks.{number}.cells.{place}', cell)}"
        for place, cell in dict([*shown[:2], shown[-1]]).items()
    )
    alt = f"Hit rates with 95 % intervals beside base rates, held for {holding}, of {len(shown)} rows. {extremes}."
    return Chart(
        f"rates-{number}",
        f"{starting(digest, track)} held for {holding}, both sides together. ▲ and ▼: its bullish or its bearish calls "
        "are beyond chance after the correction; ○: neither.",
        alt,
        _svg(height, shapes),
    )


def curves_chart(digest: Digest, track: Track, number: int) -> Chart | None:
    """The equity curves of following the vendor, of equal weight and of hold, from 1."""
    points = track.curve_points
    if len(points) < 2:
        return None
    height, left, right, bottom = 230, 44, 96, 200
    values = [value for point in points for value in (point.signal, point.equal_weight, point.hold)]
    positive = [value for value in values if value > 0]
    low, high = min(positive) * 0.95, max(positive) * 1.05
    start, end = points[0].at, points[-1].at

    def x(at: datetime) -> float:
        return left + (WIDTH - left - right) * ((at - start) / (end - start))

    def y(equity: float) -> float:
        return bottom - (bottom - 24) * (log10(max(equity, low)) - log10(low)) / (log10(high) - log10(low))

    shapes = []
    for tick in _ticks(low, high):
        shapes.append(_line(left, y(tick), WIDTH - right, y(tick), "$rule", 1))
        shapes.append(_text(left - 6, y(tick) + 4, f"{tick:g}", anchor="end", fill="$faint"))
    shapes.append(_text(left, 14, "what 1 became (log scale)", fill="$faint"))
    for at, anchor in ((start, "start"), (end, "end")):
        shapes.append(_text(x(at), height - 12, f"{at:%Y-%m-%d}", anchor=anchor, fill="$faint"))
    names = (
        ("signal", "calls", "$up", ""),
        ("equal_weight", "equal weight", "$down", "7 4"),
        ("hold", "hold", "$plain", "2 3"),
    )
    places = _apart([y(getattr(points[-1], policy)) for policy, *_ in names], 15)
    for (policy, label, colour, dashes), place in zip(names, places, strict=True):
        path = " ".join(
            f"{'M' if step == 0 else 'L'}{x(point.at):.1f} {y(getattr(point, policy)):.1f}"
            for step, point in enumerate(points)
        )
        shapes.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
            + (f' stroke-dasharray="{dashes}"' if dashes else "")
            + "/>"
        )
        shapes.append(_text(WIDTH - right + 6, place + 4, label, fill=colour, weight="bold"))
    width = (WIDTH - left - right) / len(points)
    for point in points:
        tip = (
            f"{point.at:%Y-%m-%d}: calls {point.signal:.2f}, equal weight {point.equal_weight:.2f}, "
            f"hold {point.hold:.2f}"
        )
        shapes.append(
            f'<g class="tip" data-tip="{escape(tip)}">{_touchable(x(point.at) - width / 2, 20, width, bottom - 20)}</g>'
        )
    last = points[-1]
    alt = (
        f"What 1 became from {start:%Y-%m-%d} to {end:%Y-%m-%d}: following the calls {last.signal:.2f}, equal weight "
        f"{last.equal_weight:.2f}, hold {last.hold:.2f}."
    )
    return Chart(
        f"curves-{number}",
        f"{starting(digest, track)}: following them all (costs included), every covered token in equal parts, and "
        "holding.",
        alt,
        _svg(height, shapes),
    )


def _low(cell: Cell) -> float:
    assert cell.hit_rate is not None
    return cell.hit_rate.value if cell.hit_rate.low is None else cell.hit_rate.low


def _high(cell: Cell) -> float:
    assert cell.hit_rate is not None
    return cell.hit_rate.value if cell.hit_rate.high is None else cell.hit_rate.high


def _in_words(writer: Writer, at: str, cell: Cell) -> str:
    """A cell in words, for a picture's alternative text and tooltip."""
    edge = f"; edge {difference('.edge')} points" if cell.edge else ""
    return plain(writer.text(f"{estimate('.hit_rate')}, n = {{.n_calls|count}}; base {{.base_rate|percent}}{edge}", at))


def _touchable(x: float, y: float, width: float, height: float) -> str:
    """A transparent rectangle that makes an area react to the pointer."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="$ground" fill-opacity="0"/>'


def _marker(x: float, y: float, colour: str, sign: str) -> str:
    if sign not in ("▲", "▼"):
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="$ground" stroke="{colour}" stroke-width="2"/>'
    tip, foot = (y - 7, y + 5) if sign == "▲" else (y + 7, y - 5)
    return f'<path d="M{x:.1f} {tip:.1f} L{x + 7:.1f} {foot:.1f} L{x - 7:.1f} {foot:.1f} Z" fill="{colour}"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends: 1, 2, 5, 10 over a wide span, even steps over a narrow one."""
    found = [base * 10.0**power for power in range(-4, 5) for base in (1, 2, 5)]
    found = [tick for tick in found if low <= tick <= high]
    if len(found) > 2:
        return found
    step = next(step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / step <= 6)
    return [round(number * step, 2) for number in range(ceil(low / step), floor(high / step) + 1)]


def _apart(places: list[float], least: float) -> list[float]:
    """The vertical places of labels, moved apart so that none overlaps another."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda number: places[number])
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + least)
    return moved


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = "$ink", weight: str = "") -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{bold}>'
        f"{escape(text).replace('$', '$$')}</text>"
    )


def _svg(height: float, shapes: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="{FONT}" font-size="12"><rect width="{WIDTH}" height="{height}" fill="$ground"/>'
        + "".join(shapes)
        + "</svg>"
    )


def _literal(text: str) -> str:
    """Text for an SVG attribute, escaped so that it is neither markup nor a colour placeholder."""
    return escape(text).replace("$", "$$")
