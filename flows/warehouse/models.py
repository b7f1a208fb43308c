"""The models under `sql/`: one select a file, the path is the table's name, dependencies are parsed, not declared."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from flows.config import SQL_DIR, Settings
from flows.datasets import DATASETS
from flows.errors import WarehouseError
from flows.timeframes import TIMEFRAMES, Timeframe
from flows.warehouse.forward_windows import ALL_TOKENS

# In a file's name: the file is a model for each timeframe in use.
OF_TIMEFRAME = "{timeframe}"

LAYERS = ("staging", "work", "core", "marts", "temp")

# Tables that are there before the models run: what was appended, what was recorded, what is to be computed, what the
# build before knew.
GIVEN_SCHEMAS = ("raw", "ops", "plan")
GIVEN_TABLES = ("work.sector_map", "work.exclusion", "temp.coverage_before")

# Before the name of a model: the rows by which an increment changed its table, those that went and those that came.
CHANGED = "temp.changed_"


@dataclass(frozen=True)
class Model:
    """One file of `sql/`: its table, what its header says, and the tables it reads."""

    name: str
    template: str
    description: str
    grain: tuple[str, ...]
    is_view: bool
    replaces: str | None
    is_computed: bool
    timeframe: str | None = None
    reads: frozenset[str] = field(default_factory=frozenset)

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    @property
    def is_temporary(self) -> bool:
        """Whether only one build needs it, so that it is never written to the file."""
        return self.schema == "temp"

    @property
    def created_as(self) -> str:
        """What a `create` statement calls it."""
        kind = "view" if self.is_view else "table"
        return f"temporary {kind} {self.name.removeprefix('temp.')}" if self.is_temporary else f"{kind} {self.name}"


class Renderer:
    """Fills the templates in: timeframes in use, horizons, the cost, dataset schemas, whether everything is built."""

    def __init__(self, settings: Settings, *, is_full: bool) -> None:
        self.timeframes = {name: TIMEFRAMES[name] for name in settings.timeframes}
        self._words = {
            "timeframes": self.timeframes,
            "horizons": settings.horizons,
            "longest_bar": max(self.timeframes.values(), key=lambda one: one.seconds).interval,
            "cost": settings.cost,
            "cost_bps": settings.cost_bps,
            "datasets": DATASETS,
            "is_full": is_full,
        }
        self._imports = {
            name: f"{{%- from 'macros/{path.name}' import {name} with context -%}}"
            for path in sorted((SQL_DIR / "macros").glob("*.sql"))
            for name in re.findall(r"{% macro (\w+)", path.read_text(encoding="utf-8"))
        }

    def render(self, template: str, tokens: tuple[int, int] = ALL_TOKENS, *, timeframe: str | None = None) -> str:
        """The SQL of a template, for the tokens of a range, and for a timeframe if the template is of one."""
        # Half of them have nothing to fill in, and need not be compiled.
        if "{" not in template:
            return template
        imports = "".join(line for name, line in self._imports.items() if f"{name}(" in template)
        return _compiled(SQL_DIR, imports + template).render(
            self._words, timeframe=timeframe, token_from=tokens[0], token_to=tokens[1]
        )


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )


@cache
def _compiled(folder: Path, template: str) -> jinja2.Template:
    """Compiling all templates takes as long as building a small market, so each is compiled once a process."""
    return _environment(folder).from_string(template)


def load_models(connection: duckdb.DuckDBPyConnection, renderer: Renderer) -> list[Model]:
    """Every model, in an order in which each comes after all it reads.

    Raises WarehouseError, before anything runs, for a file that does not parse, a table nobody makes, or a cycle.
    """
    models = {model.name: model for model in _read_models(connection, renderer)}
    changes = {changes_of(model): model.name for model in models.values()}
    for model in models.values():
        for table in model.reads:
            is_given = table.split(".")[0] in GIVEN_SCHEMAS or table in GIVEN_TABLES
            is_made = table in changes if table.startswith(CHANGED) else table in models or is_given
            if not is_made:
                raise WarehouseError(f"sql model {model.name} reads {table}, which no model makes.")
    graph = {
        name: {changes.get(table, table) for table in model.reads if table in models or table in changes}
        for name, model in models.items()
    }
    try:
        return [models[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise WarehouseError(f"sql models read each other in a circle: {' -> '.join(error.args[1])}") from error


def changes_of(model: Model) -> str:
    """The table of the rows by which an increment changed a model's table."""
    return CHANGED + model.name.split(".")[1]


