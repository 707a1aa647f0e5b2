"""暂存: keep what the applicant has written so far. Whether it is right is asked when it is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import Caller
from services.workflow.adapters.drafts import draft_row
from services.workflow.domain.application import require_printable
from services.workflow.models import drafts


@dataclass(frozen=True, kw_only=True)
class SaveDraft:
    """What the draft is to hold, all of it. ``version`` is the one that the writer had before them.

    ``choices`` None leaves what was chosen before.
    """

    draft_id: str
    version: int
    form: Mapping[str, Any]
    materials: Mapping[str, Any]
    step: str
    choices: Mapping[str, Any] | None = None


def save_draft(tx: Tx, command: SaveDraft, caller: Caller) -> None:
    """Replace the draft's content; a repeat changes nothing. Raises Refusal ``draft_unknown``, ``draft_changed`` or
    ``form_invalid``.
    """
    content: dict[str, Any] = {
        "form": dict(command.form),
        "materials": dict(command.materials),
        "step": command.step,
    }
    if command.choices is not None:
        content["choices"] = dict(command.choices)
    require_printable(content)
    row = draft_row(tx.connection, command.draft_id, caller, lock=True)
    saved = {name: row._mapping[name] for name in content}
    if row.version == command.version + 1 and saved == content:
        return
    if row.version != command.version:
        raise Refusal(
            "draft_changed",
            "草稿已在别处保存，请重新打开 / the draft was saved elsewhere meanwhile; open it again",
            draft_id=row.draft_id,
            current_version=row.version,
        )
    written = content | {"updated_at": tx.now, "version": row.version + 1}
    tx.execute(sa.update(drafts).where(drafts.c.draft_id == row.draft_id).values(written))
