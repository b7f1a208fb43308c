"""The fingerprint of everything besides the data that changes a score; a change of it forces a full build."""

import ast
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from flows.config import DATA_DIR, SQL_DIR, Settings
from flows.warehouse.models import MAY_READ

# The registry of kernels: what it imports, directly or not, is the code that computes scores.
KERNELS = "flows.warehouse.kernels"

# The declarations that fill the templates in: what counts as another version of a row follows from the datasets.
DECLARATIONS = ("flows.datasets", "flows.timeframes")

# Modules left out: settings are hashed by their values, and messages of errors change no score.
NOT_SCORING = {"flows.config", "flows.errors"}

# Libraries whose rounding decides the last digit: an increment after an upgrade would mix digits of both versions.
LIBRARIES = ("duckdb", "numpy", "pyarrow", "scipy")


def scoring_hash(settings: Settings) -> str:
    """Fingerprint of the settings, maps, models, measures, kernels and libraries that scores are made with."""
    parts = [f"{settings.cost_bps}|{settings.horizons}"]
    parts += [(DATA_DIR / name).read_text(encoding="utf-8") for name in ("sectors.csv", "exclusions.csv")]
    files = [path for folder in (*MAY_READ, "macros", "measures") for path in (SQL_DIR / folder).rglob("*.*")]
    files.append(SQL_DIR / "macros.sql")
    parts += [f"{path.relative_to(SQL_DIR)}\n{path.read_text(encoding='utf-8')}" for path in sorted(files)]
    parts += [f"{module}\n{_source(module)}" for module in scoring_modules()]
    parts += [f"{name} {version(name)}" for name in LIBRARIES]
    return sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def scoring_modules() -> tuple[str, ...]:
    """The modules of this package that kernels are made of, by name."""
    found: set[str] = set()
    waiting = [KERNELS, *DECLARATIONS]
    while waiting:
        module = waiting.pop()
        if module not in found | NOT_SCORING:
            found.add(module)
            waiting += _imports(module)
    return tuple(sorted(found))


def _imports(module: str) -> list[str]:
    """The modules of this package that a module imports."""
    nodes = [node for node in ast.walk(ast.parse(_source(module))) if isinstance(node, ast.ImportFrom)]
    names = [name for node in nodes for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))]
    return [name for name in names if name and name.startswith("flows.") and _path(name)]


def _source(module: str) -> str:
    path = _path(module)
    return path.read_text(encoding="utf-8") if path else ""


def _path(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None
