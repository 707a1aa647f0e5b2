"""Texts of messages: one YAML file per kind, language and channel, in ``services/identity/templates/messages``.

An SMS names the provider's template and its parameters, as Chinese carriers want it; ``body`` is that template's text, to be
registered with the provider. Placeholders are ``${fact}``; a fact that is missing is an error, never an empty place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

import msgspec
import yaml

from services.identity.domain.messages import Language, in_language

FOLDER = Path(__file__).parents[1] / "templates" / "messages"
CODE = "code"
LONGEST_PARAMETER = 35  # characters that carriers take in a template's parameter


@dataclass(frozen=True)
class Text:
    """A message to read."""

    title: str
    body: str


@dataclass(frozen=True)
class Sms:
    """A message to the provider: its template and the parameters."""

    template: str
    parameters: Mapping[str, str]


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    body: str


class _Short(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    template: str
    body: str


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    inbox: _Written | None = None
    email: _Written | None = None
    sms: _Short | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: _Texts
    en: _Texts


def inbox(kind: str, language: Language, facts: Mapping[str, str]) -> Text:
    """Rendered. Raises KeyError for a fact or a text that is missing."""
    return _rendered(_texts(kind, language).inbox, in_language(facts, language))


def email(kind: str, language: Language, facts: Mapping[str, str]) -> Text:
    """Rendered. Raises KeyError for a fact or a text that is missing."""
    return _rendered(_texts(kind, language).email, in_language(facts, language))


def sms(kind: str, language: Language, facts: Mapping[str, str]) -> Sms:
    """The parameters that the template names. Raises KeyError for a fact or a text that is missing."""
    short = _texts(kind, language).sms
    if short is None:
        raise KeyError("no text for this channel")
    shown = in_language(facts, language)
    names = Template(short.body).get_identifiers()
    return Sms(short.template, {name: shown[name][:LONGEST_PARAMETER] for name in names})


def _rendered(written: _Written | None, facts: Mapping[str, str]) -> Text:
    if written is None:
        raise KeyError("no text for this channel")
    return Text(Template(written.title).substitute(facts), Template(written.body).substitute(facts))


def _texts(kind: str, language: Language) -> _Texts:
    found: _Texts = getattr(_file(kind), language)
    return found


@cache
def _file(kind: str) -> _File:
    return msgspec.convert(yaml.safe_load((FOLDER / f"{kind}.yaml").read_bytes()), _File)
