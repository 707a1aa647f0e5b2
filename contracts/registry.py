"""Event type -> class, owner and privacy. Consumers see the newest major only: ``read`` upcasts."""

from __future__ import annotations

from typing import Any

import msgspec

from contracts import administration, appointment, case, item, item_v1, licence, person, sharing, supervision, task
from contracts.envelope import Envelope, Event
from contracts.upcasts import UPCASTS


class EventSpec(msgspec.Struct, frozen=True):
    """``owner`` is a service's name or ``department``. ``personal``: the payload names a person; the ledger keeps no copy."""

    event: type[Event]
    owner: str
    personal: bool = False


_SPECS = (
    EventSpec(person.PartyRegistered, "identity", personal=True),
    EventSpec(person.PartyChanged, "identity", personal=True),
    EventSpec(person.DepartmentRegistered, "identity"),
    EventSpec(administration.AdministrationActed, "identity"),
    EventSpec(item_v1.ItemPublishedV1, "catalog"),
    EventSpec(item.ItemPublished, "catalog"),
    EventSpec(item.ItemRetired, "catalog"),
    EventSpec(item.ItemSuspended, "catalog"),
    EventSpec(item.ItemResumed, "catalog"),
    EventSpec(item.PackagePublished, "catalog"),
    EventSpec(item.PackageRetired, "catalog"),
    EventSpec(sharing.ResourcePublished, "catalog"),
    EventSpec(sharing.ResourceWithdrawn, "catalog"),
    EventSpec(sharing.SharingRequested, "catalog"),
    EventSpec(sharing.SharingGranted, "catalog"),
    EventSpec(sharing.SharingRefused, "catalog"),
    EventSpec(sharing.SharingEnded, "catalog"),
    EventSpec(sharing.SharingOverdue, "catalog"),
    EventSpec(sharing.SharedDataUsed, "catalog"),
    EventSpec(case.CaseSubmitted, "workflow"),
    EventSpec(case.CaseAccepted, "workflow"),
    EventSpec(case.CaseNotAccepted, "workflow"),
    EventSpec(case.CaseCorrectionRequested, "workflow"),
    EventSpec(case.CaseCorrected, "workflow"),
    EventSpec(case.CaseApproved, "workflow", personal=True),
    EventSpec(case.CaseDenied, "workflow"),
    EventSpec(case.CaseWithdrawn, "workflow"),
    EventSpec(case.CaseClosed, "workflow"),
    EventSpec(case.CaseSpecialProcedureStarted, "workflow"),
    EventSpec(case.CaseSpecialProcedureEnded, "workflow"),
    EventSpec(case.CaseExtended, "workflow"),
    EventSpec(case.CaseReckoned, "workflow"),
    EventSpec(case.CaseExtensionRefused, "workflow"),
    EventSpec(case.CaseSupplemented, "workflow"),
    EventSpec(case.CaseDeemedWithdrawn, "workflow"),
    EventSpec(case.CaseRevoked, "workflow"),
    EventSpec(case.CaseTerminated, "workflow"),
    EventSpec(case.CaseDeliveryMoved, "workflow"),
    EventSpec(case.BundleDecided, "workflow"),
    EventSpec(appointment.AppointmentBooked, "workflow"),
    EventSpec(appointment.AppointmentCancelled, "workflow"),
    EventSpec(appointment.AppointmentDue, "workflow"),
    EventSpec(appointment.AppointmentAttended, "workflow"),
    EventSpec(task.TaskAssigned, "workflow", personal=True),
    EventSpec(task.TaskCancelled, "workflow"),
    EventSpec(task.TaskReassigned, "workflow"),
    EventSpec(task.TaskReceived, "department"),
    EventSpec(task.OpinionGivenV1, "department"),
    EventSpec(task.OpinionGiven, "department"),
    EventSpec(task.OpinionRecorded, "workflow"),
    EventSpec(task.OpinionRefused, "workflow"),
    EventSpec(licence.MaterialStored, "documents"),
    EventSpec(licence.LicenceIssued, "documents"),
    EventSpec(supervision.CardRaised, "audit"),
    EventSpec(supervision.CardRevoked, "audit"),
    EventSpec(supervision.RatingGiven, "audit"),
)

EVENTS: dict[str, EventSpec] = {spec.event.TYPE: spec for spec in _SPECS}
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(spec.event) for name, spec in EVENTS.items()
}


class UnknownEventType(ValueError):
    """No class is registered for this type and major version."""


def read(envelope: Envelope) -> Event:
    """The event inside ``envelope``, in its newest major version.

    Raises UnknownEventType, or msgspec.ValidationError when the data does not fit its schema. Unknown fields are ignored.
    """
    return decode(envelope.type, envelope.data)


def decode(event_type: str, data: bytes | msgspec.Raw) -> Event:
    """``read`` for data that has left its envelope."""
    decoder = _decoders.get(event_type)
    if decoder is None:
        raise UnknownEventType(event_type)
    event: Event = decoder.decode(data)
    while upcast := UPCASTS.get(type(event)):
        event = upcast(event)
    return event


def majors_of(event: type[Event]) -> tuple[str, ...]:
    """Every type on the wire that ends as ``event``: itself and the older majors that upcast to it."""
    family = event.TYPE.rsplit(".v", 1)[0]
    return tuple(name for name in EVENTS if name.rsplit(".v", 1)[0] == family)
