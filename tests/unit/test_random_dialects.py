"""One truth in random dialects: the rows that are read are the truth, or the folder is refused in words.

A dialect is how one file is written: its format, delimiter, quoting, line ends, encoding, form of moments, words for
empty cells, form of categories, compression, and how the rows are split into parts. A map is what `trackrecord.toml`
declares of a dataset: names of columns and files, words, forms and zones of moments, marks of numbers, constants.
"""

import csv
import gzip
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flows.config import Settings
from flows.datasets import DATASETS
from flows.errors import SourceError
from flows.home.raw_store import keep
from flows.quality.incoming import read_incoming
from flows.sources.base import FetchRequest
from flows.sources.files import FilesSource
from flows.sources.guesses import toml_key, toml_value
from flows.warehouse.connection import prepare
from tests.scale import repeats

AS_OF = datetime(2026, 1, 31)
FIRST_DAY = datetime(2025, 9, 1)

Row = dict[str, Any]
Truth = dict[str, list[Row]]

COLUMNS = {
    "tokens": ("token_id", "symbol", "name", "categories"),
    "prices": ("token_id", "timeframe", "bar_start", "open", "high", "low", "close", "volume_usd"),
    "signals": ("token_id", "timeframe", "signal_at", "direction", "trend", "score", "known_at"),
}
# A column that no dataset has: the place of a row in the truth.
PLACE = "place_in_truth"
MOMENTS = ("bar_start", "signal_at", "known_at")
FLOATS = ("open", "high", "low", "close", "volume_usd", "score")
# Columns in which a word for an empty cell is a text like any other.
NAMES = ("symbol", "name")

EMPTY_WORDS = ("", "nan", "NaN", "None", "NULL", "NaT", "N/A")


# --- the truth ------------------------------------------------------------------------------------------------------

text = st.text(
    st.one_of(st.sampled_from("\"',;|\\[]{}()#~=$ %&"), st.characters(codec="utf-8", categories=["L", "N", "P", "S"])),
    min_size=1,
    max_size=12,
).filter(lambda word: word == word.strip("\u00a0 ") and "\ufffd" not in word)
price = st.one_of(
    st.floats(1e-9, 1e7, allow_nan=False), st.sampled_from([0.1, 1.0, 2.5e-8, 12345.678]), st.integers(1, 10**6)
)
CATEGORIES = ("Meme", "Layer 1 (L1)", "DeFi", "Real World Assets (RWA)", "AI", "The Boy's Club")


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    ids = sorted(draw(st.lists(st.integers(1, 2**62), min_size=1, max_size=4, unique=True)))
    tokens = [
        {
            "token_id": token_id,
            "symbol": draw(text),
            "name": draw(st.one_of(st.none(), text, st.sampled_from(["None", "NaN", "NULL"]))),
            "categories": draw(st.lists(st.sampled_from(CATEGORIES), max_size=3, unique=True)),
        }
        for token_id in ids
    ]
    prices, signals = [], []
    for token_id in ids:
        for number in range(draw(st.integers(1, 4))):
            day = FIRST_DAY + timedelta(days=number)
            prices.append(
                {"token_id": token_id, "timeframe": "1d", "bar_start": day}
                | {name: float(draw(price)) for name in ("open", "high", "low", "close")}
                | {"volume_usd": draw(st.one_of(st.none(), price.map(float)))}
            )
            signals.append(
                {
                    "token_id": token_id,
                    "timeframe": "1d",
                    "signal_at": day,
                    "direction": draw(st.sampled_from([-1, 0, 1])),
                    "trend": draw(st.sampled_from([None, -1, 0, 1])),
                    "score": draw(st.one_of(st.none(), st.floats(-1, 1))),
                    "known_at": day + timedelta(hours=draw(st.integers(1, 30)), seconds=draw(st.integers(0, 59))),
                }
            )
    return {"tokens": tokens, "prices": prices, "signals": signals}


# --- the maps -------------------------------------------------------------------------------------------------------

