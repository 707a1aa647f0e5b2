"""沙箱证照: one of every answer that verification gives, and nothing that could be taken for a real licence."""

from __future__ import annotations

from datetime import date

from stdnum.cn import uscc

from services.documents.domain.licence_number import parse
from services.documents.domain.sandbox import ISSUER_NAME, ISSUER_USCC, sandbox_licences
from services.documents.domain.validity import status_on

TODAY = date(2026, 1, 5)


def test_there_is_one_of_every_status_and_of_either_kind_of_holder() -> None:
    licences = sandbox_licences(TODAY)
    statuses = [status_on(TODAY, until=one.valid_until, revoked_on=one.revoked_on) for one in licences]
    assert sorted(set(statuses)) == ["expired", "revoked", "valid"]
    assert {one.holder_code_type for one in licences} == {"001", "111"}


def test_numbers_have_the_right_form_and_say_sandbox_where_people_read() -> None:
    licences = sandbox_licences(TODAY)
    assert [str(parse(one.licence_no)) for one in licences] == [one.licence_no for one in licences]
    assert len({one.licence_no for one in licences}) == len(licences)
    assert uscc.is_valid(ISSUER_USCC)
    assert ISSUER_NAME.startswith("沙箱")
