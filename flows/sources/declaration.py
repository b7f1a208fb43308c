"""`trackrecord.toml`: how a folder that was not made for us is to be read (contract, section 2).

The part of the file that concerns one dataset is stored with each snapshot, as JSON, so that a restore reads the same
bytes the same way.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from flows.datasets import DATASETS, Column, Dataset
from flows.errors import UsageError
from flows.timeframes import DAILY, TIMEFRAMES

FILE = "trackrecord.toml"

# Keys of the whole folder, those of each file, and those of some files only.
FOLDER_KEYS = ("vendor", "archive", "bar_offset")
FILE_KEYS = ("file", "header", "columns", "constants", "words", "datetime_format", "timezone", "decimal")
CHOICES: dict[str, tuple[str, ...]] = {
    "style": ("states", "events"),
    "score": ("direction", "confidence", "probability"),
    "decimal": (",", "."),
}
MOMENTS_OF_PRICES = ("start", "end")
MOMENTS_OF_VENDORS = ("start", "published")

# Words that stand for a whole file are looked for in these columns, never in names that a token may bear.
WORDED = ("timeframe", "direction", "trend", "side", "kind", "lookback")

OFFSET = re.compile(r"([+-]?)(\d+)(m|h|d)")
UTC_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Declaration:
    """How the files of one dataset are to be read; `UNDECLARED` reads them as the input format describes them.

    `header` names the columns of files that have none. `columns` leads from their names, in lower case, to ours.
    `words` and `datetime_format` are by our column. `moment` is what the dataset's moment means: the start of its bar,
    its `end`, or when the row was `published`.
    """

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    datetime_format: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    timezone: str | None = None
    decimal: str | None = None
    moment: str = "start"
    style: str | None = None
    score: str = "direction"
    file: str | None = None
    header: tuple[str, ...] = ()
    archive: bool = False
    bar_offset: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def theirs(self) -> dict[str, str]:
        """Their name of each of our columns that bears another one in the files, in lower case."""
        return {ours: theirs for theirs, names in self.columns.items() for ours in names}

    def named_in(self, name: str) -> dict[str, str]:
        """What the placeholders of `file` stand for in a file's name, by the column that each makes."""
        if self.file is None or (match := file_pattern(self.file).fullmatch(name)) is None:
            return {}
        return {f"{{{column}}}": text for column, text in match.groupdict().items()}

    def as_delivered(self, dataset: Dataset) -> tuple[str, ...]:
        """The names that the columns of a dataset bear in the files, in lower case."""
        own = (name for name in (*dataset.column_names, "symbol", "vendor") if name not in self.columns)
        return tuple(dict.fromkeys((*self.columns, *own)))


UNDECLARED = Declaration()


@dataclass(frozen=True)
class FolderDeclaration:
    """The content of a `trackrecord.toml`: the vendor's name, and the part of each dataset as JSON."""

    vendor: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def text_of(self, dataset: str) -> str | None:
        """The part of a dataset, as it is stored with its snapshots; None where nothing is declared of it."""
        return self.parts.get(dataset)

    def of(self, dataset: str) -> Declaration:
        """The same part, to read by."""
        return stored_declaration(self.text_of(dataset))


def read_folder_declaration(path: Path, *, is_required: bool = False) -> FolderDeclaration:
    """Read a `trackrecord.toml`; where there is none, nothing is declared.

    Raises UsageError, naming the key and the nearest known one, for what cannot be meant.
    """
    if not path.is_file():
        if is_required:
            raise UsageError(f"--map {path} is no file. `trackrecord map DIR` proposes one for a folder.")
        return FolderDeclaration()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}. Mend that line and run again.") from error
    return _folder(path, content)


def stored_declaration(text: str | None) -> Declaration:
    """The declaration of a dataset from its stored JSON."""
    if text is None:
        return UNDECLARED
    stored = json.loads(text)
    lists = {
        name: {key: tuple(value) for key, value in stored[name].items()}
        for name in ("columns", "datetime_format")
        if name in stored
    }
    return Declaration(**(stored | lists | {"header": tuple(stored.get("header", ()))}))


def file_pattern(file: str) -> re.Pattern[str]:
    """The names of files that a declared `file` stands for."""
    pieces = re.split(r"(\*|\{\w+\})", file)
    return re.compile(
        "".join(
            "[^/]*" if piece == "*" else f"(?P<{piece[1:-1]}>[^/]+?)" if piece.startswith("{") else re.escape(piece)
            for piece in pieces
        )
    )


