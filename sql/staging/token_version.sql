-- Every version of what a source said about a token.
-- Grain: token_id, snapshot_id
{{ versions(datasets.tokens, always_all=true) }}
