"""What citizens and organisations do: apply, follow, correct, withdraw, receive, rate."""

from __future__ import annotations

from portal.citizen import applying, cases, changing, home
from portal.citizen.room import CITIZEN

__all__ = ["CITIZEN", "applying", "cases", "changing", "home"]
