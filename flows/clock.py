"""Our wall clock, in the one form the project keeps moments in."""

from datetime import UTC, datetime


def as_utc(moment: datetime) -> datetime:
    """A moment in UTC without a zone; one that names none is taken for UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def utc_now() -> datetime:
    """The present moment in UTC, without a zone, as every TIMESTAMP of the warehouse is."""
    return datetime.now(UTC).replace(tzinfo=None)
