"""What an account's owner knows again of a sign-in: the device, roughly, and the network that it came from."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta

KEPT = timedelta(days=180)
"""A device or network that was not seen for so long is news again."""

_IPV4_BITS, _IPV6_BITS = 24, 48
_VERSION = re.compile(r"[0-9]+(?:[._][0-9]+)*")
# The first that is found: Edge says Chrome, Chrome says Safari, and everybody says Mozilla.
_BROWSERS = (
    ("MicroMessenger", "微信 WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def device_of(agent: str) -> str:
    """The User-Agent without its versions, which change by themselves."""
    return _VERSION.sub("", agent)[:300]


def network_of(address: str) -> str:
    """The neighbourhood of an address, /24 or /48; text that is no address is its own."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return address.strip()[:64]
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    bits = _IPV4_BITS if parsed.version == 4 else _IPV6_BITS
    return str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False))


def called(agent: str) -> str:
    """How people call it: ``Firefox, Windows``; a dash for what nobody would recognise."""
    found = [_first(agent, _BROWSERS), _first(agent, _SYSTEMS)]
    return ", ".join(name for name in found if name) or "—"


def _first(agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for sign, name in names if sign in agent), "")
