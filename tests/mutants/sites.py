"""Where a text can be changed by a small fault, and into what: one token, one clause or one argument at a time.

Only the tokens are looked at. Comments and strings stay as they are, but for the header lines of a model that hold SQL
and for Jinja; what comes out may not run.
"""

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """A piece of code that a fault may replace."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Mutation:
    """From `start` to `end` a text becomes `new`."""

    kind: str
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        return text[: self.start] + self.new + text[self.end :]


COMPARISONS = {
    "<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="),
    "=": ("<>",), "<>": ("=",), "!=": ("=",),
}  # fmt: skip
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
JOINS = {"inner": "left", "left": "inner", "full": "left", "semi": "anti", "anti": "semi"}
SWAPPED = {
    "min": "max", "max": "min", "arg_min": "arg_max", "arg_max": "arg_min", "bool_and": "bool_or",
    "bool_or": "bool_and", "sum": "max", "avg": "max", "median": "max", "first": "last", "last": "first",
    "lag": "lead", "lead": "lag", "first_value": "last_value", "last_value": "first_value", "row_number": "rank",
    "greatest": "least", "least": "greatest", "floor": "ceil", "ceil": "floor",
}  # fmt: skip

SQL_TOKEN = re.compile(
    r"""
    (?P<skipped>--\ Replaces:|--\ Variable:[^=\n]*=|--[^\n]*|/\*.*?\*/|\{\#.*?\#\}|'(?:[^']|'')*'|"[^"]*"|\$\$.*?\$\$)
    |(?P<jinja>\{\{.*?\}\}|\{%.*?%\})
    |(?P<number>\b\d+(?:\.\d+)?(?:e-?\d+)?\b)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<op><=|>=|<>|!=|::|:=|=>|->>?|[-+*/<>=%(),.\[\];|&])
    """,
    re.VERBOSE | re.DOTALL,
)

# What ends an operand of `and`, beside a closing bracket and a comma.
CLAUSE = frozenset(
    [
        "and",
        "or",
        "where",
        "group",
        "order",
        "having",
        "qualify",
        "window",
        "join",
        "inner",
        "left",
        "full",
        "semi",
        "anti",
        "asof",
        "cross",
        "union",
        "select",
        "then",
        "else",
        "when",
        "limit",
        "as",
    ]
)
CONDITION_OF = {"on": "join condition", "where": "condition", "having": "condition", "qualify": "condition"}


def measure_mutations(text: str) -> list[Mutation]:
    """Every small fault of a file of measures: in their expressions, and of what is least and greatest."""
    found = []
    for match in re.finditer(r'^(?:of|where|given|formula|against|at) = "?(.+?)"?$', text, re.MULTILINE):
        place = match.start(1)
        found += [Mutation(one.kind, place + one.start, place + one.end, one.new) for one in sql_mutations(match[1])]
    for match in re.finditer(r'^statistic = "(least|greatest)"$', text, re.MULTILINE):
        found.append(Mutation("aggregate", match.start(1), match.end(1), SWAPPED[match[1]]))
    return found


def sql_mutations(text: str) -> list[Mutation]:
    """Every small fault that a file of SQL can have."""
    tokens = [
        Token(str(match.lastgroup), match[0].lower(), match.start(), match.end())
        for match in SQL_TOKEN.finditer(text)
        if match.lastgroup != "skipped"
    ]
    # The SQL of a header line ends with the line.
    ends = [match.end() for match in re.finditer(r"^-- (?:Replaces|Variable):.*$", text, re.MULTILINE)]
    tokens = sorted([*tokens, *(Token("op", ";", end, end) for end in ends)], key=lambda one: (one.start, one.end))
    return [one for place in range(len(tokens)) for one in _of_sql_token(text, tokens, place)]


def _of_sql_token(text: str, tokens: list[Token], place: int) -> Iterator[Mutation]:
    token, before, after = tokens[place], _at(tokens, place - 1), _at(tokens, place + 1)
    if token.kind == "number":
        yield _replace("constant", token, _other_number(token.text))
    elif token.kind == "op":
        yield from _of_sql_operator(tokens, place)
    elif token.kind == "jinja":
        yield from _of_jinja(token)
    elif token.text in JOINS and after.text == "join":
        yield _replace("join", token, JOINS[token.text])
    elif token.text in SWAPPED and after.text == "(":
        yield _replace("aggregate", token, SWAPPED[token.text])
    elif token.text in ("true", "false"):
        yield _replace("constant", token, "false" if token.text == "true" else "true")
    elif token.text == "not":
        yield Mutation("logic", token.start, after.start, "")
    elif token.text == "null" and before.text == "is":
        yield _replace("logic", token, "not null")
    elif token.text == "distinct" and before.text != "from" and after.text != "from":
        yield Mutation("aggregate", token.start, after.start, "")
    elif token.text == "all" and before.text == "union":
        yield Mutation("set", before.end, token.end, "")
    else:
        yield from _of_sql_clause(text, tokens, place)


def _of_sql_clause(text: str, tokens: list[Token], place: int) -> Iterator[Mutation]:
    token, before, after = tokens[place], _at(tokens, place - 1), _at(tokens, place + 1)
    if token.text in ("and", "or"):
        yield from _of_connective(tokens, place)
    elif token.text in ("where", "qualify"):
        yield from _without_only_condition(tokens, place)
    elif token.text == "using" and after.text == "(":
        yield from _without_one("join condition", tokens, place + 1)
    elif token.text == "filter" and after.text == "(":
        yield Mutation("filter", before.end, tokens[_closing(tokens, place + 1)].end, "")
    elif token.text == "coalesce" and after.text == "(":
        yield from _of_coalesce(text, tokens, place)
    elif token.text == "by" and before.text == "order" and _depth(tokens, place):
        yield from _of_order(tokens, place)


def _of_sql_operator(tokens: list[Token], place: int) -> Iterator[Mutation]:
    token, before, after = tokens[place], _at(tokens, place - 1), _at(tokens, place + 1)
    is_assignment = token.text == "=" and _at(tokens, place - 2).text == "variable"
    if token.text in COMPARISONS and not is_assignment:
        for new in COMPARISONS[token.text]:
            yield _replace("comparison", token, new)
    elif token.text in ARITHMETIC:
        is_operand_before = before.kind in ("number", "jinja") or before.text in (")", "]", "end")
        is_operand_before |= before.kind == "word" and before.text not in CLAUSE | {"distinct", "by", "on", "between"}
        if is_operand_before and (after.kind != "op" or after.text in "(-"):
            yield _replace("arithmetic", token, ARITHMETIC[token.text])
        elif token.text == "-":
            yield _replace("arithmetic", token, "")


def _of_jinja(token: Token) -> Iterator[Mutation]:
    """The rows of before a build turned into those of now; other numbers, ends and kinds of builds."""
    for match in re.finditer(r"before\(('[^']+'|[^()]+)\)|\bmax\b|\bis_full\b|(?<![\w'.\[])\d+\b", token.text):
        kind, new = ("before", match[1]) if match[1] else ("constant", "")
        if match[0] in ("max", "is_full"):
            kind, new = ("aggregate", "min") if match[0] == "max" else ("logic", "(not is_full)")
        elif match[0].isdigit():
            new = _other_number(match[0])
        yield Mutation(kind, token.start + match.start(), token.start + match.end(), new)


def _of_connective(tokens: list[Token], place: int) -> Iterator[Mutation]:
    """`and` turned into `or` and back, and the operand on either side of an `and` left out."""
    token = tokens[place]
    if token.text == "and" and _is_of_between(tokens, place):
        return
    yield _replace("logic", token, "or" if token.text == "and" else "and")
    clause = _clause_before(tokens, place)
    if token.text == "and" and clause is not None:
        kind = CONDITION_OF[tokens[clause].text]
        end = _end_of_operand(tokens, place + 1)
        yield Mutation(kind, tokens[place - 1].end, tokens[end - 1].end, "")
        if _end_of_operand(tokens, clause + 1) == place:
            yield Mutation(kind, tokens[clause + 1].start, tokens[place + 1].start, "")


def _without_only_condition(tokens: list[Token], place: int) -> Iterator[Mutation]:
    end = _end_of_operand(tokens, place + 1)
    if tokens[place - 1].text != "(" and _at(tokens, end).text not in ("and", "or"):
        yield Mutation("condition", tokens[place - 1].end, tokens[end - 1].end, "")


def _without_one(kind: str, tokens: list[Token], opening: int) -> Iterator[Mutation]:
    """One name of a list in brackets left out; a list of one stays."""
    names = tokens[opening + 1 : _closing(tokens, opening)]
    for number, name in enumerate(names):
        if name.kind == "word" and len(names) > 1:
            start, end = (name.start, names[2].start) if number == 0 else (names[number - 1].start, name.end)
            yield Mutation(kind, start, end, "")


def _of_coalesce(text: str, tokens: list[Token], place: int) -> Iterator[Mutation]:
    """The first argument alone, and what is left without it."""
    closing = _closing(tokens, place + 1)
    inside = _depth(tokens, place + 2)
    commas = (i for i in range(place + 3, closing) if tokens[i].text == "," and _depth(tokens, i) == inside)
    comma = next(commas, None)
    if comma is not None:
        first = text[tokens[place + 2].start : tokens[comma].start]
        yield Mutation("coalesce", tokens[place].start, tokens[closing].end, f"({first})")
        yield Mutation("coalesce", tokens[place + 2].start, tokens[comma + 1].start, "")


def _of_order(tokens: list[Token], place: int) -> Iterator[Mutation]:
    """The first expression of an order the other way round."""
    depth, end = _depth(tokens, place), place + 1
    while end < len(tokens) and not (
        _depth(tokens, end) <= depth
        and (tokens[end].text in (",", ")") or tokens[end].text in ("asc", "desc", "nulls", "rows", "range", "limit"))
    ):
        end += 1
    if end == len(tokens):
        return
    if tokens[end].text in ("asc", "desc"):
        yield _replace("order", tokens[end], "asc" if tokens[end].text == "desc" else "desc")
    else:
        yield Mutation("order", tokens[end - 1].end, tokens[end - 1].end, " desc")


# --- places in a list of tokens ----------------------------------------------------------------------------

_NOTHING = Token("nothing", "", 0, 0)


def _at(tokens: list[Token], place: int) -> Token:
    return tokens[place] if 0 <= place < len(tokens) else _NOTHING


def _replace(kind: str, token: Token, new: str) -> Mutation:
    return Mutation(kind, token.start, token.end, new)


def _other_number(text: str) -> str:
    """One more of a whole number, twice a fraction: shares stay shares more often."""
    return str(int(text) + 1) if text.isdigit() else str(float(text) * 2)


def _step(token: Token) -> int:
    """How a token changes the depth of what follows it."""
    return (token.text in ("(", "[", "case")) - (token.text in (")", "]", "end"))


def _depth(tokens: list[Token], place: int) -> int:
    """In how many brackets a token stands; a closing one stands outside."""
    depth = sum(_step(token) for token in tokens[:place])
    return depth - 1 if _step(tokens[place]) < 0 else depth


def _closing(tokens: list[Token], opening: int) -> int:
    depth = 0
    for place in range(opening, len(tokens)):
        depth += _step(tokens[place])
        if depth == 0:
            return place
    return len(tokens) - 1


def _end_of_operand(tokens: list[Token], place: int) -> int:
    """Where the condition that begins at `place` has ended: the place of the next connective, clause or bracket."""
    depth, n_between = 0, 0
    while place < len(tokens):
        token = tokens[place]
        depth += _step(token)
        if depth < 0:
            return place
        if depth == 0 and _step(token) == 0:
            if token.text == "between":
                n_between += 1
            elif token.text == "and" and n_between:
                n_between -= 1
            elif token.text in CLAUSE or token.text in (",", ";") or token.text.startswith("{%"):
                return place
        place += 1
    return place


def _is_of_between(tokens: list[Token], place: int) -> bool:
    """Whether an `and` belongs to a `between`."""
    depth = 0
    for token in reversed(tokens[:place]):
        depth -= _step(token)
        if depth < 0:
            return False
        if depth == 0 and token.text == "between":
            return True
        if depth == 0 and token.text in CLAUSE | {"on", "not"}:
            return False
    return False


def _clause_before(tokens: list[Token], place: int) -> int | None:
    """The clause that a connective stands in, of those whose conditions can be left out."""
    depth = 0
    for earlier in range(place - 1, -1, -1):
        depth -= _step(tokens[earlier])
        if depth < 0:
            return None
        if depth == 0 and tokens[earlier].text in CONDITION_OF:
            return earlier
        if depth == 0 and tokens[earlier].text in CLAUSE - {"and", "or"}:
            return None
    return None


# --- Python --------------------------------------------------------------------------------------------------

PYTHON_COMPARISONS = {**COMPARISONS, "==": ("!=",), "!=": ("==",)}
del PYTHON_COMPARISONS["="], PYTHON_COMPARISONS["<>"]
PYTHON_ARITHMETIC = {**ARITHMETIC, "//": "/", "**": "*", "&": "|", "|": "&"}
PYTHON_WORDS = {
    "and": ("logic", "or"), "or": ("logic", "and"), "True": ("constant", "False"), "False": ("constant", "True"),
}  # fmt: skip
PYTHON_SWAPPED = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum",
    "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor", "mean": "sum",
}  # fmt: skip
PYTHON_SKIPPED = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def python_mutations(text: str) -> list[Mutation]:
    """Every small fault that a file of Python can have, outside its annotations."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    annotations = _annotations(text, lines)
    tokens = [
        Token(tokenize.tok_name[one.type], one.string, lines[one.start[0] - 1] + one.start[1],
              lines[one.end[0] - 1] + one.end[1])
        for one in tokenize.generate_tokens(io.StringIO(text).readline)
        if one.type not in PYTHON_SKIPPED
    ]  # fmt: skip
    found = [one for place in range(len(tokens)) for one in _of_python_token(tokens, place)]
    return [one for one in found if not any(start <= one.start < end for start, end in annotations)]


def _of_python_token(tokens: list[Token], place: int) -> Iterator[Mutation]:
    token, before, after = tokens[place], _at(tokens, place - 1), _at(tokens, place + 1)
    if token.text in PYTHON_COMPARISONS:
        for new in PYTHON_COMPARISONS[token.text]:
            yield _replace("comparison", token, new)
    elif token.text in PYTHON_ARITHMETIC:
        is_operand_before = before.kind == "NUMBER" or before.text in (")", "]")
        if is_operand_before or (before.kind == "NAME" and not keyword.iskeyword(before.text)):
            yield _replace("arithmetic", token, PYTHON_ARITHMETIC[token.text])
        elif token.text == "-":
            yield _replace("arithmetic", token, "")
    elif token.kind == "NUMBER" and re.fullmatch(r"\d[\d_]*(\.\d+)?(e-?\d+)?", token.text):
        yield _replace("constant", token, _other_number(token.text.replace("_", "")))
    elif token.text in PYTHON_WORDS:
        kind, new = PYTHON_WORDS[token.text]
        yield _replace(kind, token, new)
    elif token.text == "not" and before.text != "is" and after.text != "in":
        yield Mutation("logic", token.start, after.start, "")
    elif token.text in PYTHON_SWAPPED and after.text == "(":
        yield _replace("aggregate", token, PYTHON_SWAPPED[token.text])


def _annotations(text: str, lines: list[int]) -> list[tuple[int, int]]:
    """Where types are written, and where names are given to types: a fault there changes nothing."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
    return [
        (lines[one.lineno - 1] + one.col_offset, lines[(one.end_lineno or 1) - 1] + (one.end_col_offset or 0))
        for one in found
        if one is not None
    ]
