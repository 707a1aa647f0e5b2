"""Rules of licences: numbers, validity, masking, what may be printed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.documents.domain.holder import Holder, shown_to_strangers
from services.documents.domain.licence_face import MOST_PARTICULARS, compose_face, compose_particulars
from services.documents.domain.licence_metadata import compose_metadata
from services.documents.domain.licence_number import LicenceNumber, check_character, parse
from services.documents.domain.media import fits
from services.documents.domain.printable import printable
from services.documents.domain.validity import shanghai_date, status_on, valid_until
from tests.factories.items import make_item
from tests.factories.licences import approved


@pytest.mark.parametrize(
    ("type_code", "issuer", "serial", "check"),
    [
        ("11100000000013338W011", "11430000006122244L", "20230000403", "U"),
        ("11100000MB03271699022", "340100", "000000016", "9"),
    ],
)
def test_published_licence_numbers_have_their_check_character(
    type_code: str, issuer: str, serial: str, check: str
) -> None:
    number = LicenceNumber(type_code, issuer, serial)
    assert str(number) == f"1.2.156.3005.2.{type_code}.{issuer}.{serial}.001.{check}"
    assert parse(str(number)) == number


def test_every_single_wrong_character_of_a_number_is_found() -> None:
    body = "11100000000013338W01111430000006122244L20230000403001"
    right = check_character(body)
    for place, character in enumerate(body):
        for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            if other != character:
                assert check_character(body[:place] + other + body[place + 1 :]) != right


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.156.3005.2",
        "1.2.156.3005.2.....",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.V",
        "1.2.156.3005.2.11100000000013338w011.11430000006122244L.20230000403.001.U",
        "x1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
        "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U\n",
        "1.2.156.3005.2.１１.11430000006122244L.20230000403.001.U",
    ],
)
def test_what_is_no_licence_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse(text)


def test_a_licence_ends_on_the_same_day_or_the_months_last() -> None:
    assert valid_until(date(2026, 1, 5), 3) == date(2029, 1, 5)
    assert valid_until(date(2028, 2, 29), 1) == date(2029, 2, 28)
    assert valid_until(date(2026, 1, 5), None) is None


def test_status_counts_the_last_day_and_puts_revocation_first() -> None:
    until = date(2027, 1, 5)
    assert status_on(date(2027, 1, 5), until=until, revoked_on=None) == "valid"
    assert status_on(date(2027, 1, 6), until=until, revoked_on=None) == "expired"
    assert status_on(date(2027, 1, 6), until=until, revoked_on=date(2026, 5, 1)) == "revoked"
    assert status_on(date(2099, 1, 1), until=None, revoked_on=None) == "valid"


def test_the_date_of_law_is_that_of_shanghai() -> None:
    assert shanghai_date(datetime(2026, 1, 4, 16, 0, tzinfo=UTC)) == date(2026, 1, 5)
    assert shanghai_date(datetime(2026, 1, 4, 15, 59, tzinfo=UTC)) == date(2026, 1, 4)


def test_strangers_see_a_persons_family_name_and_an_organisations_name() -> None:
    assert shown_to_strangers("张三丰", "111") == "张*"
    assert shown_to_strangers("云溪县实验小学", "001") == "云溪县实验小学"


def test_facts_stand_in_their_own_order_under_the_forms_titles_and_in_its_words() -> None:
    choice = {"title": "类型", "title_en": "Type", "oneOf": [{"const": "s", "title": "学校", "title_en": "School"}]}
    schema = {"properties": {"b": choice, "a": {"title": "站"}, "c": {"items": choice}}}
    rows = compose_particulars({"b": "s", "x": None, "a": True, "c": ["s", 2]}, schema)
    assert [(row.label, row.label_en, row.value) for row in rows] == [
        ("类型", "Type", "学校 School"),
        ("x", "", "—"),
        ("站", "", "是 Yes"),
        ("c", "", "学校 School、2"),
    ]


def test_a_long_value_has_a_line_of_its_own() -> None:
    short, long = compose_particulars({"short": "云溪县第一小学", "long": "云溪镇—清水村—白石桥—云溪县第一小学"}, {})
    assert (short.wide, long.wide) == (False, True)


def test_too_many_facts_end_with_a_line_that_says_so() -> None:
    rows = compose_particulars({str(n): n for n in range(MOST_PARTICULARS + 5)}, {})
    assert len(rows) == MOST_PARTICULARS + 1
    assert rows[-1].value.startswith("5 ")


def test_only_visible_characters_of_the_font_are_printed() -> None:
    cover = bytearray(0x110000)
    for character in "张三 é":
        cover[ord(character)] = 1
    assert printable("张\u202e三\n\u0000\ufe0f😀", cover) == "张三 〓"


def test_media_types_are_told_by_their_first_bytes() -> None:
    assert fits("application/pdf", b"%PDF-1.7")
    assert not fits("application/pdf", b"%PDF")
    assert not fits("image/png", b"\xff\xd8\xff\xe0aaaa")


def test_conditions_of_the_decision_stand_on_the_licence_and_in_its_metadata() -> None:
    holder = Holder(party_id="o-1", name="云溪县实验小学", code_type="001", code="12370800MB28559184")
    number = LicenceNumber("11100000000013338W011", "11370800MB28559184", "00000001")
    until = {"issued_on": date(2026, 1, 5), "until": None}
    for conditions in ((), ("冬季限速四十公里", "每车配照管员")):
        event = approved(conditions=conditions)
        face = compose_face(event, item=make_item(), holder=holder, licence_no=str(number), **until)
        printed = [row.value for row in face.particulars if row.label == "附条件"]
        assert printed == (["；".join(conditions)] if conditions else [])
        metadata = compose_metadata(event, number=number, holder=holder, file_url="x", **until)
        assert metadata["extend_info"].get("conditions", []) == list(conditions)
