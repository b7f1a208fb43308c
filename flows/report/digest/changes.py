"""What is new since last week: calls, flips, grades, cells that moved, restated values; and the calls still open."""

from collections.abc import Iterable
from typing import Any

from flows.report.digest.model import Cell, Changes, GradeChange, Moved, NewCall, OpenCall, OpenCount, Restated
from flows.report.digest.moment import File

# Lists are cut at this length to keep the page readable; the counts beside them are of all rows.
MAX_LISTED = 100

NEW_CALLS = """
select
    call.*,
    token.symbol,
    token.is_scored,
    call.direction = -call.side_before as is_flip
from call
inner join (select token_id, symbol, is_scored from core.token_as_of(getvariable('as_of'))) as token using (token_id)
where
    vendor = $vendor and timeframe = $timeframe
    and call.signal_at >= getvariable('week_from') and call.signal_at < getvariable('week_to')
order by signal_at desc, symbol, token_id
"""

LEARNED_LATE = """
select count(*) as n
from call
where
    vendor = $vendor and timeframe = $timeframe and known_at > getvariable('last_as_of')
    and signal_at < getvariable('week_from')
"""

OPEN_COUNTS = """
select horizon, n_open
from card
where
    vendor = $vendor and timeframe = $timeframe and sector = 'all' and direction = 'both' and provenance = 'all'
    and entry_rule = 'next_open'
order by horizon
"""

OPEN_CALLS = """
select
    outcome.token_id, outcome.symbol, outcome.sector, outcome.direction, outcome.entry_at,
    entry_bar.open as entry_price,
    outcome.due_at
from outcome
left join bar as entry_bar
    on
        outcome.token_id = entry_bar.token_id and outcome.timeframe = entry_bar.timeframe
        and outcome.entry_at = entry_bar.bar_start
where
    outcome.vendor = $vendor and outcome.timeframe = $timeframe and outcome.horizon = $horizon
    and outcome.entry_rule = 'next_open' and outcome.status in ('open', 'matured', 'truncated')
    and outcome.due_at > outcome.newest_end
order by entry_at desc, symbol, token_id
"""

# The last grade of this week and of the week before, as known at the moment; a grade may be up to 14 days old.
GRADE_CHANGES = """
with known as (
    from core.grade_as_of(getvariable('as_of'))
    where not is_preliminary and grade is not null and snapshot_id not in (from later_snapshot)
),

now as (
    select
        vendor, token_id, kind, arg_max(grade, graded_at) as after, arg_max(label, graded_at) as label_after
    from known
    where graded_at < getvariable('week_to')
    group by all
    having max(graded_at) >= getvariable('week_from')
),

earlier as (
    select
        vendor, token_id, kind, arg_max(grade, graded_at) as before, arg_max(label, graded_at) as label_before
    from known
    where graded_at < getvariable('week_from') and graded_at >= getvariable('week_from') - interval 14 days
    group by all
)

select now.*, earlier.before, earlier.label_before, token.symbol
from now
inner join earlier using (vendor, token_id, kind)
inner join (select token_id, symbol from core.token_as_of(getvariable('as_of'))) as token using (token_id)
where abs(after - before) >= 10 or (label_after <> label_before and after <> before)
order by abs(after - before) desc, vendor, kind, symbol, token_id
"""

# Restatements since the last digest, or, for the first digest, within the week.
RESTATED = """
select vendor, dataset, {field} as field, count(*) as n_changes, count(distinct token_id) as n_tokens
from marts.restatement
where
    changed_at > coalesce(getvariable('last_as_of'), getvariable('week_from'))
    and changed_at <= getvariable('as_of')
group by all
order by n_changes desc, dataset, 3, vendor
"""


def read_new_calls(file: File, **track: Any) -> dict[str, Any]:
    """The week's calls of one vendor and timeframe, counted and listed: fields of a `Track`."""
    rows = file.rows(NEW_CALLS, **track)
    fields = NewCall.model_fields.keys()
    return {
        "n_new_calls": len(rows),
        "n_new_long": sum(row["direction"] == 1 for row in rows),
        "n_new_short": sum(row["direction"] == -1 for row in rows),
        "n_flips": sum(row["is_flip"] for row in rows),
        "n_new_unscored": sum(not row["is_scored"] for row in rows),
        "n_learned_late": file.row(LEARNED_LATE, **track)["n"],
        "new_calls": tuple(NewCall(**{name: row[name] for name in fields}) for row in rows[:MAX_LISTED]),
    }


def read_open_calls(file: File, *, horizon: int, **track: Any) -> dict[str, Any]:
    """The calls not scored yet: their number at each horizon, and the newest at the main one."""
    rows = file.rows(OPEN_CALLS, **track, horizon=horizon)
    return {
        "open_counts": tuple(OpenCount(**row) for row in file.rows(OPEN_COUNTS, **track)),
        "open_calls": tuple(OpenCall(**row) for row in rows[:MAX_LISTED]),
        "n_open_listed_of": len(rows),
    }


def read_changes(file: File, tracks: dict[tuple[str, str], tuple[Cell, ...]]) -> Changes:
    """Grades, cells and restated values that changed since the last digest."""
    grades = tuple(GradeChange(**row) for row in file.rows(GRADE_CHANGES))
    has_last_week = file.moment.last_as_of is not None
    restated = file.rows(RESTATED.format(field=_restated_field(file)))
    return Changes(
        has_last_week=has_last_week,
        n_upgrades=sum(one.after > one.before for one in grades),
        n_downgrades=sum(one.after < one.before for one in grades),
        grade_changes=grades[:MAX_LISTED],
        moved=tuple(_moved(tracks)) if has_last_week else (),
        restated=tuple(Restated(**row) for row in restated[:MAX_LISTED]),
        n_restated_of=len(restated),
    )


def _restated_field(file: File) -> str:
    """The SQL for what was restated: a field, or, in files that record whole rows, vanished or appeared (`kind`)."""
    columns = {row["column_name"] for row in file.rows("describe marts.restatement")}
    return "coalesce(field, kind)" if "kind" in columns else "field"


def _moved(tracks: dict[tuple[str, str], tuple[Cell, ...]]) -> Iterable[Moved]:
    """Cells whose rate left last week's interval, or that became or ceased to be reportable."""
    for (vendor, timeframe), cells in tracks.items():
        for cell in cells:
            what = _what_moved(cell) if cell.direction == "both" else None
            if what:
                yield Moved(vendor=vendor, timeframe=timeframe, sector=cell.sector, horizon=cell.horizon, what=what)


def _what_moved(cell: Cell) -> str | None:
    before = cell.last_week.hit_rate if cell.last_week else None
    if cell.hit_rate and not before:
        return "now has enough calls"
    if before and not cell.hit_rate:
        return "no longer has enough calls"
    if cell.hit_rate and before and before.low is not None and before.high is not None:
        if cell.hit_rate.value > before.high:
            return "hit rate rose above last week's interval"
        if cell.hit_rate.value < before.low:
            return "hit rate fell below last week's interval"
    return None
