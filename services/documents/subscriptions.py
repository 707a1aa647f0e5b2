"""Events in: type -> function. Printing a licence takes its time, so it has a queue of its own."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.bus import Delivery, Subscription, each
from chassis.db import Tx
from contracts.case import CaseApproved, CaseRevoked
from contracts.item import ItemPublished
from contracts.person import PartyChanged, PartyRegistered
from contracts.task import TaskAssigned
from services.documents.use_cases.grant_materials import grant_materials
from services.documents.use_cases.issue_licence import issue_licence
from services.documents.use_cases.keep_copies import change_holder, keep_holders, keep_item
from services.documents.use_cases.revoke_licence import revoke_licence


def _serial_order(delivery: Delivery) -> tuple[str, str, str]:
    event: CaseApproved = delivery.event
    return (event.licence.issuer_uscc, event.licence.type_code, event.case_no)


def _issue_licences(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """Serial rows are locked in one order in every process, so that two batches never wait for each other."""
    each(issue_licence)(tx, sorted(deliveries, key=_serial_order))


SUBSCRIPTIONS = (
    Subscription(
        "documents.copies",
        {
            ItemPublished: each(keep_item),
            PartyRegistered: keep_holders,
            PartyChanged: each(change_holder),
            TaskAssigned: grant_materials,
        },
    ),
    Subscription("documents.licences", {CaseApproved: _issue_licences, CaseRevoked: each(revoke_licence)}),
)
