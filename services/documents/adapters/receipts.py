"""Receipts of materials: compact JWS with documents' own key, so that workflow needs no event to trust a material."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from joserfc import jws

from chassis.keys import load_or_create_key


class ReceiptSigner:
    """Signs receipts with ES256; the public half is a JWKS."""

    def __init__(self, key_file: Path) -> None:
        self._key = load_or_create_key(key_file)

    def sign(self, content: dict[str, Any]) -> str:
        """A compact JWS whose payload is ``content`` as JSON."""
        header = {"alg": "ES256", "kid": self._key.kid}
        return jws.serialize_compact(header, msgspec.json.encode(content), self._key, algorithms=["ES256"])

    def jwks(self) -> dict[str, Any]:
        """Public keys."""
        return {"keys": [self._key.as_dict(private=False)]}
