"""开放资源: apps, keys that are shown once, approval, quota, suspension, and what the gateway is told and tells."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stdnum.cn import ric

from chassis.errors import Refusal
from contracts.administration import AdministrationActed
from contracts.open_api import DATASETS, SANDBOX_QUOTA, fingerprint
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.domain.developer_apps import (
    MOST_KEYS,
    NEXT,
    Grant,
    key_works,
    may_sign_in,
    require_addresses,
    require_grant,
    require_move,
    sandbox_client,
)
from services.identity.models import db, developer_apps, developer_keys, messages
from services.identity.service import SERVICE
from services.identity.use_cases.change_party import erase_party
from services.identity.use_cases.developer_keys import Used, count_usage, forget_usage
from tests.services.identity.conftest import Counter, everything
from tests.services.identity.oidc import Flow, answer_of, start_provider
from tests.support import Tokens, bind, make_app, make_runtime, told

APP = {
    "name": "校车查询",
    "name_en": "School bus finder",
    "purpose": "查询校车使用许可的办理指南",
    "contact": "dev@example.org",
    "redirect_uris": ["http://127.0.0.1:9000/back", "https://bus.example/back"],
}
ASKED = {"datasets": ["items", "figures"], "scope": ["cases:read"], "per_minute": 600, "per_day": 50_000}


KEYS = itertools.count()


class Developer:
    """Asks as the owner of apps, as an administrator, and as the gateway."""

    def __init__(self, counter: Counter, party: str) -> None:
        self.counter, self.party = counter, party

    def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **who: Any) -> Any:
        claims = {
            "kind": "person",
            "sub": f"account-of-{self.party}",
            "party": self.party,
            "scope": "developers:self",
        } | who
        headers = self.counter.tokens.headers(claims.pop("scope"), **claims)
        headers["Idempotency-Key"] = key or f"d-{next(KEYS)}"
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.counter.client.open(f"/api/v1{path}", method=method, headers=headers, **content)

    def decide(self, app_id: str, what: str, body: Any = None) -> Any:
        who = {"kind": "system_admin", "scope": "developers:approve", "sub": "admin-1"}
        return self.ask("POST", f"/developer-reviews/{app_id}/{what}", body or {}, **who)

    def register(self, **changed: Any) -> Any:
        answer = self.ask("POST", "/developer-apps", APP | changed)
        assert answer.status_code == 201, answer.json
        return answer.json

    def approved(self) -> str:
        app_id = self.register()["app_id"]
        assert self.ask("POST", f"/developer-apps/{app_id}/application", ASKED).status_code == 200
        assert self.decide(app_id, "approval", ASKED).status_code == 200
        return str(app_id)

    def new_key(self, app_id: str, environment: str = "production") -> Any:
        return self.ask("POST", f"/developer-apps/{app_id}/keys", {"environment": environment, "label": "服务器"})

    def app(self, app_id: str) -> Any:
        return self.ask("GET", f"/developer-apps/{app_id}").json

    def served(self, known: str = "") -> Any:
        """Keys of this developer's apps; None for those that the gateway knows already."""
        answer = self.ask("GET", f"/developer-keys?known={known}", kind="gateway", scope="developer_keys:serve")
        assert answer.status_code == 200
        mine = {app["app_id"] for app in self.ask("GET", "/developer-apps").json["apps"]}
        keys = answer.json["keys"]
        return answer.json | {"keys": keys and {d: key for d, key in keys.items() if key["app_id"] in mine}}


@pytest.fixture(scope="module")
def numbers() -> Iterator[str]:
    """Numbers of persons, each once."""
    return iter(
        f"{n}{ric.calc_check_digit(n + '0')}" for n in (f"33000019850316{serial:03d}" for serial in range(1, 99))
    )


