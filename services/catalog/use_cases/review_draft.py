"""审核: a second person looks at a draft, and lets it pass or gives it back."""

from __future__ import annotations

from datetime import date

from chassis.db import Tx
from contracts.rights import Caller
from services.catalog.adapters.draft_store import draft_row, move_draft, own_drafts
from services.catalog.domain.drafting import DraftState, require_second_person
from services.catalog.queries.checks import stored_findings
from services.catalog.use_cases.publish_item import require_no_problems
from services.catalog.use_cases.write_draft import require_revision


def submit_draft(tx: Tx, draft_id: str, *, revision: int, today: date, why: str, caller: Caller) -> None:
    """送审: nothing may keep it from being published. Raises Refusal ``draft_not_found``, ``draft_changed``, ``draft_state`` or
    ``item_invalid`` with every problem.
    """
    draft = draft_row(tx.connection, draft_id, own_drafts(caller), lock=True)
    require_revision(draft, revision)
    require_no_problems(stored_findings(tx.connection, today, draft.definition))
    move_draft(tx, draft, DraftState.IN_REVIEW, by=caller.subject, why=why, action="submitted")


def review_draft(tx: Tx, draft_id: str, *, approve: bool, revision: int, why: str, caller: Caller) -> None:
    """通过 or 退回. Raises Refusal ``draft_not_found``, ``draft_changed``, ``review_of_own_draft`` or ``draft_state``."""
    draft = draft_row(tx.connection, draft_id, own_drafts(caller), lock=True)
    require_second_person(draft.authors, caller.subject)
    require_revision(draft, revision)
    to, action = (DraftState.APPROVED, "approved") if approve else (DraftState.DRAFT, "returned")
    move_draft(tx, draft, to, by=caller.subject, why=why, action=action, reviewer=caller.subject if approve else None)
