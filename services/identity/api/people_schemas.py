"""What comes in and goes out over HTTP about assurance, delegation and personal data."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import ContainsOnly, Length, OneOf, Range, Regexp

from services.identity.api.schemas import PARTY_ID, SensitiveField
from services.identity.domain.assurance import THIRD_ITEMS
from services.identity.domain.delegation import ACTIONS
from services.identity.domain.directory import DEPARTMENT_CODE, NAME

REASON = Length(2, 500)
DELEGATION_TYPE = "urn:tongban:params:token-type:delegation"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a kind of token


def _name(**kwargs: object) -> ma.fields.String:
    return ma.fields.String(required=True, validate=Regexp(NAME), **kwargs)  # type: ignore[arg-type]


class VerificationRequestSchema(ma.Schema):
    """Which third item the population register compares; without one the level is 3 at most."""

    third_item = ma.fields.String(load_default=None, validate=OneOf(THIRD_ITEMS))
    third_value = SensitiveField(load_default=None, validate=Length(1, 40))
    legal_representative = SensitiveField(
        load_default=None,
        validate=Length(1, 100),
        metadata={"description": "法定代表人 / of the organisation that the account acts for"},
    )

    @ma.validates_schema
    def _both_or_none(self, data: dict[str, object], **_kwargs: object) -> None:
        if (data["third_item"] is None) != (data["third_value"] is None):
            raise ma.ValidationError("give third_item and third_value, or neither", "third_value")


class InPersonSchema(ma.Schema):
    """What was seen: the identity card, at which counter."""

    basis = ma.fields.String(required=True, validate=REASON)


class LevelSchema(ma.Schema):
    """实名等级, 2 to 5. A token says it from the next sign-in or refresh on."""

    level = ma.fields.Integer(required=True)


class VerificationSchema(ma.Schema):
    """One question to a register: names of the items that were compared, never their values."""

    register = ma.fields.String(required=True)
    asked = ma.fields.List(ma.fields.String(), required=True)
    answer = ma.fields.String(required=True)
    purpose = ma.fields.String(required=True)
    level_after = ma.fields.Integer(required=True)
    asked_at = ma.fields.AwareDateTime(required=True)


class OwnAssuranceSchema(LevelSchema):
    """With what was asked, the newest first. ``organisation``: the account acts for one, whose registration is compared, too."""

    organisation = ma.fields.Boolean(required=True)
    verifications = ma.fields.List(ma.fields.Nested(VerificationSchema), required=True)


class PostSchema(ma.Schema):
    """岗位. Days are of Asia/Shanghai, both included."""

    code = ma.fields.String(required=True, validate=Regexp(r"^[a-z][a-z0-9_]{1,39}$(?!\n)"))
    name = _name()
    department = ma.fields.String(required=True, validate=Regexp(DEPARTMENT_CODE))
    from_on = ma.fields.Date(required=True)
    until_on = ma.fields.Date(load_default=None, allow_none=True)


class PostGivenSchema(ma.Schema):
    """The post that was given or changed."""

    code = ma.fields.String(required=True)
    from_on = ma.fields.String(required=True, metadata={"format": "date"})


class PostListSchema(ma.Schema):
    """An account's posts, the newest first."""

    posts = ma.fields.List(ma.fields.Nested(PostSchema), required=True)


class OfferSchema(ma.Schema):
    """委托: to whom, for what. ``items`` left out is every item; the days are of Asia/Shanghai, both included."""

    name = _name(metadata={"description": "受托人姓名 / the grantee's name"})
    identity_number = SensitiveField(required=True, validate=Length(max=40))
    items = ma.fields.List(
        ma.fields.String(validate=Length(equal=31)), load_default=None, allow_none=True, validate=Length(1, 200)
    )
    actions = ma.fields.List(
        ma.fields.String(), required=True, validate=[Length(1, len(ACTIONS)), ContainsOnly(ACTIONS)]
    )
    from_on = ma.fields.Date(required=True)
    until_on = ma.fields.Date(required=True)


class DelegationIdSchema(ma.Schema):
    """The new delegation."""

    delegation_id = ma.fields.String(required=True)


class DelegationSchema(ma.Schema):
    """A delegation as both sides see it. ``state``: offered, not_yet, in_force, ended, revoked."""

    delegation_id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, metadata={"description": "person | agent | guardian"})
    grantor_id = ma.fields.String(required=True)
    grantor_name = ma.fields.String(required=True)
    grantee_name = ma.fields.String(required=True)
    items = ma.fields.List(ma.fields.String(), allow_none=True)
    actions = ma.fields.List(ma.fields.String(), required=True)
    from_on = ma.fields.Date(required=True)
    until_on = ma.fields.Date(required=True)
    state = ma.fields.String(required=True)
    basis = ma.fields.String(required=True)
    offered_at = ma.fields.AwareDateTime(required=True)
    accepted_at = ma.fields.AwareDateTime(allow_none=True)
    revoked_at = ma.fields.AwareDateTime(allow_none=True)


