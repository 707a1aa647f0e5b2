"""The fuzzer proves nothing unless it can fail: planted defects are found, and a clean service is not accused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from fuzz.campaign import Campaign, Found
from fuzz.secrets import canaries
from fuzz.world import Callers, World
from localservers.platform import directory

PATH = "/api/v1/items/{item_code}"
PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}, "description": "a problem"}
SHOWN = {
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"limit": {"type": "integer"}}, "required": ["limit"]}
        }
    },
    "description": "an item",
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        PATH: {
            "get": {
                "parameters": [
                    {"name": "item_code", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                ],
                "responses": {"200": SHOWN, "default": PROBLEM},
            }
        }
    },
}
Answer = Callable[[str, str], Any]


@contextmanager
def served(answer: Answer) -> Iterator[World]:
    """A service with one operation, on a free port."""
    app = Flask(__name__)

    @app.get("/api/v1/items/<path:item_code>")
    def show(item_code: str) -> Any:
        return answer(item_code, request.args.get("limit", "1"))

    @app.errorhandler(404)
    def unknown(_: Exception) -> Any:
        return refused(404)

    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        base_url = f"http://127.0.0.1:{server.server_port}"
        yield World(base_url, Strangers(base_url, {}), {"item_code": ["known"]}, DOCUMENT)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Strangers(Callers):
    def any(self, _: Any, __: Any = ()) -> dict[str, str]:
        return {}


def refused(status: int) -> Response:
    response = jsonify(code="refused")
    response.status_code, response.content_type = status, "application/problem+json"
    return response


def sound(_: str, limit: str) -> Any:
    return jsonify(limit=int(limit)) if limit.isascii() and limit.isdigit() else refused(422)


def fuzzed(answer: Answer, wanted: int = 100) -> Found:
    """What is allowed comes in the first hundred requests, what is not in the second."""
    with served(answer) as world:
        return Campaign(world, "catalog", wanted=wanted, start=1).run(time.monotonic() + 120)


def test_a_sound_service_is_not_accused() -> None:
    found = fuzzed(sound, 200)
    assert found.requests >= 150
    assert found.problems == {}
    assert {200, 422} <= set(found.statuses)


def fault(_: str, limit: str) -> Any:
    return jsonify(limit=int(limit)) if limit.isascii() and len(limit) < 2 else refused(500)


def contradiction(_: str, limit: str) -> Any:
    return jsonify(limit=limit)


def another_media_type(_: str, limit: str) -> Any:
    return Response(limit, content_type="text/plain")


def leak(item_code: str, limit: str) -> Any:
    secret = min(canaries(directory()))
    return jsonify(limit=1, note=secret) if item_code == "known" else sound(item_code, limit)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (fault, "status 500"),
        (contradiction, "JsonSchemaError"),
        (another_media_type, "UndefinedContentType"),
        (leak, "a canary came out (1)"),
    ],
)
def test_a_planted_defect_is_found(answer: Answer, says: str) -> None:
    assert f"GET {PATH}: {says}" in fuzzed(answer).problems


def test_the_directory_has_canaries_of_each_kind() -> None:
    known = canaries(directory())
    assert {account["password"] for account in directory()["accounts"]} <= known
    assert any(person["identity_number"] in known for person in directory()["people"])
