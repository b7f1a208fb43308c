"""The digest as a mail: one column of 640 pixels, its style inline, its pictures attached."""

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

# What a mail that grows too long leaves to the page, in this order.
LESS: tuple[Callable[[Table], bool], ...] = (
    lambda table: True,
    lambda table: not table.name.startswith("too-few-"),
    # How deep calls went comes before every horizon of a second track.
    lambda table: not table.name.startswith("too-few-") and not SECOND_MATRIX.match(table.name),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-")),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-", "matrix-")),
    lambda table: not table.name.startswith(("too-few-", "drawdowns-", "matrix-", "new-calls-", "grades", "improved")),
    lambda table: False,
)


# What follows the last number of a path: `tracks.0.cells.3` is the place of `tracks.0.cells.3.edge.low`.
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
    """The mail's HTML, at most 80 KB. A mail that would be longer says which tables only the page shows."""
    for is_kept in LESS:
        html = _render(document, is_kept)
        if len(html.encode()) <= MAX_BYTES:
            return html
    raise TrackrecordError(
        f"The mail is {len(html.encode())} bytes long without any table; {MAX_BYTES} is what it may be. "
        "Shorten the notes."
    )


def pictures_of(document: Document) -> tuple[Picture, ...]:
    """The pictures that the mail refers to."""
    return tuple(
        Picture(cid=f"{part.name}@trackrecord", png=png(part), alt=part.alt)
        for section in document.sections
        for part in section.parts
        if isinstance(part, Chart)
    )


def _render(document: Document, is_kept: Callable[[Table], bool]) -> str:
    sections = [_section(section, is_kept) for section in document.sections]
    tables = [part.value for section in sections for part in section.parts if part.kind == "table"]
    made = environment()
    made.filters["mail_row"] = _row
    html = made.get_template("mail.html").render(document=document, sections=sections, tables=tables)
    inliner = css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)
    # Lines are the templates'; what a mail carries is what it says.
    return "\n".join(line.strip() for line in inliner.inline(html).splitlines() if line.strip())


def _section(section: Section, is_kept: Callable[[Table], bool]) -> _Section:
    parts: list[_Part] = []
    for part in section.parts:
        if isinstance(part, Chart):
            parts.append(_Part("chart", part))
        elif isinstance(part, Table):
            if "mail" not in part.forms:
                continue
            if is_kept(part):
                parts.append(_Part("table", part))
            else:
                caption = part.caption.removesuffix(TOP_ONLY)
                parts.append(_Part("text", (f"{caption}: too long for a mail, see the page.",)))
        else:
            parts.append(_Part("text", part))
    return _Section(section.title, tuple(parts))


def _row(row: Row, table: Table) -> Markup:
    """A row whose figures name only the end of their path; the cell, or the row, names the place."""
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
        cells.append(f"<{tag}{more}{attributes}>{_told(cell, place or own)}</{tag}>")
    at = f' data-at="{place}"' if place else ""
    return Markup(f"<tr{at}>{''.join(cells)}</tr>")


def _place(parts: list[str | Figure]) -> str:
    """The place in the digest that all figures share: `tracks.0.cells.3`; nothing where they share none."""
    places = {AFTER_PLACE.sub("", part.path) for part in parts if isinstance(part, Figure)}
    return places.pop() if len(places) == 1 else ""


def _told(text: Text, place: str) -> str:
    told = []
    for part in text:
        if isinstance(part, str) or (isinstance(part.value, str) and not part.text[:1].isdigit()):
            told.append(escape(part if isinstance(part, str) else part.text))
        elif place:
            told.append(f'<span data-f="{part.path.removeprefix(place)}">{escape(part.text)}</span>')
        else:
            told.append(f'<span data-fact="{part.path}">{escape(part.text)}</span>')
    return "".join(told)
