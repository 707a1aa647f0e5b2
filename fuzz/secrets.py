"""Canaries: what stands in the directory of the demonstration and may never come out through the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ITEMS = Path("catalogs/items")


def canaries(directory: Mapping[str, Any]) -> frozenset[str]:
    """Identity numbers, passwords and secrets. A number that a published form shows as its example is none."""
    published = "".join(file.read_text(encoding="utf-8") for file in ITEMS.glob("*.yaml"))
    numbers = (person["identity_number"] for person in directory["people"])
    passwords = (account["password"] for account in directory["accounts"])
    secrets = (client["client_secret"] for client in directory["clients"] if "client_secret" in client)
    return frozenset((*(number for number in numbers if number not in published), *passwords, *secrets))


def leaked(canaries: Iterable[str], answer: bytes, request: Any) -> list[str]:
    """Those that stand in the answer; what the caller said itself in its ``requests`` request does not count."""
    text = answer.decode(errors="replace")
    out = [one for one in canaries if one in text]
    return [one for one in out if one not in f"{request.url} {request.body!r} {request.headers}"]
