"""A digest as a reader meets it, before any form: sections of text, tables and pictures, every figure with its source.

A template such as `{.n_calls|count} calls` names figures by their path in the digest; `.` stands for where we are.
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
    """One figure of the digest: where it stands in digest.json, how it is written, and what it is sorted by."""

    path: str
    text: str
    value: Any


Text = tuple[str | Figure, ...]


@dataclass(frozen=True)
class Column:
    """A column and, for screen readers and narrow pages, what it holds."""

    heading: str
    is_number: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Row:
    """A row. The last cell of a short row spans what is left. `tags` say what the page's switches show it for."""

    cells: tuple[Text, ...]
    tags: dict[str, str] = field(default_factory=dict)
    is_total: bool = False


@dataclass(frozen=True)
class Table:
    """A table; `forms` says which forms have room for it, and `more` what one without room is told instead."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    forms: frozenset[str] = frozenset({"mail", "page", "plain"})
    is_filtered: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture, drawn from the digest: SVG whose colours are the names of `charts.LIGHT`."""

    name: str
    caption: str
    alt: str
    svg: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

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
    """Turns templates into text whose figures know where they come from."""

    def __init__(self, digest: Digest) -> None:
        self.digest = digest

    @cached_property
    def _data(self) -> dict[str, Any]:
        return self.digest.model_dump()

    def value(self, path: str) -> Any:
        """The value at a path like `tracks.0.cells.3.edge.low`; None below a None."""
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
        """One row of a place in the digest, its cells from the templates, with what the page's switches go by."""
        return Row(tuple(self.text(template, place) for template in templates), tags)

    def rows(self, places: Iterable[str], templates: Sequence[str]) -> tuple[Row, ...]:
        """One row for each place in the digest, its cells from the templates."""
        return tuple(self.row(place, templates) for place in places)

    def _figure(self, path: str, kind: str) -> Figure:
        value = self.value(path)
        return Figure(path, written(value, kind), _sorted_by(value))


def _sorted_by(value: Any) -> Any:
    """What a figure is put in order by: an estimate by its value, a moment by its text, a list by its length."""
    if isinstance(value, dict):
        return value["value"]
    if isinstance(value, date):
        return value.isoformat()
    return len(value) if isinstance(value, tuple) else value


def plain(text: Text) -> str:
    """The words and figures without anything else."""
    return "".join(part if isinstance(part, str) else part.text for part in text).replace(HOLD, " ")


def estimate(name: str) -> str:
    """The template of a rate with its interval."""
    return f"{{{name}|estimate}}"


def difference(name: str) -> str:
    """The template of a difference of rates, in points, with its interval."""
    return f"{{{name}|difference}}"
