"""The market around the calls: its regime, its breadth, and the tokens whose risk and return both improved."""

from flows.report.digest.model import ImprovedToken, Regime
from flows.report.digest.moment import File

# Every daily close of a scored token up to the week's end. `step` is null after a missing day, and after a jump that
# only a reused ticker explains.
CLOSES = """
closes as (
    select
        bar.token_id, bar.bar_start, bar.close,
        bar.close / lag(bar.close) over token - 1 as bar_return,
        bar.bar_start - lag(bar.bar_start) over token as since
    from bar
    inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
    where
        bar.timeframe = '1d' and token_row.is_scored and bar.bar_start < getvariable('week_to')
        and bar.bar_start >= getvariable('week_to') - interval 400 days
    window token as (partition by bar.token_id order by bar.bar_start)
),

steps as (
    select
        *,
        if(since = interval 1 day and bar_return between -0.8 and 4, bar_return, null) as step
    from closes
)
"""

REGIME = f"""
with {CLOSES},

market as (
    select bar_start, avg(step) as step, count(*) as n_tokens from steps where step is not null group by bar_start
),

index as (
    select *, product(1 + step) over (order by bar_start) as level from market
)

select
    max(bar_start) + interval 1 day as "at",
    arg_max(n_tokens, bar_start) as n_tokens,
    product(1 + step) filter (where bar_start >= getvariable('week_from')) - 1 as week_return,
    arg_max(level, bar_start) / max(level) - 1 as drawdown,
    stddev_samp(step) filter (where bar_start >= getvariable('week_to') - interval 30 days) * sqrt(365)
        as volatility_30,
    stddev_samp(step) filter (where bar_start >= getvariable('week_to') - interval 365 days) * sqrt(365)
        as volatility_365
from index
where bar_start >= getvariable('week_to') - interval 365 days
"""

BREADTH = f"""
with {CLOSES},

means as (
    select
        token_id, bar_start, close,
        avg(close) over fifty as mean_50,
        count(*) over fifty as n_50,
        first(close) over week as close_before
    from steps
    window
        fifty as (partition by token_id order by bar_start rows between 49 preceding and current row),
        week as (
            partition by token_id order by bar_start
            range between interval 7 days preceding and interval 7 days preceding
        )
)

select
    count(*) filter (where bar_start = newest and n_50 = 50 and close > mean_50) as n_above_50,
    count(*) filter (where bar_start = newest and n_50 = 50) as n_with_50,
    count(*) filter (where bar_start = newest - interval 7 days and n_50 = 50 and close > mean_50) as n_above_50_before,
    count(*) filter (where bar_start = newest - interval 7 days and n_50 = 50) as n_with_50_before,
    count(*) filter (where bar_start = newest and close > close_before) as n_up,
    count(*) filter (where bar_start = newest and close_before is not null) as n_up_of
from means, (select max(bar_start) as newest from means)
"""

SHARED_SYMBOLS = """
select symbol
from core.token_as_of(getvariable('as_of'))
group by symbol
having count(distinct token_id) > 1
order by symbol
"""

# Bitcoin is found by its name, else by its ticker against the dollar.
BITCOIN = f"""
with {CLOSES},

changes as (
    select
        steps.token_id,
        any_value(token_row.symbol) as symbol,
        bool_or(
            lower(token_row.name) = 'bitcoin' or upper(token_row.symbol) in ('BTC', 'BTCUSD', 'BTCUSDT')
        ) as is_bitcoin,
        arg_max(steps.close, steps.bar_start) / arg_min(steps.close, steps.bar_start) as change
    from steps
    inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
    where steps.bar_start >= getvariable('week_to') - interval 91 days
    group by steps.token_id
    having
        count(*) = 91
        and count(step) filter (where steps.bar_start >= getvariable('week_to') - interval 90 days) = 90
)

select
    bitcoin.symbol as bitcoin,
    count(*) filter (where changes.change > bitcoin.change) as n_beat_bitcoin,
    count(*) as n_beat_bitcoin_of
from changes
inner join (from changes where is_bitcoin order by token_id limit 1) as bitcoin on changes.token_id <> bitcoin.token_id
group by bitcoin.symbol
"""

# 90 daily returns to the week's end, and 90 to the end of the week before. Simple returns, risk-free rate 0, sample
# deviation, a year of 365 days.
IMPROVED = f"""
with {CLOSES},

spans as (
    select *, unnest([0, 7]) as days_before from steps
),

inside as (
    select
        *,
        max(close) over (partition by token_id, days_before order by bar_start) as highest
    from spans
    where
        bar_start < getvariable('week_to') - to_days(days_before)
        and bar_start >= getvariable('week_to') - to_days(days_before + 91)
),

measured as (
    select
        token_id,
        days_before,
        avg(step) over90 / nullif(stddev_samp(step) over90, 0) * sqrt(365) as sharpe,
        stddev_samp(step) over90 * sqrt(365) as volatility,
        min(close / highest - 1) as max_drawdown
    from inside
    group by token_id, days_before
    having count(*) = 91 and count(step) over90 = 90
),

pairs as (
    select
        now.token_id,
        now.sharpe, earlier.sharpe as sharpe_before,
        now.max_drawdown, earlier.max_drawdown as max_drawdown_before,
        now.volatility, earlier.volatility as volatility_before
    from measured as now
    inner join measured as earlier using (token_id)
    where now.days_before = 0 and earlier.days_before = 7
)

select
    pairs.*, token_row.symbol, coalesce(token_row.sector, 'other') as sector,
    sharpe > sharpe_before and max_drawdown > max_drawdown_before and volatility < volatility_before as is_improved
from pairs
inner join core.token_as_of(getvariable('as_of')) as token_row using (token_id)
order by sharpe - sharpe_before desc, token_row.symbol, token_id
""".replace(" over90", " filter (where bar_start >= getvariable('week_to') - to_days(days_before + 90))")


def read_shared_symbols(file: File) -> tuple[str, ...]:
    """Symbols that several tokens share; a reader needs the token id beside such a symbol."""
    return tuple(row["symbol"] for row in file.rows(SHARED_SYMBOLS))


def read_regime(file: File) -> Regime | None:
    """The market at the week's end; None where no daily bar is known."""
    regime = file.row(REGIME)
    if regime["at"] is None:
        return None
    bitcoin = next(iter(file.rows(BITCOIN)), {"bitcoin": None, "n_beat_bitcoin": None, "n_beat_bitcoin_of": None})
    return Regime(**regime, **file.row(BREADTH), **bitcoin)


def read_improved(file: File) -> tuple[tuple[ImprovedToken, ...], int]:
    """Tokens whose Sharpe ratio rose while drawdown and volatility fell, and how many could be compared."""
    rows = file.rows(IMPROVED)
    fields = ImprovedToken.model_fields.keys()
    return (
        tuple(ImprovedToken(**{name: row[name] for name in fields}) for row in rows if row["is_improved"]),
        len(rows),
    )
