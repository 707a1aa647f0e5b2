"""Events in: everything goes into the ledger; tasks and cases feed supervision; what is counted feeds the figures."""

from __future__ import annotations

from chassis.bus import Subscription
from contracts.case import (
    CaseAccepted,
    CaseClosed,
    CaseDeemedWithdrawn,
    CaseDenied,
    CaseExtensionRefused,
    CaseNotAccepted,
    CaseReckoned,
    CaseRevoked,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseTerminated,
    CaseWithdrawn,
)
from contracts.task import OpinionRecorded, OpinionRefused, TaskAssigned, TaskCancelled
from services.audit.domain.figures import COUNTED
from services.audit.domain.progress import AFTER
from services.audit.use_cases.append_events import append_events
from services.audit.use_cases.keep_figures import keep_figures
from services.audit.use_cases.watch_cases import (
    flag_extension,
    flag_silent_acceptance,
    follow_procedure,
    follow_procedure_end,
)
from services.audit.use_cases.watch_tasks import (
    end_case_clocks,
    end_task_clocks,
    flag_unlawful_opinions,
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
        CaseDeemedWithdrawn: end_case_clocks,
        CaseTerminated: end_case_clocks,
        CaseRevoked: end_case_clocks,
        CaseAccepted: flag_silent_acceptance,
        CaseSpecialProcedureStarted: follow_procedure,
        CaseReckoned: follow_procedure,
        CaseSpecialProcedureEnded: follow_procedure_end,
        CaseExtensionRefused: flag_extension,
        OpinionRefused: flag_unlawful_opinions,
    },
)

FIGURES = Subscription(
    name="audit.figures", linger_s=LINGER_S, handlers=dict.fromkeys((*AFTER, *COUNTED), keep_figures)
)
