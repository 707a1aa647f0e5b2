"""一口受理: take an application in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
from services.workflow.adapters.licences import licence_of
from services.workflow.adapters.policy import POLICY
from services.workflow.domain.application import require_level, require_printable, require_version
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.deadline import law_date
from services.workflow.domain.opening import Choices, open_case


@dataclass(frozen=True, kw_only=True)
class SubmitCase:
    """An application. ``item_version`` is the version that the applicant saw, ``draft_id`` where it was written, if known.

    ``submitted_by`` is the account that really hands it in and ``level`` its assurance; ``agent_name`` and
    ``applicant_name`` say both names when it acts for another. ``renews_licence``: the number of the licence to renew.
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
    choices: Choices = field(default_factory=Choices)
    renews_licence: str | None = None
    bundle_no: str | None = None


def submit_case(tx: Tx, command: SubmitCase, case_no: str) -> CaseFile:
    """Open the case under ``case_no``. Raises Refusal when item, form or materials do not fit the guide."""
    return submit_cases(tx, {case_no: command})[0]


def submit_cases(tx: Tx, commands: Mapping[str, SubmitCase]) -> list[CaseFile]:
    """Open a case for each application, all or none. Raises Refusal like ``submit_case``."""
    today = law_date(tx.now)
    asked_for = dict.fromkeys(command.item_code for command in commands.values())
    in_force = {code: item_in_force(tx.connection, code, today) for code in asked_for}
    files = [open_one(tx, command, case_no, in_force[command.item_code]) for case_no, command in commands.items()]
    keep_new(tx, files)
    for command in commands.values():
        if command.draft_id is not None:
            delete_draft(tx, command.draft_id, command.applicant_id, command.item_code)
    return files


def keep_new(tx: Tx, files: list[CaseFile]) -> None:
    """Tell and save cases just opened."""
    for file in files:
        case_store.tell(tx, file)
    case_store.save(tx, files)


def open_one(tx: Tx, command: SubmitCase, case_no: str, item: Item) -> CaseFile:
    """The case, neither told nor saved yet. Raises Refusal like ``submit_case``."""
    require_version(item, command.item_version)
    require_level(item, command.level)
    require_form(item.form_schema, command.form)
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
        choices=_with_licence(tx, command),
        policy=POLICY.current,
        bundle_no=command.bundle_no,
    )


def _with_licence(tx: Tx, command: SubmitCase) -> Choices:
    if command.renews_licence is None:
        return command.choices
    licence = licence_of(tx.connection, command.applicant_id, command.renews_licence)
    if licence is None:
        raise Refusal("licence_to_renew_unknown", "请指明要延续的本人证照 / name your licence that is to be renewed")
    return replace(command.choices, renews=licence)


def require_form(schema: Mapping[str, Any], form: Mapping[str, Any]) -> None:
    """Refuse a form that does not fit its JSON Schema. Raises Refusal ``form_invalid`` with every fault."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
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
