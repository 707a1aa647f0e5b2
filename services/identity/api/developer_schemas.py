"""What the developers' routes read and write."""

from __future__ import annotations

import re

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from contracts.open_api import DATASETS, ENVIRONMENTS, MOST_QUOTA
from services.identity.api.schemas import SensitiveField
from services.identity.domain.developer_apps import LONGEST_OVERLAP, MOST_ADDRESSES, STATES
from services.identity.domain.directory import NAME
from services.identity.domain.oauth import LONGEST_ADDRESS
from services.identity.domain.sensitive import Sensitive

TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]+$(?!\n)"


def _one_line(text: Sensitive) -> None:
    """The validator of the library would show the text."""
    if not re.fullmatch(r"[^\x00-\x1f\x7f\ud800-\udfff]+", text.reveal()):
        raise ma.ValidationError("control characters are not allowed")


class AppRegistrationSchema(ma.Schema):
    """登记应用: ``redirect_uris`` only where it wants people to sign in; those on the own machine are for the sandbox."""

    name = ma.fields.String(required=True, validate=Regexp(NAME))
    name_en = ma.fields.String(required=True, validate=Regexp(NAME))
    purpose = ma.fields.String(required=True, validate=[Length(5, 1000), Regexp(TEXT)])
    contact = SensitiveField(required=True, validate=[Length(3, 200), _one_line])
    redirect_uris = ma.fields.List(
        ma.fields.String(validate=Length(max=LONGEST_ADDRESS)), load_default=list, validate=Length(max=MOST_ADDRESSES)
    )


class AppIdSchema(ma.Schema):
    """An app."""

    app_id = ma.fields.String(required=True)


class GrantSchema(ma.Schema):
    """Datasets of the open API, scopes of tokens of the app's users, and so many requests."""

    datasets = ma.fields.List(
        ma.fields.String(validate=OneOf(sorted(DATASETS))), required=True, validate=Length(1, len(DATASETS))
    )
    scope = ma.fields.List(ma.fields.String(validate=Length(max=64)), load_default=list, validate=Length(max=64))
    per_minute = ma.fields.Integer(required=True, strict=True, validate=Range(1, MOST_QUOTA.per_minute))
    per_day = ma.fields.Integer(required=True, strict=True, validate=Range(1, MOST_QUOTA.per_day))


class ReasonSchema(ma.Schema):
    """理由: the developer reads it."""

    reason = ma.fields.String(required=True, validate=[Length(2, 500), Regexp(TEXT)])


class NewKeySchema(ma.Schema):
    """A key to be made."""

    environment = ma.fields.String(required=True, validate=OneOf(ENVIRONMENTS))
    label = ma.fields.String(load_default="", validate=Regexp(r"^[^\x00-\x1f\x7f\ud800-\udfff]{0,100}$(?!\n)"))


