"""Where a request comes from, behind whichever proxies are trusted to say so."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from gateway.headers import Environ

IPV6_PREFIX = 64  # a household's or an office's: one machine may take any address in it


class Addresses:
    """``trusted``: addresses or networks of proxies whose X-Forwarded-For is believed. Raises ValueError for another text."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        networks = [ipaddress.ip_network(one, strict=False) for one in trusted]

        @lru_cache(maxsize=4096)
        def is_trusted(address: str) -> bool:
            parsed = _parsed(address)
            return parsed is not None and any(parsed in network for network in networks)

        self._any, self._is_trusted = bool(networks), is_trusted

    def of(self, environ: Environ) -> str:
        """The client's address: the last one that no trusted proxy has."""
        address: str = environ.get("REMOTE_ADDR", "")
        if not self._any or not self._is_trusted(address):
            return address
        for named in map(str.strip, reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(","))):
            if _parsed(named) is None:
                break
            address = named
            if not self._is_trusted(address):
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
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
