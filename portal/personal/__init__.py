"""我的信息: how sure the platform is of its visitor, where they are reached, who has looked, and their rights to their data."""

from portal.personal import contacts, data, overview, verification
from portal.personal.room import PERSONAL

__all__ = ["PERSONAL", "contacts", "data", "overview", "verification"]
