"""The file of outside identity providers (YAML); secrets and keys are in files of their own that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
import yaml
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from services.identity.domain.directory import NAME
from services.identity.domain.outside import ClaimNames, OutsideProvider
from services.identity.domain.sensitive import Sensitive

ProviderId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
Name = Annotated[str, msgspec.Meta(pattern=NAME)]
Level = Literal[2, 3, 4, 5]


class OutsideFileInvalid(Exception):
    """The file cannot be used; the message says where and why, and repeats no secret."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Complete, and without fields that nobody reads."""


class ClaimsEntry(_Entry, frozen=True, kw_only=True):
    """What the provider calls the name, the identity number and the assurance level, and its words for our levels."""

    name: str = "name"
    number: str = ""
    level: str = ""
    levels: dict[str, Level] = {}


class ProviderEntry(_Entry, frozen=True, kw_only=True):
    """A provider. One of ``client_secret_file`` and ``private_key_file`` says how we authenticate ourselves there."""

    id: ProviderId
    name: Name
    name_en: Name
    issuer: str
    client_id: str
    client_secret_file: str | None = None
    authentication: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    private_key_file: str | None = None
    scope: tuple[str, ...] = ("openid", "profile")
    claims: ClaimsEntry = ClaimsEntry()
    highest_level: Level = 2
    default_level: Level = 2
    opens_accounts: bool = False


class _Content(_Entry, frozen=True, kw_only=True):
    providers: tuple[ProviderEntry, ...] = ()


@dataclass(frozen=True)
class ConfiguredProvider:
    """A provider and how we prove there who we are: by ``secret`` or by ``key``."""

    provider: OutsideProvider
    secret: Sensitive | None
    key: ECKey | None


def read_outside_providers(path: Path | None) -> Mapping[str, ConfiguredProvider]:
    """By id; none without a file. Raises OutsideFileInvalid. Names of files are relative to the file's folder."""
    if path is None:
        return {}
    try:
        content = msgspec.convert(yaml.safe_load(path.read_bytes()), _Content)
    except OSError as error:
        raise OutsideFileInvalid(f"{path}: 文件读不出 / cannot be read: {error.strerror}") from None
    except yaml.YAMLError:
        raise OutsideFileInvalid(f"{path}: 不是有效的 YAML / this is no YAML") from None
    except msgspec.ValidationError as error:
        raise OutsideFileInvalid(f"{path}: 内容有误 / {error}") from None
    found = {entry.id: _configured(entry, path) for entry in content.providers}
    if len(found) != len(content.providers) or len({entry.issuer for entry in content.providers}) != len(found):
        raise OutsideFileInvalid(f"{path}: 编号或 issuer 重复 / an id or an issuer stands there twice")
    return found


def _configured(entry: ProviderEntry, path: Path) -> ConfiguredProvider:
    parts = urlsplit(entry.issuer)
    if parts.scheme not in {"https", "http"} or not parts.netloc or parts.query or parts.fragment:
        raise OutsideFileInvalid(f"{path}: {entry.id}: issuer 不是地址 / issuer is no address")
    if (entry.client_secret_file is None) == (entry.private_key_file is None):
        raise OutsideFileInvalid(f"{path}: {entry.id}: 密钥文件须恰有一个 / give either a secret's file or a key's")
    if "openid" not in entry.scope:
        raise OutsideFileInvalid(f"{path}: {entry.id}: scope 须含 openid / scope has to contain openid")
    names = entry.claims
    provider = OutsideProvider(
        provider_id=entry.id,
        name=entry.name,
        name_en=entry.name_en,
        issuer=entry.issuer,
        client_id=entry.client_id,
        authentication=entry.authentication if entry.private_key_file is None else "private_key_jwt",
        scope=entry.scope,
        claims=ClaimNames(name=names.name, number=names.number, level=names.level, levels=names.levels),
        highest_level=entry.highest_level,
        default_level=entry.default_level,
        opens_accounts=entry.opens_accounts,
    )
    return ConfiguredProvider(provider, _secret(entry, path), _key(entry, path))


def _secret(entry: ProviderEntry, path: Path) -> Sensitive | None:
    if entry.client_secret_file is None:
        return None
    return Sensitive(_read(entry, path, entry.client_secret_file).decode().strip())


def _key(entry: ProviderEntry, path: Path) -> ECKey | None:
    if entry.private_key_file is None:
        return None
    try:
        key = ECKey.import_key(_read(entry, path, entry.private_key_file))
    except (JoseError, ValueError, TypeError):
        raise OutsideFileInvalid(f"{path}: {entry.id}: 不是 ES256 私钥 / this is no private key for ES256") from None
    key.ensure_kid()
    return key


def _read(entry: ProviderEntry, path: Path, file: str) -> bytes:
    try:
        return (path.parent / file).read_bytes()
    except OSError as error:
        raise OutsideFileInvalid(f"{path}: {entry.id}: {file}: {error.strerror}") from None
