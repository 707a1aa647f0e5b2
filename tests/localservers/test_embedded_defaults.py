"""What ``make run`` decides for people who set nothing."""

from __future__ import annotations

import pytest

from chassis.settings import load_settings
from embedded.companions import at_localhost, with_directory
from embedded.welcome import welcome
from services.identity.adapters.passkey_ceremonies import Site


def test_it_is_reached_where_passkeys_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONGBAN_PUBLIC_URL", raising=False)
    monkeypatch.setenv("TONGBAN_HTTP_ADDRESS", "127.0.0.1:8123")
    settings = at_localhost(with_directory(load_settings("embedded")))
    assert (settings.public_url, settings.issuer) == ("http://localhost:8123",) * 2
    assert Site.at(settings.public_url) is not None
    assert "http://localhost:8123\n" in welcome(settings, simulated=False)


def test_an_address_that_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PUBLIC_URL", "https://tongban.example")
    settings = load_settings("embedded")
    assert at_localhost(settings) == settings