# Their names of our columns: those of tools, those with marks in them, and those that are ours for something else.
NAMINGS: dict[str, dict[str, str]] = {
    "tool": {
        "symbol": "Ticker", "bar_start": "Open time", "open": "o", "close": "Adj Close", "signal_at": "Date/Time (UTC)",
        "direction": "Order's action", "categories": "Tags", "volume_usd": "Volume USDT", "known_at": "sent.at",
    },
    "marks": {
        "symbol": 'the "coin"', "bar_start": "Zeit; lokal", "close": "цена, $", "signal_at": "a=b", "token_id": "#",
        "direction": "[side]", "high": "high\\max", "score": "confidence %", "name": "'name'",
    },
    "swapped": {
        "open": "close", "close": "open", "high": "low", "low": "high", "symbol": "name", "name": "symbol",
        "signal_at": "known_at", "known_at": "signal_at", "direction": "trend", "trend": "direction",
    },
}  # fmt: skip
SIDES = ({1: "BUY", -1: "SELL", 0: "Hold"}, {1: "open long", -1: "open short", 0: "exit"}, {1: "1.0", -1: "2", 0: "-"})
# Moments of the truth have no fraction of a second; the order of day and month is declared.
FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%y %H:%M:%S", "%d %b %Y, %H:%M:%S", "%Y%m%d%H%M%S",
    "%Y.%m.%d %H-%M-%S", "%a %b %d %Y %H:%M:%S",
)  # fmt: skip
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "+05:45", "-03:00")


@dataclass(frozen=True)
class Map:
    """What is declared of one dataset."""

    naming: str | None
    sides: dict[int, str] | None
    timeframe: str | None
    format: str | None
    zone: str | None
    decimal: str | None
    has_thousands: bool
    is_constant: bool
    file: bool
    is_bare: bool

    def theirs(self, name: str) -> str:
        return NAMINGS[self.naming].get(name, name) if self.naming else name

    def local(self, moment: datetime) -> datetime:
        """A moment as clocks of the declared zone show it."""
        if self.zone is None:
            return moment
        sign = {"+": 1, "-": -1}.get(self.zone[0])
        ahead = timedelta(hours=int(self.zone[1:3]), minutes=int(self.zone[4:])) if sign else None
        zone = timezone(sign * ahead) if sign and ahead else ZoneInfo(self.zone)
        return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)

    def number(self, value: float) -> str:
        """A number in the declared marks."""
        text = f"{value:,}" if self.has_thousands else repr(value)
        return text.translate(str.maketrans(",.", ".,")) if self.decimal == "," else text

    def toml(self, dataset: str) -> str:
        """The dataset's part of `trackrecord.toml`."""
        columns = {self.theirs(name): name for name in COLUMNS[dataset] if self.theirs(name) != name and self.has(name)}
        keys = {
            "file": f"theirs of {dataset}/*" if self.file else None,
            "header": [self.theirs(name) for name in (*COLUMNS[dataset], PLACE) if self.has(name)]
            if self.is_bare
            else None,
            "datetime_format": self.format if dataset != "tokens" else None,
            "timezone": self.zone,
            "decimal": self.decimal,
        }
        tables: dict[str, dict[str, str]] = {"columns": columns}
        if dataset != "tokens":
            tables["constants"] = {"timeframe": "1d"} if self.is_constant else {}
            tables["words"] = {self.timeframe: "1d"} if self.timeframe else {}
        if dataset == "signals" and self.sides:
            tables["words.direction"] = {word: str(side) for side, word in self.sides.items()}
        lines = [f"[{dataset}]", *(f"{key} = {_toml(value)}" for key, value in keys.items() if value)]
        for table, pairs in tables.items():
            lines += [f"[{dataset}.{table}]", *(f"{toml_key(a)} = {toml_value(b)}" for a, b in pairs.items())]
        return "\n".join(lines) + "\n"

    def has(self, name: str) -> bool:
        """Whether a column stands in the files."""
        return not (name == "timeframe" and self.is_constant)


def _toml(value: str | list[str]) -> str:
    return toml_value(value) if isinstance(value, str) else "[" + ", ".join(map(toml_value, value)) + "]"


UNMAPPED = Map(None, None, None, None, None, None, False, False, False, False)

