"""开放资源: what developers may use, their apps and keys, and the administrator's desk for them."""

from __future__ import annotations

from portal.developers import apps, keys, review
from portal.developers.room import DEVELOPERS

__all__ = ["DEVELOPERS", "apps", "keys", "review"]
