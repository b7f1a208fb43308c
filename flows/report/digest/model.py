"""The digest, frozen: every number shown to readers, and nothing else. Its JSON schema is published beside it.

Returns, drawdowns, rates and edges are fractions (-0.12 is minus 12 percent); moments are UTC. A figure that the
published file does not have is None. A cell that is not reportable has no rate at all.
"""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A value object."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Frozen):
    """A figure with its 95 % interval."""

    value: float
    low: float | None = Field(
        description="Lower end of the 95 % interval. None where there is too little to compute it."
    )
    high: float | None = Field(
        description="Upper end of the 95 % interval. None where there is too little to compute it."
    )


class LastWeek(Frozen):
    """The same cell as it was published a week before."""

    n_calls: int
    n_effective: float | None
    hit_rate: Estimate | None = Field(description="None where the cell was not reportable.")


class Cell(Frozen):
    """One sector at one horizon and direction: entered at the next open, whatever its provenance."""

    sector: str
    horizon: int = Field(description="Bars held.")
    direction: str = Field(description="bullish, bearish or both")
    n_calls: int = Field(description="Scored calls.")
    n_tokens: int
    n_open: int
    n_truncated: int
    n_clusters: int = Field(description="Separate stretches of time that hold calls.")
    n_effective: float | None = Field(description="How many independent calls the scored ones are worth.")
    is_reportable: bool
    hit_rate: Estimate | None
    base_rate: float | None
    edge: Estimate | None
    selection: Estimate | None
    mean_return: float | None
    edge_mark: str | None = Field(description="above or below where the correction for all cells and weeks allows.")
    selection_mark: str | None = Field(
        description="above or below where the correction for all cells and weeks allows."
    )
    edge_q: float | None = Field(description="Benjamini-Hochberg over every tested cell of this digest.")
    selection_q: float | None = Field(description="Benjamini-Hochberg over every tested cell of this digest.")
    smallest_edge: float | None = Field(description="Smallest edge this cell would find four times in five.")
    enough_date: date | None = Field(
        description="About when a cell that is too small will be reportable. None: no date can be estimated."
    )
    last_week: LastWeek | None


class SectorDrawdown(Frozen):
    """The drawdowns of one sector's scored calls at the main horizon, during their windows."""

    sector: str
    n_calls: int
    median: float
    p95: float | None = Field(description="The 5th percentile, the deep side. None below 20 calls.")
    worst: float
    worst_symbol: str
    worst_token_id: int
    worst_direction: int
    worst_entry_at: datetime
    worst_exit_at: datetime


class Curve(Frozen):
    """The equity curve of a stake of 1 under one policy: following the vendor, equal weight, or hold."""

    policy: str
    equity: float
    week_return: float | None
    drawdown: float = Field(description="How far under its highest point the curve stood at the end.")
    max_drawdown: float
    peak_at: datetime | None
    trough_at: datetime


class SectorCurves(Frozen):
    """The three curves of one sector."""

    sector: str
    n_tokens: int = Field(description="Tokens in its equal weight at the moment: those the vendor covers.")
    signal: Curve
    equal_weight: Curve
    hold: Curve


class CurvePoint(Frozen):
    """One moment of the `all` curves."""

    at: datetime
    signal: float
    equal_weight: float
    hold: float


class NewCall(Frozen):
    """A call of the week."""

    token_id: int
    symbol: str
    sector: str
    direction: int
    side_before: int
    signal_at: datetime
    known_at: datetime
    provenance: str
    is_flip: bool
    is_scored: bool = Field(description="False: stablecoins, wrapped twins and the like are never scored.")


class Provenance(Frozen):
    """The pooled cell of one provenance and entry rule at the main horizon."""

    provenance: str
    entry_rule: str
    n_calls: int
    n_effective: float | None
    is_reportable: bool
    hit_rate: Estimate | None
    edge: Estimate | None


class OpenCall(Frozen):
    """A call whose window has not closed."""

    token_id: int
    symbol: str
    sector: str
    direction: int
    entry_at: datetime
    entry_price: float | None
    due_at: datetime


