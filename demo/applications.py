"""Who applies for what in the demonstration. Forms are the examples that the items' own schemas carry, where they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import typst


@dataclass(frozen=True)
class Application:
    """``item`` is the item's name in the catalogue, ``username`` a demo account; ``form`` where the schema has no example."""

    title: str
    item: str
    username: str
    form: Mapping[str, str | int] | None = None


SCHOOL_BUS = Application("校车使用许可 / School bus permit", "校车使用许可", "school-agent")
ENROLMENT = Application("教育入学一件事 / School enrolment in one go", "教育入学一件事", "parent")
REISSUE = Application(
    "教师资格证书补发、换发 / Teacher certificate reissue",
    "教师资格证书补发、换发",
    "parent",
    {
        "name": "林晓芸",
        "id_no": "330000198807230046",
        "certificate_no": "20103300000000017",
        "reason": "lost",
        "phone": "13900000000",
    },
)
BROCHURE = Application(
    "招生简章备案 / Filing of an admission brochure",
    "民办学校招生简章和广告备案",
    "school-agent",
    {"school_name": "云溪县第一小学", "year": 2026, "contact_name": "周敏", "contact_phone": "13900000000"},
)


def paper(title: str) -> bytes:
    """A one-page PDF that stands for a scanned material."""
    return bytes(typst.compile(b"= #sys.inputs.title", sys_inputs={"title": title}))
