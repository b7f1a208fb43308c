-- One feed whose bars are counted anew, from the first bar that new rows belong to (`bar_from`). Rows are read from
-- eight bars before it (`usual_from`), which show the tokens that usually have rows. A feed that is new, or whose first
-- delivery is now an earlier one, is counted as a whole.
-- Grain: dataset, vendor, timeframe
-- Variable: feed_from = min(usual_from)
{% if is_full -%}
select
    dataset,
    vendor,
    timeframe,
    '-infinity'::timestamp as bar_from,
    usual_from,
    0 as n_bars_before
from staging.feed
{%- else -%}
with touched as (
    select
        dataset,
        vendor,
        timeframe,
        min(touched_from) as bar_from
    from staging.touched_row
    group by all
),

scoped as (
    select
        feed.dataset,
        feed.vendor,
        feed.timeframe,
        feed.usual_from as feed_usual_from,
        case when old.expected_from = feed.expected_from then touched.bar_from else '-infinity'::timestamp end as bar_from
    from staging.feed as feed
    left join touched
        on
            feed.dataset = touched.dataset
            and feed.vendor is not distinct from touched.vendor
            and feed.timeframe = touched.timeframe
    left join temp.feed_before as old
        on
            feed.dataset = old.dataset
            and feed.vendor is not distinct from old.vendor
            and feed.timeframe = old.timeframe
),

earlier as (
    select
        bar.dataset,
        bar.vendor,
        bar.timeframe,
        bar.bar_start,
        bar.nth_bar
    from {{ before('work.feed_bar') }} as bar
    inner join scoped
        on
            bar.dataset = scoped.dataset
            and bar.vendor is not distinct from scoped.vendor
            and bar.timeframe = scoped.timeframe
            and bar.bar_start < scoped.bar_from
    qualify row_number() over (partition by bar.dataset, bar.vendor, bar.timeframe order by bar.bar_start desc) <= 8
)

select
    scoped.dataset,
    scoped.vendor,
    scoped.timeframe,
    scoped.bar_from,
    coalesce(min(earlier.bar_start), scoped.feed_usual_from) as usual_from,
    coalesce(min(earlier.nth_bar), 1) - 1 as n_bars_before
from scoped
left join earlier
    on
        scoped.dataset = earlier.dataset
        and scoped.vendor is not distinct from earlier.vendor
        and scoped.timeframe = earlier.timeframe
where scoped.bar_from is not null
group by scoped.dataset, scoped.vendor, scoped.timeframe, scoped.bar_from, scoped.feed_usual_from
{%- endif %}
