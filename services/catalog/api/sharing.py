"""``/api/v1/shared-resources`` and ``/api/v1/sharing-applications``: the information-sharing catalogue (政务信息资源目录)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import url_for
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.rights import clause, one_of
from chassis.web import API_PREFIX
from contracts.rights import needs
from services.catalog.adapters.sharing_document import resource_of
from services.catalog.api import sharing_schemas as s
from services.catalog.api.repeatable import IDEMPOTENCY_HEADER, repeatable
from services.catalog.models import db, shared_resources, sharing_applications
from services.catalog.queries import sharing
from services.catalog.queries.sharing import ResourceFilter
from services.catalog.use_cases import share
from services.catalog.use_cases.publish_resource import publish_resource, withdraw_resource
from services.catalog.use_cases.share import Application, apply_for_resource

sharing_api = Blueprint("sharing", __name__, url_prefix=API_PREFIX, description="政务信息资源目录 / shared information")

READ, PUBLISH, APPLY = "sharing:read", "sharing:publish", "sharing:apply"
ANSWER, END, INVOLVED, USE = "sharing:answer", "sharing:end", "sharing_applications:read", "sharing:use"
USES = 100
RESOURCE = "/shared-resources/<string:category>/<string:sequence>"
APPLICATION = "/sharing-applications/<uuid:application_id>"


@sharing_api.get("/shared-resources")
@requires(READ)
@sharing_api.arguments(s.ResourceQuerySchema, location="query")
@sharing_api.response(200, s.ResourceListSchema)
def list_resources(asked: dict[str, Any]) -> Any:
    """Resources in the catalogue, by code."""
    wanted = ResourceFilter(words=asked.pop("q"), **asked)
    with db.read() as connection:
        rows = sharing.find_resources(connection, wanted)
    page = rows[: wanted.page_size]
    return {
        "resources": [_shown(row) for row in page],
        "next": page[-1].resource_code if len(rows) > wanted.page_size else None,
    }


@sharing_api.get(RESOURCE)
@requires(READ)
@sharing_api.response(200, s.ShownResourceSchema)
@sharing_api.alt_response(404, description="resource_not_found")
def show_resource(category: str, sequence: str) -> Any:
    """One resource, also one that was withdrawn."""
    with db.read() as connection:
        return _shown(sharing.resource(connection, f"{category}/{sequence}"))


@sharing_api.put(RESOURCE)
@requires(PUBLISH)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.ResourceSchema)
@sharing_api.response(200, s.ResourceVersionSchema)
@sharing_api.alt_response(409, description="resource_of_other, resource_withdrawn")
@sharing_api.alt_response(422, description="invalid_input, resource_invalid with every problem")
def put_resource(body: dict[str, Any], category: str, sequence: str) -> Any:
    """目录发布: the caller's department publishes a resource, or its next version."""
    code = f"{category}/{sequence}"
    resource = resource_of({**body, "resource_code": code})

    def publish(tx: Tx) -> dict[str, Any]:
        version = publish_resource(tx, resource, provider=_department(), by=principal().subject)
        return {"resource_code": code, "version": version}

    return repeatable(publish)


@sharing_api.post(RESOURCE + "/withdrawal")
@requires(PUBLISH)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.ReasonSchema)
@sharing_api.response(200, s.ResourceWithdrawalSchema)
@sharing_api.alt_response(404, description="resource_not_found")
@sharing_api.alt_response(409, description="resource_withdrawn")
def post_withdrawal(body: dict[str, Any], category: str, sequence: str) -> Any:
    """目录撤销: nothing of the resource may be applied for or used from now on."""
    code, reason = f"{category}/{sequence}", body["reason"]

    def withdraw(tx: Tx) -> dict[str, Any]:
        withdraw_resource(tx, code, _mine(PUBLISH, shared_resources.c.provider), reason=reason)
        return {"resource_code": code, "reason": reason}

    return repeatable(withdraw)


@sharing_api.get("/sharing-applications")
@requires(INVOLVED)
@sharing_api.arguments(s.ApplicationQuerySchema, location="query")
@sharing_api.response(200, s.ApplicationListSchema)
def list_applications(asked: dict[str, Any]) -> Any:
    """Applications that the caller's department made or has to answer, newest first; supervision sees all."""
    most = asked["page_size"]
    with db.read() as connection:
        rows = sharing.find_applications(
            connection, _involved(INVOLVED), state=asked["state"], before=asked["before"], most=most
        )
    page = rows[:most]
    return {
        "applications": [_application(row) for row in page],
        "next": page[-1].application_id if len(rows) > most else None,
    }


@sharing_api.get(APPLICATION)
@requires(INVOLVED)
@sharing_api.response(200, s.WholeApplicationSchema)
@sharing_api.alt_response(404, description="application_not_found")
def show_application(application_id: UUID) -> Any:
    """One application with the newest uses under its grant."""
    with db.read() as connection:
        row = sharing.application(connection, str(application_id), _involved(INVOLVED))
        uses = sharing.uses_of(connection, row.application_id, USES)
    return _application(row) | {"uses": [{**use._mapping, "used": use.fields} for use in uses]}


