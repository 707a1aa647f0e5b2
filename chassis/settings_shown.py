"""The settings for people to read: with the values in force, and as the table of docs/operations.md."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

from chassis.setting import Setting
from chassis.settings import Settings
from chassis.settings_table import COMMANDS, DECLARED

HIDDEN = "***"


def in_force(settings: Settings) -> Iterator[str]:
    """A line for each: variable, value, and where it comes from."""
    for name, one in DECLARED.items():
        yield f"{one.variable}={_shown(one, getattr(settings, name))}  {_source(one)}"


def masked(url: str) -> str:
    """``url`` without its password; a text that is no URL is hidden whole."""
    parts = urlsplit(url)
    if not parts.scheme or "://" not in url:
        return HIDDEN
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url
    netloc = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))


def settings_table() -> str:
    """Markdown: variable, default, meaning, who reads it."""
    rows = ["| 变量 / variable | 默认 / default | 含义 / meaning | 谁读 / read by |\n|---|---|---|---|\n"]
    rows += [_row(one) for one in (*DECLARED.values(), *COMMANDS)]
    return "".join(rows)


def _row(one: Setting) -> str:
    variable = f"`{one.variable}`" + ("，`…_FILE`" if one.file_variable else "")
    default = "–" if one.default in (None, "", (), {}) else f"`{_text(one.default)}`"
    meaning = f"{one.zh} / {one.en}{_bounds(one)}".replace("|", "\\|")
    return f"| {variable} | {default} | {meaning} | {'、'.join(one.by)} |\n"


def _bounds(one: Setting) -> str:
    if one.among:
        return f"（{'、'.join(f'`{each}`' for each in one.among)}）"
    if one.low is None:
        return ""
    return f"（{one.low:g}–{one.high:g}）" if one.high is not None else f"（≥ {one.low:g}）"


def _shown(one: Setting, value: object) -> str:
    text = _text(value)
    if not one.secret or value is None:
        return text
    return masked(text) if "://" in text else text if value == one.default else HIDDEN


def _source(one: Setting) -> str:
    if one.variable in os.environ:
        return ""
    if one.file_variable and one.file_variable in os.environ:
        return f"（文件 / file {os.environ[one.file_variable]}）"
    return "（默认 / default）"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={text}" for name, text in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
