"""Files as different tools write them: the meaning of a cell does not depend on the writer."""

import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.config import Settings
from flows.datasets import DATASETS
from flows.errors import SourceError
from flows.home.raw_store import Kept
from flows.quality.incoming import read_incoming
from flows.sources.base import FetchRequest
from flows.sources.files import FilesSource
from flows.warehouse.connection import prepare

AS_OF = datetime(2026, 1, 31)

TOKENS = "token_id,symbol,categories\n1,A,Layer 1;DeFi\n2,B,\n"
PRICES = "token_id,timeframe,bar_start,open,high,low,close,volume_usd\n1,1d,2026-01-01,1,1,1,1,5\n"
SIGNALS = "token_id,timeframe,signal_at,direction,trend,score\n1,1d,2026-01-01,1,1,0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("tokens", TOKENS), ("prices", PRICES), ("signals", SIGNALS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def read(folder: Path, dataset: str, columns: str) -> list[tuple[Any, ...]]:
    source = FilesSource(folder)
    delivery = next(one for one in source.fetch(FetchRequest(AS_OF, folder)) if one.dataset == dataset)
    paths = tuple(Path(str(response.content)) for response in delivery.responses)
    names = tuple(response.name for response in delivery.responses)
    kept = Kept(dataset, paths, "checksum", 1, names, declaration=delivery.declaration)
    with duckdb.connect() as connection:
        prepare(connection, Settings(home=folder / "home", _env_file=None))
        read_incoming(connection, source, DATASETS[dataset], kept, as_of=AS_OF, is_replay=False)
        return connection.execute(f"select {columns} from incoming order by row_number").fetchall()


def test_two_ids_beyond_the_reach_of_a_double_stay_two(folder: Path) -> None:
    ids = (2**53, 2**53 + 1, 2**63 - 1, -(2**63))
    (folder / "tokens.csv").write_text("token_id,symbol\n" + "".join(f"{one},A\n" for one in ids))
    assert read(folder, "tokens", "token_id, unparsed") == [(one, []) for one in ids]


def test_an_id_may_be_written_as_a_float_and_not_as_a_fraction(folder: Path) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol\n7.0,A\n1.5,A\n")
    assert read(folder, "tokens", "token_id, unparsed") == [(7, []), (None, ["token_id"])]


def test_nan_as_text_is_an_empty_cell_where_a_number_may_be_absent(folder: Path) -> None:
    """A row without a trend is valid; one without a close fails the rule on missing values."""
    header, row = SIGNALS.splitlines()
    (folder / "signals.csv").write_text(f"{header}\n{row.replace('1,0.5', 'NaN,nan')}\n")
    assert read(folder, "signals", "direction, trend, score, unparsed") == [(1, None, None, [])]


def test_the_index_that_pandas_writes_is_one_more_column(folder: Path) -> None:
    pd.read_csv(folder / "tokens.csv").to_csv(folder / "tokens.csv")
    assert read(folder, "tokens", "token_id, symbol") == [(1, "A"), (2, "B")]


def test_a_column_named_twice_is_refused_by_name(folder: Path) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol,Symbol\n1,A,B\n")
    with pytest.raises(SourceError, match=r"tokens\.csv names the column Symbol twice"):
        read(folder, "tokens", "*")


def test_categories_may_be_a_list_in_one_file_and_text_in_another(folder: Path) -> None:
    more = pd.DataFrame({"token_id": [3, 4], "symbol": ["C", "D"], "categories": [["Meme", "Layer 1"], []]})
    more.to_parquet(folder / "tokens.parquet")
    assert sorted(read(folder, "tokens", "token_id, categories")) == [
        (1, ["Layer 1", "DeFi"]),
        (2, None),
        (3, ["Meme", "Layer 1"]),
        (4, []),
    ]


# --- CSV ------------------------------------------------------------------------------------------------------------

