"""已结束的会话: whose tokens are refused although they have not run out. Identity publishes the list; nobody asks it per request.

A sign-out that identity has committed is heard of within a second. While identity is away the last list holds, and stays
complete: nobody can sign out there meanwhile. Whatever is missing, a token runs out by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from chassis.auth import ENDED_PATH, Principal, mark_of
from chassis.discovery import Directory
from chassis.errors import Refusal
from chassis.fetch import fetch_changed
from chassis.loops import Loop

EVERY_S = 1.0
TIMEOUT_S = 1.0
Ask = Callable[[str], tuple[str, Mapping[str, Any]] | None]
log = structlog.get_logger()


class EndedSessions:
    """``ask`` gives the list under a new tag, or None while it still has the tag that it is asked with."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._tag, self._marks = "", frozenset[str]()
        self._away = False
        self.loop = Loop("ended-sessions", self.step)

    @classmethod
    def of(cls, directory: Directory) -> EndedSessions:
        """As identity knows them."""
        return cls(lambda tag: fetch_changed(directory, "identity", ENDED_PATH, tag, TIMEOUT_S))

    def require_going_on(self, caller: Principal) -> None:
        """Raises Refusal ``session_ended``."""
        if self._marks and (_among(caller.session, self._marks) or _among(caller.grant, self._marks)):
            raise Refusal("session_ended", "登录已结束，请重新登录 / the sign-in has ended, sign in again")

    def step(self) -> float:
        """Ask once. Seconds until the next time."""
        try:
            answer = self._ask(self._tag)
            if answer is not None:
                tag, listed = answer
                self._tag, self._marks = tag, frozenset(map(str, listed["ended"]))
            self._away = False
        except (OSError, msgspec.DecodeError, LookupError, TypeError) as error:
            if not self._away:
                log.warning("ended_sessions_unknown", error=repr(error))
            self._away = True
        return EVERY_S


def _among(name: str | None, marks: frozenset[str]) -> bool:
    return name is not None and mark_of(name) in marks
