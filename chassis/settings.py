"""Settings from the environment. What is wrong is said in one sentence at start, all of it at once.

Each is declared in ``chassis.settings_table``.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from environs import Env, EnvValidationError
from marshmallow.validate import OneOf, Range

from chassis.setting import PREFIX, Setting
from chassis.settings_table import COMMANDS, DECLARED, EMBEDDED_BUS, Settings

__all__ = ["EMBEDDED_BUS", "PREFIX", "Settings", "SettingsError", "load_settings", "secret", "unknown_variables"]
# Kubernetes tells every pod of a namespace where its services are, in variables named after them: not ours to judge.
SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT\w*)$|_PORT(_\d+_(TCP|UDP)(_\w+)?)?$")


class SettingsError(Exception):
    """The environment does not make sense; the message names each variable and what is wrong with it."""


def load_settings(service: str) -> Settings:
    """Read ``TONGBAN_*``. Raises SettingsError naming every variable that is missing or wrong."""
    env = Env(prefix=PREFIX, eager=False)
    values, problems = _read(env)
    problems += _problems(env)
    if not problems:
        url = str(values["database_url"]).replace("{service}", service)
        values["database_url"] = url.replace("{data_dir}", str(values["data_dir"]))
        problems = _contradictions(values)
    if problems:
        raise SettingsError("设置有误 / settings are wrong: " + "; ".join(problems))
    values["issuer"] = values["issuer"] or str(values["public_url"]).rstrip("/")
    return Settings(service=service, **values)  # type: ignore[arg-type]


def secret(name: str, default: str | None = None) -> str | None:
    """The text of ``TONGBAN_<name>``, or of the file that ``TONGBAN_<name>_FILE`` names, less its last line's end.

    Raises SettingsError when both are there, or the file is empty or cannot be read.
    """
    given, path = os.environ.get(PREFIX + name), os.environ.get(f"{PREFIX}{name}_FILE")
    if path is None:
        return default if given is None else given
    if given is not None:
        raise SettingsError(f"{PREFIX}{name} and {PREFIX}{name}_FILE: give one of them")
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{PREFIX}{name}_FILE: {error}") from error
    if not text:
        raise SettingsError(f"{PREFIX}{name}_FILE: {path} is empty")
    return text


def unknown_variables() -> dict[str, str | None]:
    """Variables ``TONGBAN_*`` that no setting reads -> the nearest that one does, if any is near."""
    declared = (*DECLARED.values(), *COMMANDS)
    known = {name for one in declared for name in (one.variable, one.file_variable) if name}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None)
        for name in unknown
        if not SERVICE_LINK.search(name)
    }


def _read(env: Env) -> tuple[dict[str, object], list[str]]:
    """Values, and what is wrong with the secrets; what is wrong with the others ``env`` keeps."""
    values: dict[str, object] = {}
    problems: list[str] = []
    for name, one in DECLARED.items():
        if one.secret:
            try:
                values[name] = secret(name.upper(), one.default)
            except SettingsError as error:
                problems.append(str(error))
        else:
            values[name] = getattr(env, one.kind)(name.upper(), one.default, **_validation(one))
    return values, problems


def _validation(one: Setting) -> dict[str, object]:
    if one.among:
        return {"validate": OneOf(one.among)}
    return {} if one.low is None else {"validate": Range(min=one.low, max=one.high)}


def _problems(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        assert isinstance(error.error_messages, Mapping)
        return [f"{name}: {' '.join(map(str, texts))}" for name, texts in error.error_messages.items()]
    return []


def _contradictions(values: Mapping[str, object]) -> list[str]:
    problems = []
    if not str(values["database_url"]).startswith(("sqlite://", "postgresql+psycopg://")):
        problems.append(f"{PREFIX}DATABASE_URL: must start with sqlite:// or postgresql+psycopg://")
    if values["bus_url"] != EMBEDDED_BUS and not str(values["bus_url"]).startswith(("amqp://", "amqps://")):
        problems.append(f"{PREFIX}BUS_URL: must be '{EMBEDDED_BUS}' or start with amqp:// or amqps://")
    if (values["tls_certificate"] is None) != (values["tls_key"] is None):
        problems.append(f"{PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY: give both or none")
    if (values["witness_url"] is None) != (values["witness_key"] is None):
        problems.append(f"{PREFIX}WITNESS_URL and {PREFIX}WITNESS_KEY: give both or none")
    for name in ("http_address", "ops_address", "advertise"):
        host, colon, port = str(values[name]).rpartition(":")
        if values[name] is not None and not (host and colon and port.isdigit()):
            problems.append(f"{PREFIX}{name.upper()}: must be host:port")
    return problems + _registry_contradictions(values)


def _registry_contradictions(values: Mapping[str, object]) -> list[str]:
    if values["consul"] is None:
        return []
    problems = []
    if not str(values["consul"]).startswith(("http://", "https://")):
        problems.append(f"{PREFIX}CONSUL: must start with http:// or https://")
    if values["advertise"] is None and str(values["http_address"]).startswith(("0.0.0.0:", "[::]:")):
        problems.append(f"{PREFIX}ADVERTISE: must say where others reach this process, for it listens on every address")
    return problems
