"""消息: what happens to a case reaches its people, in the inbox and over other channels, and leaves a log."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from string import Template
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client import REGISTRY

from chassis import clock
from contracts.appointment import AppointmentCancelled, AppointmentDue
from contracts.case import (
    CaseAccepted,
    CaseClosed,
    CaseCorrectionRequested,
    CaseDeemedWithdrawn,
    CaseDeliveryMoved,
    CaseDenied,
    CaseExtended,
    CaseNotAccepted,
    CaseRevoked,
    CaseSpecialProcedureEnded,
    CaseSpecialProcedureStarted,
    CaseSubmitted,
    CaseTerminated,
    DepartmentDefect,
)
from contracts.envelope import Event
from contracts.supervision import CardRaised
from demo.certificate import make_certificate
from localservers.sms import SmsProvider, sms_provider
from services.identity.adapters import message_templates
from services.identity.adapters.mail import Mail
from services.identity.adapters.message_templates import FOLDER, Text
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.post_office import POST_OFFICE
from services.identity.adapters.sending import TryAgain
from services.identity.domain.messages import (
    KINDS,
    LANGUAGES,
    MOST_ATTEMPTS,
    SECURITY,
    SHANGHAI,
    STATUTORY,
    TO_PEOPLE,
    Preferences,
    next_attempt,
    silenced,
    switch,
    without_numbers,
)
from services.identity.domain.sensitive import Sensitive
from services.identity.models import contacts, db, delivery_attempts, message_deliveries, messages
from services.identity.service import SERVICE
from services.identity.use_cases.deliver_messages import CLAIM, count_waiting, deliver_due
from services.identity.use_cases.note_events import HEARD, make_messages
from services.identity.use_cases.read_messages import forget_messages
from tests.mail_server import MailServer, mail_server
from tests.services.identity.conftest import Counter, everything
from tests.support import bind, deliver, envelope_bytes

MOBILE, EMAIL = "13800001234", "lin@example.org"
CASE = "11339999YX0000016U4000105016000202611210001"
NUMBER = "330000198503160026"


@dataclass
class Post:
    """A person with contacts, and the providers that reach her."""

    counter: Counter
    sms: SmsProvider
    mail: MailServer
    party: str

    def hear(self, *events: Event) -> None:
        bodies = [
            envelope_bytes(event, source="audit" if isinstance(event, CardRaised) else "workflow") for event in events
        ]
        deliver(SERVICE, "identity.messages", *bodies)

    def submit(self, case_no: str = CASE) -> None:
        self.hear(submitted(case_no, self.party))

    def contact(self, kind: str, address: str, party: str | None = None) -> None:
        owner = party or self.party
        with db.transaction() as tx:
            sealed = key_of(tx, self.counter.desk.vault, owner).seal(kind, Sensitive(address))
            row = {"party_id": owner, "kind": kind, "sealed": sealed, "verified_at": tx.now, "tries": 0}
            tx.execute(sa.insert(contacts).values(row))

    def citizen(self, **claims: Any) -> dict[str, str]:
        return self.counter.tokens.headers(
            "messages:read messages:choose", **({"sub": "a-1", "party": self.party} | claims)
        )

    def inbox(self, **claims: Any) -> dict[str, Any]:
        answer: Any = self.counter.client.get("/api/v1/messages", headers=self.citizen(**claims))
        assert answer.status_code == 200, answer.json
        found: dict[str, Any] = answer.json
        return found

    def page(self, query: str) -> list[dict[str, Any]]:
        answer: Any = self.counter.client.get(f"/api/v1/messages?{query}", headers=self.citizen())
        return list(answer.json["messages"])

    def choose(self, **changes: Any) -> Any:
        body = {"language": "zh", "off": [], "quiet_from": None, "quiet_until": None} | changes
        return self.counter.client.put("/api/v1/message-preferences", json=body, headers=self.citizen())

    def read(self, message_id: str, key: str = "r-1", **claims: Any) -> Any:
        headers = self.citizen(**claims) | {"Idempotency-Key": key}
        return self.counter.client.post(f"/api/v1/messages/{message_id}/read", headers=headers)


def submitted(case_no: str, party: str, by: str = "a-1") -> CaseSubmitted:
    return CaseSubmitted(
        case_no=case_no, item_code="i", item_version=1, item_name="校车使用许可", applicant_id=party, submitted_by=by,
        channel="web", materials=(), accept_by=date(2026, 11, 27),
    )  # fmt: skip


def not_accepted(case_no: str = CASE, reason: str = "材料不齐") -> CaseNotAccepted:
    return CaseNotAccepted(case_no=case_no, reason=reason, remedy="可申请行政复议")


def accepted(case_no: str = CASE) -> CaseAccepted:
    return CaseAccepted(case_no=case_no, accepted_on=date(2026, 11, 23), due_on=date(2026, 12, 8), provisional=False)


@pytest.fixture
def post(counter: Counter) -> Iterator[Post]:
    with sms_provider() as sms, mail_server() as mail:
        smtp = f"smtp://127.0.0.1:{mail.port}?starttls=never"
        POST_OFFICE.open(
            replace(counter.runtime.settings, sms_url=sms.url, smtp_url=smtp, mail_from="tongban@example.org")
        )
        made = Post(counter, sms, mail, counter.person())
        made.contact("mobile", MOBILE)
        made.contact("email", EMAIL)
        yield made
        POST_OFFICE.open(counter.runtime.settings)


def deliveries() -> dict[str, Any]:
    with db.read() as connection:
        return {row.channel: row for row in connection.execute(sa.select(message_deliveries))}


def attempts() -> list[Any]:
    a = delivery_attempts.c
    with db.read() as connection:
        return list(connection.execute(sa.select(delivery_attempts).order_by(a.delivery_id, a.attempt)))


def make_due() -> None:
    """The time of the next attempt has come."""
    with db.transaction() as tx:
        tx.execute(sa.update(message_deliveries).values(due_at=tx.now))


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (accepted(), "accepted"),
        (not_accepted(), "not_accepted"),
        (
            CaseCorrectionRequested(
                case_no=CASE, defects=(DepartmentDefect(department="education", material_code="route", problem="缺图"),)
            ),
            "correction_requested",
        ),
    ],
)
def test_a_pre_review_result_reaches_its_person_in_the_inbox_and_over_two_more_channels(
    post: Post, result: Event, kind: str
) -> None:
    """预审结果: in the inbox with the event itself; the first turn of the job, which comes every two seconds, sends it."""
    post.submit()
    deliver_due()
    post.hear(result)
    newest = post.inbox()["messages"][0]
    assert newest["kind"] == kind
    assert {(d["channel"], d["state"]) for d in newest["deliveries"]} == {("email", "waiting"), ("sms", "waiting")}
    [job] = [job for job in SERVICE.jobs if job.name == "identity.deliver_messages"]
    assert job.every_s < 60
    job.run()
    newest = post.inbox()["messages"][0]
    assert {(d["channel"], d["state"]) for d in newest["deliveries"]} == {("email", "sent"), ("sms", "sent")}
    assert post.sms.received[deliveries_of(newest["message_id"])["sms"]].mobile == MOBILE
    assert post.mail.received[-1]["To"] == EMAIL
    assert CASE in post.mail.received[-1].get_content()


def deliveries_of(message_id: str) -> dict[str, str]:
    d = message_deliveries.c
    with db.read() as connection:
        rows = connection.execute(sa.select(message_deliveries).where(d.message_id == message_id))
        return {row.channel: row.delivery_id for row in rows}


def test_a_message_is_signed_and_names_template_and_parameters(post: Post) -> None:
    post.submit()
    deliver_due()
    [received] = post.sms.received.values()
    assert (received.template, received.sign_name) == ("TB_SUBMITTED_ZH", "通办")
    assert received.parameters == {"case_no": CASE[:35], "accept_by": "2026-11-27"}


def test_a_wrong_signature_is_not_taken_and_the_message_waits(post: Post) -> None:
    wrong = post.sms.url.replace("substitute-secret", "another-secret")
    POST_OFFICE.open(replace(post.counter.runtime.settings, sms_url=wrong))
    post.submit()
    deliver_due()
    assert post.sms.received == {}
    assert deliveries()["sms"].state == "waiting"
    assert [(a.outcome, a.detail) for a in attempts()] == [("not_taken", "SignatureDoesNotMatch")]


def test_events_in_any_order_make_the_same_messages(post: Post) -> None:
    post.hear(accepted())
    assert post.inbox() == {"messages": [], "unread": 0}
    post.submit()
    shown = post.inbox()["messages"]
    assert {m["kind"] for m in shown} == {"submitted", "accepted"}
    assert all("校车使用许可" in m["title"] for m in shown)


def test_a_repeated_event_makes_one_message(post: Post) -> None:
    post.submit()
    body = envelope_bytes(accepted(), source="workflow", event_id="e-1")
    deliver(SERVICE, "identity.messages", body, body)
    deliver(SERVICE, "identity.messages", body)
    assert len(post.inbox()["messages"]) == 2


def test_two_workers_that_hear_halves_of_a_pair_leave_no_notice_behind(post: Post, database_url: str) -> None:
    """Neither sees what the other has not committed; the job's turn makes what was left over."""
    bind(SERVICE, post.counter.folder, database_url)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(post.hear, (submitted(CASE, "p-1"), accepted())))
    with db.transaction() as tx:
        make_messages(tx)
    with db.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(messages)).scalar_one() == 2
        left = connection.execute(sa.select(sa.func.count()).select_from(db.metadata.tables["message_notices"]))
        assert left.scalar_one() == 0


