"""The web edge of every service: problem JSON, health, metrics, OpenAPI 3.1, traces."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import marshmallow as ma
import msgspec
import sqlalchemy as sa
import structlog
from flask import Flask, Response, g, jsonify, request
from flask_smorest import Api, Blueprint
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import ClientDisconnected, HTTPException

from chassis import deadline, trace
from chassis.auth import public
from chassis.errors import PROBLEM_TYPE, Refusal, problem
from chassis.faults import database_away
from chassis.health import Health
from chassis.metrics import HTTP_REQUESTS, HTTP_SECONDS, OTHER
from chassis.service import Runtime, Service

log = structlog.get_logger()

API_PREFIX = "/api/v1"
MAX_JSON_BYTES = 1 << 20
RETRY_AFTER_S = 2
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNTRACED = frozenset({"/health/live", "/health/ready", "/metrics"})  # asked every few seconds

REFUSALS = {
    "token_missing": 401,
    "token_invalid": 401,
    "token_expired": 401,
    "scope_missing": 403,
    "idempotency_key_missing": 400,
    "idempotency_key_reused": 422,
    "not_found": 404,
    "forbidden": 403,
}


class ProblemSchema(ma.Schema):
    """RFC 9457 problem; a refusal adds its facts as members of their own."""

    class Meta:
        """Facts are open."""

        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    code = ma.fields.String(required=True, metadata={"description": "stable code"})
    detail = ma.fields.String()
    errors = ma.fields.Dict()


class ProblemApi(Api):
    """flask-smorest with RFC 9457 errors."""

    ERROR_SCHEMA = ProblemSchema

    def _register_responses(self) -> None:
        """Errors have a media type of their own."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Problem JSON for werkzeug's and webargs' errors."""
        data = getattr(error, "data", None) or {}
        status = error.code or 500
        code = "invalid_input" if status == 422 else (error.name or "error").lower().replace(" ", "_")
        facts = {"errors": data["messages"]} if "messages" in data else {}
        return _respond(problem(status, code, str(data.get("message") or error.description or error.name), **facts))


