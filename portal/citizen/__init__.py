"""What citizens and organisations do: apply, follow, correct, withdraw, receive, rate."""

from __future__ import annotations

from portal.citizen import acting, applying, cases, changing, home, messages
from portal.citizen.room import CITIZEN

__all__ = ["CITIZEN", "acting", "applying", "cases", "changing", "home", "messages"]
