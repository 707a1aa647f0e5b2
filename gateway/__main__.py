"""Run the gateway: ``python -m gateway --role web`` (HTTP) or ``--role bridge`` (AMQP for departments)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import click
import structlog

from chassis import log, stopping
from chassis.auth import TokenVerifier
from chassis.discovery import announcement, open_directory
from chassis.fetch import fetch_public
from chassis.health import Health
from chassis.keys import load_or_create_key
from chassis.public_keys import PublicKeys
from chassis.run import JWKS_PATH, at_exit, serve, settings_or_exit, show_process
from chassis.settings import PREFIX, Settings
from gateway.addresses import Addresses
from gateway.admission import Admission, watch_clients
from gateway.app import create_gateway
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import KEY_FILE, InternalTokens
from gateway.proxy import Proxy
from gateway.rules import DEFAULT_LIMITS, Rules, changed_rules, read_rules


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
    rules = rules_or_exit(settings)

    def load() -> Proxy:
        log.configure("gateway", settings.log_level)
        show_process(settings, "web")
        directory = open_directory(settings)
        keys = PublicKeys(lambda: fetch_public(directory, "identity", JWKS_PATH))
        ended = EndedSessions.of(directory)
        own_key = load_or_create_key(settings.data_dir / KEY_FILE)
        tokens = InternalTokens(TokenVerifier(keys, settings.issuer), own_key, ended)
        admission = Admission(directory, rules, settings.limits_url, settings.trusted_proxies)
        gateway = create_gateway(directory, tokens, Health(), admission=admission, log_level=settings.log_level)
        directory.follow(Changes(settings, admission, gateway).apply)
        stopping.on_closing(gateway.event_streams.end)
        at_exit(gateway.close)
        at_exit(gateway.api_keys.close)
        gateway.api_keys.loop.start()
        at_exit(ended.loop.stop)
        ended.loop.start()
        watch_clients(admission, settings)
        return gateway

    threads = replace(settings, web_threads=settings.gateway_threads + rules.bodies)
    serve(load, threads, settings.http_address, announced=announcement(settings), public=True)


def rules_or_exit(settings: Settings) -> Rules:
    """The gateway's rules, or exit status 2 with the sentence that says what is wrong."""
    try:
        Addresses(settings.trusted_proxies)
        return read_rules(settings.gateway, DEFAULT_LIMITS | dict(settings.limits), settings.gateway_threads)
    except ValueError as error:
        click.echo(f"设置有误 / settings are wrong: {PREFIX}GATEWAY, _LIMITS or _TRUSTED_PROXIES: {error}", err=True)
        sys.exit(2)


class Changes:
    """Applies settings that changed while the gateway runs."""

    def __init__(self, settings: Settings, admission: Admission, gateway: Proxy) -> None:
        self._settings, self._admission, self._gateway = settings, admission, gateway

    def apply(self, values: Mapping[str, str]) -> None:
        """Go by ``values``, and by the settings from the start where there is none. What makes no sense changes nothing."""
        settings = self._settings
        level = log.follow_level(values, settings.log_level)
        self._gateway.log_from(level)
        try:
            limits = DEFAULT_LIMITS | dict(settings.limits)
            rules = changed_rules(settings.gateway, limits, values, settings.gateway_threads)
        except ValueError as error:
            structlog.get_logger().error("settings_make_no_sense", error=str(error))
            return
        self._admission.apply(rules)


if __name__ == "__main__":
    main()
