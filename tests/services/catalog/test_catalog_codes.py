from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain import codes
from services.catalog.domain.codes import CodeError

REAL_ITEM_CODE = "11370800MB28559184" + "3" + "370117002011"


def test_a_real_implementing_code_is_read_segment_by_segment() -> None:
    item = codes.parse_item_code(REAL_ITEM_CODE)
    assert (item.uscc, item.level, item.basic_code) == ("11370800MB28559184", "3", "370117002011")
    basic = codes.parse_basic_code(item.basic_code)
    segments = (basic.region, basic.item_type, basic.department, basic.main_item, basic.sub_item)
    assert segments == ("37", "01", "17", "002", "011")


def test_a_handling_item_is_the_implementing_code_and_a_sequence() -> None:
    assert codes.parse_handling_code(REAL_ITEM_CODE + "07") == (codes.parse_item_code(REAL_ITEM_CODE), 7)


ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", ["11370800MB28559184", "12441500196720244T"])
def test_published_credit_codes_are_valid_as_they_stand(code: str) -> None:
    assert codes.check_uscc(code) == code
    for otherwise in (code.lower(), f" {code}", f"{code[:4]}-{code[4:]}", code + "\n"):
        with pytest.raises(CodeError):
            codes.check_uscc(otherwise)


def test_a_basic_code_of_the_2016_generation_is_type_main_item_and_sub_item() -> None:
    assert codes.parse_former_code("0100501600") == ("01", "00501", "600")


@pytest.mark.parametrize(
    "code", ["", "010050160", "01005016000", "0000501600", "0100000600", "01O0501600", "０100501600"]
)
def test_a_false_code_of_the_2016_generation_is_refused(code: str) -> None:
    with pytest.raises(CodeError, match=" / "):
        codes.parse_former_code(code)


@given(st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_of_a_credit_code_is_found(place: int, wrong: str) -> None:
    good = "11370800MB28559184"
    bad = good[:place] + wrong + good[place + 1 :]
    if bad != good:
        with pytest.raises(CodeError):
            codes.check_uscc(bad)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "37011700201",
        "3701170020111",
        "37011700201A",
        "３７0117002011",
        "990117002011",
        "371117002011X",
        "370017002011",
        "370100002011",
        "370117000011",
    ],
)
def test_a_wrong_basic_code_is_refused(code: str) -> None:
    with pytest.raises(CodeError):
        codes.parse_basic_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        REAL_ITEM_CODE[:-1],
        REAL_ITEM_CODE + "0",
        "11370800MB28559185" + REAL_ITEM_CODE[18:],
        REAL_ITEM_CODE[:18] + "8" + REAL_ITEM_CODE[19:],
        REAL_ITEM_CODE[:18] + "0" + REAL_ITEM_CODE[19:],
        REAL_ITEM_CODE[:19] + "37011700201A",
        "I" * 31,
    ],
)
def test_a_wrong_implementing_code_is_refused(code: str) -> None:
    with pytest.raises(CodeError):
        codes.parse_item_code(code)


@pytest.mark.parametrize("tail", ["", "1", "00", "0A", "001", "１２"])
def test_a_wrong_sequence_of_a_handling_item_is_refused(tail: str) -> None:
    with pytest.raises(CodeError):
        codes.parse_handling_code(REAL_ITEM_CODE + tail)


@pytest.mark.parametrize("code", ["11370800MB28559184", "11370800MB2855918400A", "11370800MB28559185001"])
def test_a_wrong_licence_type_code_is_refused(code: str) -> None:
    with pytest.raises(CodeError):
        codes.check_licence_type_code(code)


@pytest.mark.parametrize(
    ("code", "known"),
    [("01", True), ("10", True), ("11", True), ("20", True), ("21", True), ("00", False), ("1", False)],
)
def test_item_types_and_their_extensions(code: str, known: bool) -> None:
    assert codes.is_item_type(code) is known
