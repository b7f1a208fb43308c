"""The doctor: calls each endpoint once with a real key, and finds what the documents leave open about the server."""

import asyncio
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.clock import utc_now
from flows.config import Settings
from flows.errors import EndpointRefused, SourceError
from flows.home.raw_store import free_disk_mb
from flows.sources.base import FetchRequest
from flows.sources.tokenmetrics import ledger
from flows.sources.tokenmetrics.client import Answer, Client
from flows.sources.tokenmetrics.coverage import Coverage, read_coverage
from flows.sources.tokenmetrics.drift import Drift, Fields
from flows.sources.tokenmetrics.endpoints import TOP_TOKENS, Endpoint, Grain, endpoints_of
from flows.sources.tokenmetrics.estimate import estimated_calls, expected_token_ids
from flows.sources.tokenmetrics.fetch import ids_of
from flows.sources.tokenmetrics.keys import Keys, find_keys
from flows.sources.tokenmetrics.pages import Page, compressed
from flows.sources.tokenmetrics.queries import DAY, Query, Window, queries
from flows.sources.tokenmetrics.retry import http_date
from flows.sources.tokenmetrics.settings import TokenMetricsSettings
from flows.sources.tokenmetrics.source import TokenMetricsSource

HEADERS = ("x-api-key", "api_key")
# Bitcoin and Ethereum, where the list of the largest tokens cannot be had.
WELL_KNOWN = (3375, 3306)
N_SAMPLE_ROWS = 3
N_DAYS_ASKED = 2
NIGHTS = 30
HOURS = 24 * NIGHTS


@dataclass(frozen=True)
class Finding:
    """The answer of one endpoint: its fields compared with the expected ones, or the refusal."""

    endpoint: Endpoint
    n_rows: int = 0
    n_fields: int = 0
    latency_ms: float = 0
    drift: tuple[Drift, ...] = ()
    refusal: str = ""

    @property
    def n_expected(self) -> int:
        return len(self.endpoint.fields)

    def named(self, what: str) -> str:
        """The fields that drifted in one way, by name."""
        return ", ".join(str(one.field) for one in self.drift if one.what == what)


@dataclass
class Examination:
    """The doctor's findings: `facts` are sentences about the server, `is_well` whether a nightly can run."""

    facts: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: Path | None = None
    is_well: bool = True


def examine(source: TokenMetricsSource, settings: Settings, requests: Sequence[FetchRequest]) -> Examination:
    """Call each endpoint once, for about thirty credits, and report, also on what a month of nights will cost.

    `requests` are those of the next night.

    Raises KeyRefused or UsageError where there is no key or none is accepted.
    """
    # Few attempts, so that a server that does not answer is reported soon.
    impatient = source.settings.model_copy(update={"max_attempts": 2, "max_too_many": 2})
    examination = asyncio.run(_examine(impatient, find_keys(impatient), settings.home))
    examination.facts += _outlook(source, settings, requests)
    return examination


async def _examine(settings: TokenMetricsSettings, keys: Keys, home: Path) -> Examination:
    found = Examination(samples=home / "doctor" / f"{utc_now():%Y%m%dT%H%M%S}")
    header = await _header(settings, keys, home, found)
    if header is None:
        found.is_well = False
        return found
    settings = settings.model_copy(update={"header_names": (header,)})
    async with Client(settings, keys, home) as client:
        answer = await _ask(client, "tokens", limit=2, page=settings.first_page)
        found.facts.append(("clock", _clock(answer)))
        found.facts.append(("plan limits", _limits(answer)))
        sentence, first_page = await _first_page(client, settings)
        found.facts.append(("first page", sentence))
        settings = settings.model_copy(update={"first_page": first_page})
        found.facts.append(("over the limit", await _over_limit(client, settings)))
        token_ids = await _token_ids(client, settings)
        index_ids: list[int] = []
        for endpoint in endpoints_of(settings.version):
            finding, rows = await _look(client, endpoint, settings, token_ids, index_ids[:1], found.samples, keys)
            if endpoint.name == "indices" and rows is not None:
                index_ids = ids_of([rows])
            found.findings.append(finding)
        found.facts += [("key", note) for note in client.notes]
    required = [one for one in found.findings if one.endpoint.is_required and one.refusal]
    found.is_well = not required
    return found


