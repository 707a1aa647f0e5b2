"""An SMS provider that really receives: it checks the signature, knows a repeated request by its OutId, and keeps what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote

KEY_ID, SECRET = "substitute", "substitute-secret"
PATH = "/sms"
CLOCKS_DIFFER = timedelta(minutes=15)
FIELDS = {
    "AccessKeyId", "Timestamp", "SignatureNonce", "PhoneNumbers", "SignName", "TemplateCode", "TemplateParam", "OutId",
    "Signature",
}  # fmt: skip


@dataclass(frozen=True)
class Received:
    """One message to one number."""

    mobile: str
    sign_name: str
    template: str
    parameters: dict[str, str]
    out_id: str


class SmsProvider:
    """Serves at ``url``. ``answers`` are given instead of OK, one a request, while there are any; ``requests`` counts all."""

    def __init__(self) -> None:
        self.received: dict[str, Received] = {}
        self.answers: list[str] = []
        self.requests = 0
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://{KEY_ID}:{SECRET}@127.0.0.1:{self._server.server_port}{PATH}"

    def start(self) -> None:
        """Serve on a thread."""
        threading.Thread(target=self._server.serve_forever, name="sms-provider", daemon=True).start()

    def stop(self) -> None:
        """Close."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes, signature: Any) -> dict[str, str]:
        """Judge one request; the answer."""
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        with self._lock:
            self.requests += 1
            code = self._problem(fields, signature) or (self.answers.pop(0) if self.answers else "OK")
            if code == "OK":
                found = Received(
                    fields["PhoneNumbers"], fields["SignName"], fields["TemplateCode"],
                    json.loads(fields["TemplateParam"]), fields["OutId"],
                )  # fmt: skip
                self.received.setdefault(found.out_id, found)
        return {"Code": code, "Message": code, "BizId": f"biz-{fields.get('OutId', '')}"}

    def _problem(self, fields: dict[str, str], signature: Any) -> str | None:
        if set(fields) != FIELDS:
            return "MissingParameter"
        if fields["AccessKeyId"] != KEY_ID or not hmac.compare_digest(fields["Signature"], signature(fields)):
            return "SignatureDoesNotMatch"
        if abs(datetime.now(UTC) - datetime.fromisoformat(fields["Timestamp"])) > CLOCKS_DIFFER:
            return "InvalidTimeStamp.Expired"
        if fields["SignatureNonce"] in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(fields["SignatureNonce"])
        return None if fields["PhoneNumbers"].isdigit() else "isv.MOBILE_NUMBER_ILLEGAL"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps(provider.take(body, lambda fields: _signature(self.path, fields))).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: Any) -> None:
                """Numbers belong into no log."""

        return Handler


def _signature(path: str, fields: dict[str, str]) -> str:
    """As the provider computes it: code of its own, so that a mistake in the client's cannot hide."""
    canonical = "&".join(
        quote(k, safe="~") + "=" + quote(fields[k], safe="~") for k in sorted(fields) if k != "Signature"
    )
    digest = hmac.new(SECRET.encode(), f"POST\n{path}\n{canonical}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@contextmanager
def sms_provider() -> Iterator[SmsProvider]:
    """One that serves until the end of the block."""
    made = SmsProvider()
    made.start()
    try:
        yield made
    finally:
        made.stop()
