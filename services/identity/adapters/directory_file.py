"""The directory file (YAML): everything that a fresh installation has to know of departments, parties and accounts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import yaml

from services.identity.domain.directory import (
    CLIENT_ID,
    DEPARTMENT_CODE,
    NAME,
    PASSWORD_LENGTH,
    SECRET_LENGTH,
    USERNAME,
)
from services.identity.domain.scopes import AccountKind

Code = Annotated[str, msgspec.Meta(pattern=DEPARTMENT_CODE)]
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Username = Annotated[str, msgspec.Meta(pattern=USERNAME)]
ClientId = Annotated[str, msgspec.Meta(pattern=CLIENT_ID)]
Password = Annotated[str, msgspec.Meta(min_length=PASSWORD_LENGTH[0], max_length=PASSWORD_LENGTH[1])]
Secret = Annotated[str, msgspec.Meta(min_length=SECRET_LENGTH[0], max_length=SECRET_LENGTH[1])]
Number = Annotated[str, msgspec.Meta(min_length=18, max_length=18)]
Entry = TypeVar("Entry")


class DirectoryInvalid(Exception):
    """The file cannot be used; the message says where and why, and repeats no password and no number."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every entry of the file is: complete, and without fields that nobody reads."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class DepartmentEntry(_Entry, frozen=True, kw_only=True):
    """A department."""

    code: Code
    name: Name
    name_en: Name
    uscc: Number


class ClientEntry(_Entry, frozen=True, kw_only=True):
    """A department's system and its secret."""

    client_id: ClientId
    client_secret: Secret
    department: Code


class RelyingPartyEntry(_Entry, frozen=True, kw_only=True):
    """A website or program that people sign in to. ``keys_of`` names the part of this platform that it is; ``{public_url}`` at
    the start of an address stands for where the platform is reached.
    """

    client_id: ClientId
    name: Name
    name_en: Name
    first_party: bool = False
    client_secret: Secret | None = None
    keys_of: Name | None = None
    jwks: dict[str, Any] | None = None
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    scope: tuple[str, ...] = ()


class PersonEntry(_Entry, frozen=True, kw_only=True):
    """A natural person."""

    name: Name
    identity_number: Number


class OrganisationEntry(_Entry, frozen=True, kw_only=True):
    """An organisation."""

    name: Name
    uscc: Number


class PostEntry(_Entry, frozen=True, kw_only=True):
    """A post (岗位) of staff in their department."""

    code: Code
    name: Name
    department: Code
    from_on: date
    until_on: date | None = None


class AccountEntry(_Entry, frozen=True, kw_only=True):
    """An account. ``person`` is an identity number of ``people``, ``acts_for`` a credit code of ``organisations``.

    ``password_set_on`` is the day its age is counted from (the day of the import when left out);
    ``password_temporary``: it is good for one sign-in, to choose another. ``level`` is how well whoever wrote the file has
    verified the person (实名等级).
    """

    username: Username
    password: Password
    password_set_on: date | None = None
    password_temporary: bool = False
    kind: AccountKind
    name: Name | None = None
    person: Number | None = None
    acts_for: Number | None = None
    department: Code | None = None
    level: Literal[2, 3, 4, 5] = 2
    posts: tuple[PostEntry, ...] = ()


class Directory(_Entry, frozen=True, kw_only=True):
    """The whole file."""

    departments: tuple[DepartmentEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()
    relying_parties: tuple[RelyingPartyEntry, ...] = ()
    people: tuple[PersonEntry, ...] = ()
    organisations: tuple[OrganisationEntry, ...] = ()
    accounts: tuple[AccountEntry, ...] = ()


def read_directory(path: Path) -> Directory:
    """The directory in ``path``. Raises DirectoryInvalid."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_bytes()), Directory)
    except OSError as error:
        raise DirectoryInvalid(f"{path}: 文件读不出 / cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise DirectoryInvalid(f"{path}{_line(error)}: 不是有效的 YAML / this is no YAML") from None
    except msgspec.ValidationError as error:
        raise DirectoryInvalid(f"{path}: 内容有误 / {error}") from None


def _line(error: yaml.YAMLError) -> str:
    """Where, and no more: the parser's own message quotes the lines, secrets included."""
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}" if mark else ""