def test_nobody_reads_another_partys_messages(post: Post) -> None:
    post.submit()
    [message] = post.inbox()["messages"]
    before = everything()
    for claims in ({"party": "somebody-else"}, {"kind": "officer", "dept": "education", "party": post.party}):
        assert post.inbox(**claims) == {"messages": [], "unread": 0}
        assert post.read(message["message_id"], **claims).status_code == 404
    unscoped = post.counter.tokens.headers("cases:read", party=post.party)
    assert post.counter.client.get("/api/v1/messages", headers=unscoped).status_code == 403
    assert everything() == before


def test_reading_a_message_counts_it_once(post: Post) -> None:
    post.submit()
    post.hear(accepted())
    found = post.inbox()
    assert found["unread"] == 2
    assert [m["kind"] for m in found["messages"]] == ["accepted", "submitted"], "newest first"
    for key in ("r-1", "r-1", "r-2"):
        assert post.read(found["messages"][0]["message_id"], key).status_code == 204
    assert post.inbox()["unread"] == 1
    assert post.read("no-such-message", "r-3").status_code == 404


def test_pages_of_an_inbox_follow_each_other(post: Post) -> None:
    for number in range(5):
        post.submit(f"{CASE}{number}")
    first = post.page("limit=3")
    last = first[-1]["message_id"]
    second = post.page(f"limit=3&before={last}")
    assert [m["case_no"][-1] for m in first + second] == ["4", "3", "2", "1", "0"]


