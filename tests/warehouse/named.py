"""Which tables and columns the tests hold to exact rows, read from the sources of the tests.

Only a call of `expect` counts, with the table and the columns written out, and for a column one expected row at least
in which it is not None. What is only mentioned, or selected and not compared, does not.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

Columns = dict[str, set[str]]


def tables_expected() -> Columns:
    """For each table the columns whose values some test writes down."""
    found: Columns = {}
    for path in TESTS.rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = dict(_module_texts(tree))
        for call in _calls(tree, "expect"):
            table, columns, *rows = call.args[_is_function(call) :]
            names = [name.strip() for name in _text(columns, texts).split(",")]
            found.setdefault(_text(table, texts), set())
            for row in rows:
                cells = _spread(row.elts, len(names)) if isinstance(row, ast.Tuple) else []
                known = {name for name, cell in zip(names, cells, strict=False) if not _is_none(cell)}
                found[_text(table, texts)] |= known
    return found


def _spread(cells: list[ast.expr], n_columns: int) -> list[ast.expr]:
    """The cells of a row, one a column: `*values` stands for as many as are missing."""
    n_missing = n_columns - len(cells)
    return [cell for one in cells for cell in ([one] * (n_missing + 1) if isinstance(one, ast.Starred) else [one])]


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


def _is_none(cell: ast.expr) -> bool:
    return isinstance(cell, ast.Constant) and cell.value is None