class OpenCount(Frozen):
    """Calls not scored yet at one horizon."""

    horizon: int
    n_open: int


class Track(Frozen):
    """One vendor's calls on one timeframe."""

    vendor: str
    timeframe: str
    horizons: tuple[int, ...]
    main_horizon: int
    cells: tuple[Cell, ...]
    provenances: tuple[Provenance, ...]
    n_new_calls: int
    n_new_long: int
    n_new_short: int
    n_flips: int
    n_new_unscored: int = Field(description="Those of n_new_calls on tokens that are never scored.")
    n_learned_late: int = Field(description="Calls about earlier weeks that became known in this one.")
    new_calls: tuple[NewCall, ...] = Field(description="The newest of the week's calls; n_new_calls counts all.")
    drawdowns: tuple[SectorDrawdown, ...]
    curves: tuple[SectorCurves, ...]
    curve_points: tuple[CurvePoint, ...]
    open_counts: tuple[OpenCount, ...]
    open_calls: tuple[OpenCall, ...]
    n_open_listed_of: int
    n_long_now: int | None
    n_short_now: int | None


class Ranked(Frozen):
    """One vendor and timeframe among all of them, over every sector and both directions at the main horizon."""

    rank: int | None = Field(description="By the interval's lower end. None: too few calls that could be traded.")
    vendor: str
    timeframe: str
    horizon: int = Field(description="Bars held.")
    n_calls: int = Field(description="Scored calls, entered once one could.")
    selection: Estimate | None = Field(description="Against the sector's other tokens. None: too few calls.")
    e: float | None = Field(description="Evidence against no selection edge, which holds at every look.")
    mark: str | None = Field(description="above or below where the correction for all vendors and weeks allows.")
    next_open_n_calls: int = Field(description="Scored calls at the next open, the vendor's best case.")
    next_open_selection: Estimate | None
    next_open_mark: str | None
    n_new_calls: int = Field(description="Calls of the week.")


class Account(Frozen):
    """What became of the rows and calls of one vendor and timeframe, in short."""

    vendor: str
    timeframe: str | None
    n_rows: int = Field(description="Rows delivered so far.")
    n_calls: int
    n_scored: int = Field(description="Calls that are scored at the main horizon, entered at the next open.")
    n_open: int
    n_lost: int = Field(description="Calls that cannot be scored.")
    problem: str | None = Field(description="Why nothing, or less than half, can be scored. None where more can.")


class GradeChange(Frozen):
    """A grade that moved by 10 points, or whose label changed, within the week."""

    vendor: str
    token_id: int
    symbol: str
    kind: str
    before: float
    after: float
    label_before: str | None
    label_after: str | None


class Moved(Frozen):
    """A cell whose rate or reportability has changed since last week."""

    vendor: str
    timeframe: str
    sector: str
    horizon: int
    what: str


class Restated(Frozen):
    """Values that a vendor changed after they had been seen closed."""

    vendor: str | None = Field(description="None for prices, which belong to no vendor.")
    dataset: str
    field: str = Field(description="The field that changed; where a whole row did: vanished or appeared.")
    n_changes: int
    n_tokens: int


class Changes(Frozen):
    """What is new since last week."""

    has_last_week: bool
    n_upgrades: int
    n_downgrades: int
    grade_changes: tuple[GradeChange, ...]
    moved: tuple[Moved, ...]
    restated: tuple[Restated, ...]
    n_restated_of: int = Field(description="Of how many kinds `restated` lists the largest.")


class ImprovedToken(Frozen):
    """A token whose 90-day Sharpe ratio rose while its drawdown and volatility fell."""

    token_id: int
    symbol: str
    sector: str
    sharpe: float
    sharpe_before: float
    max_drawdown: float
    max_drawdown_before: float
    volatility: float
    volatility_before: float


