"""Filling in the templates of `sql/`: timeframes, horizons, costs, datasets, measures, and the kind of build."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import jinja2

from flows.config import SQL_DIR, Settings
from flows.datasets import DATASETS
from flows.scorecards.measures import read_measures
from flows.timeframes import TIMEFRAMES
from flows.warehouse.forward_windows import ALL_TOKENS


@dataclass(frozen=True)
class Rendered:
    """The SQL of a model, and the tables that it reads as the build before left them."""

    sql: str
    reads_before: frozenset[str]


class Renderer:
    """Fills the templates in for a full build or for an increment."""

    def __init__(self, settings: Settings, *, is_full: bool) -> None:
        self.is_full = is_full
        self._reads_before: set[str] = set()
        self.timeframes = {name: TIMEFRAMES[name] for name in settings.timeframes}
        self._words = {
            "timeframes": self.timeframes,
            "longest_bar": max(self.timeframes.values(), key=lambda one: one.seconds).interval,
            "horizons": settings.horizons,
            "headlines": settings.headlines,
            "cost": settings.cost,
            "cost_bps": settings.cost_bps,
            "datasets": DATASETS,
            "measures": {path.stem: read_measures(path) for path in sorted((SQL_DIR / "measures").glob("*.toml"))},
            "is_full": is_full,
            "before": self._before,
        }
        self._imports = {
            name: f"{{%- from 'macros/{path.name}' import {name} with context -%}}"
            for path in sorted((SQL_DIR / "macros").glob("*.sql"))
            for name in re.findall(r"{% macro (\w+)", path.read_text(encoding="utf-8"))
        }

    @property
    def kind(self) -> str:
        """The kind of build as a model's header calls it."""
        return "full" if self.is_full else "increment"

    def render(
        self, template: str, words: Mapping[str, str] = MappingProxyType({}), tokens: tuple[int, int] = ALL_TOKENS
    ) -> str:
        """The SQL of a template, for a range of tokens; `words` fill the placeholders in its name."""
        # Half of the templates have no placeholders and need not be compiled.
        if "{" not in template:
            return template
        filled = {place: DATASETS[name] if place == "dataset" else name for place, name in words.items()}
        imports = "".join(line for name, line in self._imports.items() if f"{name}(" in template)
        return _compiled(SQL_DIR, imports + template).render(
            self._words, **filled, token_from=tokens[0], token_to=tokens[1]
        )

    def render_model(self, template: str, words: Mapping[str, str]) -> Rendered:
        """The SQL of a model's template, with the tables that it names by `before(…)`."""
        self._reads_before.clear()
        sql = self.render(template, words)
        return Rendered(sql, frozenset(self._reads_before))

    def _before(self, table: str) -> str:
        """A table as the build before left it: the model that makes it anew runs after the one that reads it."""
        self._reads_before.add(table)
        return table


_TEXTS: dict[str, str] = {}


class _CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """Compiled templates in the user's own temporary folder, by the checksum of their text."""

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        # What cannot be stored, on a full disk for one, is compiled again by the next run.
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled_templates() -> _CompiledTemplates | None:
    """None where there is no temporary folder that only this user may write."""
    try:
        return _CompiledTemplates()
    except (OSError, RuntimeError):
        return None


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.DictLoader(_TEXTS), jinja2.FileSystemLoader(folder)]),
        bytecode_cache=_compiled_templates(),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


@cache
def _compiled(folder: Path, template: str) -> jinja2.Template:
    """Compiling all templates takes as long as building a small market, so a template is compiled when it is new."""
    # Jinja stores only what has a name: a model's template is more than the text of its file.
    name = hashlib.sha256(template.encode()).hexdigest()
    _TEXTS[name] = template
    return _environment(folder).get_template(name)
