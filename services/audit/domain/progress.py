"""Where a case stands, from its events in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.case import (
    CaseAccepted,
    CaseApproved,
    CaseClosed,
    CaseCorrected,
    CaseCorrectionRequested,
    CaseDeemedWithdrawn,
    CaseDenied,
    CaseNotAccepted,
    CaseRevoked,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseSubmitted,
    CaseTerminated,
    CaseWithdrawn,
)
from contracts.envelope import Event, subject_of

OPEN_STATES = ("received", "awaiting_correction", "under_examination", "special_procedure", "approved")
CORRECTED = "corrected"

# None: the case has ended. A corrected case is again where it was, which depends on whether it had been accepted.
AFTER: dict[type[Event], str | None] = {
    CaseSubmitted: "received",
    CaseAccepted: "under_examination",
    CaseCorrectionRequested: "awaiting_correction",
    CaseCorrected: CORRECTED,
    CaseSpecialProcedureStarted: "special_procedure",
    CaseSpecialProcedureEnded: "under_examination",
    CaseApproved: "approved",
    CaseDeemedWithdrawn: None,
    CaseTerminated: None,
    CaseRevoked: None,
    CaseNotAccepted: None,
    CaseDenied: None,
    CaseWithdrawn: None,
    CaseClosed: None,
}


@dataclass(frozen=True)
class Progress:
    """What the newest event known of a case left behind, and whether the case is known to have been accepted."""

    caseseq: int
    state: str | None
    accepted: bool


def progress_of(told: Iterable[tuple[Event, int]]) -> dict[str, Progress]:
    """Case number -> what its events, each with its place in the case's order, say together."""
    found: dict[str, Progress] = {}
    for event, caseseq in told:
        case_no = subject_of(event) or ""
        news = Progress(caseseq, AFTER[type(event)], isinstance(event, CaseAccepted))
        known = found.get(case_no, news)
        newest = news if news.caseseq > known.caseseq else known
        found[case_no] = Progress(newest.caseseq, newest.state, known.accepted or news.accepted)
    return found


def state_shown(state: str, *, accepted: bool) -> str:
    """The state that an open case is in."""
    if state != CORRECTED:
        return state
    return "under_examination" if accepted else "received"
