"""What a service is, to the mechanism. Each ``services/<name>/service.py`` fills in one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_smorest import Blueprint

from chassis.auth import TokenVerifier
from chassis.bus import Bus, Subscription
from chassis.db import Database, Tx
from chassis.discovery import Directory
from chassis.health import Health
from chassis.settings import Settings
from contracts.envelope import Event


@dataclass
class Runtime:
    """What one process has. ``parts`` holds what a service's ``setup`` made, under ``<service>.<part>``."""

    settings: Settings
    bus: Bus
    directory: Directory
    tokens: TokenVerifier
    health: Health
    parts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """The clock in: ``run`` every ``every_s`` seconds. Must be safe to run in several processes at once."""

    name: str
    every_s: float
    run: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Service:
    """The table of contents of a service.

    ``gauges`` shows, now and then, what its metrics say of its database: it must cost the same however much is stored.
    ``tells`` lists every event it publishes; ``refusals`` maps refusal codes to HTTP status; ``setup`` runs once per
    process before anything is served.

    For backups: ``blobs`` is its folder in DATA_DIR of files that are named by their SHA-256 and never change.
    ``statement`` is kept beside the copy of its database for outsiders to hold it against. ``restored`` runs when its database
    has come back from a backup: what was done after it is forgotten here, and not by the world.
    """

    name: str
    title: str
    database: Database
    migrations: Path
    blueprints: Sequence[Blueprint]
    subscriptions: Sequence[Subscription] = ()
    jobs: Sequence[Job] = ()
    gauges: Callable[[sa.Connection], None] | None = None
    tells: Sequence[type[Event]] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)
    setup: Callable[[Runtime], None] = lambda _runtime: None
    blobs: str | None = None
    statement: Callable[[sa.Connection], str | None] = lambda _connection: None
    restored: Callable[[Tx], None] = lambda _tx: None
