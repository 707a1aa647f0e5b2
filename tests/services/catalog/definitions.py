"""Changes of a definition, and parts to change it with, for the tests of the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.catalog.adapters.definition_document import ItemDefinitionSchema, definition_of
from services.catalog.adapters.form_schema import form_schema_problems
from services.catalog.domain.publishing import publishing_problems

Document = dict[str, Any]


def problems_of(document: Document) -> list[str]:
    definition = definition_of(ItemDefinitionSchema().load(document))
    found = [*publishing_problems(definition), *form_schema_problems(definition.form_schema)]
    assert all(" / " in problem.detail and problem.where for problem in found)
    return [problem.code for problem in found]


def put(path: str, value: Any) -> Callable[[Document], None]:
    """A change of one place of the document, such as ``materials.0.basis``."""

    def change(document: Document) -> None:
        *way, last = path.split(".")
        node: Any = document
        for name in way:
            node = node[int(name)] if isinstance(node, list) else node[name]
        node[int(last) if isinstance(node, list) else last] = value

    return change


def both(*changes: Callable[[Document], None]) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for one in changes:
            one(document)

    return change


def add_step(**step: Any) -> Callable[[Document], None]:
    base = {"step": "more", "name": "环节", "name_en": "Step", "department": "police", "kind": "opinion"}
    return lambda document: document["plan"].append(base | {"limit_working_days": 1, "after": ["accept"]} | step)


def preview(**step: Any) -> Callable[[Document], None]:
    """A pre-review before acceptance."""
    base = {"step": "look", "name": "预审", "name_en": "Look", "department": "education", "kind": "pre_review"}

    def change(document: Document) -> None:
        document["plan"].append(base | {"limit_working_days": 1, "after": []} | step)
        document["plan"][0]["after"] = ["look"]

    return change


def days(amount: int) -> Document:
    return {"amount": amount, "unit": "working_day"}


NAMED = {"name": "名称", "name_en": "Name"}
CHARGED = {"charged": True, "basis": "某办法", "standard": "10元", "online_payment": True}
FEE = NAMED | {"code": "copy", "basis": "某办法", "standard": "10元", "standard_en": "10 yuan"}
PROVIDER = {"field": "operator_kind", "one_of": ["provider"]}
NOT_NEEDED = {"text": "学校自有车辆的，无需提交。", "text_en": "Not for a school's own bus."}
HEARING = NAMED | {"code": "hearing", "longest": days(20)}
SPRING = {"name": "春季", "name_en": "Spring", "opens": "2026-03-01", "closes": "2026-03-31"}
PROMISE = {"materials": ["safety_rules"], "text": "承诺已有制度", "text_en": "We have rules", "check_within": days(30)}
QUESTION = {
    "code": "inspected", "question": "车辆已检验合格吗？", "question_en": "Has the vehicle passed?", "must_be": True,
    "otherwise": "请先检验", "otherwise_en": "Have it inspected first",
}  # fmt: skip  # fmt: skip
MORNING = {"weekdays": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "12:00"}
VENUE = NAMED | {
    "address": "一楼",
    "address_en": "Ground floor",
    "hours": [MORNING, MORNING | {"opens": "13:30", "closes": "17:00"}],
}
PHONE = {"kind": "phone", "address": "0399-5550105"}
POINT = {"point": "车辆", "point_en": "Vehicle", "standard": "合格", "standard_en": "Passed"}
BROKER = NAMED | {
    "basis": "某法",
    "providers": "检验机构",
    "providers_en": "Inspectors",
    "fee": "市场价",
    "fee_en": "Market",
}
