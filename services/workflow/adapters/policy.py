"""Limits that the law leaves to the authority, as this process was told them."""

from __future__ import annotations

from chassis.settings import Settings
from services.workflow.domain.case_parts import Policy


class _Policy:
    """Holds what ``setup`` read from the settings."""

    def __init__(self) -> None:
        self.current = Policy()

    def load(self, settings: Settings) -> None:
        """Take the settings over."""
        self.current = Policy(
            correction_window_days=settings.correction_window_days, correction_days=settings.correction_days
        )


POLICY = _Policy()
