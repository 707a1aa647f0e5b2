"""事项目录: departments write drafts of their items, a second person reviews, an administrator publishes."""

from portal.catalogue import drafts, items
from portal.catalogue.room import CATALOGUE

__all__ = ["CATALOGUE", "drafts", "items"]
