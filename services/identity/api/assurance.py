"""实名等级、岗位和监护: how sure we are of people, which posts staff hold, who is whose guardian."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity.adapters.numbers import identity_number
from services.identity.api.desk import desk, once
from services.identity.api.people_desk import registers, require_oneself
from services.identity.api.people_schemas import (
    ChildSchema,
    DelegationIdSchema,
    GuardianshipSchema,
    InPersonSchema,
    LevelSchema,
    OwnAssuranceSchema,
    PostGivenSchema,
    PostListSchema,
    PostSchema,
    VerificationRequestSchema,
)
from services.identity.use_cases import show_people
from services.identity.use_cases.assign_post import assign_post
from services.identity.use_cases.claim_child import claim_child
from services.identity.use_cases.delegate import enter_guardianship
from services.identity.use_cases.verify_account import require_counter, verify_account, verify_in_person

ASSURANCE = Blueprint("assurance", __name__, url_prefix="/api/v1", description="实名等级与监护 / assurance, guardians")


@ASSURANCE.get("/my/verifications")
@requires("data:self")
@ASSURANCE.response(200, OwnAssuranceSchema)
def show_own_assurance() -> dict[str, Any]:
    """我的实名等级: the level, and what the registers were asked so far."""
    require_oneself()
    return show_people.own_assurance(principal().subject)


@ASSURANCE.post("/my/verifications")
@requires("data:self")
@ASSURANCE.arguments(VerificationRequestSchema)
@ASSURANCE.response(200, LevelSchema)
def verify_me(body: dict[str, Any]) -> dict[str, int]:
    """在线实名核验: have the registers compare; two items give level 3, three give 4. May be repeated."""
    require_oneself()
    third = None if body["third_item"] is None else (body["third_item"], body["third_value"])
    level = verify_account(
        registers(),
        desk().vault,
        principal().subject,
        third=third,
        legal_representative=body["legal_representative"],
        purpose="本人申请实名核验 / asked for by the person",
    )
    return {"level": level}


@ASSURANCE.post("/accounts/<account_id>/verifications")
@requires("identity:verify")
@ASSURANCE.arguments(InPersonSchema)
@ASSURANCE.response(200, LevelSchema)
def verify_somebody(body: dict[str, Any], account_id: str) -> Any:
    """现场核验: at a counter (level 5), or by a kiosk that has read the card (4) (Idempotency-Key required)."""
    caller = principal()
    kiosk = caller.kind == "kiosk"
    return once(
        lambda tx: {"level": verify_in_person(tx, account_id, by=caller.subject, kiosk=kiosk, basis=body["basis"])}
    )


@ASSURANCE.post("/accounts/<account_id>/posts")
@requires("posts:give")
@ASSURANCE.arguments(PostSchema)
@ASSURANCE.response(201, PostGivenSchema)
def post_post(body: dict[str, Any], account_id: str) -> Any:
    """任职: give a post, or set its last day (Idempotency-Key required)."""

    def assign(tx: Tx) -> dict[str, Any]:
        assign_post(tx, account_id, by=principal().subject, **body)
        return {"code": body["code"], "from_on": body["from_on"].isoformat()}

    return once(assign)


@ASSURANCE.get("/accounts/<account_id>/posts")
@requires("posts:give")
@ASSURANCE.response(200, PostListSchema)
def show_posts(account_id: str) -> dict[str, Any]:
    """岗位: past, present and to come."""
    return {"posts": show_people.posts_of(account_id)}


@ASSURANCE.post("/my/children")
@requires("data:self")
@ASSURANCE.arguments(ChildSchema)
@ASSURANCE.response(201, DelegationIdSchema)
def claim(body: dict[str, Any]) -> Any:
    """监护关系核验: the population register says whether the caller is the child's guardian. May be repeated."""
    require_oneself()
    number = identity_number(body["identity_number"], clock.now())
    return {"delegation_id": claim_child(registers(), desk().vault, principal().subject, body["name"], number)}


@ASSURANCE.post("/guardianships")
@requires("identity:verify")
@ASSURANCE.arguments(GuardianshipSchema)
@ASSURANCE.response(201, DelegationIdSchema)
def post_guardianship(body: dict[str, Any]) -> Any:
    """窗口登记监护关系, with its basis (Idempotency-Key required)."""
    by = principal().subject

    def enter(tx: Tx) -> dict[str, Any]:
        require_counter(tx, by)
        return {
            "delegation_id": enter_guardianship(tx, body["guardian_id"], body["child_id"], by=by, basis=body["basis"])
        }

    return once(enter)
