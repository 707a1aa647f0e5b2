"""Access tokens: who gets one, what it says, and what no verifier believes."""

from __future__ import annotations

import base64
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from chassis.auth import AUDIENCE
from chassis.errors import Refusal
from contracts.rights import scopes_of
from services.identity.domain.scopes import SCOPES
from services.identity.service import SERVICE
from tests.services.identity.conftest import PASSWORD, SECRET, Counter, everything
from tests.support import ISSUER, make_app, make_runtime

CITIZEN = set(SCOPES["person"].split())
DEPARTMENT = set(SCOPES["department"].split())
CREDENTIALS = {"client_id": "education-system", "client_secret": SECRET}


@pytest.fixture
def client_system(counter: Counter) -> Counter:
    counter.department()
    assert counter.register("clients", CREDENTIALS | {"department": "education"}).status_code == 201
    return counter


def test_a_person_acts_for_themselves(counter: Counter) -> None:
    person = counter.person()
    account = counter.account(kind="person", person_id=person)
    answer = counter.sign_in()
    assert answer.status_code == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 15 * 60
    caller = counter.verifier().principal(answer.json["access_token"])
    assert (caller.subject, caller.name, caller.kind, caller.party) == (account, "林晓芸", "person", person)
    assert caller.scopes == set(answer.json["scope"].split()) == CITIZEN | {"openid"}
    assert caller.department is None


def test_an_agent_acts_for_an_organisation(counter: Counter) -> None:
    agent, school = counter.person(), counter.organisation()
    counter.account(kind="person", person_id=agent, party_id=school)
    caller = counter.verifier().principal(counter.sign_in().json["access_token"])
    assert caller.party == school
    assert caller.subject not in {agent, school}


@pytest.mark.parametrize("kind", ["officer", "supervisor", "system_admin", "security_admin", "audit_admin"])
def test_staff_get_the_scopes_of_their_kind_and_no_other(counter: Counter, kind: str) -> None:
    counter.department()
    place = {"department": "education"} if kind == "officer" else {}
    counter.account(kind=kind, name="郑某", **place)
    caller = counter.verifier().principal(counter.sign_in().json["access_token"])
    assert (caller.kind, caller.name, caller.scopes) == (kind, "郑某", {"openid", *scopes_of(kind).split()})
    assert caller.department == place.get("department")


@pytest.mark.parametrize(("kind", "status"), [("security_admin", 201), ("system_admin", 403), ("audit_admin", 403)])
def test_of_the_three_administrators_the_security_administrator_gives_roles(
    counter: Counter, kind: str, status: int
) -> None:
    counter.account(kind=kind, name="吴管理")
    before = everything()
    caller = counter.verifier().principal(counter.sign_in().json["access_token"])
    headers = counter.tokens.headers(" ".join(caller.scopes), kind=kind, sub=caller.subject)
    account = {"username": "second", "password": PASSWORD, "kind": "supervisor", "name": "郑监督"}
    answer = counter.client.post("/api/v1/accounts", json=account, headers=headers | {"Idempotency-Key": "1"})
    assert answer.status_code == status
    assert (everything()["accounts"] == before["accounts"]) == (status == 403)


