"""Retire a package of items (一件事)."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import PackageRetired
from services.catalog.models import package_versions, packages
from services.catalog.queries.packages import package_not_found, package_retired


def retire_package(tx: Tx, package_code: str, *, retired_on: date, reason: str) -> None:
    """Nobody applies for the package from ``retired_on`` (Asia/Shanghai) on; its items stay, and running bundles go on.

    Raises Refusal ``package_not_found``, ``package_retired`` or ``retirement_before_effect``.
    """
    mine = packages.c.package_code == package_code
    row = tx.execute(sa.select(packages.c.retired_on).where(mine).with_for_update()).first()
    if row is None:
        raise package_not_found(package_code)
    if row.retired_on is not None:
        raise package_retired(package_code, row.retired_on)
    v = package_versions.c
    begins = tx.execute(sa.select(sa.func.min(v.effective_from)).where(v.package_code == package_code)).scalar_one()
    if retired_on < begins:
        raise Refusal(
            "retirement_before_effect",
            f"取消日期不得早于生效日期 {begins} / a package cannot end before it begins ({begins})",
            effective_from=begins.isoformat(),
        )
    tx.execute(sa.update(packages).where(mine).values(retired_on=retired_on, retired_reason=reason))
    tx.tell(PackageRetired(package_code=package_code, retired_on=retired_on, reason=reason))
