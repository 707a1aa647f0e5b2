"""Events in: type -> function."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery, Subscription, each
from chassis.db import Tx
from contracts.item import ItemPublished, ItemRetired
from contracts.licence import LicenceIssued
from contracts.task import OpinionGiven, TaskReceived
from services.workflow.adapters import items
from services.workflow.use_cases.acknowledge_tasks import acknowledge_tasks
from services.workflow.use_cases.record_licence import record_licence
from services.workflow.use_cases.record_opinions import DEPARTMENT_SOURCE, record_opinions


def _item_published(tx: Tx, event: ItemPublished) -> None:
    items.keep_item(tx, event.item, event.effective_from)


def _item_retired(tx: Tx, event: ItemRetired) -> None:
    items.retire_item(tx, event.item_code, event.retired_on, event.reason)


def _tasks_received(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    acknowledge_tasks(tx, {(d.event.task_id, d.envelope.source.removeprefix(DEPARTMENT_SOURCE)) for d in deliveries})


SUBSCRIPTIONS = (
    Subscription("workflow.items", {ItemPublished: each(_item_published), ItemRetired: each(_item_retired)}),
    Subscription("workflow.opinions", {OpinionGiven: record_opinions, TaskReceived: _tasks_received}),
    Subscription("workflow.licences", {LicenceIssued: each(record_licence)}),
)