def _folder(path: Path, content: dict[str, Any]) -> FolderDeclaration:
    _require_known(path, "", content, (*FOLDER_KEYS, *DATASETS))
    for key, kind, example in (("vendor", str, '"acme"'), ("archive", bool, "true")):
        if key in content and not isinstance(content[key], kind):
            raise _wrong(path, key, content[key], f"write {key} = {example}")
    of_all: dict[str, Any] = {"archive": True} if content.get("archive") else {}
    offsets = _offsets(path, content["bar_offset"]) if "bar_offset" in content else {}
    parts = {}
    for dataset in DATASETS.values():
        section = content.get(dataset.name, {})
        if not isinstance(section, dict):
            raise _wrong(path, dataset.name, section, f"begin a table: [{dataset.name}]")
        part = of_all | _part(path, dataset, section)
        # Bars keep their moments; their grid moves.
        if offsets and dataset.name == "prices":
            part["bar_offset"] = offsets
        if part:
            parts[dataset.name] = json.dumps(part, sort_keys=True, ensure_ascii=False)
    return FolderDeclaration(content.get("vendor"), parts)


def _part(path: Path, dataset: Dataset, section: dict[str, Any]) -> dict[str, Any]:
    """The part of one dataset in the form in which it is stored."""
    choices = CHOICES | {"moment": MOMENTS_OF_VENDORS if dataset.has_vendor else MOMENTS_OF_PRICES}
    keys = [*FILE_KEYS]
    keys += ["moment"] if dataset.is_feed else []
    keys += ["style", "score"] if dataset.name == "signals" else []
    _require_known(path, dataset.name, section, keys)
    part: dict[str, Any] = {}
    for key, value in section.items():
        where = f"{dataset.name}.{key}"
        match key:
            case "columns":
                part[key] = _columns(path, dataset, where, value)
            case "constants":
                part[key] = _constants(path, dataset, where, value)
            case "words":
                part[key] = _words(path, dataset, where, value)
            case "datetime_format":
                part[key] = _formats(path, dataset, where, value)
            case "timezone":
                part[key] = _zone(path, where, value)
            case "header":
                part[key] = _header(path, where, value)
            case "file":
                part[key] = _file(path, dataset, where, value)
            case "score":
                part[key] = _score(path, where, _choice(path, where, value, choices[key]))
            case _:
                part[key] = _choice(path, where, value, choices[key])
    for name in PLACEHOLDER.findall(part.get("file", "")):
        part["columns"] = part.get("columns", {}) | {f"{{{name}}}": [name]}
    return part


def _file(path: Path, dataset: Dataset, where: str, value: object) -> str:
    """A file's path below the folder, in which `*` stands for any letters and `{symbol}` for a column's value."""
    pattern = _text(path, where, value)
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise _wrong(path, where, pattern, 'name files below the folder, such as "{symbol}-1d.csv"')
    for name in PLACEHOLDER.findall(pattern):
        _known(path, where, name, _our_columns(dataset))
    return pattern


def _header(path: Path, where: str, value: object) -> list[str]:
    """The names of the columns of files without a header, in their order."""
    listed = value if isinstance(value, list) else []
    names = [" ".join(name.split()) for name in listed if isinstance(name, str)]
    if not names or len({name.lower() for name in names} - {""}) < len(listed):
        raise _wrong(path, where, value, 'list a name for each column, such as ["open_time", "open", "high"]')
    return names


def _columns(path: Path, dataset: Dataset, where: str, value: object) -> dict[str, list[str]]:
    """Their names to ours; one of theirs may stand for several of ours."""
    ours = _our_columns(dataset)
    found: dict[str, list[str]] = {}
    for theirs, names in _table(path, where, value).items():
        listed = names if isinstance(names, list) else [names]
        found[theirs.strip().lower()] = [_known(path, where, str(name), ours) for name in listed]
    named = [name for names in found.values() for name in names]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: {where} gives {twice[0]} to two columns; leave one of them out.")
    return found


def _constants(path: Path, dataset: Dataset, where: str, value: object) -> dict[str, str]:
    return {
        _known(path, where, name.lower(), _our_columns(dataset)): _scalar(path, f"{where}.{name}", constant)
        for name, constant in _table(path, where, value).items()
    }


def _words(path: Path, dataset: Dataset, where: str, value: object) -> dict[str, dict[str, str]]:
    """Their words to our values, by our column. Words outside a column's table are those of all worded columns."""
    table = _table(path, where, value)
    flat = {word: ours for word, ours in table.items() if not isinstance(ours, dict)}
    found: dict[str, dict[str, str]] = {}
    for column in WORDED:
        if flat and column in dataset.column_names:
            found[column] = {_word(word): _scalar(path, f"{where}.{word}", ours) for word, ours in flat.items()}
    for name, words in table.items():
        if isinstance(words, dict):
            column = _known(path, where, name.lower(), _our_columns(dataset))
            own = {_word(word): _scalar(path, f"{where}.{name}.{word}", ours) for word, ours in words.items()}
            found[column] = found.get(column, {}) | own
    return found


def _word(word: str) -> str:
    return word.strip().lower()