NAMES = "token_id, name"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('token_id,symbol,name\n1,A,"Foo, Inc"\n2,B,"a ""b"" c"\n', [(1, "Foo, Inc"), (2, 'a "b" c')]),
        ("token_id;symbol;name\r\n1;A;Foo\r\n2;B;Bar\r\n", [(1, "Foo"), (2, "Bar")]),
        ("token_id\tsymbol\tname\n1\tA\tFoo", [(1, "Foo")]),
        ("token_id|symbol|name\r1|A|Foo\r", [(1, "Foo")]),
        ("\ufefftoken_id,symbol,name\n1,A,Foo\n", [(1, "Foo")]),
        ("token_id,symbol,name\r\n1,A,Foo\n2,B,Bar\r\n", [(1, "Foo"), (2, "Bar")]),
        ("token_id,symbol,name\n\n1,A,Foo\n\n\n", [(1, "Foo")]),
        ("token_id,symbol,name,\n1,A,Foo,\n", [(1, "Foo")]),
        ("token_id,symbol,name\n1,A,Foo,\n", [(1, "Foo")]),
        ('token_id,symbol,name\n1,A,5" disk\n', [(1, '5" disk')]),
        ('token_id,symbol,name\n1,A,"Foo" \n', [(1, "Foo")]),
        ('"token_id","symbol","name"\n"1","A","Foo"\n', [(1, "Foo")]),
        ("sep=;\r\ntoken_id;symbol;name\r\n1;A;Foo\r\n", [(1, "Foo")]),
        ("https://www.example.com\ntoken_id,symbol,name\n1,A,Foo\n", [(1, "Foo")]),
        (" Token_ID , SYMBOL ,Name\n1,A,Foo\n", [(1, "Foo")]),
        ("token_id,symbol,name,row_number\n1,A,Foo,7\n", [(1, "Foo")]),
    ],
)
def test_a_csv_is_read_in_the_dialect_it_is_written_in(folder: Path, text: str, rows: list[tuple[Any, ...]]) -> None:
    (folder / "tokens.csv").write_text(text, newline="")
    assert read(folder, "tokens", NAMES) == rows


def test_line_breaks_inside_quotes_are_read_wherever_they_stand(folder: Path) -> None:
    """A break may look like the start of a row, and lie where a file is cut for several threads."""
    rows = [(number, f"a\n{number},B,c\r\n" * (number % 7)) for number in range(20_000)]
    frame = pd.DataFrame(rows, columns=["token_id", "description"]).assign(symbol="A")
    frame.to_csv(folder / "tokens.csv", index=False)

    assert read(folder, "tokens", "token_id, symbol, len(unparsed)") == [(number, "A", 0) for number, _ in rows]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('1,A,"Foo\n2,B,Bar\n3,C,Baz\n', 1),
        ('1,A,Foo\n2,B,"Bar\n3,C,Baz\n', 2),
        ('1,A,Foo\n2,B,"Bar\n3,C,"Baz"\n', 2),
        ('1,A,Foo\n2,B,"Bar\n3,C,Baz",\n', 2),
        ('1,A,"Foo\n\nbar"\n2,B,"Bar\n3,C,D\n', 2),
        ('1,A,Foo\n2,"B,Bar\n3,C"\n4,D,Foo\n', 2),
        ('1,A,Foo\n"2,B,Bar\n3",C,Foo\n', 2),
        ('1,A,Foo\n2,B,Bar\n3,C,"Baz', 3),
    ],
)
def test_a_quote_that_is_not_closed_is_refused_with_the_row_that_opens_it(folder: Path, text: str, row: int) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol,name\n" + text)
    with pytest.raises(SourceError, match=rf"tokens\.csv row {row} opens a quote that is not closed \("):
        read(folder, "tokens", "*")


@pytest.mark.parametrize(
    ("text", "row"),
    [("1,A,Foo\n2,B\n3,C,Baz\n", 2), ("1,A,Foo\n2,", 2), ("1,A,Foo\n2", 2), ('1,"A\nb",Foo\n\n2,B,Foo\n3,C', 3)],
)
def test_a_short_row_is_refused_because_the_file_may_still_be_written(folder: Path, text: str, row: int) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol,name\n" + text)
    with pytest.raises(SourceError, match=rf"tokens\.csv row {row} has \d of 3 cells .* still being written"):
        read(folder, "tokens", "*")


