"""Publish a version of a package of items (一件事), and keep packages in step with their items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import Item, Package, PackagePublished
from services.catalog import queries
from services.catalog.adapters.definition_document import content_hash
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.adapters.package_document import package_document, package_of
from services.catalog.domain.merging import merge
from services.catalog.domain.package import PackageDefinition
from services.catalog.domain.package_rules import package_problems
from services.catalog.domain.problems import Problem
from services.catalog.models import package_versions, packages
from services.catalog.queries.packages import items_on, latest_package, package_codes, package_retired

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class PackagePublication:
    """The version that says what was handed in. ``created`` is False when it was there already."""

    package_code: str
    version: int
    created: bool


def publish_package(tx: Tx, definition: PackageDefinition, *, today: date, by: str) -> PackagePublication:
    """Make ``definition`` the next version, or find that the newest version already says the same of the same items.

    Raises Refusal ``package_retired``, ``package_invalid`` with every problem, ``department_unknown`` or
    ``effective_before_previous``.
    """
    retired_on = _claim(tx, definition.package_code)
    if retired_on is not None:
        raise package_retired(definition.package_code, retired_on)
    latest = latest_package(tx.connection, definition.package_code)
    version = 1 if latest is None else latest.version + 1
    package, problems = _made(tx, definition, max(today, definition.effective_from), version)
    if problems:
        raise Refusal(
            "package_invalid",
            f"一件事不能发布，共{len(problems)}处问题 / the package has {len(problems)} problems and cannot be published",
            problems=[{"code": p.code, "where": p.where, "detail": p.detail} for p in problems],
        )
    lead = frozenset({definition.lead_department})
    if lead != queries.known_departments(tx.connection, lead):
        raise Refusal(
            "department_unknown",
            f"部门尚未登记：{definition.lead_department} / the department is not registered",
            departments=sorted(lead),
        )
    row = _row(definition, package)
    if latest is not None and latest.content_hash == row["content_hash"]:
        return PackagePublication(package_code=definition.package_code, version=latest.version, created=False)
    if latest is not None and definition.effective_from < latest.effective_from:
        raise Refusal(
            "effective_before_previous",
            "新版本的生效日期不得早于上一版本 / a version must not take effect before the one it follows",
            previous=latest.effective_from.isoformat(),
        )
    _write(tx, row, package, begins=definition.effective_from, by=by)
    return PackagePublication(package_code=definition.package_code, version=version, created=True)


def refresh_packages(tx: Tx, today: date, *, by: str) -> int:
    """Publish anew the packages whose items have changed since; how many. One that no longer fits together stays as it is."""
    changed = 0
    for code in package_codes(tx.connection, today):
        _claim(tx, code)
        latest = latest_package(tx.connection, code)
        if latest is None or latest.effective_from > today:
            continue
        definition = package_of(latest.definition)
        package, problems = _made(tx, definition, today, latest.version + 1)
        if problems:
            log.warning("package_out_of_step", package_code=code, problems=sorted({p.code for p in problems}))
            continue
        row = _row(definition, package)
        if row["content_hash"] != latest.content_hash:
            _write(tx, row, package, begins=today, by=by)
            changed += 1
    return changed


def _made(tx: Tx, definition: PackageDefinition, day: date, version: int) -> tuple[Package, list[Problem]]:
    items: dict[str, Item] = items_on(tx.connection, day, [part.item_code for part in definition.parts])
    package, problems = merge(definition, items, version)
    found = [*problems, *package_problems(definition, items, package), *form_schema_problems(package.form_schema)]
    return package, [problem for problem in found if not problem.advice]


def _claim(tx: Tx, package_code: str) -> date | None:
    """One publication at a time: the package's row is ours until the commit. Its end, if it has one."""
    row = {"package_code": package_code, "first_published_at": tx.now}
    tx.insert_new(packages, [row], [packages.c.package_code])
    mine = sa.select(packages.c.retired_on).where(packages.c.package_code == package_code)
    end: date | None = tx.execute(mine.with_for_update()).scalar_one()
    return end


def _row(definition: PackageDefinition, package: Package) -> dict[str, Any]:
    document = package_document(definition)
    merged: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(package))
    said = {"definition": document, "merged": {name: value for name, value in merged.items() if name != "version"}}
    return {"definition": document, "merged": merged, "content_hash": content_hash(said)}


def _write(tx: Tx, row: dict[str, Any], package: Package, *, begins: date, by: str) -> None:
    row |= {
        "package_code": package.package_code, "version": package.version, "effective_from": begins,
        "name": package.name, "name_en": package.name_en, "lead_department": package.lead_department,
        "published_by": by, "published_at": tx.now,
    }  # fmt: skip
    tx.insert(package_versions, [row])
    tx.tell(PackagePublished(package_code=package.package_code, effective_from=begins, package=package))
