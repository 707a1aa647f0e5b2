"""Check digits of 公民身份号码 (GB 11643) and 统一社会信用代码 (GB 32100). Refusals never repeat the number."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from chassis.errors import Refusal
from services.identity.domain.sensitive import Sensitive

LAW_ZONE = ZoneInfo("Asia/Shanghai")


def identity_number(written: Sensitive, now: datetime) -> Sensitive:
    """The number in normal form: 18 characters, X in upper case. Raises Refusal ``identity_number_invalid``."""
    number = ric.compact(written.reveal())
    if not _is_identity_number(number, now.astimezone(LAW_ZONE).date()):
        raise Refusal("identity_number_invalid", "公民身份号码有误 / the identity number is not valid")
    return Sensitive(number)


def _is_identity_number(number: str, today: date) -> bool:
    """Not ``ric.validate``: it wants the county to have existed at birth, and refuses people who were registered later."""
    digits = number[:17]
    if len(number) != 18 or not (digits.isascii() and digits.isdigit()) or number[17] != ric.calc_check_digit(number):
        return False
    try:
        born = ric.get_birth_date(number)
    except ValidationError:
        return False
    [_, province], *_ = numdb.get("cn/loc").info(number)
    return "province" in province and date(1850, 1, 1) <= born <= today


def born_on(number: Sensitive) -> date:
    """The birthday in a valid identity number."""
    return date.fromisoformat(number.reveal()[6:14])


def credit_code(written: str) -> str:
    """The code in normal form: 18 characters in upper case. Raises Refusal ``uscc_invalid``."""
    try:
        return str(uscc.validate(written))
    except ValidationError as error:
        raise Refusal("uscc_invalid", "统一社会信用代码有误 / the unified social credit code is not valid") from error
