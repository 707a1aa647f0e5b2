"""Limits per address, account and client, counted by ``limits``: in this process, or in Redis or Valkey for all gateways.

Asking the storage for every request would cost more than passing the request on. So a gateway takes several permits at
once from the shared count and spends them itself: one at a time from whoever asks seldom, twice as many each time from
whoever has spent the last ones within a second. What is taken is counted at once, so all gateways together never let
through more than the limit; what is left unspent is forgotten within a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from chassis.errors import Refusal
from gateway.metrics import LIMITED, STORAGE_AWAY
from gateway.rules import TOKENS

log = structlog.get_logger()

LEASE_S = 1.0
LEASE_SHARE = 20  # at most a twentieth of a limit is taken at once
REFUSED_FOR_S = 0.25  # a refusal counts for this long, so that a flood does not reach the storage
AWAY_S = 2.0
MAX_KEYS = 100_000
STORAGE_TIMEOUT_S = 0.25


@dataclass(slots=True)
class _Lease:
    """Permits in hand. ``remaining`` are those still to be had elsewhere, ``reset_at`` is wall-clock time."""

    item: RateLimitItem
    left: int = 0
    size: int = 0
    until: float = 0.0
    refused_until: float = 0.0
    remaining: int = 0
    reset_at: float = 0.0


class Limiter:
    """Safe for threads. ``limits`` may be replaced while running."""

    def __init__(self, storage_url: str, limits: Mapping[str, RateLimitItem]) -> None:
        self.limits = limits
        self._shared = SlidingWindowCounterRateLimiter(_storage(storage_url))
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._away_until = 0.0
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._lock = threading.Lock()

    def spend(self, policy: str, who: str, item: RateLimitItem | None = None) -> list[tuple[str, str]]:
        """Count one request; RateLimit headers for its answer, none without a limit. Raises Refusal ``too_many_requests``.

        ``item``: a limit of their own, the same object each time.
        """
        item = item or self.limits.get(policy)
        if item is None:
            return []
        now = time.monotonic()
        with self._lock:
            lease = self._leases.get((policy, who))
            if lease is None or lease.item is not item:
                lease = self._remember((policy, who), _Lease(item))
            if lease.left and now < lease.until:
                lease.left -= 1
                return _headers(policy, lease)
            refused = now < lease.refused_until
            cost = self._next_size(policy, lease, now)
        if refused or not self._take(lease, policy, who, cost, now):
            LIMITED.labels(policy).inc()
            raise _refusal(policy, lease)
        return _headers(policy, lease)

    def _remember(self, key: tuple[str, str], lease: _Lease) -> _Lease:
        if len(self._leases) >= MAX_KEYS:
            for old in list(self._leases)[: MAX_KEYS // 10]:
                del self._leases[old]
        self._leases[key] = lease
        return lease

    @staticmethod
    def _next_size(policy: str, lease: _Lease, now: float) -> int:
        if policy == TOKENS or now >= lease.until:
            return 1
        return min(lease.size * 2, max(1, lease.item.amount // LEASE_SHARE))

    def _take(self, lease: _Lease, policy: str, who: str, cost: int, now: float) -> bool:
        """Take ``cost`` permits, or one where there are not so many, and spend the first."""
        taken = next((n for n in dict.fromkeys((cost, 1)) if self._hit(lease.item, policy, who, n)), 0)
        reset_at, remaining = self._stats(lease.item, policy, who)
        with self._lock:
            lease.remaining, lease.reset_at = remaining, reset_at
            if not taken:
                lease.refused_until = now + REFUSED_FOR_S
                return False
            lease.left, lease.size, lease.until = taken - 1, taken, now + LEASE_S
            return True

    def _hit(self, item: RateLimitItem, policy: str, who: str, cost: int) -> bool:
        if time.monotonic() >= self._away_until:
            try:
                allowed = self._shared.hit(item, policy, who, cost=cost)
                STORAGE_AWAY.set(0)
                return allowed
            except StorageError as error:
                self._storage_away(error)
        return self._own.hit(item, policy, who, cost=cost)

    def _stats(self, item: RateLimitItem, policy: str, who: str) -> tuple[float, int]:
        if time.monotonic() >= self._away_until:
            try:
                return self._shared.get_window_stats(item, policy, who)
            except StorageError as error:
                self._storage_away(error)
        return self._own.get_window_stats(item, policy, who)

    def _storage_away(self, error: StorageError) -> None:
        """Limits protect the services, they must not stop them: meanwhile each gateway counts for itself."""
        log.warning("limits_storage_away", error=repr(error.storage_error))
        STORAGE_AWAY.set(1)
        self._away_until = time.monotonic() + AWAY_S


def _storage(url: str) -> MemoryStorage:
    if url.startswith("memory:"):
        return MemoryStorage()
    timeouts = {"socket_timeout": STORAGE_TIMEOUT_S, "socket_connect_timeout": STORAGE_TIMEOUT_S}
    return storage_from_string(url, wrap_exceptions=True, key_prefix="tongban", **timeouts)  # type: ignore[return-value]


def _headers(policy: str, lease: _Lease) -> list[tuple[str, str]]:
    """draft-ietf-httpapi-ratelimit-headers: what the limit is, what is left of it and for how long."""
    reset_s = max(0, round(lease.reset_at - time.time()))
    return [
        ("RateLimit-Policy", f'"{policy}";q={lease.item.amount};w={lease.item.get_expiry()}'),
        ("RateLimit", f'"{policy}";r={lease.remaining + lease.left};t={reset_s}'),
    ]


def _refusal(policy: str, lease: _Lease) -> Refusal:
    wait_s = max(1, round(lease.reset_at - time.time()))
    return Refusal(
        "too_many_requests",
        "请求过于频繁，请稍后再试 / too many requests, try again later",
        limit=policy,
        retry_after_s=wait_s,
    )
