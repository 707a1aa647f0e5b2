"""Where a service is: from a list in the settings, or from Consul. The gateway and key sets ask here and nowhere else."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog

from chassis.consul import Agent, AgentAway, Registered, Registration
from chassis.kept_lists import KEPT_FILE, KeptLists
from chassis.loops import Loop
from chassis.settings import Settings

log = structlog.get_logger()
Value = TypeVar("Value")

WAIT_S = 30.0  # of one blocking query
AWAY_S = 0.5  # between two questions to an agent that does not answer
RENEW_S = 2.0
GRACE_S = 30.0  # in which services that an agent has lost register again
FIRST_ANSWER_S = 3.0
NAME_PREFIX = "tongban-"  # others may use the same Consul
SETTINGS_PREFIX = "tongban/settings/"


@dataclass(frozen=True)
class Remote:
    """A service behind a socket."""

    host: str
    port: int


@dataclass(frozen=True)
class Local:
    """A service in this process, as a WSGI application."""

    app: Any


Endpoint = Remote | Local


class ServiceUnknown(Exception):
    """No instance of the service is registered."""


class Directory(Protocol):
    """Finds the instances of a service."""

    def instances(self, service: str) -> Sequence[Endpoint]:
        """All of them; the same object as long as nothing changed. Empty when there is none."""

    def find(self, service: str) -> Endpoint:
        """Any instance. Raises ServiceUnknown."""

    def follow(self, apply: Callable[[Mapping[str, str]], object]) -> None:
        """Call ``apply`` with the settings that may change while running, now and at every change; never, if none may."""


class StaticDirectory:
    """Instances from a mapping of service name to ``http://host:port``, several separated by ``|``."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._endpoints: dict[str, Sequence[Endpoint]] = {
            name: tuple(map(_remote, urls.split("|"))) for name, urls in addresses.items()
        }

    def add(self, service: str, *endpoints: Endpoint) -> None:
        """Register the instances of a service in place of earlier ones."""
        self._endpoints[service] = endpoints

    def names(self, service: str) -> bool:
        """Whether the service is in the list."""
        return service in self._endpoints

    def instances(self, service: str) -> Sequence[Endpoint]:
        """See Directory."""
        return self._endpoints.get(service, ())

    def find(self, service: str) -> Endpoint:
        """See Directory."""
        return _any(service, self.instances(service))

    def follow(self, apply: Callable[[Mapping[str, str]], object]) -> None:
        """See Directory: nothing changes here."""


class ConsulDirectory:
    """Instances as Consul knows them; ``static`` names win. While the agent is away the last good list is used, and after a
    restart the one that was ``kept`` in a file.
    """

    def __init__(
        self, agent: Agent, static: StaticDirectory, *, grace_s: float = GRACE_S, kept: KeptLists | None = None
    ) -> None:
        self._agent, self._static, self._grace_s = agent, static, grace_s
        self._kept = kept or KeptLists(None)
        self._lists: dict[str, _List] = {}
        self._watches: list[_Watch[Any]] = []
        self._lock = threading.Lock()

    def instances(self, service: str) -> Sequence[Endpoint]:
        """See Directory. The first question about a service waits for the agent's first answer, but not for long."""
        if self._static.names(service):
            return self._static.instances(service)
        known = self._lists.get(service) or self._start_list(service)
        if not known.asked.is_set():
            known.asked.wait(FIRST_ANSWER_S)
        return known.endpoints

    def find(self, service: str) -> Endpoint:
        """See Directory."""
        return _any(service, self.instances(service))

    def follow(self, apply: Callable[[Mapping[str, str]], object]) -> None:
        """See Directory: the keys below ``tongban/settings/``. While the agent is away they stay as they are."""
        last: Mapping[str, str] | None = None

        def take(values: Mapping[str, str], _since_away_s: float) -> bool:
            nonlocal last
            if values != last:
                last = values
                apply(values)
            return True

        self._start(_Watch("settings", partial(self._agent.values, SETTINGS_PREFIX), take, lambda: None))

    def ages_s(self) -> dict[str, int]:
        """Service -> seconds since the agent last said where it is; half a minute is usual."""
        ages = {service: self._kept.age_s(service) for service in list(self._lists)}
        return {service: round(age) for service, age in sorted(ages.items()) if age is not None}

    def close(self) -> None:
        """Ask no more. A question on its way is not waited for."""
        for watch in self._watches:
            watch.loop.stop()

    def _start_list(self, service: str) -> _List:
        with self._lock:
            if service not in self._lists:
                known = self._lists[service] = _List(service, self._grace_s, self._kept)
                ask = partial(self._agent.instances, NAME_PREFIX + service)
                self._start(_Watch(service, ask, known.take, known.give_up))
            return self._lists[service]

    def _start(self, watch: _Watch[Any]) -> None:
        self._watches.append(watch)
        watch.loop.start()


