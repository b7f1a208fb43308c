"""Everything the vendor's documents leave open, as a setting with a documented default."""

from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.sources.tokenmetrics.universe import Universe, universe_of

LOOPBACK = ("127.0.0.1", "localhost", "::1")

Words = Annotated[tuple[str, ...], NoDecode]


class TokenMetricsSettings(BaseSettings):
    """What an operator may change of this source. Every field is the environment variable `TOKENMETRICS_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="TOKENMETRICS_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    base_url: str = Field(
        default="https://api.tokenmetrics.com/v2",
        description="Where the API is; the path's end says which version it speaks (…/v2 or …/v3).",
    )
    header_names: Words = Field(
        default=("x-api-key",),
        description="Headers that carry the key, separated by commas. Before 2025-05 it was `api_key`.",
    )
    api_key: SecretStr | None = Field(default=None, description="The key itself.")
    api_key_file: Path | None = Field(default=None, description="A file that holds the key and nothing else.")
    api_key_command: str | None = Field(default=None, description="A command that prints the key.")
    api_key_block: str | None = Field(default=None, description="The name of a Prefect Secret block with the key.")
    api_key_next: SecretStr | None = Field(
        default=None, description="The key to come: tried once when the first is refused, for a change without a gap."
    )

    first_page: int = Field(default=1, ge=0, description="Number of the first page: 1 since 2025-05, 0 before.")
    page_limit: int = Field(default=100, ge=1, description="Rows asked for a page; the vendor's documented maximum.")
    tokens_per_call: int = Field(default=100, ge=1, description="Token ids named in one call at most.")
    days_per_call: int = Field(default=29, ge=1, description="Days in one call at most, both ends included.")
    ohlcv_days: int = Field(
        default=0, ge=0, description="Days back that candles may be asked for; 0 is all, until the server says less."
    )
    end_is_excluded: bool = Field(
        default=False, description="Whether `endDate` names the day after the last; the documents say it is the last."
    )
    max_pages: int = Field(default=1_000, ge=1, description="Pages of one answer after which it counts as endless.")

    requests_per_minute: int = Field(
        default=60, ge=0, description="Calls a minute at most; 0 is as fast as the server answers. See your dashboard."
    )
    monthly_credits: int = Field(
        default=10_000, ge=0, description="Calls a calendar month (UTC) at most; one call is one credit."
    )
    concurrency: int = Field(default=4, ge=1, description="Calls under way at once.")
    timeout_seconds: float = Field(default=30, gt=0, description="How long one call may take to connect, or be silent.")
    call_seconds: float = Field(default=120, gt=0, description="How long one call may take altogether.")

    max_attempts: int = Field(default=5, ge=1, description="Attempts at one call, the first included.")
    max_too_many: int = Field(
        default=10, ge=1, description="Times one call may be answered 429 (not now), counted apart from attempts."
    )
    retry_budget: int = Field(default=500, ge=0, description="Further attempts that one run may make altogether.")
    backoff_seconds: float = Field(default=1, ge=0, description="Wait before the second attempt; doubled each time.")
    max_backoff_seconds: float = Field(default=60, ge=0, description="Longest wait that is our own choice.")
    max_retry_after_seconds: float = Field(
        default=900, ge=0, description="Longest wait the server may ask for; beyond it the run stops and says so."
    )

    universe: str = Field(
        default="top:100",
        description="Tokens to follow: top:N by market cap, category:NAME,NAME, file:PATH of token ids, or all.",
    )
    history_days: int = Field(default=90, ge=1, description="Days asked for while the warehouse holds nothing.")
    hourly_days: int = Field(default=2, ge=1, description="Days of hours that a nightly asks for.")
    hours_back: int = Field(default=6, ge=1, description="Hours that an hourly run asks for.")
    skip: Words = Field(default=(), description="Endpoints not to ask at all, separated by commas.")

    @field_validator("header_names", "skip", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept `a,b` as an environment variable holds it."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("header_names")
    @classmethod
    def _some_header(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("at least one header must carry the key")
        return value

    @field_validator("api_key", "api_key_next", "api_key_file", "api_key_command", "api_key_block", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        """`.env.example` copied as it is sets nothing."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("base_url")
    @classmethod
    def _https_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password or parts.query:
            raise ValueError("it holds a user, a password or a query; a secret in a URL ends up in logs")
        is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or (parts.scheme != "https" and not is_loopback):
            raise ValueError("only https is allowed, but for this machine itself (127.0.0.1, localhost)")
        return value.rstrip("/")

    @field_validator("universe")
    @classmethod
    def _known_universe(cls, value: str) -> str:
        universe_of(value)
        return value

    @cached_property
    def wanted_universe(self) -> Universe:
        """The universe, understood."""
        return universe_of(self.universe)

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine: a double, not the vendor."""
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def version(self) -> str:
        """`v2` or `v3`: the end of the URL, or `v2` where that is neither."""
        return "v3" if urlsplit(self.base_url).path.rstrip("/").endswith("v3") else "v2"
