"""Pages that a client has already."""

from typing import Any

import pytest

from chassis.discovery import Local
from tests.gateway.scripted import Answer, call, make_gateway
from tests.support import Tokens

tokens = Tokens()


class Page:
    body, headers = b'{"a":1}', [("Content-Type", "application/json")]
    status = "200 OK"

    def __call__(self, _environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(self.status, [*self.headers, ("Content-Length", str(len(self.body)))])
        return [self.body]


def ask(page: Page, condition: str = "", path: str = "/api/v1/items/x", method: str = "GET") -> Answer:
    gateway = make_gateway(tokens, catalog=Local(page), workflow=Local(page), portal=Local(page))
    headers = tokens.headers("cases:read") | ({"If-None-Match": condition} if condition else {})
    return call(gateway, method, path, headers)


def test_a_public_page_has_a_strong_tag_that_changes_with_it() -> None:
    page = Page()
    first, again = ask(page), ask(page)
    assert first.headers["etag"] == again.headers["etag"]
    assert first.headers["etag"].startswith('"')
    assert first.headers["cache-control"] == "no-cache"
    page.body = b'{"a":2}'
    assert ask(page).headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("condition", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_who_has_it_gets_304_without_a_body(condition: str) -> None:
    page = Page()
    tag = ask(page).headers["etag"]
    answer = ask(page, condition.format(tag=tag))
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert not {"content-length", "content-type"} & set(answer.headers)
    page.body = b"new"
    if condition != "*":
        assert ask(page, condition.format(tag=tag)).body == b"new"


def test_a_tag_of_the_services_own_is_kept() -> None:
    page = Page()
    page.headers = [("ETag", '"v7"'), ("Cache-Control", "max-age=60")]
    assert ask(page).headers["etag"] == '"v7"'
    answer = ask(page, '"v7"')
    assert (answer.status, answer.headers["cache-control"]) == (304, "max-age=60")


@pytest.mark.parametrize(
    ("path", "method", "status", "headers"),
    [
        ("/api/v1/cases", "GET", "200 OK", []),
        ("/", "GET", "200 OK", []),
        ("/api/v1/items/x", "HEAD", "200 OK", []),
        ("/api/v1/items/x", "GET", "404 Not Found", []),
        ("/api/v1/items/x", "GET", "200 OK", [("Cache-Control", "no-store")]),
        ("/api/v1/items/x", "GET", "200 OK", [("Set-Cookie", "a=1")]),
    ],
    ids=["needs a token", "the portal's", "head", "not found", "not to be kept", "sets a cookie"],
)
def test_nothing_else_is_tagged(path: str, method: str, status: str, headers: list[tuple[str, str]]) -> None:
    page = Page()
    page.status, page.headers = status, headers
    answer = ask(page, "*", path, method)
    assert answer.status == int(status[:3])
    assert "etag" not in answer.headers
