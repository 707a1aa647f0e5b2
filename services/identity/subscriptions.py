"""Events in: what people are told of their cases, and which parties have a case that runs."""

from __future__ import annotations

from chassis.bus import Subscription
from contracts.appointment import AppointmentCancelled, AppointmentDue
from contracts.case import CaseClosed, CaseDenied, CaseNotAccepted, CaseSubmitted, CaseWithdrawn
from contracts.supervision import CardRaised
from services.identity.use_cases.follow_cases import begin_cases, end_cases
from services.identity.use_cases.note_events import HEARD, note_appointments, note_cards, note_case_events

LINGER_S = 0.5  # nobody waits for that, so a batch may gather

SUBSCRIPTIONS = (
    Subscription(
        "identity.cases",
        {
            CaseSubmitted: begin_cases,
            **dict.fromkeys((CaseClosed, CaseDenied, CaseNotAccepted, CaseWithdrawn), end_cases),
        },
        linger_s=LINGER_S,
    ),
    Subscription(
        "identity.messages",
        {
            **dict.fromkeys(HEARD, note_case_events),
            **dict.fromkeys((AppointmentDue, AppointmentCancelled), note_appointments),
            CardRaised: note_cards,
        },
    ),
)
