"""弃稿: the applicant throws a draft away."""

from __future__ import annotations

from chassis.db import Tx
from contracts.rights import Caller
from services.workflow.adapters.drafts import discard_own_draft, draft_exists, draft_unknown


def discard_draft(tx: Tx, draft_id: str, caller: Caller) -> None:
    """Delete the draft; a repeat changes nothing. Raises Refusal ``draft_unknown`` for someone else's."""
    if not discard_own_draft(tx, draft_id, caller) and draft_exists(tx, draft_id):
        raise draft_unknown(draft_id)
