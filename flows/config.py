"""Settings, frozen, from the environment or a `.env` file. Nothing else reads `os.environ`."""

import os
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SQL_DIR = ROOT / "sql"
DATA_DIR = ROOT / "data"
TIMEFRAMES = ("1d", "1h")

# A segment that has ended is padded by its longest horizon: beyond this a pad is longer than most segments.
MAX_HORIZON = 2_000

# Each horizon has four bits of a window's flags.
MAX_HORIZONS = 15

Horizons = Annotated[tuple[int, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator may change. Every field is the environment variable `TRACKRECORD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="TRACKRECORD_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=DATA_DIR / "home", description="Folder that holds all a run writes.")
    cost_bps: float = Field(default=20, ge=0, lt=10_000, description="Round-trip cost in basis points.")
    horizons_1d: Horizons = Field(default=(1, 7, 14, 30, 90), description="Horizons of daily calls, in bars.")
    horizons_1h: Horizons = Field(default=(1, 4, 24, 72, 168), description="Horizons of hourly calls, in bars.")
    memory_limit: str = Field(
        default="400MB",
        pattern=r"^\d+(\.\d+)? *([KMGT]i?B)$",
        description="What DuckDB may hold in memory before it spills.",
    )
    threads: int = Field(default=2, ge=1, description="Threads of DuckDB.")
    lock_wait_seconds: float = Field(default=1200, ge=0, description="How long a scheduled run waits for the lock.")
    hourly_publish_hours: float = Field(default=6, ge=0, description="Hours between publishes of hourly runs.")
    min_free_disk_mb: int = Field(default=500, ge=0, description="Free disk space below which no run starts.")
    max_quarantined_share: float = Field(default=0.05, ge=0, le=1, description="Above it a dataset stops the run.")
    max_vanished_share: float = Field(default=1 / 3, ge=0, le=1, description="Tokens lost above it stop the run.")
    gate_batch_rows: int = Field(default=250_000, ge=1, description="Rows the gate looks at in one batch.")
    prices: str | None = Field(default=None, description="Where prices come from, if not the source: ccxt:EXCHANGE.")
    stale_after_days: float = Field(default=2, gt=0, description="Older newest rows raise a freshness warning.")
    late_after_hours_1d: float = Field(default=6, ge=0, description="Hours after its end at which a day is due.")
    late_after_hours_1h: float = Field(default=26, ge=0, description="Hours after its end at which an hour is due.")
    catch_up: Literal["skip", "latest", "all"] = Field(default="all", description="Which missed days a run fills.")
    catch_up_max_age_days: int = Field(default=30, ge=0, description="Days missed longer ago are left to `backfill`.")
    reread_days: int = Field(default=7, ge=0, description="How many of the last days each run reads again.")
    reread_parts: int = Field(default=28, ge=0, description="Every n-th token's whole past is read again; 0 for none.")

    @field_validator("home")
    @classmethod
    def _is_no_file(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError(f"{value} is a file; the home is a folder")
        return value

    @field_validator("horizons_1d", "horizons_1h", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept `1,7,30` as an environment variable holds it."""
        return [int(part) for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("horizons_1d", "horizons_1h")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        ascending = tuple(sorted(set(value)))
        if not ascending or len(ascending) > MAX_HORIZONS or ascending[0] < 1 or ascending[-1] > MAX_HORIZON:
            raise ValueError(f"there are 1 to {MAX_HORIZONS} horizons of 1 to {MAX_HORIZON} bars, got {value}")
        return ascending

    @property
    def horizons(self) -> dict[str, tuple[int, ...]]:
        """Horizons in bars by timeframe."""
        return {"1d": self.horizons_1d, "1h": self.horizons_1h}

    @property
    def cost(self) -> float:
        """Round-trip cost as a fraction."""
        return self.cost_bps / 10_000

    @property
    def warehouse(self) -> Path:
        """The writer's database."""
        return self.home / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The analysts' database: a read-only copy, replaced atomically."""
        return self.home / "published" / "trackrecord.duckdb"

    @property
    def reports(self) -> Path:
        """The digests of all weeks and the site round them: plain files for any web server."""
        return self.home / "reports"

    @cached_property
    def settings_hash(self) -> str:
        """Fingerprint of every setting but where the home lies; secrets are masked in it."""
        return sha256(self.model_dump_json(exclude={"home"}).encode()).hexdigest()[:16]


def orchestrator_defaults() -> None:
    """Settle Prefect for a run without a server: room to start its own, and no telemetry. What is set already stays."""
    for name, value in (
        ("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "90"),
        ("PREFECT_SERVER_ANALYTICS_ENABLED", "false"),
        ("DO_NOT_TRACK", "1"),
    ):
        os.environ.setdefault(name, value)
