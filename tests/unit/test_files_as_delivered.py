"""Files as different tools write them: the meaning of a cell does not depend on the writer."""

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
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
    kept = Kept(dataset, tuple(Path(str(response.content)) for response in delivery.responses), "checksum", 1)
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