class DelegationListSchema(ma.Schema):
    """What the caller's party gave, and what was given to the caller's person; the newest first."""

    given = ma.fields.List(ma.fields.Nested(DelegationSchema), required=True)
    received = ma.fields.List(ma.fields.Nested(DelegationSchema), required=True)


class DelegationStateSchema(ma.Schema):
    """Where it stands after the request."""

    delegation_id = ma.fields.String(required=True)
    state = ma.fields.String(required=True)


class ChildSchema(ma.Schema):
    """被监护人: a child under 14 whom the caller is the guardian of."""

    name = _name()
    identity_number = SensitiveField(required=True, validate=Length(max=40))


class GuardianshipSchema(ma.Schema):
    """A guardianship that staff enter, with what proves it (户口簿、出生医学证明、判决书)."""

    guardian_id = ma.fields.String(required=True, validate=Regexp(PARTY_ID))
    child_id = ma.fields.String(required=True, validate=Regexp(PARTY_ID))
    basis = ma.fields.String(required=True, validate=REASON)


class ExchangeSchema(ma.Schema):
    """RFC 8693 §2.1: the delegation is the subject token, the caller's own access token says who acts."""

    class Meta:
        """RFC 6749 §3.2: unknown parameters are ignored."""

        unknown = ma.EXCLUDE

    grant_type = ma.fields.String(required=True, validate=OneOf((EXCHANGE,)))
    subject_token = ma.fields.String(required=True, validate=Length(max=64), metadata={"description": "delegation_id"})
    subject_token_type = ma.fields.String(required=True, validate=OneOf((DELEGATION_TYPE,)))


class ExchangedTokenSchema(ma.Schema):
    """RFC 8693 §2.2.1."""

    access_token = ma.fields.String(required=True)
    issued_token_type = ma.fields.String(required=True)
    token_type = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True)
    scope = ma.fields.String(required=True)


class MaskedPartySchema(ma.Schema):
    """A party, masked."""

    party_id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    number = ma.fields.String(required=True)


class RevealRequestSchema(ma.Schema):
    """For which case, and why."""

    case_no = ma.fields.String(required=True, validate=Length(1, 50))
    reason = ma.fields.String(required=True, validate=REASON)


class RevealedSchema(ma.Schema):
    """The number in full."""

    number = ma.fields.String(required=True)


class ContactChangeSchema(ma.Schema):
    """手机或邮箱: a code is sent to it."""

    address = SensitiveField(required=True, validate=Length(3, 254))


class ContactCodeSchema(ma.Schema):
    """The code that was sent."""

    code = SensitiveField(required=True, validate=Length(1, 20))


class ContactSchema(ma.Schema):
    """A contact, in full for its owner. ``pending`` waits for its code."""

    kind = ma.fields.String(required=True)
    address = ma.fields.String(allow_none=True)
    verified_at = ma.fields.AwareDateTime(allow_none=True)
    pending = ma.fields.String(allow_none=True)


class ContactListSchema(ma.Schema):
    """The caller's contacts."""

    contacts = ma.fields.List(ma.fields.Nested(ContactSchema), required=True)


class DisclosureSchema(ma.Schema):
    """Who was shown what, when and why."""

    field = ma.fields.String(required=True)
    seen_by_name = ma.fields.String(required=True)
    department = ma.fields.String(allow_none=True)
    reason = ma.fields.String(required=True)
    seen_at = ma.fields.AwareDateTime(required=True)


class DisclosureListSchema(ma.Schema):
    """谁看过我的信息, the newest first."""

    disclosures = ma.fields.List(ma.fields.Nested(DisclosureSchema), required=True)


class DataRequestSchema(ma.Schema):
    """更正或删除: what is to be corrected or erased, in the person's words."""

    kind = ma.fields.String(required=True, validate=OneOf(("correction", "erasure")))
    details = SensitiveField(required=True, validate=Length(1, 2000))


class RequestStateSchema(ma.Schema):
    """``due_on`` is the last day for an answer."""

    request_id = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    due_on = ma.fields.String(required=True, metadata={"format": "date"})
    reason = ma.fields.String(allow_none=True)


class DecidedSchema(ma.Schema):
    """The request after its decision."""

    request_id = ma.fields.String(required=True)
    state = ma.fields.String(required=True)


class RequestSchema(RequestStateSchema):
    """A request as its owner, or who decides, sees it."""

    party_id = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    details = ma.fields.String(allow_none=True, metadata={"description": "null once the party is erased"})
    asked_at = ma.fields.AwareDateTime(required=True)
    overdue = ma.fields.Boolean(required=True)
    decided_at = ma.fields.AwareDateTime(allow_none=True)


class RequestListSchema(ma.Schema):
    """Requests, those due first before the others."""

    requests = ma.fields.List(ma.fields.Nested(RequestSchema), required=True)


class DecisionSchema(ma.Schema):
    """``name`` is the corrected one, when a correction is granted."""

    granted = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True, validate=REASON)
    name = ma.fields.String(load_default=None, allow_none=True, validate=Regexp(NAME))


class WaitingQuerySchema(ma.Schema):
    """How many at most."""

    limit = ma.fields.Integer(load_default=100, validate=Range(1, 500))