some = st.booleans()
maps = st.one_of(
    st.just(UNMAPPED),
    st.builds(
        Map,
        naming=st.sampled_from([None, *NAMINGS]),
        sides=st.sampled_from([None, *SIDES]),
        timeframe=st.sampled_from([None, "1D", "Daily candles", "1440"]),
        format=st.sampled_from([None, None, *FORMATS]),
        zone=st.sampled_from([None, None, *ZONES]),
        decimal=st.sampled_from([None, ",", "."]),
        has_thousands=some,
        is_constant=some,
        file=some,
        is_bare=some,
    ).map(lambda one: one if one.decimal else replace(one, has_thousands=False)),
)


# --- the dialects ---------------------------------------------------------------------------------------------------


def epoch(unit: int) -> Callable[[datetime], int]:
    return lambda moment: int(moment.replace(tzinfo=UTC).timestamp()) * unit


MOMENT_FORMS: dict[str, Callable[[datetime], Any]] = {
    "space": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}",
    "T": lambda moment: moment.isoformat(),
    "Z": lambda moment: moment.isoformat() + "Z",
    "fraction": lambda moment: moment.isoformat(timespec="milliseconds"),
    "basic": lambda moment: f"{moment:%Y%m%dT%H%M%S}",
    "offset": lambda moment: (
        moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    ),
    "seconds": epoch(1),
    "milliseconds": epoch(1_000),
    "microseconds": epoch(1_000_000),
    "nanoseconds": epoch(1_000_000_000),
    "float seconds": lambda moment: float(epoch(1)(moment)),
    "float microseconds": lambda moment: float(epoch(1_000_000)(moment)),
}
# Forms that have no zone of their own.
LOCAL = ("space", "T", "fraction", "basic")

CATEGORY_FORMS: dict[str, Callable[[list[str]], Any]] = {
    "semicolon": ";".join,
    "comma": ", ".join,
    "bar": "|".join,
    "python": str,
    "tuple": lambda words: str(tuple(words)),
    "json": json.dumps,
    "numpy": lambda words: str(np.array(words)),
    "postgres": lambda words: "{" + ",".join(f'"{word}"' for word in words) + "}",
}


@dataclass(frozen=True)
class Dialect:
    """How one file is written."""

    is_parquet: bool
    delimiter: str
    quoting: int
    newline: str
    encoding: str
    compression: str
    header: Callable[[str], str]
    moment: str
    categories: str
    empty: str
    is_narrow: bool
    above: str
    suffix: Callable[[str], str]
    has_key_folder: bool
    has_index: bool
    order: int
    codec: str

    def moment_of(self, moment: datetime, declared: Map) -> Any:
        if declared.format:
            return declared.local(moment).strftime(declared.format)
        return MOMENT_FORMS[self.moment](declared.local(moment) if self.moment in LOCAL else moment)


dialects = st.builds(
    Dialect,
    is_parquet=st.booleans(),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    compression=st.sampled_from(["", "", ".gz", ".zst"]),
    header=st.sampled_from([str, str.upper, str.title]),
    moment=st.sampled_from(list(MOMENT_FORMS)),
    categories=st.sampled_from(list(CATEGORY_FORMS)),
    empty=st.sampled_from(EMPTY_WORDS),
    is_narrow=st.booleans(),
    above=st.sampled_from(["", "", "\n", "An export of our prices\n"]),
    suffix=st.sampled_from([str, str.upper]),
    has_key_folder=st.booleans(),
    has_index=st.booleans(),
    order=st.integers(0, 5),
    codec=st.sampled_from(["snappy", "zstd", "gzip", "brotli", "none"]),
)


def written(dataset: str, rows: list[Row], dialect: Dialect, declared: Map) -> bytes:
    """The rows as a file of that dialect, under that map."""
    names = [name for name in COLUMNS[dataset] if declared.has(name)] + [PLACE]
    if dialect.has_key_folder and "timeframe" in names:
        names.remove("timeframe")
    names = names[dialect.order % len(names) :] + names[: dialect.order % len(names)]
    write_as = _parquet if dialect.is_parquet else _csv
    return write_as(names, rows, dialect, declared)


def worded(name: str, value: Any, declared: Map) -> Any:
    """A value in their word for it, where it has one."""
    if name == "direction" and declared.sides:
        return declared.sides[value]
    return declared.timeframe if name == "timeframe" and declared.timeframe else value