@pytest.fixture(scope="module")
def shared_counter(tmp_path_factory: pytest.TempPathFactory) -> Counter:
    folder, tokens = tmp_path_factory.mktemp("developers"), Tokens("identity")
    bind(SERVICE, folder)
    runtime = make_runtime(SERVICE, folder, tokens, staff_second_factor="offered")
    return Counter(make_app(SERVICE, runtime).test_client(), tokens, runtime, folder)


@pytest.fixture
def developer(shared_counter: Counter, numbers: Iterator[str]) -> Developer:
    """Somebody new. Other tests bind the service elsewhere."""
    db.bind(f"sqlite:///{shared_counter.folder}/identity.sqlite")
    return Developer(shared_counter, shared_counter.person(next(numbers)))


def refused(answer: Any, status: int, code: str) -> bool:
    return (answer.status_code, answer.json["code"]) == (status, code)


def test_a_sandbox_key_is_given_at_once_and_kept_as_a_fingerprint(developer: Developer) -> None:
    made = developer.register()
    assert made["environment"] == "sandbox"
    assert made["key"].startswith(f"tbs_{made['key_id']}_")
    secret = made["key"].rpartition("_")[2]
    assert secret not in json.dumps(everything(), default=str), "neither the key's row nor the stored answer holds it"
    [shown] = developer.app(made["app_id"])["keys"]
    assert (shown["prefix"], shown["state"], shown["last_used_on"]) == (f"tbs_{made['key_id']}", "active", None)
    served = developer.served()["keys"][fingerprint(made["key"])]
    assert (served["environment"], served["per_minute"]) == ("sandbox", SANDBOX_QUOTA.per_minute)
    assert set(served["datasets"]) == set(DATASETS)


def test_a_registration_that_is_repeated_gives_the_same_key(developer: Developer) -> None:
    first = developer.ask("POST", "/developer-apps", APP, key="once").json
    assert developer.ask("POST", "/developer-apps", APP, key="once").json == first
    assert len(developer.ask("GET", "/developer-apps").json["apps"]) == 1


def test_the_contact_is_sealed_under_its_owners_key_and_shown_to_the_owner(developer: Developer) -> None:
    app_id = developer.register()["app_id"]
    assert developer.app(app_id)["contact"] == APP["contact"]
    assert APP["contact"] not in str(everything())


def test_production_needs_an_approval_that_says_which_data_and_how_much(developer: Developer) -> None:
    app_id = developer.register()["app_id"]
    before = everything()["developer_keys"]
    assert refused(developer.new_key(app_id), 409, "app_state")
    assert everything()["developer_keys"] == before
    developer.ask("POST", f"/developer-apps/{app_id}/application", ASKED)
    assert developer.app(app_id)["asked"] == ASKED
    granted = ASKED | {"per_minute": 100, "scope": []}
    assert developer.decide(app_id, "approval", granted).status_code == 200
    key = developer.new_key(app_id).json
    assert key["key"].startswith("tbp_")
    served = developer.served()["keys"][fingerprint(key["key"])]
    assert (served["datasets"], served["per_minute"], served["per_day"]) == (granted["datasets"], 100, 50_000)
    assert [move["after"] for move in developer.app(app_id)["history"]] == ["applied", "approved"]
    acts = [act for act in told(db, AdministrationActed) if (act.act, act.on) == ("developer_app.approved", app_id)]
    assert [act.by for act in acts] == ["admin-1"]


def test_another_quota_holds_for_the_keys_that_there_are(developer: Developer) -> None:
    app_id = developer.approved()
    key = developer.new_key(app_id).json["key"]
    first = developer.served()
    assert developer.served(first["version"])["keys"] is None
    assert developer.decide(app_id, "approval", ASKED | {"per_minute": 7}).status_code == 200
    now = developer.served(first["version"])
    assert now["keys"][fingerprint(key)]["per_minute"] == 7


