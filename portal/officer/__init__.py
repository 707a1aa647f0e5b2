"""The officers' desk (待办): a department's tasks, each with its case beside it, and the opinion on it."""

from portal.officer import conduct, intake, views
from portal.officer.room import DESK

__all__ = ["DESK", "conduct", "intake", "views"]
