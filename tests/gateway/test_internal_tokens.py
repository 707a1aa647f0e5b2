"""A service believes the gateway's word for itself and nothing else: not the caller's own token, not another service's."""

from __future__ import annotations

import base64
import http.client
import importlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask_smorest import Blueprint
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from werkzeug.routing import AnyConverter, BaseConverter, UUIDConverter
from werkzeug.serving import make_server

from chassis.auth import (
    INTERNAL_ISSUER,
    INTERNAL_KEYS_PATH,
    INTERNAL_TYPE,
    PUBLIC,
    internal_tokens,
    principal,
    requires,
)
from chassis.db import Database
from chassis.discovery import Local
from chassis.public_keys import PublicKeys
from chassis.service import Service
from chassis.web import create_web
from gateway import internal_tokens as exchange
from gateway.internal_tokens import InternalTokens
from gateway.routes import ROUTES, SERVICES
from tests.gateway.scripted import call, echo_gateway, make_gateway
from tests.support import Tokens, exchanger, make_runtime

access = Tokens()
Ask = Callable[[str | None], tuple[int, Any]]


@pytest.fixture
def made() -> InternalTokens:
    return exchanger(access)


@pytest.fixture
def app(made: InternalTokens, tmp_path: Path) -> Flask:
    """A service called workflow that trusts ``made`` and says who called it."""
    routes = Blueprint("cases", __name__)

    @routes.get("/api/v1/cases")
    @requires("cases:read")
    def show() -> dict[str, Any]:
        caller = principal()
        return {"subject": caller.subject, "party": caller.party, "items": sorted(caller.items or ())}

    service = Service(name="workflow", title="t", database=Database("w"), migrations=Path("none"), blueprints=[routes])
    runtime = make_runtime(service, tmp_path, Tokens("workflow"))
    runtime.tokens = internal_tokens(PublicKeys(made.jwks), "workflow")
    return create_web(service, runtime)


@pytest.fixture(params=["in process", "over a socket"])
def ask(request: pytest.FixtureRequest, app: Flask) -> Iterator[Ask]:
    """Call the service around the gateway with this token."""
    if request.param == "in process":

        def directly(token: str | None) -> tuple[int, Any]:
            answer = app.test_client().get("/api/v1/cases", headers=_headers(token))
            return answer.status_code, answer.json

        yield directly
        return
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def through_socket(token: str | None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/api/v1/cases", headers=_headers(token))
        answer = connection.getresponse()
        got = answer.status, json.loads(answer.read())
        connection.close()
        return got

    try:
        yield through_socket
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _headers(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def claims_in(token: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return said


def test_the_gateways_word_opens_the_service(ask: Ask, made: InternalTokens) -> None:
    _, token = made.exchange(access.mint("cases:read", party="o-1", items=["i-1"]), "workflow")
    assert ask(token) == (200, {"subject": "p-1", "party": "o-1", "items": ["i-1"]})


def forged(how: str, made: InternalTokens) -> str | None:
    good_token = made.exchange(access.mint("cases:read"), "workflow")[1]
    claims, now = claims_in(good_token), int(time.time())
    header = {"alg": "ES256", "kid": made._key.kid, "typ": INTERNAL_TYPE}
    other = ECKey.generate_key("P-256")

    def sign(key: ECKey = made._key, head: dict[str, Any] | None = None, **changed: Any) -> str:
        return jwt.encode(header | (head or {}), claims | changed, key, algorithms=["ES256"])

    if how == "HS256 with the public key":
        secret = OctKey.import_key(json.dumps(made.jwks()["keys"][0]).encode())
        return jwt.encode(header | {"alg": "HS256"}, claims, secret)
    if how == "alg none":
        head = base64.urlsafe_b64encode(json.dumps(header | {"alg": "none"}).encode()).rstrip(b"=").decode()
        return f"{head}.{good_token.split('.')[1]}."
    return {
        "no token": lambda: None,
        "the access token": lambda: access.mint("cases:read"),
        "for another service": lambda: made.exchange(access.mint("cases:read"), "audit")[1],
        "for two services": lambda: sign(aud=["workflow", "audit"]),
        "expired": lambda: sign(exp=now - 1, iat=now - 61),
        "good for an hour": lambda: sign(exp=now + 3600),
        "of another issuer": lambda: sign(iss="tongban"),
        "of another kind": lambda: sign(head={"typ": "at+jwt"}),
        "of no kind": lambda: jwt.encode(
            {"alg": "ES256", "kid": made._key.kid}, claims, made._key, algorithms=["ES256"]
        ),
        "another key under our kid": lambda: sign(other),
        "embedded jwk": lambda: sign(other, {"jwk": other.as_dict(private=False)}),
        "jku": lambda: sign(head={"jku": "http://127.0.0.1:9/keys"}),
        "x5u": lambda: sign(head={"x5u": "http://127.0.0.1:9/certificate"}),
    }[how]()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("no token", "token_missing"),
        ("the access token", "token_invalid"),
        ("for another service", "token_invalid"),
        ("for two services", "token_invalid"),
        ("expired", "token_expired"),
        ("good for an hour", "token_invalid"),
        ("of another issuer", "token_invalid"),
        ("of another kind", "token_invalid"),
        ("of no kind", "token_invalid"),
        ("another key under our kid", "token_invalid"),
        ("embedded jwk", "token_invalid"),
        ("jku", "token_invalid"),
        ("x5u", "token_invalid"),
        ("alg none", "token_invalid"),
        ("HS256 with the public key", "token_invalid"),
    ],
)
def test_a_service_called_around_the_gateway_refuses(ask: Ask, made: InternalTokens, how: str, code: str) -> None:
    status, body = ask(forged(how, made))
    assert (status, body["code"]) == (401, code)


def test_an_internal_token_does_not_open_the_gateway(made: InternalTokens) -> None:
    gateway, echo = echo_gateway(access)
    _, token = made.exchange(access.mint("cases:read"), "workflow")
    assert call(gateway, "GET", "/api/v1/cases", _headers(token)).is_problem(401, "token_invalid")
    assert echo.seen == []


@pytest.mark.parametrize("name", SERVICES)
def test_no_route_of_a_real_service_takes_an_access_token(name: str, tmp_path: Path) -> None:
    service = importlib.import_module(f"services.{name}.service").SERVICE
    app = create_web(service, make_runtime(service, tmp_path, Tokens(name)))
    scopes = {getattr(view, "scope", "") for view in app.view_functions.values()} - {PUBLIC, ""}
    headers = access.headers(" ".join(scopes))
    asked = 0
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], "scope", PUBLIC) == PUBLIC:
            continue
        path = app.url_map.bind("").build(rule.endpoint, {name: _example(c) for name, c in rule._converters.items()})
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = app.test_client().open(path, method=method, headers=headers | {"Idempotency-Key": "k"})
            assert (answer.status_code, answer.json["code"]) == (401, "token_invalid"), f"{method} {path}"
            asked += 1
    assert asked > 0


