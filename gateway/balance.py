"""Which instance of a service takes the next request, and which one is left out for a while.

Of two instances drawn at random the one with fewer requests in flight is taken (the power of two choices). Who failed
several times in a row is left out, each time for twice as long; never more than half of the instances are. Who says that it
leaves (``chassis.stopping``) is left alone while there is another.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress

import structlog

from chassis.discovery import Directory, Endpoint, Remote, ServiceUnknown
from gateway.adaptive import AdaptiveLimit, Share
from gateway.gates import overloaded
from gateway.metrics import EJECTIONS, RETRIES, UPSTREAM_IN_FLIGHT
from gateway.rules import Rules

log = structlog.get_logger()

LONGEST_EJECTION_S = 300.0
FORGIVEN_S = 60.0  # of good answers after a return
LEAVING_S = 10.0  # from its last word to its return, about; it is taken again at once when nobody else is there
RETRY_RESERVE = 5.0  # enough to bridge the failures in a row that it takes to leave an instance out


class Instance:
    """One instance and what is known of it."""

    __slots__ = ("ejected_until", "ejections", "endpoint", "failures", "group", "in_flight", "leaving_until")

    def __init__(self, group: _Group, endpoint: Endpoint) -> None:
        self.group, self.endpoint = group, endpoint
        self.in_flight = self.failures = self.ejections = 0
        self.ejected_until = self.leaving_until = 0.0

    @property
    def name(self) -> str:
        """For logs and metrics."""
        return f"{self.endpoint.host}:{self.endpoint.port}" if isinstance(self.endpoint, Remote) else "local"


class _Group:
    """The instances of a service. ``retries`` is how many requests may be sent again."""

    def __init__(self, service: str, most: float) -> None:
        self.service, self.limit = service, AdaptiveLimit(service, most)
        self.endpoints: Sequence[Endpoint] = ()
        self.instances: list[Instance] = []
        self.in_flight, self.retries = 0, RETRY_RESERVE

    def follow(self, endpoints: Sequence[Endpoint]) -> None:
        """Take over a changed list; what is known of those that stay is kept."""
        known = {instance.endpoint: instance for instance in self.instances}
        self.endpoints = endpoints
        self.instances = [
            known.pop(endpoint) if endpoint in known else Instance(self, endpoint) for endpoint in endpoints
        ]
        for gone in known.values():
            with suppress(KeyError):
                UPSTREAM_IN_FLIGHT.remove(self.service, gone.name)
        for one in self.instances:
            UPSTREAM_IN_FLIGHT.labels(self.service, one.name).set_function(lambda one=one: one.in_flight)  # type: ignore[misc]


class Balancer:
    """Safe for threads. ``rules`` may be replaced while running."""

    def __init__(self, directory: Directory, rules: Rules) -> None:
        self.rules = rules
        self._directory = directory
        self._groups: dict[str, _Group] = {}
        self._lock = threading.Lock()

    def take(self, service: str, tried: Collection[Instance] = ()) -> Instance:
        """An instance that was not ``tried``; ``release`` it. Raises ServiceUnknown or Refusal ``overloaded``."""
        endpoints = self._directory.instances(service)
        if not endpoints:
            raise ServiceUnknown(service)
        with self._lock:
            group = self._groups.get(service) or self._groups.setdefault(
                service, _Group(service, self.rules.in_flight_per_service)
            )
            if group.endpoints is not endpoints:
                group.follow(endpoints)
            if not group.limit.allows(group.in_flight, self._share):
                raise overloaded("service")
            instance = self._choose(group.instances, tried)
            if instance is None:
                raise overloaded("instance")
            instance.in_flight += 1
            group.in_flight += 1
            if not tried:
                group.retries = min(2 * RETRY_RESERVE, group.retries + self.rules.retry_percent / 100)
            return instance

    def release(self, instance: Instance) -> None:
        """The request is over."""
        with self._lock:
            instance.in_flight -= 1
            instance.group.in_flight -= 1

    def succeeded(self, instance: Instance, kind: str = "", took_s: float = 0.0) -> None:
        """It answered, in so many seconds. ``kind``: of requests that usually take alike, if it is one of those."""
        if kind:
            group = instance.group
            group.limit.answered(kind, took_s, group.in_flight, self._share, time.monotonic())
        if instance.failures or instance.ejections:
            with self._lock:
                instance.failures = 0
                if time.monotonic() > instance.ejected_until + FORGIVEN_S:
                    instance.ejections = 0

    def heard(self, instance: Instance, *, leaving: bool) -> None:
        """It said with an answer that it is leaving, or did not."""
        if leaving or instance.leaving_until:
            instance.leaving_until = time.monotonic() + LEAVING_S if leaving else 0.0

    def failed(self, instance: Instance, took_s: float = 0.0) -> None:
        """It did not answer, or said that it cannot."""
        group, now = instance.group, time.monotonic()
        group.limit.failed(took_s, group.in_flight, self._share, now)
        with self._lock:
            instance.failures += 1
            if instance.failures < self.rules.ejection_failures or instance.ejected_until > now:
                return
            left_out = sum(one.ejected_until > now for one in group.instances)
            if left_out >= len(group.instances) // 2:
                return
            seconds = min(LONGEST_EJECTION_S, self.rules.ejection_s * 2**instance.ejections)
            instance.ejections, instance.ejected_until = instance.ejections + 1, now + seconds
            instance.failures = self.rules.ejection_failures - 1  # when it is back, one more failure is enough
        EJECTIONS.labels(group.service).inc()
        log.warning("instance_left_out", upstream=group.service, instance=instance.name, seconds=seconds)

    def may_retry(self, instance: Instance, tried: Collection[Instance], *, reached: bool = True) -> bool:
        """Whether there is another instance, and the budget allows it; then the budget is charged. An instance that was not
        ``reached`` had no work with the request: that is free.
        """
        group = instance.group
        with self._lock:
            if all(one in tried for one in group.instances):
                return False
            allowed = group.retries >= 1 or not reached
            if allowed and reached:
                group.retries -= 1
        RETRIES.labels(group.service, "sent" if allowed else "over_budget").inc()
        return allowed

    @property
    def _share(self) -> Share:
        return Share(self.rules.least_in_flight_per_service, self.rules.in_flight_per_service)

    def _choose(self, instances: Sequence[Instance], tried: Collection[Instance]) -> Instance | None:
        now, most = time.monotonic(), self.rules.in_flight_per_instance
        free = [one for one in instances if one.in_flight < most and one not in tried]
        usable = [one for one in free if one.ejected_until <= now] or free
        staying = [one for one in usable if one.leaving_until <= now]
        usable = staying or sorted(usable, key=_leaving_until)[:1]  # who left first is back first
        if len(usable) < 2:
            return usable[0] if usable else None
        first = int(random.random() * len(usable))
        second = (first + 1 + int(random.random() * (len(usable) - 1))) % len(usable)
        return min(usable[first], usable[second], key=_in_flight)


def _leaving_until(instance: Instance) -> float:
    return instance.leaving_until


def _in_flight(instance: Instance) -> int:
    return instance.in_flight
