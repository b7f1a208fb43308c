-- Every value that a vendor changed after it had first been seen closed, one row a field and change; every row that was
-- gone from the vendor's history when somebody looked again; and every row that appeared in a past that had been read
-- without it. Preliminary versions never count.
-- Grain: vendor, dataset, token_id, timeframe, key, moment_at, kind, field, changed_at
with restatements as (
    from ({{ restatements(datasets.prices, 'core.price_bar') }})
    union all
    from ({{ restatements(datasets.signals, 'core.signal') }})
    union all
    from ({{ restatements(datasets.levels, 'core.level') }})
    union all
    from ({{ restatements(datasets.grades, 'core.grade') }})
    union all
    from ({{ restatements(datasets.quantmetrics, 'core.quantmetric') }})
    union all by name
    select
        vendor,
        dataset,
        token_id,
        timeframe,
        key,
        moment_at,
        'vanished' as kind,
        gone_at as changed_at,
        gone_at - moment_at as age_when_changed
    from staging.vanished_row
    union all by name
    select
        vendor,
        dataset,
        token_id,
        timeframe,
        key,
        moment_at,
        'appeared' as kind,
        appeared_at as first_known_at,
        appeared_at as changed_at,
        appeared_at - moment_at as age_when_changed
    from work.appeared_row
)

select
    restatements.*,
    change.is_flattering
from restatements
left join work.signal_change as change
    on
        restatements.dataset = 'signals'
        and coalesce(restatements.field, 'direction') = 'direction'
        and restatements.vendor = change.vendor
        and restatements.token_id = change.token_id
        and restatements.timeframe = change.timeframe
        and restatements.moment_at = change.signal_at
        and restatements.kind = change.kind
        and restatements.changed_at = change.changed_at
