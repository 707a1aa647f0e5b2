"""A definition as people write it: YAML in, YAML out, with nothing but plain JSON values between."""

from __future__ import annotations

from typing import Any

import yaml
from flask_babel import gettext as _

LONGEST = 150_000


class WrittenError(Exception):
    """The text is no definition; the message is for the page."""


class _Loader(yaml.SafeLoader):
    """Dates stay text. Aliases are refused: a short text of them stands for one that fills the memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("alias")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_definition(text: str) -> dict[str, Any]:
    """The definition. Raises WrittenError."""
    if len(text) > LONGEST:
        raise WrittenError(_("文字太长，最多 %(count)s 个字符", count=LONGEST))
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that takes less
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = _("（第 %(line)s 行）", line=mark.line + 1) if mark else ""
        raise WrittenError(_("不是有效的 YAML%(where)s", where=where)) from error
    if not isinstance(found, dict) or not _is_plain(found):
        raise WrittenError(_("应为“名称: 值”的列表，值为文字、数字、是否或它们的列表"))
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | bool | int | float)


def written(definition: dict[str, Any]) -> str:
    """The definition as YAML, in its own order."""
    return str(yaml.safe_dump(definition, allow_unicode=True, sort_keys=False, width=110))
