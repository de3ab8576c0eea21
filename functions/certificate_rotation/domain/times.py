"""Times as people and machines read them."""

from datetime import UTC, datetime


def utc_text(moment: datetime) -> str:
    """An aware time to the second, ISO 8601 with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_left(ends: datetime, now: datetime) -> int:
    """Whole days until `ends`; negative once it has passed."""
    return (ends - now).days
