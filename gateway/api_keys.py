"""接口密钥 at the door: whose program asks, for which data, and how much of it was asked.

Identity tells which keys are in force, as fingerprints, and hears what was asked with them: once a second, and never per
request. So a revoked key is refused within about two seconds; while identity is away the last list holds, and what was counted
waits. A gateway that is killed forgets what it counted in its last second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
import uuid_utils

from chassis import clock
from chassis.discovery import Directory
from chassis.errors import Refusal
from chassis.loops import Loop
from contracts.open_api import KEY_PATTERN, Environment, dataset_of, fingerprint, is_fictitious, sandbox_path
from gateway.headers import Environ
from gateway.internal_tokens import InternalTokens
from gateway.observe import Exchange
from gateway.own_requests import own_requests
from gateway.routes import Route, find_route

LIST_PATH = "/api/v1/developer-keys"
USAGE_PATH = "/api/v1/developer-keys/usage"
EVERY_S = 1.0
MOST_TOLD = 5000
"""Rows of one report."""
SCHEME = "apikey"
SANDBOX_HEADER = ("Tongban-Environment", "sandbox")
REFUSALS_COUNTED = frozenset({"too_many_requests", "dataset_not_granted"})
_DAYS = ZoneInfo("Asia/Shanghai")

Ask = Callable[[str, str, Any, str | None], Any]
"""Method, target, JSON body or None, Idempotency-Key or None → the JSON answer. Raises OSError."""
log = structlog.get_logger()


@dataclass(frozen=True)
class ApiKey:
    """A key in force. ``expires_at`` in POSIX seconds; the quota is its app's, shared by the keys of one environment."""

    key_id: str
    app_id: str
    environment: Environment
    datasets: frozenset[str]
    per_minute: int
    per_day: int
    expires_at: float

    @property
    def counted_as(self) -> str:
        """Whose quota it uses."""
        return f"{self.app_id}:{self.environment}"


def shown_key(environ: Environ, route: Route) -> str | None:
    """The key that comes with a request for open data; None without one, and where keys are not for."""
    path = environ["PATH_INFO"]
    if dataset_of(path) is None or not route.is_public(environ["REQUEST_METHOD"], path):
        return None
    if (given := environ.get("HTTP_X_API_KEY")) is not None:
        return str(given).strip()
    scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return key.strip() if scheme.lower() == SCHEME else None


@dataclass(frozen=True)
class KeyedVisit:
    """A request that shows a key; None for one that is not in force."""

    key: ApiKey | None

    def admitted(self, environ: Environ, exchange: Exchange, route: Route) -> Route:
        """Where it goes: in the sandbox, to made-up data. Raises Refusal ``api_key_invalid`` or ``dataset_not_granted``.

        Asked after the address or the app was counted, so that guessing keys is no way around limits.
        """
        if self.key is None:
            raise Refusal(
                # Which of the three is nobody's business.
                "api_key_invalid",
                "接口密钥无效、已过期或已吊销 / the API key is unknown, expired or revoked",
            )
        path = environ["PATH_INFO"]
        if (dataset := dataset_of(path)) not in self.key.datasets:
            raise Refusal(
                "dataset_not_granted", "应用未获准使用该数据集 / the app was not granted this", dataset=dataset
            )
        if self.key.environment != "sandbox":
            return route
        exchange.limits = [*exchange.limits, SANDBOX_HEADER]
        if exchange.method not in ("GET", "HEAD") or not is_fictitious(path):
            return route
        environ["PATH_INFO"] = sandbox_path(path)
        return find_route(environ["PATH_INFO"])


class ApiKeys:
    """The keys as identity last told them, and the counts that it has not heard yet. Safe for threads."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._version, self._keys = "", dict[str, ApiKey]()
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._report: tuple[str, list[dict[str, Any]]] | None = None
        self._lock, self._first = threading.Lock(), threading.Lock()
        self._away = False
        self.loop = Loop("api-keys", self.step)

    @classmethod
    def of(cls, directory: Directory, tokens: InternalTokens) -> ApiKeys:
        """As identity knows them, which is asked in the gateway's own name."""
        return cls(own_requests(directory, tokens, "identity"))

    def find(self, key: str) -> ApiKey | None:
        """The key if it is in force. Raises OSError while no list could be had at all."""
        if not self._version:
            with self._first:
                if not self._version:
                    self._renew()
        if not KEY_PATTERN.fullmatch(key):
            return None
        known = self._keys.get(fingerprint(key))
        return known if known is not None and known.expires_at > time.time() else None

    def visit(self, environ: Environ, exchange: Exchange, route: Route) -> KeyedVisit | None:
        """For a request that shows a key where one is taken. Raises like ``find``."""
        shown = shown_key(environ, route)
        if shown is None:
            return None
        key = self.find(shown)
        if key is not None:
            exchange.subject = key.key_id
            exchange.holds(partial(self.count, key, exchange))
        return KeyedVisit(key)

    def count(self, key: ApiKey, exchange: Exchange) -> None:
        """One request has ended."""
        day = clock.now().astimezone(_DAYS).date().isoformat()
        with self._lock:
            self._counts.setdefault((key.key_id, day), [0, 0])[exchange.code in REFUSALS_COUNTED] += 1

    def step(self) -> float:
        """Fetch the list if it has changed, and tell what was counted. Seconds until the next time."""
        try:
            self._renew()
            self.tell()
            self._away = False
        except OSError as error:
            if not self._away:
                log.warning("api_keys_unknown", error=repr(error))
            self._away = True
        return EVERY_S

    def close(self) -> None:
        """Tell what was counted, if anybody hears it, and ask no more."""
        self.loop.stop()
        with suppress(OSError):
            self.tell()

    def tell(self) -> None:
        """Report what was counted. Repeated under its key until identity has taken it, so nothing is counted twice.

        Raises OSError.
        """
        with self._lock:
            if self._report is None and self._counts:
                told = list(self._counts)[:MOST_TOLD]
                rows = [
                    {"key_id": key_id, "day": day, "answered": answered, "refused": refused}
                    for key_id, day in told
                    for answered, refused in [self._counts.pop((key_id, day))]
                ]
                self._report = str(uuid_utils.uuid7()), rows
            report = self._report
        if report is not None:
            self._ask("POST", USAGE_PATH, {"used": report[1]}, report[0])
            with self._lock:
                if self._report is report:
                    self._report = None

    def _renew(self) -> None:
        answer = self._ask("GET", f"{LIST_PATH}?known={self._version}", None, None)
        if (listed := answer["keys"]) is not None:
            self._keys = {digest: _known(one) for digest, one in listed.items()}
            self._version = answer["version"]


def _known(told: Mapping[str, Any]) -> ApiKey:
    return ApiKey(**{**told, "datasets": frozenset(told["datasets"])})
