"""The officers' desk (待办): a department's tasks, each with its case beside it, and the opinion on it."""

from portal.officer.views import DESK

__all__ = ["DESK"]
