"""Every service in one process on SQLite: wiring only. Bus adapter, discovery and database URL differ, nothing else."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import click

from chassis import clock, log
from chassis.auth import PublicKeys, TokenVerifier
from chassis.background import Background
from chassis.discovery import Local, StaticDirectory, fetch_json
from chassis.embedded_bus import EmbeddedBus
from chassis.health import Health
from chassis.migrate import upgrade
from chassis.run import JWKS_PATH, at_exit
from chassis.service import Runtime, Service
from chassis.settings import Settings, SettingsError
from chassis.web import create_web
from gateway.app import create_gateway
from portal.__main__ import cookie_secret, is_secure
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
    backgrounds: list[Background]
    lock: IO[str]

    def stop(self, timeout_s: float) -> None:
        """Finish what is in hand; relays go last."""
        for background in self.backgrounds:
            background.stop(timeout_s)
        self.lock.close()


def start_platform(settings: Settings) -> Platform:
    """Bind, migrate, wire and start everything. Raises SettingsError when another process has the data folder."""
    log.configure("embedded", settings.log_level)
    clock.follow(settings.clock_file)
    lock = _own(settings.data_dir)
    bus, directory = EmbeddedBus(), StaticDirectory({})
    tokens = TokenVerifier(PublicKeys(lambda: fetch_json(directory.find("identity"), JWKS_PATH)), settings.issuer)
    backgrounds = []
    for service in SERVICES:
        service.database.bind(f"sqlite:///{settings.data_dir.resolve()}/{service.name}.sqlite")
        upgrade(service.database, service.migrations)
        runtime = Runtime(replace(settings, service=service.name), bus, directory, tokens, Health())
        backgrounds.append(Background(service, runtime, ALL_ROLES))
        service.setup(runtime)
        directory.add(service.name, Local(create_web(service, runtime)))
    directory.add("portal", Local(create_portal(directory, cookie_secret(settings), secure=is_secure(settings))))
    app = create_gateway(directory, tokens, Health())
    directory.add("gateway", Local(app))
    for background in backgrounds:
        background.start()
    return Platform(app, backgrounds, lock)


def load(settings: Settings) -> Any:
    """For the server's worker process: start, stop at its end, return the WSGI application."""
    try:
        platform = start_platform(settings)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    at_exit(lambda: platform.stop(settings.stop_timeout_s))
    return platform.app


def _own(folder: Path) -> IO[str]:
    """Hold the data folder: two processes on one folder would relay the same outbox."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise SettingsError(f"TONGBAN_DATA_DIR: {folder} is in use by another process") from error
    return lock
