"""Accounts after they were opened: another role, suspended, resumed, closed; by whom, and what ends with it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command

from chassis.migrate import config_for, upgrade
from contracts.administration import AdministrationActed
from contracts.rights import ADMINISTRATORS
from services.identity import queries
from services.identity.domain.directory import Account
from services.identity.domain.personal_data import FORGOTTEN
from services.identity.domain.staffing import NEXT, STATES, may_move, role_problem
from services.identity.models import accounts, db, posts
from services.identity.service import MIGRATIONS
from services.identity.use_cases.assign_post import assign_post
from tests.services.identity.conftest import EDUCATION, Counter, everything
from tests.services.identity.oidc import Flow, answer_of, start_provider
from tests.services.identity.people import somebody
from tests.support import told

ADMIN = {"kind": "security_admin", "sub": "admin-1"}
POLICE = EDUCATION | {"code": "police", "uscc": "11339999YX0000032H"}


def change(counter: Counter, account_id: str, what: str, body: Any = None, **claims: Any) -> Any:
    headers = counter.tokens.headers("accounts:change", **(ADMIN | claims))
    headers |= {"Idempotency-Key": f"k-{next(counter.keys)}"}
    return counter.client.post(f"/api/v1/accounts/{account_id}/{what}", json=body, headers=headers)


def read(counter: Counter, query: str = "", **claims: Any) -> Any:
    headers = counter.tokens.headers("accounts:read", **(ADMIN | claims))
    return counter.client.get(f"/api/v1/accounts{query}", headers=headers)


def row_of(account_id: str) -> Any:
    with db.read() as connection:
        return connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one()


def acts() -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(event) for event in told(db, AdministrationActed)]


def officer(counter: Counter) -> str:
    counter.department()
    counter.register("departments", POLICE)
    return counter.account("officer", kind="officer", name="王经办", department="education")


def test_an_officer_changes_department_and_posts_of_the_old_one_end(counter: Counter) -> None:
    account_id = officer(counter)

    ended = date(2024, 12, 31)
    with db.transaction() as tx:
        for code, from_on, until_on in (
            ("window", date(2025, 1, 1), None),
            ("past", date(2024, 1, 1), ended),
            ("later", date(2999, 1, 1), None),
        ):
            place = {"name": "岗", "department": "education"}
            assign_post(tx, account_id, by="a-1", code=code, from_on=from_on, until_on=until_on, **place)
    body = {"kind": "officer", "department": "police", "reason": "transferred"}
    assert change(counter, account_id, "role", body).status_code == 200
    assert (row_of(account_id).kind, row_of(account_id).department) == ("officer", "police")
    with db.read() as connection:
        left = dict(connection.execute(sa.select(posts.c.code, posts.c.until_on)).all())
    assert set(left) == {"window", "past"}
    assert left["past"] == ended
    assert left["window"] is not None
    [*_, last] = acts()
    assert last == {
        "act": "account.department_changed",
        "by": "admin-1",
        "on": account_id,
        "before": "education",
        "after": "police",
        "reason": "transferred",
    }
    before = everything()["accounts"]
    assert change(counter, account_id, "role", body).status_code == 200
    assert (everything()["accounts"], acts()[-1]) == (before, last)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "officer", "reason": "transferred"}, "account_invalid"),
        ({"kind": "supervisor", "department": "police", "reason": "transferred"}, "account_invalid"),
        ({"kind": "officer", "department": "nowhere", "reason": "transferred"}, "department_unknown"),
    ],
)
def test_a_role_that_does_not_fit_is_refused_and_changes_nothing(counter: Counter, body: Any, code: str) -> None:
    account_id = officer(counter)
    before, told_before = everything()["accounts"], acts()
    answer = change(counter, account_id, "role", body)
    assert (answer.status_code, answer.json["code"]) == (404 if code.endswith("unknown") else 422, code)
    assert (everything()["accounts"], acts()) == (before, told_before)


def test_who_was_one_administrator_never_becomes_another_not_even_by_a_detour(counter: Counter) -> None:
    account_id = counter.account("sys", kind="system_admin", name="吴管理")
    assert change(counter, account_id, "role", {"kind": "audit_admin", "reason": "transferred"}).status_code == 422
    assert change(counter, account_id, "role", {"kind": "supervisor", "reason": "transferred"}).status_code == 200
    refused = change(counter, account_id, "role", {"kind": "audit_admin", "reason": "transferred"})
    assert (refused.status_code, row_of(account_id).kind) == (422, "supervisor")
    assert change(counter, account_id, "role", {"kind": "system_admin", "reason": "error"}).status_code == 200


@pytest.mark.parametrize("was", sorted(ADMINISTRATORS))
@pytest.mark.parametrize("to", sorted(ADMINISTRATORS))
def test_the_three_exclude_each_other(was: Any, to: Any) -> None:
    account = Account(username="u-1", kind=to, name="某")
    assert (role_problem(account, administered_as=was) is None) == (was == to)
    assert role_problem(account, administered_as=None) is None


def test_a_closed_account_stays_closed() -> None:
    assert {(a, b) for a in STATES for b in STATES if may_move(a, b)} == {(a, b) for a in NEXT for b in NEXT[a]}
    assert not any(may_move("closed", to) for to in STATES)


@pytest.mark.parametrize(("what", "state"), [("suspension", "suspended"), ("closure", "closed")])
def test_a_suspended_account_is_signed_out_at_once_and_signs_in_no_more(tmp_path: Path, what: str, state: str) -> None:
    provider = start_provider(tmp_path)
    counter, flow, browser = provider.counter, Flow(), provider.browser()
    tokens = browser.tokens(flow)
    account = queries.find_account("parent")
    assert account is not None
    by = {"kind": "system_admin"}
    assert change(counter, account.account_id, what, {"reason": "compromised"}, **by).status_code == 200
    assert queries.open_sessions(account.account_id) == []
    again = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")  # type: ignore[index]
    page = browser.sign_in(browser.authorize(flow))
    assert page.status_code == 400
    assert "账号已停用" in page.text
    assert queries.open_sessions(account.account_id) == []
    resumed = change(counter, account.account_id, "resumption", None, **by)
    if state == "closed":
        assert (resumed.status_code, row_of(account.account_id).state) == (409, "closed")
        return
    assert resumed.status_code == 200
    assert "code" in answer_of(browser.sign_in(browser.authorize(flow)))
    assert [act["act"] for act in acts()][-2:] == ["account.suspended", "account.resumed"]


def test_nobody_changes_himself_and_a_suspended_administrator_changes_nobody(counter: Counter) -> None:
    one = counter.account("sec-1", kind="security_admin", name="甲")
    two = counter.account("sec-2", kind="security_admin", name="乙")
    own = change(counter, one, "suspension", {"reason": "left"}, sub=one)
    assert (own.status_code, row_of(one).state) == (403, "active")
    assert change(counter, one, "suspension", {"reason": "left"}, sub=two).status_code == 200
    late = change(counter, two, "suspension", {"reason": "left"}, sub=one)
    assert (late.status_code, late.json["code"], row_of(two).state) == (403, "forbidden", "active")


def test_each_administrator_sees_and_changes_the_accounts_that_are_his(counter: Counter) -> None:
    person = somebody(counter)
    staff = counter.account("boss", kind="supervisor", name="郑监督")
    mine = read(counter).json["accounts"]
    assert [(one["username"], one["name"], one["state"]) for one in mine] == [("boss", "郑监督", "active")]
    theirs = read(counter, kind="system_admin").json["accounts"]
    assert [one["name"] for one in theirs] == ["林*"]
    for account_id, kind in ((person.account_id, "security_admin"), (staff, "system_admin")):
        assert read(counter, f"/{account_id}", kind=kind).status_code == 404
        answer = change(counter, account_id, "suspension", {"reason": "error"}, kind=kind)
        assert (answer.status_code, row_of(account_id).state) == (404, "active")
    shown = read(counter, f"/{staff}").json
    assert (shown["posts"], shown["factors"], shown["last_seen_at"]) == ([], [], None)


def test_the_list_is_searched_and_paged(counter: Counter) -> None:
    for name in ("a-1", "a-2", "b_1"):
        counter.account(f"user-{name}", kind="hotline", name="热线")
    first = read(counter, "?limit=2").json
    assert [one["username"] for one in first["accounts"]] == ["user-a-1", "user-a-2"]
    rest = read(counter, f"?limit=2&after={first['next']}").json
    assert ([one["username"] for one in rest["accounts"]], rest["next"]) == (["user-b_1"], None)
    assert [one["username"] for one in read(counter, "?username=user-b_").json["accounts"]] == ["user-b_1"]
    assert read(counter, "?state=closed").json["accounts"] == []


def test_accounts_of_an_older_release_are_active_and_administrators_are_known_as_such(tmp_path: Path) -> None:
    db.bind(f"sqlite:///{tmp_path}/identity.sqlite")
    config = config_for(MIGRATIONS)
    config.attributes["database"] = db
    command.upgrade(config, "0009")
    old = sa.Table("accounts", sa.MetaData(), autoload_with=db.engine)
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    kept = {"password_hash": "x", "opened_at": now, "password_set_at": now, "password_temporary": False, "level": 2}
    with db.writing() as connection:
        for account_id, name, kind in (("a-1", "吴管理", "audit_admin"), ("a-2", FORGOTTEN, "person")):
            username = f"closed-{account_id}" if name == FORGOTTEN else account_id
            row = {"account_id": account_id, "username": username, "kind": kind, "name": name}
            connection.execute(sa.insert(old), [row | kept])
    upgrade(db, MIGRATIONS)
    shown = {
        account_id: (row_of(account_id).state, row_of(account_id).administered_as) for account_id in ("a-1", "a-2")
    }
    assert shown == {"a-1": ("active", "audit_admin"), "a-2": ("closed", None)}
