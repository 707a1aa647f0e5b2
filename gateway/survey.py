"""What the services say of themselves: are they ready, and what is their part of the API."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any, Generic, TypeVar

import msgspec
from werkzeug.test import Client

from chassis.discovery import Directory, Endpoint, Local
from chassis.health import Health
from gateway.openapi import merge
from gateway.routes import SERVICES

ASK_TIMEOUT_S = 1.0
READINESS_KEPT_S = 1.0
OPENAPI_KEPT_S = 10.0

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """A value made when asked for and kept for some seconds, so that public pages cannot multiply requests."""

    def __init__(self, seconds: float, make: Callable[[], Value]) -> None:
        self._seconds, self._make = seconds, make
        self._lock = threading.Lock()
        self._value: tuple[float, Value] | None = None

    def get(self) -> Value:
        """The value, at most so old."""
        with self._lock:
            if self._value is None or time.monotonic() - self._value[0] > self._seconds:
                self._value = time.monotonic(), self._make()
            return self._value[1]


class Survey:
    """Asks all services at once and briefly."""

    def __init__(self, directory: Directory, health: Health) -> None:
        self._directory, self._health = directory, health
        self._readiness = Kept(READINESS_KEPT_S, self._ask_readiness)
        self._openapi = Kept(OPENAPI_KEPT_S, self._ask_openapi)

    def readiness(self) -> tuple[bool, dict[str, str]]:
        """All ready?, and part or service -> ``ok`` or the reason. The gateway's own parts come first."""
        return self._readiness.get()

    def own_readiness(self) -> tuple[bool, dict[str, str]]:
        """The same of the gateway's own parts alone."""
        return self._health.report()

    def openapi(self) -> dict[str, Any]:
        """The merged OpenAPI document."""
        return self._openapi.get()

    def _ask_readiness(self) -> tuple[bool, dict[str, str]]:
        _, parts = self._health.report()
        parts |= self._of_each(self._state)
        return all(state == "ok" for state in parts.values()), parts

    def _ask_openapi(self) -> dict[str, Any]:
        return merge(self._of_each(self._document))

    @staticmethod
    def _of_each(ask: Callable[[str], Value]) -> dict[str, Value]:
        with ThreadPoolExecutor(len(SERVICES), "survey") as pool:
            return dict(zip(SERVICES, pool.map(ask, SERVICES), strict=True))

    def _state(self, service: str) -> str:
        """Of the instance that is best off: one that starts, or leaves, takes nothing away from the others."""
        state = "no instance"
        for endpoint in random.sample(known := self._directory.instances(service), len(known)):
            if (state := self._state_of(endpoint)) == "ok":
                break
        return state

    @staticmethod
    def _state_of(endpoint: Endpoint) -> str:
        try:
            status, answer = _get(endpoint, "/health/ready")
            not_ready = {part: state for part, state in answer["parts"].items() if state != "ok"}
        except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError) as error:
            return f"no answer: {type(error).__name__}"
        if status == 200:
            return "ok"
        return "; ".join(f"{part}: {state}" for part, state in not_ready.items()) or f"status {status}"

    def _document(self, service: str) -> Mapping[str, Any] | None:
        for endpoint in random.sample(known := self._directory.instances(service), len(known)):
            try:
                status, document = _get(endpoint, f"/openapi/{service}.json")
            except (OSError, HTTPException, ValueError):
                continue
            if status == 200 and isinstance(document, dict):
                return document
        return None


def _get(endpoint: Endpoint, path: str) -> tuple[int, Any]:
    """Status and JSON. Raises OSError, HTTPException or ValueError."""
    if isinstance(endpoint, Local):
        local = Client(endpoint.app).get(path)
        return local.status_code, msgspec.json.decode(local.get_data())
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", path)
        remote = connection.getresponse()
        return remote.status, msgspec.json.decode(remote.read())
    finally:
        connection.close()
