-- One version of a grade that a vendor gave a token on a day. The current version has known_to NULL.
-- Grain: vendor, token_id, kind, graded_at, snapshot_id
-- Replaces: from fresh where old.vendor = fresh.vendor and old.token_id = fresh.token_id and old.kind = fresh.kind and old.graded_at = fresh.graded_at
{{ versions(datasets.grades) }}
