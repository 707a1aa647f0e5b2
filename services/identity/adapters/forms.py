"""What a page carries to the next: signed, for one purpose, for one browser, for a while. Nothing is stored for strangers."""

from __future__ import annotations

import hmac
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive

LIFE_S = 30 * 60


class Forms:
    """Signs under the data key, so that every process takes every other's forms."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._secret = vault.keyed_hash("forms", Sensitive("secret"))

    def seal(self, purpose: str, browser: str, content: dict[str, Any]) -> str:
        """``content`` (JSON) for the browser that has the cookie ``browser``. It can be read, not changed."""
        return str(self._serializer(purpose).dumps({"b": self._mark(browser), "c": content}))

    def open(self, purpose: str, browser: str | None, sealed: str) -> dict[str, Any] | None:
        """What was sealed; None when it was not sealed here, for this purpose and browser, within half an hour."""
        try:
            said = self._serializer(purpose).loads(sealed, max_age=LIFE_S)
        except BadSignature:
            return None
        if not browser or not hmac.compare_digest(said["b"], self._mark(browser)):
            return None
        content: dict[str, Any] = said["c"]
        return content

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._secret, salt=f"tongban.identity.{purpose}")

    def _mark(self, browser: str) -> str:
        return self._vault.keyed_hash("browser", Sensitive(browser))[:32]
