-- Every version of what a source said about a token.
-- Grain: token_id, known_from
{{ versions(datasets.tokens, always_all=true) }}
