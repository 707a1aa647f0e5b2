"""The HTTP surface of audit as a whole."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import validate

from chassis.auth import PUBLIC
from services.audit.adapters.ledger_key import KEY
from tests.support import Tokens

SCOPES = {
    "/api/v1/trails/<case_no>": "trails:read",
    "/api/v1/cards": "cards:read",
    "/api/v1/ratings": "ratings:write",
    "/api/v1/ratings/<case_no>": "ratings:read",
    "/api/v1/figures": PUBLIC,
    "/api/v1/board": "board:read",
    "/api/v1/journal": "journal:read",
    "/api/v1/exchange": "exchange:read",
    "/api/v1/exchange/<connector>/batches": "exchange:read",
    "/api/v1/ledger/checkpoint": PUBLIC,
    "/api/v1/ledger/cosigned-checkpoint": PUBLIC,
    "/api/v1/ledger/key": PUBLIC,
    "/api/v1/ledger/consistency": PUBLIC,
    "/api/v1/open-data/cases": PUBLIC,
    "/api/v1/open-data/cases/<month>": PUBLIC,
    "/api/v1/open-data/cases/<month>/csv": PUBLIC,
    "/api/v1/sandbox/open-data/cases": PUBLIC,
    "/api/v1/sandbox/open-data/cases/<month>": PUBLIC,
    "/api/v1/sandbox/open-data/cases/<month>/csv": PUBLIC,
}


def test_every_route_declares_who_may_call_it(client: Any) -> None:
    app = client.application
    found = {rule.rule: app.view_functions[rule.endpoint].scope for rule in app.url_map.iter_rules()}
    assert {rule: scope for rule, scope in found.items() if rule.startswith("/api/")} == SCOPES


def test_the_openapi_document_is_valid(client: Any) -> None:
    document = client.get("/openapi/audit.json").get_json()
    validate(document)
    assert set(document["paths"]["/api/v1/ledger/key"]["get"]["responses"]["200"]["content"]) == {
        "text/plain; charset=utf-8"
    }


def test_checkpoint_and_key_are_plain_text_for_anyone(client: Any, tokens: Tokens) -> None:
    missing = client.get("/api/v1/ledger/checkpoint")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not_found")
    key = client.get("/api/v1/ledger/key")
    assert (key.text, key.mimetype) == (KEY.vkey, "text/plain")
    assert key.text.startswith("tongban/ledger+")