def test_an_access_token_opens_no_service(counter: Counter) -> None:
    counter.account(kind="security_admin", name="吴管理")
    before = everything()
    headers = {"Authorization": f"Bearer {counter.sign_in().json['access_token']}", "Idempotency-Key": "1"}
    account = {"username": "second", "password": PASSWORD, "kind": "supervisor", "name": "郑监督"}
    answer = counter.client.post("/api/v1/accounts", json=account, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")
    assert everything()["accounts"] == before["accounts"]


@pytest.mark.parametrize("how", ["form", "basic"])
def test_a_department_system_gets_an_hour(client_system: Counter, how: str) -> None:
    grant = {"grant_type": "client_credentials"}
    ways: dict[str, dict[str, Any]] = {
        "form": {"data": grant | CREDENTIALS},
        "basic": {"data": grant, "auth": (CREDENTIALS["client_id"], CREDENTIALS["client_secret"])},
    }
    answer = client_system.client.post("/oauth2/token", **ways[how])
    assert answer.status_code == 200
    assert answer.json["expires_in"] == 60 * 60
    caller = client_system.verifier().principal(answer.json["access_token"])
    assert (caller.subject, caller.kind, caller.department) == ("education-system", "department", "education")
    assert caller.scopes == DEPARTMENT


def test_the_answer_is_not_to_be_stored_and_the_keys_are(counter: Counter) -> None:
    counter.account()
    assert counter.sign_in().headers["Cache-Control"] == "no-store"
    assert "max-age" in counter.client.get("/api/v1/jwks").headers["Cache-Control"]


def test_the_published_key_is_the_public_half_only(counter: Counter) -> None:
    [key] = counter.client.get("/api/v1/jwks").json["keys"]
    assert key["crv"] == "P-256"
    assert "d" not in key


def test_a_restarted_process_signs_with_the_same_key_which_only_its_owner_may_read(counter: Counter) -> None:
    counter.account()
    token = counter.sign_in().json["access_token"]
    again = make_runtime(SERVICE, counter.folder, counter.tokens)
    counter.client = make_app(SERVICE, again).test_client()
    assert counter.verifier().principal(token).kind == "supervisor"
    for name in ("signing.pem", "data.key"):
        mode = (Path(counter.folder) / "identity" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def _segment(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _forged(token: str, how: str) -> str:
    header, payload, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(header + "=="))
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = ECKey.generate_key("P-256")
    if how == "alg none":
        return f"{_segment({'alg': 'none'})}.{payload}."
    if how == "other key under our kid":
        return jwt.encode({"alg": "ES256", "kid": said["kid"]}, claims, other)
    if how == "other key in the header":
        return jwt.encode({"alg": "ES256", "jwk": other.as_dict(private=False)}, claims, other)
    if how == "more scopes":
        return f"{header}.{_segment(claims | {'scope': 'identity:admin'})}.{signature}"
    return f"{header}.{payload}.{'A' * len(signature)}"


@pytest.mark.parametrize(
    "how", ["alg none", "other key under our kid", "other key in the header", "more scopes", "no signature"]
)
def test_a_forged_token_is_refused(counter: Counter, how: str) -> None:
    counter.account()
    verifier, token = counter.verifier(), counter.sign_in().json["access_token"]
    with pytest.raises(Refusal) as refused:
        verifier.principal(_forged(token, how))
    assert refused.value.code == "token_invalid"
    assert verifier.principal(token).kind == "supervisor"


def test_the_claims_are_the_contracted_ones(counter: Counter) -> None:
    counter.account(kind="person", person_id=counter.person())
    before = int(time.time())
    payload = counter.sign_in().json["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    of_the_sign_in = {"client_id", "sid", "grant", "amr", "acr"}
    assert set(claims) - of_the_sign_in == {
        "iss", "aud", "sub", "name", "kind", "scope", "party", "level", "iat", "exp", "jti",
    }  # fmt: skip
    assert of_the_sign_in <= set(claims)
    assert (claims["iss"], claims["aud"]) == (ISSUER, AUDIENCE)
    assert claims["iat"] >= before
    assert claims["exp"] - claims["iat"] == 15 * 60


@pytest.mark.parametrize(
    ("request_body", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password", "username": "parent", "password": PASSWORD}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", **CREDENTIALS, "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", **CREDENTIALS, "client_id": "health-system"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", **CREDENTIALS, "client_id": "\0"}, 401, "invalid_client"),
        ({"grant_type": "implicit", "audience": "ignored"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_request_for_a_token_that_is_none_is_refused(
    client_system: Counter, request_body: Any, status: int, error: str
) -> None:
    client_system.account()
    before = everything()
    answer = client_system.client.post("/oauth2/token", data=request_body)
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert everything() == before


def test_no_password_gets_a_token_anywhere_but_at_the_sign_in_page(counter: Counter) -> None:
    counter.account()
    before = everything()
    grant = {"grant_type": "password", "username": "parent", "password": PASSWORD}
    assert counter.client.post("/api/v1/tokens", json=grant).status_code in {404, 405}
    assert counter.client.post("/oauth2/token", data=grant | {"client_id": "tongban-program"}).status_code == 400
    assert everything() == before
