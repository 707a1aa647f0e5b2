"""Every service in one process on SQLite: wiring only. Bus adapter, discovery and database URL differ, nothing else."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import click

from chassis import clock, log
from chassis.auth import INTERNAL_KEYS_PATH, TokenVerifier, internal_tokens
from chassis.background import Background
from chassis.bus import Bus
from chassis.discovery import Directory, Local, StaticDirectory
from chassis.embedded_bus import EmbeddedBus
from chassis.fetch import fetch_public
from chassis.health import Health
from chassis.keys import load_or_create_key
from chassis.loops import Loop
from chassis.migrate import upgrade
from chassis.public_keys import PublicKeys
from chassis.run import JWKS_PATH, at_exit, show_process
from chassis.service import Runtime, Service
from chassis.settings import Settings, SettingsError
from chassis.web import create_web
from gateway.admission import Admission, watch_clients
from gateway.app import create_gateway
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import KEY_FILE, InternalTokens
from gateway.rules import read_rules
from portal.__main__ import cookie_secret, is_secure, relying_party
from portal.app import create_portal
from services.audit.service import SERVICE as AUDIT
from services.catalog.service import SERVICE as CATALOG
from services.documents.service import SERVICE as DOCUMENTS
from services.identity.service import SERVICE as IDENTITY
from services.workflow.service import SERVICE as WORKFLOW

SERVICES: Sequence[Service] = (IDENTITY, CATALOG, WORKFLOW, DOCUMENTS, AUDIT)
ALL_ROLES = frozenset({"web", "worker", "jobs"})


@dataclass
class Platform:
    """The running platform: the gateway's WSGI application and the threads behind it."""

    app: Any
    admission: Admission
    backgrounds: list[Background]
    ended: Loop
    lock: IO[str]

    def start(self) -> None:
        """Start every thread."""
        for background in self.backgrounds:
            background.start()
        self.ended.start()
        self.app.api_keys.loop.start()

    def stop(self, timeout_s: float) -> None:
        """Finish what is in hand; relays go last."""
        self.ended.stop()
        self.app.api_keys.close()
        for background in self.backgrounds:
            background.stop(timeout_s)
        self.lock.close()


def start_platform(settings: Settings) -> Platform:
    """Bind, migrate, wire and start everything. Raises SettingsError when another process has the data folder."""
    platform = wire_platform(settings)
    platform.start()
    return platform


def wire_platform(
    settings: Settings,
    *,
    bus_of: Callable[[str], Bus] | None = None,
    database_url_of: Callable[[str], str] | None = None,
) -> Platform:
    """Everything but the threads: ``start`` starts them. ``bus_of`` and ``database_url_of`` a service's name: where all
    services share this process, yet not its bus and its files.
    """
    log.configure("embedded", settings.log_level)
    clock.follow(settings.clock_file)
    lock = _own(settings.data_dir)
    shared, directory = EmbeddedBus(), StaticDirectory({})
    access = TokenVerifier(PublicKeys(lambda: fetch_public(directory, "identity", JWKS_PATH)), settings.issuer)
    ended = EndedSessions.of(directory)
    tokens = InternalTokens(access, load_or_create_key(settings.data_dir / KEY_FILE), ended)
    gateway_keys = PublicKeys(lambda: fetch_public(directory, "gateway", INTERNAL_KEYS_PATH))
    backgrounds = []
    for service in SERVICES:
        file = f"sqlite:///{settings.data_dir.resolve()}/{service.name}.sqlite"
        service.database.bind(file if database_url_of is None else database_url_of(service.name))
        upgrade(service.database, service.migrations)
        verifier = internal_tokens(gateway_keys, service.name)
        bus = shared if bus_of is None else bus_of(service.name)
        runtime = Runtime(replace(settings, service=service.name), bus, directory, verifier, Health())
        backgrounds.append(Background(service, runtime, ALL_ROLES))
        service.setup(runtime)
        directory.add(service.name, Local(create_web(service, runtime)))
    portal = create_portal(directory, cookie_secret(settings), relying_party(settings), secure=is_secure(settings))
    directory.add("portal", Local(portal))
    admission = _admission(directory, settings)
    app = create_gateway(directory, tokens, Health(), admission=admission)
    directory.add("gateway", Local(app))
    return Platform(app, admission, backgrounds, ended.loop, lock)


def load(settings: Settings) -> Any:
    """For the server's worker process: start, stop at its end, return the WSGI application."""
    show_process(settings, "all")
    try:
        platform = start_platform(settings)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    at_exit(lambda: platform.stop(settings.stop_timeout_s))
    watch_clients(platform.admission, settings)
    return platform.app


def _admission(directory: Directory, settings: Settings) -> Admission:
    """No limits but those that are set: whoever tries the platform out is alone with it. Half of the threads receive bodies."""
    try:
        rules = read_rules({"bodies": str(settings.web_threads), **settings.gateway}, settings.limits)
        return Admission(directory, rules, settings.limits_url, settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"TONGBAN_GATEWAY, _LIMITS or _TRUSTED_PROXIES: {error}") from error


def _own(folder: Path) -> IO[str]:
    """Hold the data folder: two processes on one folder would relay the same outbox."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SettingsError(f"TONGBAN_DATA_DIR: {folder} is in use by another process") from error
    return lock
