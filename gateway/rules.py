"""How much the door lets through. Given by settings and, while it runs, by keys of the same names in Consul."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from limits import RateLimitItem, parse

ADDRESS, ACCOUNT, CLIENT, TOKENS = "address", "account", "client", "tokens"
KEY_MINUTE, KEY_DAY = "key_minute", "key_day"
"""Quotas of an app on the open API: in its key and not in the settings."""
POLICIES = (ADDRESS, ACCOUNT, CLIENT, TOKENS)
DEFAULT_LIMITS = {ADDRESS: "3000/minute", ACCOUNT: "1200/minute", CLIENT: "60000/minute", TOKENS: "60/minute"}
BODIES_PER_THREAD = 4
GATEWAY_PREFIX, LIMITS_PREFIX = "gateway/", "limits/"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Numbers of one gateway process. ``limits``: policy -> so many requests in so long; a policy that is not there has none.

    ``in_flight`` stays below the number of request threads: what is left of them refuses quickly and answers operators.
    """

    in_flight: int = 48
    in_flight_per_service: int = 32  # less while the service is slow
    least_in_flight_per_service: int = 8
    in_flight_per_instance: int = 32
    streams: int = 32  # answers that may stay open
    bodies: int = 256  # requests that are still being received, each in a thread besides those that answer
    bodies_per_address: int = 16
    body_start_s: float = 10.0  # a body has so long, and longer for what has come of it
    body_bytes_per_s: float = 4096.0
    body_s: float = 900.0  # at most
    reader_s: float = 20.0  # in which a client takes something of what waits for it
    reader_bytes_per_s: float = 1024.0
    connections_per_address: int = 512
    ejection_failures: int = 5  # in a row
    ejection_s: float = 5.0  # the first time; twice as long each time after
    retry_percent: float = 20.0
    limits: Mapping[str, RateLimitItem] = field(default_factory=dict)


def read_rules(gateway: Mapping[str, str], limits: Mapping[str, str], threads: int = 64) -> Rules:
    """Rules from texts by name: ``in_flight=48``, ``address=3000/minute``; ``off`` is no limit. Raises ValueError."""
    kinds = {one.name: type(one.default) for one in fields(Rules) if one.name != "limits"}
    if unknown := [*(gateway.keys() - kinds.keys()), *(limits.keys() - set(POLICIES))]:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    shares = {
        "in_flight": threads * 3 // 4,
        "in_flight_per_service": threads // 2,
        "in_flight_per_instance": threads // 2,
        "streams": threads // 2,
        "bodies": threads * BODIES_PER_THREAD,
        "bodies_per_address": max(1, threads // 4),
    }
    numbers = shares | {name: _positive(kinds[name], name, text) for name, text in gateway.items()}
    return Rules(**numbers, limits={n: parse(text) for n, text in limits.items() if text != "off"})  # type: ignore[arg-type]


def changed_rules(
    gateway: Mapping[str, str], limits: Mapping[str, str], values: Mapping[str, str], threads: int
) -> Rules:
    """Rules from settings, where ``values`` (keys with their prefix) have the last word. Raises ValueError."""
    return read_rules(
        {**gateway, **_below(GATEWAY_PREFIX, values)}, {**limits, **_below(LIMITS_PREFIX, values)}, threads
    )


def _below(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): text.strip() for key, text in values.items() if key.startswith(prefix)}


def _positive(kind: type, name: str, text: str) -> float:
    number: float = kind(text)
    if number <= 0:
        raise ValueError(f"{name}: must be above 0")
    return number
