"""What anyone may see: the items and their guides, the verification of licences, the figures."""

from __future__ import annotations

from portal.public import components, figures, home, items, packages, verification
from portal.public.room import PUBLIC

__all__ = ["PUBLIC", "components", "figures", "home", "items", "packages", "verification"]
