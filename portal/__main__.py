"""Run the portal: ``python -m portal``."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import click

from chassis import clock, log
from chassis.discovery import announcement, open_directory
from chassis.keys import load_or_create_key, read_or_create
from chassis.run import serve, settings_or_exit, show_process
from chassis.settings import Settings
from portal.app import create_portal
from portal.relying_party import RelyingParty


@click.command(help="门户 (portal)")
def main() -> None:
    """Serve HTTP until SIGTERM. TONGBAN_SERVICES names the gateway."""
    settings = settings_or_exit("portal")
    log.configure("portal", settings.log_level)
    serve(lambda: _load(settings), settings, settings.http_address, announced=announcement(settings))


def _load(settings: Settings) -> Any:
    log.configure("portal", settings.log_level)
    show_process(settings, "web")
    clock.follow(settings.clock_file)
    directory = open_directory(settings)
    directory.follow(partial(log.follow_level, usual=settings.log_level))
    return create_portal(directory, cookie_secret(settings), relying_party(settings), secure=is_secure(settings))


def relying_party(settings: Settings) -> RelyingParty:
    """The portal to the provider, with a key that all its processes share."""
    key = load_or_create_key(settings.data_dir / "portal" / "client-key.pem")
    return RelyingParty(settings.public_url.rstrip("/"), settings.issuer, key)


def cookie_secret(settings: Settings) -> bytes:
    """The key that signs cookies; one for all processes of the portal."""
    return read_or_create(settings.data_dir / "portal" / "cookie-secret", lambda: secrets.token_bytes(32))


def is_secure(settings: Settings) -> bool:
    """Whether people reach the platform over TLS."""
    return settings.public_url.startswith("https:")


if __name__ == "__main__":
    main()