def test_a_card_reaches_the_departments_officers_and_nobody_else(post: Post) -> None:
    post.hear(
        CardRaised(
            card_no="k-1", case_no=CASE, department="police", level="red", rule="T9", raised_on=date(2026, 11, 23),
            detail=f"逾期；经办人电话 {MOBILE}",
        )
    )  # fmt: skip
    [card] = post.inbox(kind="officer", dept="police")["messages"]
    assert (card["title"], card["title_en"], card["deliveries"]) == ("红牌：T9", "Red card: T9", [])
    assert MOBILE not in card["body"]
    assert post.inbox(kind="officer", dept="transport")["messages"] == []
    assert post.inbox()["messages"] == []


def test_messages_hold_no_numbers_and_mask_names(post: Post) -> None:
    post.submit()
    post.hear(not_accepted(reason=f"身份证 {NUMBER} 与 {NUMBER[:-1]}X、电话{MOBILE}不符"))
    deliver_due()
    stored = repr(everything()["messages"])
    sent = "".join(str(m["Subject"]) + m.get_content() for m in post.mail.received) + repr(post.sms.received)
    shown = repr(post.inbox())
    for text in (stored, sent.replace(MOBILE, "", len(post.sms.received)), shown):
        assert NUMBER not in text
        assert "林晓芸" not in text
    assert MOBILE not in stored + shown
    assert "林*" in shown
    assert "330***********0026" in shown


