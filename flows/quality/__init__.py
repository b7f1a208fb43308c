"""The gates: the rules for a fetched dataset before it enters `core`, and for the marts before they are published."""