def test_a_refusal_says_why_and_the_developer_may_ask_again(developer: Developer) -> None:
    app_id = developer.register()["app_id"]
    developer.ask("POST", f"/developer-apps/{app_id}/application", ASKED)
    assert developer.decide(app_id, "refusal", {"reason": "用途说明不清"}).status_code == 200
    shown = developer.app(app_id)
    assert (shown["state"], shown["history"][-1]["reason"]) == ("refused", "用途说明不清")
    assert refused(developer.decide(app_id, "approval", ASKED), 409, "app_state")
    assert developer.ask("POST", f"/developer-apps/{app_id}/application", ASKED).status_code == 200


def test_a_suspended_app_has_no_key_that_works_until_it_is_resumed(developer: Developer) -> None:
    app_id = developer.approved()
    developer.new_key(app_id)
    assert len(developer.served()["keys"]) == 2
    assert developer.decide(app_id, "suspension", {"reason": "超范围使用"}).status_code == 200
    assert developer.served()["keys"] == {}
    assert refused(developer.new_key(app_id, "sandbox"), 409, "app_state")
    assert refused(developer.decide(app_id, "approval", ASKED), 409, "app_state")
    assert developer.decide(app_id, "resumption").status_code == 200
    assert len(developer.served()["keys"]) == 2
    assert developer.app(app_id)["state"] == "approved"


def test_a_key_is_rotated_with_an_overlap(developer: Developer) -> None:
    made = developer.register()
    path = f"/developer-apps/{made['app_id']}/keys/{made['key_id']}/rotation"
    new = developer.ask("POST", path, {"overlap_hours": 2}).json
    keys = {key["key_id"]: key for key in developer.app(made["app_id"])["keys"]}
    assert (keys[made["key_id"]]["state"], keys[made["key_id"]]["replaced_by"]) == ("ending", new["key_id"])
    assert {fingerprint(new["key"]), fingerprint(made["key"])} == developer.served()["keys"].keys()
    assert refused(developer.ask("POST", path, {"overlap_hours": 2}), 409, "key_ended")
    with db.transaction() as tx:  # two hours later
        mine = developer_keys.c.key_id == made["key_id"]
        tx.execute(sa.update(developer_keys).where(mine).values(expires_at=machine_now() - timedelta(seconds=1)))
    assert [*developer.served()["keys"]] == [fingerprint(new["key"])]


def test_a_revoked_key_is_served_no_more(developer: Developer) -> None:
    made = developer.register()
    path = f"/developer-apps/{made['app_id']}/keys/{made['key_id']}/revocation"
    for _ in range(2):
        assert developer.ask("POST", path).status_code == 200
    assert developer.served()["keys"] == {}
    assert developer.app(made["app_id"])["keys"][0]["state"] == "revoked"


def test_the_owner_hears_of_every_new_key_of_production(developer: Developer) -> None:
    account_id = developer.counter.account("developer", kind="person", person_id=developer.party)
    key = developer.new_key(developer.approved()).json
    with db.read() as connection:
        mine = sa.select(messages).where(messages.c.account_id == account_id)
        [message] = connection.execute(mine).all()
    assert f"tbp_{key['key_id']}" in message.facts["what"]
    assert key["key"].rpartition("_")[2] not in message.facts["what"]


def test_there_are_at_most_so_many_keys_that_work(developer: Developer) -> None:
    made = developer.register()
    for _ in range(MOST_KEYS - 1):
        assert developer.new_key(made["app_id"], "sandbox").status_code == 201
    assert refused(developer.new_key(made["app_id"], "sandbox"), 409, "too_many_keys")
    developer.ask("POST", f"/developer-apps/{made['app_id']}/keys/{made['key_id']}/revocation")
    assert developer.new_key(made["app_id"], "sandbox").status_code == 201


