"""The officers' desk (待办): a department's tasks, each with its case beside it, and the opinion on it."""

from portal.officer import appointments, conduct, intake, sharing, views
from portal.officer.room import DESK

__all__ = ["DESK", "appointments", "conduct", "intake", "sharing", "views"]
