"""The gates: what a delivery must be before it enters `core`, and what the marts must be before they are published."""
