"""一件事 over HTTP: apply for several items at once, correct, withdraw, look."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.idempotency import idempotency_key, once
from contracts.item import Package
from services.workflow import queries
from services.workflow.adapters.case_numbers import next_case_no
from services.workflow.adapters.packages import package_in_force
from services.workflow.adapters.parties import require_party
from services.workflow.api.applying import receipts, state_of
from services.workflow.api.bundle_schemas import (
    BundleIntakeSchema,
    BundleListSchema,
    BundleSchema,
    BundleStateSchema,
    OpenedBundleSchema,
    SubmitBundleSchema,
)
from services.workflow.api.conduct import ASSURED_BY
from services.workflow.api.draft_schemas import DraftListSchema, DraftSchema
from services.workflow.api.schemas import CorrectionSchema, WithdrawalSchema
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import law_date
from services.workflow.models import db
from services.workflow.use_cases.correct_bundle import correct_bundle
from services.workflow.use_cases.party import doer, require_item
from services.workflow.use_cases.start_draft import start_package_draft
from services.workflow.use_cases.submit_bundle import SubmitBundle, items_applied_for, submit_bundle
from services.workflow.use_cases.withdraw_bundle import withdraw_bundle

BUNDLES = Blueprint("bundles", __name__, url_prefix="/api/v1", description="一件事 / several items at once")

BUNDLE = "YJS"
"""What the number of a bundle begins with."""


@BUNDLES.post("/packages/<package_code>/cases")
@requires("cases:submit")
@BUNDLES.arguments(SubmitBundleSchema)
@BUNDLES.response(201, OpenedBundleSchema)
def submit(body: dict[str, Any], package_code: str) -> Any:
    """一件事一次办: one form, each material once; a case for each part that applies, all or none (Idempotency-Key required)."""
    caller = principal()
    who = doer(caller)
    command = _submission(
        body,
        _package(package_code),
        owners=(caller.party,),
        applicant_id=caller.party,
        submitted_by=who.account_id,
        agent_name=who.name,
        applicant_name=who.represented,
        level=caller.level,
    )
    items = items_applied_for(command)
    for item_code in items:
        require_item(caller, item_code)
    return _open_once(command, items)


@BUNDLES.post("/packages/<package_code>/cases/intake")
@requires("cases:intake")
@BUNDLES.arguments(BundleIntakeSchema)
@BUNDLES.response(201, OpenedBundleSchema)
def take_in(body: dict[str, Any], package_code: str) -> Any:
    """窗口收件: the same for a person who is there; both names are kept (Idempotency-Key required)."""
    caller = principal()
    channel, level = ASSURED_BY[caller.kind]
    require_party(body["applicant_id"])
    command = _submission(
        body | {"channel": channel, "draft_id": None},
        _package(package_code),
        owners=(body["applicant_id"], caller.party),
        applicant_id=body["applicant_id"],
        submitted_by=caller.subject,
        agent_name=caller.name,
        applicant_name=body["applicant_name"],
        level=level,
    )
    return _open_once(command, items_applied_for(command))


@BUNDLES.post("/packages/<package_code>/drafts")
@requires("cases:submit")
@BUNDLES.response(201, DraftSchema)
def start_draft(package_code: str) -> Any:
    """起草: begin an empty draft for a package; it is saved like any other (Idempotency-Key required)."""
    caller = principal()

    def start(tx: Tx) -> dict[str, Any]:
        for part in package_in_force(tx.connection, package_code, law_date(tx.now)).parts:
            require_item(caller, part.item_code)
        draft_id = start_package_draft(tx, owner_id=caller.party, package_code=package_code)
        return queries.draft_of(tx.connection, caller, draft_id)

    return once(db, start)


@BUNDLES.get("/packages/<package_code>/drafts")
@requires("cases:submit")
@BUNDLES.response(200, DraftListSchema)
def list_drafts(package_code: str) -> dict[str, Any]:
    """我的草稿: the caller's drafts for this package, the last touched first."""
    return {"drafts": queries.package_drafts_of(principal(), package_code)}


@BUNDLES.get("/bundles")
@requires("bundles:read")
@BUNDLES.response(200, BundleListSchema)
def list_bundles() -> dict[str, Any]:
    """我的联办件: what was applied for at once, the latest first."""
    return {"bundles": queries.bundles_of(principal())}


@BUNDLES.get("/bundles/<bundle_no>")
@requires("bundles:read")
@BUNDLES.response(200, BundleSchema)
def show(bundle_no: str) -> dict[str, Any]:
    """联办件详情: every case, what is outstanding, and one list of what to correct."""
    return queries.bundle_for(principal(), bundle_no)


@BUNDLES.post("/bundles/<bundle_no>/corrections")
@requires("cases:correct")
@BUNDLES.arguments(CorrectionSchema)
@BUNDLES.response(200, BundleStateSchema)
def correct(body: dict[str, Any], bundle_no: str) -> Any:
    """一次补正: each material goes to every case that asked for it (Idempotency-Key required)."""
    caller = principal()

    def read(package: Package) -> Any:
        return receipts().read_for(body["materials"], owners=(caller.party,), item_codes=_items_of(package))

    return once(db, lambda tx: _state(bundle_no, correct_bundle(tx, bundle_no, read, caller, body["channel"])))


@BUNDLES.post("/bundles/<bundle_no>/withdrawal")
@requires("cases:withdraw")
@BUNDLES.arguments(WithdrawalSchema)
@BUNDLES.response(200, BundleStateSchema)
def withdraw(body: dict[str, Any], bundle_no: str) -> Any:
    """撤回: everything of the bundle that is not decided (Idempotency-Key required)."""
    caller, why = principal(), body["reason"]
    return once(db, lambda tx: _state(bundle_no, withdraw_bundle(tx, bundle_no, why, caller, body["channel"])))


def _package(package_code: str) -> Package:
    with db.read() as connection:
        return package_in_force(connection, package_code, law_date(clock.now()))


def _items_of(package: Package) -> tuple[str, ...]:
    return tuple(part.item_code for part in package.parts)


def _submission(body: dict[str, Any], package: Package, *, owners: tuple[str, ...], **who: Any) -> SubmitBundle:
    return SubmitBundle(
        package=package,
        package_version=body["package_version"],
        channel=body["channel"],
        form=body["form"],
        handed_in=receipts().read_for(body["materials"], owners=owners, item_codes=_items_of(package)),
        draft_id=None if body["draft_id"] is None else str(body["draft_id"]),
        eligibility=body["eligibility"],
        commitment=tuple(body["commitment"]),
        later=tuple(body["later"]),
        delivery_way=body["delivery_way"],
        address=body["delivery_address"],
        renews_licences=body["renews_licences"],
        leave_out=tuple(body["leave_out"]),
        **who,
    )


def _open_once(command: SubmitBundle, items: tuple[str, ...]) -> Any:
    """Open the bundle, once for the request's key. Numbers are taken before: each is a transaction of its own."""
    key, today = idempotency_key(), law_date(clock.now())
    bundle_no = next_case_no(BUNDLE, today)
    case_nos = {item_code: next_case_no(item_code, today) for item_code in items}

    def open_all(tx: Tx) -> dict[str, Any]:
        files, left_out = submit_bundle(tx, command, bundle_no, case_nos)
        return _state(bundle_no, files) | {"left_out": left_out}

    return once(db, open_all, key=key)


def _state(bundle_no: str, files: list[CaseFile]) -> dict[str, Any]:
    return {
        "bundle_no": bundle_no,
        "cases": [state_of(file) | {"item_code": file.item.item_code} for file in files],
    }
