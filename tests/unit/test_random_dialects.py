"""One truth in random dialects: the rows that are read are the truth, or the folder is refused in words.

A dialect is how one file is written: its format, delimiter, quoting, line ends, encoding, form of moments and numbers,
words for empty cells, form of categories, compression, and how the rows are split into parts.
"""

import csv
import gzip
import io
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

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
    ids = draw(st.lists(st.integers(1, 2**62), min_size=1, max_size=4, unique=True))
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


# --- the dialects ---------------------------------------------------------------------------------------------------


def epoch(unit: int) -> Callable[[datetime], int]:
    return lambda moment: int(moment.replace(tzinfo=UTC).timestamp()) * unit


MOMENT_FORMS: dict[str, Callable[[datetime], Any]] = {
    "space": lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}",
    "T": lambda moment: moment.isoformat(),
    "Z": lambda moment: moment.isoformat() + "Z",
    "fraction": lambda moment: moment.isoformat(timespec="milliseconds"),
    "offset": lambda moment: (
        moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    ),
    "seconds": epoch(1),
    "milliseconds": epoch(1_000),
    "microseconds": epoch(1_000_000),
    "nanoseconds": epoch(1_000_000_000),
}

CATEGORY_FORMS: dict[str, Callable[[list[str]], Any]] = {
    "semicolon": ";".join,
    "comma": ", ".join,
    "bar": "|".join,
    "python": str,
    "tuple": lambda words: str(tuple(words)),
    "json": json.dumps,
    "numpy": lambda words: str(np.array(words)),
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
)


def written(dataset: str, rows: list[Row], dialect: Dialect) -> bytes:
    """The rows as a file of that dialect."""
    names = [*COLUMNS[dataset], PLACE]
    if dialect.has_key_folder and dataset != "tokens":
        names.remove("timeframe")
    names = names[dialect.order % len(names) :] + names[: dialect.order % len(names)]
    return _parquet(names, rows, dialect) if dialect.is_parquet else _csv(names, rows, dialect)


def _csv(names: list[str], rows: list[Row], dialect: Dialect) -> bytes:
    def cell(name: str, value: Any) -> Any:
        if name == "categories":
            return CATEGORY_FORMS[dialect.categories](value) if value else ""
        if value is None:
            return "" if name in NAMES else dialect.empty
        return MOMENT_FORMS[dialect.moment](value) if name in MOMENTS else value

    out = io.StringIO(newline="")
    out.write(dialect.above.replace("\n", dialect.newline))
    writer = csv.writer(
        out,
        delimiter=dialect.delimiter,
        quoting=dialect.quoting,
        lineterminator=dialect.newline,  # type: ignore[arg-type]
    )
    index = [""] if dialect.has_index else []
    writer.writerow([*index, *(dialect.header(name) for name in names)])
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


def _parquet(names: list[str], rows: list[Row], dialect: Dialect) -> bytes:
    def array(name: str) -> pa.Array:
        values = [row[name] for row in rows]
        if name in MOMENTS:
            form = dialect.moment
            if form in ("space", "T", "Z"):
                return pa.array(values, pa.timestamp({"space": "ns", "T": "ms", "Z": "us"}[form]))
            return pa.array([MOMENT_FORMS[form](one) for one in values])
        if name == "categories":
            if dialect.is_narrow:
                return pa.array(values, pa.list_(pa.string()))
            return pa.array([CATEGORY_FORMS[dialect.categories](one) if one else None for one in values], pa.string())
        if name in FLOATS:
            is_exact = all(one is None or float(np.format_float_positional(np.float32(one))) == one for one in values)
            return pa.array(values, pa.float32() if dialect.is_narrow and is_exact else pa.float64())
        if name in ("direction", "trend"):
            return pa.array(values, pa.int8() if dialect.is_narrow else pa.float64())
        return pa.array(values)

    out = io.BytesIO()
    pq.write_table(pa.table({dialect.header(name): array(name) for name in names}), out)
    return out.getvalue()


def write(folder: Path, dataset: str, rows: list[Row], parts: list[Dialect]) -> None:
    """The rows split into parts, each in a dialect of its own, some left-overs beside them."""
    (folder / dataset).mkdir(parents=True)
    rows = [row | {PLACE: number} for number, row in enumerate(rows)]
    size = math.ceil(len(rows) / len(parts))
    for number, dialect in enumerate(parts):
        place = folder / dataset
        if dialect.has_key_folder and dataset != "tokens":
            place = place / "timeframe=1d"
            place.mkdir(exist_ok=True)
        name = f"part-{number}" + (".parquet" if dialect.is_parquet else ".csv" + dialect.compression)
        some = rows[number * size : (number + 1) * size]
        if some:
            (place / dialect.suffix(name)).write_bytes(written(dataset, some, dialect))
            (place / f"._{name}").write_bytes(b"\x00\x05\x16\x07")


# --- the claim ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    place = tmp_path_factory.mktemp("dialects")
    with duckdb.connect() as connection:
        prepare(connection, Settings(home=place / "home", _env_file=None))
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
    return connection.execute(
        f"select {names}, unparsed from incoming inner join (select row_number, {PLACE} from delivered) "
        f"using (row_number) order by {PLACE}::bigint"
    ).fetchall()


def holds(connection: duckdb.DuckDBPyConnection, place: Path, truth: Truth, parts: dict[str, list[Dialect]]) -> None:
    folder = place / "acme"
    shutil.rmtree(folder, ignore_errors=True)
    for dataset, rows in truth.items():
        write(folder, dataset, rows, parts[dataset])
    for dataset, rows in truth.items():
        refusal, found = read_or_refuse(connection, folder, place / "home", dataset)
        if refusal is not None:
            assert may_be_refused(parts[dataset]), refusal
            assert refusal.startswith(f"{dataset}: {dataset}/")
            continue
        expected = [tuple(row[name] for name in COLUMNS[dataset]) for row in rows]
        assert len(found) == len(expected)
        for row, truly in zip(found, expected, strict=True):
            *cells, unparsed = row
            assert unparsed == []
            for name, cell, true in zip(COLUMNS[dataset], cells, truly, strict=True):
                assert cell == true or (name == "categories" and not cell and not true), (name, cell, true)


PARTS = st.lists(dialects, min_size=1, max_size=3)
# Without shrinking, which takes longer than a test may.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
CASES = st.fixed_dictionaries(dict.fromkeys(COLUMNS, PARTS))


@given(truths(), CASES)
@settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_a_folder_in_any_dialect_is_read_as_the_truth_or_refused_in_words(
    desk: tuple[duckdb.DuckDBPyConnection, Path], truth: Truth, parts: dict[str, list[Dialect]]
) -> None:
    holds(*desk, truth, parts)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@given(truths(), CASES)
@settings(max_examples=repeats(500, whole=2_000), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
def test_500_dialects(
    desk: tuple[duckdb.DuckDBPyConnection, Path], truth: Truth, parts: dict[str, list[Dialect]]
) -> None:
    holds(*desk, truth, parts)
