"""The way of a request through the door: check, find, know the caller, pass on, pass back.

A small WSGI application ahead of Flask, since a framework on this path costs more than the service behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

import msgspec
import structlog
from werkzeug.exceptions import ClientDisconnected

from chassis.auth import TokenVerifier, bearer_token
from chassis.discovery import Directory, Local, ServiceUnknown
from chassis.errors import PROBLEM_TYPE, Refusal, problem
from gateway.bodies import CHUNK_BYTES, open_body
from gateway.headers import (
    Environ,
    Headers,
    check_request,
    request_headers,
    request_target,
    response_headers,
    security_headers,
)
from gateway.observe import Exchange, access_log
from gateway.pool import Pool
from gateway.routes import METHODS, PORTAL, PREFIXES, Route, find_route, is_own_page
from gateway.upstream import Answer, Outgoing, call_local, call_remote, chunks

WsgiApp = Callable[[Environ, Any], Iterable[bytes]]
log = structlog.get_logger()

RETRY_AFTER_S = "2"
REFUSALS = {
    "path_invalid": 400,
    "header_invalid": 400,
    "framing_invalid": 400,
    "body_truncated": 400,
    "token_missing": 401,
    "token_invalid": 401,
    "token_expired": 401,
    "route_unknown": 404,
    "method_not_allowed": 405,
    "length_required": 411,
    "body_too_large": 413,
    "upstream_failed": 502,
    "service_unavailable": 503,
    "upstream_timeout": 504,
}
_EXTRA_HEADERS = {
    401: [("WWW-Authenticate", "Bearer")],
    405: [("Allow", ", ".join(sorted(METHODS)))],
    503: [("Retry-After", RETRY_AFTER_S)],
}


class Proxy:
    """Answers the API from the services, its own pages from ``pages``, and everything else from the portal if there is one."""

    def __init__(self, pages: WsgiApp, directory: Directory, tokens: TokenVerifier, log_level: str = "INFO") -> None:
        self._pages, self._directory, self._tokens = pages, directory, tokens
        self._pool = Pool()
        self._log = access_log(log_level)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """See PEP 3333."""
        exchange = Exchange(environ, self._log)
        try:
            self._check(environ, exchange)
            path = environ["PATH_INFO"]
            if path.startswith(PREFIXES):
                return self._forward(environ, start_response, exchange, find_route(path))
            if self._is_portals(path):
                return self._forward(environ, start_response, exchange, PORTAL)
            return self._page(environ, start_response, exchange)
        except Refusal as refusal:
            return _refuse(environ, start_response, exchange, refusal)
        except BaseException as error:
            exchange.end("500", 0, repr(error))
            raise

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    @staticmethod
    def _check(environ: Environ, exchange: Exchange) -> None:
        if exchange.method not in METHODS:
            exchange.method = "other"
            raise Refusal("method_not_allowed", "不支持的方法 / this method is not supported")
        check_request(environ)

    def _is_portals(self, path: str) -> bool:
        if is_own_page(path):
            return False
        try:
            self._directory.find(PORTAL.service)
        except ServiceUnknown:
            return False
        return True

    def _forward(self, environ: Environ, start_response: Any, exchange: Exchange, route: Route) -> Iterable[bytes]:
        exchange.service = route.service
        public = route.is_public(exchange.method, environ["PATH_INFO"])
        if not public:
            exchange.subject = self._caller(environ)
        answer = self._call(environ, exchange, route)
        try:
            headers = response_headers(answer.headers, private=not public)
            return _pass_back(environ, start_response, exchange, answer, headers)
        except (OSError, HTTPException, ValueError) as error:
            answer.close()
            raise _fault(route, error) from error

    def _caller(self, environ: Environ) -> str:
        """Subject of the token. Raises Refusal."""
        try:
            return self._tokens.principal(bearer_token(environ.get("HTTP_AUTHORIZATION"))).subject
        except (OSError, ServiceUnknown) as error:
            raise _unavailable("identity") from error

    def _call(self, environ: Environ, exchange: Exchange, route: Route) -> Answer:
        try:
            endpoint = self._directory.find(route.service)
            body = open_body(environ, route.max_body_bytes)
            headers = request_headers(environ, exchange.request_id, exchange.traceparent, cookies=route.cookies)
            request = Outgoing(exchange.method, request_target(environ), headers, body, route.timeout_s)
            if isinstance(endpoint, Local):
                return call_local(endpoint, request, environ)
            with body:
                return call_remote(self._pool, endpoint, request)
        except ServiceUnknown as error:
            raise _unavailable(route.service) from error
        except ClientDisconnected as error:
            raise Refusal("body_truncated", "请求体不完整 / the body ended before its length") from error
        except (OSError, HTTPException) as error:
            raise _fault(route, error) from error

    def _page(self, environ: Environ, start_response: Any, exchange: Exchange) -> Iterable[bytes]:
        status = ""

        def started(line: str, headers: Headers, exc_info: Any = None) -> Any:
            nonlocal status
            status = line
            return start_response(line, [*headers, *security_headers(environ, exchange.request_id)], exc_info)

        pages = self._pages(environ, started)
        body = b"".join(pages)
        if close := getattr(pages, "close", None):
            close()
        exchange.end(status, len(body))
        return [body]


def _pass_back(
    environ: Environ, start_response: Any, exchange: Exchange, answer: Answer, headers: Headers
) -> Iterable[bytes]:
    """Start the response. A small body is read first, so that a break in it is still a 502 and the connection is free at once."""
    headers += security_headers(environ, exchange.request_id)
    if answer.length is None or answer.length > CHUNK_BYTES:
        start_response(answer.status, headers)
        return _Stream(answer, exchange)
    body = b"".join(chunks(answer))
    answer.close()
    start_response(answer.status, headers)
    exchange.end(answer.status, len(body))
    return [body]


class _Stream:
    """The body of an answer, chunk by chunk. The server closes it at the end and when the client has gone."""

    def __init__(self, answer: Answer, exchange: Exchange) -> None:
        self._answer, self._exchange = answer, exchange
        self._sent, self._broken = 0, "client_gone"
        self._closed = False

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = self._answer.read()
        except BaseException as error:
            # Too late for a problem: the server cuts the connection, and the stated length shows that it is not whole.
            self._broken = repr(error)
            self.close()
            raise
        if not chunk:
            self._broken = ""
            self.close()
            raise StopIteration
        self._sent += len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the service's connection and write the log line: once, for the server closes what has ended too, and a
        connection given back twice would carry two requests.
        """
        if self._closed:
            return
        self._closed = True
        self._answer.close()
        self._exchange.end(self._answer.status, self._sent, self._broken)


