"""脱敏: how personal data is shown to who has given no reason to see it. Lengths are hidden too, where they tell something."""

from __future__ import annotations

import re

# Province, prefecture and district, each with a short name before it; neither a street nor a housing estate (小区) is one.
_NAME = r"[^0-9０-９\s路街巷号]{1,12}?"
_TO_DISTRICT = re.compile(
    rf"(?:{_NAME}(?:省|自治区|特别行政区))?(?:{_NAME}(?:市|自治州|盟|地区))?(?:{_NAME}(?:(?<![小社])区|县|旗|市))?"
)


def masked_name(name: str) -> str:
    """张三丰 -> 张*."""
    return f"{name[:1]}*"


def masked_number(number: str) -> str:
    """First three and last four of a 公民身份号码, stars between: 110***********0019. Shorter than twelve: stars only."""
    if len(number) < 12:
        return "*" * len(number)
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"


def masked_mobile(mobile: str) -> str:
    """138****1234; what is no mobile number of eleven digits shows its last two only."""
    if re.fullmatch(r"1[0-9]{10}", mobile):
        return f"{mobile[:3]}****{mobile[-4:]}"
    return "*" * max(len(mobile) - 2, 0) + mobile[-2:]


def masked_email(address: str) -> str:
    """z***@example.org."""
    user, _, host = address.rpartition("@")
    return f"{user[:1]}***@{host}"


def masked_address(address: str) -> str:
    """Down to the district: 杭州市西湖区文三路1号 -> 杭州市西湖区***. Without a district nothing is shown."""
    district = _TO_DISTRICT.match(address)
    shown = district.group() if district else ""
    return f"{shown}***"