def test_a_failure_is_tried_again_later_under_the_same_id_and_arrives_once(post: Post) -> None:
    post.submit()
    post.sms.answers = ["isv.BUSINESS_LIMIT_CONTROL", "isp.SYSTEM_ERROR"]
    for _ in range(3):
        deliver_due()
        waiting = deliveries()["sms"]
        if waiting.state == "waiting":
            assert waiting.due_at > clock.now()
            assert deliver_due() == 0, "not before its time"
        make_due()
    assert deliver_due() == 0
    assert len(post.sms.received) == 1
    log = [(a.attempt, a.outcome, a.detail) for a in attempts() if a.delivery_id == deliveries()["sms"].delivery_id]
    assert log == [
        (1, "not_taken", "isv.BUSINESS_LIMIT_CONTROL"),
        (2, "not_taken", "isp.SYSTEM_ERROR"),
        (3, "sent", ""),
    ]


def test_after_the_last_attempt_it_has_failed_and_can_be_seen(post: Post) -> None:
    before = REGISTRY.get_sample_value("tongban_messages_failed_total", {"channel": "sms"}) or 0.0
    post.submit()
    post.sms.answers = ["isp.SYSTEM_ERROR"] * (MOST_ATTEMPTS + 5)
    for _ in range(MOST_ATTEMPTS + 3):
        deliver_due()
        make_due()
    assert (deliveries()["sms"].state, deliveries()["sms"].attempts) == ("failed", MOST_ATTEMPTS)
    [message] = post.inbox()["messages"]
    assert ("sms", "failed") in {(d["channel"], d["state"]) for d in message["deliveries"]}
    assert REGISTRY.get_sample_value("tongban_messages_failed_total", {"channel": "sms"}) == before + 1
    assert len(post.mail.received) == 1, "the other channel went its own way"


def test_what_the_provider_will_never_take_is_not_tried_again(post: Post) -> None:
    post.submit()
    post.sms.answers = ["isv.MOBILE_NUMBER_ILLEGAL"]
    post.mail.answers = ["550 no such mailbox"]
    deliver_due()
    assert {d.state for d in deliveries().values()} == {"failed"}
    assert {(a.outcome, a.detail) for a in attempts()} == {
        ("rejected", "isv.MOBILE_NUMBER_ILLEGAL"),
        ("rejected", "SMTPDataError: 550"),
    }
    assert not any(EMAIL in a.detail or MOBILE in a.detail for a in attempts())


def test_a_mail_server_that_is_busy_is_asked_again(post: Post) -> None:
    post.submit()
    post.mail.answers = ["451 try later"]
    deliver_due()
    make_due()
    deliver_due()
    [mail] = post.mail.received
    assert mail["Message-ID"] == f"<{deliveries()['email'].delivery_id}@example.org>"
    assert deliveries()["email"].state == "sent"


