-- The tables of `ops`: what runs did, one table for each concern. Steps append to them and no build remakes them; their
-- comments come from columns.toml. A column added to a table that an earlier version created needs a file in
-- flows/warehouse/migrations.
create table if not exists ops.schema_version (
    version integer,
    applied_at timestamp
);

create table if not exists ops.run (
    run_id varchar,
    flow_run_id varchar,
    source varchar,
    vendor varchar,
    input varchar,
    as_of timestamp,
    is_replay boolean,
    is_simulated boolean,
    started_at timestamp,
    finished_at timestamp,
    state varchar,
    error varchar,
    version varchar,
    scoring_hash varchar,
    git_commit varchar,
    python_version varchar,
    duckdb_version varchar,
    settings_hash varchar,
    inputs json,
    counts json,
    durations json
);

create table if not exists ops.snapshot (
    snapshot_id bigint,
    run_id varchar,
    dataset varchar,
    source varchar,
    vendor varchar,
    as_of timestamp,
    fetched_at timestamp,
    is_replay boolean,
    sha256 varchar,
    n_bytes bigint,
    n_rows bigint,
    n_tokens bigint,
    n_new bigint,
    n_quarantined bigint,
    n_hidden bigint,
    n_preliminary bigint,
    token_ids bigint[],
    state varchar,
    extent varchar,
    superseded_by bigint,
    declaration json
);

-- The offset of a timeframe's grid: for the whole home, from before its first bar.
create table if not exists ops.grid (
    timeframe varchar,
    offset_seconds bigint,
    declared_at timestamp
);

-- The id of each symbol of a folder without ids: given once, for ever.
create table if not exists ops.symbol_id (
    symbol varchar,
    token_id bigint,
    given_at timestamp
);

create table if not exists ops.validation (
    run_id varchar,
    snapshot_id bigint,
    gate varchar,
    dataset varchar,
    rule varchar,
    severity varchar,
    reason varchar,
    is_passed boolean,
    is_accepted boolean,
    n_checked bigint,
    n_failed bigint,
    example varchar
);

create table if not exists ops.quarantine (
    snapshot_id bigint,
    dataset varchar,
    row_number bigint,
    rule varchar,
    reason varchar,
    raw_row json,
    vendor varchar,
    token_id bigint,
    timeframe varchar,
    moment_at timestamp
);

create table if not exists ops.acceptance (
    rule varchar,
    snapshot_id bigint,
    dataset varchar,
    sha256 varchar,
    reason varchar,
    accepted_at timestamp
);

create table if not exists ops.publish (
    run_id varchar,
    as_of timestamp,
    published_at timestamp,
    schema_version integer,
    source varchar,
    is_simulated boolean,
    cost_bps double,
    horizons json,
    row_counts json,
    last_snapshot_id bigint,
    n_days_unrecoverable bigint
);

create table if not exists ops.build (
    run_id varchar,
    as_of timestamp,
    last_snapshot_id bigint,
    n_usable_snapshots bigint,
    scoring_hash varchar,
    is_full boolean,
    reason varchar,
    n_windows_computed bigint,
    n_outcomes_moved bigint
);

create table if not exists ops.delivery (
    week varchar,
    channel varchar,
    body_sha256 varchar,
    state varchar,
    n_attempts integer,
    n_parts integer,
    n_sent integer,
    enqueued_at timestamp,
    deadline_at timestamp,
    reached_at timestamp,
    told varchar
);

create table if not exists ops.request (
    run_id varchar,
    request_id varchar,
    endpoint varchar,
    params json,
    status integer,
    fault varchar,
    attempt integer,
    n_bytes bigint,
    latency_ms double,
    server_request_id varchar,
    requested_at timestamp
);

create table if not exists ops.drift (
    run_id varchar,
    source varchar,
    endpoint varchar,
    field varchar,
    what varchar,
    n_rows bigint,
    example varchar,
    seen_at timestamp
);

create table if not exists ops.raw_body (
    file varchar,
    dataset varchar,
    source varchar,
    name varchar,
    request json,
    sha256 varchar,
    n_bytes bigint,
    kept_at timestamp
);

create table if not exists ops.reread (
    snapshot_id bigint,
    run_id varchar,
    dataset varchar,
    vendor varchar,
    timeframe varchar,
    as_of timestamp,
    fetched_at timestamp,
    read_from timestamp,
    read_to timestamp,
    read_token_ids bigint[],
    has_history boolean,
    is_archive boolean,
    n_tokens bigint,
    n_rows bigint,
    n_past bigint,
    n_vanished bigint
);

create table if not exists ops.vanished (
    snapshot_id bigint,
    dataset varchar,
    vendor varchar,
    token_id bigint,
    timeframe varchar,
    key varchar,
    moment_at timestamp,
    is_back boolean
);

create table if not exists ops.feed_bar (
    dataset varchar,
    vendor varchar,
    timeframe varchar,
    bar_start timestamp,
    nth_bar bigint,
    n_rows bigint,
    n_tokens bigint,
    n_in_time bigint,
    n_usual bigint,
    n_kept bigint,
    first_known_at timestamp,
    snapshot_id bigint
);

create table if not exists ops.day (
    dataset varchar,
    vendor varchar,
    timeframe varchar,
    bar_start timestamp,
    state varchar,
    n_rows bigint,
    n_tokens bigint,
    n_expected bigint,
    first_known_at timestamp,
    run_id varchar
);
