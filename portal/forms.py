"""An item's form schema as fields of a page, and what comes back as the form that the API takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from werkzeug.datastructures import MultiDict

from portal.language import either, is_english

_INPUT_KINDS = {"integer": "number", "number": "number", "boolean": "checkbox"}


@dataclass(frozen=True)
class Field:
    """One field: what the component ``field`` takes."""

    name: str
    label: str
    kind: str
    required: bool
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """The schema's properties in its order."""
    required = set(schema.get("required", ()))
    return [_field(name, rule, name in required) for name, rule in schema.get("properties", {}).items()]


def _field(name: str, rule: Mapping[str, Any], required: bool) -> Field:
    options = _options(rule)
    kind = _kind(rule, options)
    hint = either(rule, "description")
    if rule.get("type") == "array":
        hint = hint or ("One per line." if is_english() else "每行一个。")
    attributes = {
        html: rule[name]
        for name, html in (
            ("minLength", "minlength"),
            ("maxLength", "maxlength"),
            ("minimum", "min"),
            ("maximum", "max"),
        )
        if name in rule
    }
    return Field(name, either(rule, "title") or name, kind, required and kind != "checkbox", hint, options, attributes)


def _options(rule: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    choices = [(str(one["const"]), either(one, "title") or str(one["const"])) for one in rule.get("oneOf", ())]
    return tuple(choices or [(str(value), str(value)) for value in rule.get("enum", ())])


def _kind(rule: Mapping[str, Any], options: tuple[tuple[str, str], ...]) -> str:
    if options:
        return "radio" if len(options) <= 4 else "select"
    if rule.get("type") == "array" or rule.get("maxLength", 0) > 200:
        return "textarea"
    if rule.get("format") == "date":
        return "date"
    return _INPUT_KINDS.get(str(rule.get("type")), "text")


def read_form(schema: Mapping[str, Any], posted: MultiDict[str, str]) -> dict[str, Any]:
    """What was filled in, typed as the schema says where it can be; what is empty is left out."""
    form = {}
    for name, rule in schema.get("properties", {}).items():
        value = _typed(rule, posted.get(name, "").replace("\r\n", "\n").strip())
        if value not in ("", [], None):
            form[name] = value
    return form


def _typed(rule: Mapping[str, Any], text: str) -> Any:
    kind = rule.get("type")
    if kind == "boolean":
        return text == "true"
    if kind == "array":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind in ("integer", "number") and text:
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text
    return text


def shown(value: Any) -> str:
    """A value of a form as its field shows it."""
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def answers_of(schema: Mapping[str, Any], form: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The form as people read it: label and answer, in the schema's order; what the schema does not know comes last."""
    known = schema.get("properties", {})
    order = [*(name for name in known if name in form), *(name for name in form if name not in known)]
    return [
        (either(known.get(name, {}), "title") or name, _in_words(known.get(name, {}), form[name])) for name in order
    ]


def _in_words(rule: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, bool):
        return {True: "Yes", False: "No"}[value] if is_english() else {True: "是", False: "否"}[value]
    return dict(_options(rule)).get(str(value), shown(value))


def errors_of(schema: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, a sentence for each field; the first error of a field counts."""
    found: dict[str, str] = {}
    for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(dict(form)):
        if error.validator == "required":
            names = [name for name in error.validator_value if name not in form]
        else:
            names = [str(error.absolute_path[0])] if error.absolute_path else []
        for name in names:
            rule = schema.get("properties", {}).get(name, {})
            found.setdefault(
                name, _sentence(either(rule, "title") or name, str(error.validator), error.validator_value)
            )
    order = [name for name in schema.get("properties", {}) if name in found]
    return {name: found[name] for name in order}


def _sentence(label: str, rule: str, limit: Any) -> str:
    english, chinese = {
        "required": ("Fill in: {label}", "请填写：{label}"),
        "minLength": ("{label}: at least {limit} characters", "{label}：至少 {limit} 个字"),
        "maxLength": ("{label}: at most {limit} characters", "{label}：最多 {limit} 个字"),
        "minimum": ("{label}: at least {limit}", "{label}：不小于 {limit}"),
        "maximum": ("{label}: at most {limit}", "{label}：不大于 {limit}"),
        "minItems": ("{label}: at least {limit}, one per line", "{label}：至少 {limit} 项，每行一项"),
        "maxItems": ("{label}: at most {limit}", "{label}：最多 {limit} 项"),
        "type": ("{label}: not the right kind of value", "{label}：填写的不是要求的类型"),
    }.get(rule, ("{label}: check the format", "{label}：格式不正确，请核对"))
    return (english if is_english() else chinese).format(label=label, limit=limit)
