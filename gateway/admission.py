"""Who is let in now: not more at once than can be served well, and nobody more often than their share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chassis.auth import Principal
from chassis.discovery import Directory, Remote
from gateway.addresses import Addresses, limited_as
from gateway.balance import Balancer
from gateway.gates import Gate, SharedGate
from gateway.headers import Environ
from gateway.limits import Limiter
from gateway.observe import Exchange
from gateway.routes import PORTAL, is_strict
from gateway.rules import ACCOUNT, ADDRESS, CLIENT, TOKENS, Rules

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
        self.rules = rules

    def apply(self, rules: Rules) -> None:
        """Go by other rules from now on."""
        self.rules = self.balancer.rules = rules
        self._limiter.limits = rules.limits

    def enter(self, environ: Environ, exchange: Exchange) -> None:
        """A request that is to be passed on."""
        exchange.client = environ["REMOTE_ADDR"] = self._addresses.of(environ)
        self._in_flight.enter(self.rules.in_flight)
        exchange.holds(self._in_flight.leave)
        key = limited_as(exchange.client)
        if key is None or self._is_portals(exchange.client):
            return
        exchange.limits = self._limiter.spend(ADDRESS, key)
        if is_strict(exchange.method, environ["PATH_INFO"]):
            exchange.limits = self._limiter.spend(TOKENS, key)

    def know(self, caller: Principal, exchange: Exchange) -> None:
        """The caller of the request is verified."""
        client = caller.subject if caller.kind == SYSTEM else caller.client
        if client is not None:
            exchange.limits = self._limiter.spend(CLIENT, client) or exchange.limits
        if caller.kind != SYSTEM:
            exchange.limits = self._limiter.spend(ACCOUNT, caller.subject) or exchange.limits

    def receive(self, exchange: Exchange) -> Callable[[], None]:
        """A body is about to be received; call the result when it is there."""
        rules, who = self.rules, limited_as(exchange.client)
        return self._bodies.enter_as(who, rules.bodies, rules.bodies_per_address)

    def stream(self, exchange: Exchange) -> None:
        """An answer is about to be passed on piece by piece."""
        self._streams.enter(self.rules.streams)
        exchange.holds(self._streams.leave)

    def _is_portals(self, address: str) -> bool:
        """The portal asks for its visitors, who were counted when they asked it."""
        return any(isinstance(one, Remote) and one.host == address for one in self._directory.instances(PORTAL.service))
