"""Where a request comes from, behind whichever proxies are trusted to say so."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from gateway.headers import Environ

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
IPV6_PREFIX = 64  # a household's or an office's: one machine may take any address in it


class Addresses:
    """``trusted``: addresses or networks of proxies whose X-Forwarded-For is believed. Raises ValueError for another text."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        networks = [ipaddress.ip_network(one, strict=False) for one in trusted]

        @lru_cache(maxsize=4096)
        def is_trusted(address: str) -> bool:
            parsed = _parsed(address)
            return parsed is not None and any(parsed in network for network in networks)

        self._any, self.is_trusted = bool(networks), is_trusted

    def of(self, environ: Environ) -> str:
        """The client's address: the last one that no trusted proxy has."""
        address: str = environ.get("REMOTE_ADDR", "")
        if not self._any or not self.is_trusted(address):
            return address
        for named in map(str.strip, reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(","))):
            if _parsed(named) is None:
                break
            address = named
            if not self.is_trusted(address):
                break
        return address


@lru_cache(maxsize=65_536)
def limited_as(address: str) -> str | None:
    """Under which name an address is counted; None for this machine's own, where only its operator is."""
    parsed = _parsed(address)
    if parsed is None:
        return address or None
    if parsed.is_loopback:
        return None
    return network_of(address)


@lru_cache(maxsize=65_536)
def network_of(address: str) -> str:
    """The address, or its network where one machine may take any address of it."""
    parsed = _parsed(address)
    if parsed is None or parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


def is_inside(address: str) -> bool:
    """Whether it is this machine's own address or one of a private network (RFC 1918, RFC 4193)."""
    parsed = _parsed(address)
    return parsed is not None and (parsed.is_loopback or any(parsed in network for network in _PRIVATE))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
