"""Who tells and who hears: read from each service's table of contents and from the departments' door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import services
from chassis.bus import Subscription
from chassis.service import Service
from contracts.registry import EVENTS, majors_of
from gateway.bridge import FAMILIES

DEPARTMENT = "department"


@dataclass(frozen=True)
class Party:
    """A service or the department systems. ``hears`` maps an event type to the queue it arrives on."""

    name: str
    title: str
    tells: tuple[str, ...]
    hears: dict[str, str]
    everything: str | None = None


def all_services() -> list[Service]:
    """Every service of the house, by name."""
    folders = sorted(path.parent.name for path in Path(services.__path__[0]).glob("*/service.py"))
    return [import_module(f"services.{name}.service").SERVICE for name in folders]


def all_parties() -> list[Party]:
    """Every service, then the department systems."""
    return [*(_party(service) for service in all_services()), departments()]


def departments() -> Party:
    """What department systems may tell is what they own; they hear what the bridge hands in."""
    tells = tuple(name for name, spec in EVENTS.items() if spec.owner == DEPARTMENT)
    hears = {name: "d.<code>" for name in EVENTS if name.rpartition(".v")[0] in FAMILIES}
    return Party(DEPARTMENT, "部门系统 / Department systems", tells, hears)


def _party(service: Service) -> Party:
    tells = tuple(name for event in service.tells for name in majors_of(event))
    hears = {name: subscription.name for subscription in service.subscriptions for name in _handled_types(subscription)}
    ledger = next((s.name for s in service.subscriptions if s.everything is not None), None)
    return Party(service.name, service.title, tells, hears, ledger)


def _handled_types(subscription: Subscription) -> Sequence[str]:
    return [name for event in subscription.handlers for name in majors_of(event)]
