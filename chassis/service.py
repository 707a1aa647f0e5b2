"""What a service is, to the mechanism. Each ``services/<name>/service.py`` fills in one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask_smorest import Blueprint

from chassis.auth import TokenVerifier
from chassis.bus import Bus, Subscription
from chassis.db import Database
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

    ``tells`` lists every event it publishes; ``refusals`` maps refusal codes to HTTP status; ``setup`` runs once per
    process before anything is served.
    """

    name: str
    title: str
    database: Database
    migrations: Path
    blueprints: Sequence[Blueprint]
    subscriptions: Sequence[Subscription] = ()
    jobs: Sequence[Job] = ()
    tells: Sequence[type[Event]] = ()
    refusals: Mapping[str, int] = field(default_factory=dict)
    setup: Callable[[Runtime], None] = lambda _runtime: None
