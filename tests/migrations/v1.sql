-- The ledger tables as version 0.1 made them. Never changed: every later version is tested from this file on.
create table ops.run (
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
    scoring_hash varchar
);

create table ops.snapshot (
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
    state varchar
);

create table ops.validation (
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

create table ops.quarantine (
    snapshot_id bigint,
    dataset varchar,
    row_number bigint,
    rule varchar,
    reason varchar,
    raw_row json
);

create table ops.acceptance (
    rule varchar,
    snapshot_id bigint,
    dataset varchar,
    sha256 varchar,
    reason varchar,
    accepted_at timestamp
);

create table ops.publish (
    run_id varchar,
    as_of timestamp,
    published_at timestamp,
    schema_version integer,
    source varchar,
    is_simulated boolean,
    cost_bps double,
    horizons json,
    row_counts json
);

create table ops.build (
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

create table raw.tokens (
    snapshot_id bigint, row_number bigint, token_id bigint, symbol varchar, name varchar, categories varchar[],
    sector varchar, is_snapped boolean, is_preliminary boolean
);

create table raw.prices (
    snapshot_id bigint, row_number bigint, token_id bigint, timeframe varchar, bar_start timestamp, open double,
    high double, low double, close double, volume_usd double, price_source varchar, is_snapped boolean,
    is_preliminary boolean
);

create table raw.signals (
    snapshot_id bigint, row_number bigint, vendor varchar, token_id bigint, timeframe varchar, signal_at timestamp,
    direction integer, trend integer, score double, known_at timestamp, is_snapped boolean, is_preliminary boolean
);

create table raw.levels (
    snapshot_id bigint, row_number bigint, vendor varchar, token_id bigint, timeframe varchar, level_at timestamp,
    price double, side varchar, strength double, formed_at timestamp, known_at timestamp, is_snapped boolean,
    is_preliminary boolean
);

create table raw.grades (
    snapshot_id bigint, row_number bigint, vendor varchar, token_id bigint, kind varchar, graded_at timestamp,
    grade double, label varchar, components json, known_at timestamp, is_snapped boolean, is_preliminary boolean
);

create table raw.quantmetrics (
    snapshot_id bigint, row_number bigint, vendor varchar, token_id bigint, measured_at timestamp, lookback varchar,
    sharpe double, sortino double, volatility double, max_drawdown double, cagr double, known_at timestamp,
    is_snapped boolean, is_preliminary boolean
);

-- What a first night of version 0.1 left.
insert into ops.run values (
    '20260101T002000-aaaaaa', null, 'files', 'vendor', 'vendor', '2025-03-01T00:20:00', false, false,
    '2025-03-01T00:20:00', '2025-03-01T00:21:00', 'published', null, '0.1.0', 'abc'
);
insert into ops.snapshot values
(1, '20260101T002000-aaaaaa', 'tokens', 'files', 'vendor', '2025-03-01T00:20:00', '2025-03-01T00:20:00', false, 'x', 1,
    1, 1, 1, 0, 0, 0, [1], 'passed'),
(2, '20260101T002000-aaaaaa', 'prices', 'files', 'vendor', '2025-03-01T00:20:00', '2025-03-01T00:20:00', false, 'y', 1,
    1, 1, 1, 0, 0, 0, [1], 'passed'),
(3, '20260101T002000-aaaaaa', 'signals', 'files', 'vendor', '2025-03-01T00:20:00', '2025-03-01T00:20:00', false, 'z', 1,
    1, 1, 1, 0, 0, 0, [1], 'passed');
insert into raw.tokens values (1, 1, 1, 'OLD', null, ['Layer 1'], null, false, false);
insert into raw.prices values (2, 1, 1, '1d', '2025-02-28', 1, 1, 1, 1, 1e6, 'spot', false, false);
insert into raw.signals values (3, 1, 'vendor', 1, '1d', '2025-02-28', 1, null, null, null, false, false);
insert into ops.publish values (
    '20260101T002000-aaaaaa', '2025-03-01T00:20:00', '2025-03-01T00:21:00', 1, 'files', false, 20,
    '{"1d": [1, 7], "1h": [1, 4]}', '{}'
);
