"""Browsers: pages of registered clients may call the API with their own tokens; other sites may not, and nobody with cookies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chassis.discovery import Local, StaticDirectory
from chassis.health import Health
from gateway.app import create_gateway
from tests.gateway.scripted import Answer, EchoService, call, make_gateway
from tests.support import Tokens, exchanger

tokens = Tokens()
SITE, OTHER_SITE, STRANGER = "https://app.example", "https://other.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


class Identity:
    """Shows the origins of two clients; ``away``: it does not answer."""

    def __init__(self) -> None:
        self.away, self.asked = False, 0

    def __call__(self, _environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked += 1
        body = json.dumps({"origins": {SITE: ["app"], OTHER_SITE: ["other-app"]}}).encode()
        start_response("503 Away" if self.away else "200 OK", [("Content-Length", str(len(body)))])
        return [body]


@pytest.fixture
def identity() -> Identity:
    return Identity()


@pytest.fixture
def echo() -> EchoService:
    return EchoService()


@pytest.fixture
def gateway(identity: Identity, echo: EchoService) -> Any:
    return make_gateway(tokens, identity=Local(identity), workflow=Local(echo), catalog=Local(echo))


def cors(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_a_preflight_of_a_registered_site_is_answered_at_the_gateway(gateway: Any, echo: EchoService) -> None:
    answer = call(gateway, "OPTIONS", "/api/v1/cases", {"Origin": SITE} | PREFLIGHT)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == SITE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"Authorization", "Idempotency-Key"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert int(answer.headers["access-control-max-age"]) > 0
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers
    assert echo.seen == []


@pytest.mark.parametrize("origin", [STRANGER, "null", "https://app.example.evil.example", "http://app.example", "*"])
def test_a_preflight_of_another_site_is_refused(gateway: Any, echo: EchoService, origin: str) -> None:
    answer = call(gateway, "OPTIONS", "/api/v1/cases", {"Origin": origin} | PREFLIGHT)
    assert answer.is_problem(403, "origin_not_registered")
    assert cors(answer) == {}
    assert echo.seen == []


@pytest.mark.parametrize(
    ("origin", "client", "readable"),
    [(SITE, "app", True), (SITE, "other-app", False), (OTHER_SITE, "other-app", True), (SITE, None, False)],
)
def test_a_site_reads_answers_to_tokens_of_its_own_client_only(
    gateway: Any, origin: str, client: str | None, readable: bool
) -> None:
    claims = {} if client is None else {"client_id": client}
    answer = call(gateway, "GET", "/api/v1/cases", {"Origin": origin} | tokens.headers("cases:read", **claims))
    assert answer.status == 200
    assert (answer.headers.get("access-control-allow-origin") == origin) == readable
    assert ("access-control-expose-headers" in answer.headers) == readable
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


def test_public_answers_and_refusals_are_readable_by_registered_sites_and_no_others(gateway: Any) -> None:
    for path, status in (("/api/v1/items", 200), ("/api/v1/cases", 401), ("/api/v1/unknown", 404)):
        answer = call(gateway, "GET", path, {"Origin": SITE})
        assert (answer.status, answer.headers.get("access-control-allow-origin")) == (status, SITE)
        assert cors(call(gateway, "GET", path, {"Origin": STRANGER})) == {}
        assert cors(call(gateway, "GET", path)) == {}


def test_what_a_service_says_of_origins_does_not_pass() -> None:
    def generous(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        said = [
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Credentials", "true"),
            ("Content-Length", "0"),
        ]
        start_response("200 OK", said)
        return [b""]

    gateway = make_gateway(tokens, catalog=Local(generous), identity=Local(Identity()))
    assert cors(call(gateway, "GET", "/api/v1/items", {"Origin": STRANGER})) == {}


def test_the_platforms_own_pages_ask_nobody(gateway: Any, identity: Identity) -> None:
    answer = call(gateway, "GET", "/api/v1/items", {"Origin": "http://tongban.example"})
    assert cors(answer) == {}
    assert identity.asked == 0


def test_while_identity_is_away_the_last_list_holds(gateway: Any, identity: Identity) -> None:
    assert call(gateway, "OPTIONS", "/api/v1/cases", {"Origin": SITE} | PREFLIGHT).status == 204
    identity.away = True
    gateway._origins._kept._value = None
    assert call(gateway, "OPTIONS", "/api/v1/cases", {"Origin": SITE} | PREFLIGHT).status == 204
    fresh = create_gateway(StaticDirectory({}), exchanger(tokens), Health())
    assert call(fresh, "OPTIONS", "/api/v1/cases", {"Origin": SITE} | PREFLIGHT).status == 403
