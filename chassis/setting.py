"""What a setting is: the declaration that ``chassis.settings_table`` makes of each."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

PREFIX = "TONGBAN_"
EVERY = "every"  # process
PERSONS = ("commands",)
KINDS = {
    "str": "str",
    "int": "int",
    "float": "float",
    "Path": "path",
    "Sequence[str]": "list",
    "Mapping[str, str]": "dict",
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One declaration. ``low``, ``high`` bound a number, ``among`` names all that a text may be. ``by``: which processes read
    it. A ``secret`` is never shown, and may be given as a file.
    """

    name: str = ""
    kind: str = "str"
    zh: str
    en: str
    default: Any
    by: tuple[str, ...]
    secret: bool = False
    low: float | None = None
    high: float | None = None
    among: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """In the environment."""
        return PREFIX + self.name.upper()

    @property
    def file_variable(self) -> str | None:
        """Names a file with its text; None for what is no secret, or is given by a person at a terminal."""
        return f"{self.variable}_FILE" if self.secret and self.by != PERSONS else None


def told(zh: str, en: str, default: Any = None, *, by: str = EVERY, **more: Any) -> Any:
    """A field of ``Settings``. ``by`` separates processes with spaces."""
    one = Setting(zh=zh, en=en, default=default, by=tuple(by.split()), **more)
    return field(metadata={"setting": one}, repr=not one.secret)


def declared_in(settings: type[Any]) -> dict[str, Setting]:
    """Field -> its declaration, of a class whose fields are ``told``."""
    found: dict[str, Setting] = {}
    for one in fields(settings):
        if "setting" in one.metadata:
            kind = KINDS[str(one.type).removesuffix(" | None")]
            found[one.name] = replace(one.metadata["setting"], name=one.name, kind=kind)
    return found
