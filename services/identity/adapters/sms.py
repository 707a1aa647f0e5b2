r"""Text messages over an HTTP gateway in the way of Chinese providers: a template of the provider's, its parameters, and a
signature over the sorted fields.

``POST {url}`` with a form: AccessKeyId, Timestamp (UTC, ISO 8601), SignatureNonce, PhoneNumbers, SignName, TemplateCode,
TemplateParam (JSON), OutId (ours, by which a repeated request is known), Signature = Base64(HMAC-SHA256(secret, "POST\n" +
path + "\n" + the other fields, percent-encoded, sorted by name)). The answer is JSON: Code, Message, BizId.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import msgspec
import urllib3

from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.message_templates import Sms
from services.identity.adapters.sending import Rejected, TryAgain
from services.identity.domain.sensitive import Sensitive

TIMEOUT_S = 10.0
OK = "OK"
NEVER = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.TEMPLATE_MISSING_PARAMETERS"})
"""Answers that no repetition changes."""


class _Answer(msgspec.Struct, rename="pascal"):
    code: str
    message: str = ""
    biz_id: str | None = None


class SmsGateway:
    """``url`` is ``https://<key id>:<secret>@host/path``; ``sign_name`` is the registered signature (签名)."""

    def __init__(self, url: str, sign_name: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not (parts.hostname and parts.username and parts.password):
            raise ValueError("https://<key id>:<secret>@host/path")
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self._path = parts.path or "/"
        self._url = urlunsplit((parts.scheme, host, self._path, "", ""))
        self._key_id, self._secret = unquote(parts.username), Sensitive(unquote(parts.password))
        self._sign_name = sign_name
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def send(self, delivery_id: str, mobile: Sensitive, sms: Sms) -> str:
        """Send; returns the provider's id. Raises TryAgain or Rejected."""
        fields = {
            "AccessKeyId": self._key_id,
            "Timestamp": machine_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "SignatureNonce": secrets.token_hex(16),
            "PhoneNumbers": mobile.reveal(),
            "SignName": self._sign_name,
            "TemplateCode": sms.template,
            "TemplateParam": msgspec.json.encode(sms.parameters).decode(),
            "OutId": delivery_id,
        }
        fields["Signature"] = signature(self._secret.reveal(), self._path, fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            response = self._pool.request("POST", self._url, body=urlencode(fields), headers=headers)
            answer = msgspec.json.decode(response.data, type=_Answer)
        except urllib3.exceptions.HTTPError as error:
            raise TryAgain(type(error).__name__) from None
        except msgspec.DecodeError:
            raise TryAgain(f"HTTP {response.status}") from None
        if answer.code == OK:
            return answer.biz_id or ""
        raise (Rejected if answer.code in NEVER else TryAgain)(answer.code[:100])


def signature(secret: str, path: str, fields: Mapping[str, str]) -> str:
    """Over every field but itself."""
    pairs = sorted((name, value) for name, value in fields.items() if name != "Signature")
    canonical = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    text = f"POST\n{path}\n{canonical}"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
