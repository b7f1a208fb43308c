-- Calls by block of one horizon's width, for each cell of one provenance of the token scorecard that is computed anew.
-- Grain: vendor, token_id, timeframe, horizon, direction, provenance, entry_rule, block
{{ scorecard_blocks('token_id', has_all=false, scope='semi join work.card_scope using (vendor, timeframe, token_id, horizon)') }}
