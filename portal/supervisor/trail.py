"""A case's trail as people read it, and what the stand-alone checker finds in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from portal.language import day, either
from portal.staff import step_names
from portal.supervisor.vocabulary import FIELDS, TABLES, TRUTH
from portal.words import spoken, word
from verify.ledger import Result, verify_trail

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ERROR = re.compile(r"\w+: ")  # the checker stopped here
_PLACE = re.compile(r"event (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class Names:
    """Departments and the case's steps by code; ``own`` are the names that its guide gives, by their Chinese."""

    departments: Mapping[str, str]
    steps: Mapping[str, str]
    own: Mapping[str, str]


def names_of(departments: Mapping[str, str], guide: Mapping[str, Any]) -> Names:
    """In the language of the request. The guide may be empty."""
    named = (guide, guide.get("result", {}).get("licence", {}), *guide.get("materials", ()))
    return Names(departments, step_names(guide), {thing["name"]: either(thing) for thing in named if "name" in thing})


@dataclass(frozen=True)
class Entry:
    """One entry. ``payload`` is the text of the event's data, ``says`` the same in words; both None where it is not kept.

    ``mark`` is the checker's verdict: ``tick``, ``cross``, or ``unchecked`` where it never came so far.
    """

    event: Mapping[str, Any]
    payload: str | None
    says: list[tuple[str, str]] | None
    mark: str
    failures: list[str]


@dataclass(frozen=True)
class Trail:
    """``api`` is the API's answer as it came; ``failures`` are of the whole, not of single entries."""

    api: Mapping[str, Any]
    key: str
    entries: list[Entry]
    result: Result
    failures: list[str]


def read_trail(told: Mapping[str, Any], key: str, names: Names) -> Trail:
    """Decode what the API told, and check it."""
    result = verify_trail(dict(told), key)
    failures, of_entries = _sorted(result.failures)
    unmarked = "unchecked" if any(_ERROR.match(failure) for failure in failures) else "tick"
    entries = [
        _entry(event, names, "cross" if place in of_entries else unmarked, of_entries.get(place, []))
        for place, event in enumerate(told["events"])
    ]
    return Trail(told, key, entries, result, failures)


def _sorted(failures: list[str]) -> tuple[list[str], dict[int, list[str]]]:
    """Failures of the whole, and those of entries by their place."""
    whole: list[str] = []
    of_entries: dict[int, list[str]] = {}
    for failure in failures:
        found = _PLACE.fullmatch(failure)
        if found:
            of_entries.setdefault(int(found[1]), []).append(found[2])
        else:
            whole.append(failure)
    return whole, of_entries


def _entry(event: Mapping[str, Any], names: Names, mark: str, failures: list[str]) -> Entry:
    if event["payload"] is None:
        return Entry(event, None, None, mark, failures)
    text = base64.b64decode(event["payload"]).decode(errors="replace")
    return Entry(event, text, said(text, names), mark, failures)


def said(payload: str, names: Names) -> list[tuple[str, str]]:
    """The fields of an event in words; what is empty or said otherwise on the page is left out."""
    try:
        data = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        return []
    if not isinstance(data, dict):
        return []
    obvious = ("case_no", "task_id") if "step" in data else ("case_no",)
    told = {name: _in_words(name, value, names) for name, value in data.items() if name not in obvious}
    return [(str(word(FIELDS, name)), text) for name, text in told.items() if text]


def _in_words(name: str, value: Any, names: Names) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(TRUTH[value])
    if isinstance(value, list):
        return "\n".join(filter(None, (_in_words(name, one, names) for one in value)))
    if isinstance(value, dict):
        return _on_one_line(value, names)
    return _plain(name, str(value), names)


def _plain(name: str, text: str, names: Names) -> str:
    if name in TABLES:
        return str(word(TABLES[name], text))
    if name in ("department", "decided_by"):
        return names.departments.get(text, text)
    if name == "step":
        return names.steps.get(text, text)
    return day(text) if _DATE.fullmatch(text) else names.own.get(text) or spoken(text)


def _on_one_line(value: Mapping[str, Any], names: Names) -> str:
    """A material or a defect."""
    parts = [
        names.departments.get(str(value.get("department")), ""),
        names.own.get(str(value.get("name")), str(value.get("name") or value.get("material_code") or "")),
        str(value.get("problem") or ""),
    ]
    return " · ".join(filter(None, parts)) or msgspec.json.encode(value).decode()