def _formats(path: Path, dataset: Dataset, where: str, value: object) -> dict[str, list[str]]:
    """The formats of each column of moments; one text or list is meant for all of them."""
    moments = [column.name for column in dataset.columns if column.type == "TIMESTAMP"]
    table = value if isinstance(value, dict) else dict.fromkeys(moments, value)
    found = {}
    for name, formats in table.items():
        listed = formats if isinstance(formats, list) else [formats]
        column = _known(path, where, name.lower(), moments)
        found[column] = [_format(path, where, _text(path, where, one)) for one in listed]
    return found


def _format(path: Path, where: str, text: str) -> str:
    try:
        duckdb.execute("select strptime('', $1)", [text])
    except duckdb.InvalidInputException as error:
        if "Could not parse" not in str(error):
            raise _wrong(path, where, text, 'write it as strptime does, such as "%d/%m/%y %H:%M"') from error
    if "%" not in text:
        raise _wrong(path, where, text, 'write it as strptime does, such as "%d/%m/%y %H:%M"')
    return text


def _zone(path: Path, where: str, value: object) -> str:
    zone = _text(path, where, value)
    if UTC_OFFSET.fullmatch(zone):
        return zone
    zones = [name for (name,) in duckdb.execute("select name from pg_timezone_names()").fetchall()]
    return _known(path, where, zone, zones)


def _offsets(path: Path, value: object) -> dict[str, int]:
    """The offset of each timeframe's grid in seconds; a text is that of days."""
    table = value if isinstance(value, dict) else {DAILY: value}
    found = {}
    for name, text in table.items():
        timeframe = _known(path, "bar_offset", name, TIMEFRAMES)
        parts = OFFSET.fullmatch(str(text).strip())
        if parts is None:
            raise _wrong(path, "bar_offset", text, 'write it like "-1h", "+30m", or { "1d" = "-1h" }')
        sign, number, unit = parts.groups()
        seconds = int(timedelta(**{UNITS[unit]: int(number)}).total_seconds()) * (-1 if sign == "-" else 1)
        if abs(seconds) >= TIMEFRAMES[timeframe].seconds:
            raise _wrong(path, "bar_offset", text, f"an offset is shorter than its bar, {timeframe}")
        found[timeframe] = seconds
    return found


def _our_columns(dataset: Dataset) -> tuple[str, ...]:
    vendor = ("vendor",) if dataset.has_vendor else ()
    return tuple(dict.fromkeys((*dataset.column_names, "symbol", *vendor)))


def _table(path: Path, where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, where, value, f"begin a table: [{where}]")
    return value


def _text(path: Path, where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(path, where, value, "write a text in quotes")
    return value


def _scalar(path: Path, where: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(path, where, value, "write a number or a text in quotes")
    return str(value)


def _choice(path: Path, where: str, value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise _wrong(path, where, value, f"it is one of {', '.join(choices)}")
    return _known(path, where, value, choices)


def _score(path: Path, where: str, meaning: str) -> str:
    """What a score means. Raises UsageError for what nothing would heed: no number is made of scores yet."""
    if meaning != "direction":
        raise UsageError(
            f'{path}: {where} = "{meaning}" would change nothing: scores are kept and published as they come, and no '
            "number is made of them yet. Leave the line out."
        )
    return meaning


def _known(path: Path, where: str, name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    raise UsageError(f"{path}: {where} names {name!r}, which is not known. {_nearest(name, names)}")


def _require_known(path: Path, where: str, table: Mapping[str, Any], keys: Iterable[str]) -> None:
    for key in table:
        if key not in tuple(keys):
            inside = f"[{where}] " if where else ""
            raise UsageError(f"{path}: {inside}{key} is no key of {FILE}. {_nearest(key, list(keys))}")


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.5) or get_close_matches(name, known, n=1, cutoff=0.5)
    shown = ", ".join(known) if len(known) <= 20 else f"{', '.join(known[:5])} and {len(known) - 5} others"
    return (f"The nearest is {close[0]}. " if close else "") + f"There are {shown}."


def _wrong(path: Path, where: str, value: object, advice: str) -> UsageError:
    return UsageError(f"{path}: {where} = {value!r} cannot be meant: {advice}.")


def reading_of(text: str | None) -> dict[str, Any]:
    """What of a stored declaration decides how bytes are read, not what their rows are taken to mean."""
    meaning = ("style", "score", "archive", "bar_offset")
    return {key: value for key, value in json.loads(text or "{}").items() if key not in meaning}


def declared_dataset(dataset: Dataset, declaration: Declaration) -> Dataset:
    """The dataset with the column names that its files have, for whoever looks for them in a header."""
    if not declaration.columns:
        return dataset
    types = {column.name: column for column in dataset.columns}
    columns = []
    for name in declaration.as_delivered(dataset):
        ours = declaration.columns.get(name, (name,))[0]
        kind = types[ours].type if ours in types else "VARCHAR"
        columns.append(Column(name, kind, required=False))
    return Dataset(dataset.name, dataset.as_of_table, tuple(columns), key=())
