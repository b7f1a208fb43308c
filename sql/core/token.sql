-- One version of a token, with its one sector and whether its calls are scored. The current version has known_to NULL.
-- Grain: token_id, snapshot_id
with tokens as (
    from staging.token_version
),

categories as (
    select distinct
        tokens.token_id,
        tokens.snapshot_id,
        slug(category.name) as category
    from tokens, unnest(tokens.categories) as category (name)
),

mapped as (
    select
        categories.token_id,
        categories.snapshot_id,
        arg_min(sector_map.sector, (sector_map.priority, categories.category)) as sector
    from categories
    inner join work.sector_map as sector_map using (category)
    group by all
),

excluded as (
    select
        tokens.token_id,
        tokens.snapshot_id,
        exclusion.reason
    from tokens
    inner join work.exclusion as exclusion on tokens.token_id::varchar = exclusion.value
    where exclusion.kind = 'id'
    union all
    -- A symbol is not unique: the token's name must agree, where it is more than the symbol again.
    select
        tokens.token_id,
        tokens.snapshot_id,
        exclusion.reason
    from tokens
    inner join work.exclusion as exclusion on lower(tokens.symbol) = lower(exclusion.value)
    where
        (exclusion.kind in ('symbol', 'symbol and name') and has_word(slug(tokens.name), exclusion.name))
        or (
            exclusion.kind = 'symbol'
            and (tokens.name is null or starts_with(slug(tokens.symbol), slug(tokens.name)))
        )
    union all
    select
        categories.token_id,
        categories.snapshot_id,
        exclusion.reason
    from categories
    inner join work.exclusion as exclusion on categories.category = exclusion.value
    where exclusion.kind = 'category'
),

exclusions as (
    select
        token_id,
        snapshot_id,
        min(reason) as reason
    from excluded
    group by all
)

select
    tokens.token_id,
    tokens.symbol,
    tokens.name,
    tokens.categories,
    coalesce(tokens.sector, mapped.sector, 'other') as sector,
    exclusions.reason is null as is_scored,
    exclusions.reason as exclusion_reason,
    tokens.snapshot_id,
    tokens.known_from,
    tokens.known_to,
    tokens.revision
from tokens
left join mapped using (token_id, snapshot_id)
left join exclusions using (token_id, snapshot_id)
