"""Run the portal: ``python -m portal``."""

from __future__ import annotations

import secrets
from typing import Any

import click

from chassis import clock, log
from chassis.discovery import StaticDirectory
from chassis.keys import read_or_create
from chassis.run import serve, settings_or_exit
from chassis.settings import Settings
from portal.app import create_portal


@click.command(help="门户 (portal)")
def main() -> None:
    """Serve HTTP until SIGTERM. TONGBAN_SERVICES names the gateway."""
    settings = settings_or_exit("portal")
    log.configure("portal", settings.log_level)
    serve(lambda: _load(settings), settings, settings.http_address)


def _load(settings: Settings) -> Any:
    log.configure("portal", settings.log_level)
    clock.follow(settings.clock_file)
    return create_portal(StaticDirectory(settings.services), cookie_secret(settings), secure=is_secure(settings))


def cookie_secret(settings: Settings) -> bytes:
    """The key that signs cookies; one for all processes of the portal."""
    return read_or_create(settings.data_dir / "portal" / "cookie-secret", lambda: secrets.token_bytes(32))


def is_secure(settings: Settings) -> bool:
    """Whether people reach the platform over TLS."""
    return settings.public_url.startswith("https:")


if __name__ == "__main__":
    main()