class RotationSchema(ma.Schema):
    """``overlap_hours``: how long the old key still works beside the new one."""

    overlap_hours = ma.fields.Integer(
        load_default=24, strict=True, validate=Range(0, int(LONGEST_OVERLAP.total_seconds()) // 3600)
    )


class KeySchema(ma.Schema):
    """The key, shown this once."""

    app_id = ma.fields.String(required=True)
    key_id = ma.fields.String(required=True)
    environment = ma.fields.String(required=True)
    key = ma.fields.String(required=True, metadata={"description": "header X-Api-Key; not shown again"})


class DeveloperKeyIdSchema(ma.Schema):
    """A key, by the middle part of it."""

    key_id = ma.fields.String(required=True)


class TestAccountSchema(ma.Schema):
    """A test account; the password is shown this once."""

    username = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    password = ma.fields.String(required=True)


class AppSummarySchema(ma.Schema):
    """An app in a list."""

    app_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    state = ma.fields.String(required=True, validate=OneOf(STATES))
    owner = ma.fields.String(required=True, allow_none=True)
    owner_kind = ma.fields.String(required=True, allow_none=True)
    registered_at = ma.fields.AwareDateTime(required=True)
    asked = ma.fields.Nested(GrantSchema, required=True, allow_none=True)
    granted = ma.fields.Nested(GrantSchema, required=True, allow_none=True)


class AppListSchema(ma.Schema):
    """Apps, the newest first."""

    apps = ma.fields.List(ma.fields.Nested(AppSummarySchema), required=True)


class ShownKeySchema(ma.Schema):
    """A key without its secret. ``ending``: replaced, and good until ``expires_at``."""

    key_id = ma.fields.String(required=True)
    prefix = ma.fields.String(required=True)
    environment = ma.fields.String(required=True, validate=OneOf(ENVIRONMENTS))
    label = ma.fields.String(required=True)
    state = ma.fields.String(required=True, validate=OneOf(("active", "ending", "expired", "revoked")))
    created_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    revoked_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    replaced_by = ma.fields.String(required=True, allow_none=True)
    last_used_on = ma.fields.Date(required=True, allow_none=True)


class UsageSchema(ma.Schema):
    """Requests of one day (Asia/Shanghai): answered, and turned away by the quota or for a dataset that is not granted."""

    day = ma.fields.Date(required=True)
    environment = ma.fields.String(required=True)
    answered = ma.fields.Integer(required=True)
    refused = ma.fields.Integer(required=True)


class KnownAccountSchema(ma.Schema):
    """A test account without its password."""

    username = ma.fields.String(required=True)
    name = ma.fields.String(required=True)


class MoveSchema(ma.Schema):
    """One step of the app's way."""

    before = ma.fields.String(required=True)
    after = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    moved_at = ma.fields.AwareDateTime(required=True)


class QuotaSchema(ma.Schema):
    """So many requests."""

    per_minute = ma.fields.Integer(required=True)
    per_day = ma.fields.Integer(required=True)


class AppSchema(AppSummarySchema):
    """All of an app. Use is that of the last 30 days."""

    purpose = ma.fields.String(required=True)
    contact = ma.fields.String(required=True)
    redirect_uris = ma.fields.List(ma.fields.String(), required=True)
    sandbox_client = ma.fields.String(required=True, allow_none=True)
    production_client = ma.fields.String(required=True, allow_none=True)
    sandbox_quota = ma.fields.Nested(QuotaSchema, required=True)
    keys = ma.fields.List(ma.fields.Nested(ShownKeySchema), required=True)
    usage = ma.fields.List(ma.fields.Nested(UsageSchema), required=True)
    test_accounts = ma.fields.List(ma.fields.Nested(KnownAccountSchema), required=True)
    history = ma.fields.List(ma.fields.Nested(MoveSchema), required=True)


class StateQuerySchema(ma.Schema):
    """Apps in one state, or all."""

    state = ma.fields.String(validate=OneOf(STATES))


class ServedKeySchema(ma.Schema):
    """What the gateway goes by. ``expires_at`` in POSIX seconds."""

    key_id = ma.fields.String(required=True)
    app_id = ma.fields.String(required=True)
    environment = ma.fields.String(required=True)
    datasets = ma.fields.List(ma.fields.String(), required=True)
    per_minute = ma.fields.Integer(required=True)
    per_day = ma.fields.Integer(required=True)
    expires_at = ma.fields.Float(required=True)


class ServedKeysQuerySchema(ma.Schema):
    """``known``: the version that the gateway has."""

    known = ma.fields.String(validate=Length(max=64))


class ServedKeysSchema(ma.Schema):
    """Keys in force by SHA-256 of the key; null when the version known is still the one."""

    version = ma.fields.String(required=True)
    keys = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(ServedKeySchema), allow_none=True)


class UsedSchema(ma.Schema):
    """Requests with one key on one day since the last report."""

    key_id = ma.fields.String(required=True, validate=Regexp(r"^[a-z0-9]{1,16}$(?!\n)"))
    day = ma.fields.Date(required=True)
    answered = ma.fields.Integer(required=True, strict=True, validate=Range(0, 2**53))
    refused = ma.fields.Integer(required=True, strict=True, validate=Range(0, 2**53))


class UsageReportSchema(ma.Schema):
    """Since the last report of this gateway."""

    used = ma.fields.List(ma.fields.Nested(UsedSchema), required=True, validate=Length(max=10_000))


class CountedSchema(ma.Schema):
    """How many rows were taken."""

    counted = ma.fields.Integer(required=True)