def _example(converter: BaseConverter) -> Any:
    if isinstance(converter, UUIDConverter):
        return UUID(int=0)
    return min(converter.items) if isinstance(converter, AnyConverter) else 1


def test_what_the_token_says_is_what_the_access_token_said_and_a_minute_at_most(made: InternalTokens) -> None:
    claims = {"act": {"sub": "a-1", "name": "周敏"}, "items": ["i-1"], "level": 3, "client_id": "portal", "sid": "s-1"}
    token = access.mint("cases:read tasks:read", kind="officer", dept="police", party="o-1", **claims)
    before = int(time.time())
    caller, internal = made.exchange(token, "audit")
    said = claims_in(internal)
    assert (said["iss"], said["aud"]) == (INTERNAL_ISSUER, "audit")
    assert before <= said["iat"] <= said["exp"] - 59
    assert said["exp"] <= time.time() + 60
    assert {name: said[name] for name in claims} == claims
    assert (said["sub"], said["kind"], said["dept"], said["party"]) == ("p-1", "officer", "police", "o-1")
    assert set(said["scope"].split()) == {"cases:read", "tasks:read"}
    assert caller.subject == "p-1"


def test_a_token_is_used_again_for_its_service_while_it_has_half_a_minute(
    made: InternalTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = access.mint("cases:read")
    _, first = made.exchange(token, "workflow")
    started = claims_in(first)["iat"]
    assert made.exchange(token, "workflow")[1] == first
    assert made.exchange(token, "audit")[1] != first
    assert made.exchange(access.mint("cases:read", sub="p-2"), "workflow")[1] != first
    for seconds, same in ((29, True), (31, False)):
        monkeypatch.setattr(exchange.time, "time", lambda at=started + seconds: float(at))
        assert (made.exchange(token, "workflow")[1] == first) == same


def test_it_never_outlives_the_access_token(made: InternalTokens) -> None:
    until = int(time.time()) + 20
    token = access.mint("cases:read", exp=until)
    _, internal = made.exchange(token, "workflow")
    assert claims_in(internal)["exp"] == until
    assert made.exchange(token, "workflow")[1] == internal, "there is nothing to renew it with"


def test_the_gateway_shows_its_public_key_only(made: InternalTokens) -> None:
    gateway, echo = echo_gateway(access)
    [key] = call(gateway, "GET", INTERNAL_KEYS_PATH).json["keys"]
    assert (key["crv"], key["alg"]) == ("P-256", "ES256")
    assert "d" not in key
    assert echo.seen == []


def test_through_the_gateway_the_service_gets_a_token_of_its_own(app: Flask, made: InternalTokens) -> None:
    """The one that it would refuse from the caller never arrives."""
    gateway = make_gateway(access, workflow=Local(app))
    app.extensions["tongban"].tokens = internal_tokens(PublicKeys(gateway._tokens.jwks), "workflow")
    assert call(gateway, "GET", "/api/v1/cases", access.headers("cases:read", party="o-1")).json["party"] == "o-1"


def test_public_routes_get_no_token_and_those_that_judge_it_themselves_the_callers_own() -> None:
    gateway, echo = echo_gateway(access)
    basic = {"Authorization": "Basic YTpi"}
    call(gateway, "GET", "/api/v1/items", access.headers("cases:read"))
    assert "HTTP_AUTHORIZATION" not in echo.seen[-1]
    call(gateway, "POST", "/oauth2/token", basic, b"{}")
    assert echo.seen[-1]["HTTP_AUTHORIZATION"] == basic["Authorization"]


def test_only_public_routes_of_identity_get_the_callers_own_authorization() -> None:
    for route in ROUTES:
        assert not route.passes_authorization or route.service == "identity"
        assert set(route.passes_authorization) <= set(route.public)
