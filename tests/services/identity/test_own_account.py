"""An account's owner over HTTP: password, factors, sessions; and that nobody else gets near them."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from services.identity.adapters.passkey_ceremonies import Site
from services.identity.api.desk import DESK
from services.identity.domain.delay import FREE_FAILURES
from services.identity.domain.password_rules import PasswordRules
from services.identity.models import accounts, db, sessions
from tests.services.identity.authenticator import Authenticator
from tests.services.identity.conftest import PASSWORD, Counter, everything, hashes_computed

NEW = "Gr8!lake-Under7"
SITE = Site("tongban.example", "https://tongban.example")


class Owner:
    """The owner of an account, with a token of session s-1."""

    def __init__(self, counter: Counter, username: str = "parent", kind: str = "supervisor", **claims: Any) -> None:
        self.counter, self.username, self.kind = counter, username, kind
        self.account_id = counter.account(username)
        self.claims = {"sub": self.account_id, "kind": kind, "sid": "s-1"} | claims

    def ask(self, method: str, what: str, body: Any = None, *, key: str | None = None, **claims: Any) -> Any:
        headers = self.counter.tokens.headers("account:self", **(self.claims | claims))
        headers["Idempotency-Key"] = key or f"own-{next(self.counter.keys)}"
        return self.counter.client.open(f"/api/v1/account/{what}", method=method, json=body, headers=headers)

    def post(self, what: str, body: Any = None, **more: Any) -> Any:
        return self.ask("POST", what, {} if body is None else body, **more)

    def factors(self) -> Any:
        answer = self.ask("GET", "factors")
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.json

    def set_up_totp(self) -> pyotp.TOTP:
        made = self.ask("PUT", "totp", {"password": PASSWORD}).json
        totp = pyotp.TOTP(made["secret"])
        assert self.post("totp/confirmation", {"code": totp.now()}).status_code == 204
        return totp

    def set_up_passkey(self, name: str = "办公电脑") -> str:
        answer = self.post("passkeys/options", {"password": PASSWORD})
        credential = Authenticator(SITE.origin).create(answer.json["options"])
        made = self.post("passkeys", {"name": name, "credential": credential})
        assert made.status_code == 201, made.json
        return str(made.json["passkey_id"])

    def change_password(self, old: str = PASSWORD, new: str = NEW, **more: Any) -> Any:
        return self.post("password", {"old": old, "new": new}, **more)


def door(counter: Counter, **changed: Any) -> None:
    desk = counter.desk
    counter.runtime.parts[DESK] = replace(desk, door=replace(desk.door, **changed))


@pytest.fixture
def owner(counter: Counter) -> Owner:
    door(counter, site=SITE)
    return Owner(counter)


def unchanged(before: Any) -> bool:
    """But for attempts that were counted."""
    after = everything()
    for rows in (before, after):
        rows.pop("sign_in_failures", None)
    return bool(before == after)


def add_session(account_id: str, session_id: str, minutes: int = 0) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    row = {
        "session_id": session_id,
        "cookie_hash": session_id.rjust(64, "0"),
        "account_id": account_id,
        "client_id": None,
        "amr": ["pwd"],
        "auth_time": now,
        "last_seen": now,
        "address": "203.0.113.9",
        "agent": "Firefox",
        "ended_at": None,
    }
    with db.transaction() as tx:
        tx.execute(sa.insert(sessions).values(row))


def open_sessions(account_id: str) -> set[str]:
    query = sa.select(sessions.c.session_id).where(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None))
    with db.read() as connection:
        return set(connection.execute(query).scalars())


# 密码 the password


def test_a_changed_password_is_the_only_one_that_signs_in(owner: Owner, counter: Counter) -> None:
    assert owner.change_password().status_code == 204
    assert counter.sign_in(password=NEW).status_code == 200
    assert counter.sign_in().json["code"] == "invalid_grant"


def test_a_change_of_password_sent_twice_is_done_once(owner: Owner) -> None:
    assert owner.change_password(key="k").status_code == 204
    before = everything()
    assert owner.change_password(key="k").status_code == 204
    assert everything() == before
    assert owner.change_password(key="k", new=NEW + "!").json["code"] == "idempotency_key_reused"
    assert everything() == before


def test_without_the_old_password_nothing_changes_and_the_attempt_counts(owner: Owner, counter: Counter) -> None:
    before = everything()
    for _ in range(FREE_FAILURES + 1):
        answer = owner.change_password(old="wrong")
        assert (answer.status_code, answer.json["code"]) == (403, "password_wrong")
    delayed = owner.change_password()
    assert (delayed.status_code, delayed.json["code"]) == (429, "too_many_attempts")
    assert counter.sign_in().json["code"] == "too_many_attempts", "it is the same count"
    assert unchanged(before)


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        ("Sh0rt!", "too_short"),
        ("Parent-7-lakes", "contains_username"),
        ("Password2026!", "common"),
        (PASSWORD, "too_few_kinds"),
    ],
)
def test_a_password_that_does_not_keep_the_rules_is_refused(owner: Owner, new: str, problem: str) -> None:
    before = everything()
    answer = owner.change_password(new=new)
    assert (answer.status_code, answer.json["code"]) == (422, "password_unfit")
    assert problem in answer.json["problems"]
    assert new not in answer.text
    assert everything() == before


def test_none_of_the_last_passwords_can_be_chosen_again_and_older_ones_can(owner: Owner, counter: Counter) -> None:
    door(counter, passwords=PasswordRules(history=3))
    chosen = [f"{NEW}-{letter * 2}" for letter in "xyz"]
    old = PASSWORD
    for new in chosen:
        assert owner.change_password(old=old, new=new).status_code == 204
        old = new
    for again in chosen:
        assert owner.change_password(old=old, new=again).json["problems"] == ["used_before"]
    assert owner.change_password(old=old, new=NEW).status_code == 204
    assert owner.change_password(old=NEW, new=chosen[0]).status_code == 204, "two others came after it"
    assert len(everything()["past_passwords"]) == 2, "no more hashes are kept than are needed"


def test_a_change_of_password_ends_the_other_sessions(owner: Owner) -> None:
    for number, session_id in enumerate(("s-1", "s-2", "s-3")):
        add_session(owner.account_id, session_id, number)
    owner.change_password()
    assert open_sessions(owner.account_id) == {"s-1"}


@pytest.mark.parametrize("why", ["expired", "temporary"])
def test_a_password_that_must_be_changed_lets_its_owner_do_that_and_nothing_else(
    owner: Owner, counter: Counter, why: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=90)
    values = {"expired": {"password_set_at": long_ago}, "temporary": {"password_temporary": True}}[why]
    with db.transaction() as tx:
        tx.execute(sa.update(accounts).values(**values))
    assert counter.sign_in().json["scope"] == "openid account:self"
    state = owner.ask("GET", "password").json
    assert state["change_first"] is True
    assert state["rules"] == {"length": 12, "classes": 3, "days": 90, "history": 5}
    assert owner.change_password().status_code == 204
    assert "board:read" in counter.sign_in(password=NEW).json["scope"]
    assert owner.ask("GET", "password").json["change_first"] is False


def test_an_account_that_an_administrator_opens_has_a_password_for_once(counter: Counter) -> None:
    body = {"username": "fresh", "password": PASSWORD, "kind": "supervisor", "name": "郑监督"}
    assert counter.register("accounts", body).status_code == 201
    assert counter.sign_in("fresh").json["scope"] == "openid account:self"


# 第二因素 second factors


def test_an_app_is_set_up_by_its_first_code_and_then_needed(owner: Owner, counter: Counter) -> None:
    made = owner.ask("PUT", "totp", {"password": PASSWORD})
    assert made.headers["Cache-Control"] == "no-store"
    assert made.json["uri"].startswith("otpauth://totp/")
    assert f"secret={made.json['secret']}" in made.json["uri"]
    assert made.json["qr"].startswith("data:image/svg+xml")
    assert len(base64.b32decode(made.json["secret"])) == 20
    assert owner.factors()["totp_since"] is None
    assert counter.sign_in().status_code == 200, "not in force yet"
    code = pyotp.TOTP(made.json["secret"]).now()
    for _ in range(2):  # sent twice with one key it is one confirmation
        assert owner.post("totp/confirmation", {"code": code}, key="c").status_code == 204
    assert owner.factors()["totp_since"] is not None
    assert counter.sign_in().json["code"] == "second_factor_required"


def test_a_confirmation_without_a_beginning_is_refused(owner: Owner) -> None:
    before = everything()
    answer = owner.post("totp/confirmation", {"code": "123456"})
    assert (answer.status_code, answer.json["code"]) == (409, "totp_not_begun")
    assert everything() == before


LOCKS = (
    ("PUT", "totp"), ("POST", "totp/removal"), ("POST", "passkeys/options"), ("POST", "passkeys/{passkey}/removal"),
    ("PUT", "recovery-codes"),
)  # fmt: skip


def test_no_lock_is_changed_without_the_password(owner: Owner, counter: Counter) -> None:
    door(counter, delays=replace(counter.desk.door.delays, failures=len(LOCKS) + 1))
    owner.set_up_totp()
    passkey = owner.set_up_passkey()
    before = everything()
    for method, what in LOCKS:
        answer = owner.ask(method, what.format(passkey=passkey), {"password": PASSWORD + "x"})
        assert (answer.status_code, answer.json["code"]) == (403, "password_wrong"), what
        assert owner.ask(method, what.format(passkey=passkey), {}).status_code == 422, what
    assert unchanged(before)


def test_passkeys_are_named_renamed_listed_and_removed(owner: Owner) -> None:
    first, second = owner.set_up_passkey("办公电脑"), owner.set_up_passkey("手机")
    assert owner.ask("PUT", f"passkeys/{second}", {"name": "新手机"}).status_code == 204
    assert [one["name"] for one in owner.factors()["passkeys"]] == ["办公电脑", "新手机"]
    assert owner.post(f"passkeys/{first}/removal", {"password": PASSWORD}).status_code == 204
    assert [one["passkey_id"] for one in owner.factors()["passkeys"]] == [second]


def test_a_registration_sent_twice_is_one_passkey(owner: Owner) -> None:
    options = owner.post("passkeys/options", {"password": PASSWORD}).json["options"]
    body = {"name": "手机", "credential": Authenticator(SITE.origin).create(options)}
    answers = [owner.post("passkeys", body, key="p") for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(owner.factors()["passkeys"]) == 1


def test_a_challenge_of_one_session_is_no_use_in_another(owner: Owner) -> None:
    options = owner.post("passkeys/options", {"password": PASSWORD}).json["options"]
    body = {"name": "手机", "credential": Authenticator(SITE.origin).create(options)}
    answer = owner.post("passkeys", body, sid="s-2")
    assert (answer.status_code, answer.json["code"]) == (403, "passkey_invalid")
    assert owner.factors()["passkeys"] == []


def test_recovery_codes_need_another_factor_and_go_with_the_last(owner: Owner) -> None:
    refused = owner.ask("PUT", "recovery-codes", {"password": PASSWORD})
    assert (refused.status_code, refused.json["code"]) == (409, "factor_missing")
    owner.set_up_totp()
    made = owner.ask("PUT", "recovery-codes", {"password": PASSWORD})
    assert made.headers["Cache-Control"] == "no-store"
    assert len(made.json["codes"]) == owner.factors()["recovery_codes_left"] == 10
    passkey = owner.set_up_passkey()
    assert owner.post("totp/removal", {"password": PASSWORD}).status_code == 204
    assert owner.factors()["recovery_codes_left"] == 10
    assert owner.post(f"passkeys/{passkey}/removal", {"password": PASSWORD}).status_code == 204
    assert owner.factors()["recovery_codes_left"] == 0


def test_staff_that_must_have_a_second_factor_keep_the_last_one(owner: Owner, counter: Counter) -> None:
    door(counter, staff_second_factor="required")
    owner.set_up_totp()
    passkey = owner.set_up_passkey()
    assert owner.factors()["required"] is True
    assert owner.post("totp/removal", {"password": PASSWORD}).status_code == 204
    before = everything()
    answer = owner.post(f"passkeys/{passkey}/removal", {"password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (409, "factor_needed")
    assert everything() == before


def test_staff_without_a_second_factor_get_no_more_than_setting_one_up_for_the_password(
    owner: Owner, counter: Counter
) -> None:
    door(counter, staff_second_factor="required")
    assert counter.sign_in().json["scope"] == "openid account:self"
    assert counter.sign_in(password="wrong").json["code"] == "invalid_grant"


# 会话 sessions


def test_sessions_are_listed_with_the_current_one_marked_and_ended_one_by_one(owner: Owner) -> None:
    for number, session_id in enumerate(("s-1", "s-2", "s-3")):
        add_session(owner.account_id, session_id, number)
    listed = owner.ask("GET", "sessions").json["sessions"]
    assert [(one["session_id"], one["current"]) for one in listed] == [("s-3", False), ("s-2", False), ("s-1", True)]
    assert (listed[0]["address"], listed[0]["agent"]) == ("203.0.113.9", "Firefox")
    for _ in range(2):
        assert owner.post("sessions/s-2/end").status_code == 204
    assert open_sessions(owner.account_id) == {"s-1", "s-3"}
    assert owner.post("sessions/end-others").json == {"ended": 1}
    assert open_sessions(owner.account_id) == {"s-1"}


def test_nobody_ends_anothers_session_or_touches_anothers_passkey(owner: Owner, counter: Counter) -> None:
    other = Owner(counter, "second")
    add_session(owner.account_id, "s-9")
    passkey = owner.set_up_passkey()
    before = everything()
    assert other.post("sessions/s-9/end").json["code"] == "session_unknown"
    assert other.ask("PUT", f"passkeys/{passkey}", {"name": "x"}).json["code"] == "passkey_unknown"
    assert other.post(f"passkeys/{passkey}/removal", {"password": PASSWORD}).json["code"] == "passkey_unknown"
    assert other.post("sessions/end-others").json == {"ended": 0}
    assert other.ask("GET", "sessions").json == {"sessions": []}
    after = everything()
    for rows in (before, after):
        rows.pop("idempotency")
    assert after == before


ROUTES = (
    ("GET", "factors"), ("PUT", "totp"), ("POST", "totp/confirmation"), ("POST", "totp/removal"),
    ("POST", "passkeys/options"), ("POST", "passkeys"), ("PUT", "passkeys/x"), ("POST", "passkeys/x/removal"),
    ("PUT", "recovery-codes"), ("GET", "password"), ("POST", "password"), ("GET", "sessions"),
    ("POST", "sessions/x/end"), ("POST", "sessions/end-others"),
)  # fmt: skip
BODY = {"password": PASSWORD, "code": "123456", "name": "x", "credential": {}, "old": PASSWORD, "new": NEW}
FIELDS = {
    "totp": ("password",), "totp/confirmation": ("code",), "totp/removal": ("password",), "passkeys/options": ("password",),
    "passkeys": ("name", "credential"), "passkeys/x": ("name",), "passkeys/x/removal": ("password",),
    "recovery-codes": ("password",), "password": ("old", "new"),
}  # fmt: skip


def test_who_stands_in_for_somebody_does_not_touch_his_account(owner: Owner) -> None:
    before, computed = everything(), hashes_computed()
    for method, what in ROUTES:
        body = {name: BODY[name] for name in FIELDS.get(what, ())} if method != "GET" else None
        answer = owner.ask(method, what, body, act={"sub": "a-2", "name": "代理人"})
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), what
    assert everything() == before
    assert hashes_computed() == computed


# 延时 delays by address


def test_an_address_that_guesses_at_many_names_has_to_wait_and_others_have_not(counter: Counter) -> None:
    counter.account()

    def attempt(username: str, address: str) -> str:
        return str(counter.sign_in(username, "wrong", **{"X-Forwarded-For": address}).json["code"])

    door(counter, delays=replace(counter.desk.door.delays, address_failures=3))
    told = [attempt(f"name-{number}", f"2001:db8::{number:x}") for number in range(6)]
    assert told[:4] == ["invalid_grant"] * 4
    assert "too_many_attempts" in told[4:], "one network, whichever of its addresses"
    assert attempt("parent", "2001:db8::99") == "too_many_attempts"
    assert attempt("parent", "2001:db8:0:1::1") == "invalid_grant"
    assert attempt("nobody", "203.0.113.7") == "invalid_grant"
    kept = str(everything()["address_failures"])
    assert "2001" not in kept
    assert "203.0.113" not in kept


# 重置 what the security administrator does


def reset(counter: Counter, account_id: str, *, by: str = "a-0", password: str = "given-by-administrator") -> Any:
    headers = counter.tokens.headers("security:admin", kind="security_admin", sub=by)
    headers["Idempotency-Key"] = f"reset-{next(counter.keys)}"
    return counter.client.post(f"/api/v1/accounts/{account_id}/reset", json={"password": password}, headers=headers)


def test_a_reset_account_begins_anew_without_factors_and_with_a_password_for_once(
    owner: Owner, counter: Counter
) -> None:
    owner.set_up_totp()
    owner.set_up_passkey()
    owner.ask("PUT", "recovery-codes", {"password": PASSWORD})
    add_session(owner.account_id, "s-1")
    assert reset(counter, owner.account_id).status_code == 204
    assert open_sessions(owner.account_id) == set()
    factors = owner.factors()
    assert (factors["totp_since"], factors["passkeys"], factors["recovery_codes_left"]) == (None, [], 0)
    assert counter.sign_in().json["code"] == "invalid_grant"
    assert counter.sign_in(password="given-by-administrator").json["scope"] == "openid account:self"
    assert owner.change_password(old="given-by-administrator").status_code == 204
    assert "board:read" in counter.sign_in(password=NEW).json["scope"]


def test_nobody_resets_the_own_account_or_one_that_is_not_there(owner: Owner, counter: Counter) -> None:
    before = everything()
    own = reset(counter, owner.account_id, by=owner.account_id)
    assert (own.status_code, own.json["code"]) == (403, "forbidden")
    assert reset(counter, "nobody").json["code"] == "account_unknown"
    assert reset(counter, owner.account_id, password="short").status_code == 422
    assert everything() == before
