"""The digest as a mail: one column of 640 pixels, with inline CSS and attached pictures."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import css_inline
from markupsafe import Markup

from flows.delivery.edition import Picture
from flows.errors import TrackrecordError
from flows.report.digest.document import Chart, Document, Figure, Row, Section, Table, Text
from flows.report.digest.forms import environment, png
from flows.report.digest.parts import TOP_ONLY

# Beyond 102 KB a large mailbox provider cuts a mail off; the limit leaves room for what gateways add.
MAX_BYTES = 80_000

SECOND_MATRIX = re.compile(r"matrix-[1-9]")
# A table of any track but the first.
OF_A_LATER_TRACK = re.compile(r".*-[1-9]\d*(-top)?$")

# Which tables a mail keeps: each rule keeps fewer than the one before, until the mail is short enough.
LESS: tuple[Callable[[Table], bool], ...] = (
    lambda table: True,
    lambda table: not table.name.startswith("too-few-"),
    # The drawdown tables are kept longer than the second track's table of all horizons.
    lambda table: not table.name.startswith("too-few-") and not SECOND_MATRIX.match(table.name),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-")),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-", "matrix-")),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-", "matrix-", "new-calls-", "grades", "improved")),
    lambda table: not OF_A_LATER_TRACK.match(table.name) and not table.name.startswith(("too-few-", "drawdowns-")),
    lambda table: table.name.startswith("ranking"),
    lambda table: False,
)

# Of so many tables that a section drops, the mail names each.
MOST_CAPTIONS = 8

# How many parts of a section a mail keeps that is too long without any table.
FEWER_PARTS = (40, 20, 10, 5)


# The part of a path after its last number: `.edge.low` in `tracks.0.cells.3.edge.low`.
AFTER_PLACE = re.compile(r"(?<=\d)\.\D*$")


@dataclass(frozen=True)
class _Part:
    kind: str
    value: Any


@dataclass(frozen=True)
class _Section:
    title: str
    parts: tuple[_Part, ...]


def mail_form(document: Document) -> str:
    """The mail's HTML, at most 80 KB. A longer one drops tables, then text, and refers to the page for them."""
    attempts = [*((is_kept, None) for is_kept in LESS), *((LESS[-1], most) for most in FEWER_PARTS)]
    for is_kept, most in attempts:
        html = _render(document, is_kept, most)
        if len(html.encode()) <= MAX_BYTES:
            return html
    raise TrackrecordError(
        f"The mail is {len(html.encode())} bytes long without any table; {MAX_BYTES} is what it may be. "
        "Shorten the notes."
    )


def pictures_of(document: Document, html: str) -> tuple[Picture, ...]:
    """The pictures that a mail's HTML refers to."""
    return tuple(
        Picture(cid=f"{part.name}@trackrecord", png=png(part), alt=part.alt)
        for section in document.sections
        for part in section.parts
        if isinstance(part, Chart) and f'"cid:{part.name}@trackrecord"' in html
    )


def _render(document: Document, is_kept: Callable[[Table], bool], most: int | None) -> str:
    sections = [_section(section, is_kept, most) for section in document.sections]
    tables = [part.value for section in sections for part in section.parts if part.kind == "table"]
    made = environment()
    made.filters["mail_row"] = _row
    html = made.get_template("mail.html").render(document=document, sections=sections, tables=tables)
    inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
    # Indentation and empty lines come from the templates and only make the mail longer.
    return "\n".join(line.strip() for line in inliner.inline(html).splitlines() if line.strip())


def _section(section: Section, is_kept: Callable[[Table], bool], most: int | None) -> _Section:
    """A section with the tables that are kept, and at most so many parts."""
    parts: list[_Part] = []
    dropped: list[str] = []
    for part in section.parts:
        if isinstance(part, Chart):
            parts.append(_Part("chart", part))
        elif isinstance(part, Table):
            if "mail" not in part.forms:
                continue
            if is_kept(part):
                parts.append(_Part("table", part))
            else:
                dropped.append(part.caption.removesuffix(TOP_ONLY))
                if len(dropped) <= MOST_CAPTIONS:
                    parts.append(_Part("text", (f"{dropped[-1]}: too long for a mail, see the page.",)))
        else:
            parts.append(_Part("text", part))
    n_more = max(0, len(dropped) - MOST_CAPTIONS)
    if n_more:
        parts.append(_Part("text", (f"Too long for a mail, too: {n_more} more tables, see the page.",)))
    if most is not None and len(parts) > most:
        parts[most:] = [_Part("text", (f"{len(parts) - most} more paragraphs are too long for a mail, see the page.",))]
    return _Section(section.title, tuple(parts))


def _row(row: Row, table: Table) -> Markup:
    """A row as HTML. The common start of its figures' paths is written once, on the row or the cell, to save bytes."""
    place = _place([part for cell in row.cells for part in cell])
    cells = []
    for number, (cell, column) in enumerate(zip(row.cells, table.columns, strict=False)):
        own = "" if place else _place(list(cell))
        spans = (
            len(table.columns) - number if number == len(row.cells) - 1 and len(row.cells) < len(table.columns) else 1
        )
        attributes = (
            (f' data-at="{own}"' if own else "")
            + (f' colspan="{spans}"' if spans > 1 else "")
            + (' align="right"' if column.is_number and spans == 1 else "")
        )
        tag, more = ("th", ' scope="row" align="left"') if number == 0 else ("td", "")
        cells.append(f"<{tag}{more}{attributes}>{_cell_html(cell, place or own)}</{tag}>")
    at = f' data-at="{place}"' if place else ""
    return Markup(f"<tr{at}>{''.join(cells)}</tr>")


def _place(parts: list[str | Figure]) -> str:
    """The start of the path that all figures share, such as `tracks.0.cells.3`, or an empty string."""
    places = {AFTER_PLACE.sub("", part.path) for part in parts if isinstance(part, Figure)}
    return places.pop() if len(places) == 1 else ""


def _cell_html(text: Text, place: str) -> str:
    parts = []
    for part in text:
        if isinstance(part, str) or (isinstance(part.value, str) and not part.text[:1].isdigit()):
            parts.append(escape(part if isinstance(part, str) else part.text))
        elif place:
            parts.append(f'<span data-f="{part.path.removeprefix(place)}">{escape(part.text)}</span>')
        else:
            parts.append(f'<span data-fact="{part.path}">{escape(part.text)}</span>')
    return "".join(parts)
