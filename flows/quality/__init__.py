"""The gates: what a delivery must be before it enters `core`, and the marts before they are published."""