async def _header(settings: TokenMetricsSettings, keys: Keys, home: Path, found: Examination) -> str | None:
    """The header through which the key is accepted, the configured ones tried first."""
    for name in dict.fromkeys((*settings.header_names, *HEADERS)):
        async with Client(settings.model_copy(update={"header_names": (name,)}), keys, home) as client:
            try:
                await client.get("tokens", {"limit": "1", "page": str(settings.first_page)})
            except EndpointRefused as error:
                found.facts.append(("key", f"refused through the header {name}: {error}"))
                continue
            sentence = f"the one in {client.key_origin} is accepted through the header {name}"
            if name not in settings.header_names:
                sentence += f"; set TOKENMETRICS_HEADER_NAMES={name}"
            found.facts.append(("key", sentence))
            return name
    return None


async def _ask(client: Client, endpoint: str, **params: object) -> Answer | None:
    try:
        return await client.get(endpoint, {name: str(value) for name, value in params.items()})
    except SourceError:
        return None


def _clock(answer: Answer | None) -> str:
    server_now = http_date(answer.headers.get("date", "")) if answer else None
    if server_now is None:
        return "the server does not say what time it has"
    skew = (server_now.replace(tzinfo=None) - answer.fetched_at).total_seconds() if answer else 0.0
    return f"the server's is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours" + (
        "; set ours right, or rows look as if known too early or too late" if abs(skew) > 60 else ""
    )


def _limits(answer: Answer | None) -> str:
    """The headers about limits, found by their names: none is documented."""
    headers = answer.headers if answer else {}
    limits = {
        name: headers[name]
        for name in headers
        if any(word in name.lower() for word in ("ratelimit", "rate-limit", "quota", "credit", "remaining"))
    }
    return (
        ", ".join(f"{name}: {value}" for name, value in limits.items()) or "no header speaks of them; see the dashboard"
    )


async def _first_page(client: Client, settings: TokenMetricsSettings) -> tuple[str, int]:
    """The number of the first page, as a sentence and as a number for the rest of the examination."""
    zero, one = await _ask(client, "tokens", limit=2, page=0), await _ask(client, "tokens", limit=2, page=1)
    hint = "" if settings.first_page == 0 else ". Set TOKENMETRICS_FIRST_PAGE=0"
    if one is None or not one.rows:
        return (
            ("not told: neither page 0 nor page 1 has rows", settings.first_page)
            if zero is None
            else (f"0; page 1 has nothing{hint}", 0)
        )
    if zero is None or not zero.rows:
        return "1; page 0 is refused", 1
    if zero.rows == one.rows:
        return "1; page 0 gives the same rows", 1
    return f"0, as it seems: pages 0 and 1 differ{hint}", 0


async def _over_limit(client: Client, settings: TokenMetricsSettings) -> str:
    asked = settings.page_limit + 1
    answer = await _ask(client, "tokens", limit=asked, page=settings.first_page)
    if answer is None:
        return f"limit={asked} is refused"
    n_rows = len(answer.rows)
    if n_rows > settings.page_limit:
        return f"limit={asked} gives {n_rows} rows: TOKENMETRICS_PAGE_LIMIT may be larger"
    return f"limit={asked} gives {n_rows} rows: cut to the limit, or there are no more"


async def _token_ids(client: Client, settings: TokenMetricsSettings) -> tuple[int, ...]:
    answer = await _ask(client, TOP_TOKENS.name, top_k=2, limit=2, page=settings.first_page)
    if answer is None:
        return WELL_KNOWN
    page = Page(TOP_TOKENS.name, {}, answer.status, answer.fetched_at, compressed(answer.body))
    return tuple(ids_of([page])[:2]) or WELL_KNOWN