def test_a_claim_of_a_dead_process_runs_out_and_the_message_still_arrives_once(post: Post) -> None:
    """It died after sending, before writing that down."""
    post.submit()
    deliver_due()
    with db.transaction() as tx:
        tx.execute(sa.delete(delivery_attempts))
        tx.execute(sa.update(message_deliveries).values(state="waiting", due_at=tx.now + CLAIM))
    assert deliver_due() == 0, "while the claim holds nobody else takes it"
    make_due()
    assert deliver_due() == 2
    assert len(post.sms.received) == 1
    assert post.sms.requests == 2


def test_several_jobs_at_once_send_each_message_once(post: Post, database_url: str) -> None:
    """On PostgreSQL each claims what no other holds (SKIP LOCKED); SQLite has one writer at a time."""
    if "postgresql" in database_url:
        bind(SERVICE, post.counter.folder, database_url)
        post.party = post.counter.person()
        post.contact("mobile", MOBILE)
        post.contact("email", EMAIL)
    for number in range(30):
        post.submit(f"{CASE}{number}")
    with ThreadPoolExecutor(4) as pool:
        claimed = sum(sum(turn) for turn in pool.map(lambda _: [deliver_due() for _ in range(4)], range(4)))
    assert claimed == 60
    assert (post.sms.requests, len(post.sms.received), len(post.mail.received)) == (30, 30, 30)
    assert {(a.attempt, a.outcome) for a in attempts()} == {(1, "sent")}


def test_without_a_contact_the_inbox_is_what_there_is_and_the_log_says_so(post: Post) -> None:
    with db.transaction() as tx:
        tx.execute(sa.delete(contacts))
    post.submit()
    deliver_due()
    assert {d.state for d in deliveries().values()} == {"no_contact"}
    assert {a.outcome for a in attempts()} == {"no_contact"}
    assert len(post.inbox()["messages"]) == 1
    assert post.sms.requests == 0


def test_an_organisation_without_a_contact_is_reached_through_whoever_handed_the_case_in(post: Post) -> None:
    school = post.counter.organisation()
    agent = post.counter.account("agent", kind="person", person_id=post.party, party_id=school)
    post.hear(submitted(CASE, school, agent))
    deliver_due()
    [received] = post.sms.received.values()
    assert received.mobile == MOBILE
    assert post.inbox()["messages"] == [], "the message is the school's"
    assert len(post.inbox(party=school)["messages"]) == 1


def test_a_channel_that_is_switched_off_stays_silent(post: Post) -> None:
    assert post.choose(off=[switch("submitted", "sms")], language="en").status_code == 200
    post.submit()
    deliver_due()
    assert post.sms.requests == 0
    assert post.mail.received[0]["Subject"].startswith("[Tongban] Received")


def test_notices_owed_by_law_cannot_be_switched_off_entirely(post: Post) -> None:
    one = [switch(kind, "sms") for kind in STATUTORY]
    assert post.choose(off=one).status_code == 200
    before = everything()
    for kind in STATUTORY:
        refused = post.choose(off=[switch(kind, "sms"), switch(kind, "email")])
        assert (refused.status_code, refused.json["code"]) == (422, "statutory_notice_required")
    assert post.choose(off=["submitted.pigeon"]).status_code == 422
    assert post.choose(quiet_from="22:00").status_code == 422
    assert everything() == before


def test_preferences_come_back_as_they_were_chosen(post: Post) -> None:
    chosen = {"language": "en", "off": ["closed.sms"], "quiet_from": "22:00", "quiet_until": "07:30"}
    assert post.choose(**chosen).status_code == 200
    answer: Any = post.counter.client.get("/api/v1/message-preferences", headers=post.citizen())
    shown: dict[str, Any] = answer.json
    assert {name: shown[name] for name in chosen} == chosen
    assert (frozenset(shown["statutory"]), tuple(shown["kinds"])) == (STATUTORY, TO_PEOPLE)


