"""DuckDB: the warehouse, its lock, what is appended to it, how it is built, and how it is published."""
