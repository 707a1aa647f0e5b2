"""A citizen's program as the load: one kept-alive connection to the gateway, nothing that costs more than it must."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from demo.sign_in import sign_in

TIMEOUT_S = 60.0
MATERIAL_BYTES = 1024
IDLE_S = 10.0  # the gateway closes connections that are idle for longer than three times this


class Refused(Exception):
    """The platform answered with a problem."""


class Citizen:
    """Signed in as ``username``. One per thread."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=TIMEOUT_S)
        self._used_at = time.monotonic()
        self.headers: dict[str, str] = {}
        token = sign_in(self._send, username, password)["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        """JSON of a GET."""
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Any) -> Any:
        """JSON of a POST, under a fresh Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        return self._call("POST", path, json.dumps(body).encode(), headers)

    def get_bytes(self, path: str) -> bytes:
        """Body of a GET."""
        return self._exchange("GET", path, None, {})

    def verify(self, pdf: bytes) -> Any:
        """What the platform says of a licence's file."""
        return self._call("POST", "/api/v1/licences/verification", pdf, {"Content-Type": "application/pdf"})

    def hand_in_materials(self, guide: dict[str, Any]) -> list[str]:
        """Upload each required material, a file that nobody has handed in before; returns the receipts."""
        receipts = []
        for material in guide["materials"]:
            if material["required"]:
                path = f"/api/v1/materials?item_code={guide['item_code']}&material_code={material['code']}"
                content = f"%PDF-1.7\n{uuid.uuid4()}".encode().ljust(MATERIAL_BYTES)
                receipts.append(self._call("POST", path, content, {"Content-Type": "application/pdf"})["receipt"])
        return receipts

    def submit(self, guide: dict[str, Any], receipts: list[str]) -> str:
        """Apply; returns the case number."""
        form = guide["form_schema"]["examples"][0]
        body = {"item_code": guide["item_code"], "form": form, "materials": receipts}
        return str(self.post("/api/v1/cases", body)["case_no"])

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        self._connection.request(method, path, body, dict(headers))
        response = self._connection.getresponse()
        return response.status, response.headers, response.read()

    def _call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Any:
        return json.loads(self._exchange(method, path, body, headers))

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        if time.monotonic() - self._used_at > IDLE_S:
            self._connection.close()  # opened again by the request
        self._connection.request(method, path, body, self.headers | headers)
        response = self._connection.getresponse()
        content = response.read()
        self._used_at = time.monotonic()
        if response.status >= 400:
            raise Refused(f"{method} {path}: {response.status} {content.decode(errors='replace')[:500]}")
        return content