def test_a_row_with_more_cells_than_the_header_is_kept_to_be_set_aside(folder: Path) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol,name\n1,A,Foo\n2,B,Bar,Baz\n")
    assert read(folder, "tokens", "token_id, unparsed") == [(1, []), (2, ["cells beyond the header"])]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"token_id,symbol\n1,caf\xe9\n", "is not UTF-8"),
        ("token_id,symbol\n1,A\n".encode("utf-16"), "encoded as UTF-16"),
        (b"PK\x03\x04rest", "a ZIP archive or an Excel workbook"),
        (b"", "is empty; it lacks even a header"),
        (b"\n\n", "is empty; it lacks even a header"),
        (b"\x1f\x8bnot gzip", "cannot be decompressed"),
    ],
)
def test_what_is_no_csv_is_refused_in_words(folder: Path, content: bytes, reason: str) -> None:
    (folder / "tokens.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"^tokens: .*tokens\.csv.* {reason}"):
        read(folder, "tokens", "*")


def test_duckdbs_own_reason_is_shown_where_it_refuses_a_file(folder: Path) -> None:
    (folder / "tokens.csv").write_text("token_id,symbol,name\n1,A," + "x" * 3_000_000 + "\n")
    with pytest.raises(SourceError, match=r"tokens\.csv cannot be read as CSV: .*Maximum line size"):
        read(folder, "tokens", "*")


# --- compressed -----------------------------------------------------------------------------------------------------

COMPRESS = {
    "gz": gzip.compress,
    "zst": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_is_read_and_one_that_is_cut_is_refused(folder: Path, suffix: str) -> None:
    (folder / "tokens.csv").unlink()
    content = ("token_id,symbol,name\n" + "".join(f'{number},A,"x\ny"\n' for number in range(9_000))).encode()
    path = folder / f"tokens.csv.{suffix}"
    path.write_bytes(COMPRESS[suffix](content))
    assert read(folder, "tokens", "token_id, name") == [(number, "x\ny") for number in range(9_000)]

    # Cut at the end of a row: DuckDB itself takes what it gets for all.
    for n_bytes in (-4, -1000):
        path.write_bytes(COMPRESS[suffix](content)[:n_bytes])
        with pytest.raises(SourceError, match=rf"tokens\.csv\.{suffix} cannot be decompressed"):
            read(folder, "tokens", "*")


def test_compression_is_known_by_the_bytes_not_by_the_name(folder: Path) -> None:
    (folder / "tokens.csv").write_bytes(gzip.compress(TOKENS.encode()))
    assert read(folder, "tokens", "token_id") == [(1,), (2,)]
    (folder / "tokens.csv").rename(folder / "tokens.csv.gz")
    (folder / "tokens.csv.gz").write_text(TOKENS)
    assert read(folder, "tokens", "token_id") == [(1,), (2,)]


# --- parts ----------------------------------------------------------------------------------------------------------


def deliver_parts(folder: Path, dataset: str, **parts: pd.DataFrame | str) -> None:
    (folder / f"{dataset}.csv").unlink()
    (folder / dataset).mkdir()
    for name, part in parts.items():
        if isinstance(part, str):
            (folder / dataset / f"{name}.csv").write_text(part)
        else:
            part.to_parquet(folder / dataset / f"{name}.parquet", index=False)


def test_a_number_may_have_another_type_in_each_part(folder: Path) -> None:
    def tokens(token_id: Any) -> pd.DataFrame:
        return pd.DataFrame({"token_id": token_id, "symbol": "A"})

    deliver_parts(
        folder,
        "tokens",
        a=tokens(pd.array([2**53 + 1], "int64")),
        b=tokens(pd.array([7], "uint8")),
        c=tokens([8.0]),
        d=tokens(["9"]),
        e="token_id,symbol\n10,A\n",
    )
    assert read(folder, "tokens", "token_id, unparsed") == [(one, []) for one in (2**53 + 1, 7, 8, 9, 10)]


def test_a_float_of_four_bytes_is_the_number_that_was_written(folder: Path) -> None:
    row = pd.DataFrame([{"token_id": 1, "timeframe": "1d", "bar_start": pd.Timestamp("2026-01-01"), "close": 0.1}])
    deliver_parts(folder, "prices", a=row.astype({"close": "float32"}), b=row)
    assert read(folder, "prices", "close") == [(0.1,), (0.1,)]


def test_a_moment_may_have_another_type_in_each_part(folder: Path) -> None:
    moment = pd.Timestamp("2026-01-01")

    def prices(bar_start: Any) -> pd.DataFrame:
        return pd.DataFrame({"token_id": [1], "timeframe": "1d", "bar_start": bar_start})

    deliver_parts(
        folder,
        "prices",
        a=prices([moment]).astype({"bar_start": "datetime64[ns]"}),
        b=prices([moment]).astype({"bar_start": "datetime64[ms]"}),
        c=prices([moment.tz_localize("UTC").tz_convert("Asia/Tokyo")]),
        d=prices([moment.date()]),
        e=prices(["2026-01-01T00:00:00Z"]),
        f="token_id,timeframe,bar_start\n1,1d,2026-01-01\n",
    )
    assert read(folder, "prices", "bar_start, unparsed") == [(datetime(2026, 1, 1), [])] * 6


def test_parts_may_differ_in_their_columns(folder: Path) -> None:
    deliver_parts(folder, "tokens", a="token_id,symbol\n1,A\n", b="SYMBOL,Token_ID,name\nB,2,Foo\n")
    assert read(folder, "tokens", "token_id, symbol, name") == [(1, "A", None), (2, "B", "Foo")]


def test_a_parquet_column_named_twice_is_refused_by_name(folder: Path) -> None:
    (folder / "tokens.csv").unlink()
    columns = [pa.array([1]), pa.array(["A"]), pa.array([{"x": 1, "y": [2]}]), pa.array(["B"])]
    pq.write_table(pa.Table.from_arrays(columns, ["token_id", "symbol", "extra", "symbol"]), folder / "tokens.parquet")
    with pytest.raises(SourceError, match=r"tokens\.parquet names the column symbol twice"):
        read(folder, "tokens", "*")


def test_names_that_end_in_a_number_are_no_column_named_twice(folder: Path) -> None:
    (folder / "tokens.csv").unlink()
    frame = pd.DataFrame({"token_id": [1], "symbol": ["A"], "symbol_1": ["B"]})
    frame.to_parquet(folder / "tokens.parquet", index=False)
    assert read(folder, "tokens", "token_id, symbol") == [(1, "A")]


# --- key=value folders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_keys_below_the_input_are_columns_and_above_it_never(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "direction=-1" / "token_id=99" / "in"
    for direction in (1, 0):
        inside = folder / "signals" / "timeframe=1d" / f"direction={direction}"
        inside.mkdir(parents=True)
        frame = pd.DataFrame({"token_id": [1], "signal_at": ["2026-01-01"], "score": [direction / 2]})
        getattr(frame, f"to_{suffix}")(inside / f"a.{suffix}", index=False)
    for name, text in (("tokens", TOKENS), ("prices", PRICES)):
        (folder / f"{name}.csv").write_text(text)

    assert sorted(read(folder, "signals", "token_id, timeframe, direction, score, unparsed")) == [
        (1, "1d", 0, 0.0, []),
        (1, "1d", 1, 0.5, []),
    ]
    assert read(folder, "tokens", "token_id") == [(1,), (2,)]


@pytest.mark.parametrize(("cell", "is_refused"), [("1", False), ("1.0", False), ("-1", True), ("", True)])
def test_a_column_and_a_folder_of_one_name_must_agree(folder: Path, cell: str, is_refused: bool) -> None:
    inside = folder / "signals" / "direction=1"
    inside.mkdir(parents=True)
    (folder / "signals.csv").unlink()
    (inside / "a.csv").write_text(SIGNALS.replace(",1,1,0.5", f",{cell},1,0.5"))
    if is_refused:
        with pytest.raises(SourceError, match="direction=1 and has a column direction with"):
            read(folder, "signals", "*")
    else:
        assert read(folder, "signals", "direction") == [(1,)]


# --- text that means empty, and categories --------------------------------------------------------------------------


@pytest.mark.parametrize("empty", ["", " ", "nan", "NaN", "None", "NULL", "null", "NaT", "N/A", "#N/A", "<NA>", "\\N"])
def test_text_that_means_empty_is_empty_in_every_column_but_symbol_and_name(folder: Path, empty: str) -> None:
    (folder / "grades.csv").write_text(
        "token_id,kind,graded_at,grade,label,components,known_at,vendor\n"
        f"1,trader,2026-01-01,50,{empty},{empty},{empty},{empty}\n{empty},{empty},{empty},{empty},x,,,\n"
    )
    assert read(folder, "grades", "label, components, known_at, vendor = 'nobody', unparsed") == [
        (None, None, None, False, []),
        ("x", None, None, False, []),
    ]
    assert read(folder, "grades", "token_id, kind, graded_at, nullif(grade, 'nan')")[1] == (None, None, None, None)
    (folder / "tokens.csv").write_text(f"token_id,symbol,name,sector\n1,{empty},{empty},{empty}\n")
    expected = empty.strip() or None
    assert read(folder, "tokens", "symbol, name, sector") == [(expected, expected, None)]


FORMS_OF_CATEGORIES: tuple[list[Any], ...] = (
    ["Layer 1 (L1);Meme", "The Boy's Club"],
    ["Layer 1 (L1), Meme", "The Boy's Club"],
    ["Layer 1 (L1)|Meme", "The Boy's Club"],
    ["['Layer 1 (L1)', 'Meme']", '["The Boy\'s Club"]'],
    ["['Layer 1 (L1)' 'Meme']", '["The Boy\'s Club"]'],
    ["('Layer 1 (L1)', 'Meme')", "('The Boy\\'s Club',)"],
    ["[np.str_('Layer 1 (L1)'), np.str_('Meme')]", '[np.str_("The Boy\'s Club")]'],
    ['["Layer 1 (L1)", "Meme"]', '["The Boy\'s Club"]'],
    ['[{"id": 1, "name": "Layer 1 (L1)"}, {"id": 2, "name": "Meme"}]', '[{"id": 3, "name": "The Boy\'s Club"}]'],
    ['{"Layer 1 (L1)",Meme}', '{"The Boy\'s Club"}'],
    ["[Layer 1 (L1), Meme]", "[The Boy's Club]"],
    [["Layer 1 (L1)", "Meme", None], ["The Boy's Club"]],
)
# Python's text of dictionaries, as pandas writes them into a CSV, is no form of a list of names.
STRUCTS = [[{"name": "Layer 1 (L1)"}, {"name": "Meme"}], [{"name": "The Boy's Club"}]]


@pytest.mark.parametrize(
    ("cells", "suffix"),
    [*((cells, suffix) for cells in FORMS_OF_CATEGORIES for suffix in ("csv", "parquet")), (STRUCTS, "parquet")],
)
def test_categories_are_read_in_any_usual_form(folder: Path, cells: list[Any], suffix: str) -> None:
    (folder / "tokens.csv").unlink()
    frame = pd.DataFrame({"token_id": [1, 2], "symbol": "A", "categories": cells})
    getattr(frame, f"to_{suffix}")(folder / f"tokens.{suffix}", index=False)

    assert read(folder, "tokens", "categories") == [(["Layer 1 (L1)", "Meme"],), (["The Boy's Club"],)]


def test_a_column_without_any_value_is_empty_whatever_its_type(folder: Path) -> None:
    (folder / "tokens.csv").unlink()
    columns = {"token_id": pa.array([1]), "symbol": pa.array(["A"])} | {
        name: pa.nulls(1) for name in ("name", "categories", "sector")
    }
    pq.write_table(pa.table(columns), folder / "tokens.parquet")
    assert read(folder, "tokens", "symbol, name, categories, sector, unparsed") == [("A", None, None, None, [])]


def test_a_category_may_have_a_comma_where_its_file_separates_by_semicolons(folder: Path) -> None:
    deliver_parts(
        folder,
        "tokens",
        a='token_id,symbol,categories\n1,A,"Food, Drink"\n2,B,Meme;DeFi\n',
        b='token_id,symbol,categories\n3,C,"Meme,DeFi"\n',
    )
    assert read(folder, "tokens", "categories") == [(["Food, Drink"],), (["Meme", "DeFi"],), (["Meme", "DeFi"],)]


@pytest.mark.parametrize(
    "text",
    [
        "token_id,symbol\n1,A\ntoken_id,symbol\n2,B\n",
        "symbol;name\nA;Alpha\nsymbol;name\nsymbol;name\nB;Beta\n",
        '"symbol"\t"token_id"\nA\t1\n"symbol"\t"token_id"\nB\t2\nsymbol\ttoken_id \n',
    ],
)
def test_a_header_that_comes_again_is_no_token(folder: Path, text: str) -> None:
    (folder / "tokens.csv").write_text(text)
    assert read(folder, "tokens", "symbol, unparsed") == [("A", []), ("B", [])]


BARE = "1,1d,2026-01-01,1,1,1,1,5\n2,1d,2026-01-01,2,2,2,2,6\n"
DECLARED = '[prices]\nheader = ["coin", "timeframe", "at", "open", "high", "low", "close", "volume_usd"]\n'
NAMED = '[prices.columns]\ncoin = "token_id"\nat = "bar_start"\n'


@pytest.mark.parametrize(
    "first",
    [
        "",
        "coin,timeframe,at,open,high,low,close,volume_usd\n",
        "Coin,TimeFrame,At,Open,High,Low,Close,Volume\n",
        "0,1,2,3,4,5,6,7\n",
    ],
)
def test_a_file_without_a_header_is_read_by_declared_names(folder: Path, first: str) -> None:
    """Not a row is lost, whether a file has no header, that one, a similar one or the numbers of pandas."""
    (folder / "prices.csv").write_text(first + BARE)
    (folder / "trackrecord.toml").write_text(DECLARED + NAMED)
    assert read(folder, "prices", "token_id, bar_start, close, volume_usd") == [
        (1, datetime(2026, 1, 1), 1.0, 5.0),
        (2, datetime(2026, 1, 1), 2.0, 6.0),
    ]


def test_rows_of_text_are_no_header(folder: Path) -> None:
    (folder / "tokens.csv").write_text("1;A;Alpha;DeFi\n2;B;Beta;Meme\n")
    (folder / "trackrecord.toml").write_text('[tokens]\nheader = ["token_id", "symbol", "name", "categories"]\n')
    assert read(folder, "tokens", "token_id, symbol, name") == [(1, "A", "Alpha"), (2, "B", "Beta")]


@pytest.mark.parametrize(
    ("bare", "shown"),
    [
        (BARE, "1,1d,2026-01-01,1,1,1,1,5"),
        ("1735689600000000,4.15,4.16,4.14,4.155,539.2,1735693199999999,2240.4,13,401.8,1669.9,0\n", "1735689600000000"),
        ("1381017600\t122.0\t122.0\t122.0\t122.0\t0.1\t1\n", "1381017600,122.0"),
    ],
)
def test_a_file_without_a_header_is_refused_with_the_line_to_write(folder: Path, bare: str, shown: str) -> None:
    (folder / "prices.csv").write_text(bare)
    with pytest.raises(SourceError) as error:
        read(folder, "prices", "*")
    for part in ("prices.csv has no header", shown, '[prices] header = ["open_time"', "trackrecord map"):
        assert part in str(error.value)


def test_declared_names_are_as_many_as_cells(folder: Path) -> None:
    (folder / "prices.csv").write_text(BARE)
    (folder / "trackrecord.toml").write_text('[prices]\nheader = ["token_id", "bar_start"]\n')
    with pytest.raises(SourceError, match=r"names 2 columns under \[prices\] header, and the first row .* has 8"):
        read(folder, "prices", "*")
