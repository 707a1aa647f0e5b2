"""Which parts of a process are ready, and which is not and why."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from chassis.db import Database
from chassis.metrics import READY

Check = Callable[[], str | None]


class Health:
    """Named checks. A check returns None when the part is ready, else a sentence."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, part: str, check: Check) -> None:
        """Watch a part."""
        self._checks[part] = check

    def remove(self, part: str) -> None:
        """Watch a part no more."""
        self._checks.pop(part, None)
        READY.remove(part)

    def report(self) -> tuple[bool, dict[str, str]]:
        """All ready?, and part -> ``ok`` or the reason."""
        parts = {part: check() or "ok" for part, check in list(self._checks.items())}
        for part, state in parts.items():
            READY.labels(part).set(state == "ok")
        return all(state == "ok" for state in parts.values()), parts


def database_check(database: Database) -> Check:
    """Ready when a query is answered."""

    def check() -> str | None:
        try:
            with database.read() as connection:
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.SQLAlchemyError as error:
            return f"no answer: {type(error).__name__}"
        return None

    return check
