"""The gateway as one WSGI application: the proxy ahead, and behind it the pages that say what runs here."""

from __future__ import annotations

from flask import Flask, Response, jsonify, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from chassis.auth import INTERNAL_KEYS_PATH, public
from chassis.discovery import Directory, registry_ages_s
from chassis.errors import PROBLEM_TYPE, problem
from chassis.health import Health
from gateway.admission import Admission
from gateway.internal_tokens import InternalTokens
from gateway.openapi import MISSING, schema_entries, sections
from gateway.proxy import Proxy
from gateway.routes import OWN_STATIC, SERVICES
from gateway.rules import Rules
from gateway.survey import Survey

_CSP = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def create_gateway(
    directory: Directory,
    tokens: InternalTokens,
    health: Health,
    *,
    admission: Admission | None = None,
    log_level: str = "INFO",
) -> Proxy:
    """The one door for HTTP. ``health`` holds the gateway's own parts; the services are asked. ``admission``: no limits
    unless it is given.
    """
    pages = _create_pages(Survey(directory, health), tokens, directory)
    return Proxy(pages, directory, tokens, admission or Admission(directory, Rules()), log_level)


def _create_pages(survey: Survey, tokens: InternalTokens, directory: Directory) -> Flask:
    app = Flask(__name__, static_url_path=OWN_STATIC.rstrip("/"))
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _add_pages(app, survey)
    _add_operator_routes(app, survey, directory)

    @app.get(INTERNAL_KEYS_PATH)
    @public
    def keys() -> Response:
        return jsonify(tokens.jwks())

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _CSP
        if not request.path.startswith(OWN_STATIC):
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        code = "route_unknown" if error.code == 404 else (error.name or "error").lower().replace(" ", "_")
        body = problem(error.code or 500, code, "没有这个地址 / not found" if error.code == 404 else error.name)
        response = jsonify(body)
        response.status_code, response.content_type = error.code or 500, PROBLEM_TYPE
        return response

    return app


def _add_pages(app: Flask, survey: Survey) -> None:
    @app.get("/")  # while there is no portal
    @app.get("/status")
    @public
    def home() -> str:
        _, parts = survey.readiness()
        own = {part: state for part, state in parts.items() if part not in SERVICES}
        return render_template("home.html", services=SERVICES, parts=parts, own=own)

    @app.get("/docs")
    @public
    def docs() -> str:
        document = survey.openapi()
        return render_template(
            "docs.html", sections=sections(document), schemas=schema_entries(document), missing=document[MISSING]
        )

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        return jsonify(survey.openapi())


def _add_operator_routes(app: Flask, survey: Survey, directory: Directory) -> None:
    @app.get("/health/live")
    @public
    def live() -> Response:
        return jsonify({"live": True})

    @app.get("/health/ready")
    @public
    def ready() -> tuple[Response, int]:
        """With ``?own`` for a balancer before several gateways: a service that is down must not take all of them away."""
        ok, parts = survey.own_readiness() if "own" in request.args else survey.readiness()
        answer: dict[str, object] = {"ready": ok, "parts": parts}
        if ages := registry_ages_s(directory):
            answer["registry_age_s"] = ages
        return jsonify(answer), 200 if ok else 503

    @app.get("/metrics")
    @public
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
