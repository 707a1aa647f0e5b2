from __future__ import annotations

import pytest

from chassis.settings import SettingsError, load_settings


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
