"""Settings, frozen, from the environment or a `.env` file. Nothing else reads `os.environ`."""

import os
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.timeframes import DAILY, DEFAULT, TIMEFRAMES, headline_horizon

ROOT = Path(__file__).resolve().parent.parent
SQL_DIR = ROOT / "sql"
DATA_DIR = ROOT / "data"

# A segment that has ended is padded by its longest horizon: beyond this a pad is longer than most segments.
MAX_HORIZON = 2_000

# Each horizon has four bits of a window's flags.
MAX_HORIZONS = 15


def _numbers(value: object) -> object:
    """Accept `1,7,30` as an environment variable holds it."""
    return [int(part) for part in value.split(",")] if isinstance(value, str) else value


def _names(value: object) -> object:
    """Accept `1d,4h` as an environment variable holds it."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _ascending(value: tuple[int, ...]) -> tuple[int, ...]:
    ascending = tuple(sorted(set(value)))
    if not ascending or len(ascending) > MAX_HORIZONS or ascending[0] < 1 or ascending[-1] > MAX_HORIZON:
        raise ValueError(f"there are 1 to {MAX_HORIZONS} horizons of 1 to {MAX_HORIZON} bars, got {value}")
    return ascending


Horizons = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_numbers), AfterValidator(_ascending)]


def _fields_of_timeframes() -> dict[str, Any]:
    """`horizons_1d`, `late_after_hours_1d` and the like, for every timeframe that is declared."""
    fields: dict[str, Any] = {}
    for name, one in TIMEFRAMES.items():
        fields[f"horizons_{name}"] = (
            Horizons,
            Field(default=one.horizons, description=f"Horizons of {one.adjective} calls, in bars."),
        )
        fields[f"late_after_hours_{name}"] = (
            float,
            Field(default=one.late_after_hours, ge=0, description=f"Hours after its end at which a {one.noun} is due."),
        )
    return fields


if TYPE_CHECKING:
    TimeframeSettings = BaseSettings
else:
    TimeframeSettings = create_model("TimeframeSettings", __base__=BaseSettings, **_fields_of_timeframes())


class Settings(TimeframeSettings):
    """What an operator may change. Every field is the environment variable `TRACKRECORD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="TRACKRECORD_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default=DATA_DIR / "home", description="Folder that holds all a run writes.")
    cost_bps: float = Field(default=20, ge=0, lt=10_000, description="Round-trip cost in basis points.")
    timeframes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=DEFAULT, description="Timeframes in use; 1d is always one of them."
    )
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

    @field_validator("timeframes")
    @classmethod
    def _are_declared(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """In the order in which they are declared, whatever order they are named in."""
        unknown = [name for name in value if name not in TIMEFRAMES]
        if unknown or DAILY not in value:
            raise ValueError(
                f"timeframes are {DAILY} and any of {', '.join(name for name in TIMEFRAMES if name != DAILY)}, "
                f"got {','.join(value)}"
            )
        return tuple(name for name in TIMEFRAMES if name in value)

    @property
    def horizons(self) -> dict[str, tuple[int, ...]]:
        """Horizons in bars by timeframe in use."""
        return {name: getattr(self, f"horizons_{name}") for name in self.timeframes}

    @property
    def headlines(self) -> dict[str, int]:
        """The one horizon that stands for all, by timeframe in use."""
        return {name: headline_horizon(name, horizons) for name, horizons in self.horizons.items()}

    @property
    def late_after_hours(self) -> dict[str, float]:
        """Hours after its end at which a bar is due, by timeframe in use."""
        return {name: getattr(self, f"late_after_hours_{name}") for name in self.timeframes}

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
