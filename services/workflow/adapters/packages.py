"""The service's own copy of published packages (一件事), and the bundles that were handed in with them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from chassis.among import among
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import BundleDecided
from contracts.item import Package
from services.workflow.domain.states import GRANTED, UNDECIDED, CaseState
from services.workflow.models import bundles, cases, package_retirements, packages

_NEWEST = (
    sa.select(packages.c.definition)
    .where(packages.c.package_code == sa.bindparam("code"), packages.c.effective_from <= sa.bindparam("today"))
    .order_by(packages.c.version.desc())
    .limit(1)
)
_VERSION = sa.select(packages.c.definition).where(
    packages.c.package_code == sa.bindparam("code"), packages.c.version == sa.bindparam("number")
)
_RETIRED = sa.select(package_retirements).where(package_retirements.c.package_code == sa.bindparam("code"))
_UNSETTLED = (
    sa.select(bundles)
    .where(among(bundles.c.bundle_no, "bundle_nos"), bundles.c.decided_at.is_(None))
    .order_by(bundles.c.bundle_no)
    .with_for_update()
)
_STATES = sa.select(cases.c.case_no, cases.c.state).where(cases.c.bundle_no == sa.bindparam("of")).order_by("case_no")
_HANDED_OUT = frozenset({CaseState.CLOSED}) | GRANTED


def keep_package(tx: Tx, package: Package, effective_from: date) -> None:
    """Store a published version; a repeat changes nothing."""
    row = {
        "package_code": package.package_code,
        "version": package.version,
        "effective_from": effective_from,
        "definition": msgspec.json.encode(package),
    }
    tx.insert_new(packages, [row], [packages.c.version])


def package_in_force(connection: sa.Connection, code: str, today: date) -> Package:
    """The newest version in force on ``today``. Raises Refusal ``package_unknown`` or ``package_retired``."""
    row = connection.execute(_NEWEST, {"code": code, "today": today}).one_or_none()
    if row is None:
        raise Refusal("package_unknown", "没有此“一件事” / there is no such package", package_code=code)
    ended = package_retirement(connection, code, today)
    if ended is not None:
        raise Refusal(
            "package_retired",
            "该“一件事”已取消，所含事项仍可分别申请 / the package is retired; its items may still be applied for one by one",
            package_code=code,
            retired_on=ended.retired_on.isoformat(),
            reason=ended.reason,
        )
    return msgspec.json.decode(row.definition, type=Package)


def package_retirement(connection: sa.Connection, code: str, today: date) -> Any | None:
    """When and why the package was retired; None while it may be applied for."""
    row = connection.execute(_RETIRED, {"code": code}).one_or_none()
    return row if row is not None and row.retired_on <= today else None


def retire_package(tx: Tx, code: str, retired_on: date, reason: str) -> None:
    """Store a retirement; a repeat changes nothing."""
    row = {"package_code": code, "retired_on": retired_on, "reason": reason}
    tx.insert_new(package_retirements, [row], [package_retirements.c.package_code])


def package_version(connection: sa.Connection, code: str, version: int) -> Package:
    """The version that a bundle was handed in with."""
    definition = connection.execute(_VERSION, {"code": code, "number": version}).scalar_one()
    return msgspec.json.decode(definition, type=Package)


def settle_bundles(tx: Tx, bundle_nos: Collection[str]) -> None:
    """Note and tell the bundles of which the last case is decided.

    Whoever decides holds the case's lock and now takes the bundle's: of two that decide the last cases at once, the second
    sees both.
    """
    for bundle in tx.execute(_UNSETTLED, {"bundle_nos": sorted(bundle_nos)}).fetchall():
        states = {row.case_no: CaseState(row.state) for row in tx.execute(_STATES, {"of": bundle.bundle_no})}
        if not UNDECIDED.isdisjoint(states.values()):
            continue
        decided = sa.update(bundles).where(bundles.c.bundle_no == bundle.bundle_no)
        tx.execute(decided.values(decided_at=tx.now))
        tx.tell(
            BundleDecided(
                bundle_no=bundle.bundle_no,
                package_code=bundle.package_code,
                case_nos=tuple(states),
                granted=sum(state in _HANDED_OUT for state in states.values()),
            )
        )
