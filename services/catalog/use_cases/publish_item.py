"""Publish a version of an item (发布)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import ItemPublished
from services.catalog import queries
from services.catalog.adapters.definition_document import content_hash, document_of
from services.catalog.adapters.draft_store import record
from services.catalog.adapters.findings import all_findings
from services.catalog.domain.definition import ItemDefinition, basis_line, departments_of, to_item
from services.catalog.domain.law_date import law_date
from services.catalog.domain.problems import Problem
from services.catalog.models import basic_codes, former_codes, item_versions, items
from services.catalog.queries.versions import basic_code_of
from services.catalog.use_cases.index_item import index_version


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The version that says what was handed in. ``created`` is False when it was there already."""

    item_code: str
    version: int
    created: bool


def publish_item(tx: Tx, definition: ItemDefinition, *, by: str, recorded: bool = True) -> Publication:
    """Make ``definition`` the next version, or find that the newest version already says the same.

    ``recorded``: the publication goes into the history, as that of a draft does with the draft. Raises Refusal ``item_invalid``
    with every problem, ``department_unknown``, ``basic_code_conflict``, ``former_code_conflict``, ``item_retired``,
    ``effective_before_previous`` or ``version_conflict``.
    """
    require_no_problems(all_findings(definition))
    _require_departments(tx, definition)
    _keep_standard(tx, definition)
    _keep_former_code(tx, definition)
    _claim_item(tx, definition)
    document = document_of(definition)
    digest = content_hash(document)
    latest = queries.latest_version(tx.connection, definition.item_code)
    if latest is not None and latest.content_hash == digest:
        return Publication(item_code=definition.item_code, version=latest.version, created=False)
    if latest is not None and definition.effective_from < latest.effective_from:
        raise Refusal(
            "effective_before_previous",
            "新版本的生效日期不得早于上一版本 / a version must not take effect before the one it follows",
            previous=latest.effective_from.isoformat(),
        )
    version = 1 if latest is None else latest.version + 1
    _write_version(tx, definition, version, {"definition": document, "content_hash": digest, "published_by": by})
    index_version(tx, version, document)
    tx.tell(
        ItemPublished(
            item_code=definition.item_code,
            effective_from=definition.effective_from,
            item=to_item(definition, version),
        )
    )
    if recorded:
        action = "scheduled" if definition.effective_from > law_date(tx.now) else "published"
        record(tx, definition.item_code, action, by=by, version=version)
    return Publication(item_code=definition.item_code, version=version, created=True)


def require_no_problems(found: Iterable[Problem]) -> None:
    """Advice aside. Raises Refusal ``item_invalid`` with every problem."""
    problems = [problem for problem in found if not problem.advice]
    if problems:
        raise Refusal(
            "item_invalid",
            f"事项不能发布，共{len(problems)}处问题 / the item has {len(problems)} problems and cannot be published",
            problems=[{"code": p.code, "where": p.where, "detail": p.detail} for p in problems],
        )


def _require_departments(tx: Tx, definition: ItemDefinition) -> None:
    needed = departments_of(definition)
    unknown = sorted(needed - queries.known_departments(tx.connection, needed))
    if unknown:
        names = "、".join(unknown)
        raise Refusal(
            "department_unknown",
            f"部门尚未登记：{names} / departments are not registered: {names}",
            departments=unknown,
        )


def _keep_standard(tx: Tx, definition: ItemDefinition) -> None:
    """同一事项、同一标准、同一编码: who else has the basic code has the same name, type and legal basis.

    The row stays locked until the commit, so that two agencies cannot set different standards at once.
    """
    standard = {"name": definition.name, "item_type": definition.item_type, "basis": basis_line(definition)}
    row = {"basic_code": definition.basic_code} | standard
    if tx.insert_new(basic_codes, [row], [basic_codes.c.basic_code]):
        return
    mine = basic_codes.c.basic_code == definition.basic_code
    stored = tx.execute(sa.select(basic_codes).where(mine).with_for_update()).one()
    if all(getattr(stored, key) == value for key, value in standard.items()):
        return
    others = sa.select(items.c.item_code).where(
        items.c.basic_code == definition.basic_code, items.c.item_code != definition.item_code
    )
    if tx.execute(others).first() is not None:
        raise Refusal(
            "basic_code_conflict",
            "同一基本编码的事项名称、类型和依据应当一致 / items with one basic code share name, type and legal basis",
            basic_code=stored.basic_code,
            name=stored.name,
            item_type=stored.item_type,
            basis=stored.basis,
        )
    tx.execute(sa.update(basic_codes).where(mine).values(**standard))


def _keep_former_code(tx: Tx, definition: ItemDefinition) -> None:
    """A code of the 2016 generation stands for one basic code of today."""
    former = definition.former_basic_code
    row = {"former_code": former, "basic_code": definition.basic_code}
    if not former or tx.insert_new(former_codes, [row], [former_codes.c.former_code]):
        return
    current = basic_code_of(tx.connection, former)
    if current != definition.basic_code:
        raise Refusal(
            "former_code_conflict",
            f"该2016年版编码已对应 {current} / this code of the 2016 generation stands for {current}",
            former_code=former,
            basic_code=current,
        )


def _claim_item(tx: Tx, definition: ItemDefinition) -> None:
    """One publication at a time: the item's row is ours until the commit."""
    row = {
        "item_code": definition.item_code,
        "basic_code": definition.basic_code,
        "first_published_at": tx.now,
    }
    tx.insert_new(items, [row], [items.c.item_code])
    locked = sa.select(items.c.retired_on).where(items.c.item_code == definition.item_code).with_for_update()
    retired_on = tx.execute(locked).scalar_one()
    if retired_on is not None:
        raise Refusal(
            "item_retired",
            f"该事项已于 {retired_on} 取消 / the item is retired from {retired_on}",
            item_code=definition.item_code,
            retired_on=retired_on.isoformat(),
        )


def _write_version(tx: Tx, definition: ItemDefinition, version: int, content: dict[str, Any]) -> None:
    row = content | {
        "item_code": definition.item_code,
        "version": version,
        "effective_from": definition.effective_from,
        "name": definition.name,
        "name_en": definition.name_en,
        "item_type": definition.item_type,
        "lead_department": definition.lead_department,
        "person_topics": list(definition.person_topics),
        "organisation_topics": list(definition.organisation_topics),
        "life_events": list(definition.life_events),
        "cancel_on": definition.cancel_on,
        "result_type": definition.result.licence.type_code,
        "result_name": definition.result.licence.name,
        "published_at": tx.now,
    }
    if not tx.insert_new(item_versions, [row], [item_versions.c.version]):
        raise Refusal(
            "version_conflict",
            f"第{version}版刚由他人发布 / version {version} has just been published by another",
            item_code=definition.item_code,
            version=version,
        )