def create_web(service: Service, runtime: Runtime) -> Flask:
    """The Flask application of ``service``: its blueprints and the operator's routes."""
    app = Flask(service.name, static_folder=None)
    app.config.update(
        API_TITLE=service.title,
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=MAX_JSON_BYTES,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["tongban"] = runtime
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    api = ProblemApi(app, spec_kwargs={"components": {"securitySchemes": {"bearer": bearer}}})
    for blueprint in service.blueprints:
        api.register_blueprint(blueprint)
    app.register_blueprint(operator_routes(runtime))
    app.register_blueprint(_openapi_route(service.name, api))
    _handle_errors(app, REFUSALS | dict(service.refusals))
    observe(app, service.name)
    app.wsgi_app = _guarded(app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


class HasHealth(Protocol):
    """Anything that can be asked whether it is ready: a service's runtime, the gateway's bridge."""

    health: Health


def operator_routes(runtime: HasHealth) -> Blueprint:
    """``/health/live``, ``/health/ready`` and ``/metrics``."""
    routes = Blueprint("operator", __name__)

    @routes.get("/health/live")
    @public
    def live() -> Response:
        return jsonify({"live": True})

    @routes.get("/health/ready")
    @public
    def ready() -> tuple[Response, int]:
        ok, parts = runtime.health.report()
        return jsonify({"ready": ok, "parts": parts}), 200 if ok else 503

    @routes.get("/metrics")
    @public
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return routes


def _openapi_route(name: str, api: Api) -> Blueprint:
    routes = Blueprint("openapi", __name__)

    @routes.get(f"/openapi/{name}.json")
    @public
    def document() -> Response:
        return jsonify(api.spec.to_dict())

    return routes


def create_operator_web(name: str, runtime: Runtime) -> Flask:
    """The application of a process without an API of its own (worker, jobs): operator's routes only."""
    app = Flask(name, static_folder=None)
    app.register_blueprint(operator_routes(runtime))
    return app


def problem_response(status: int, code: str, detail: str, **facts: Any) -> Response:
    """A problem as a Flask response."""
    return _respond(problem(status, code, detail, **facts))


def _respond(body: dict[str, Any]) -> Response:
    response = jsonify(body)
    response.status_code = body["status"]
    response.content_type = PROBLEM_TYPE
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _handle_errors(app: Flask, refusals: dict[str, int]) -> None:
    def refused(error: Refusal) -> Response:
        status = refusals.get(error.code)
        if status is None:
            log.error("refusal_without_status", code=error.code)
            status = 409
        response = problem_response(status, error.code, error.detail, **error.facts)
        if "retry_after_s" in error.facts:
            response.headers["Retry-After"] = str(error.facts["retry_after_s"])
        return response

    app.register_error_handler(Refusal, refused)
    app.register_error_handler(sa.exc.OperationalError, _unavailable)
    app.register_error_handler(sa.exc.DataError, _unfit)
    app.register_error_handler(sa.exc.DBAPIError, _broken)
    app.register_error_handler(sa.exc.TimeoutError, _unavailable)
    app.register_error_handler(OSError, _unavailable)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _failed)


def _unavailable(error: Exception) -> Response:
    log.warning("dependency_unavailable", error=repr(error))
    return problem_response(
        503,
        "temporarily_unavailable",
        "服务的一部分暂无应答，请稍后再试 / a part of the service does not answer; try again",
    )


def _unfit(error: sa.exc.DataError) -> Response:
    log.warning("value_does_not_fit", path=request.path, error=repr(error))
    return problem_response(422, "invalid_input", "有的值无法保存 / a value cannot be stored, such as a NUL in a text")


def _broken(error: sa.exc.DBAPIError) -> Response:
    return _unavailable(error) if database_away(error) else _failed(error)


def _too_deep(_error: RecursionError) -> Response:
    return problem_response(400, "nested_too_deeply", "内容嵌套过深 / the body is nested too deeply")


def _failed(error: Exception) -> Response:
    log.error("request_failed", path=request.path, exc_info=error)
    return problem_response(
        500, "internal_error", "请求失败，已记录 / the request failed; it was logged", trace_id=_trace_id()
    )


def _trace_id() -> str:
    return (trace.traceparent.get() or "00-")[3:35]


def observe(app: Flask, service: str) -> None:
    """Count and time the requests of ``app`` by route, and give each its trace; a span where spans are kept."""

    @app.before_request
    def started() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def measured(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in METHODS else OTHER
        HTTP_REQUESTS.labels(service, route, method, response.status_code).inc()
        HTTP_SECONDS.labels(service, route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        if trace.keeping():
            _note(route, method, response.status_code)
        return response

    app.wsgi_app = _traced(app.wsgi_app, service)  # type: ignore[assignment,method-assign]


def _note(route: str, method: str, status: int) -> None:
    facts: dict[str, trace.Fact] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
    }
    if status >= 500:
        facts[trace.ERROR] = str(status)
    facts |= {f"tongban.{name}": str(value) for name, value in (request.view_args or {}).items() if name in trace.IDS}
    trace.note(facts, f"{method} {route}")


WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _traced(app: WsgiApp, service: str) -> WsgiApp:
    def traced(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        parent = environ.get("HTTP_TRACEPARENT")
        span = None
        if environ.get("PATH_INFO") not in _UNTRACED:
            span = trace.start_span(service, "server", "request", parent)
        with trace.work(parent=parent, span=span) as mine:
            environ["HTTP_TRACEPARENT"] = mine  # for whoever calls others on the way
            try:
                return app(environ, start_response)
            finally:
                if span is not None:
                    span.end()

    return traced


def _guarded(app: WsgiApp) -> WsgiApp:
    def guarded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if (length := environ.get("CONTENT_LENGTH", "")).isdecimal():
            environ["wsgi.input"] = _WholeBody(environ["wsgi.input"], int(length))
        if (left_s := deadline.left_s(environ)) is not None and left_s <= 0:
            return _too_late(start_response)
        return app(environ, start_response)

    return guarded


def _too_late(start_response: Any) -> list[bytes]:
    """Nobody waits for the answer any more, so nothing is done."""
    body = msgspec.json.encode(problem(504, "deadline_passed", "请求已过期限 / the deadline of the request has passed"))
    headers = [("Content-Type", PROBLEM_TYPE), ("Content-Length", str(len(body)))]
    start_response("504 Gateway Timeout", headers)
    return [body]


class _WholeBody(io.RawIOBase):
    """A request body that is as long as it says. The server ends a body that broke off as if it were whole."""

    def __init__(self, source: Any, length: int) -> None:
        super().__init__()
        self._source, self._left = source, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._source.read(min(len(buffer), self._left)) if self._left else b""
        if not data and self._left and len(buffer):
            raise ClientDisconnected
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
