"""Reads. A reader is a connection or an open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import Item, MaterialRule
from services.documents.adapters.holder_keys import HolderKeys
from services.documents.adapters.rights import readable_licences, readable_materials
from services.documents.domain.holder import Holder
from services.documents.models import holders, items, licences, materials

Reader = Connection | Tx

_item = msgspec.json.Decoder(Item)
_decoded = lru_cache(maxsize=64)(_item.decode)  # a version's words never change
_IN_FORCE = (
    sa.select(items.c.definition)
    .where(items.c.item_code == sa.bindparam("item_code"), items.c.effective_from <= sa.bindparam("today"))
    .order_by(items.c.version.desc())
)


class NotHereYet(Exception):
    """Another service's fact has not arrived; the message that needs it is tried again."""


def rule_for(reader: Reader, item_code: str, material_code: str, today: date) -> MaterialRule:
    """The rule for one material: from the newest version in force, or an older one for cases that run on it.

    Raises Refusal ``item_unknown`` or ``material_not_in_guide``.
    """
    versions = reader.execute(_IN_FORCE, {"item_code": item_code, "today": today}).scalars()
    known = False
    for definition in versions:
        known = True
        for rule in _decoded(definition).materials:
            if rule.code == material_code:
                return rule
    if not known:
        raise Refusal("item_unknown", "没有这个事项 / no such item", item_code=item_code)
    raise Refusal(
        "material_not_in_guide",
        "办事指南未要求此材料 / the guide does not ask for this material",
        item_code=item_code,
        material_code=material_code,
    )


def item_version(reader: Reader, item_code: str, version: int) -> Item:
    """One version of an item. Raises NotHereYet."""
    mine = sa.and_(items.c.item_code == item_code, items.c.version == version)
    definition = reader.execute(sa.select(items.c.definition).where(mine)).scalar_one_or_none()
    if definition is None:
        raise NotHereYet(f"item {item_code} version {version}")
    return _decoded(definition)


def holder_of(reader: Reader, keys: HolderKeys, party_id: str) -> Holder:
    """Who a licence is for, with the number opened. Raises NotHereYet."""
    row = reader.execute(sa.select(holders).where(holders.c.party_id == party_id)).one_or_none()
    if row is None:
        raise NotHereYet(f"party {party_id}")
    return Holder(party_id=row.party_id, name=row.name, code_type=row.code_type, code=keys.open(row))


def readable_material(reader: Reader, material_id: str, caller: Principal) -> Any:
    """The row of a material that ``caller`` may read.

    Raises Refusal ``material_unknown``, the same whether it does not exist or is not for them.
    """
    mine = sa.select(materials).where(materials.c.material_id == material_id, readable_materials(caller))
    row = reader.execute(mine).one_or_none()
    if row is None:
        raise Refusal("material_unknown", "没有这个材料 / no such material", material_id=material_id)
    return row


def licence(reader: Reader, licence_no: str) -> Any:
    """The row of a licence. Raises Refusal ``licence_unknown``."""
    row = reader.execute(sa.select(licences).where(licences.c.licence_no == licence_no)).one_or_none()
    if row is None:
        raise Refusal("licence_unknown", "没有这个证照 / no such licence", licence_no=licence_no)
    return row


def readable_licence(reader: Reader, licence_no: str, caller: Principal) -> Any:
    """The row of a licence that ``caller`` may download. Raises Refusal ``licence_unknown``."""
    mine = sa.select(licences).where(licences.c.licence_no == licence_no, readable_licences(caller))
    row = reader.execute(mine).one_or_none()
    if row is None:
        raise Refusal("licence_unknown", "没有这个证照 / no such licence", licence_no=licence_no)
    return row


def licence_with_bytes(reader: Reader, sha256: str) -> Any | None:
    """The row of the licence whose signed PDF has this hash, or None."""
    return reader.execute(sa.select(licences).where(licences.c.sha256 == sha256)).one_or_none()


def licences_of(reader: Reader, caller: Principal, *, after: str | None, limit: int) -> Sequence[Any]:
    """The caller's licences, newest first, those that follow ``after`` (a licence number) in that order."""
    mine = readable_licences(caller)
    wanted = sa.select(licences).where(mine)
    if after is not None:
        last = sa.select(licences.c.issued_at).where(mine, licences.c.licence_no == after).scalar_subquery()
        same_moment = sa.and_(licences.c.issued_at == last, licences.c.licence_no < after)
        wanted = wanted.where(sa.or_(licences.c.issued_at < last, same_moment))
    newest_first = (licences.c.issued_at.desc(), licences.c.licence_no.desc())
    return reader.execute(wanted.order_by(*newest_first).limit(limit)).fetchall()
