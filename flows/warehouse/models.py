"""The models under `sql/`: one select a file, the path is the table's name, dependencies are parsed, not declared."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from flows.config import SQL_DIR
from flows.datasets import DATASETS
from flows.errors import WarehouseError
from flows.timeframes import TIMEFRAMES
from flows.warehouse.kernels import KERNELS, signature_of
from flows.warehouse.render import Renderer

# The layers in the order in which data passes through them, and the schemas that a model of each may read: staging
# alone reads raw, so that everything published is made of typed tables. `plan` and `temp` contain what only the build
# under way needs.
MAY_READ = {
    "staging": ("raw", "ops", "staging"),
    "plan": ("staging", "core", "work", "plan", "temp"),
    "core": ("staging", "core", "work", "plan", "temp"),
    "work": ("staging", "core", "work", "marts", "plan", "temp"),
    "temp": ("staging", "core", "work", "marts", "plan", "temp"),
    "marts": ("core", "work", "marts", "plan", "temp"),
}

# Tables that no model makes: what was appended to `raw`, what runs recorded, and the maps in `data/`.
GIVEN_SCHEMAS = ("raw", "ops")
GIVEN_TABLES = (
    "work.sector_map",
    "work.exclusion",
    "marts.scorecard_history",
    "marts.funnel_history",
    "marts.ranking_history",
)

# Variables that the build sets before any model runs.
GIVEN_VARIABLES = ("as_of", "last_snapshot_id")

# The temporary table of what an increment computes of a model.
FRESH = "fresh"

# Prefix of the tables with the rows by which an increment changed a model: those it deleted and those it inserted.
CHANGED = "temp.changed_"

HEADER_WORDS = ("Grain", "Materialized", "Replaces", "Rewrites", "Computed", "Variable", "Only")
HEADER_WORD = re.compile(r"-- ([A-Z]\w+): (.+)")


@dataclass(frozen=True)
class Computation:
    """A kernel and the tables it is given, as `-- Computed: kernel(table, …)` names them."""

    kernel: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One file of `sql/`: its table, the values in its header, and the tables it reads.

    `reads_before` are tables read as the build before left them: the models that make these run after this one.
    `replaces` selects the rows that an increment computes anew; where the table `is_rewritten`, it writes them all,
    without comparing them with those that stood there.
    `variables` are DuckDB variables set once the table is made, each with the aggregate over its rows that gives it.
    `words` are the values of the placeholders in the file's name, such as `{dataset}`.
    """

    name: str
    template: str
    description: str
    grain: tuple[str, ...]
    is_view: bool = False
    replaces: str | None = None
    is_rewritten: bool = False
    computation: Computation | None = None
    variables: tuple[tuple[str, str], ...] = ()
    reads: frozenset[str] = field(default_factory=frozenset)
    reads_before: frozenset[str] = field(default_factory=frozenset)
    reads_variables: frozenset[str] = field(default_factory=frozenset)
    words: Mapping[str, str] = field(default_factory=dict)

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


def load_models(connection: duckdb.DuckDBPyConnection, renderer: Renderer) -> list[Model]:
    """Every model of the renderer's kind of build, in an order in which each comes after all it reads.

    Raises WarehouseError, before anything runs, for a file that does not parse, a table or variable nobody makes, a
    kernel that is unknown or is given the wrong number of tables, a layer read against the way of the data, or a cycle.
    """
    models = {model.name: model for model in _read_models(connection, renderer)}
    makers = {name: name for name in models}
    makers |= {changes_of(model): model.name for model in models.values() if model.replaces and not model.is_rewritten}
    setters = {variable: model.name for model in models.values() for variable, _ in model.variables}
    for model in models.values():
        _require_layer(model)
        _require_kernel(model)
        for table in model.reads | model.reads_before:
            if table not in makers and table not in GIVEN_TABLES and table.split(".")[0] not in GIVEN_SCHEMAS:
                raise WarehouseError(f"sql model {model.name} reads {table}, which no model makes.")
        for table in sorted(model.reads_before & models.keys()):
            if models[table].is_view:
                raise WarehouseError(
                    f"sql model {model.name} reads {{{{ before('{table}') }}}}, a view, which changes with the tables "
                    "under it: read those."
                )
        for variable in model.reads_variables - setters.keys() - set(GIVEN_VARIABLES):
            raise WarehouseError(f"sql model {model.name} reads the variable {variable}, which no model sets.")
    graph: dict[str, set[str]] = {
        name: {makers[table] for table in model.reads if table in makers}
        | {setters[variable] for variable in model.reads_variables if variable in setters}
        for name, model in models.items()
    }
    for name, model in models.items():
        graph[name].discard(name)
        for table in model.reads_before & models.keys():
            graph[table].add(name)
    try:
        return [models[name] for name in TopologicalSorter(_in_order(graph)).static_order()]
    except CycleError as error:
        raise WarehouseError(f"sql models read each other in a circle: {' -> '.join(error.args[1])}") from error


