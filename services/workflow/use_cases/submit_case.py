"""一口受理: take an application in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import CaseMaterial, Channel
from contracts.item import Item
from services.workflow.adapters import case_store
from services.workflow.adapters.drafts import delete_draft
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.adapters.items import item_in_force
from services.workflow.domain.application import require_level, require_printable, require_version
from services.workflow.domain.case_file import CaseFile, Doer
from services.workflow.domain.deadline import law_date
from services.workflow.domain.lifecycle import open_case


@dataclass(frozen=True, kw_only=True)
class SubmitCase:
    """An application. ``item_version`` is the version that the applicant saw, ``draft_id`` where it was written, if known.

    ``submitted_by`` is the account that really hands it in and ``level`` its assurance; ``agent_name`` and
    ``applicant_name`` say both names when it acts for another.
    """

    item_code: str
    item_version: int | None
    applicant_id: str
    submitted_by: str
    channel: Channel
    form: Mapping[str, Any]
    materials: tuple[CaseMaterial, ...]
    draft_id: str | None = None
    level: int = 2
    agent_name: str | None = None
    applicant_name: str | None = None


def submit_case(tx: Tx, command: SubmitCase, case_no: str) -> CaseFile:
    """Open the case under ``case_no``. Raises Refusal when item, form or materials do not fit the guide."""
    return submit_cases(tx, {case_no: command})[0]


def submit_cases(tx: Tx, commands: Mapping[str, SubmitCase]) -> list[CaseFile]:
    """Open a case for each application, all or none. Raises Refusal like ``submit_case``."""
    today = law_date(tx.now)
    asked_for = dict.fromkeys(command.item_code for command in commands.values())
    in_force = {code: item_in_force(tx.connection, code, today) for code in asked_for}
    files = [_opened(tx, command, case_no, in_force[command.item_code]) for case_no, command in commands.items()]
    for file in files:
        case_store.tell(tx, file)
    case_store.save(tx, files)
    for command in commands.values():
        if command.draft_id is not None:
            delete_draft(tx, command.draft_id, command.applicant_id, command.item_code)
    return files


def _opened(tx: Tx, command: SubmitCase, case_no: str, item: Item) -> CaseFile:
    require_level(item, command.level)
    require_version(item, command.item_version)
    _require_form(item, command.form)
    return open_case(
        case_no=case_no,
        item=item,
        applicant_id=command.applicant_id,
        doer=Doer(command.submitted_by, command.agent_name, command.applicant_name),
        channel=command.channel,
        form=dict(command.form),
        materials=_named(command.materials, item),
        now=tx.now,
        calendar=holiday_calendar,
    )


def _require_form(item: Item, form: Mapping[str, Any]) -> None:
    validator = Draft202012Validator(item.form_schema, format_checker=FormatChecker())
    require_printable(form)
    errors = sorted(validator.iter_errors(dict(form)), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        faults = {"/".join(map(str, e.absolute_path)) or "/": e.message[:300] for e in errors[:50]}
        raise Refusal("form_invalid", "表单填写有误 / the form does not fit its schema", errors=faults)


def _named(materials: tuple[CaseMaterial, ...], item: Item) -> list[CaseMaterial]:
    """Names come from the guide, not from the uploader."""
    names = {rule.code: rule.name for rule in item.materials}
    return [
        CaseMaterial(
            material_id=m.material_id,
            code=m.code,
            name=names.get(m.code, m.code),
            media_type=m.media_type,
            size_bytes=m.size_bytes,
            sha256=m.sha256,
        )
        for m in materials
    ]