@sharing_api.post("/sharing-applications")
@requires(APPLY)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.ApplicationRequestSchema)
@sharing_api.response(201, s.ChangedSchema)
@sharing_api.alt_response(404, description="resource_not_found, item_not_found")
@sharing_api.alt_response(409, description="resource_withdrawn, resource_not_shared, resource_own")
@sharing_api.alt_response(422, description="invalid_input, fields_unknown, item_not_of_department")
def post_application(body: dict[str, Any]) -> Any:
    """共享申请: what is shared without conditions is granted at once; otherwise the provider answers in ten working days."""
    asked = Application(department=_department(), **body)

    def apply(tx: Tx) -> dict[str, Any]:
        return _state(tx, apply_for_resource(tx, asked, by=principal().subject))

    answer = repeatable(apply)
    address = url_for("sharing.show_application", application_id=answer["application_id"])
    return answer, 201, {"Location": address}


@sharing_api.post(APPLICATION + "/answer")
@requires(ANSWER)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.AnswerSchema)
@sharing_api.response(200, s.ChangedSchema)
@sharing_api.alt_response(404, description="application_not_found")
@sharing_api.alt_response(409, description="application_state, resource_withdrawn, resource_not_shared")
@sharing_api.alt_response(422, description="invalid_input, fields_beyond, reason_missing")
def post_answer(body: dict[str, Any], application_id: UUID) -> Any:
    """答复: the provider grants all or some of the fields, or refuses; fewer fields and a refusal need a reason."""
    known = str(application_id)

    def answer(tx: Tx) -> dict[str, Any]:
        mine, by, reason = _mine(ANSWER, sharing_applications.c.provider), principal().subject, body["reason"]
        if body["grant"]:
            share.grant(tx, known, mine, body["fields"], reason=reason, by=by)
        else:
            share.refuse(tx, known, mine, reason=reason, by=by)
        return _state(tx, known)

    return repeatable(answer)


@sharing_api.post(APPLICATION + "/end")
@requires(END)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.ReasonSchema)
@sharing_api.response(200, s.ChangedSchema)
@sharing_api.alt_response(404, description="application_not_found")
@sharing_api.alt_response(409, description="application_state")
def post_end(body: dict[str, Any], application_id: UUID) -> Any:
    """撤回或终止: the applicant withdraws what is open; either side ends what was granted."""
    known = str(application_id)

    def end(tx: Tx) -> dict[str, Any]:
        share.end(
            tx,
            known,
            _involved(END),
            department=_department(),
            reason=body["reason"],
            by=principal().subject,
        )
        return _state(tx, known)

    return repeatable(end)


@sharing_api.post(APPLICATION + "/uses")
@requires(USE)
@sharing_api.doc(parameters=[IDEMPOTENCY_HEADER])
@sharing_api.arguments(s.UseRequestSchema)
@sharing_api.response(201, s.RecordedSchema)
@sharing_api.alt_response(404, description="application_not_found")
@sharing_api.alt_response(409, description="grant_not_in_force, resource_withdrawn, resource_not_shared")
@sharing_api.alt_response(422, description="invalid_input, fields_beyond, case_of_other_item")
def post_use(body: dict[str, Any], application_id: UUID) -> Any:
    """使用记录: the department used granted fields for one of its cases. Every use is on the ledger."""

    def use(tx: Tx) -> dict[str, Any]:
        mine, by = _mine(USE, sharing_applications.c.department), principal().subject
        use_id = share.use_grant(tx, str(application_id), mine, for_case=body["case_no"], fields=body["fields"], by=by)
        return {"use_id": use_id}

    return repeatable(use), 201


def _department() -> str:
    """Rights give these actions to nobody without one."""
    department = principal().department
    assert department is not None
    return department


def _mine(action: str, column: sa.Column[str]) -> sa.ColumnElement[bool]:
    return clause(needs(principal(), action), {"department": one_of(column)})


def _involved(action: str) -> sa.ColumnElement[bool]:
    a = sharing_applications.c

    def either(values: frozenset[str]) -> sa.ColumnElement[bool]:
        return sa.or_(one_of(a.provider)(values), one_of(a.department)(values))

    return clause(needs(principal(), action), {"departments": either})


def _state(tx: Tx, application_id: str) -> dict[str, Any]:
    row = sharing.application(tx.connection, application_id, sa.true())
    return {"application_id": application_id, "state": row.state}


def _shown(row: Any) -> dict[str, Any]:
    beside = ("provider", "version", "published_at", "withdrawn_at", "withdrawn_reason")
    return {**row.content, **{name: getattr(row, name) for name in beside}}


def _application(row: Any) -> dict[str, Any]:
    return {**row._mapping, "asked": row.fields}
