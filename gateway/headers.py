"""What passes the door: paths in one spelling, no header that claims an identity, no hop-by-hop header either way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from string import punctuation
from typing import Any
from urllib.parse import quote

from chassis.errors import Refusal

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

CORS = "tongban.cors"  # in the environ: what gateway/cors.py says of this request
REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BROKEN_LINE = re.compile(r"[\r\n\x00]")
# Read after percent-decoding, so that %2e%2e and %2f%2f are caught too: two readers of one path must never disagree.
_NOT_CANONICAL = re.compile(r"[\x00-\x1f\x7f\\]|//|/\.{1,2}(?:/|\Z)|\A[^/]|\A\Z")
_PATH_SAFE = "/:@!$&'()*+,;=~"

_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "http2-settings", "expect",
}  # fmt: skip
# Framing is the gateway's to say. A server may turn ``Content_Length`` into HTTP_CONTENT_LENGTH beside the true one.
_SAID_BY_GATEWAY = {"host", "content-length", "content-type", "x-request-id", "traceparent"}
# The client's own token stays here: services get an internal one. The API knows bearer tokens only, so the session cookie is
# no business of the services but the portal's. ``Proxy`` would set HTTP_PROXY in a CGI environment; method overrides would
# pass the public paths' method check.
_NEVER_IN = {
    "authorization", "cookie", "x-api-key", "proxy", "forwarded", "remote-user", "x-real-ip", "x-user", "x-client-ip",
    "x-original-url", "x-rewrite-url", "x-http-method", "x-http-method-override", "x-method-override",
}  # fmt: skip
_IDENTITY_PREFIXES = ("x-tongban-", "x-auth-", "x-forwarded-", "x-remote-", "x-client-cert", "x-ssl-")
_NEVER_OUT = _HOP_BY_HOP | {
    "server", "date", "x-request-id", "x-content-type-options", "x-frame-options", "referrer-policy",
    "strict-transport-security",
}  # fmt: skip

_SECURITY: Headers = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
]
# For what is no page: pages say what they need.
STRICTEST_CSP = (
    "Content-Security-Policy",
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def check_request(environ: Environ) -> None:
    """Raises Refusal ``path_invalid`` or ``framing_invalid`` for what two readers could read in two ways."""
    if _NOT_CANONICAL.search(environ.get("PATH_INFO", "")) or _CONTROL.search(environ.get("QUERY_STRING", "")):
        raise Refusal("path_invalid", "地址写法不规范 / the path is not in canonical form")
    length, coding = environ.get("CONTENT_LENGTH") or "", environ.get("HTTP_TRANSFER_ENCODING")
    if length and not (length.isascii() and length.isdigit() and len(length) < 19):
        raise Refusal("framing_invalid", "Content-Length 不是数字 / Content-Length is not a number")
    if coding is not None and (length or coding.strip().lower() != "chunked"):
        raise Refusal("framing_invalid", "请求体长度说法矛盾 / the length of the body is stated in conflicting ways")


def request_headers(
    environ: Environ, request_id: str, traceparent: str, *, authorization: str | None, cookies: bool = False
) -> dict[str, str]:
    """Headers for the service, by name; without Host and Content-Length. Raises Refusal ``header_invalid``."""
    named = {name.strip().lower() for name in environ.get("HTTP_CONNECTION", "").split(",")}
    headers = {}
    for key, value in environ.items():
        if key[:5] == "HTTP_" and (name := _forwarded_name(key)) and name.lower() not in named:
            headers[name] = value
    if cookies and (cookie := environ.get("HTTP_COOKIE")):
        headers["Cookie"] = cookie
    if authorization is not None:
        headers["Authorization"] = authorization
    if any(map(_BROKEN_LINE.search, headers.values())) or _BROKEN_LINE.search(environ.get("CONTENT_TYPE", "")):
        raise Refusal("header_invalid", "请求头含有换行 / a header value contains a line break")
    if content_type := environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = content_type
    headers["X-Request-ID"] = request_id
    headers["traceparent"] = traceparent
    headers["X-Forwarded-For"] = environ.get("REMOTE_ADDR", "")
    headers["X-Forwarded-Proto"] = environ["wsgi.url_scheme"]
    if _HOST.fullmatch(host := environ.get("HTTP_HOST", "")):
        headers["X-Forwarded-Host"] = host
    return headers


@lru_cache(maxsize=1024)
def _forwarded_name(key: str) -> str | None:
    """``HTTP_IF_MATCH`` -> ``If-Match``; None when it stays at the door."""
    name = key[5:].replace("_", "-").lower()
    if name in _HOP_BY_HOP or name in _SAID_BY_GATEWAY or name in _NEVER_IN or name.startswith(_IDENTITY_PREFIXES):
        return None
    return name.title()


def request_target(environ: Environ) -> str:
    """Path and query as they go on the request line."""
    target = quote(environ["PATH_INFO"].encode("latin-1"), safe=_PATH_SAFE)
    if query := environ.get("QUERY_STRING"):
        target += "?" + quote(query.encode("latin-1"), safe=punctuation)
    return target


def response_headers(upstream: Iterable[tuple[str, str]], *, private: bool) -> Headers:
    """Headers of a service's response that pass. ``private`` answers are not to be stored unless the service says so; a browser
    may run and frame nothing of an answer that says nothing of it.

    Raises ValueError for a value that would break the header block.
    """
    upstream = list(upstream)
    named = {n.strip().lower() for key, value in upstream if key.lower() == "connection" for n in value.split(",")}
    headers, has_policy = [], False
    for name, value in upstream:
        lower = name.lower()
        has_policy = has_policy or lower == "content-security-policy"
        if lower in _NEVER_OUT or lower in named or lower.startswith("access-control-"):
            continue
        if _BROKEN_LINE.search(value):
            raise ValueError(name)
        headers.append((name, value))
        private = private and lower != "cache-control"
    if private:
        headers.append(("Cache-Control", "no-store"))
    if not has_policy:
        headers.append(STRICTEST_CSP)
    return headers


def security_headers(environ: Environ, request_id: str, limits: Headers | None = None) -> Headers:
    """Headers that every response carries, and what is said of limits."""
    headers = [("X-Request-ID", request_id), *_SECURITY, *environ.get(CORS, ()), *(limits or ())]
    if environ["wsgi.url_scheme"] == "https":
        headers.append(_HSTS)
    return headers