def _refuse(environ: Environ, start_response: Any, exchange: Exchange, refusal: Refusal) -> Iterable[bytes]:
    exchange.refused(refusal.code)
    code = HTTPStatus(REFUSALS[refusal.code])
    facts = {**refusal.facts, "request_id": exchange.request_id, "trace_id": exchange.trace_id}
    body = msgspec.json.encode(problem(code, refusal.code, refusal.detail, **facts))
    headers = [
        ("Content-Type", PROBLEM_TYPE),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *_EXTRA_HEADERS.get(code, []),
        *security_headers(environ, exchange.request_id),
    ]
    status = f"{code.value} {code.phrase}"
    start_response(status, headers)
    sent = b"" if exchange.method == "HEAD" else body
    exchange.end(status, len(sent))
    return [sent]


def _fault(route: Route, error: Exception) -> Refusal:
    log.warning("upstream_fault", upstream=route.service, error=repr(error))
    if isinstance(error, TimeoutError):
        return Refusal(
            "upstream_timeout", "服务没有及时答复 / the service did not answer in time", service=route.service
        )
    return Refusal("upstream_failed", "服务未能答复 / the service failed to answer", service=route.service)


def _unavailable(service: str) -> Refusal:
    return Refusal(
        "service_unavailable", "服务暂不可用，请稍后再试 / the service is not available now", service=service
    )
