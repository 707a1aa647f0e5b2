"""The directory file (YAML): everything that a fresh installation has to know of departments, parties and accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

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


class PersonEntry(_Entry, frozen=True, kw_only=True):
    """A natural person."""

    name: Name
    identity_number: Number


class OrganisationEntry(_Entry, frozen=True, kw_only=True):
    """An organisation."""

    name: Name
    uscc: Number


class AccountEntry(_Entry, frozen=True, kw_only=True):
    """An account. ``person`` is an identity number of ``people``, ``acts_for`` a credit code of ``organisations``."""

    username: Username
    password: Password
    kind: Literal["person", "officer", "administrator", "supervisor"]
    name: Name | None = None
    person: Number | None = None
    acts_for: Number | None = None
    department: Code | None = None


class Directory(_Entry, frozen=True, kw_only=True):
    """The whole file."""

    departments: tuple[DepartmentEntry, ...] = ()
    clients: tuple[ClientEntry, ...] = ()
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