class Regime(Frozen):
    """The market as a whole, from daily bars of every scored token."""

    at: datetime
    n_tokens: int = Field(description="Scored tokens that had a return on the newest day.")
    week_return: float | None
    drawdown: float | None
    volatility_30: float | None
    volatility_365: float | None
    n_above_50: int
    n_with_50: int
    n_above_50_before: int
    n_with_50_before: int
    n_up: int
    n_up_of: int
    bitcoin: str | None
    n_beat_bitcoin: int | None
    n_beat_bitcoin_of: int | None


class Delivered(Frozen):
    """What one dataset delivered in the week."""

    dataset: str
    n_snapshots: int
    n_rows: int
    n_new: int
    n_quarantined: int
    n_hidden: int
    n_stopped: int


class Quarantined(Frozen):
    """A rule that quarantined rows, and how many."""

    dataset: str
    rule: str
    reason: str
    n_rows: int


class Warned(Frozen):
    """A rule that failed as a warning, so that the publish went on."""

    dataset: str
    rule: str
    reason: str
    n_failed: int


class MissingDay(Frozen):
    """A day of the week on which expected rows are missing."""

    day: date
    dataset: str
    n_tokens: int


class Quality(Frozen):
    """The quality of the data that the digest is made from."""

    delivered: tuple[Delivered, ...]
    quarantined: tuple[Quarantined, ...]
    warned: tuple[Warned, ...]
    missing: tuple[MissingDay, ...]
    n_missing: int = Field(description="Token-days inside the week without a price.")


class FunnelStep(Frozen):
    """How many of a vendor's signal rows, or of its calls, came to one step."""

    vendor: str
    timeframe: str | None
    step: str
    part_of: str | None = Field(description="The step that this is a part of: delivered or call. None for delivered.")
    reason: str | None = Field(description="Why, where a step has several reasons.")
    horizon: int | None = Field(description="At which calls are accounted, in bars. None for steps of rows.")
    n_rows: int


class Note(Frozen):
    """A note that an operator wrote for the readers."""

    written_at: datetime
    text: str


class LeftOut(Frozen):
    """A part of a section that is left out, and why."""

    section: str
    because: str


class Digest(Frozen):
    """One week, as it stood at one moment."""

    week: str
    week_from: date
    week_to: date = Field(description="The last day, a Sunday.")
    as_of: datetime
    archive_end: datetime | None = Field(
        description="When the prices of an archive ended; the week is then its last whole one. None where they go on."
    )
    run_id: str
    source: str
    is_simulated: bool
    is_complete: bool
    incomplete_because: tuple[str, ...]
    version: str
    cost_bps: float
    n_tested: int = Field(description="Tests that the marks were corrected for.")
    mark_level: float = Field(description="The q value at or below which a cell is marked.")
    sentences: tuple[str, ...]
    n_vendors: int
    n_judged: int = Field(description="Vendors of the ranking with enough calls that could be traded.")
    n_better: int = Field(description="Vendors of the ranking that are marked as better than chance.")
    n_worse: int = Field(description="Vendors of the ranking that are marked as worse than chance.")
    n_new_calls: int = Field(description="Calls of the week by all vendors.")
    ranking: tuple[Ranked, ...] = Field(description="All vendors, where they are too many for a scorecard each.")
    tracks: tuple[Track, ...] = Field(description="Where there is a ranking, of its first vendors only.")
    changes: Changes
    improved: tuple[ImprovedToken, ...]
    n_compared: int = Field(description="Tokens with enough days to be compared for `improved`.")
    regime: Regime | None
    funnel: tuple[FunnelStep, ...] = Field(
        description="What became of all rows and calls so far; the headline horizon's, entered at the next open. "
        "Of many vendors together."
    )
    accounts: tuple[Account, ...] = Field(description="The same of each of many vendors, what is wrong first.")
    quality: Quality
    shared_symbols: tuple[str, ...] = Field(
        description="Symbols that several tokens share; the token id distinguishes them."
    )
    notes: tuple[Note, ...]
    left_out: tuple[LeftOut, ...]
