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

from chassis import deadline
from chassis.auth import bearer_token
from chassis.discovery import Directory, ServiceUnknown
from chassis.errors import PROBLEM_TYPE, Refusal, problem
from gateway.admission import Admission
from gateway.api_keys import ApiKeys, KeyedVisit
from gateway.attempts import Attempts
from gateway.bodies import CHUNK_BYTES, RequestBody, has_body, open_body
from gateway.cors import Origins, is_preflight
from gateway.etags import tagged
from gateway.event_streams import EventStreams
from gateway.headers import (
    STRICTEST_CSP,
    Environ,
    Headers,
    check_request,
    request_headers,
    request_target,
    response_headers,
    security_headers,
)
from gateway.internal_tokens import InternalTokens
from gateway.observe import Exchange, access_log
from gateway.pool import Pool
from gateway.routes import METHODS, METRICS, PORTAL, PREFIXES, Route, find_route, is_own_page
from gateway.upstream import Answer, Outgoing, chunks

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
    "session_ended": 401,
    "api_key_invalid": 401,
    "origin_not_registered": 403,
    "dataset_not_granted": 403,
    "route_unknown": 404,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "length_required": 411,
    "body_too_large": 413,
    "too_many_requests": 429,
    "upstream_failed": 502,
    "service_unavailable": 503,
    "overloaded": 503,
    "deadline_passed": 504,
    "upstream_timeout": 504,
}
_EXTRA_HEADERS: dict[int | str, list[tuple[str, str]]] = {
    "api_key_invalid": [("WWW-Authenticate", "ApiKey")],
    401: [("WWW-Authenticate", "Bearer")],
    405: [("Allow", ", ".join(sorted(METHODS)))],
    503: [("Retry-After", RETRY_AFTER_S)],
}


class Proxy:
    """Answers the API from the services, its own pages from ``pages``, and everything else from the portal if there is one."""

    def __init__(
        self, pages: WsgiApp, directory: Directory, tokens: InternalTokens, admission: Admission, log_level: str
    ) -> None:
        self._pages, self._directory, self._tokens, self._admission = pages, directory, tokens, admission
        self._pool = Pool()
        self._attempts = Attempts(admission.balancer, self._pool)
        self._origins = Origins(directory)
        self.api_keys = ApiKeys.of(directory, tokens)
        self.event_streams = EventStreams()
        self._log = access_log(log_level)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """See PEP 3333."""
        exchange = Exchange(environ, self._log)
        try:
            self._check(environ, exchange)
            path = environ["PATH_INFO"]
            if path.startswith(PREFIXES):
                self._origins.enter(environ)
                return self._forward(environ, start_response, exchange, find_route(path))
            if self._is_portals(path):
                return self._forward(environ, start_response, exchange, PORTAL)
            if path == METRICS and not self._admission.is_operator(environ):
                raise Refusal("route_unknown", "没有这个地址 / there is nothing at this address")
            return self._page(environ, start_response, exchange)
        except Refusal as refusal:
            return _refuse(environ, start_response, exchange, refusal)
        except BaseException as error:
            exchange.end("500", 0, repr(error))
            raise

    def log_from(self, level: str) -> None:
        """Write access log lines of this level and above from now on."""
        self._log = access_log(level)

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
        return not is_own_page(path) and bool(self._directory.instances(PORTAL.service))

    def _forward(self, environ: Environ, start_response: Any, exchange: Exchange, route: Route) -> Iterable[bytes]:
        exchange.service, exchange.route = route.service, route.prefix
        visit = self._with_key(environ, exchange, route)
        self._admission.enter(environ, exchange, visit.key if visit else None)
        if visit is not None:
            route = visit.admitted(environ, exchange, route)
        if route is not PORTAL and is_preflight(environ):
            return _empty(environ, start_response, exchange, self._origins.preflight(environ))
        public = route.is_public(exchange.method, environ["PATH_INFO"])
        authorization = self._authorization(environ, exchange, route, public=public)
        answer = self._call(environ, exchange, route, authorization)
        try:
            headers = response_headers(answer.headers, private=not public)
            if answer.length is None or answer.length > CHUNK_BYTES:
                self._admission.stream(exchange)
                self.event_streams.follow(answer, exchange)
                return _stream(environ, start_response, exchange, answer, headers)
            tags = public and exchange.method == "GET" and route is not PORTAL
            return _pass_back(environ, start_response, exchange, answer, headers, tags=tags)
        except Refusal:
            answer.close()
            raise
        except (OSError, HTTPException, ValueError) as error:
            answer.close()
            raise _fault(route, error) from error

    def _with_key(self, environ: Environ, exchange: Exchange, route: Route) -> KeyedVisit | None:
        """For a request that shows an API key where one is taken; its use is counted at its end."""
        try:
            return self.api_keys.visit(environ, exchange, route)
        except OSError as error:
            raise _unavailable("identity") from error

    def _authorization(self, environ: Environ, exchange: Exchange, route: Route, *, public: bool) -> str | None:
        """The Authorization header for the service: an internal token, and for public routes none. Raises Refusal."""
        given = environ.get("HTTP_AUTHORIZATION")
        if route.takes_authorization(exchange.method, environ["PATH_INFO"]):
            return given
        if public:
            return None
        try:
            caller, token = self._tokens.exchange(bearer_token(given), route.service)
            exchange.subject = caller.subject
            self._admission.know(caller, exchange)
            self._origins.know(environ, caller)
            return f"Bearer {token}"
        except (OSError, ServiceUnknown) as error:
            raise _unavailable("identity") from error

    def _call(self, environ: Environ, exchange: Exchange, route: Route, authorization: str | None) -> Answer:
        if not self._directory.instances(route.service):
            raise _unavailable(route.service)
        try:
            headers = request_headers(
                environ, exchange.request_id, exchange.traceparent, authorization=authorization, cookies=route.cookies
            )
            body = self._receive(environ, exchange, route)
            timeout_s = _patience_s(environ, route)
            headers[deadline.HEADER] = deadline.in_s(timeout_s)
            kind = "" if route.waits else f"{exchange.method} {route.prefix}"
            exchange.kind = "wait" if route.waits else exchange.kind
            request = Outgoing(exchange.method, request_target(environ), headers, body, timeout_s, kind)
            return self._attempts.send(route.service, request, environ, exchange)
        except ServiceUnknown as error:
            raise _unavailable(route.service) from error
        except ClientDisconnected as error:
            raise Refusal("body_truncated", "请求体不完整 / the body ended before its length") from error
        except (OSError, HTTPException) as error:
            raise _fault(route, error) from error

    def _receive(self, environ: Environ, exchange: Exchange, route: Route) -> RequestBody:
        """The body, all of it. While it is on its way it counts as such."""
        if not has_body(environ):
            return open_body(environ, route.max_body_bytes)
        with self._admission.receive(exchange) as got:
            body = open_body(environ, route.max_body_bytes, got)
            exchange.holds(body.close)
        return body

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
    environ: Environ, start_response: Any, exchange: Exchange, answer: Answer, headers: Headers, *, tags: bool
) -> Iterable[bytes]:
    """Pass on a small answer, with an entity tag if ``tags``."""
    body = answer.body if answer.body is not None else b"".join(chunks(answer))
    answer.close()
    status = answer.status
    if tags:
        status, headers, body = tagged(environ, status, headers, body)
    start_response(status, headers + security_headers(environ, exchange.request_id, exchange.limits))
    exchange.end(status, len(body))
    return [body]


