"""审计: what audit administrators look at."""

from portal.auditing.journal import AUDITING

__all__ = ["AUDITING"]
