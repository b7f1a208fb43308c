"""A desk for tests: a vendor's small folder, a home beside it, and the command line as an operator runs it."""

import hashlib
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import cli
from flows.config import ROOT

N_TOKENS = 12
DAYS = pd.date_range("2024-10-01", "2025-10-31")
FIRST_TOKENS = 101
CATEGORIES = ("Layer 1", "DeFi", "Meme")


def clean_folder(n_tokens: int = N_TOKENS, days: pd.DatetimeIndex = DAYS) -> dict[str, pd.DataFrame]:
    """A clean delivery: 12 tokens of 396 days, three of which have the symbol SOL."""
    draw = np.random.default_rng(20251031)
    token_ids = range(FIRST_TOKENS, FIRST_TOKENS + n_tokens)
    tokens = pd.DataFrame(
        {
            "token_id": token_ids,
            "symbol": ["SOL" if number < 3 else f"TKN{number}" for number in range(n_tokens)],
            "name": [f"Token {number}" for number in range(n_tokens)],
            "categories": [CATEGORIES[number % 3] for number in range(n_tokens)],
        }
    )
    prices, signals = [], []
    for token_id in token_ids:
        close = 100 * np.exp(np.cumsum(draw.normal(0, 0.03, len(days)))).round(6)
        open_ = np.concatenate([[100.0], close[:-1]])
        prices.append(
            pd.DataFrame(
                {
                    "token_id": token_id,
                    "timeframe": "1d",
                    "bar_start": days,
                    "open": open_,
                    "high": np.maximum(open_, close) * 1.01,
                    "low": np.minimum(open_, close) * 0.99,
                    "close": close,
                    "volume_usd": 1e6,
                    "price_source": "spot",
                }
            )
        )
        direction = np.repeat(draw.choice([-1, 1], size=len(days) // 5 + 1), 5)[: len(days)]
        signals.append(
            pd.DataFrame({"token_id": token_id, "timeframe": "1d", "signal_at": days, "direction": direction})
        )
    return {
        "tokens": tokens,
        "prices": pd.concat(prices, ignore_index=True),
        "signals": pd.concat(signals, ignore_index=True),
    }


@dataclass(frozen=True)
class Answer:
    """A command's exit code and output."""

    exit_code: int
    out: str
    err: str


@dataclass
class Desk:
    """One folder of input, one home, and the commands."""

    folder: Path
    home: Path

    @property
    def published(self) -> Path:
        return self.home / "published" / "trackrecord.duckdb"

    def deliver(self, dataset: str, frame: pd.DataFrame) -> None:
        """Replace a dataset by this frame."""
        self.remove(dataset)
        # Floats are written by our own function, because pandas would write a NaN as an empty cell.
        cells = {
            name: pa.array(column.to_numpy()) if column.dtype == np.float64 else pa.Array.from_pandas(column)
            for name, column in frame.items()
        }
        pq.write_table(pa.table(cells), self.folder / f"{dataset}.parquet")

    def deliver_csv(self, dataset: str, text: str, encoding: str = "utf-8") -> None:
        """Replace a dataset by this text."""
        self.remove(dataset)
        (self.folder / f"{dataset}.csv").write_text(text, encoding=encoding)

    def remove(self, dataset: str) -> None:
        for suffix in ("parquet", "csv"):
            (self.folder / f"{dataset}.{suffix}").unlink(missing_ok=True)

    def run(self, *arguments: str) -> Answer:
        """Call the command line's entry point in this process."""
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("TRACKRECORD_HOME", str(self.home))
            patch.chdir(self.home.parent)
            patch.setattr(sys, "argv", ["trackrecord", *arguments])
            try:
                cli.main()
                exit_code = 0
            except SystemExit as stopped:
                exit_code = int(stopped.code or 0)
        return Answer(exit_code, out.getvalue(), err.getvalue())

    def nightly(self, *arguments: str) -> Answer:
        """The nightly over the folder, without the orchestrator."""
        return self.run("nightly", "--source", "files", "--input", str(self.folder), "--plain", *arguments)

    def start(self, *arguments: str, environment: dict[str, str] | None = None, **more: Any) -> Answer:
        """Call the command line in a process of its own, its output going into pipes."""
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            cwd=ROOT,
            env={**os.environ, "TRACKRECORD_HOME": str(self.home), **(environment or {})},
            text=True,
            timeout=120,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )
        return Answer(done.returncode, done.stdout or "", done.stderr)

    def ask(self, sql: str, *, database: Path | None = None) -> list[tuple[Any, ...]]:
        """Query the published file, or another."""
        with duckdb.connect(str(database or self.published), read_only=True) as file:
            return file.execute(sql).fetchall()

    def ask_one(self, sql: str, *, database: Path | None = None) -> Any:
        """The one value that a select returns."""
        ((value,),) = self.ask(sql, database=database)
        return value

    def fingerprint(self) -> str:
        return hashlib.sha256(self.published.read_bytes()).hexdigest()

    def raw_files(self) -> dict[str, str]:
        """Every kept file and its checksum."""
        return {
            str(path.relative_to(self.home)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (self.home / "raw").rglob("*")
            if path.is_file()
        }

    def raw_rows(self) -> dict[str, int]:
        """Rows of the warehouse's raw tables."""
        return {
            name: self.ask_one(f"select count(*) from raw.{name}", database=self.home / "warehouse.duckdb")
            for name in ("tokens", "prices", "signals")
        }