def test_nobody_reaches_the_app_of_another(developer: Developer) -> None:
    made, before = developer.register(), everything()
    path = f"/developer-apps/{made['app_id']}"
    for method, rest, body in (
        ("GET", "", None),
        ("POST", "/application", ASKED),
        ("POST", "/keys", {"environment": "sandbox"}),
        ("POST", f"/keys/{made['key_id']}/rotation", {}),
        ("POST", f"/keys/{made['key_id']}/revocation", None),
        ("POST", "/test-accounts", None),
    ):
        assert refused(developer.ask(method, path + rest, body, party="another"), 404, "app_unknown"), rest
    assert developer.ask("GET", "/developer-apps", party="another").json == {"apps": []}
    assert everything() == before


def test_use_is_added_up_once_per_report_and_shown_by_day(developer: Developer) -> None:
    made = developer.register()
    today = machine_now().date().isoformat()
    report = {"used": [{"key_id": made["key_id"], "day": today, "answered": 5, "refused": 1}]}
    unknown = {"used": [{"key_id": "nobody", "day": today, "answered": 5, "refused": 0}]}
    gateway = {"kind": "gateway", "scope": "developer_keys:serve", "sub": "gateway"}
    for key, body in (("one", report), ("one", report), ("two", report), ("three", unknown)):
        assert developer.ask("POST", "/developer-keys/usage", body, key=key, **gateway).status_code == 200
    shown = developer.app(made["app_id"])
    assert shown["usage"] == [{"day": today, "environment": "sandbox", "answered": 10, "refused": 2}]
    assert shown["keys"][0]["last_used_on"] == today


@pytest.mark.servers
def test_keys_and_use_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    tokens = Tokens("identity")
    bind(SERVICE, tmp_path, postgresql_url)
    runtime = make_runtime(SERVICE, tmp_path, tokens, staff_second_factor="offered")
    counter = Counter(make_app(SERVICE, runtime).test_client(), tokens, runtime, tmp_path)
    developer = Developer(counter, counter.person())
    app_id = developer.approved()
    key = developer.new_key(app_id).json
    used = [Used(key["key_id"], machine_now().date(), 3, 1)]
    for _ in range(2):
        with db.transaction() as tx:
            count_usage(tx, used)
            forget_usage(tx, machine_now().date())
    assert developer.app(app_id)["usage"][0]["answered"] == 6
    assert fingerprint(key["key"]) in developer.served()["keys"]


def test_an_erased_owners_apps_end(developer: Developer) -> None:
    made = developer.register()
    with db.transaction() as tx:
        erase_party(tx, developer.party, closed_hash="x", by="admin-1")
    assert developer.served()["keys"] == {}
    with db.read() as connection:
        mine = developer_apps.c.party_id == developer.party
        row = connection.execute(sa.select(developer_apps).where(mine)).one()
    assert (row.app_id, row.state, row.contact_sealed) == (made["app_id"], "suspended", b"")


def test_scopes_that_do_not_exist_are_refused(developer: Developer) -> None:
    app_id = developer.register()["app_id"]
    path = f"/developer-apps/{app_id}/application"
    for scope in ("everything", "\ud800"):
        assert refused(developer.ask("POST", path, ASKED | {"scope": [scope]}), 422, "app_invalid")
    assert developer.app(app_id)["state"] == "sandbox"


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uris": ["http://bus.example/back"]},
        {"redirect_uris": ["https://bus.example/back#x"]},
        {"name": ""},
        {"purpose": "x"},
        {"contact": ""},
        {"contact": "a\ud800b"},
        {"redirect_uris": ["https://bus.example/\ud800"]},
    ],
)
def test_an_app_that_is_not_in_order_is_not_registered(developer: Developer, changed: dict[str, Any]) -> None:
    before = everything()
    assert developer.ask("POST", "/developer-apps", APP | changed).status_code == 422
    assert everything() == before


def test_states_follow_the_table() -> None:
    for before, allowed in NEXT.items():
        for after in NEXT:
            if after in allowed:
                require_move(before, after)
            else:
                with pytest.raises(Refusal, match="app"):
                    require_move(before, after)
    assert [state for state in NEXT if key_works("production", state)] == ["approved"]
    assert [state for state in NEXT if not key_works("sandbox", state)] == ["suspended"]


