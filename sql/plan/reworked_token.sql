-- One token of a vendor whose base rates may change for calls that were judged before: its bars were not merely
-- appended to, its coverage is new or begins earlier, or calls had been entered after the end that its coverage had.
-- Grain: vendor, timeframe, token_id
-- Only: increment
with ends as (
    select
        timeframe,
        token_id,
        max(last_bar_at) as last_bar_at
    from {{ before('work.segment_span') }}
    group by all
),

rewritten as (
    select
        timeframe,
        token_id
    from temp.touched_bar as touched_bar
    left join ends using (timeframe, token_id)
    where ends.last_bar_at is null or touched_bar.touched_from <= ends.last_bar_at
),

judged as (
    select
        vendor,
        timeframe,
        token_id,
        max(last_entry_at) as last_entry_at
    from {{ before('work.outcome_sum') }}
    group by all
)

select
    coverage.vendor,
    coverage.timeframe,
    coverage.token_id
from work.coverage as coverage
semi join rewritten using (timeframe, token_id)
union
select
    coverage.vendor,
    coverage.timeframe,
    coverage.token_id
from work.coverage as coverage
left join temp.coverage_before as old using (vendor, timeframe, token_id)
left join judged using (vendor, timeframe, token_id)
where
    coverage.covered_from is distinct from old.covered_from
    or coalesce(judged.last_entry_at > old.covered_to, false)
