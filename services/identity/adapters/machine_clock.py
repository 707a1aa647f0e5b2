"""The machine's time. Security follows it and not the domain's clock, which a demonstration may move."""

from __future__ import annotations

from datetime import UTC, datetime


def machine_now() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)
