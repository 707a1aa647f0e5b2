"""Sites that browsers may call the API from: those that registered clients come back to after sign-in."""

from __future__ import annotations

import pytest

from services.identity.domain.oauth import origin_of
from services.identity.models import db
from services.identity.use_cases.register_relying_party import RelyingParty, add_relying_party
from tests.services.identity.conftest import Counter


def register(client_id: str, *addresses: str) -> None:
    party = RelyingParty(
        client_id=client_id, name="应用", name_en="App", authentication="none", redirect_uris=addresses
    )
    with db.transaction() as tx:
        assert add_relying_party(tx, party, None, by="a-1")


def test_origins_are_those_of_the_registered_addresses_each_with_its_clients(counter: Counter) -> None:
    register("app", "https://app.example/back", "https://app.example/other", "https://App2.example:8443/back")
    register("second", "https://app.example/second")
    register("program", "com.example.app:/back")
    answer = counter.client.get("/api/v1/origins")
    assert answer.status_code == 200
    shown = {origin: clients for origin, clients in answer.json["origins"].items() if "example" in origin}
    assert shown == {"https://app.example": ["app", "second"], "https://app2.example:8443": ["app"]}


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://app.example/back?x=1", "https://app.example"),
        ("http://127.0.0.1:9000/back", "http://127.0.0.1:9000"),
        ("com.example.app:/back", None),
        ("{public_url}/back", None),
        ("https:///back", None),
        ("", None),
    ],
)
def test_the_origin_of_an_address(address: str, origin: str | None) -> None:
    assert origin_of(address) == origin
