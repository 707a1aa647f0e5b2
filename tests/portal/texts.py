"""The texts of the portal as its files have them: what is asked for in pages and modules, what is translated where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

PORTAL = Path("portal")
ENGLISH = PORTAL / "translations" / "en"
CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
FUNCTIONS: Any = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


@dataclass(frozen=True)
class Asked:
    """A text that a page or module shows. ``ids`` are two for a text with a plural."""

    ids: tuple[str, ...]
    at: str


def asked_for() -> list[Asked]:
    """Every text in templates and modules."""
    found = []
    for method, pattern in (("jinja2.ext:babel_extract", "*.html"), ("python", "*.py")):
        for file in sorted(PORTAL.rglob(pattern)):
            for line, ids, *_ in extract_from_file(method, file, keywords=FUNCTIONS, options={"silent": "false"}):
                texts = (ids,) if isinstance(ids, str) else tuple(ids)
                found.append(Asked(texts, f"{file}:{line}"))
    return found


def catalogs() -> dict[str, Catalog]:
    """The English texts of each room."""
    read = {}
    for file in sorted(ENGLISH.glob("*.po")):
        with file.open("rb") as source:
            read[file.name] = read_po(source, locale="en", abort_invalid=True)
    return read


def written_twice() -> list[str]:
    """Texts that one file has more than once; reading it would keep the last silently."""
    found = []
    for file in sorted(ENGLISH.glob("*.po")):
        entries = re.findall(r'^msgid ((?:"[^\n]*"\n)+)', file.read_text(encoding="utf-8"), re.MULTILINE)
        found += [f"{file.name}: {entry.strip()}" for entry, times in Counter(entries).items() if times > 1]
    return found


class Visible(HTMLParser):
    """What a page says: texts, and the attributes that are read out. What is marked as Chinese is left aside."""

    SPOKEN = ("alt", "aria-label", "placeholder", "title", "content", "label")
    EMPTY = frozenset({"meta", "link", "input", "br", "img", "hr", "wbr", "source", "col"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._aside: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        chinese = (given.get("lang") or "").startswith("zh") and tag != "html"
        aside = any(self._aside[-1:]) or chinese or given.get("aria-hidden") == "true" or tag in ("script", "style")
        if not aside:
            self.texts += [given[name] or "" for name in self.SPOKEN if name in given]
            if tag == "input" and given.get("type") in ("submit", "button"):
                self.texts.append(given.get("value") or "")
        if tag not in self.EMPTY:
            self._aside.append(aside)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY and self._aside:
            self._aside.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._aside[-1:]):
            self.texts.append(data)


def chinese_in(page: str, but: list[str]) -> list[str]:
    """Texts of the page that have Chinese characters left when what is allowed to be Chinese is taken out."""
    reader = Visible()
    reader.feed(page)
    left = []
    for text in reader.texts:
        rest = " ".join(text.split())
        for allowed in but:
            rest = rest.replace(allowed, "")
        if CHINESE.search(rest):
            left.append(" ".join(text.split()))
    return left


def without_english(file: Path) -> Iterator[str]:
    """Chinese in a catalogue file that has no English beside it: names, quotations of the law, what was filled in."""
    yield from _without_english(yaml.safe_load(file.read_text(encoding="utf-8")))


def _without_english(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if CHINESE.search(str(key)):
                yield str(key)
            if f"{key}_en" not in value:
                yield from _without_english(part)
    elif isinstance(value, list):
        for part in value:
            yield from _without_english(part)
    elif isinstance(value, str) and CHINESE.search(value):
        yield " ".join(value.split())
