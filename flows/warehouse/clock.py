"""Our wall clock, in the one form the project keeps moments in."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present moment in UTC, without a zone, as every TIMESTAMP of the warehouse is."""
    return datetime.now(UTC).replace(tzinfo=None)
