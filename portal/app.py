"""The portal as one Flask application."""

from __future__ import annotations

import gzip
from datetime import timedelta
from functools import lru_cache
from typing import Any

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from chassis.discovery import Directory
from chassis.health import Health
from chassis.web import observe, operator_routes
from portal import words
from portal.account import ACCOUNT
from portal.administration import ADMINISTRATION
from portal.api import Problem
from portal.auditing import AUDITING
from portal.catalogue import CATALOGUE
from portal.citizen import CITIZEN
from portal.developers import DEVELOPERS
from portal.language import set_up_language
from portal.officer import DESK
from portal.personal import PERSONAL
from portal.public import PUBLIC
from portal.relying_party import RelyingParty
from portal.security import SECURITY
from portal.session import PORTAL, RELYING_PARTY, ask_to_sign_in, forget_sign_in, renew, visitor
from portal.supervisor import SUPERVISION

LARGEST_BODY_BYTES = 51 * 1024 * 1024  # the largest material and its form
COMPRESSED = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
NO_VISIT = frozenset(
    {
        "static",
        "account.come_back",
        "account.show_keys",
        "account.leave",
        "operator.live",
        "operator.ready",
        "operator.metrics",
    }
)
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def create_portal(directory: Directory, secret: bytes, relying_party: RelyingParty, *, secure: bool) -> Flask:
    """``directory`` finds the gateway; ``secret`` signs the cookies; ``relying_party`` is what the provider knows the portal
    as; ``secure``: the platform is reached over TLS.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="tongban",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # a form may be filled in all day
        WTF_CSRF_SSL_STRICT=False,  # the gateway tells browsers to send no referrer
    )
    app.extensions[PORTAL] = directory
    app.extensions[RELYING_PARTY] = relying_party
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    CSRFProtect(app)
    set_up_language(app)
    words.set_up_words(app)
    app.context_processor(lambda: {"visitor": visitor()})
    app.before_request(_renew)
    app.register_blueprint(operator_routes(_Alive()))
    for room in (
        ACCOUNT, PUBLIC, CITIZEN, DESK, SUPERVISION, SECURITY, PERSONAL, ADMINISTRATION, DEVELOPERS, AUDITING, CATALOGUE,
    ):  # fmt: skip
        app.register_blueprint(room)
    _handle_errors(app)
    app.after_request(_protect)
    observe(app, "portal")
    return app


def _renew() -> None:
    if request.endpoint not in NO_VISIT:
        renew()


class _Alive:
    """The portal holds nothing that could fail: it is ready as soon as it answers."""

    health = Health()


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CSP
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
        return response
    response.headers["Cache-Control"] = "public, max-age=3600"
    if response.status_code == 200 and request.accept_encodings.quality("gzip") > 0 and response.mimetype in COMPRESSED:
        response.direct_passthrough = False
        response.set_data(_compressed(request.path, response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


@lru_cache(maxsize=64)
def _compressed(_path: str, content: bytes) -> bytes:
    """Of a static file. Pages go as they are: they hold a secret, the form's token, beside what the visitor sent."""
    return gzip.compress(content, mtime=0)


def _handle_errors(app: Flask) -> None:
    @app.errorhandler(Problem)
    def refused(problem: Problem) -> Any:
        if problem.status == 401:
            if problem.code == "session_ended":
                forget_sign_in()
            return ask_to_sign_in()
        return render_template("problem.html", problem=problem), problem.status

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> Any:
        page = Problem(400, "form_expired", "", {})
        return render_template("problem.html", problem=page), 400

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Any:
        status = error.code or 500
        return render_template("problem.html", problem=Problem(status, f"http_{status}", "", {})), status
