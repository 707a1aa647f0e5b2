"""Fields that the schemas of definitions share."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from services.catalog.adapters.plain_json import require_plain_text
from services.catalog.domain import vocabulary as v

NAME = r"^[a-z][a-z0-9_]*\Z"
ADDRESS = r"^(https?://[^\s/]+(/\S*)?|/\S*)?\Z"


class LawDate(ma.fields.Date):
    """A date of Asia/Shanghai; shown as it is stored."""

    def _serialize(self, value: date | str | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if isinstance(value, str) else super()._serialize(value, attr, obj, **kwargs)


def words(longest: int, *, may_be_empty: bool = False, about: str = "") -> ma.fields.String:
    """A required text of at most ``longest`` characters."""
    size = Length(min=0 if may_be_empty else 1, max=longest)
    return ma.fields.String(required=True, validate=[size, require_plain_text], metadata={"description": about})


def optional_words(longest: int, about: str = "") -> ma.fields.String:
    """A text that may be left out."""
    size = Length(max=longest)
    return ma.fields.String(load_default="", validate=[size, require_plain_text], metadata={"description": about})


def web_address(about: str = "") -> ma.fields.String:
    """A link that may be left out: http(s), or a path of this platform."""
    return ma.fields.String(
        load_default="",
        validate=[Regexp(ADDRESS), Length(max=500), require_plain_text],
        metadata={"description": about},
    )


def one_of(codes: Collection[str], about: str = "") -> ma.fields.String:
    """A code of a code list."""
    return ma.fields.String(required=True, validate=OneOf(list(codes)), metadata={"description": about})


def optional_one_of(codes: Collection[str], default: str, about: str = "") -> ma.fields.String:
    """A code of a code list, or ``default`` when left out."""
    return ma.fields.String(
        load_default=default, validate=OneOf(sorted({*codes, default})), metadata={"description": about}
    )


def several_of(labels: v.Labels) -> ma.fields.List[str]:
    """Codes of a code list."""
    return ma.fields.List(ma.fields.String(validate=OneOf(list(labels))), required=True, validate=Length(max=20))


def optional_several_of(codes: Collection[str], *default: str, about: str = "") -> ma.fields.List[str]:
    """Codes of a code list, ``default`` when left out."""
    return ma.fields.List(
        ma.fields.String(validate=OneOf(list(codes))),
        load_default=lambda: list(default),
        validate=Length(max=20),
        metadata={"description": about},
    )


def many(schema: type[ma.Schema], most: int) -> ma.fields.List[Any]:
    """A required list of at most ``most`` parts."""
    return ma.fields.List(ma.fields.Nested(schema), required=True, validate=Length(max=most))


def optional_many(schema: type[ma.Schema], most: int, about: str = "") -> ma.fields.List[Any]:
    """A list of at most ``most`` parts that may be left out."""
    return ma.fields.List(
        ma.fields.Nested(schema), load_default=list, validate=Length(max=most), metadata={"description": about}
    )


def optional_part(schema: type[ma.Schema], about: str = "") -> ma.fields.Nested:
    """A part that may be left out."""
    return ma.fields.Nested(schema, load_default=None, allow_none=True, metadata={"description": about})


def names(about: str = "") -> ma.fields.List[str]:
    """Short names of other parts, such as steps, that may be left out."""
    return ma.fields.List(
        ma.fields.String(validate=Length(min=1, max=100)),
        load_default=list,
        validate=Length(max=100),
        metadata={"description": about},
    )


def whole(least: int, most: int, about: str = "") -> ma.fields.Integer:
    """A required whole number."""
    return ma.fields.Integer(required=True, strict=True, validate=Range(least, most), metadata={"description": about})


def optional_whole(least: int, most: int, about: str = "") -> ma.fields.Integer:
    """A whole number, None when left out."""
    return ma.fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=Range(least, most),
        metadata={"description": about},
    )


def flag(about: str = "") -> ma.fields.Boolean:
    """Yes or no; no when left out."""
    return ma.fields.Boolean(load_default=False, metadata={"description": about})


def short_name(about: str = "") -> ma.fields.String:
    """A short name: department code, step, material code."""
    return ma.fields.String(required=True, validate=[Regexp(NAME), Length(max=40)], metadata={"description": about})


def optional_short_name(about: str = "") -> ma.fields.String:
    """A short name that may be left out."""
    return ma.fields.String(
        load_default="",
        validate=[Regexp(r"^([a-z][a-z0-9_]*)?\Z"), Length(max=40)],
        metadata={"description": about},
    )
