"""People come in from an outside provider: who they are here is proven, never guessed; and no better than it vouches for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from contracts.person import PartyRegistered
from services.identity.adapters.outside_file import OutsideFileInvalid, read_outside_providers
from services.identity.models import accounts, db, outside_flows, outside_identities
from services.identity.service import SERVICE
from tests.services.identity.conftest import ADULT, PASSWORD, everything
from tests.services.identity.oidc import Browser, answer_of, fresh_provider, payload, session_rows, set_account
from tests.services.identity.outside import NATIONAL, SECRET, Elsewhere, Pretender, World, visitor
from tests.services.identity.people import OTHER
from tests.support import told


@pytest.fixture
def world(tmp_path: Path) -> World:
    ours = fresh_provider(tmp_path)
    pretender = Pretender()
    made = World(ours, {"pretender.example": pretender, "other.example": Pretender("https://other.example")})
    made.configure(tmp_path)
    return made


def links() -> list[tuple[str, str, str, str]]:
    table = outside_identities.c
    with db.read() as connection:
        rows = connection.execute(sa.select(table.provider, table.subject, table.account_id, table.proven_by))
        return [tuple(row) for row in rows]


def verified(world: World, **says: Any) -> None:
    """The pretender says who it is."""
    world.pretender.says = {"name": "林晓芸", "id_number": ADULT, "level": "L3"} | says


def test_from_the_sign_in_page_through_another_instance_and_back(world: World, tmp_path: Path) -> None:
    elsewhere = Elsewhere(tmp_path / "elsewhere")
    world.outside["national.example"] = elsewhere
    guest = visitor(world)
    page = guest.browser.authorize(guest.flow)
    assert "国家平台" in page.text
    assert "National" in page.text

    def through() -> Any:
        address = guest.leave("national")
        assert address.startswith(f"{NATIONAL}/oauth2/authorize?")
        with elsewhere.entered() as there:
            browser = Browser(there.app.test_client(), there)
            back = browser.finish(browser.client.get(address.removeprefix(NATIONAL)))
        return guest.come_back(address, "national", **answer_of(back))

    unknown = through()
    assert "请用本平台账号登录一次" in unknown.text
    assert "国家平台" in unknown.text
    first = guest.tokens(guest.browser.sign_in(unknown))
    assert payload(first["access_token"])["sub"] == world.ours.account_id
    [(provider, subject, account, proven_by)] = links()
    assert (provider, account, proven_by) == ("national", world.ours.account_id, "sign_in")
    assert subject != world.ours.account_id, "the other instance's pairwise name"

    guest = visitor(world)
    tokens = guest.tokens(through())
    claims = payload(tokens["access_token"])
    assert (claims["sub"], claims["amr"], claims["level"]) == (world.ours.account_id, ["outside"], 2)


def test_a_new_key_of_the_other_instance_is_believed_at_once(world: World) -> None:
    verified(world)
    set_account("parent", level=3)
    assert guest_signs_in(world)
    world.pretender.key = Pretender().key
    assert guest_signs_in(world)


def guest_signs_in(world: World) -> bool:
    guest = visitor(world)
    return "access_token" in guest.tokens(guest.sign_in())


@pytest.mark.parametrize(
    ("says", "level"),
    [
        ({}, 2),
        ({"level": "L2"}, 5),
        ({"level": "unheard of"}, 5),
        ({"level": None}, 5),
        ({"name": "林小芸"}, 5),
        ({"id_number": OTHER}, 5),
        ({"id_number": ADULT[:-1] + "1"}, 5),
        ({"id_number": None, "phone_number": "13900000000", "email": "a@b.example"}, 5),
    ],
    ids=["ours is weak", "theirs is weak", "unknown word", "no word", "name", "number", "check digit", "other claims"],
)
def test_what_proves_nothing_links_nobody(world: World, says: dict[str, Any], level: int) -> None:
    set_account("parent", level=level)
    verified(world, **says)
    answer = visitor(world).sign_in()
    assert "请用本平台账号登录一次" in answer.text
    assert links() == []
    assert session_rows() == []


def test_the_same_number_well_verified_on_both_sides_is_the_same_person(world: World) -> None:
    set_account("parent", level=4)
    verified(world)
    guest = visitor(world)
    claims = payload(guest.tokens(guest.sign_in())["access_token"])
    assert links() == [("pretender", "u-1", world.ours.account_id, "number")]
    [notice] = [row for row in everything()["messages"] if "account_changed" in row]
    assert world.ours.account_id in notice, "its owner hears of it"
    assert (claims["sub"], claims["level"]) == (world.ours.account_id, 3), "no better than the provider is trusted for"
    [session] = session_rows()
    assert (session.outside, session.level_cap) == ("pretender", 3)


def test_a_level_that_the_provider_claims_is_capped_by_our_trust_in_it(world: World) -> None:
    set_account("parent", level=5)
    verified(world, level="L4")
    guest = visitor(world)
    assert payload(guest.tokens(guest.sign_in())["access_token"])["level"] == 3
    by_password = world.ours.counter.sign_in("parent").json["access_token"]
    assert payload(by_password)["level"] == 5


def test_what_the_token_does_not_say_userinfo_says_of_the_same_person(world: World) -> None:
    set_account("parent", level=4)
    world.pretender.userinfo = {"name": "林晓芸", "id_number": ADULT, "level": "L3"}
    guest = visitor(world)
    assert "access_token" in guest.tokens(guest.sign_in())
    method, path, headers, _ = world.pretender.heard[-1]
    assert (method, path, headers["Authorization"]) == ("GET", "/userinfo", "Bearer a")


def test_who_has_a_second_factor_is_asked_for_it_however_he_came(world: World) -> None:
    from tests.services.identity.test_second_step import Officer

    verified(world)
    set_account("parent", level=4)
    guest = visitor(world)
    guest.tokens(guest.sign_in())
    set_account("officer", person_id=None)
    person = Officer(world.ours)
    person.account_id = world.ours.account_id
    totp = person.with_app()
    guest = visitor(world)
    page = guest.sign_in()
    assert 'name="code"' in page.text
    assert len(session_rows()) == 1
    claims = payload(guest.tokens(guest.browser.submit(page, code=totp.now()))["access_token"])
    assert claims["amr"] == ["outside", "otp", "mfa"]
    assert claims["level"] == 3


def test_accounts_of_staff_are_linked_to_nobody(world: World) -> None:
    guest = visitor(world)
    answer = guest.browser.sign_in(guest.sign_in(), "officer")
    assert answer.status_code == 400
    assert "工作人员" in answer.text
    assert (links(), session_rows()) == ([], [])


def test_one_identity_is_one_account_and_the_other_way_round(world: World) -> None:
    counter = world.ours.counter
    counter.account("second", kind="person", person_id=counter.person(OTHER, "周敏"))
    guest = visitor(world)
    guest.tokens(guest.browser.sign_in(guest.sign_in()))
    before = links()
    world.pretender.says = world.pretender.userinfo = {"sub": "u-2"}
    guest = visitor(world)
    answer = guest.browser.sign_in(guest.sign_in())
    assert answer.status_code == 400, "this account is linked to another identity there"
    assert links() == before
    assert len(session_rows()) == 1


def test_a_wrong_password_links_nobody_and_counts(world: World) -> None:
    guest = visitor(world)
    answer = guest.browser.sign_in(guest.sign_in(), password="wrong")
    assert answer.status_code == 400
    assert "请用本平台账号登录一次" in answer.text, "the next try still links"
    assert links() == []
    assert "access_token" in guest.tokens(guest.browser.sign_in(answer))
    assert [link[2] for link in links()] == [world.ours.account_id]


def test_who_is_suspended_does_not_come_in_from_outside(world: World) -> None:
    verified(world)
    set_account("parent", level=4)
    guest = visitor(world)
    guest.tokens(guest.sign_in())
    set_account("parent", state="suspended")
    assert "账号已停用" in visitor(world).sign_in().text
    assert len(session_rows()) == 1


# 首次登录开户 accounts opened at the first sign-in


def test_no_account_is_opened_unless_the_provider_may(world: World) -> None:
    verified(world, id_number=OTHER, name="周敏")
    assert "请用本平台账号登录一次" in visitor(world).sign_in().text
    assert len(everything()["accounts"]) == 2


def test_whom_the_provider_may_bring_gets_an_account_without_a_password(world: World, tmp_path: Path) -> None:
    world.configure(tmp_path, opens_accounts=True)
    verified(world, id_number=OTHER, name="周敏")
    guest = visitor(world)
    claims = payload(guest.tokens(guest.sign_in())["access_token"])
    assert (claims["name"], claims["kind"], claims["level"]) == ("周敏", "person", 3)
    assert "cases:submit" in claims["scope"]
    assert [event.name for event in told(SERVICE.database, PartyRegistered)][-1] == "周敏"
    [link] = links()
    assert link[2:] == (claims["sub"], "opened")
    with db.read() as connection:
        mine = accounts.c.account_id == claims["sub"]
        username = connection.execute(sa.select(accounts.c.username).where(mine)).scalar_one()
    for password in ("!", PASSWORD):
        assert world.ours.counter.sign_in(username, password).json["code"] == "invalid_grant"
    again = visitor(world)
    assert payload(again.tokens(again.sign_in())["access_token"])["sub"] == claims["sub"]


@pytest.mark.parametrize(
    "says", [{"level": "L2"}, {"name": ""}, {"id_number": "330000"}, {"name": "他人", "id_number": ADULT}]
)
def test_who_is_not_verified_or_is_somebody_elses_number_gets_none(
    world: World, tmp_path: Path, says: dict[str, Any]
) -> None:
    world.configure(tmp_path, opens_accounts=True)
    verified(world, **({"id_number": OTHER, "name": "周敏"} | says))
    before = everything()["accounts"]
    assert "请用本平台账号登录一次" in visitor(world).sign_in().text
    assert everything()["accounts"] == before
    assert links() == []


# 解除关联 unlinking


def ask(world: World, method: str, path: str, account_id: str) -> Any:
    headers = world.ours.counter.tokens.headers("account:self", sub=account_id)
    return world.ours.app.test_client().open(
        f"/api/v1/account/outside-identities{path}", method=method, headers=headers | {"Idempotency-Key": "k"}
    )


def test_its_owner_sees_a_link_and_ends_it_and_who_came_in_by_it_is_out(world: World) -> None:
    verified(world)
    set_account("parent", level=4)
    guest = visitor(world)
    tokens = guest.tokens(guest.sign_in())
    by_password = world.ours.counter.sign_in("parent").json["access_token"]
    mine = world.ours.account_id
    [shown] = ask(world, "GET", "", mine).json["identities"]
    assert (shown["provider"], shown["name"], shown["proven_by"]) == ("pretender", "某平台", "number")
    assert ask(world, "POST", "/pretender/removal", mine).status_code == 204
    assert ask(world, "POST", "/pretender/removal", mine).status_code == 204, "the same again"
    assert links() == []
    assert world.ours.userinfo(tokens["access_token"]).status_code == 401
    assert world.ours.userinfo(by_password).status_code == 200


def test_somebody_elses_link_and_the_only_way_in_stay(world: World, tmp_path: Path) -> None:
    world.configure(tmp_path, opens_accounts=True)
    verified(world, id_number=OTHER, name="周敏")
    guest = visitor(world)
    opened = payload(guest.tokens(guest.sign_in())["access_token"])["sub"]
    before = links()
    unknown = ask(world, "POST", "/pretender/removal", world.ours.account_id)
    assert (unknown.status_code, unknown.json["code"]) == (404, "outside_identity_unknown")
    only = ask(world, "POST", "/pretender/removal", opened)
    assert (only.status_code, only.json["code"]) == (409, "only_way_in")
    assert ask(world, "GET", "", world.ours.account_id).json["identities"] == []
    assert links() == before


# 设置 the file of providers


GOOD = {"id": "ab", "name": "甲", "name_en": "A", "issuer": "https://a.example", "client_id": "c"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "ftp://a.example", "client_secret_file": "secret"}, "issuer"),
        ({}, "密钥文件须恰有一个"),
        ({"client_secret_file": "secret", "private_key_file": "secret"}, "密钥文件须恰有一个"),
        ({"client_secret_file": "none"}, "none: No such file"),
        ({"private_key_file": "secret"}, "ES256"),
        ({"client_secret_file": "secret", "scope": ["profile"]}, "openid"),
        ({"client_secret_file": "secret", "highest_level": 9}, "highest_level"),
        ({"client_secret_file": "secret", "id": "A"}, "id"),
        ({"client_secret_file": "secret", "secret": SECRET}, "unknown field"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_repeats_no_secret(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    file = tmp_path / "outside.yaml"
    file.write_text(yaml.safe_dump({"providers": [GOOD | {"client_secret_file": "secret"}]}))
    assert set(read_outside_providers(file)) == {"ab"}
    file.write_text(yaml.safe_dump({"providers": [GOOD | change]}))
    with pytest.raises(OutsideFileInvalid, match=said) as invalid:
        read_outside_providers(file)
    assert str(file) in str(invalid.value)
    assert SECRET not in str(invalid.value)


def test_without_a_file_nobody_comes_from_outside_and_no_flow_is_kept_for_long(world: World) -> None:
    assert read_outside_providers(None) == {}
    visitor(world).leave()
    [job] = [job for job in SERVICE.jobs if job.name == "identity.forget_sessions"]
    with db.transaction() as tx:
        tx.execute(sa.update(outside_flows).values(begun_at=sa.text("'2020-01-01 00:00:00.000000'")))
    job.run()
    with db.read() as connection:
        assert connection.execute(sa.select(outside_flows)).all() == []
