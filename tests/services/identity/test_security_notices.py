"""安全提醒: whoever changes the locks of an account, or comes from where it was never seen, does not stay unnoticed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.identity.adapters import message_templates
from services.identity.domain.familiar import KEPT, called, device_of, network_of
from services.identity.domain.messages import LANGUAGES, SECURITY, SWITCHES, switch
from services.identity.models import accounts, contacts, db, familiar_marks, message_deliveries
from services.identity.service import SERVICE
from services.identity.use_cases.deliver_messages import deliver_due
from services.identity.use_cases.end_sessions import end_sessions
from services.identity.use_cases.read_messages import forget_messages
from services.identity.use_cases.reset_account import reset_account
from services.identity.use_cases.sign_in_sessions import Visit, start_session
from services.identity.use_cases.tell_owner import MOST_A_DAY, forget_marks, tell_owner
from tests.services.identity.conftest import Counter
from tests.services.identity.people import OTHER, Person, somebody
from tests.services.identity.test_messages import EMAIL, MOBILE, Post, deliveries, post
from tests.support import bind

__all__ = ["post"]  # the fixture

CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
NEXT_MOBILE = "13900005678"


def owner(post: Post) -> Person:
    """The person of the post office signs in with an account."""
    account_id = post.counter.account("parent", kind="person", person_id=post.party)
    return Person(post.counter, post.party, account_id)


def notices(person: Person, **claims: Any) -> Any:
    headers = person.headers("account:self", **claims)
    return person.counter.client.get("/api/v1/account/notices", headers=headers)


def said(person: Person) -> list[str]:
    return [one["body_en"].partition(". If")[0][18:] for one in notices(person).json["notices"]]


def sign_in(counter: Counter, account_id: str, address: str = "203.0.113.9", agent: str = CHROME.format("1.0")) -> None:
    vault, now = counter.desk.vault, datetime.now(UTC)
    with db.transaction() as tx:
        visit = Visit("shop", address, agent)
        start_session(tx, vault, account_id=account_id, amr=["pwd"], visit=visit, earlier=None, now=now)


def test_a_change_of_a_lock_is_told_in_the_inbox_and_over_every_proved_contact(post: Post) -> None:
    person = owner(post)
    everything_off = sorted(SWITCHES - {"accepted.sms", "not_accepted.sms", "correction_requested.sms", "approved.sms"})
    post.choose(off=[one for one in everything_off if one != "denied.sms"], quiet_from="00:00", quiet_until="23:59")
    with db.transaction() as tx:
        reset_account(tx, person.account_id, "another hash", datetime.now(UTC), by="admin-1")
    deliver_due()
    [received] = post.sms.received.values()
    assert (received.mobile, received.template) == (MOBILE, "TB_ACCOUNT_CHANGED_ZH")
    assert received.parameters["what"] == "管理员重置了密码和第二因素"
    [mail] = post.mail.received
    assert mail["To"] == EMAIL
    assert "管理员重置了密码和第二因素" in mail.get_content()
    assert said(person) == ["an administrator has reset the password and the second factors"]


def test_security_notices_have_no_switch_and_a_text_for_every_channel_in_each_language(post: Post) -> None:
    assert not {switch(kind, channel) for kind in SECURITY for channel in ("email", "sms")} & SWITCHES
    refused = post.choose(off=["account_changed.sms"])
    assert (refused.status_code, refused.json["code"]) == (422, "message_choice_invalid")
    facts = {"at": "2026-11-26 10:05", "what": "密码已修改 / the password was changed", "address": "::1", "device": "—"}
    for kind in SECURITY:
        for language in LANGUAGES:
            texts = [message_templates.inbox(kind, language, facts), message_templates.email(kind, language, facts)]
            assert not any("$" in text.title + text.body or " / " in text.body for text in texts)
            assert message_templates.sms(kind, language, facts).parameters["at"] == "2026-11-26 10:05"


def test_a_changed_contact_is_told_where_the_owner_was_reached_until_now(post: Post) -> None:
    person = owner(post)
    person.put("my/contacts/mobile", {"address": NEXT_MOBILE})
    [job] = [job for job in SERVICE.jobs if job.name == "identity.send_codes"]
    job.run()
    [code] = post.sms.received.values()
    assert code.mobile == NEXT_MOBILE
    job.run()
    assert post.sms.requests == 1, "a code goes out once"
    answer = person.post("my/contacts/mobile/confirmation", {"code": code.parameters["code"]})
    assert answer.status_code == 200
    deliver_due()
    [warning] = [one for one in post.sms.received.values() if one.template.startswith("TB_ACCOUNT_CHANGED")]
    assert warning.mobile == MOBILE, "the old number, not the thief's"
    assert post.mail.received[-1]["To"] == EMAIL
    assert deliveries()["sms"].address_sealed is None, "kept no longer than it is needed"
    assert said(person) == ["the mobile number was changed"]


def test_a_removed_contact_is_told_too_and_again_only_if_it_was_there(post: Post) -> None:
    person = owner(post)
    for _ in range(2):
        headers = person.headers()
        assert post.counter.client.delete("/api/v1/my/contacts/email", headers=headers).status_code == 204
    deliver_due()
    [mail] = post.mail.received
    assert mail["To"] == EMAIL
    assert said(person) == ["the e-mail address was removed"]


def test_a_code_that_the_provider_does_not_take_waits_for_the_next_turn(post: Post) -> None:
    person = owner(post)
    person.put("my/contacts/mobile", {"address": NEXT_MOBILE})
    [job] = [job for job in SERVICE.jobs if job.name == "identity.send_codes"]
    post.sms.answers.append("isv.BUSINESS_LIMIT_CONTROL")
    job.run()
    assert post.sms.received == {}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: job.run(), range(3)))
    assert [one.mobile for one in post.sms.received.values()] == [NEXT_MOBILE]
    assert post.sms.requests == 2


def test_a_sign_in_from_a_new_device_or_network_is_told_and_a_known_one_is_not(counter: Counter) -> None:
    person = somebody(counter)
    sign_in(counter, person.account_id)
    assert notices(person).json == {"notices": [], "unread": 0}, "of the first nobody needs to be told"
    sign_in(counter, person.account_id, "203.0.113.77", CHROME.format("2.1"))
    assert said(person) == [], "the next version of the browser, another address of the network"
    sign_in(counter, person.account_id, "198.51.100.4")
    sign_in(counter, person.account_id, agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/605")
    sign_in(counter, person.account_id, "198.51.100.4")
    assert said(person) == [
        "your account was signed in to from 203.0.113.9, device: Safari, iPhone",
        "your account was signed in to from 198.51.100.4, device: Chrome, Windows",
    ]


def test_what_was_not_seen_for_half_a_year_is_news_again(counter: Counter) -> None:
    person = somebody(counter)
    sign_in(counter, person.account_id)
    sign_in(counter, person.account_id, "198.51.100.4")
    old = datetime.now(UTC) - KEPT - timedelta(days=1)
    known = familiar_marks.c.mark
    with db.transaction() as tx:
        marks = tx.execute(sa.select(known).order_by(familiar_marks.c.seen_at.desc()).limit(1)).scalars().all()
        tx.execute(sa.update(familiar_marks).where(known.in_(marks)).values(seen_at=old))
    told = len(said(person))
    with db.transaction() as tx:
        forget_marks(tx, datetime.now(UTC))
    sign_in(counter, person.account_id, "198.51.100.4")
    assert len(said(person)) == told + 1


def test_mails_and_texts_are_few_a_day_and_the_inbox_has_all(post: Post) -> None:
    person = owner(post)
    most = MOST_A_DAY["account_changed"]
    for number in range(most + 3):
        with db.transaction() as tx:
            tell_owner(tx, person.account_id, f"变更{number} / change {number}")
    with db.read() as connection:
        ordered = connection.execute(sa.select(sa.func.count()).select_from(message_deliveries)).scalar_one()
    assert ordered == most * 2
    assert len(said(person)) == most + 3


def test_staff_who_have_no_contact_read_it_in_their_inbox(counter: Counter) -> None:
    staff = Person(counter, "", counter.account("boss", kind="supervisor", name="郑监督"))
    with db.transaction() as tx:
        reset_account(tx, staff.account_id, "another hash", datetime.now(UTC), by="admin-1")
    [one] = notices(staff, kind="supervisor").json["notices"]
    assert (one["title"], one["deliveries"], one["read_at"]) == ("账号安全提醒", [], None)
    headers = staff.headers("account:self")
    assert counter.client.post(f"/api/v1/account/notices/{one['message_id']}/read", headers=headers).status_code == 204
    assert notices(staff).json["unread"] == 0


def test_nobody_else_reads_it_and_neither_does_who_stands_in(post: Post) -> None:
    person, other = owner(post), somebody(post.counter, OTHER, "周敏")
    with db.transaction() as tx:
        tell_owner(tx, person.account_id, "密码已修改 / the password was changed")
    [one] = notices(person).json["notices"]
    assert notices(other).json["notices"] == []
    taken = other.headers("account:self")
    read = post.counter.client.post(f"/api/v1/account/notices/{one['message_id']}/read", headers=taken)
    assert (read.status_code, notices(person).json["unread"]) == (404, 1)
    acting = notices(other, sub=person.account_id, act={"sub": other.account_id, "name": "周敏"})
    assert (acting.status_code, acting.json["code"]) == (403, "forbidden")
    assert post.inbox(party=person.party_id)["messages"] == [], "the party's inbox is read by agents"


def test_an_erased_person_leaves_neither_notices_nor_devices(post: Post) -> None:
    person = owner(post)
    sign_in(post.counter, person.account_id)
    with db.transaction() as tx:
        tell_owner(tx, person.account_id, "密码已修改 / the password was changed")
        end_sessions(tx, person.account_id, datetime.now(UTC), but=None)
    deliver_due()
    with db.transaction() as tx:
        forget_messages(tx, person.party_id)
    with db.read() as connection:
        for table in ("messages", "message_deliveries", "delivery_attempts", "familiar_marks"):
            rows = connection.execute(sa.select(sa.func.count()).select_from(db.metadata.tables[table]))
            assert rows.scalar_one() == 0, table


def test_sign_ins_at_once_on_postgresql_leave_each_mark_once(counter: Counter, postgresql_url: str) -> None:
    bind(SERVICE, counter.folder, postgresql_url)
    person = somebody(counter)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sign_in(counter, person.account_id), range(8)))
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(familiar_marks)).scalar_one() == 2
        assert connection.execute(sa.select(accounts.c.state)).scalars().all() == ["active"]
        assert connection.execute(sa.select(contacts)).all() == []


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME.format("126.0.0.0"), "Chrome, Windows"),
        (CHROME.format("126.0") + " Edg/126.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/116 MicroMessenger/8.0.49", "微信 WeChat, Android"),
        ("curl/8.5", "—"),
    ],
)
def test_a_device_is_called_what_people_call_it(agent: str, name: str) -> None:
    assert called(agent) == name
    assert device_of(agent) == device_of(agent.replace("126", "127").replace("8.", "9."))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("unknown", "unknown"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
