"""What can go wrong between a department and the platform, and the pause between attempts."""

from __future__ import annotations

import random


class Refused(Exception):
    """The platform understood the request and refuses it. ``code`` is stable; ``status`` is the HTTP status."""

    def __init__(self, code: str, detail: str, status: int) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.status = code, detail, status

    @property
    def about_caller(self) -> bool:
        """True when the credentials are at fault and not the answer."""
        return self.status == 401 or self.code in {"scope_missing", "forbidden"}


class Stopped(Exception):
    """The department is stopping; what was not finished will come again. A handler may raise it to give a task back."""


class Damaged(Exception):
    """The bytes of a material are not those that the applicant handed in."""


def backoff_s(attempt: int, *, base_s: float = 0.2, ceiling_s: float = 30.0) -> float:
    """Exponential back-off, jitter in its upper half; ``attempt`` counts from 1."""
    ceiling = min(ceiling_s, base_s * 2.0 ** min(attempt - 1, 30))
    return ceiling * (0.5 + random.random() / 2)  # noqa: S311 (jitter is not a secret)