@pytest.mark.parametrize(
    "grant",
    [
        Grant((), (), 1, 1),
        Grant(("nothing",), (), 1, 1),
        Grant(("items",), ("everything",), 1, 1),
        Grant(("items",), (), 0, 1),
        Grant(("items",), (), 1, 10**12),
    ],
)
def test_a_grant_of_what_does_not_exist_is_refused(grant: Grant) -> None:
    with pytest.raises(Refusal):
        require_grant(grant)


def test_addresses_are_those_that_openid_allows() -> None:
    require_addresses(["https://a.example/x", "http://[::1]:8000/x", "com.example.app:/back"])
    with pytest.raises(Refusal):
        require_addresses(["https://a.example/*"])


def test_test_accounts_and_sandboxes_keep_to_each_other() -> None:
    sandbox = sandbox_client("a1")
    assert may_sign_in(sandbox, "a1")
    assert not may_sign_in(sandbox, "a2")
    assert not may_sign_in(sandbox, None)
    assert not may_sign_in("portal", "a1")
    assert may_sign_in("portal", None)


def test_a_test_account_signs_in_to_its_sandbox_and_may_do_nothing(tmp_path: Path) -> None:
    provider = start_provider(tmp_path)
    developer = Developer(provider.counter, queries.account_of(provider.account_id).party_id)  # type: ignore[union-attr]
    app_id = developer.register()["app_id"]
    account = developer.ask("POST", f"/developer-apps/{app_id}/test-accounts", key="t").json
    assert developer.ask("POST", f"/developer-apps/{app_id}/test-accounts", key="t").json == account
    assert account["password"] not in json.dumps(everything(), default=str)
    sandbox = Flow(
        client=sandbox_client(app_id), redirect_uri=APP["redirect_uris"][0], scope="openid profile cases:read"
    )
    browser = provider.browser()

    own = browser.sign_in(browser.authorize(Flow()), account["username"], account["password"])
    assert answer_of(own)["error"] == "access_denied", "other clients do not take it"
    elsewhere = provider.browser()
    people = elsewhere.sign_in(elsewhere.authorize(sandbox))
    assert answer_of(people)["error"] == "access_denied", "the sandbox does not take people"

    page = browser.authorize(sandbox)
    code = answer_of(browser.submit(page, decision="allow"))["code"]
    redeem = {"grant_type": "authorization_code", "code": code, "redirect_uri": sandbox.redirect_uri}
    answer = provider.app.test_client().post(
        "/oauth2/token", data=redeem | {"client_id": sandbox.client, "code_verifier": sandbox.verifier}
    )
    assert answer.status_code == 200, answer.text
    assert set(answer.json["scope"].split()) == {"openid", "profile"}, "no right of the API, whatever was asked for"
    assert provider.userinfo(answer.json["access_token"]).json["name"] == account["name"]


def test_the_production_client_comes_with_the_approval_and_goes_with_a_suspension(developer: Developer) -> None:
    app_id = developer.approved()
    client = queries.find_relying_party(f"app-{app_id}")
    assert client is not None
    assert (client.redirect_uris, client.scope) == ([APP["redirect_uris"][1]], "cases:read")
    assert developer.app(app_id)["production_client"] == f"app-{app_id}"
    developer.decide(app_id, "approval", ASKED | {"scope": []})
    assert queries.find_relying_party(f"app-{app_id}").scope == ""  # type: ignore[union-attr]
    developer.decide(app_id, "suspension", {"reason": "超范围使用"})
    assert queries.find_relying_party(f"app-{app_id}") is None
    assert queries.find_relying_party(sandbox_client(app_id)) is None
    developer.decide(app_id, "resumption")
    assert queries.find_relying_party(f"app-{app_id}") is not None
    assert queries.find_relying_party(sandbox_client(app_id)) is not None