def _in_order(graph: dict[str, set[str]]) -> dict[str, list[str]]:
    """The same graph with the order of everything fixed, so that every process builds in the same order."""
    return {name: sorted(graph[name]) for name in sorted(graph)}


def changes_of(model: Model) -> str:
    """The table of the rows by which an increment changed a model's table."""
    return CHANGED + model.name.split(".")[1]


def needs_plan(models: list[Model]) -> frozenset[str]:
    """Names of the models of `plan` and of those that depend on them. `models` are in order."""
    found: set[str] = set()
    setters = {variable: model.name for model in models for variable, _ in model.variables}
    for model in models:
        waits_for = model.reads | {setters.get(variable, "") for variable in model.reads_variables}
        waits_for |= {other.name for other in models if model.name in other.reads_before}
        if model.schema == "plan" or any(table.startswith(CHANGED) or table in found for table in waits_for):
            found.add(model.name)
    return frozenset(found)


def _require_layer(model: Model) -> None:
    allowed = MAY_READ[model.schema]
    wrong = sorted(table for table in model.reads | model.reads_before if table.split(".")[0] not in allowed)
    if wrong:
        raise WarehouseError(
            f"sql model {model.name} reads {wrong[0]}: a model of {model.schema} reads {', '.join(allowed)} only."
        )


def _require_kernel(model: Model) -> None:
    computation = model.computation
    if computation is None:
        return
    if computation.kernel not in KERNELS:
        raise WarehouseError(
            f"sql model {model.name} is computed by {computation.kernel}, which is no kernel; "
            f"there are {', '.join(sorted(KERNELS))}."
        )
    names = signature_of(computation.kernel)
    if len(names) != len(computation.arguments):
        raise WarehouseError(
            f"sql model {model.name} gives the kernel {computation.kernel} {len(computation.arguments)} tables; "
            f"it takes {len(names)}: {', '.join(names)}."
        )


def _read_models(connection: duckdb.DuckDBPyConnection, renderer: Renderer) -> Iterator[Model]:
    for layer in MAY_READ:
        for path in sorted((SQL_DIR / layer).rglob("*.sql")):
            for words in _fillings(path.stem, renderer):
                model = _read_model(connection, renderer, path, _name(layer, path.stem, words), words)
                if model is not None:
                    yield model


def _fillings(stem: str, renderer: Renderer) -> list[dict[str, str]]:
    """The values of the placeholder in a file's name: a file with one is a model for each of them."""
    for place, names in (("timeframe", renderer.timeframes), ("dataset", DATASETS)):
        if f"{{{place}}}" in stem:
            return [{place: name} for name in names]
    return [{}]


def _name(layer: str, stem: str, words: Mapping[str, str]) -> str:
    """The table that a file makes; one of a timeframe that is not published is in `work`."""
    schema = TIMEFRAMES[words["timeframe"]].schema(layer) if "timeframe" in words else layer
    return f"{schema}.{stem.format(**words)}"


