"""Run the gateway: ``python -m gateway --role web`` (HTTP) or ``--role bridge`` (AMQP for departments)."""

from __future__ import annotations

import click

from chassis import log
from chassis.auth import PublicKeys, TokenVerifier
from chassis.discovery import StaticDirectory, fetch_json
from chassis.health import Health
from chassis.run import JWKS_PATH, at_exit, serve, settings_or_exit
from gateway.app import create_gateway
from gateway.proxy import Proxy


@click.command(help="网关 (gateway)")
@click.option("--role", type=click.Choice(["web", "bridge"]), default="web", show_default=True)
def main(role: str) -> None:
    """Command line of ``python -m gateway``."""
    if role == "bridge":
        from gateway.bridge import main as bridge

        bridge()
    else:
        web()


def web() -> None:
    """Serve HTTP until SIGTERM."""
    settings = settings_or_exit("gateway")
    log.configure("gateway", settings.log_level)

    def load() -> Proxy:
        log.configure("gateway", settings.log_level)
        directory = StaticDirectory(settings.services)
        keys = PublicKeys(lambda: fetch_json(directory.find("identity"), JWKS_PATH))
        gateway = create_gateway(
            directory, TokenVerifier(keys, settings.issuer), Health(), log_level=settings.log_level
        )
        at_exit(gateway.close)
        return gateway

    serve(load, settings, settings.http_address)


if __name__ == "__main__":
    main()