def _csv(names: list[str], rows: list[Row], dialect: Dialect, declared: Map) -> bytes:
    def cell(name: str, value: Any) -> Any:
        if name == "categories":
            return CATEGORY_FORMS[dialect.categories](value) if value else ""
        if value is None:
            return "" if name in NAMES else dialect.empty
        if name in FLOATS:
            return declared.number(value)
        return dialect.moment_of(value, declared) if name in MOMENTS else worded(name, value, declared)

    out = io.StringIO(newline="")
    out.write(dialect.above.replace("\n", dialect.newline))
    writer = csv.writer(
        out,
        delimiter=dialect.delimiter,
        quoting=dialect.quoting,  # type: ignore[arg-type]
        lineterminator=dialect.newline,
    )
    index = [""] if dialect.has_index else []
    if not declared.is_bare:
        writer.writerow([*index, *(dialect.header(declared.theirs(name)) for name in names)])
    for number, row in enumerate(rows):
        writer.writerow([*([number] if index else []), *(cell(name, row[name]) for name in names)])
    try:
        content = out.getvalue().encode(dialect.encoding)
    except UnicodeEncodeError:
        # Latin-1 has few letters; a text with others is never written in it.
        content = out.getvalue().encode()
    match dialect.compression:
        case ".gz":
            return gzip.compress(content)
        case ".zst":
            return bytes(pa.Codec("zstd").compress(content, asbytes=True))
        case _:
            return content


def _parquet(names: list[str], rows: list[Row], dialect: Dialect, declared: Map) -> bytes:
    def array(name: str) -> pa.Array:
        values = [row[name] for row in rows]
        if name in MOMENTS:
            form = dialect.moment
            if form in ("space", "T") and not declared.format:
                unit = {"space": "ns", "T": "ms"}[form]
                return pa.array([one and declared.local(one) for one in values], pa.timestamp(unit))
            if form == "Z" and not declared.format:
                return pa.array([one and one.replace(tzinfo=UTC) for one in values], pa.timestamp("us", "Asia/Tokyo"))
            return pa.array([dialect.moment_of(one, declared) for one in values])
        if name == "categories":
            if dialect.is_narrow:
                return pa.array(values, pa.list_(pa.string()))
            return pa.array([CATEGORY_FORMS[dialect.categories](one) if one else None for one in values], pa.string())
        if name in FLOATS:
            is_exact = all(one is None or float(np.format_float_positional(np.float32(one))) == one for one in values)
            return pa.array(values, pa.float32() if dialect.is_narrow and is_exact else pa.float64())
        if name == "trend" or (name == "direction" and not declared.sides):
            return pa.array(values, pa.int8() if dialect.is_narrow else pa.float64())
        found = pa.array([worded(name, one, declared) for one in values])
        # A category of pandas is a dictionary.
        return found.dictionary_encode() if name in ("symbol", "timeframe") and dialect.is_narrow else found

    out = io.BytesIO()
    table = pa.table({dialect.header(declared.theirs(name)): array(name) for name in names})
    pq.write_table(table, out, compression=dialect.codec)
    return out.getvalue()


def write(folder: Path, dataset: str, rows: list[Row], parts: list[Dialect], declared: Map) -> None:
    """The rows split into parts, each in a dialect of its own, some left-overs beside them."""
    own = folder / (f"theirs of {dataset}" if declared.file else dataset)
    own.mkdir(parents=True)
    rows = [row | {PLACE: number} for number, row in enumerate(rows)]
    size = math.ceil(len(rows) / len(parts))
    for number, dialect in enumerate(parts):
        place = own
        if dialect.has_key_folder and dataset != "tokens":
            place = place / f"timeframe={worded('timeframe', '1d', declared)}"
            place.mkdir(exist_ok=True)
        name = f"part-{number}" + (".parquet" if dialect.is_parquet else ".csv" + dialect.compression)
        some = rows[number * size : (number + 1) * size]
        if some:
            (place / dialect.suffix(name)).write_bytes(written(dataset, some, dialect, declared))
            (place / f"._{name}").write_bytes(b"\x00\x05\x16\x07")


# --- the claim ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    place = tmp_path_factory.mktemp("dialects")
    with duckdb.connect() as connection:
        prepare(connection, Settings(home=place / "home", _env_file=None))  # type: ignore[call-arg]
        yield connection, place


