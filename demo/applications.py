"""Who applies for what in the demonstration. Forms are the examples that the items' own schemas carry."""

from __future__ import annotations

from dataclasses import dataclass

import typst


@dataclass(frozen=True)
class Application:
    """``item`` is the item's name in the catalogue, ``username`` a demo account."""

    title: str
    item: str
    username: str


SCHOOL_BUS = Application("校车使用许可 / School bus permit", "校车使用许可", "school-agent")
ENROLMENT = Application("教育入学一件事 / School enrolment in one go", "教育入学一件事", "parent")


def paper(title: str) -> bytes:
    """A one-page PDF that stands for a scanned material."""
    return bytes(typst.compile(b"= #sys.inputs.title", sys_inputs={"title": title}))
