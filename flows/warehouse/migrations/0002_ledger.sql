-- From version 0.1: the manifest of a run, which snapshots a publish was made of, what a delivery was asked for.
alter table ops.run add column if not exists git_commit varchar;
alter table ops.run add column if not exists python_version varchar;
alter table ops.run add column if not exists duckdb_version varchar;
alter table ops.run add column if not exists settings_hash varchar;
alter table ops.run add column if not exists inputs json;
alter table ops.run add column if not exists counts json;
alter table ops.run add column if not exists durations json;
alter table ops.publish add column if not exists last_snapshot_id bigint;
alter table ops.publish add column if not exists n_days_unrecoverable bigint;
alter table ops.snapshot add column if not exists extent varchar;
alter table ops.snapshot add column if not exists superseded_by bigint;
