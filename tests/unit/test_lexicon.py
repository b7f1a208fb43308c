"""No name and no comment uses a word of the lexicon's left column (CONTRIBUTING.md, *Words*)."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The rooms whose names and comments follow the lexicon.
ROOMS = (
    "benchmarks", "flows", "sql", "tests/delivery", "tests/devserver", "tests/digest", "tests/end_to_end", "tests/home",
    "tests/migrations", "tests/mutants", "tests/oracle", "tests/oracle_agreement", "tests/point_in_time",
    "tests/prices", "tests/quality", "tests/scoring", "tests/study", "tests/tokenmetrics", "tests/unit",
    "tests/warehouse",
)  # fmt: skip

WORDS = re.compile(
    r"(?<![A-Za-z])(retold|told|tells?|telling|says?|said|(?<!set_)(?<!set )aside|doubts?|doubtful|discretion|packed|"
    r"patience|extents?|readings|held)(?![A-Za-z])",
    re.IGNORECASE,
)

# Keys of files and columns of tables that earlier releases wrote, verbatim quotations of the contract, and a
# method of Python's files.
KEPT = {
    "flows/delivery/delivery.py": {"told"},
    "flows/home/journal.py": {"tell"},
    "flows/sources/tokenmetrics/pages.py": {"tell"},
    "flows/warehouse/migrations/0002_ledger.sql": {"extent"},
    "flows/warehouse/snapshots.py": {"extent"},
    "sql/columns.toml": {"told", "extent"},
    "sql/ops/day.sql": {"extent"},
    "sql/ops/tables.sql": {"told", "extent"},
    "tests/oracle/equity.py": {"held"},
}


def docstring_lines(tree: ast.Module) -> set[int]:
    """The numbers of the lines inside docstrings."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            lines.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines


def words_used(source: str) -> list[tuple[int, str]]:
    """Each line and word of the left column in a name, a comment or a docstring; other strings are data."""
    found = []
    inside = docstring_lines(ast.parse(source))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        for number, line in enumerate(token.string.split("\n"), token.start[0]):
            is_prose = token.type == tokenize.COMMENT or (token.type == tokenize.STRING and number in inside)
            if token.type == tokenize.NAME or is_prose:
                found += [(number, match[1].lower()) for match in WORDS.finditer(line)]
    return found


def every_word_used(text: str) -> list[tuple[int, str]]:
    """Each line and word of the left column in a file of SQL or of declarations, whose strings are names and texts."""
    lines = enumerate(text.splitlines(), 1)
    return [(number, match[1].lower()) for number, line in lines for match in WORDS.finditer(line)]


SUFFIXES = (".py", ".sql", ".toml")
FILES = sorted(
    str(path.relative_to(ROOT)) for room in ROOMS for path in (ROOT / room).rglob("*.*") if path.suffix in SUFFIXES
)


@pytest.mark.parametrize("file", FILES)
def test_names_and_comments_follow_the_lexicon(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    found = words_used(text) if file.endswith(".py") else every_word_used(text)
    assert [(number, word) for number, word in found if word not in KEPT.get(file, set())] == []
    assert not WORDS.search(Path(file).stem)
