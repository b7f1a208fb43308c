-- How the bytes of a snapshot were read, where a trackrecord.toml declared it.
alter table ops.snapshot add column if not exists declaration json;
