from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from chassis.cli import main
from chassis.run import settings_or_exit
from chassis.setting import EVERY
from chassis.settings import SettingsError, load_settings, unknown_variables
from chassis.settings_table import COMMANDS, DECLARED
from contracts_docs.settings_page import with_settings
from localservers.platform import SERVICES

ROOT = Path(__file__).resolve().parents[2]
NO_SETTINGS = {"TONGBAN_SUBJECT"}  # a header of the gateway's own tests, as CGI names it


def test_defaults_are_the_embedded_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BUS_URL", "STOP_TIMEOUT_S"):
        monkeypatch.delenv(f"TONGBAN_{name}", raising=False)
    settings = load_settings("workflow")
    assert settings.embedded
    assert settings.database_url == "sqlite:///build/data/workflow.sqlite"


def test_one_database_setting_serves_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_DATABASE_URL", "postgresql+psycopg://u:p@host/{service}")
    assert load_settings("audit").database_url == "postgresql+psycopg://u:p@host/audit"


def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"LOG_LEVEL": "LOUD", "WEB_THREADS": "none", "STOP_TIMEOUT_S": "0", "RETRY_LIMIT": "-1"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"TONGBAN_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings("workflow")
    for name in wrong:
        assert f"TONGBAN_{name}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:p@host/d"),
        ("DATABASE_URL", "postgresql://u:p@host/d"),
        ("BUS_URL", "redis://host"),
        ("BUS_URL", "memory://"),
        ("HTTP_ADDRESS", "8000"),
        ("HTTP_ADDRESS", "127.0.0.1:http"),
        ("OPS_ADDRESS", "127.0.0.1:"),
        ("TLS_KEY", "/tmp/key.pem"),
    ],
)
def test_what_contradicts_itself_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TONGBAN_{name}", value)
    with pytest.raises(SettingsError, match=f"TONGBAN_{name}"):
        load_settings("workflow")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CONSUL": "127.0.0.1:8500"}, "TONGBAN_CONSUL"),
        ({"CONSUL": "http://127.0.0.1:8500", "HTTP_ADDRESS": "0.0.0.0:8000"}, "TONGBAN_ADVERTISE"),
        ({"ADVERTISE": "workflow"}, "TONGBAN_ADVERTISE"),
    ],
)
def test_how_others_find_this_process_must_make_sense(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"TONGBAN_{name}", value)
    with pytest.raises(SettingsError, match=said):
        load_settings("workflow")


# The table of settings


def test_the_table_of_the_operations_guide_is_the_codes() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert with_settings(page) == page, "run `make contracts`"


def test_every_setting_is_told_in_both_languages_and_read_by_processes_that_exist() -> None:
    processes = {EVERY, "services", "bridge", "gateway", "portal", *SERVICES}
    for one in DECLARED.values():
        assert re.search(r"[\u4e00-\u9fff]", one.zh), one.variable
        assert one.en, one.variable
        assert not re.search(r"[\u4e00-\u9fff]", one.en), one.variable
        assert set(one.by) <= processes, one.variable
        assert not one.secret or one.kind == "str", f"{one.variable}: a file holds text"


def test_a_setting_is_read_where_the_table_says() -> None:
    """A setting of named services is read by them and by no other; what is of no service at all is read by nobody there."""
    for name, one in DECLARED.items():
        readers = {part for part in (*SERVICES, "gateway", "portal") if _mentions(part, name)}
        named = set(one.by) & set(SERVICES)
        if named:
            assert readers & set(SERVICES) == named, one.variable
        elif set(one.by) <= {"gateway", "bridge", "portal"}:
            assert not readers & set(SERVICES), one.variable


def test_every_variable_in_the_deployments_tests_and_pages_is_known() -> None:
    declared = (*DECLARED.values(), *COMMANDS)
    known = {name for one in declared for name in (one.variable, one.file_variable) if name}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "build"]
    places = [
        path for folder in folders for path in folder.rglob("*") if path.suffix in {".py", ".md", ".yaml", ".yml"}
    ]
    for path in places:
        if path != Path(__file__):
            for name in set(re.findall(r"\bTONGBAN_[A-Z][A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))):
                assert name in known or name in NO_SETTINGS, f"{path}: {name}"


# Values of secrets from files


def test_a_secret_may_be_given_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg://u:p@host/{service}\n", encoding="utf-8")
    monkeypatch.setenv("TONGBAN_DATABASE_URL_FILE", str(secret))
    settings = load_settings("audit")
    assert settings.database_url == "postgresql+psycopg://u:p@host/audit"
    assert "u:p" not in repr(settings)


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_secrets_file_that_has_none_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "url"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("TONGBAN_SMTP_URL_FILE", str(file))
    with pytest.raises(SettingsError, match="TONGBAN_SMTP_URL_FILE"):
        load_settings("identity")


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://host", encoding="utf-8")
    monkeypatch.setenv("TONGBAN_LIMITS_URL", "redis://other")
    monkeypatch.setenv("TONGBAN_LIMITS_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match="give one of them"):
        load_settings("gateway")


# What nobody reads


def test_a_variable_that_nobody_reads_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "TONGBAN_PASSWORD_LENGHT",
        "TONGBAN_ZZZ",
        "TONGBAN_WORKFLOW_PORT_8000_TCP_ADDR",
        "TONGBAN_SMS_URL_FILE",
    ):
        monkeypatch.setenv(name, "1")
    assert unknown_variables() == {"TONGBAN_PASSWORD_LENGHT": "TONGBAN_PASSWORD_LENGTH", "TONGBAN_ZZZ": None}


def test_it_is_said_in_the_log_at_start(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TONGBAN_RETRY_LIMITS", "3")
    settings_or_exit("workflow")
    [line] = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert (line["level"], line["message"]) == ("warning", "unknown_settings")
    assert line["nearest"] == {"TONGBAN_RETRY_LIMITS": "TONGBAN_RETRY_LIMIT"}


# tongban settings


def test_the_command_shows_what_is_in_force_and_hides_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("very-secret", encoding="utf-8")
    monkeypatch.setenv("TONGBAN_SMTP_URL", "smtps://post:very-secret@mail.example:465")
    monkeypatch.setenv("TONGBAN_CONSUL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("TONGBAN_WEB_THREADS", "8")
    shown = CliRunner().invoke(main, ["settings", "--service", "identity"])
    lines = dict(line.split("  ")[0].split("=", 1) for line in shown.stdout.splitlines())
    assert shown.exit_code == 0
    assert "very-secret" not in shown.output
    assert lines["TONGBAN_SMTP_URL"] == "smtps://post:***@mail.example:465"
    assert lines["TONGBAN_CONSUL_TOKEN"] == "***"
    assert lines["TONGBAN_WEB_THREADS"] == "8"
    assert lines["TONGBAN_LIMITS_URL"] == "memory://"
    assert set(lines) == {one.variable for one in DECLARED.values()}


def test_the_command_fails_over_a_typo_and_over_a_wrong_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_WEB_THREAD", "8")
    typo = CliRunner().invoke(main, ["settings"])
    assert typo.exit_code == 1
    assert "TONGBAN_WEB_THREADS" in typo.stderr
    monkeypatch.setenv("TONGBAN_WEB_THREADS", "none")
    assert CliRunner().invoke(main, ["settings"]).exit_code == 2


def _mentions(part: str, name: str) -> bool:
    """Whether ``settings.<name>`` is read in the part's code."""
    return re.search(rf"settings\.{name}\b", _code_of(part)) is not None


@cache
def _code_of(part: str) -> str:
    folder = ROOT / (part if part in ("gateway", "portal") else f"services/{part}")
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
