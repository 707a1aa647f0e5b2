"""A courier that really takes orders: it checks the signature, knows a repeated order by its number, says where things are."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

KEY_ID, SECRET = "substitute", "substitute-secret"
PATH = "/courier"


class CourierServer:
    """Serves at ``url``. ``orders``: number -> what is answered about it; ``down`` answers 503 while it is set."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, str]] = {}
        self.addresses: dict[str, str] = {}
        self.requests = 0
        self.down = False
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://{KEY_ID}:{SECRET}@127.0.0.1:{self._server.server_port}{PATH}"

    def start(self) -> None:
        """Serve on a thread."""
        threading.Thread(target=self._server.serve_forever, name="courier", daemon=True).start()

    def stop(self) -> None:
        """Close."""
        self._server.shutdown()
        self._server.server_close()

    def move(self, order_no: str, state: str, **told: str) -> None:
        """What happens on the way."""
        with self._lock:
            self.orders[order_no] |= {"state": state} | told

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, dict[str, str]]:
        """Judge one request; status and answer."""
        text = f"{method}\n{path}\n{headers.get('X-Timestamp', '')}\n".encode() + body
        expected = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        signed = headers.get("X-Key-Id") == KEY_ID and hmac.compare_digest(expected, headers.get("X-Signature", ""))
        with self._lock:
            self.requests += 1
            if self.down:
                return 503, {}
            if not signed:
                return 401, {}
            if method == "POST" and path == f"{PATH}/orders":
                return 201, self._take(json.loads(body))
            order = self.orders.get(unquote(path.removeprefix(f"{PATH}/orders/")))
            return (200, order) if order is not None else (404, {})

    def _take(self, asked: dict[str, str]) -> dict[str, str]:
        order_no = asked["order_no"]
        self.addresses.setdefault(order_no, asked["to"])
        number = f"EA{len(self.orders) + 1:09d}CN"
        return self.orders.setdefault(order_no, {"tracking_no": number, "state": "accepted"})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        courier = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._serve("POST", self.rfile.read(int(self.headers.get("Content-Length", "0"))))

            def do_GET(self) -> None:
                self._serve("GET", b"")

            def _serve(self, method: str, body: bytes) -> None:
                status, answer = courier.answer(method, self.path, body, self.headers)
                data = json.dumps(answer, ensure_ascii=False).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests look at ``orders``."""

        return Handler


@contextmanager
def courier_server() -> Iterator[CourierServer]:
    """A courier that serves while the block runs."""
    server = CourierServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
