"""一次补正: each material goes to every case of the bundle that asked for it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import CaseMaterial, Channel
from contracts.item import Package
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.bundle import HandedIn, by_package_code
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.progress import wanted_materials
from services.workflow.domain.states import CaseState
from services.workflow.use_cases.bundle_of_party import bundle_of_party, keep_all
from services.workflow.use_cases.party import doer


def correct_bundle(
    tx: Tx, bundle_no: str, read: Callable[[Package], HandedIn], caller: Principal, channel: Channel
) -> list[CaseFile]:
    """All cases of the bundle after the correction. ``read`` reads what was handed in for the package's items.

    A case is corrected when all that it asked for is there; one of which nothing is there waits on. Raises Refusal ``not_found``,
    ``no_correction_asked`` or ``correction_mismatch``.
    """
    package, files = bundle_of_party(tx, bundle_no, caller, "cases:correct")
    by_code = by_package_code(package, read(package))
    waiting = {file.case_no: _wanted(package, file) for file in files if file.state is CaseState.AWAITING_CORRECTION}
    if not waiting:
        raise Refusal("no_correction_asked", "各件均无需补正 / no correction was asked for", bundle_no=bundle_no)
    missing = {
        target
        for wanted in waiting.values()
        if not by_code.keys().isdisjoint(wanted.values())
        for target in wanted.values()
        if target not in by_code
    }
    surplus = by_code.keys() - {target for wanted in waiting.values() for target in wanted.values()}
    if missing or surplus:
        raise Refusal(
            "correction_mismatch",
            "请补齐且仅补告知书所列材料 / hand in what the notices name and nothing else",
            missing=sorted(missing),
            surplus=sorted(surplus),
        )
    corrected = [file for file in files if _served(waiting.get(file.case_no), by_code)]
    for file in corrected:
        wanted = waiting[file.case_no]
        materials = [_for_item(file, code, by_code[target]) for code, target in sorted(wanted.items())]
        lifecycle.correct(file, materials, by=doer(caller, channel), now=tx.now, calendar=holiday_calendar)
    keep_all(tx, corrected)
    return files


def _wanted(package: Package, file: CaseFile) -> dict[str, str]:
    """Item's code -> package's code of what the case asked for."""
    codes = next(part.materials for part in package.parts if part.item_code == file.item.item_code)
    return {code: codes.get(code, code) for code in wanted_materials(file)}


def _served(wanted: dict[str, str] | None, by_code: dict[str, CaseMaterial]) -> bool:
    return bool(wanted) and set((wanted or {}).values()) <= by_code.keys()


def _for_item(file: CaseFile, code: str, material: CaseMaterial) -> CaseMaterial:
    names = {rule.code: rule.name for rule in file.guide}
    return msgspec.structs.replace(material, code=code, name=names.get(code, code))
