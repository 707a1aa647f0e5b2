"""Several items in one application (一件事): one form with each field once, each material once, parts that may not apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from contracts.item import Condition, Item, MaterialRule, Package, PackagePart
from services.catalog.domain.conditions import fields_of
from services.catalog.domain.form_rules import DIALECT
from services.catalog.domain.merged_form import condition_schema, renamed_fragment, required_of, same_field
from services.catalog.domain.package import PackageDefinition, PartDefinition
from services.catalog.domain.problems import Problem


@dataclass
class _Wanted:
    """A material of the package with every item's rule for it, and the conditions under which each item asks for it."""

    rules: list[MaterialRule] = field(default_factory=list)
    conditions: list[tuple[Condition, ...]] = field(default_factory=list)


def merge(definition: PackageDefinition, items: Mapping[str, Item], version: int) -> tuple[Package, list[Problem]]:
    """The package that ``definition`` makes of ``items`` (by code, those that are in force), and what is wrong with it.

    Parts whose item is missing are left out of the package and told as problems.
    """
    problems: list[Problem] = []
    form = _Form(definition, problems)
    materials = _Materials(problems)
    parts: list[PackagePart] = []
    for n, part in enumerate(definition.parts):
        item = items.get(part.item_code)
        if item is None:
            problems.append(
                Problem(
                    "package_item_unavailable",
                    f"parts.{n}.item_code",
                    f"事项 {part.item_code} 没有现行版本 / no version of item {part.item_code} is in force",
                )
            )
            continue
        fields = form.add(n, part, item)
        codes = materials.add(n, part, item, fields)
        parts.append(PackagePart(item_code=part.item_code, materials=codes, fields=fields, when=part.when))
    package = Package(
        package_code=definition.package_code,
        version=version,
        name=definition.name,
        name_en=definition.name_en,
        lead_department=definition.lead_department,
        form_schema=form.schema(),
        materials=materials.rules(),
        parts=tuple(parts),
    )
    return package, problems


class _Form:
    """The one form, as parts are added to it."""

    def __init__(self, definition: PackageDefinition, problems: list[Problem]) -> None:
        self._head = definition.form
        self._problems = problems
        self._fields: dict[str, Any] = dict(definition.questions)
        self._questions = frozenset(definition.questions)
        self._required: list[str] = []
        self._rules: list[Any] = []

    def add(self, n: int, part: PartDefinition, item: Item) -> dict[str, str]:
        """Take in the item's form; the item's field -> the package's."""
        theirs = fields_of(item.form_schema)
        for name in part.fields:
            if name not in theirs:
                self._tell(
                    "package_field_unknown", n, f"事项表单没有填写项 {name}", f"the item's form has no field {name}"
                )
        names = {name: part.fields.get(name, name) for name in theirs}
        for name, target in names.items():
            if target in self._questions and name not in part.fields:
                self._tell(
                    "package_question_clash",
                    n,
                    f"填写项 {target} 与附加问题重名",
                    f"field {target} has the name of a question of the package",
                )
            elif target in self._fields and not same_field(self._fields[target], theirs[name]):
                self._tell(
                    "package_field_conflict",
                    n,
                    f"填写项 {target} 在各事项中含义或格式不同，请改名",
                    f"field {target} differs between the items; rename it",
                )
            self._fields.setdefault(target, theirs[name])
        self._bind(part, item, names)
        return names

    def _bind(self, part: PartDefinition, item: Item, names: Mapping[str, str]) -> None:
        required = [names[name] for name in required_of(item.form_schema) if name in names]
        rules = renamed_fragment(item.form_schema, names)
        if not part.when:
            self._required += [name for name in required if name not in self._required]
            if rules:
                self._rules.append(rules)
        elif required or rules:
            then = ({"required": required} if required else {}) | rules
            self._rules.append({"if": condition_schema(part.when), "then": then})

    def schema(self) -> dict[str, Any]:
        """The form as JSON Schema."""
        head = {"$schema": DIALECT, "type": "object", "title": self._head.title, "title_en": self._head.title_en}
        rules = {"allOf": self._rules} if self._rules else {}
        return head | {"additionalProperties": False, "required": self._required, "properties": self._fields} | rules

    def _tell(self, code: str, n: int, zh: str, en: str) -> None:
        self._problems.append(Problem(code, f"parts.{n}.fields", f"{zh} / {en}"))


class _Materials:
    """Every material once, as parts are added."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._wanted: dict[str, _Wanted] = {}

    def add(self, n: int, part: PartDefinition, item: Item, fields: Mapping[str, str]) -> dict[str, str]:
        """Take in the item's materials; the item's code -> the package's."""
        known = {rule.code for rule in item.materials}
        for code in sorted(set(part.materials) - known):
            self._problems.append(
                Problem(
                    "package_material_unknown",
                    f"parts.{n}.materials",
                    f"事项没有材料 {code} / the item has no material {code}",
                )
            )
        codes: dict[str, str] = {}
        for rule in item.materials:
            target = part.materials.get(rule.code) or self._same_as(rule) or self._free_code(rule.code)
            codes[rule.code] = target
            wanted = self._wanted.setdefault(target, _Wanted())
            if not _together(wanted.rules, rule):
                self._problems.append(
                    Problem(
                        "package_media_types",
                        f"parts.{n}.materials",
                        f"合并的材料 {target} 没有共同的文件格式 / the merged material {target} has no file type in common",
                    )
                )
            wanted.rules.append(rule)
            inner = tuple(msgspec.structs.replace(c, field=fields.get(c.field, c.field)) for c in rule.when)
            wanted.conditions.append((*part.when, *inner))
        return codes

    def rules(self) -> tuple[MaterialRule, ...]:
        """The merged rules, in the order in which they were first asked for."""
        return tuple(_merged(code, wanted) for code, wanted in self._wanted.items())

    def _same_as(self, rule: MaterialRule) -> str | None:
        """The package's code of the same material: that of the same name, or for which the same licence stands in."""
        for code, wanted in self._wanted.items():
            for other in wanted.rules:
                if other.name == rule.name or (rule.licence_type and other.licence_type == rule.licence_type):
                    return code
        return None

    def _free_code(self, code: str) -> str:
        """``code``, or another if a different material has it."""
        n, free = 2, code
        while free in self._wanted:
            n, free = n + 1, f"{code}_{n}"
        return free


def _together(rules: Sequence[MaterialRule], rule: MaterialRule) -> bool:
    return not rules or bool(set(rule.media_types).intersection(*(one.media_types for one in rules)))


def _merged(code: str, wanted: _Wanted) -> MaterialRule:
    """What satisfies every item that asks for it.

    It is asked for under the condition that all share, or always if some item always asks; where items ask under different
    conditions it may be handed in, and each item asks for it itself when its case is opened.
    """
    first, rules = wanted.rules[0], wanted.rules
    always = [not conditions for conditions in wanted.conditions]
    shared = wanted.conditions[0] if all(c == wanted.conditions[0] for c in wanted.conditions) else ()
    decisive = [rule for rule, every in zip(rules, always, strict=True) if every or shared]
    media_types = [kind for kind in first.media_types if all(kind in rule.media_types for rule in rules)]
    later = [rule.later_working_days for rule in rules]
    return msgspec.structs.replace(
        first,
        code=code,
        required=any(rule.required for rule in decisive),
        media_types=tuple(media_types),
        max_bytes=min(rule.max_bytes for rule in rules),
        when=shared,
        later_working_days=None if None in later else min(days for days in later if days is not None),
        licence_type=next((rule.licence_type for rule in rules if rule.licence_type), None),
    )
