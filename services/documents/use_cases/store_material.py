"""Store a material: content-addressed, so that the same upload again gives the same material."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from contracts.licence import MaterialStored
from services.documents.models import materials


def store_material(
    tx: Tx,
    *,
    owner_id: str,
    item_code: str,
    code: str,
    media_type: str,
    size_bytes: int,
    sha256: str,
    stored_by: str | None = None,
    agent_name: str | None = None,
) -> Any:
    """The material's row; new, or the one that the owner stored before with these bytes. The blob is already kept.

    ``stored_by`` is the account that really hands it in, ``agent_name`` its person when it acts for the owner.
    """
    content = {"owner_id": owner_id, "item_code": item_code, "code": code, "sha256": sha256}
    row = content | {
        "material_id": str(uuid_utils.uuid7()),
        "media_type": media_type,
        "size_bytes": size_bytes,
        "stored_at": tx.now,
        "stored_by": stored_by,
        "agent_name": agent_name,
    }
    if new := tx.insert_new(materials, [row], list(materials.c)):
        tx.tell(
            MaterialStored(
                material_id=str(row["material_id"]),
                owner_id=owner_id,
                code=code,
                media_type=media_type,
                size_bytes=size_bytes,
                sha256=sha256,
                stored_by=stored_by,
            )
        )
        return new[0]
    return tx.execute(sa.select(materials).filter_by(**content)).one()
