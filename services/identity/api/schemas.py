"""What comes in and goes out over HTTP."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Regexp

from services.identity.domain.directory import (
    CLIENT_ID,
    DEPARTMENT_CODE,
    NAME,
    PASSWORD_LENGTH,
    SECRET_LENGTH,
    USERNAME,
)
from services.identity.domain.scopes import ACCOUNT_KINDS
from services.identity.domain.sensitive import Sensitive

LONGEST_TRY = 1000
PARTY_ID = r"^[0-9a-f-]{36}$(?!\n)"


class SensitiveField(ma.fields.String):
    """Text that is ``Sensitive`` as soon as it is read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        return Sensitive(str(text))


def name_field(**kwargs: Any) -> ma.fields.String:
    """A name that people gave."""
    return ma.fields.String(validate=Regexp(NAME, error="1–100 characters, no control characters"), **kwargs)


def _code(**kwargs: Any) -> ma.fields.String:
    return ma.fields.String(validate=Regexp(DEPARTMENT_CODE), metadata={"description": "department code"}, **kwargs)


class TokenSchema(ma.Schema):
    """RFC 6749 §5.1. ``expires_in`` is seconds."""

    access_token = ma.fields.String(required=True)
    token_type = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True)
    scope = ma.fields.String(required=True)


class JwksSchema(ma.Schema):
    """RFC 7517."""

    keys = ma.fields.List(ma.fields.Dict(), required=True)


class EndedSessionsSchema(ma.Schema):
    """SHA-256, the first half in hex, of each session and grant that has ended while its access tokens may still be out."""

    ended = ma.fields.List(ma.fields.String(), required=True)


class DepartmentSchema(ma.Schema):
    """A department. ``uscc`` is its 统一社会信用代码."""

    code = _code(required=True)
    name = name_field(required=True)
    name_en = name_field(required=True)
    uscc = ma.fields.String(required=True, validate=Length(max=40))


class DepartmentListSchema(ma.Schema):
    """Every department, by code."""

    departments = ma.fields.List(ma.fields.Nested(DepartmentSchema), required=True)


class PartySchema(ma.Schema):
    """A natural person with an identity number, or an organisation with a credit code."""

    kind = ma.fields.String(required=True, validate=OneOf(("person", "organisation")))
    name = name_field(required=True)
    identity_number = SensitiveField(validate=Length(max=40), metadata={"description": "公民身份号码, kind person"})
    uscc = ma.fields.String(validate=Length(max=40), metadata={"description": "统一社会信用代码, kind organisation"})

    @ma.validates_schema
    def _one_number(self, data: dict[str, Any], **_kwargs: Any) -> None:
        wanted, other = ("identity_number", "uscc") if data["kind"] == "person" else ("uscc", "identity_number")
        if wanted not in data:
            raise ma.ValidationError(f"required for kind {data['kind']}", wanted)
        if other in data:
            raise ma.ValidationError(f"not for kind {data['kind']}", other)


class PartyIdSchema(ma.Schema):
    """The registered party."""

    party_id = ma.fields.String(required=True)


class AccountSchema(ma.Schema):
    """An account: of a person (``person_id``, acting for ``party_id``), or of staff (``name``, an officer's ``department``)."""

    username = ma.fields.String(required=True, validate=Regexp(USERNAME))
    password = SensitiveField(required=True, validate=Length(*PASSWORD_LENGTH))
    kind = ma.fields.String(required=True, validate=OneOf(ACCOUNT_KINDS))
    name = name_field()
    person_id = ma.fields.String(validate=Regexp(PARTY_ID))
    party_id = ma.fields.String(validate=Regexp(PARTY_ID))
    department = _code()


class AccountIdSchema(ma.Schema):
    """The opened account."""

    account_id = ma.fields.String(required=True)


class ClientSchema(ma.Schema):
    """A department's system: with a secret made by whoever registers it, at random, and given to nobody else; or with the
    public keys (RFC 7517) that it signs for (private_key_jwt).
    """

    client_id = ma.fields.String(required=True, validate=Regexp(CLIENT_ID))
    client_secret = SensitiveField(validate=Length(*SECRET_LENGTH))
    jwks = ma.fields.Dict()
    department = _code(required=True)
    kind = ma.fields.String(load_default="department", validate=OneOf(("department", "kiosk")))

    @ma.validates_schema
    def _one_way(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if ("client_secret" in data) == ("jwks" in data):
            raise ma.ValidationError("give either client_secret or jwks", "client_secret")


class ClientIdSchema(ma.Schema):
    """The registered client."""

    client_id = ma.fields.String(required=True)
    department = ma.fields.String(required=True)
