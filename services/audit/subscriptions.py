"""Events in: everything goes into the ledger; tasks and cases feed supervision."""

from __future__ import annotations

from chassis.bus import Subscription
from contracts.case import CaseClosed, CaseDenied, CaseNotAccepted, CaseWithdrawn
from contracts.task import OpinionRecorded, OpinionRefused, TaskAssigned, TaskCancelled
from services.audit.use_cases.append_events import append_events
from services.audit.use_cases.watch_tasks import (
    end_case_clocks,
    end_task_clocks,
    flag_second_correction,
    start_clocks,
)

LEDGER = Subscription(name="audit.ledger", everything=append_events)

SUPERVISION = Subscription(
    name="audit.supervision",
    handlers={
        TaskAssigned: start_clocks,
        OpinionRecorded: end_task_clocks,
        TaskCancelled: end_task_clocks,
        CaseWithdrawn: end_case_clocks,
        CaseNotAccepted: end_case_clocks,
        CaseDenied: end_case_clocks,
        CaseClosed: end_case_clocks,
        OpinionRefused: flag_second_correction,
    },
)
