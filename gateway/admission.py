"""Who is let in now: not more at once than can be served well, and nobody more often than their share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from werkzeug.exceptions import ClientDisconnected

from chassis.auth import Principal
from chassis.discovery import Directory, Remote
from chassis.errors import Refusal
from chassis.loops import Loop
from chassis.run import at_exit
from chassis.settings import Settings
from gateway.addresses import Addresses, is_inside, limited_as
from gateway.api_keys import ApiKey
from gateway.balance import Balancer
from gateway.gates import Gate, Seat, SharedGate
from gateway.headers import Environ
from gateway.limits import Limiter
from gateway.observe import Exchange
from gateway.routes import PORTAL, is_strict
from gateway.rules import ACCOUNT, ADDRESS, CLIENT, KEY_DAY, KEY_MINUTE, TOKENS, Rules
from gateway.slow_clients import Reading, SlowClients
from gateway.sockets import Sockets, allow_many

SYSTEM = "department"
"""Kind of a caller that is a program and nobody's account."""


class Admission:
    """Asked once per request and step. Every check raises Refusal ``overloaded`` or ``too_many_requests``."""

    def __init__(
        self, directory: Directory, rules: Rules, limits_url: str = "memory://", trusted_proxies: Sequence[str] = ()
    ) -> None:
        self._directory = directory
        self.balancer = Balancer(directory, rules)
        self._limiter = Limiter(limits_url, rules.limits)
        self._addresses = Addresses(trusted_proxies)
        self._in_flight, self._bodies, self._streams = Gate("gateway"), SharedGate("bodies"), Gate("streams")
        self._reading: Callable[[str], AbstractContextManager[Reading]] = _unwatched
        self.rules = rules

    def apply(self, rules: Rules) -> None:
        """Go by other rules from now on."""
        self.rules = self.balancer.rules = rules
        self._limiter.limits = rules.limits

    def enter(self, environ: Environ, exchange: Exchange, api_key: ApiKey | None = None) -> None:
        """A request that is to be passed on. One with a key counts for its app, wherever it comes from."""
        exchange.client = environ["REMOTE_ADDR"] = self._addresses.of(environ)
        exchange.seat = Seat(self._in_flight)
        exchange.seat.take(self.rules.in_flight)
        exchange.holds(exchange.seat.leave)
        if api_key is not None:
            self._spend_quota(api_key, exchange)
            return
        key = limited_as(exchange.client)
        if key is None or self._is_portals(exchange.client):
            return
        exchange.limits = self._limiter.spend(ADDRESS, key)
        if is_strict(exchange.method, environ["PATH_INFO"]):
            exchange.limits = self._limiter.spend(TOKENS, key)

    def is_operator(self, environ: Environ) -> bool:
        """Whether the request is of this machine or of a private network: who watches the platform is there."""
        return is_inside(self._addresses.of(environ))

    def know(self, caller: Principal, exchange: Exchange) -> None:
        """The caller of the request is verified."""
        client = caller.subject if caller.kind == SYSTEM else caller.client
        if client is not None:
            exchange.limits = self._limiter.spend(CLIENT, client) or exchange.limits
        if caller.kind != SYSTEM:
            exchange.limits = self._limiter.spend(ACCOUNT, caller.subject) or exchange.limits

    @contextmanager
    def receive(self, exchange: Exchange) -> Iterator[Callable[[int], object]]:
        """While a body is received, which is no request in flight yet; tell what comes. Raises Refusal ``body_too_slow`` too."""
        rules, who = self.rules, limited_as(exchange.client)
        who = None if self._is_portals(exchange.client) else who
        leave = self._bodies.enter_as(who, rules.bodies, rules.bodies_per_address)
        if exchange.seat is not None:
            exchange.seat.leave()
        try:
            with self._reading(exchange.peer) as reading:
                yield reading.got
        except ClientDisconnected:
            if reading.ended_at is not None:
                raise Refusal("body_too_slow", "请求体传输过慢 / the body came too slowly") from None
            raise
        finally:
            leave()
        if exchange.seat is not None:
            exchange.seat.take(self.rules.in_flight)

    def watch(self, port: int) -> Loop:
        """Watches the clients that are connected to ``port`` of this process, once it is started."""
        slow = SlowClients(Sockets(port), lambda: self.rules, self._addresses.is_trusted)
        self._reading = slow.reading
        return Loop("slow-clients", slow.tick)

    def stream(self, exchange: Exchange) -> None:
        """An answer is about to be passed on piece by piece."""
        self._streams.enter(self.rules.streams)
        exchange.holds(self._streams.leave)

    def _spend_quota(self, api_key: ApiKey, exchange: Exchange) -> None:
        who = api_key.counted_as
        exchange.limits = self._limiter.spend(KEY_MINUTE, who, _per_minute(api_key.per_minute))
        exchange.limits = [*exchange.limits, *self._limiter.spend(KEY_DAY, who, _per_day(api_key.per_day))]

    def _is_portals(self, address: str) -> bool:
        """The portal asks for its visitors, who were counted when they asked it."""
        return any(isinstance(one, Remote) and one.host == address for one in self._directory.instances(PORTAL.service))


def watch_clients(admission: Admission, settings: Settings) -> None:
    """Keep the slow among the clients of this process off until it ends."""
    allow_many()
    loop = admission.watch(int(settings.http_address.rpartition(":")[2]))
    at_exit(loop.stop)
    loop.start()


@contextmanager
def _unwatched(address: str) -> Iterator[Reading]:
    yield Reading(address, 0.0)


@lru_cache(maxsize=1024)
def _per_minute(requests: int) -> RateLimitItem:
    return RateLimitItemPerMinute(requests)


@lru_cache(maxsize=1024)
def _per_day(requests: int) -> RateLimitItem:
    return RateLimitItemPerDay(requests)
