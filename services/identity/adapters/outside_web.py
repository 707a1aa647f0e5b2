"""Calls to addresses outside that others have named: https only, never into private networks, short, and no redirects (SSRF).

The name is resolved once, every address of it is judged, and the connection goes to the very address that was judged.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
import urllib3

TIMEOUT = urllib3.Timeout(connect=3.0, read=5.0)
LONGEST_ANSWER = 256 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutsideAway(OSError):
    """Nobody answered, or the address may not be called. The message names no secret."""


@dataclass(frozen=True)
class OutsideAnswer:
    """What came back, whatever its status."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body. Raises OutsideAway when it is no JSON object."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise OutsideAway(f"no JSON, status {self.status}") from None


class Web(Protocol):
    """The outside world."""

    def call(self, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> OutsideAnswer:
        """One request. Raises OutsideAway."""


class OutsideWeb:
    """``private_hosts`` may be called over http and in private networks: for trials on one machine."""

    def __init__(self, private_hosts: Collection[str] = ()) -> None:
        self._private = frozenset(private_hosts)

    def call(self, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> OutsideAnswer:
        """See Web."""
        scheme, host, port, target = _parts(address)
        private = host in self._private
        if scheme != "https" and not private:
            raise OutsideAway("address is not https")
        where = _resolve(host, port, private=private)
        sent = {"Host": _host_header(host, port, scheme), "User-Agent": "Tongban", **headers}
        pool = _pool(scheme, where, port, host)
        try:
            response = pool.request(
                method, target, body=body or None, headers=sent, redirect=False, preload_content=False
            )
            content = response.read(LONGEST_ANSWER + 1)
            response.close()
        except urllib3.exceptions.HTTPError as error:
            raise OutsideAway(type(error).__name__) from None
        finally:
            pool.close()
        if len(content) > LONGEST_ANSWER:
            raise OutsideAway("answer too long")
        return OutsideAnswer(response.status, content)


def _parts(address: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and target. Raises OutsideAway."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise OutsideAway("not an address") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise OutsideAway("not an address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target


def _resolve(host: str, port: int, *, private: bool) -> str:
    """The first address of ``host``, if all of them may be called. Raises OutsideAway."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutsideAway("name unknown") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not (private or all(map(is_public, addresses))):
        raise OutsideAway("address is private")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where it wraps an IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour
        if wrapped is None and found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return found.is_global and not found.is_multicast


def _pool(scheme: str, where: str, port: int, host: str) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(where, port, timeout=TIMEOUT, retries=False)
    return urllib3.HTTPSConnectionPool(
        where, port, timeout=TIMEOUT, retries=False, server_hostname=host, assert_hostname=host
    )


def _host_header(host: str, port: int, scheme: str) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port == {"https": 443, "http": 80}[scheme] else f"{named}:{port}"
