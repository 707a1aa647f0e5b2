"""Events in: everything goes into the ledger; tasks and cases feed supervision; what is counted feeds the figures."""

from __future__ import annotations

from chassis.bus import Subscription
from contracts.case import CaseClosed, CaseDenied, CaseNotAccepted, CaseWithdrawn
from contracts.task import OpinionRecorded, OpinionRefused, TaskAssigned, TaskCancelled
from services.audit.domain.figures import COUNTED
from services.audit.domain.progress import AFTER
from services.audit.use_cases.append_events import append_events
from services.audit.use_cases.keep_figures import keep_figures
from services.audit.use_cases.watch_tasks import (
    end_case_clocks,
    end_task_clocks,
    flag_second_correction,
    start_clocks,
)

# Nobody waits for these: a checkpoint is signed every second, a clock is judged by the day, a figure may be a moment old.
LINGER_S = 0.2

LEDGER = Subscription(name="audit.ledger", everything=append_events, linger_s=LINGER_S)

SUPERVISION = Subscription(
    name="audit.supervision",
    linger_s=LINGER_S,
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

FIGURES = Subscription(
    name="audit.figures", linger_s=LINGER_S, handlers=dict.fromkeys((*AFTER, *COUNTED), keep_figures)
)
