"""WebAuthn (level 3) ceremonies by py_webauthn: user verification required, discoverable credentials, no attestation asked."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from chassis.errors import Refusal

RP_NAME = "通办 Tongban"
CHALLENGE_LIFE_S = 300
# What browsers send comes from outside: py_webauthn trips over some of it with other errors than its own.
_UNREADABLE = (WebAuthnException, ValueError, TypeError, AttributeError, LookupError, RecursionError)


@dataclass(frozen=True)
class Site:
    """Where passkeys are good: ``rp_id`` is the host, ``origin`` the scheme, host and port of the public address."""

    rp_id: str
    origin: str

    @classmethod
    def at(cls, public_url: str) -> Site | None:
        """The site of ``public_url``; None where browsers know no passkeys: under an IP address, or without TLS elsewhere
        than on localhost (WebAuthn level 3, §5.1.3 and §13).
        """
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        local = host == "localhost" or host.endswith(".localhost")
        if not host or _is_address(host) or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            return None
        default = {"https": 443, "http": 80}[parts.scheme]
        port = "" if parts.port in (None, default) else f":{parts.port}"
        return cls(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True)
class NewPasskey:
    """What an authenticator made. ``credential_id`` is base64url, ``public_key`` COSE."""

    credential_id: str
    public_key: bytes
    sign_count: int
    backed_up: bool


@dataclass(frozen=True)
class UsedPasskey:
    """What an authenticator proved."""

    sign_count: int
    backed_up: bool


def creation_options(
    site: Site, *, account_id: str, username: str, name: str, known: Sequence[str]
) -> tuple[str, dict[str, Any]]:
    """Challenge, and PublicKeyCredentialCreationOptionsJSON. The account's id, a UUID, is the user handle."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=RP_NAME,
        user_id=account_id.encode(),
        user_name=username,
        user_display_name=name,
        timeout=CHALLENGE_LIFE_S * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(known),
    )
    return bytes_to_base64url(options.challenge), json.loads(options_to_json(options))


def request_options(site: Site, known: Sequence[str] = ()) -> tuple[str, dict[str, Any]]:
    """Challenge, and PublicKeyCredentialRequestOptionsJSON; without ``known`` any discoverable credential will do."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        timeout=CHALLENGE_LIFE_S * 1000,
        allow_credentials=_descriptors(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return bytes_to_base64url(options.challenge), json.loads(options_to_json(options))


def challenge_of(credential: Mapping[str, Any]) -> str:
    """The challenge that a browser's answer says it answers, base64url. Raises Refusal ``passkey_invalid``."""
    try:
        client_data = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return bytes_to_base64url(client_data.challenge)
    except _UNREADABLE as error:
        raise invalid() from error


def verify_creation(site: Site, credential: Mapping[str, Any], challenge: str) -> NewPasskey:
    """The passkey of a RegistrationResponseJSON. Raises Refusal ``passkey_invalid``."""
    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        raise invalid() from error
    return NewPasskey(
        bytes_to_base64url(made.credential_id), made.credential_public_key, made.sign_count, made.credential_backed_up
    )


def verify_assertion(
    site: Site, credential: Mapping[str, Any], challenge: str, public_key: bytes, sign_count: int
) -> UsedPasskey:
    """What an AuthenticationResponseJSON proves. Raises Refusal ``passkey_invalid``, also when the sign count did not grow."""
    try:
        proved = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except _UNREADABLE as error:
        raise invalid() from error
    return UsedPasskey(proved.new_sign_count, proved.credential_backed_up)


def user_handle(account_id: str) -> str:
    """The account's id as authenticators keep it, base64url."""
    return bytes_to_base64url(account_id.encode())


def invalid() -> Refusal:
    """One answer, whatever was wrong."""
    return Refusal("passkey_invalid", "通行密钥验证不通过 / the passkey could not be verified")


def _descriptors(credential_ids: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in credential_ids]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
