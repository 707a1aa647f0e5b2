"""The table of rights (contracts/rights.py) over rows of materials and licences."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from chassis.rights import Field, clause, one_of
from contracts.rights import Caller, needs
from services.documents.models import licences, material_grants, materials


def _granted_to(departments: frozenset[str]) -> sa.ColumnElement[bool]:
    """A department with a task that lists the material."""
    mine = material_grants.c.department.in_(sorted(departments))
    return sa.exists().where(material_grants.c.material_id == materials.c.material_id, mine)


_MATERIAL: Mapping[str, Field] = {
    "party": one_of(materials.c.owner_id),
    "item": one_of(materials.c.item_code),
    "departments": _granted_to,
}
_LICENCE: Mapping[str, Field] = {"party": one_of(licences.c.holder_id), "item": one_of(licences.c.item_code)}


def readable_materials(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the materials that ``caller`` may read."""
    return clause(needs(caller, "materials:read"), _MATERIAL)


def readable_licences(caller: Caller) -> sa.ColumnElement[bool]:
    """WHERE clause of the licences that ``caller`` may list and download."""
    return clause(needs(caller, "licences:read"), _LICENCE)
