"""The outside providers of this process."""

from __future__ import annotations

from collections.abc import Mapping

from flask import current_app

from services.identity.adapters.outside_client import OutsideClient
from services.identity.adapters.outside_file import ConfiguredProvider
from services.identity.adapters.outside_web import Web

OUTSIDE = "identity.outside"


def make_providers(
    configured: Mapping[str, ConfiguredProvider], public_url: str, web: Web
) -> Mapping[str, OutsideClient]:
    """By id. Each answers at an address of its own (RFC 9700 §4.4.2.2)."""
    here = public_url.rstrip("/")
    return {name: OutsideClient(one, f"{here}/oauth2/outside/return/{name}", web) for name, one in configured.items()}


def providers() -> Mapping[str, OutsideClient]:
    """Those that somebody may come from, by id."""
    made: Mapping[str, OutsideClient] = current_app.extensions["tongban"].parts[OUTSIDE]
    return made
