"""What comes in and goes out of the routes under ``/api/v1/account``."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length

from services.identity.api.schemas import LONGEST_TRY, SensitiveField, name_field
from services.identity.domain.directory import PASSWORD_LENGTH


class PasswordOnlySchema(ma.Schema):
    """The password once more, before a lock of the account is changed."""

    password = SensitiveField(required=True, validate=Length(max=LONGEST_TRY))


class FirstPasswordSchema(ma.Schema):
    """A password for one sign-in, that its owner then changes."""

    password = SensitiveField(required=True, validate=Length(*PASSWORD_LENGTH))


class TotpCodeSchema(ma.Schema):
    """Six digits of an authenticator app."""

    code = ma.fields.String(required=True, validate=Length(max=40))


class TotpSecretSchema(ma.Schema):
    """Shown once. ``secret`` is base 32, ``uri`` for the app, ``qr`` the same as a ``data:image/svg+xml`` address."""

    secret = ma.fields.String(required=True)
    uri = ma.fields.String(required=True)
    qr = ma.fields.String(required=True)


class PasskeySchema(ma.Schema):
    """A passkey. ``backed_up``: it is kept on several devices by its maker's service."""

    passkey_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    backed_up = ma.fields.Boolean(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
    last_used_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class FactorsSchema(ma.Schema):
    """What the account signs in with beside the password. ``required``: it must have a second factor."""

    required = ma.fields.Boolean(required=True)
    totp_since = ma.fields.AwareDateTime(required=True, allow_none=True)
    passkeys = ma.fields.List(ma.fields.Nested(PasskeySchema), required=True)
    passkeys_available = ma.fields.Boolean(required=True)
    recovery_codes_left = ma.fields.Integer(required=True)


class PasskeyOptionsSchema(ma.Schema):
    """PublicKeyCredentialCreationOptionsJSON (WebAuthn level 3, §5.1.8)."""

    options = ma.fields.Dict(required=True)


class NewPasskeySchema(ma.Schema):
    """A name for the passkey, and the RegistrationResponseJSON of the browser."""

    name = name_field(required=True)
    credential = ma.fields.Dict(required=True)


class PasskeyIdSchema(ma.Schema):
    """The registered passkey."""

    passkey_id = ma.fields.String(required=True)


class PasskeyNameSchema(ma.Schema):
    """Another name."""

    name = name_field(required=True)


class RecoveryCodesSchema(ma.Schema):
    """Shown once."""

    codes = ma.fields.List(ma.fields.String(), required=True)


class PasswordRulesSchema(ma.Schema):
    """What a new password has to be: characters, kinds of characters, days until the next change, not one of the last."""

    length = ma.fields.Integer(required=True)
    classes = ma.fields.Integer(required=True)
    days = ma.fields.Integer(required=True)
    history = ma.fields.Integer(required=True)


class PasswordStateSchema(ma.Schema):
    """The password's age. ``change_first``: nothing else can be done before it is changed."""

    set_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    change_first = ma.fields.Boolean(required=True)
    rules = ma.fields.Nested(PasswordRulesSchema, required=True)


class PasswordChangeSchema(ma.Schema):
    """The password in force, and the one that shall be."""

    old = SensitiveField(required=True, validate=Length(max=LONGEST_TRY))
    new = SensitiveField(required=True, validate=Length(max=LONGEST_TRY))


class SessionSchema(ma.Schema):
    """A sign-in. ``client`` is the name of the website or program; ``current``: the request comes from it."""

    session_id = ma.fields.String(required=True)
    client = ma.fields.String(required=True, allow_none=True)
    client_en = ma.fields.String(required=True, allow_none=True)
    address = ma.fields.String(required=True)
    agent = ma.fields.String(required=True)
    signed_in_at = ma.fields.AwareDateTime(required=True)
    last_seen_at = ma.fields.AwareDateTime(required=True)
    current = ma.fields.Boolean(required=True)


class SessionListSchema(ma.Schema):
    """Sign-ins that were not ended, last used first."""

    sessions = ma.fields.List(ma.fields.Nested(SessionSchema), required=True)


class EndedSchema(ma.Schema):
    """How many sign-ins were ended."""

    ended = ma.fields.Integer(required=True)
