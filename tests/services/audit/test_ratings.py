"""好差评: one rating per case, by whose case it is, after its end; what was written stays between them and supervisors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.workdays import is_working_day
from contracts.case import CaseClosed, CaseDenied, CaseNotAccepted, CaseWithdrawn
from contracts.supervision import RatingGiven
from services.audit import models
from services.audit.domain.ratings import follow_up_by
from services.audit.service import SERVICE
from tests.support import Tokens, deliver, envelope_bytes, metric, show_gauges, told

WRITTEN = "张三丰办得很慢"
OTHER = "party-other"

ENDS: dict[str, Callable[[str], Any]] = {
    "closed": lambda case: CaseClosed(case_no=case, licence_no="L-1"),
    "denied": lambda case: CaseDenied(case_no=case, decided_by="o", reason="r", remedy="m"),
    "not accepted": lambda case: CaseNotAccepted(case_no=case, reason="r", remedy="m"),
    "withdrawn": lambda case: CaseWithdrawn(case_no=case, reason="r"),
}


def open_a_case(say: Any) -> None:
    deliver(SERVICE, "audit.ledger", envelope_bytes(say.submitted(), source="workflow", caseseq=1))


def end_it(say: Any, how: str = "closed") -> None:
    deliver(SERVICE, "audit.supervision", envelope_bytes(ENDS[how](say.CASE), source="workflow", caseseq=2))


@pytest.fixture
def rate(client: Any, tokens: Tokens, say: Any) -> Callable[..., Any]:
    """POST a rating; ``claims`` say who does, ``key`` is the Idempotency-Key."""

    def post(body: dict[str, Any] | None = None, *, key: str = "k-1", **claims: Any) -> Any:
        headers = tokens.headers("ratings:write", **({"party": say.APPLICANT} | claims)) | {"Idempotency-Key": key}
        return client.post("/api/v1/ratings", json={"case_no": say.CASE, "level": 5} | (body or {}), headers=headers)

    return post


@pytest.fixture
def look(client: Any, tokens: Tokens, say: Any) -> Callable[..., Any]:
    def get(case_no: str = say.CASE, *, scope: str = "ratings:read", **claims: Any) -> Any:
        headers = tokens.headers(scope, **({"party": say.APPLICANT} | claims))
        return client.get(f"/api/v1/ratings/{case_no}", headers=headers)

    return get


@pytest.fixture
def unrated(database: Any) -> Callable[[], bool]:
    """Whether no rating is stored, none was told and no key is taken."""

    def check() -> bool:
        with database.read() as connection:
            rows = connection.execute(sa.select(models.ratings)).fetchall()
            keys = connection.execute(sa.select(database.idempotency)).fetchall()
        return not rows and not keys and told(database, RatingGiven) == []

    return check


@pytest.mark.usefixtures("set_clock")
@pytest.mark.parametrize("how", ENDS)
def test_the_applicant_rates_a_case_that_has_ended_however_it_ended(
    how: str, rate: Any, look: Any, database: Any, say: Any
) -> None:
    open_a_case(say)
    end_it(say, how)
    answer = rate({"level": 4, "comment": "  很快  ", "aspects": ["guidance", "speed", "speed"]})
    assert answer.status_code == 201
    assert answer.get_json() == look().get_json() == {
        "case_no": say.CASE, "level": 4, "comment": "很快", "aspects": ["speed", "guidance"],
        "given_on": "2026-01-05", "follow_up_by": None,
    }  # fmt: skip
    assert told(database, RatingGiven) == [
        RatingGiven(
            case_no=say.CASE, item_code=say.CASE[:31], level=4, aspects=("speed", "guidance"), given_on=date(2026, 1, 5)
        )
    ]


def test_a_case_that_is_open_takes_no_rating(rate: Any, unrated: Any, say: Any) -> None:
    open_a_case(say)
    refused = rate()
    assert (refused.status_code, refused.get_json()["code"]) == (409, "case_not_ended")
    assert unrated()
    end_it(say)
    assert rate().status_code == 201


@pytest.mark.parametrize("claims", [{"party": OTHER}, {"party": OTHER, "kind": "supervisor"}])
def test_nobody_rates_the_case_of_another(claims: dict[str, str], rate: Any, unrated: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    refused = rate(**claims)
    assert (refused.status_code, refused.get_json()["code"]) == (404, "not_found")
    assert unrated()


def test_an_unknown_case_cannot_be_rated(rate: Any, unrated: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    refused = rate({"case_no": say.CASE[:-1] + "9"})
    assert (refused.status_code, refused.get_json()["code"]) == (404, "not_found")
    assert unrated()


def test_ratings_are_counted_and_bad_ones_while_they_are_followed_up(
    rate: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    set_clock(datetime(2026, 1, 5, 2, tzinfo=UTC))
    open_a_case(say)
    end_it(say)
    before = metric("tongban_ratings_total", score="1")
    assert rate({"level": 1}).status_code == 201
    assert rate({"level": 1}, key="k-2").status_code == 409
    assert metric("tongban_ratings_total", score="1") == before + 1
    for day, still_open in ((6, 1), (7, 0)):
        set_clock(datetime(2026, 1, day, 2, tzinfo=UTC))
        show_gauges(SERVICE)
        assert metric("tongban_complaints_open") == still_open


def test_a_second_rating_is_refused_and_the_first_stays(rate: Any, look: Any, database: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    first = rate({"level": 5, "comment": "很好"}).get_json()
    refused = rate({"level": 1, "comment": "不好"}, key="k-2")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already_rated")
    assert look().get_json() == first
    assert [rating.level for rating in told(database, RatingGiven)] == [5]


def test_a_repeated_request_gives_the_first_answer_and_one_rating(rate: Any, database: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    first, again = (rate({"level": 2, "comment": WRITTEN}) for _ in range(2))
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert len(told(database, RatingGiven)) == 1
    reused = rate({"level": 3})
    assert (reused.status_code, reused.get_json()["code"]) == (422, "idempotency_key_reused")
    assert len(told(database, RatingGiven)) == 1


def test_of_ratings_given_at_once_one_counts(rate: Any, database: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(rate({"level": 1 + n}, key=f"k-{n}").status_code))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 409, 409, 409]
    assert len(told(database, RatingGiven)) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"level": 0}, {"level": 6}, {"level": 4.5}, {"level": True}, {"level": None}, {"level": "好"},
        {"comment": "字" * 501}, {"comment": 5}, {"aspects": ["colour"]}, {"aspects": ["speed"] * 6},
        {"case_no": ""}, {"case_no": "办件"}, {"case_no": "a\n"}, {"case_no": "\0"}, {"stars": 5},
    ],
)  # fmt: skip
def test_a_malformed_rating_changes_nothing(body: dict[str, Any], rate: Any, unrated: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    assert rate(body).status_code == 422
    assert unrated()


def test_a_comment_may_be_five_hundred_characters_long_or_left_out(rate: Any, look: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    assert rate({"comment": "字" * 500}).status_code == 201
    assert look().get_json()["comment"] == "字" * 500


@pytest.mark.parametrize("comment", [None, "", "   "])
def test_an_empty_comment_is_none(comment: str | None, rate: Any, look: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    assert rate({"comment": comment}).status_code == 201
    assert look().get_json()["comment"] is None


def test_a_rating_needs_a_token_with_the_scope_and_a_key(
    client: Any, tokens: Tokens, rate: Any, unrated: Any, say: Any
) -> None:
    open_a_case(say)
    end_it(say)
    body = {"case_no": say.CASE, "level": 5}
    assert client.post("/api/v1/ratings", json=body).status_code == 401
    officer = tokens.headers("tasks:read", kind="officer", dept="police") | {"Idempotency-Key": "k"}
    assert client.post("/api/v1/ratings", json=body, headers=officer).status_code == 403
    assert rate(key="").get_json()["code"] == "idempotency_key_missing"
    assert unrated()


def test_only_the_applicant_and_supervisors_read_a_rating(look: Any, rate: Any, client: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    assert look().status_code == 404  # nothing to read yet
    rate({"level": 1, "comment": WRITTEN})
    assert look().get_json()["comment"] == WRITTEN
    assert look(kind="supervisor", party="s-1").get_json()["comment"] == WRITTEN
    for claims in ({"party": OTHER}, {"party": "officer-wang", "kind": "officer", "dept": "police"}):
        refused = look(**claims)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "not_found")
        assert WRITTEN not in refused.text
    assert look(scope="trails:read").status_code == 403
    assert client.get(f"/api/v1/ratings/{say.CASE}").status_code == 401
    for unknown in (say.CASE[:-1] + "9", "%00", "办件"):
        assert look(unknown, kind="supervisor").status_code == 404


def test_what_was_written_is_in_no_event_and_in_no_figure(rate: Any, client: Any, database: Any, say: Any) -> None:
    open_a_case(say)
    end_it(say)
    rate({"level": 1, "comment": WRITTEN})
    with database.read() as connection:
        bodies = connection.execute(sa.select(database.outbox.c.body)).scalars().all()
    assert len(bodies) == 1
    deliver(SERVICE, "audit.figures", *bodies)
    assert WRITTEN not in bodies[0].decode()
    assert WRITTEN not in client.get("/api/v1/figures").text


def test_the_trail_of_a_case_shows_that_it_was_rated(
    rate: Any, client: Any, database: Any, tokens: Tokens, say: Any
) -> None:
    open_a_case(say)
    end_it(say)
    rate()
    with database.read() as connection:
        deliver(SERVICE, "audit.ledger", *connection.execute(sa.select(database.outbox.c.body)).scalars())
    trail = client.get(f"/api/v1/trails/{say.CASE}", headers=tokens.headers("trails:read", party=say.APPLICANT))
    assert [(e["title"], e["title_en"]) for e in trail.get_json()["events"]][1:] == [("服务评价", "Service rated")]


@pytest.mark.parametrize(("level", "by"), [(1, "2026-01-06"), (2, "2026-01-06"), (3, None), (4, None), (5, None)])
def test_a_bad_rating_is_to_be_followed_up(
    level: int, by: str | None, rate: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    open_a_case(say)
    end_it(say)
    assert rate({"level": level}).get_json()["follow_up_by"] == by


def test_a_rating_is_of_its_day_in_shanghai(rate: Any, set_clock: Callable[[datetime], None], say: Any) -> None:
    open_a_case(say)
    end_it(say)
    set_clock(datetime(2026, 1, 6, 16, 30, tzinfo=UTC))
    answer = rate({"level": 1}).get_json()
    assert (answer["given_on"], answer["follow_up_by"]) == ("2026-01-07", "2026-01-08")


@pytest.mark.parametrize(
    ("given_on", "by"),
    [
        (date(2025, 9, 22), date(2025, 9, 23)),
        (date(2025, 9, 19), date(2025, 9, 22)),  # over a weekend
        (date(2025, 9, 27), date(2025, 9, 28)),  # a Sunday that is worked (调休)
        (date(2025, 9, 30), date(2025, 10, 9)),  # over National Day and Mid-Autumn
        (date(2050, 4, 29), date(2050, 5, 3)),  # Friday, in a year that is not published: the fixed holidays
    ],
)
def test_a_follow_up_is_due_on_the_next_working_day(given_on: date, by: date) -> None:
    assert follow_up_by(1, given_on, is_working_day) == by