def may_be_refused(parts: list[Dialect]) -> bool:
    """Whether words are an answer: for encodings that are not UTF-8."""
    return any(not one.is_parquet and one.encoding in ("utf-16", "latin-1") for one in parts)


def read_or_refuse(
    connection: duckdb.DuckDBPyConnection, folder: Path, home: Path, dataset: str
) -> tuple[str | None, list[tuple[Any, ...]]]:
    """The words of a refusal, or the rows."""
    try:
        return None, read(connection, folder, home, dataset)
    except SourceError as error:
        return str(error), []


def read(connection: duckdb.DuckDBPyConnection, folder: Path, home: Path, dataset: str) -> list[tuple[Any, ...]]:
    source = FilesSource(folder, "acme")
    fetched = next(one for one in source.fetch(FetchRequest(AS_OF, home)) if one.dataset == dataset)
    kept = keep(home, fetched, source="files")
    read_incoming(connection, source, DATASETS[dataset], kept, as_of=AS_OF, is_replay=False)
    names = ", ".join(COLUMNS[dataset])
    if dataset == "tokens":
        # Tokens of a declared file keep the columns of the format alone.
        return connection.execute(f"select {names}, unparsed from incoming order by token_id").fetchall()
    return connection.execute(
        f"select {names}, unparsed from incoming inner join (select row_number, {PLACE} from delivered) "
        f"using (row_number) order by {PLACE}::bigint"
    ).fetchall()


def holds(
    connection: duckdb.DuckDBPyConnection,
    place: Path,
    truth: Truth,
    parts: dict[str, list[Dialect]],
    declared: dict[str, Map],
) -> None:
    folder = place / "acme"
    shutil.rmtree(folder, ignore_errors=True)
    for dataset, rows in truth.items():
        # One name stands for all files of a declared dataset, whose columns are no longer those of folders; and one
        # order of columns for all files without a header.
        declared_one = declared[dataset]
        has_folders = not declared_one.file and not declared_one.is_bare and declared_one.has("timeframe")
        own = [replace(one, has_key_folder=one.has_key_folder and has_folders) for one in parts[dataset]]
        if declared_one.is_bare:
            own = [replace(one, order=0, has_index=False, above="") for one in own]
        write(folder, dataset, rows, own, declared[dataset])
    toml = "".join(declared[dataset].toml(dataset) for dataset in truth)
    (folder / "trackrecord.toml").write_text(toml, encoding="utf-8")
    for dataset, rows in truth.items():
        refusal, found = read_or_refuse(connection, folder, place / "home", dataset)
        if refusal is not None:
            assert may_be_refused(parts[dataset]), refusal
            assert refusal.startswith(f"{dataset}: ")
            continue
        expected = [tuple(row[name] for name in COLUMNS[dataset]) for row in rows]
        assert len(found) == len(expected)
        for row, truly in zip(found, expected, strict=True):
            *cells, unparsed = row
            assert unparsed == [], (refusal, cells, truly)
            for name, cell, true in zip(COLUMNS[dataset], cells, truly, strict=True):
                assert cell == true or (name == "categories" and not cell and not true), (name, cell, true)


PARTS = st.lists(dialects, min_size=1, max_size=3)
# Without shrinking, which takes longer than a test may.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CASES = st.fixed_dictionaries(dict.fromkeys(COLUMNS, PARTS))
MAPS = st.fixed_dictionaries(dict.fromkeys(COLUMNS, maps))

Desk = tuple[duckdb.DuckDBPyConnection, Path]


@given(truths(), CASES, MAPS)
@settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_a_folder_in_any_dialect_is_read_as_the_truth_or_refused_in_words(
    desk: Desk, truth: Truth, parts: dict[str, list[Dialect]], declared: dict[str, Map]
) -> None:
    holds(*desk, truth, parts, declared)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@given(truths(), CASES, MAPS)
@settings(max_examples=repeats(500, whole=2_000), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_500_dialects(desk: Desk, truth: Truth, parts: dict[str, list[Dialect]], declared: dict[str, Map]) -> None:
    holds(*desk, truth, parts, declared)
