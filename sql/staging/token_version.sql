-- One version of a token as a source described it.
-- Grain: token_id, snapshot_id
{{ versions(datasets.tokens, always_all=true) }}
