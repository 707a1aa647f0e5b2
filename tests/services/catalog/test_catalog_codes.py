from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

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


@pytest.mark.parametrize(("first17", "digit"), [("11370800MB2855918", "4"), ("12441500196720244", "T")])
def test_check_digits_of_published_credit_codes(first17: str, digit: str) -> None:
    assert codes.uscc_check_digit(first17) == digit


@given(st.from_regex(r"[0-9]{8}", fullmatch=True), st.text(codes.ALPHABET, min_size=9, max_size=9))
def test_check_digits_agree_with_an_independent_library(head: str, tail: str) -> None:
    first17 = head + tail
    assert codes.uscc_check_digit(first17) == uscc.calc_check_digit(first17)
    assert codes.check_uscc(first17 + codes.uscc_check_digit(first17))


@given(st.integers(0, 17), st.sampled_from(codes.ALPHABET))
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
