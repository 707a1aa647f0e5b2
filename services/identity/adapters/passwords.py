"""Argon2id: dear on purpose, so only a few at once, and as dear for a name that does not exist."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from chassis.errors import Refusal
from services.identity.adapters.metrics import PASSWORD_HASHES
from services.identity.domain.sensitive import Sensitive

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
AT_ONCE = 2
LONGEST_WAIT_S = 2.0
RETRY_AFTER_S = 3
NO_PASSWORD = "!"  # noqa: S105 - none at all
"""Stored of an account that nobody can sign in to by password."""


class Passwords:
    """Hashes and verifies. 19 MiB, two passes, one lane (OWASP, Password Storage): about 22 ms of one core."""

    def __init__(self, wait_s: float = LONGEST_WAIT_S) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._wait_s = wait_s
        self._decoy = self._hasher.hash(secrets.token_bytes(16))

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Room for one computation. Raises Refusal ``busy`` when none gets free in time."""
        if not self._turns.acquire(timeout=self._wait_s):
            raise Refusal(
                "busy", "登录人数过多，请稍后再试 / too many sign-ins, try again soon", retry_after_s=RETRY_AFTER_S
            )
        try:
            yield
        finally:
            self._turns.release()

    def hash(self, password: Sensitive) -> str:
        """PHC string of ``password``. Takes a turn: do it before a transaction, not in it."""
        with self.turn():
            PASSWORD_HASHES.inc()
            return self._hasher.hash(_bytes(password))

    def verify(self, stored: str | None, password: Sensitive) -> bool:
        """Whether ``password`` is the one ``stored`` was made of. None, for a name unknown, costs the same and is never right;
        so does ``NO_PASSWORD``.

        The caller holds a ``turn``.
        """
        PASSWORD_HASHES.inc()
        known = None if stored == NO_PASSWORD else stored
        try:
            return self._hasher.verify(known or self._decoy, _bytes(password)) and known is not None
        except VerifyMismatchError:
            return False


def _bytes(password: Sensitive) -> bytes:
    """NFKC, so that one password typed on two keyboards is one (NIST SP 800-63B); any text at all can be tried."""
    return unicodedata.normalize("NFKC", password.reveal()).encode("utf-8", "surrogatepass")
