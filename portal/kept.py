"""Public answers of the API, kept in this process for a while: pages that everybody reads do not multiply requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app

from portal.api import Api, Problem
from portal.session import directory

Value = TypeVar("Value")

_SHELF = "tongban_kept"
ASKED_AGAIN_AFTER_S = 5.0


class _Kept:
    """One value. While the API does not answer, the old value is the best there is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: Any = None
        self._good_until = 0.0

    def get(self, seconds: float, make: Callable[[], Any]) -> Any:
        with self._lock:
            if time.monotonic() >= self._good_until:
                self._renew(seconds, make)
            return self._value

    def _renew(self, seconds: float, make: Callable[[], Any]) -> None:
        try:
            self._value = make()
        except Problem:
            if not self._value:
                raise
            seconds = ASKED_AGAIN_AFTER_S
        if self._value:  # nothing yet is no lasting answer
            self._good_until = time.monotonic() + seconds


def kept(name: str, seconds: float, ask: Callable[[Api], Value]) -> Value:
    """What ``ask`` gives to a stranger, at most so old while the API answers. It is shared: do not change it. Raises Problem."""
    shelf: dict[str, _Kept] = current_app.extensions.setdefault(_SHELF, {})
    caller = Api(directory())
    value: Value = shelf.setdefault(name, _Kept()).get(seconds, lambda: ask(caller))
    return value
