"""The platform's HTTP contract for departments on a real WSGI server: what the HTTPS client is tested against."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec

from contracts.task import TaskAssigned

MATERIAL = b"hello"


class Problem(Exception):
    """A problem response."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class SmallPlatform:
    """Tokens, tasks, receipts, opinions, materials. ``troubles`` are statuses that the next requests get."""

    def __init__(self) -> None:
        self.tasks: dict[str, TaskAssigned] = {}
        self.receipts: list[str] = []
        self.opinions: dict[str, dict[str, Any]] = {}
        self.posts: list[tuple[str, str]] = []
        self.refuse: dict[str, tuple[int, str]] = {}
        self.troubles: list[int] = []
        self.tokens = 0
        self.expires_in = 600
        self.changed = threading.Condition()

    def assign(self, *tasks: TaskAssigned) -> None:
        with self.changed:
            self.tasks.update({task.task_id: task for task in tasks})
            self.changed.notify_all()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            answer = self.route(environ, body)
            status, media_type = "200 OK", "application/json"
        except Problem as problem:
            status, media_type = f"{problem.status} X", "application/problem+json"
            answer = {"code": problem.code, "detail": "中文 / English"}
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [("Content-Type", media_type), ("Content-Length", str(len(raw)))]
        start_response(status, headers)
        return [raw]

    def route(self, environ: dict[str, Any], body: bytes) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if self.troubles:
            raise Problem(self.troubles.pop(0), "trouble")
        if path == "/oauth2/token":
            return self.token(dict(parse_qsl(body.decode())))
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer token-{self.tokens}":
            raise Problem(401, "token_expired")
        if path == "/api/v1/tasks":
            return self.open_tasks(parse_qs(environ["QUERY_STRING"]))
        if path.startswith("/api/v1/materials/"):
            return MATERIAL
        assert method == "POST"
        _, _, _, _, task_id, what = path.split("/")
        self.posts.append((what, environ["HTTP_IDEMPOTENCY_KEY"]))
        if task_id not in self.tasks:
            raise Problem(404, "not_found")
        if what == "receipt":
            self.receipts.append(task_id)
            return {}
        return self.opinion(task_id, json.loads(body))

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        if asked != {"grant_type": "client_credentials", "client_id": "police", "client_secret": "secret"}:
            raise Problem(401, "client_unknown")
        self.tokens += 1
        return {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": self.expires_in}

    def open_tasks(self, query: dict[str, list[str]]) -> dict[str, Any]:
        known = set(query.get("known", [""])[0].split(","))

        def new() -> bool:
            return any(task_id not in known for task_id in self.tasks.keys() - self.opinions.keys())

        with self.changed:
            self.changed.wait_for(new, timeout=min(0.5, float(query["wait_s"][0])))
            waiting = [task for task_id, task in self.tasks.items() if task_id not in self.opinions]
        return {"tasks": msgspec.to_builtins(waiting)}

    def opinion(self, task_id: str, opinion: dict[str, Any]) -> dict[str, Any]:
        if task_id in self.refuse:
            raise Problem(*self.refuse[task_id])
        with self.changed:
            if task_id in self.opinions and self.opinions[task_id] != opinion:
                raise Problem(409, "opinion_given")
            self.opinions[task_id] = opinion
            self.changed.notify_all()
        return {}


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def listening(platform: SmallPlatform) -> Iterator[str]:
    """Serve on a free loopback port; yields the base URL."""
    with make_server("127.0.0.1", 0, platform, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
