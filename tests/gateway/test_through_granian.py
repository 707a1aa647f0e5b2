"""The gateway as it is run, ``python -m gateway``, in front of a real service: what a WSGI server makes of the wire."""

import http.client
import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from chassis.auth import INTERNAL_KEYS_PATH, internal_tokens
from chassis.public_keys import PublicKeys
from gateway.routes import MIB
from tests.gateway.real_door import HEADERS, Door, open_door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.mark.parametrize("segment", ["校车使用许可", "é", "a b", "a%b", "a+b", "a;b=c", "~!$&'()*,:@", "🚌"])
def test_any_path_arrives_as_it_was_meant(door: Door, segment: str) -> None:
    told = door.told("GET", f"/api/v1/items/{quote(segment, safe='')}?q={quote(segment, safe='')}")
    assert told["PATH_INFO"].encode("latin-1").decode() == f"/api/v1/items/{segment}"
    assert told["QUERY_STRING"] == f"q={quote(segment, safe='')}"


def test_bytes_that_are_not_utf8_arrive_as_they_are(door: Door) -> None:
    assert door.told("GET", "/api/v1/items/%ff%fe")["PATH_INFO"].encode("latin-1") == b"/api/v1/items/\xff\xfe"


def test_raw_utf8_on_the_wire_is_quoted(door: Door) -> None:
    got = door.raw("GET /api/v1/items/中?q=中 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    told = json.loads(got.partition(b"\r\n\r\n")[2])
    assert told["PATH_INFO"].encode("latin-1").decode() == "/api/v1/items/中"
    assert told["QUERY_STRING"] == "q=%E4%B8%AD"


@pytest.mark.parametrize(
    "target",
    ["/api/v1/../cases", "/api/v1/%2e%2e/cases", "/api/v1/%2E/cases", "/api/v1//cases", "/api/v1/%2fcases", "//api/v1/cases",
     "/api/v1/items/..%2f..%2fcases", "/api/v1/items/%5c..%5ccases", "/api/v1/items/%00", "/api/v1/items/%0d%0aX:1"],
)  # fmt: skip
def test_path_tricks_are_refused(door: Door, target: str) -> None:
    status, headers, body = door.ask("GET", target)
    assert (status, json.loads(body)["code"]) == (400, "path_invalid")
    assert headers["content-type"] == "application/problem+json"


def test_absolute_form_is_judged_by_its_path(door: Door) -> None:
    for target, status in (("http://evil.example/api/v1/cases", 401), ("http://evil.example/admin", 404)):
        got = door.raw(f"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        assert int(got.split()[1]) == status
    got = door.raw(b"GET http://evil.example/api/v1/items HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert json.loads(got.partition(b"\r\n\r\n")[2])["HTTP_HOST"].startswith("127.0.0.1:")


def test_head_has_the_length_and_no_body_and_the_connection_goes_on(door: Door) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    for method in ("HEAD", "GET", "OPTIONS", "HEAD"):
        connection.request(method, "/api/v1/cases", headers=HEADERS)
        answer = connection.getresponse()
        assert answer.status == 200
        assert int(answer.headers["content-length"]) > 0
        assert bool(answer.read()) == (method != "HEAD")
    connection.close()


def test_forged_headers_in_any_spelling_stay_at_the_door(door: Door) -> None:
    request = (
        "GET /api/v1/cases HTTP/1.1\r\nHost: h\r\nConnection: close, X-Own\r\nX-Own: 1\r\nX_Tongban_Subject: a\r\n"
        "x-tongban-subject: b\r\nX-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 2.2.2.2\r\nX-Forwarded-User: root\r\n"
        "Content_Length: 5\r\nTransfer-Encoding_: chunked\r\nContent_Type: a/b\r\nProxy: x\r\nCookie: s=1\r\n"
        f"Authorization: {HEADERS['Authorization']}\r\n\r\n"
    )
    told = json.loads(door.raw(request.encode()).partition(b"\r\n\r\n")[2])
    assert told["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert told["CONTENT_TYPE"] is None
    forbidden = {
        "HTTP_X_TONGBAN_SUBJECT", "HTTP_X_FORWARDED_USER", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_PROXY",
        "HTTP_COOKIE", "HTTP_X_OWN", "HTTP_CONNECTION",
    }  # fmt: skip
    assert not forbidden & set(told)


def test_the_callers_token_stays_at_the_door_and_the_service_gets_one_of_its_own(door: Door) -> None:
    first, second = (door.told("GET", f"/api/v1/{part}") for part in ("cases", "cards"))
    assert HEADERS["Authorization"].removeprefix("Bearer ") not in json.dumps([first, second])
    [key] = json.loads(door.ask("GET", INTERNAL_KEYS_PATH)[2])["keys"]
    for told, service in ((first, "workflow"), (second, "audit")):
        verifier = internal_tokens(PublicKeys(lambda: {"keys": [key]}), service)
        assert verifier.principal(told["HTTP_AUTHORIZATION"].removeprefix("Bearer ")).subject == "p-1"


def test_two_lengths_for_one_body_never_become_two_requests(door: Door) -> None:
    smuggled = b"GET /api/v1/cards HTTP/1.1\r\nHost: h\r\n\r\n"
    head = "POST /oauth2/token HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    for framing in (
        f"Content-Length: {len(smuggled) + 5}\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n",
    ):
        got = door.raw((head + framing + "\r\n").encode() + b"0\r\n\r\n" + smuggled)
        assert got.count(b"HTTP/1.1 ") <= 1
        assert b"/api/v1/cards" not in got


def test_a_chunked_upload_arrives_with_its_length(door: Door) -> None:
    pieces = iter([b"a" * 1000, b"b" * 100_000, b"c"])
    told = door.told("POST", "/api/v1/materials", pieces, {"Content-Type": "application/pdf"})
    assert (told["body_bytes"], told["CONTENT_LENGTH"], told["CONTENT_TYPE"]) == (101_001, "101001", "application/pdf")


def test_a_chunked_upload_over_the_limit_is_413(door: Door) -> None:
    status, _, body = door.ask("POST", "/api/v1/cases", iter([b"a" * (MIB + 1)]))
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_an_upload_over_the_limit_is_413_before_it_is_sent(door: Door) -> None:
    head = f"POST /api/v1/cases HTTP/1.1\r\nHost: h\r\nContent-Length: {MIB + 1}\r\nExpect: 100-continue\r\nConnection: close\r\n"
    got = door.raw(f"{head}Authorization: {HEADERS['Authorization']}\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 413")
    assert b'"body_too_large"' in got


def test_20_mib_up_and_down_do_not_stay_in_the_gateway(door: Door) -> None:
    door.told("GET", "/api/v1/cases")
    before = door.peak_memory_bytes()
    size = 20 * MIB

    def pieces() -> Iterator[bytes]:
        for _ in range(size // 65536):
            yield b"x" * 65536

    assert door.told("POST", "/api/v1/materials", pieces(), {"Content-Length": str(size)})["body_bytes"] == size
    assert door.told("POST", "/api/v1/materials", pieces())["body_bytes"] == size
    status, headers, body = door.ask("GET", "/api/v1/materials/big")
    assert (status, headers["content-length"], len(body)) == (200, str(size), size)
    assert door.peak_memory_bytes() - before < 8 * MIB


def test_a_download_that_breaks_off_is_seen_by_the_client(door: Door) -> None:
    for _ in range(10):
        try:
            status, _, body = door.ask("GET", "/api/v1/materials/broken")
        except (http.client.HTTPException, OSError):
            continue  # cut off in the middle
        # The service's server may drop what it has not sent yet, the head included: then nothing has begun.
        assert (status, json.loads(body)["code"]) == (502, "upstream_failed")
    assert door.told("GET", "/api/v1/cases")["REQUEST_METHOD"] == "GET"


def test_request_id_and_trace_are_passed_on(door: Door) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = door.told("GET", "/api/v1/cases", None, {"X-Request-ID": "abc", "traceparent": trace})
    assert told["HTTP_X_REQUEST_ID"] == "abc"
    assert told["HTTP_TRACEPARENT"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


def test_a_page_that_the_client_has_is_not_sent_again(door: Door) -> None:
    status, headers, body = door.ask("GET", "/api/v1/ledger/checkpoint")
    tag = headers["etag"]
    assert (status, headers["cache-control"]) == (200, "no-cache")
    assert body
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    connection.request("GET", "/api/v1/jwks", headers={"If-None-Match": "*"})
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["content-length"]) == (304, b"", None)
    connection.request("GET", "/api/v1/jwks", headers={"If-None-Match": tag})  # the connection is still in step
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.read()
    connection.close()
