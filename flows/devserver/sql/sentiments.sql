-- Grain: hour of the market, newest first.
with hours as (
    select unnest(range(
        date_trunc('hour', getvariable('now')) - interval 30 days,
        date_trunc('hour', getvariable('now')) + interval 1 hour,
        interval 1 hour
    )) as datetime
),

drawn as (
    select
        datetime,
        round(100 * draw(epoch(datetime)::bigint // 3600, 1), 2) as news,
        round(100 * draw(epoch(datetime)::bigint // 3600, 2), 2) as reddit,
        round(100 * draw(epoch(datetime)::bigint // 3600, 3), 2) as twitter
    from hours
)

select
    datetime,
    round((news + reddit + twitter) / 3, 2) as market_sentiment_grade,
    'neutral' as market_sentiment_label,
    news as news_sentiment_grade,
    'neutral' as news_sentiment_label,
    'Simulated.' as news_summary,
    reddit as reddit_sentiment_grade,
    'neutral' as reddit_sentiment_label,
    'Simulated.' as reddit_summary,
    twitter as twitter_sentiment_grade,
    'neutral' as twitter_sentiment_label,
    'Simulated.' as twitter_summary
from drawn
order by datetime desc