class _List:
    """The instances of one service as last heard of."""

    def __init__(self, service: str, grace_s: float, kept: KeptLists) -> None:
        self._service, self._grace_s, self._kept = service, grace_s, kept
        self._recalled_at = float("-inf")
        self.endpoints: Sequence[Endpoint] = ()
        self.asked = threading.Event()

    def give_up(self) -> None:
        """The agent does not answer: what was known last has to do."""
        if not self.endpoints:
            self._recall()
        self.asked.set()

    def _recall(self) -> None:
        self.endpoints = tuple(Remote(*one) for one in self._kept.of(self._service))
        if self.endpoints and self._recalled_at == float("-inf"):
            self._recalled_at = time.monotonic()

    def take(self, registered: Sequence[Registered], since_away_s: float) -> bool:
        """Whether the answer is final. An empty one of an agent that has just restarted is not: it has lost the list, and
        the services are about to register again. When no instance passes its check all are used: the checks may be wrong,
        and no instance at all is certainly no better.
        """
        if not registered and not self.endpoints:
            self._recall()
        since_news_s = min(since_away_s, time.monotonic() - self._recalled_at)
        if not registered and self.endpoints and since_news_s < self._grace_s:
            self.asked.set()
            return False
        passing = [one for one in registered if one.passing] or registered
        endpoints = tuple(Remote(one.host, one.port) for one in sorted(passing, key=lambda one: (one.host, one.port)))
        if endpoints != self.endpoints:
            self.endpoints = endpoints
        self._kept.keep(self._service, [(one.host, one.port) for one in endpoints])
        self.asked.set()
        return True


class _Watch(Generic[Value]):
    """One blocking query, asked again and again. ``take`` says whether to wait for news; ``gave_up`` is told of no answer."""

    def __init__(
        self,
        name: str,
        ask: Callable[[int, float], tuple[int, Value]],
        take: Callable[[Value, float], bool],
        gave_up: Callable[[], None],
    ) -> None:
        self._ask, self._take, self._gave_up = ask, take, gave_up
        self._index, self._away, self._away_at = 0, False, float("-inf")
        self.loop = Loop(f"consul-{name}", self._step)

    def _step(self) -> float:
        try:
            index, value = self._ask(self._index, WAIT_S)
        except AgentAway as error:
            if not self._away:
                log.warning("consul_away", watch=self.loop.name, error=str(error))
            self._index, self._away, self._away_at = 0, True, time.monotonic()
            self._gave_up()
            return AWAY_S
        self._away = False
        final = self._take(value, time.monotonic() - self._away_at)
        # An index that went back is of an agent that began anew: what it has now must be asked for without waiting.
        self._index = index if final and index >= self._index else 0
        return 0.0 if final else AWAY_S


class Announcement:
    """Keeps one instance registered: an agent that lost it is told again. ``withdraw`` ends that."""

    def __init__(self, agent: Agent, registration: Registration, *, renew_s: float = RENEW_S) -> None:
        self._agent, self._registration, self._renew_s = agent, registration, renew_s
        self._away = False
        self._loop = Loop(f"announce-{registration.instance}", self._step)

    def start(self) -> None:
        """Register, now or as soon as the agent answers."""
        self._loop.start()

    def withdraw(self) -> None:
        """Deregister; when it returns nobody is sent here any more, but for those who have not heard of it yet."""
        self._loop.stop()
        if self._loop.ident is not None:
            self._loop.join()  # or it might register once more
        try:
            self._agent.deregister(self._registration)
        except AgentAway as error:  # its check will fail soon
            log.warning("consul_away", error=str(error))

    def _step(self) -> float:
        try:
            if not self._agent.knows(self._registration):
                self._agent.register(self._registration)
                log.info("registered", instance=self._registration.instance)
            self._away = False
        except AgentAway as error:
            if not self._away:
                log.warning("consul_away", error=str(error))
            self._away = True
        return self._renew_s


def open_directory(settings: Settings) -> StaticDirectory | ConsulDirectory:
    """The directory that the settings name."""
    static = StaticDirectory(settings.services)
    agent = _agent(settings)
    if agent is None:
        return static
    return ConsulDirectory(agent, static, kept=KeptLists(settings.data_dir / settings.service / KEPT_FILE))


def registry_ages_s(directory: Directory) -> dict[str, int]:
    """See ConsulDirectory; empty without Consul."""
    return directory.ages_s() if isinstance(directory, ConsulDirectory) else {}


def announcement(settings: Settings) -> Announcement | None:
    """For an instance that serves HTTP: how it makes itself known; None without Consul."""
    agent = _agent(settings)
    if agent is None:
        return None
    host, _, port = (settings.advertise or settings.http_address).rpartition(":")
    name = NAME_PREFIX + settings.service
    return Announcement(
        agent, Registration(name, host.strip("[]"), int(port), tls=settings.tls_certificate is not None)
    )


def _agent(settings: Settings) -> Agent | None:
    return Agent(settings.consul, settings.consul_token) if settings.consul else None


def _any(service: str, endpoints: Sequence[Endpoint]) -> Endpoint:
    if not endpoints:
        raise ServiceUnknown(service)
    return random.choice(endpoints)


def _remote(url: str) -> Remote:
    parts = urlsplit(url)
    return Remote(parts.hostname or "127.0.0.1", parts.port or 80)