def _read_model(
    connection: duckdb.DuckDBPyConnection, renderer: Renderer, path: Path, name: str, words: Mapping[str, str]
) -> Model | None:
    """The model in a file; None where its header leaves it out of this kind of build."""
    template = path.read_text(encoding="utf-8")
    rendered = renderer.render_model(template, words)
    description, header = _header(path, rendered.sql)
    only = header.get("Only", [renderer.kind])
    if only[0] not in ("full", "increment"):
        raise WarehouseError(f"{path}: `Only: {only[0]}` is neither full nor increment.")
    if only != [renderer.kind]:
        return None
    computation = _computation(path, header["Computed"][0]) if "Computed" in header else None
    arguments = frozenset(computation.arguments) if computation else frozenset()
    has_select = any(line and not line.startswith("--") for line in rendered.sql.splitlines())
    is_view = header.get("Materialized") == ["view"]
    if (not has_select and computation is None) or (is_view and computation is not None):
        raise WarehouseError(f"{path}: a model is a select, or is computed by a kernel, which makes a table.")
    reads = tables_read(connection, name, rendered.sql) if has_select else frozenset()
    replaces = next(iter(header.get("Replaces", header.get("Rewrites", []))), None)
    if replaces and not renderer.is_full:
        rows = replaces.removeprefix("from ").partition(" where ")[0]
        reads |= tables_read(connection, name, f"select 1 from {rows}") - {f"{name.split('.', maxsplit=1)[0]}.{FRESH}"}
    return Model(
        name=name,
        template=template,
        description=description,
        grain=tuple(part.strip() for part in header["Grain"][0].split(",")),
        is_view=is_view,
        replaces=replaces,
        is_rewritten="Rewrites" in header,
        computation=computation,
        variables=tuple(_variable(path, text) for text in header.get("Variable", [])),
        reads=(reads | arguments) - {name} - rendered.reads_before,
        reads_before=rendered.reads_before,
        reads_variables=frozenset(re.findall(r"getvariable\('(\w+)'\)", rendered.sql)),
        words=words,
    )


def _header(path: Path, text: str) -> tuple[str, dict[str, list[str]]]:
    """The leading comment: sentences that describe a row, then `Word: value` lines."""
    description: list[str] = []
    words: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.startswith("-- "):
            break
        word = HEADER_WORD.match(line)
        if word and word[1] not in HEADER_WORDS:
            raise WarehouseError(f"{path}: the header has no word `{word[1]}`; there are {', '.join(HEADER_WORDS)}.")
        if word:
            words.setdefault(word[1], []).append(word[2])
        else:
            description.append(line[3:])
    if not description or "Grain" not in words:
        raise WarehouseError(f"{path}: the header must say what a row is, and its `-- Grain:`.")
    return " ".join(description), words


def _computation(path: Path, text: str) -> Computation:
    call = re.fullmatch(r"(\w+)\(([\w., ]*)\)", text)
    if call is None:
        raise WarehouseError(f"{path}: `Computed: {text}` is not of the form kernel(table, table).")
    return Computation(call[1], tuple(part.strip() for part in call[2].split(",") if part.strip()))


def _variable(path: Path, text: str) -> tuple[str, str]:
    name, separator, aggregate = text.partition(" = ")
    if not separator:
        raise WarehouseError(f"{path}: `Variable: {text}` is not of the form name = aggregate.")
    return name, aggregate


def tables_read(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> frozenset[str]:
    """The tables a select reads, `schema.table`; one without a schema is of the model's own.

    Raises WarehouseError where DuckDB cannot parse the select.
    """
    if (name, sql) not in _TABLES_READ:
        _TABLES_READ[name, sql] = _parse_tables_read(connection, name, sql)
    return _TABLES_READ[name, sql]


# Parsing all selects takes as long as building a small market, so each is parsed once a process.
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
    """The grain of every published table, and of every view that is published as a table."""
    return {
        model.name: model.grain
        for model in models
        if model.schema == "marts" or (model.schema == "core" and not model.is_view)
    }
