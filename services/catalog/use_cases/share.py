"""共享申请、答复、使用和终止: one department asks another for fields of a resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from chassis.workdays import is_working_day
from contracts.sharing import (
    SharedDataUsed,
    SharingEnded,
    SharingGranted,
    SharingOverdue,
    SharingRefused,
    SharingRequested,
)
from services.catalog import queries
from services.catalog.domain.law_date import law_date
from services.catalog.domain.sharing import (
    NOT_SHARED,
    UNCONDITIONAL,
    ApplicationState,
    answer_due,
    check_fields,
    check_move,
)
from services.catalog.models import sharing_applications, sharing_uses
from services.catalog.queries import sharing
from services.catalog.queries.sharing import Fits

AT_ONCE = "无条件共享 / shared without conditions"


@dataclass(frozen=True, kw_only=True)
class Application:
    """What a department asks for, and why: only for an item in which it takes part."""

    resource_code: str
    department: str
    item_code: str
    purpose: str
    fields: Sequence[str]


def apply_for_resource(tx: Tx, asked: Application, *, by: str) -> str:
    """The id of the application, which is granted at once where the resource is shared without conditions.

    Raises Refusal ``resource_not_found``, ``resource_withdrawn``, ``resource_not_shared``, ``resource_own``,
    ``item_not_found``, ``item_not_of_department`` or ``fields_unknown``.
    """
    resource = _require_available(tx, asked.resource_code)
    if resource.provider == asked.department:
        raise Refusal("resource_own", "本部门的信息资源无需申请 / the resource is the department's own")
    _require_item(tx, asked)
    check_fields(asked.fields, _codes(resource), "fields_unknown")
    row = {
        "application_id": str(uuid_utils.uuid7()),
        "resource_code": asked.resource_code,
        "provider": resource.provider,
        "department": asked.department,
        "item_code": asked.item_code,
        "purpose": asked.purpose,
        "fields": list(asked.fields),
        "state": "open",
        "applied_by": by,
        "applied_at": tx.now,
        "answer_due": answer_due(law_date(tx.now), is_working_day),
        "granted_fields": [],
        "reason": "",
    }
    tx.insert(sharing_applications, [row])
    tx.tell(
        SharingRequested(
            application_id=row["application_id"],
            resource_code=asked.resource_code,
            provider=resource.provider,
            department=asked.department,
            item_code=asked.item_code,
            purpose=asked.purpose,
            fields=tuple(asked.fields),
            answer_due=row["answer_due"],
        )
    )
    if resource.sharing_type == UNCONDITIONAL:
        grant(tx, row["application_id"], sa.true(), asked.fields, reason=AT_ONCE, by="catalog")
    return str(row["application_id"])


def grant(tx: Tx, application_id: str, mine: Fits, fields: Sequence[str], *, reason: str, by: str) -> None:
    """同意. Raises Refusal ``application_not_found``, ``application_state``, ``fields_beyond``, or ``reason_missing`` when
    fewer fields are granted than were asked for and nothing says why.
    """
    row = sharing.application(tx.connection, application_id, mine, for_update=True)
    check_move(row.state, "granted")
    _require_available(tx, row.resource_code)
    check_fields(fields, row.fields, "fields_beyond")
    if len(set(fields)) < len(set(row.fields)) and not reason.strip():
        raise Refusal("reason_missing", "减少信息项应说明理由 / a reason is owed for the fields that are not granted")
    _move(tx, row, "granted", granted_fields=list(fields), reason=reason, answered_by=by, answered_at=tx.now)
    tx.tell(
        SharingGranted(
            application_id=application_id,
            resource_code=row.resource_code,
            provider=row.provider,
            department=row.department,
            fields=tuple(fields),
            reason=reason,
        )
    )


def refuse(tx: Tx, application_id: str, mine: Fits, *, reason: str, by: str) -> None:
    """不同意. Raises Refusal ``application_not_found``, ``application_state`` or ``reason_missing``."""
    row = sharing.application(tx.connection, application_id, mine, for_update=True)
    check_move(row.state, "refused")
    if not reason.strip():
        raise Refusal("reason_missing", "不同意共享应说明理由 / a reason is owed for a refusal")
    _move(tx, row, "refused", reason=reason, answered_by=by, answered_at=tx.now)
    tx.tell(
        SharingRefused(
            application_id=application_id,
            resource_code=row.resource_code,
            provider=row.provider,
            department=row.department,
            reason=reason,
        )
    )


def end(tx: Tx, application_id: str, mine: Fits, *, department: str, reason: str, by: str) -> None:
    """The applicant withdraws, or either side ends the grant. Raises Refusal ``application_not_found``, ``application_state``."""
    row = sharing.application(tx.connection, application_id, mine, for_update=True)
    then: ApplicationState = "withdrawn" if row.state == "open" and row.department == department else "ended"
    check_move(row.state, then)
    _move(tx, row, then, reason=reason, ended_by=by, ended_at=tx.now)
    tx.tell(SharingEnded(application_id=application_id, resource_code=row.resource_code, by=department, reason=reason))


def use_grant(tx: Tx, application_id: str, mine: Fits, *, for_case: str, fields: Sequence[str], by: str) -> str:
    """Record that granted fields were used for a case of the item; the id of the record.

    Raises Refusal ``application_not_found``, ``grant_not_in_force``, ``case_of_other_item``, ``fields_beyond``,
    ``resource_withdrawn`` or ``resource_not_shared``.
    """
    row = sharing.application(tx.connection, application_id, mine, for_update=True)
    if row.state != "granted":
        raise Refusal("grant_not_in_force", f"授权未生效（{row.state}） / the grant is not in force", state=row.state)
    if not for_case.startswith(row.item_code):
        raise Refusal(
            "case_of_other_item",
            "共享授权仅用于所申请的事项 / the grant is for cases of its item only",
            item_code=row.item_code,
        )
    resource = _require_available(tx, row.resource_code)
    check_fields(fields, [code for code in _codes(resource) if code in row.granted_fields], "fields_beyond")
    use_id = str(uuid_utils.uuid7())
    used = {"use_id": use_id, "application_id": application_id, "case_no": for_case, "fields": list(fields)}
    tx.insert(sharing_uses, [used | {"by": by, "at": tx.now}])
    tx.tell(
        SharedDataUsed(
            application_id=application_id,
            resource_code=row.resource_code,
            department=row.department,
            item_code=row.item_code,
            for_case=for_case,
            fields=tuple(fields),
        )
    )
    return use_id


def flag_silence(tx: Tx) -> int:
    """Every open application whose last day is over, once; how many. Of several schedulers one flags it: the row's mark is set
    under its condition.
    """
    a = sharing_applications.c
    late = sa.update(sharing_applications).where(
        a.state == "open", a.answer_due < law_date(tx.now), a.overdue_at.is_(None)
    )
    found = tx.execute(
        late.values(overdue_at=tx.now).returning(
            a.application_id, a.resource_code, a.provider, a.department, a.answer_due
        )
    ).all()
    for row in found:
        tx.tell(SharingOverdue(**row._mapping))
    return len(found)


def _move(tx: Tx, row: Any, then: ApplicationState, **values: Any) -> None:
    mine = sharing_applications.c.application_id == row.application_id
    tx.execute(sa.update(sharing_applications).where(mine).values(state=then, **values))


def _require_available(tx: Tx, resource_code: str) -> Any:
    resource = sharing.resource(tx.connection, resource_code)
    if resource.withdrawn_at is not None:
        raise Refusal(
            "resource_withdrawn",
            "该信息资源已撤销 / the resource has been withdrawn",
            resource_code=resource_code,
            reason=resource.withdrawn_reason,
        )
    if resource.sharing_type == NOT_SHARED:
        raise Refusal(
            "resource_not_shared",
            "该信息资源不予共享 / the resource is not shared",
            resource_code=resource_code,
            law=resource.content["law"],
        )
    return resource


def _require_item(tx: Tx, asked: Application) -> None:
    document = sharing.newest_definition(tx.connection, asked.item_code)
    if document is None:
        raise queries.item_not_found(asked.item_code)
    if asked.department not in {document["lead_department"], *(step["department"] for step in document["plan"])}:
        raise Refusal(
            "item_not_of_department",
            "本部门不参与该事项，不能以其为由申请 / the department takes no part in the item",
            item_code=asked.item_code,
        )


def _codes(resource: Any) -> list[str]:
    return [field["code"] for field in resource.content["fields"]]
