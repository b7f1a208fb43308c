"""Fixtures that all tests share."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

# A table in one of the schemas that models are in.
TABLE = re.compile(r"\b(?:staging|work|temp|plan|core|marts|ops)\.[a-z]\w*")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# No deadline per example, because a busy machine would make tests fail.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data beside the checkout on our build machines; never part of the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: {folder} is not there, so nothing was held against real prices and signals.")
    return folder


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `pytest -k work.curve_bar` find the tests that name the table."""
    if isinstance(item, pytest.Function):
        item.extra_keyword_matches.update(_tables_by_test(item.path).get(item.originalname, ()))


@cache
def _tables_by_test(path: Path) -> dict[str, set[str]]:
    """The tables that each test of a module names in its own texts, or in those of the module that it uses."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        target.id: _tables_in(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    named |= {node.name: _tables_in(node) for node in module.body if isinstance(node, ast.FunctionDef)}
    return {
        node.name: _tables_in(node).union(
            *(named.get(used.id, ()) for used in ast.walk(node) if isinstance(used, ast.Name))
        )
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _tables_in(tree: ast.AST) -> set[str]:
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {name for text in texts for name in TABLE.findall(text)}