def needs_plan(models: list[Model]) -> frozenset[str]:
    """Names of the models that read the plan, themselves or through what they read. `models` are in order."""
    found: set[str] = set()
    for model in models:
        if any(table.startswith(("plan.", CHANGED)) or table in found for table in model.reads):
            found.add(model.name)
    return frozenset(found)


def _read_models(connection: duckdb.DuckDBPyConnection, renderer: Renderer) -> Iterator[Model]:
    for layer in LAYERS:
        for path, name, timeframe in _models_of_files(layer, renderer.timeframes):
            template = path.read_text(encoding="utf-8")
            sql = renderer.render(template, timeframe=timeframe)
            header, words = _header(path, sql)
            yield Model(
                name=name,
                template=template,
                description=header,
                grain=tuple(part.strip() for part in words["Grain"].split(",")),
                is_view=words.get("Materialized") == "view",
                replaces=words.get("Replaces"),
                is_computed="Computed" in words,
                timeframe=timeframe,
                reads=tables_read(connection, name, sql) - {name},
            )


def _models_of_files(layer: str, timeframes: Mapping[str, Timeframe]) -> Iterator[tuple[Path, str, str | None]]:
    """Each file of a layer with the name of the model in it, or of each that it is: one for every timeframe in use."""
    for path in sorted((SQL_DIR / layer).glob("*.sql")):
        if OF_TIMEFRAME not in path.stem:
            yield path, f"{layer}.{path.stem}", None
            continue
        for name, timeframe in timeframes.items():
            yield path, f"{timeframe.schema(layer)}.{path.stem.replace(OF_TIMEFRAME, name)}", name


def _header(path: Path, text: str) -> tuple[str, Mapping[str, str]]:
    """The leading comment: sentences that describe a row, then `Word: value` lines."""
    description, words = [], {}
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        told = re.match(r"-- (Grain|Materialized|Replaces|Computed): (.+)", line)
        if told:
            words[told[1]] = told[2]
        else:
            description.append(line[3:])
    if not description or "Grain" not in words:
        raise WarehouseError(f"{path}: the header must say what a row is, and its `-- Grain:`.")
    return " ".join(description), words


def tables_read(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> frozenset[str]:
    """The tables a select reads, `schema.table`; one without a schema is of the model's own.

    Raises WarehouseError where DuckDB cannot parse the select.
    """
    if (name, sql) not in _TABLES_READ:
        _TABLES_READ[name, sql] = _parse_tables_read(connection, name, sql)
    return _TABLES_READ[name, sql]


# Parsed once a process, for the same reason.
_TABLES_READ: dict[tuple[str, str], frozenset[str]] = {}


def _parse_tables_read(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> frozenset[str]:
    row = connection.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchone()
    assert row is not None
    ctes: set[str] = set()
    tables: set[tuple[str, str]] = set()

    def note(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("type") == "BASE_TABLE":
            tables.add((node["schema_name"], node["table_name"]))
        elif "cte_map" in node:
            ctes.update(entry["key"] for entry in node["cte_map"]["map"])
        return node

    tree = json.loads(row[0], object_hook=note)
    if tree["error"]:
        raise WarehouseError(f"sql model {name} does not parse: {tree['error_message']}")
    own = name.split(".", maxsplit=1)[0]
    return frozenset(f"{schema or own}.{table}" for schema, table in tables if schema or table not in ctes)


def grains_of(models: Iterable[Model]) -> dict[str, tuple[str, ...]]:
    """The grain of every stored table that is published."""
    return {model.name: model.grain for model in models if model.schema in ("core", "marts") and not model.is_view}
