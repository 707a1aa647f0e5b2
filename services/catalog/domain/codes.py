"""Codes of items: 基本编码 (12, or 10 of the 2016 generation), 实施编码 (31), 业务办理项编码 (33), the credit code (18) in them.

Source: GB/T 39554 (segments), GB 32100 (check digit, python-stdnum).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from services.catalog.domain.vocabulary import EXERCISE_LEVELS, ITEM_TYPES

ITEM_CODE = re.compile(r"[0-9A-Z]{18}[1-7][0-9]{12}")
NATIONAL = "00"
PROVINCES = frozenset(
    re.findall("..", "11121314152122233132333435363741424344454650515253546162636465718182"),
)


class CodeError(ValueError):
    """What is written is no code of its kind; the message says why, in Chinese and English."""


@dataclass(frozen=True, kw_only=True)
class BasicCode:
    """基本编码: 地区 2 + 类型 2 + 中央业务指导部门 2 + 主项 3 + 子项 3."""

    region: str
    item_type: str
    department: str
    main_item: str
    sub_item: str


@dataclass(frozen=True, kw_only=True)
class ItemCode:
    """实施编码: 实施主体统一社会信用代码 18 + 行使层级 1 + 基本编码 12."""

    uscc: str
    level: str
    basic_code: str


def check_uscc(code: str) -> str:
    """``code`` if it is a valid 统一社会信用代码 (18). Raises CodeError."""
    try:
        if uscc.validate(code) == code:
            return code
    except InvalidChecksum:
        raise CodeError("统一社会信用代码校验位不符 / the check digit of the credit code is wrong") from None
    except ValidationError:
        pass
    raise CodeError("统一社会信用代码应为18位，不含 I O S V Z / a credit code has 18 characters, none of I O S V Z")


def parse_former_code(code: str) -> tuple[str, str, str]:
    """类型 2 + 主项 5 + 子项 3 of a basic code of the 2016 generation (10 digits). Raises CodeError. Source: GB/T 39046."""
    if not re.fullmatch(r"[0-9]{10}", code):
        raise CodeError("2016年版基本编码应为10位数字 / a basic code of the 2016 generation has 10 digits")
    item_type, main_item, sub_item = code[:2], code[2:7], code[7:]
    if not is_item_type(item_type):
        raise CodeError(f"类型段 {item_type} 不存在 / item type {item_type} does not exist")
    if main_item == "00000":
        raise CodeError("主项段不得全为零 / the main item must not be zero")
    return item_type, main_item, sub_item


def parse_basic_code(code: str) -> BasicCode:
    """Segments of a 12-digit 基本编码. Raises CodeError."""
    if not re.fullmatch(r"[0-9]{12}", code):
        raise CodeError("基本编码应为12位数字 / a basic code has 12 digits")
    parsed = BasicCode(
        region=code[:2], item_type=code[2:4], department=code[4:6], main_item=code[6:9], sub_item=code[9:]
    )
    if parsed.region != NATIONAL and parsed.region not in PROVINCES:
        raise CodeError(f"地区段 {parsed.region} 不存在 / region {parsed.region} does not exist")
    if not is_item_type(parsed.item_type):
        raise CodeError(f"类型段 {parsed.item_type} 不存在 / item type {parsed.item_type} does not exist")
    if parsed.department == "00" or parsed.main_item == "000":
        raise CodeError("部门段和主项段不得全为零 / department and main item must not be zero")
    return parsed


def parse_item_code(code: str) -> ItemCode:
    """Segments of a 31-character 实施编码. Raises CodeError."""
    if len(code) != 31:
        raise CodeError("实施编码应为31位 / an implementing code has 31 characters")
    parsed = ItemCode(uscc=check_uscc(code[:18]), level=code[18], basic_code=code[19:])
    if parsed.level not in EXERCISE_LEVELS:
        raise CodeError(f"行使层级 {parsed.level} 不存在 / exercise level {parsed.level} does not exist")
    parse_basic_code(parsed.basic_code)
    return parsed


def parse_handling_code(code: str) -> tuple[ItemCode, int]:
    """A 33-character 业务办理项编码 as 实施编码 and sequence (1-99). Raises CodeError."""
    if len(code) != 33 or not re.fullmatch(r"[0-9]{2}", code[31:]) or code[31:] == "00":
        raise CodeError(
            "业务办理项编码应为实施编码加两位序号 / a handling item's code is the implementing code and two digits"
        )
    return parse_item_code(code[:31]), int(code[31:])


def check_licence_type_code(code: str) -> str:
    """``code`` if it is a 证照类型代码: definer's credit code and 3 digits. Raises CodeError. Source: GB/T 36902."""
    if len(code) != 21 or not re.fullmatch(r"[0-9]{3}", code[18:]):
        raise CodeError("证照类型代码应为21位 / a licence type code has 21 characters, the last three digits")
    check_uscc(code[:18])
    return code


def is_item_type(code: str) -> bool:
    """True for a type of the list or an extension of it (11-19 and 21-99)."""
    return code in ITEM_TYPES or re.fullmatch(r"1[1-9]|2[1-9]|[3-9][0-9]", code) is not None


def looks_like_item_code(text: str) -> bool:
    """True if ``text`` has the form of an 实施编码; cheap, for look-ups."""
    return ITEM_CODE.fullmatch(text) is not None
