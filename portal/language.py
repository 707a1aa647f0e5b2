"""Two languages: texts stand in the pages in Chinese, their English in ``translations/en/*.po``, one file per room."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request, session
from flask_babel import Babel, Domain, format_date, format_datetime, get_locale

CHINESE, ENGLISH = "zh", "en"
LANGUAGES = {CHINESE: "中文", ENGLISH: "English"}
_LOCALES = {CHINESE: "zh_Hans_CN", ENGLISH: "en"}
_FOLDER = Path(__file__).with_name("translations") / "en"


class PoDomain(Domain):
    """Reads the text files themselves, so that there is nothing to compile and nothing compiled to go stale."""

    def __init__(self) -> None:
        super().__init__()
        self._english = read_translations()

    def get_translations(self) -> NullTranslations:
        """Of the request's language."""
        return self._english if is_english() else NullTranslations()


def read_translations() -> Translations:
    """Every English text of the portal. Raises ValueError when two rooms translate one text in two ways."""
    found, texts = Translations(), dict[Any, Any]()
    for file in sorted(_FOLDER.glob("*.po")):
        with file.open("rb") as source:
            catalog = read_po(source, locale="en", abort_invalid=True)
        for message in catalog:
            if message.id and texts.setdefault(message.id, message.string) != message.string:
                raise ValueError(f"{file.name}: {message.id}: {message.string}, elsewhere {texts[message.id]}")
        binary = io.BytesIO()
        write_mo(binary, catalog)
        binary.seek(0)
        found.merge(Translations(binary))
    return found


def set_up_language(app: Flask) -> None:
    """Dates are of Asia/Shanghai; the language is the visitor's choice, Chinese until it is made."""
    babel = Babel(app, default_locale=_LOCALES[CHINESE], default_timezone="Asia/Shanghai", locale_selector=_selected)
    babel.domain_instance = PoDomain()
    app.jinja_env.globals.update(languages=LANGUAGES, is_english=is_english, language=language)
    app.jinja_env.filters.update(day=day, moment=moment, either=either)


def language() -> str:
    """``zh`` or ``en``."""
    return ENGLISH if is_english() else CHINESE


def is_english() -> bool:
    """Whether this request is answered in English."""
    locale = get_locale()
    return locale is not None and locale.language == ENGLISH


def either(thing: Any, name: str = "name") -> str:
    """``name`` of an API object in the request's language: ``name_en`` beside it is English, and Chinese if missing."""
    english = thing.get(f"{name}_en") if is_english() else None
    return str(english or thing.get(name) or "")


def day(value: str | date | None) -> str:
    """A date as people write it; an en dash for none."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    return str(format_date(value, "yyyy年M月d日" if not is_english() else "d MMM yyyy"))


def moment(value: str | datetime | None) -> str:
    """A time in Asia/Shanghai; an en dash for none."""
    if not value:
        return "–"
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return str(format_datetime(value, "yyyy年M月d日 HH:mm" if not is_english() else "d MMM yyyy, HH:mm"))


def _selected() -> str:
    chosen = session.get("language") or request.args.get("lang")
    return _LOCALES.get(chosen or CHINESE, _LOCALES[CHINESE])
