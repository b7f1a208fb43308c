"""The digest as a document, before any form: sections of text, tables and charts, every figure with its source path.

A template such as `{.n_calls|count} calls` names figures by their path in the digest; a leading `.` is replaced by
the path of the current row.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from flows.report.digest.formats import HOLD, written
from flows.report.digest.model import Digest

PLACE = re.compile(r"\{([\w.]+)\|(\w+)\}")


@dataclass(frozen=True)
class Figure:
    """One figure of the digest: its path in digest.json, its text, and the value to sort by."""

    path: str
    text: str
    value: Any


Text = tuple[str | Figure, ...]


@dataclass(frozen=True)
class Column:
    """A column; `meaning` explains it to screen readers and as a tooltip."""

    heading: str
    is_number: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Row:
    """A row. The last cell of a short row spans the remaining columns. The page's switches filter rows by `tags`."""

    cells: tuple[Text, ...]
    tags: dict[str, str] = field(default_factory=dict)
    is_total: bool = False


@dataclass(frozen=True)
class Table:
    """A table; `forms` names the forms that show it, and the page's switches apply to it where `is_filtered`."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    forms: frozenset[str] = frozenset({"mail", "page", "plain"})
    is_filtered: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart as SVG; its colours are placeholders, the keys of `charts.LIGHT`."""

    name: str
    caption: str
    alt: str
    svg: str


@dataclass(frozen=True)
class Section:
    """A heading with its text, tables and charts."""

    name: str
    title: str
    parts: tuple[Text | Table | Chart, ...]


@dataclass(frozen=True)
class Document:
    """The whole digest, in order."""

    title: str
    stamp: str | None
    head: tuple[Text, ...]
    elsewhere: Text
    sentences: tuple[Text, ...]
    sections: tuple[Section, ...]
    foot: tuple[Text, ...]


class Writer:
    """Turns templates into text whose figures carry their path in digest.json."""

    def __init__(self, digest: Digest) -> None:
        self.digest = digest

    @cached_property
    def _data(self) -> dict[str, Any]:
        return self.digest.model_dump()

    def value(self, path: str) -> Any:
        """The value at a path like `tracks.0.cells.3.edge.low`; None where a step before it is None."""
        found: Any = self._data
        for step in path.split("."):
            if found is None:
                return None
            found = found[int(step)] if isinstance(found, tuple | list) else found[step]
        return found

    def text(self, template: str, at: str = "") -> Text:
        """A template's words and figures."""
        parts: list[str | Figure] = []
        end = 0
        for place in PLACE.finditer(template):
            parts.append(template[end : place.start()])
            path = at + place[1] if place[1].startswith(".") else place[1]
            parts.append(self._figure(path, place[2]))
            end = place.end()
        parts.append(template[end:])
        return tuple(part for part in parts if part != "")

    def row(self, place: str, templates: Sequence[str], **tags: str) -> Row:
        """The row of one path in the digest, its cells from the templates, with the tags that switches filter by."""
        return Row(tuple(self.text(template, place) for template in templates), tags)

    def rows(self, places: Iterable[str], templates: Sequence[str]) -> tuple[Row, ...]:
        """One row for each path in the digest, its cells from the templates."""
        return tuple(self.row(place, templates) for place in places)

    def _figure(self, path: str, kind: str) -> Figure:
        value = self.value(path)
        return Figure(path, written(value, kind), _sorted_by(value))


def _sorted_by(value: Any) -> Any:
    """The sort key of a figure: an estimate's value, a moment's text, a list's length."""
    if isinstance(value, dict):
        return value["value"]
    if isinstance(value, date):
        return value.isoformat()
    return len(value) if isinstance(value, tuple) else value


def plain(text: Text) -> str:
    """The text without paths and without non-breaking spaces."""
    return "".join(part if isinstance(part, str) else part.text for part in text).replace(HOLD, " ")


def estimate(name: str) -> str:
    """The template of a rate with its interval."""
    return f"{{{name}|estimate}}"


def difference(name: str) -> str:
    """The template of a difference of rates, in points, with its interval."""
    return f"{{{name}|difference}}"