async def _look(
    client: Client,
    endpoint: Endpoint,
    settings: TokenMetricsSettings,
    token_ids: tuple[int, ...],
    index_ids: list[int],
    samples: Path | None,
    keys: Keys,
) -> tuple[Finding, Page | None]:
    """Ask one endpoint, once, for a little."""
    params = _little(endpoint, settings, token_ids, index_ids)
    begun = asyncio.get_running_loop().time()
    try:
        answer = await client.get(endpoint.name, params)
    except SourceError as error:
        return Finding(endpoint, refusal=str(error)), None
    latency = (asyncio.get_running_loop().time() - begun) * 1000
    page = Page(endpoint.name, params, answer.status, answer.fetched_at, compressed(answer.body))
    fields = Fields(endpoint)
    fields.count(page.rows)
    if samples is not None:
        _save_sample(samples, page)
    return Finding(endpoint, fields.n_rows, fields.n_names, round(latency, 1), tuple(fields.drift())), page


def _little(
    endpoint: Endpoint, settings: TokenMetricsSettings, token_ids: tuple[int, ...], index_ids: list[int]
) -> dict[str, str]:
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    window = Window((today - DAY * N_DAYS_ASKED).date(), (today - DAY).date(), today - DAY)
    query: Query = queries(endpoint, token_ids, window, settings)[0]
    params = query.params(settings.first_page, settings)
    if endpoint.grain in (Grain.INDEX, Grain.INDEX_DAY):
        params["id"] = str(index_ids[0]) if index_ids else "1"
    if endpoint is TOP_TOKENS:
        params["top_k"] = "10"
    return params


def _save_sample(folder: Path, page: Page) -> None:
    """A few rows and the request, for a bug report: there is no key in either."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"request": {"endpoint": page.endpoint, **page.params}, "status": page.status}
    body = json.loads(gzip.decompress(page.compressed))
    body["data"] = page.rows[:N_SAMPLE_ROWS]
    text = json.dumps({**about, "body": body}, indent=1, ensure_ascii=False)
    (folder / f"{page.endpoint}.json").write_text(text + "\n", encoding="utf-8")


def _outlook(source: TokenMetricsSource, settings: Settings, requests: Sequence[FetchRequest]) -> list[tuple[str, str]]:
    """Facts about disk and credits, and what a month of nights and hours will cost."""
    now, home, vendor = utc_now(), settings.home, source.settings
    first = source.estimate(requests).total()
    usual = _usual_night(vendor, settings, now)
    hourly = sum(estimated_calls(vendor, FetchRequest(now, home, ("1h",)), read_coverage(home)).values())
    month = first + usual * (NIGHTS - 1)
    return [
        ("disk", f"{free_disk_mb(home)} MB free under {home}"),
        ("credits", f"{ledger.credits_spent(home, now)} of {vendor.monthly_credits} spent this month, by our ledger"),
        ("next nightly", f"about {first} calls"),
        (
            "a month",
            f"about {month} calls: the next nightly, and {NIGHTS - 1} of {usual} that read {settings.reread_days} "
            f"days again, and a part of the past; hourly runs {hourly * HOURS} more, {hourly} each "
            f"(universe {vendor.universe})",
        ),
    ]


def _usual_night(vendor: TokenMetricsSettings, settings: Settings, now: datetime) -> int:
    """Calls of a usual night: the last days again, and the past of the tokens whose turn it is."""
    coverage, today = read_coverage(settings.home), now.date()
    newest = FetchRequest(now, settings.home, since=today - DAY * settings.reread_days)
    token_ids = expected_token_ids(vendor, newest, coverage)
    oldest = coverage.oldest or today - DAY * vendor.history_days
    coverage = Coverage(frozenset(token_ids), today, oldest)
    nights = [newest]
    if settings.reread_parts:
        # A part of average size: a day's own may be larger or smaller.
        part = token_ids[: -(-len(token_ids) // settings.reread_parts)]
        nights.append(FetchRequest(now, settings.home, ("1d",), since=oldest, token_ids=frozenset(part)))
    return sum(sum(estimated_calls(vendor, request, coverage).values()) for request in nights)


def finding_rows(findings: Iterable[Finding]) -> list[tuple[Any, ...]]:
    """A row an endpoint, for a table: name, rows, fields found of expected, new, vanished, renamed, ms, remark."""
    return [
        (
            one.endpoint.name,
            one.n_rows,
            f"{one.n_fields}/{one.n_expected}",
            one.named("new"),
            one.named("vanished"),
            one.named("renamed"),
            one.latency_ms,
            one.refusal or ("" if one.endpoint.is_verified else "shape unverified"),
        )
        for one in findings
    ]
