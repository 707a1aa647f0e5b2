"""The shipped school bus item and the events around one of its cases, for parts that measure one service alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import uuid_utils

from chassis.auth import TokenVerifier
from chassis.discovery import StaticDirectory
from chassis.embedded_bus import EmbeddedBus
from chassis.health import Health
from chassis.inbox import Inbox
from chassis.migrate import upgrade
from chassis.public_keys import PublicKeys
from chassis.service import Runtime, Service
from chassis.settings import load_settings
from contracts.case import CaseApproved
from contracts.envelope import Event, encode, seal
from contracts.item import Item
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.domain.definition import to_item

HOLDER = "o-1"


def school_bus_item() -> Item:
    """The item as the catalogue publishes it."""
    return to_item(read_entry(Path("catalogs/items/school-bus-permit.yaml")).definition, 1)


def set_up(service: Service, database_url: str, folder: Path) -> None:
    """Bind, migrate and set up ``service`` in this process, as its worker role would."""
    service.database.bind(database_url)
    upgrade(service.database, service.migrations)
    settings = replace(load_settings(service.name), data_dir=folder)
    tokens = TokenVerifier(PublicKeys(lambda: {"keys": []}), settings.issuer)
    service.setup(Runtime(settings, EmbeddedBus(), StaticDirectory({}), tokens, Health()))


def inbox_of(service: Service, subscription: str) -> Inbox:
    """The consuming side of one of the service's subscriptions."""
    [mine] = [s for s in service.subscriptions if s.name == subscription]
    return Inbox(service.database, mine, retry_limit=1)


def message(event: Event, source: str, caseseq: int | None = None) -> bytes:
    """An event as it arrives."""
    now = datetime.now(UTC)
    return encode(seal(event, event_id=str(uuid_utils.uuid7()), source=source, time=now, caseseq=caseseq))


def decisions(item: Item) -> Callable[[], CaseApproved]:
    """Makes approvals, each of another case."""
    form = item.form_schema["examples"][0]
    facts = {name: form[name] for name in item.result.printed_fields if name in form}

    def make() -> CaseApproved:
        return CaseApproved(
            case_no=str(uuid_utils.uuid7()),
            item_code=item.item_code,
            item_version=item.version,
            item_name=item.name,
            applicant_id=HOLDER,
            decided_by="county_government",
            decided_on=date(2026, 11, 2),
            licence=item.result,
            facts=facts,
        )

    return make
