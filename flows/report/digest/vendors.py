"""The vendors of a digest: which are shown in detail, and, where they are many, all of them in one ranking."""

from dataclasses import dataclass
from typing import Any

from flows.report.digest.model import Account, Estimate, FunnelStep, Ranked
from flows.report.digest.moment import File
from flows.report.funnel import CALL_STEPS, ROW_STEPS, Funnel, funnels_of, wrong_with
from flows.report.ranking import MOST_VENDORS, count

# Of so many vendors in a ranking the digest shows the scorecards, curves and calls as well.
IN_DETAIL = 3

# The vendors with anything to show, as known at the moment.
SHOWN = """
select distinct vendor
from card
where provenance = 'all' and entry_rule = 'next_open' and n_calls + n_open > 0
order by vendor
"""

# In the order of the ranking; those that could not be traded by what they report themselves.
RANKING = """
with new_calls as (
    select vendor, timeframe, count(*) as n_new_calls
    from call
    where signal_at >= getvariable('week_from') and signal_at < getvariable('week_to')
    group by vendor, timeframe
)

select ranked.* exclude (published_as_of), coalesce(new_calls.n_new_calls, 0) as n_new_calls
from marts.ranking_history as ranked
left join new_calls using (vendor, timeframe)
where ranked.published_as_of = getvariable('as_of')
order by
    ranked.rank nulls last,
    if(ranked.next_open_is_reportable, ranked.next_open_selection_low, null) desc nulls last,
    ranked.next_open_n_calls desc, ranked.vendor, ranked.timeframe
"""


@dataclass(frozen=True)
class Vendors:
    """How many vendors there are, those shown in detail, and the ranking of all where they are many."""

    n: int
    in_detail: tuple[str, ...]
    ranking: tuple[Ranked, ...] = ()

    @property
    def are_many(self) -> bool:
        """Whether there are more vendors than are shown in detail."""
        return self.n > len(self.in_detail)


def read_vendors(file: File) -> Vendors:
    """The vendors as known at the moment; of many, the first of the ranking are shown in detail."""
    shown = [row["vendor"] for row in file.rows(SHOWN)]
    if len(shown) <= MOST_VENDORS:
        return Vendors(len(shown), tuple(shown))
    ranking = tuple(map(_ranked, file.rows(RANKING))) if "marts.ranking_history" in file.tables else ()
    # A file of before the ranking was kept has the vendors by name alone.
    in_order = [one.vendor for one in ranking if one.vendor in set(shown)] or shown
    in_order = list(dict.fromkeys(in_order))
    return Vendors(count(one.vendor for one in ranking) or len(shown), tuple(in_order[:IN_DETAIL]), ranking)


def pooled_funnel(funnel: tuple[FunnelStep, ...]) -> tuple[FunnelStep, ...]:
    """What became of the rows and calls of all vendors together, by timeframe."""
    totals: dict[tuple[Any, ...], int] = {}
    for one in funnel:
        key = one.timeframe, one.step, one.part_of, one.reason, one.horizon
        totals[key] = totals.get(key, 0) + one.n_rows
    every = f"all {len({one.vendor for one in funnel}):,} vendors"
    order = ("delivered", *ROW_STEPS, "call", *CALL_STEPS)
    return tuple(
        FunnelStep(
            vendor=every, timeframe=timeframe, step=step, part_of=part_of, reason=reason, horizon=horizon, n_rows=n
        )
        for (timeframe, step, part_of, reason, horizon), n in sorted(
            totals.items(), key=lambda one: (one[0][0] or "", order.index(one[0][1]), -one[1], one[0][3] or "")
        )
    )


def accounts_of(funnel: tuple[FunnelStep, ...]) -> tuple[Account, ...]:
    """The same of each vendor and timeframe in short: those with something wrong first, by how many calls they lose."""
    rows = [(one.vendor, one.timeframe, None, one.horizon, one.step, one.reason, one.n_rows) for one in funnel]
    accounts = [_account(one) for one in funnels_of(rows)]
    return tuple(sorted(accounts, key=lambda one: (one.problem is None, -one.n_lost, -one.n_rows, one.vendor)))


def _account(one: Funnel) -> Account:
    return Account(
        vendor=one.vendor,
        timeframe=one.timeframe,
        n_rows=one.n("delivered"),
        n_calls=one.n("call"),
        n_scored=one.n("scored"),
        n_open=one.n("open"),
        n_lost=one.n_lost,
        problem="; ".join(wrong_with(one)) or None,
    )


def _ranked(row: dict[str, Any]) -> Ranked:
    return Ranked(
        **{name: row[name] for name in ("rank", "vendor", "timeframe", "horizon", "n_calls", "mark", "n_new_calls")},
        selection=_selection(row, ""),
        e=row["selection_e"] if row["is_reportable"] else None,
        next_open_n_calls=row["next_open_n_calls"],
        next_open_selection=_selection(row, "next_open_"),
        next_open_mark=row["next_open_mark"],
    )


def _selection(row: dict[str, Any], prefix: str) -> Estimate | None:
    if not row[f"{prefix}is_reportable"] or row[f"{prefix}selection_edge"] is None:
        return None
    ends = {end: row[f"{prefix}selection_{end}"] for end in ("low", "high")}
    return Estimate(value=row[f"{prefix}selection_edge"], **ends)
