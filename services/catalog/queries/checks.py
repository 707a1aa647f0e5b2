"""All that is to be said of a written definition, with what is stored: departments, standards, results of other items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import marshmallow as ma
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.findings import all_findings, problems_of
from services.catalog.domain.definition import ItemDefinition, basis_line, departments_of
from services.catalog.domain.problems import Problem
from services.catalog.domain.proofs import Proof, asked_for, produced_by
from services.catalog.models import basic_codes, items
from services.catalog.queries import known_departments
from services.catalog.queries.versions import basic_code_of, results_named


def stored_findings(connection: Connection, today: date, document: Mapping[str, Any]) -> list[Problem]:
    """Problems and advice for ``document``, whatever it is."""
    try:
        definition = definition_of(ItemDefinitionSchema().load(document))
    except ma.ValidationError as error:
        return problems_of(error)
    return [
        *all_findings(definition),
        *_departments(connection, definition),
        *_standard(connection, definition),
        *_former_code(connection, definition),
        *_proofs(connection, today, document),
    ]


def proofs_for(connection: Connection, today: date, document: Mapping[str, Any]) -> dict[str, list[Proof]]:
    """Material code -> items in force that yield it, of other items than this."""
    materials = document.get("materials", [])
    rows = results_named(connection, today, *asked_for(materials))
    proofs = [Proof(**row._mapping) for row in rows if row.item_code != document.get("item_code")]
    found = {str(material["code"]): produced_by(material, proofs) for material in materials}
    return {code: items for code, items in found.items() if items}


def standard_conflict(connection: Connection, definition: ItemDefinition) -> sa.Row[Any] | None:
    """The standard of the basic code if others follow it and ``definition`` does not."""
    stored = connection.execute(sa.select(basic_codes).where(basic_codes.c.basic_code == definition.basic_code)).first()
    if stored is None or (stored.name, stored.item_type, stored.basis) == (
        definition.name,
        definition.item_type,
        basis_line(definition),
    ):
        return None
    others = sa.select(items.c.item_code).where(
        items.c.basic_code == definition.basic_code, items.c.item_code != definition.item_code
    )
    return stored if connection.execute(others).first() is not None else None


def _departments(connection: Connection, definition: ItemDefinition) -> Iterator[Problem]:
    needed = departments_of(definition)
    for code in sorted(needed - known_departments(connection, needed)):
        yield Problem("department_unknown", "plan", f"部门 {code} 尚未登记 / department {code} is not registered")


def _standard(connection: Connection, definition: ItemDefinition) -> Iterator[Problem]:
    stored = standard_conflict(connection, definition)
    if stored is not None:
        yield Problem(
            "basic_code_conflict",
            "basic_code",
            f"同一基本编码的事项应为“{stored.name}”（{stored.item_type}），依据：{stored.basis} / "
            "items with this basic code share name, type and legal basis",
        )


def _former_code(connection: Connection, definition: ItemDefinition) -> Iterator[Problem]:
    former = definition.former_basic_code
    current = basic_code_of(connection, former) if former else None
    if current not in (None, definition.basic_code):
        yield Problem(
            "former_code_conflict",
            "former_basic_code",
            f"该2016年版编码已对应 {current} / this code of the 2016 generation stands for {current}",
        )


def _proofs(connection: Connection, today: date, document: Mapping[str, Any]) -> Iterator[Problem]:
    found = proofs_for(connection, today, document)
    for n, material in enumerate(document["materials"]):
        proofs = found.get(material["code"], [])
        if not proofs or any(proof.result_type == material.get("licence_type") for proof in proofs):
            continue
        zh = "、".join(proof.name for proof in proofs[:3])
        en = ", ".join(proof.name_en for proof in proofs[:3])
        yield Problem(
            "material_circular",
            f"materials.{n}.licence_type",
            f"该材料是“{zh}”的办理结果，应当免提交、由系统核验，避免循环证明 / "
            f"it is what “{en}” yields: look it up instead of asking for it",
            advice=True,
        )
