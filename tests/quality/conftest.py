"""A small clean delivery and its gate; a test changes one thing and checks the result."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from flows.config import Settings
from flows.datasets import DATASETS
from flows.home.raw_store import Kept
from flows.quality.gate import GateResult, judge
from flows.quality.incoming import Incoming, read_incoming
from flows.quality.suites import Suites
from flows.quality.summary import LastSnapshot
from flows.sources.base import FetchRequest
from flows.sources.files import FilesSource
from flows.warehouse.connection import prepare

AS_OF = datetime(2026, 1, 31, 0, 20)
DAYS = pd.date_range("2026-01-01", "2026-01-30")
TOKEN_IDS = range(1, 41)
COVERED = (1, 2, 3)


def _per_token_and_day(moment: str) -> pd.DataFrame:
    return pd.DataFrame([{"token_id": token_id, moment: day} for token_id in COVERED for day in DAYS])


def clean_frames() -> dict[str, pd.DataFrame]:
    """A clean delivery of every dataset: 40 tokens, three with 30 days of rows."""
    tokens = pd.DataFrame(
        {
            "token_id": list(TOKEN_IDS),
            # Three tokens share the symbol SOL, because a symbol is no key.
            "symbol": ["SOL" if number <= 3 else f"T{number}" for number in TOKEN_IDS],
            "categories": "Layer 1;Smart Contracts",
        }
    )
    prices = _per_token_and_day("bar_start").assign(timeframe="1d", volume_usd=1e6)
    prices["open"] = [100.0 + number % 30 for number in range(len(prices))]
    prices = prices.assign(
        high=prices["open"] + 3, low=prices["open"] - 2, close=prices["open"] + 1, price_source="spot"
    )
    signals = _per_token_and_day("signal_at").assign(timeframe="1d", direction=1, trend=1, score=0.5)
    signals["known_at"] = signals["signal_at"] + pd.Timedelta(days=1)
    # A signal may stand into the future, unlike any other moment.
    signals = signals.assign(
        stop_price=90.0, target_price=120.0, expires_at=signals["signal_at"] + pd.Timedelta(days=40)
    )
    levels = _per_token_and_day("level_at").assign(timeframe="1d", price=95.0, side="support", strength=2.0)
    grades = _per_token_and_day("graded_at").assign(kind="trader", grade=60.0, label="buy")
    quantmetrics = _per_token_and_day("measured_at").assign(
        lookback="90d", sharpe=1.2, sortino=1.5, volatility=0.6, max_drawdown=-0.3, cagr=0.2
    )
    return {
        "tokens": tokens,
        "prices": prices,
        "signals": signals,
        "levels": levels,
        "grades": grades,
        "quantmetrics": quantmetrics,
    }


@dataclass
class Gate:
    """A folder of files, a warehouse beside it, and the gate between them."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    suites: Suites
    folder: Path

    def write(self, dataset: str, frame: pd.DataFrame) -> None:
        frame.to_parquet(self.folder / f"{dataset}.parquet", index=False)

    def write_csv(self, dataset: str, frame: pd.DataFrame) -> Path:
        (self.folder / f"{dataset}.parquet").unlink(missing_ok=True)
        path = self.folder / f"{dataset}.csv"
        frame.to_csv(path, index=False)
        return path

    def declare(self, text: str) -> None:
        """Write the folder's trackrecord.toml."""
        (self.folder / "trackrecord.toml").write_text(text, encoding="utf-8")

    def read(self, dataset: str, *, as_of: datetime = AS_OF, is_replay: bool = False) -> Incoming:
        source = FilesSource(self.folder)
        delivery = next(one for one in source.fetch(FetchRequest(as_of, self.folder)) if one.dataset == dataset)
        paths = tuple(Path(str(response.content)) for response in delivery.responses)
        names = tuple(response.name for response in delivery.responses)
        kept = Kept(dataset, paths, "checksum", 1, names, declaration=delivery.declaration)
        return read_incoming(self.connection, source, DATASETS[dataset], kept, as_of=as_of, is_replay=is_replay)

    def judge(
        self,
        dataset: str,
        *,
        as_of: datetime = AS_OF,
        is_replay: bool = False,
        last: LastSnapshot | None = None,
        is_archive: bool = True,
        accepted: frozenset[str] = frozenset(),
    ) -> GateResult:
        return judge(
            self.connection,
            self.read(dataset, as_of=as_of, is_replay=is_replay),
            settings=self.settings,
            as_of=as_of,
            last=last,
            is_archive=is_archive,
            accepted_rules=accepted,
            suites=self.suites,
        )

    def bad_rows(self, *, is_quarantined: bool | None = None) -> set[int]:
        where = "" if is_quarantined is None else f"where is_quarantined = {is_quarantined}"
        return {row[0] for row in self.connection.execute(f"select row_number from bad_row {where}").fetchall()}


def failed(result: GateResult) -> set[str]:
    """The names of the rules that failed."""
    return {one.rule for one in result.results if not one.is_passed}


@pytest.fixture(scope="session")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Suites:
    """The suites, made once for all tests, because importing Great Expectations takes ten seconds."""
    return Suites(Settings(home=tmp_path_factory.mktemp("suites"), _env_file=None))


@pytest.fixture
def gate(tmp_path: Path, suites: Suites) -> Iterator[Gate]:
    """The clean folder, its tokens already accepted."""
    settings = Settings(home=tmp_path / "home", _env_file=None)
    folder = tmp_path / "vendor"
    folder.mkdir()
    with duckdb.connect() as connection:
        prepare(connection, settings)
        connection.execute(
            f"insert into raw.tokens (token_id) select unnest(range({TOKEN_IDS.start}, {TOKEN_IDS.stop}))"
        )
        gate = Gate(connection, settings, suites, folder)
        for name, frame in clean_frames().items():
            gate.write(name, frame)
        yield gate