def _stream(
    environ: Environ, start_response: Any, exchange: Exchange, answer: Answer, headers: Headers
) -> Iterable[bytes]:
    """Pass on a large answer, or one of unknown length, piece by piece as it comes."""
    start_response(answer.status, headers + security_headers(environ, exchange.request_id, exchange.limits))
    return _Stream(answer, exchange)


class _Stream:
    """The body of an answer, chunk by chunk. The server closes it at the end and when the client has gone."""

    def __init__(self, answer: Answer, exchange: Exchange) -> None:
        self._answer, self._exchange = answer, exchange
        exchange.kind = "stream"
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


def _empty(environ: Environ, start_response: Any, exchange: Exchange, headers: Headers) -> Iterable[bytes]:
    """204, answered by the gateway itself."""
    start_response(
        "204 No Content", [*headers, STRICTEST_CSP, *security_headers(environ, exchange.request_id, exchange.limits)]
    )
    exchange.end("204 No Content", 0)
    return [b""]


def _refuse(environ: Environ, start_response: Any, exchange: Exchange, refusal: Refusal) -> Iterable[bytes]:
    exchange.refused(refusal.code)
    code = HTTPStatus(REFUSALS[refusal.code])
    facts = {**refusal.facts, "request_id": exchange.request_id, "trace_id": exchange.trace_id}
    body = msgspec.json.encode(problem(code, refusal.code, refusal.detail, **facts))
    headers = [
        ("Content-Type", PROBLEM_TYPE),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        STRICTEST_CSP,
        *(_EXTRA_HEADERS.get(refusal.code) or _EXTRA_HEADERS.get(code, [])),
        *security_headers(environ, exchange.request_id, exchange.limits),
    ]
    if (wait_s := refusal.facts.get("retry_after_s")) is not None:
        headers.append(("Retry-After", str(wait_s)))
    status = f"{code.value} {code.phrase}"
    start_response(status, headers)
    sent = b"" if exchange.method == "HEAD" else body
    exchange.end(status, len(sent))
    return [sent]


def _patience_s(environ: Environ, route: Route) -> float:
    """How long to wait for the service: as the route says, or less if the caller does. Raises Refusal."""
    left_s = deadline.left_s(environ)
    if left_s is None:
        return route.timeout_s
    if left_s <= 0:
        raise Refusal("deadline_passed", "请求已过期限 / the deadline of the request has passed")
    return min(route.timeout_s, left_s)


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