AT_NIGHT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
QUIET = Preferences(quiet_from=time(22, 0), quiet_until=time(7, 30))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (AT_NIGHT, datetime(2026, 11, 23, 23, 30, tzinfo=UTC)),
        (AT_NIGHT + timedelta(hours=4), datetime(2026, 11, 23, 23, 30, tzinfo=UTC)),
        (AT_NIGHT + timedelta(hours=8), AT_NIGHT + timedelta(hours=8)),
        (AT_NIGHT - timedelta(hours=2), AT_NIGHT - timedelta(hours=2)),
    ],
)
def test_quiet_hours_end_in_the_morning_in_shanghai(now: datetime, due: datetime) -> None:
    assert QUIET.due("closed", now) == due
    assert QUIET.due("not_accepted", now) == now, "what the law owes does not wait"


def test_quiet_hours_hold_a_message_up_and_the_inbox_has_it_at_once(post: Post) -> None:
    local = clock.now().astimezone(SHANGHAI)
    start, end = (local - timedelta(hours=1)).strftime("%H:%M"), (local + timedelta(hours=1)).strftime("%H:%M")
    assert post.choose(quiet_from=start, quiet_until=end).status_code == 200
    post.submit()
    assert deliver_due() == 0
    assert post.inbox()["unread"] == 1
    assert all(d.due_at > clock.now() for d in deliveries().values())
    post.hear(not_accepted())
    assert deliver_due() == 2


def test_the_waits_between_attempts_grow_to_an_hour_and_end() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    times = [next_attempt(n, now) for n in range(1, MOST_ATTEMPTS + 1)]
    waits = [(t - now).total_seconds() for t in times if t is not None]
    assert waits == sorted(waits)
    assert waits[0] == 15
    assert max(waits) <= 3600
    assert times[-1] is None


def test_everything_a_person_was_told_can_be_forgotten(post: Post) -> None:
    post.submit()
    post.choose(language="en")
    other = post.counter.organisation()
    post.hear(submitted(f"{CASE}9", other))
    deliver_due()
    with db.transaction() as tx:
        forget_messages(tx, post.party)
    left = repr({name: rows for name, rows in everything().items() if "messag" in name or "deliver" in name})
    assert post.party not in left
    assert len(everything()["messages"]) == 1
    assert len(everything()["delivery_attempts"]) == 2


