"""发布: an approved draft becomes a version, in force at once or on its day."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.draft_store import draft_row, move_draft
from services.catalog.adapters.findings import findings_of
from services.catalog.domain.drafting import DraftState, require_move
from services.catalog.use_cases.publish_item import Publication, publish_item, require_no_problems


def publish_draft(tx: Tx, draft_id: str, *, today: date, why: str, by: str) -> Publication:
    """Publish what was approved, word for word. The event goes out now; the version is in force from its day on.

    Raises Refusal ``draft_not_found``, ``draft_state``, ``item_invalid`` (the rules may have changed since it was approved),
    ``effective_date_past``, and like ``publish_item``.
    """
    draft = draft_row(tx.connection, draft_id, sa.true(), lock=True)
    require_move(draft.state, DraftState.SCHEDULED)
    require_no_problems(findings_of(draft.definition))
    definition = definition_of(ItemDefinitionSchema().load(draft.definition))
    if definition.effective_from < today:
        raise Refusal(
            "effective_date_past",
            "生效日期已过，请退回修改 / the effective date is past; give the draft back to be changed",
            effective_from=definition.effective_from.isoformat(),
        )
    done = publish_item(tx, definition, by=by, recorded=False)
    to = DraftState.SCHEDULED if definition.effective_from > today else DraftState.PUBLISHED
    columns = {"version": done.version, "effective_from": definition.effective_from}
    move_draft(tx, draft, to, by=by, why=why, action=to.value, **columns)
    return done


def give_back(tx: Tx, draft_id: str, *, why: str, by: str) -> None:
    """退回 an approved draft to its authors. Raises Refusal ``draft_not_found`` or ``draft_state``."""
    draft = draft_row(tx.connection, draft_id, sa.true(), lock=True)
    move_draft(tx, draft, DraftState.DRAFT, by=by, why=why, action="returned", reviewer=None)
