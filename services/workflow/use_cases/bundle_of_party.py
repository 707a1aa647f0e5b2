"""Whose bundle it is: its cases, as far as the caller may act on them."""

from __future__ import annotations

import sqlalchemy as sa

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import Package
from contracts.rights import permits
from services.workflow.adapters import case_store
from services.workflow.adapters.packages import package_version
from services.workflow.domain.case_file import CaseFile
from services.workflow.models import bundles, cases


def bundle_of_party(tx: Tx, bundle_no: str, caller: Principal, action: str) -> tuple[Package, list[CaseFile]]:
    """The package and those of the cases, locked, to which the caller may do ``action``. Raises Refusal ``not_found``."""
    case_nos = tx.execute(sa.select(cases.c.case_no).where(cases.c.bundle_no == bundle_no)).scalars().all()
    files = [
        file
        for file in case_store.load(tx, case_nos).values()
        if permits(caller, action, party=file.applicant_id, item=file.item.item_code)
    ]
    if not files:
        raise Refusal("not_found", "没有此联办件 / there is no such bundle", bundle_no=bundle_no)
    bundle = tx.execute(sa.select(bundles).where(bundles.c.bundle_no == bundle_no)).one()
    return package_version(tx.connection, bundle.package_code, bundle.package_version), files


def keep_all(tx: Tx, files: list[CaseFile]) -> None:
    """Tell and save what was done to the cases."""
    for file in files:
        case_store.tell(tx, file)
    case_store.save(tx, files)
