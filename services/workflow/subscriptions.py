"""Events in: type -> function."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery, Subscription, each
from chassis.db import Tx
from contracts.item import ItemPublished, ItemResumed, ItemRetired, ItemSuspended, PackagePublished, PackageRetired
from contracts.licence import LicenceIssued
from contracts.person import PartyRegistered
from contracts.task import OpinionGiven, TaskReceived
from services.workflow.adapters import items, packages
from services.workflow.adapters.parties import keep_parties
from services.workflow.use_cases.acknowledge_tasks import acknowledge_tasks
from services.workflow.use_cases.record_licence import record_licence
from services.workflow.use_cases.record_opinions import DEPARTMENT_SOURCE, record_opinions


def _item_published(tx: Tx, event: ItemPublished) -> None:
    items.keep_item(tx, event.item, event.effective_from)


def _package_published(tx: Tx, event: PackagePublished) -> None:
    packages.keep_package(tx, event.package, event.effective_from)


def _package_retired(tx: Tx, event: PackageRetired) -> None:
    packages.retire_package(tx, event.package_code, event.retired_on, event.reason)


def _item_retired(tx: Tx, event: ItemRetired) -> None:
    items.retire_item(tx, event.item_code, event.retired_on, event.reason)


def _items_suspended(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    for d in deliveries:
        items.suspend_item(tx, d.event.item_code, suspended=True, reason=d.event.reason, told_at=d.envelope.time)


def _items_resumed(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    for d in deliveries:
        items.suspend_item(tx, d.event.item_code, suspended=False, reason="", told_at=d.envelope.time)


def _tasks_received(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    acknowledge_tasks(tx, {(d.event.task_id, d.envelope.source.removeprefix(DEPARTMENT_SOURCE)) for d in deliveries})


SUBSCRIPTIONS = (
    Subscription(
        "workflow.items",
        {
            ItemPublished: each(_item_published),
            ItemRetired: each(_item_retired),
            ItemSuspended: _items_suspended,
            ItemResumed: _items_resumed,
            PackagePublished: each(_package_published),
            PackageRetired: each(_package_retired),
        },
    ),
    Subscription("workflow.opinions", {OpinionGiven: record_opinions, TaskReceived: _tasks_received}),
    Subscription("workflow.parties", {PartyRegistered: keep_parties}, linger_s=0.2),
    Subscription("workflow.licences", {LicenceIssued: each(record_licence)}),
)
