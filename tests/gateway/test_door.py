"""Who may pass, and what passes with them."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from prometheus_client import REGISTRY

from chassis.auth import ACCESS_TYPE, AUDIENCE, TokenVerifier
from chassis.discovery import Local, StaticDirectory
from chassis.health import Health
from chassis.keys import load_or_create_key
from chassis.public_keys import PublicKeys
from gateway.app import create_gateway
from gateway.ended_sessions import EndedSessions
from gateway.internal_tokens import InternalTokens
from tests.gateway.scripted import EchoService, call, echo_gateway, make_gateway
from tests.support import ISSUER, Tokens

tokens = Tokens()


def bad_tokens() -> list[tuple[str, dict[str, str], str]]:
    stranger = Tokens()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "p",
        "name": "n",
        "kind": "person",
        "scope": "cases:read",
        "exp": 9**10,
    }
    head = {"alg": "ES256", "typ": ACCESS_TYPE}
    stolen_kid = jwt.encode(head | {"kid": tokens.key.kid}, claims, stranger.key, algorithms=["ES256"])
    embedded = jwt.encode(
        head | {"jwk": stranger.key.as_dict(private=False)}, claims, stranger.key, algorithms=["ES256"]
    )
    id_token = jwt.encode(
        {"alg": "ES256", "kid": tokens.key.kid, "typ": "JWT"}, claims, tokens.key, algorithms=["ES256"]
    )
    none = "eyJhbGciOiJub25lIn0." + tokens.mint("cases:read").split(".")[1] + "."
    return [
        ("missing", {}, "token_missing"),
        ("basic", {"Authorization": "Basic YTpi"}, "token_missing"),
        ("empty", {"Authorization": "Bearer "}, "token_missing"),
        ("garbage", {"Authorization": "Bearer x.y.z"}, "token_invalid"),
        ("two joined by the server", {"Authorization": f"Bearer {tokens.mint('a')},Bearer x"}, "token_invalid"),
        ("alg none", {"Authorization": f"Bearer {none}"}, "token_invalid"),
        ("other key", {"Authorization": f"Bearer {stolen_kid}"}, "token_invalid"),
        ("embedded jwk", {"Authorization": f"Bearer {embedded}"}, "token_invalid"),
        ("an ID token", {"Authorization": f"Bearer {id_token}"}, "token_invalid"),
        ("other audience", tokens.headers("cases:read", aud="elsewhere"), "token_invalid"),
        ("other issuer", tokens.headers("cases:read", iss="elsewhere"), "token_invalid"),
        ("expired", tokens.headers("cases:read", exp=int(time.time()) - 1), "token_expired"),
    ]


@pytest.mark.parametrize(("headers", "code"), [pytest.param(h, c, id=i) for i, h, c in bad_tokens()])
def test_without_a_valid_token_nothing_is_forwarded(headers: dict[str, str], code: str) -> None:
    gateway, echo = echo_gateway(tokens)
    answer = call(gateway, "GET", "/api/v1/cases", headers)
    assert answer.is_problem(401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert echo.seen == []


def test_a_body_is_not_even_read_without_a_token() -> None:
    class Unreadable:
        def read(self, _n: int = -1) -> bytes:
            raise AssertionError

    gateway, echo = echo_gateway(tokens)
    answer = call(gateway, "POST", "/api/v1/materials", {}, Unreadable(), CONTENT_LENGTH="40000000")
    assert answer.is_problem(401, "token_missing")
    assert echo.seen == []


def test_a_valid_token_passes_the_door_and_stays_there() -> None:
    gateway, echo = echo_gateway(tokens)
    headers = tokens.headers("cases:read")
    assert call(gateway, "GET", "/api/v1/cases/1?a=%E4%B8%AD", headers).status == 200
    assert echo.seen[0]["HTTP_AUTHORIZATION"].startswith("Bearer ")
    assert headers["Authorization"].removeprefix("Bearer ") not in str(echo.seen[0])
    assert echo.seen[0]["QUERY_STRING"] == "a=%E4%B8%AD"


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("read", "GET", "/api/v1/cases/1"),
        ("write", "POST", "/api/v1/cases/1/withdrawal"),
        ("wait", "GET", "/api/v1/tasks"),
    ],
)
def test_reads_are_timed_apart_from_writes_and_from_what_may_wait(kind: str, method: str, path: str) -> None:
    def timed() -> float:
        labels = {"service": "workflow", "kind": kind}
        return REGISTRY.get_sample_value("tongban_gateway_request_seconds_count", labels) or 0.0

    gateway, _ = echo_gateway(tokens)
    before = timed()
    assert call(gateway, method, path, tokens.headers("cases:read"), b"{}" if method == "POST" else b"").status == 200
    assert timed() == before + 1


def test_a_public_path_needs_no_token() -> None:
    gateway, echo = echo_gateway(tokens)
    assert call(gateway, "POST", "/oauth2/token", body=b"{}").status == 200
    assert len(echo.seen) == 1


def test_when_keys_cannot_be_had_the_answer_is_503_and_nothing_is_forwarded(tmp_path: Path) -> None:
    def no_keys() -> Any:
        raise ConnectionRefusedError

    echo = EchoService()
    directory = StaticDirectory({})
    directory.add("workflow", Local(echo))
    key = load_or_create_key(tmp_path / "key.pem")
    tokens_inside = InternalTokens(TokenVerifier(PublicKeys(no_keys), ISSUER), key, EndedSessions(lambda _tag: None))
    gateway = create_gateway(directory, tokens_inside, Health())
    answer = call(gateway, "GET", "/api/v1/cases", tokens.headers("cases:read"))
    assert answer.is_problem(503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert echo.seen == []


FORGED = {
    "X-Tongban-Subject": "admin",
    "X_Tongban_Department": "police",
    "X-Forwarded-User": "admin",
    "X-Forwarded-For": "10.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=10.0.0.1",
    "X-Remote-User": "admin",
    "X_Auth_Token": "t",
    "x-tongban-party": "o-1",
    "Remote-User": "admin",
    "X-Auth-Request-User": "admin",
    "X-Real-IP": "10.0.0.1",
    "X-Original-URL": "/api/v1/cards",
    "X-HTTP-Method-Override": "DELETE",
    "Proxy": "http://evil.example",
    "Proxy-Authorization": "Basic eA==",
    "Cookie": "__Host-session=s",
    "TE": "trailers",
    "Upgrade": "h2c",
    "Keep-Alive": "1",
    "Content_Length": "3",
    "Content_Type": "text/evil",
    "Connection": "keep-alive, X-Hop",
    "X-Hop": "1",
}


def test_identity_and_hop_by_hop_headers_stay_at_the_door() -> None:
    gateway, echo = echo_gateway(tokens)
    assert (
        call(gateway, "GET", "/api/v1/cases", FORGED | tokens.headers("cases:read") | {"X-Mine": "kept"}).status == 200
    )
    [seen] = echo.seen
    arrived = {name: value for name, value in seen.items() if name.startswith("HTTP_")}
    assert set(arrived) == {
        "HTTP_AUTHORIZATION", "HTTP_HOST", "HTTP_X_MINE", "HTTP_X_REQUEST_ID", "HTTP_TRACEPARENT",
        "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
        "HTTP_X_REQUEST_DEADLINE_MS",
    }  # fmt: skip
    assert arrived["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"
    assert arrived["HTTP_X_FORWARDED_PROTO"] == "http"
    assert arrived["HTTP_X_FORWARDED_HOST"] == "tongban.example"
    assert seen["CONTENT_LENGTH"] == "0"
    assert "CONTENT_TYPE" not in seen


def test_nothing_of_the_process_environment_reaches_a_service() -> None:
    gateway, echo = echo_gateway(tokens)
    call(gateway, "GET", "/api/v1/items", HTTP_PROXY="http://proxy:3128", SECRET="s", REMOTE_USER="root")
    assert not {"HTTP_PROXY", "SECRET", "REMOTE_USER"} & set(echo.seen[0])


def test_a_well_formed_request_id_and_the_trace_are_kept() -> None:
    gateway, echo = echo_gateway(tokens)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = call(gateway, "GET", "/api/v1/items", {"X-Request-ID": "req-7.a", "traceparent": trace})
    [seen] = echo.seen
    assert seen["HTTP_X_REQUEST_ID"] == answer.headers["x-request-id"] == "req-7.a"
    assert seen["HTTP_TRACEPARENT"].split("-")[1] == trace.split("-")[1]
    assert seen["HTTP_TRACEPARENT"].split("-")[2] != trace.split("-")[2]


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "中", 'a"b', "a,b"])
def test_a_malformed_request_id_is_replaced(bad: str) -> None:
    gateway, echo = echo_gateway(tokens)
    answer = call(gateway, "GET", "/api/v1/items", {"X-Request-ID": bad, "traceparent": "nonsense"})
    assert answer.headers["x-request-id"] == echo.seen[0]["HTTP_X_REQUEST_ID"] != bad
    assert len(echo.seen[0]["HTTP_TRACEPARENT"]) == 55


def test_response_headers_pass_without_hop_by_hop_ones_and_with_protection() -> None:
    gateway, _ = echo_gateway(tokens)
    answer = call(gateway, "GET", "/api/v1/cases", tokens.headers("cases:read"))
    assert [value for name, value in answer.all_headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert not {"connection", "keep-alive", "x-inner", "server"} & set(answer.headers)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers


def test_hsts_is_said_over_tls_only() -> None:
    gateway, _ = echo_gateway(tokens)
    over_tls: dict[str, Any] = {"wsgi.url_scheme": "https"}
    answer = call(gateway, "GET", "/api/v1/items", **over_tls)
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert "cache-control" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/api/v1/../cards", "/api/v1/./cases", "/api/v1//cases", "//api/v1/cases", "/api/v1/items/..", "/api/v1/items/.",
     "/../api/v1/cases", "/api/v1/items\\..\\x", "/api/v1/items/\x00", "/api/v1/items/\r\nX: 1", "*", "", "api/v1/items",
     "http://evil.example/api/v1/items"],
)  # fmt: skip
def test_a_path_that_two_readers_could_read_in_two_ways_is_refused(path: str) -> None:
    gateway, echo = echo_gateway(tokens)
    assert call(gateway, "GET", path, tokens.headers("cases:read")).is_problem(400, "path_invalid")
    assert echo.seen == []


@pytest.mark.parametrize("path", ["/api/v1/unknown", "/api/v1/", "/api/", "/openapi/other.json", "/api/v1/items.json"])
def test_an_unlisted_path_is_404_with_and_without_a_token(path: str) -> None:
    gateway, echo = echo_gateway(tokens)
    for headers in ({}, tokens.headers("cases:read")):
        assert call(gateway, "GET", path, headers).is_problem(404, "route_unknown")
    assert echo.seen == []


@pytest.mark.parametrize(
    ("headers", "extra"),
    [
        ({"Transfer-Encoding": "chunked"}, {"CONTENT_LENGTH": "3"}),
        ({"Transfer-Encoding": "gzip, chunked"}, {}),
        ({"Transfer-Encoding": "identity"}, {}),
        ({}, {"CONTENT_LENGTH": "+3"}),
        ({}, {"CONTENT_LENGTH": "-1"}),
        ({}, {"CONTENT_LENGTH": "3,3"}),
        ({}, {"CONTENT_LENGTH": "0x3"}),
        ({}, {"CONTENT_LENGTH": "³"}),
        ({}, {"CONTENT_LENGTH": "9" * 40}),
    ],
)
def test_a_body_whose_length_is_in_doubt_is_refused(headers: dict[str, str], extra: dict[str, str]) -> None:
    gateway, echo = echo_gateway(tokens)
    answer = call(gateway, "POST", "/oauth2/token", headers, b"", **extra)
    assert answer.is_problem(400, "framing_invalid")
    assert echo.seen == []


@pytest.mark.parametrize("value", ["a\r\nX-Tongban-Subject: admin", "a\nb", "a\rb", "a\x00b"])
def test_a_line_break_in_a_header_is_refused(value: str) -> None:
    gateway, echo = echo_gateway(tokens)
    assert call(gateway, "GET", "/api/v1/items", {"X-Mine": value}).is_problem(400, "header_invalid")
    assert call(gateway, "POST", "/oauth2/token", body=b"{}", CONTENT_TYPE=value).is_problem(400, "header_invalid")
    assert echo.seen == []


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "PROPFIND", "X" * 100])
def test_a_strange_method_is_refused(method: str) -> None:
    gateway, echo = echo_gateway(tokens)
    answer = call(gateway, method, "/api/v1/items")
    assert answer.is_problem(405, "method_not_allowed")
    assert "GET" in answer.headers["allow"]
    assert echo.seen == []


def test_options_is_a_request_like_any_other() -> None:
    gateway, echo = echo_gateway(tokens)
    assert call(gateway, "OPTIONS", "/api/v1/cases").status == 401
    assert call(gateway, "OPTIONS", "/api/v1/cases", tokens.headers("cases:read")).status == 200
    assert [seen["REQUEST_METHOD"] for seen in echo.seen] == ["OPTIONS"]


def test_a_refused_head_has_no_body() -> None:
    gateway, _ = echo_gateway(tokens)
    answer = call(gateway, "HEAD", "/api/v1/cases")
    assert (answer.status, answer.body) == (401, b"")


def test_a_service_that_is_not_registered_is_503() -> None:
    gateway = make_gateway(tokens)
    answer = call(gateway, "GET", "/api/v1/items")
    assert answer.is_problem(503, "service_unavailable")
    assert answer.json["service"] == "catalog"
    assert int(answer.headers["retry-after"]) > 0


def test_one_json_line_per_request_with_trace_and_no_query(capfd: pytest.CaptureFixture[str]) -> None:
    import json

    gateway, _ = echo_gateway(tokens)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    path = "/api/v1/items/中".encode().decode("latin-1") + "?id_number=110101"
    call(gateway, "GET", path, {"traceparent": trace})
    [line] = [json.loads(text) for text in capfd.readouterr().err.splitlines() if '"request"' in text]
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (line["method"], line["path"], line["status"], line["upstream"]) == (
        "GET",
        "/api/v1/items/中",
        200,
        "catalog",
    )
    assert "110101" not in str(line)


def test_a_long_poll_is_waited_out_while_others_pass() -> None:
    asked, there_is_work = threading.Event(), threading.Event()

    def workflow(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        asked.set()
        assert there_is_work.wait(30)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"[]"]

    gateway = make_gateway(tokens, workflow=Local(workflow), catalog=Local(EchoService()))
    answers: list[int] = []
    headers = tokens.headers("tasks:read")
    poll = threading.Thread(
        target=lambda: answers.append(call(gateway, "GET", "/api/v1/tasks?wait_s=30", headers).status)
    )
    poll.start()
    assert asked.wait(10)
    assert call(gateway, "GET", "/api/v1/items").status == 200
    assert answers == []
    there_is_work.set()
    poll.join(10)
    assert answers == [200]
