"""SQL for one cell of a delivered row under a declaration: which column it is, which words, which moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.quoting import identifier, literal
from flows.sources.declaration import UTC_OFFSET, Declaration

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
NUMBERS = ("DOUBLE", "BIGINT", "INTEGER")


@dataclass(frozen=True)
class Cell:
    """SQL for a cell, and the type of what it gives."""

    sql: str
    kind: str


def cell_of(name: str, kind: str, types: Mapping[str, tuple[str, str]], declaration: Declaration) -> Cell | None:
    """The cell of one of our columns, of the type `kind`; None where no file has it and nothing is declared of it.

    `types` are the delivered columns, by name in lower case: the name as delivered, and the type.
    """
    if name in declaration.constants:
        return Cell(literal(declaration.constants[name]), "VARCHAR")
    theirs = declaration.theirs.get(name, name)
    if theirs not in types or (theirs == name and name in declaration.columns and name not in declaration.theirs):
        return None
    delivered, delivered_kind = types[theirs]
    cell = Cell(identifier(delivered), delivered_kind)
    text = cell.sql
    if kind in NUMBERS and declaration.decimal is not None and cell.kind == "VARCHAR":
        cell = Cell(_number(text, declaration.decimal), "VARCHAR")
    # A word is looked for as it was written, and what it stands for is a value of ours.
    words = declaration.words.get(name)
    return Cell(_translated(text, words, otherwise=cell.sql), "VARCHAR") if words else cell


def moment_of(cell: Cell, formats: Sequence[str], zone: str | None) -> str:
    """SQL for the moment that a cell gives, in UTC and without a zone; NULL where it gives none.

    A column with formats is read by these alone. `zone` is that of moments without an offset.
    """
    if formats and (cell.kind == "VARCHAR" or cell.kind in INTEGERS):
        text = f"trim({cell.sql}::varchar)"
        moments = [_by_format(text, one, zone) for one in formats]
        return f"four_digit_year(coalesce({', '.join(moments)}))"
    match cell.kind:
        case "TIMESTAMP WITH TIME ZONE":
            return f"four_digit_year(make_timestamp(epoch_us({cell.sql})))"
        case "VARCHAR":
            text = f"trim({cell.sql})"
            moment = f"text_moment({text})"
            return f"case when has_own_zone({text}) then {moment} else {_in_zone(moment, zone)} end" if zone else moment
        case "DOUBLE":
            return f"four_digit_year(fraction_moment({cell.sql}))"
        case kind if kind in INTEGERS:
            return f"four_digit_year(epoch_moment(try_cast({cell.sql} as bigint)))"
        case kind if kind.startswith("DECIMAL"):
            return f"text_moment({cell.sql}::varchar)"
        case kind if kind == "DATE" or kind.startswith("TIMESTAMP"):
            return f"four_digit_year({_in_zone(f'{cell.sql}::timestamp', zone)})"
        case _:
            return "null::timestamp"


def _by_format(text: str, one: str, zone: str | None) -> str:
    parsed = f"try_strptime({text}, {literal(one)})"
    has_zone = "%z" in one or "%Z" in one
    return f"make_timestamp(epoch_us({parsed}))" if has_zone else _in_zone(parsed, zone)


def _in_zone(moment: str, zone: str | None) -> str:
    """SQL for the moment in UTC of a local time."""
    if zone is None:
        return moment
    if offset := UTC_OFFSET.fullmatch(zone):
        sign, hours, minutes = offset.groups()
        ahead = (int(hours) * 60 + int(minutes)) * (1 if sign == "+" else -1)
        return f"({moment} - to_minutes({ahead}))"
    return f"make_timestamp(epoch_us(timezone({literal(zone)}, {moment})))"


def _number(text: str, decimal: str) -> str:
    """SQL for a number's text with a decimal point; NULL where its marks do not stand where they must."""
    group = "." if decimal == "," else ","
    is_number = (
        f"regexp_full_match(trim({text}), "
        f"'[+-]?([0-9]{{1,3}}([{group}][0-9]{{3}})+|[0-9]*)([{decimal}][0-9]*)?([eE][+-]?[0-9]+)?')"
    )
    point = f"replace(replace({text}, '{group}', ''), '{decimal}', '.')"
    # What is no such number stays as it is, with a mark that no number has.
    return f"case when {is_number} then {point} when given_text({text}) is not null then {text} || ' ' || '?' end"


def _translated(text: str, words: Mapping[str, str], *, otherwise: str) -> str:
    """SQL for our value of a text where it is one of their words, in whatever case; else for another text."""
    cases = " ".join(f"when {literal(theirs)} then {literal(ours)}" for theirs, ours in words.items())
    return f"case lower(trim({text}::varchar)) {cases} else {otherwise}::varchar end"