def test_a_message_on_its_way_when_its_person_is_forgotten_leaves_no_trace(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = POST_OFFICE.send

    def forgotten_meanwhile(*arguments: Any) -> str:
        with db.transaction() as tx:
            forget_messages(tx, post.party)
        return send(*arguments)

    monkeypatch.setattr(POST_OFFICE, "send", forgotten_meanwhile)
    post.submit()
    deliver_due()
    assert everything()["delivery_attempts"] == []


def test_the_gauge_counts_what_waits(post: Post) -> None:
    post.submit()
    count_waiting()
    assert REGISTRY.get_sample_value("tongban_messages_waiting", {"channel": "sms"}) == 1
    deliver_due()
    count_waiting()
    assert REGISTRY.get_sample_value("tongban_messages_waiting", {"channel": "sms"}) == 0


def test_mail_goes_over_tls_to_a_server_that_can_prove_its_name_only(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    text, address = Text("主题", "正文"), Sensitive(EMAIL)
    with mail_server(tls) as server:
        url = f"smtp://127.0.0.1:{server.port}"
        with pytest.raises(TryAgain, match="SSLCertVerificationError"):
            Mail(url, "tongban@example.org").send("d-1", address, text)
        Mail(url, "tongban@example.org", ca_file=str(certificate)).send("d-1", address, text)
        assert server.encrypted == [True]
    with mail_server() as plain, pytest.raises(TryAgain):  # a server that offers no TLS gets nothing
        Mail(f"smtp://127.0.0.1:{plain.port}", "tongban@example.org").send("d-1", address, text)
    assert plain.received == []


DAY = date(2026, 12, 1)
PROCEDURE: dict[str, Any] = {
    "case_no": CASE, "code": "c", "name": "评审", "name_en": "review", "department": "d", "due_on": DAY, "provisional": False,
}  # fmt: skip
BOOKED: dict[str, Any] = {
    "appointment_id": "a-1", "party_id": "p-1", "item_name": "校车使用许可", "venue": "二楼A区", "day": DAY, "opens": "09:00",
    "closes": "09:30",
}  # fmt: skip
SAMPLES: tuple[Event, ...] = (
    submitted(CASE, "p-1"),
    accepted(),
    not_accepted(),
    CaseCorrectionRequested(
        case_no=CASE, defects=(DepartmentDefect(department="police", material_code="m", problem="x"),)
    ),
    CaseDenied(case_no=CASE, decided_by="d", reason="x", remedy="y"),
    CaseClosed(case_no=CASE, licence_no="1.2.156.3005.2.1"),
    CaseSpecialProcedureStarted(**PROCEDURE, reason="x", began_on=DAY, until=DAY),
    CaseSpecialProcedureEnded(**PROCEDURE, ended_on=DAY),
    CaseExtended(
        case_no=CASE, department="d", reason="x", approved_by="y", rank="agency_head", due_on=DAY, provisional=False
    ),
    CaseDeemedWithdrawn(case_no=CASE, reason="correction_not_made", materials=("m",), due_on=DAY),
    CaseRevoked(case_no=CASE, decided_by="d", reason="x", remedy="y"),
    CaseTerminated(case_no=CASE, decided_by="d", reason="x"),
    CaseDeliveryMoved(case_no=CASE, state="in_transit", courier="EMS", tracking_no="EA1"),
    AppointmentDue(**BOOKED),
    AppointmentCancelled(**BOOKED, by="department", reason="停电"),
)


def test_who_booked_hears_of_the_day_and_of_a_closed_counter_once_and_not_of_what_they_cancelled(post: Post) -> None:
    mine = BOOKED | {"party_id": post.party}
    post.hear(AppointmentDue(**mine), AppointmentCancelled(**mine, by="applicant", reason=""))
    post.hear(AppointmentCancelled(**(mine | {"appointment_id": "a-2"}), by="department", reason="停电"))
    found = post.inbox()["messages"]
    assert [message["kind"] for message in found] == ["appointment_cancelled", "appointment_due"]
    assert [message["case_no"] for message in found] == [None, None]
    assert "停电" in found[0]["body"]
    assert "2026-12-01 09:00" in found[1]["body"]


def test_every_event_has_a_text_in_every_language_for_every_channel(post: Post) -> None:
    post.hear(*SAMPLES)
    with db.read() as connection:
        facts = {row.kind: row.facts for row in connection.execute(sa.select(messages))}
    assert len(HEARD) + len(("card", "appointment due", "appointment cancelled")) == len(KINDS) - len(SECURITY)
    facts["approved"] = facts["submitted"] | {"decided_on": "2026-12-01"}
    assert set(facts) == set(TO_PEOPLE)
    for kind, known in facts.items():
        for language in LANGUAGES:
            for rendered in (
                message_templates.inbox(kind, language, known),
                message_templates.email(kind, language, known),
            ):
                assert "$" not in rendered.title + rendered.body
            about = str(DAY) if kind.startswith("appointment") else CASE[:35]
            assert about in message_templates.sms(kind, language, known).parameters.values()
    files = {path.stem for path in FOLDER.glob("*.yaml")}
    assert files == {*KINDS, message_templates.CODE}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_text_asks_for_nothing_personal_outside_the_inbox(path: Path) -> None:
    for texts in yaml.safe_load(path.read_text("utf-8")).values():
        for place in set(texts) - {"inbox"}:
            names = {n for text in texts[place].values() for n in Template(text).get_identifiers()}
            assert not names & {"reason", "remedy", "defects", "licence_no"}, place


def test_numbers_in_free_text_are_masked_and_other_digits_are_not() -> None:
    assert without_numbers(f"{NUMBER}，{MOBILE}") == "330***********0026，138****1234"
    assert without_numbers(CASE) == CASE
    assert silenced(Preferences()) == []
