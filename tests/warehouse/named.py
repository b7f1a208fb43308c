"""Which tables and columns the tests hold to exact rows, read from the sources of the tests.

Only a call of `expect` counts, with the table and the columns written out, and for a column one expected row at least
in which it is not None. What is only mentioned, or selected and not compared, does not.
"""

import ast
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

Columns = dict[str, set[str]]


def tables_expected() -> Columns:
    """For each table the columns whose values some test writes down."""
    found: Columns = {}
    for path in TESTS.rglob("test_*.py"):
        for table, columns in expected_in(path.read_text(encoding="utf-8")):
            found.setdefault(table, set()).update(columns)
    return found


def expected_in(source: str) -> Iterator[tuple[str, set[str]]]:
    """Each table that a test's source expects rows of, and the columns of which they hold a value."""
    tree = ast.parse(source)
    texts = dict(_module_texts(tree))
    for call in _calls(tree, "expect"):
        table, columns, *rows = call.args[_is_function(call) :]
        names = [name.strip() for name in _text(columns, texts).split(",")]
        known: set[str] = set()
        for row in rows:
            cells = takewhile(_is_one, row.elts) if isinstance(row, ast.Tuple) else ()
            known |= {name for name, cell in zip(names, cells, strict=False) if not _is_none(cell)}
        yield _text(table, texts), known


def tables_expected_same() -> dict[str, str]:
    """Tables that some test holds to be what another one is, in every column of the other."""
    return {
        ast.literal_eval(call.args[1]): ast.literal_eval(call.args[2])
        for path in TESTS.rglob("test_*.py")
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")), "expect_same")
    }


def _module_texts(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The texts that a module gives a name to."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, str(node.value.value)


def _text(node: ast.expr, texts: dict[str, str]) -> str:
    return texts[node.id] if isinstance(node, ast.Name) else str(ast.literal_eval(node))


def _calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name == getattr(node.func, "attr", getattr(node.func, "id", None)):
            yield node


def _is_function(call: ast.Call) -> bool:
    """Whether it is the function, which takes a connection first, and not a scene's method."""
    return isinstance(call.func, ast.Name)


def _is_one(cell: ast.expr) -> bool:
    """Whether it is one cell, so that the next one's column is known."""
    return not isinstance(cell, ast.Starred)


def _is_none(cell: ast.expr) -> bool:
    return isinstance(cell, ast.Constant) and cell.value is None
