"""延续: a year passes, so that this comes last of all."""

from __future__ import annotations

from datetime import date, timedelta

from tests.factories.definitions import make_definition, type_code
from tests.journeys.case import apply, apply_refused
from tests.journeys.platform import Town
from tests.journeys.ways import journey

OPINIONS = ("police_opinion", "transport_opinion")


@journey
def who_asks_in_time_for_renewal_is_renewed_by_silence(town: Town) -> None:
    first = apply(town, town.publish(make_definition(132)))
    first.agree("accept", *OPINIONS, "examine", "decide")
    licence = first.ended("closed")
    code = town.publish(make_definition(133, renewal={"licence_type": type_code(132), "days_before_expiry": 30}))
    assert apply_refused(town, code).code == "licence_to_renew_unknown"
    assert licence["licence_until"] is not None
    case = apply(town, code, renews_licence=licence["licence_no"])
    case.agree("accept")
    town.go_to(date.fromisoformat(licence["licence_until"]))
    assert case.state == "under_examination"
    town.go_to(town.today + timedelta(days=1))
    shown = case.ended("closed")
    assert shown["timeline"][-2]["rule"] == "行政许可法 §50"
    assert case.tasks("cancelled").keys() == {*OPINIONS}
