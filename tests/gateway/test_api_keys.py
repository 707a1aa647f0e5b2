"""接口密钥 at the door: known without asking, counted for their app, refused when revoked, never passed on."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chassis.discovery import StaticDirectory
from chassis.health import Health
from contracts.open_api import DATASETS, dataset_of, fingerprint, is_fictitious, sandbox_path
from gateway.admission import Admission
from gateway.api_keys import LIST_PATH, ApiKeys
from gateway.app import create_gateway
from gateway.proxy import Proxy
from gateway.routes import ROUTES, find_route
from gateway.rules import read_rules
from tests.gateway.scripted import Answer, EchoService, Local, call
from tests.support import Tokens, exchanger

tokens = Tokens()
KEY, SANDBOX_KEY, OTHER_KEY = (f"tb{e}_{i * 10}_{i * 64}" for e, i in (("p", "a"), ("s", "b"), ("p", "c")))
NAMES = ("identity", "catalog", "workflow", "documents", "audit")


class Identity:
    """What identity would tell the gateway, and what it heard."""

    def __init__(self) -> None:
        self.keys = {KEY: told("production"), SANDBOX_KEY: told("sandbox", datasets=sorted(DATASETS))}
        self.version = 1
        self.asked: list[tuple[str, str]] = []
        self.heard: dict[str, Any] = {}
        self.away = False
        self.loses_answers = False

    def __call__(self, method: str, target: str, body: Any, key: str | None) -> Any:
        self.asked.append((method, target))
        if self.away:
            raise OSError("away")
        if method == "POST":
            assert key is not None
            self.heard.setdefault(key, body["used"])
            if self.loses_answers:
                raise OSError("the answer is lost")
            return {"counted": len(body["used"])}
        version = f"v{self.version}"
        known = target == f"{LIST_PATH}?known={version}"
        return {"version": version, "keys": None if known else {fingerprint(k): one for k, one in self.keys.items()}}

    def revoke(self, key: str) -> None:
        del self.keys[key]
        self.version += 1

    def used(self) -> list[tuple[str, int, int]]:
        return [(row["key_id"], row["answered"], row["refused"]) for rows in self.heard.values() for row in rows]


def told(environment: str, **changed: Any) -> dict[str, Any]:
    return {
        "key_id": f"{environment}-key", "app_id": "app-1", "environment": environment, "datasets": ["items", "figures"],
        "per_minute": 5, "per_day": 8, "expires_at": time.time() + 60,
    } | changed  # fmt: skip


class Door:
    def __init__(self, **limits: str) -> None:
        self.echo, self.identity = EchoService(), Identity()
        directory = StaticDirectory({})
        for name in NAMES:
            directory.add(name, Local(self.echo))
        admission = Admission(directory, read_rules({}, limits))
        self.gateway: Proxy = create_gateway(directory, exchanger(tokens), Health(), admission=admission)
        self.gateway.api_keys = ApiKeys(self.identity)

    def get(self, path: str, key: str | None = KEY, method: str = "GET", **headers: str) -> Answer:
        given = {} if key is None else {"X-Api-Key": key}
        return call(self.gateway, method, path, given | headers)

    def statuses(self, times: int, key: str | None = KEY, path: str = "/api/v1/items") -> list[int]:
        return [self.get(path, key).status for _ in range(times)]


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_key_passes_and_does_not_reach_the_service(door: Door) -> None:
    assert door.get("/api/v1/items").status == 200
    assert door.get("/api/v1/items", None, Authorization=f"ApiKey {KEY}").status == 200
    assert len(door.echo.seen) == 2
    assert all(KEY not in str(seen) for seen in door.echo.seen)


def test_identity_is_not_asked_per_request(door: Door) -> None:
    door.statuses(5)
    assert door.identity.asked == [("GET", f"{LIST_PATH}?known=")]


@pytest.mark.parametrize("key", ["", "x", KEY[:-1], OTHER_KEY, KEY.upper(), "tbp_" + "é" * 10])
def test_an_unknown_key_is_401_and_counts_for_its_address(key: str) -> None:
    door = Door(address="2/minute")
    answer = door.get("/api/v1/items", key)
    assert answer.is_problem(401, "api_key_invalid")
    assert answer.headers["www-authenticate"] == "ApiKey"
    assert door.statuses(2, key) == [401, 429]
    assert door.echo.seen == []


def test_a_key_that_has_run_out_is_401(door: Door) -> None:
    door.identity.keys[KEY]["expires_at"] = time.time() - 1
    assert door.get("/api/v1/items").is_problem(401, "api_key_invalid")


def test_a_revoked_key_is_refused_with_the_next_list_and_a_new_one_passes(door: Door) -> None:
    assert door.get("/api/v1/items").status == 200
    door.identity.keys[OTHER_KEY] = told("production", app_id="app-2")
    door.identity.revoke(KEY)
    assert door.gateway.api_keys.step() <= 1, "seconds until it is asked again"
    assert door.get("/api/v1/items").is_problem(401, "api_key_invalid")
    assert door.get("/api/v1/items", OTHER_KEY).status == 200


def test_the_minute_is_the_apps_and_the_answer_says_what_is_left(door: Door) -> None:
    door.identity.keys[OTHER_KEY] = told("production")  # another key of the same app
    first = door.get("/api/v1/items")
    assert [value for name, value in first.all_headers if name == "RateLimit-Policy"] == [
        '"key_minute";q=5;w=60',
        '"key_day";q=8;w=86400',
    ]
    assert [value.split(";t=")[0] for name, value in first.all_headers if name == "RateLimit"] == [
        '"key_minute";r=4',
        '"key_day";r=7',
    ]
    assert door.statuses(2) + door.statuses(3, OTHER_KEY) == [200] * 4 + [429]
    refused = door.get("/api/v1/items")
    assert refused.is_problem(429, "too_many_requests")
    assert refused.json["limit"] == "key_minute"
    assert int(refused.headers["retry-after"]) >= 1
    assert len(door.echo.seen) == 5


def test_the_day_ends_as_well(door: Door) -> None:
    door.identity.keys[KEY] = told("production", per_minute=100)
    assert door.statuses(9) == [200] * 8 + [429]
    refused = door.get("/api/v1/items")
    assert refused.json["limit"] == "key_day"
    assert int(refused.headers["retry-after"]) > 60


def test_with_a_key_the_limit_of_the_address_is_not_spent_and_without_it_it_is_the_only_one() -> None:
    door = Door(address="2/minute")
    assert door.statuses(5) == [200] * 5
    assert door.statuses(3, None) == [200, 200, 429]


def test_data_that_was_not_granted_are_refused(door: Door) -> None:
    assert door.get("/api/v1/ledger/checkpoint").is_problem(403, "dataset_not_granted")
    assert door.echo.seen == []


def test_a_key_opens_nothing_that_needs_a_token(door: Door) -> None:
    assert door.get("/api/v1/cases").is_problem(401, "token_missing")
    assert door.get("/api/v1/cases", None, Authorization=f"ApiKey {KEY}").is_problem(401, "token_missing")
    assert door.get("/api/v1/items", method="POST").is_problem(401, "token_missing")
    assert door.echo.seen == []


def test_a_sandbox_key_reads_made_up_licences_under_the_true_address(door: Door) -> None:
    door.identity.keys[OTHER_KEY] = told("production", datasets=["licences"], app_id="app-2")
    answer = door.get("/api/v1/licences/1.2.3", SANDBOX_KEY)
    assert answer.headers["tongban-environment"] == "sandbox"
    assert door.echo.seen[-1]["PATH_INFO"] == "/api/v1/sandbox/licences/1.2.3"
    door.get("/api/v1/items", SANDBOX_KEY)
    assert door.echo.seen[-1]["PATH_INFO"] == "/api/v1/items"
    real = door.get("/api/v1/licences/1.2.3", OTHER_KEY)
    assert "tongban-environment" not in real.headers
    assert door.echo.seen[-1]["PATH_INFO"] == "/api/v1/licences/1.2.3"


def test_what_a_sandbox_key_could_not_see_otherwise_it_cannot_see_through_the_sandbox(door: Door) -> None:
    assert door.get("/api/v1/licences/1.2.3/pdf", SANDBOX_KEY).is_problem(401, "token_missing")


def test_use_is_told_once_however_often_the_report_is_repeated(door: Door) -> None:
    door.statuses(7)
    door.get("/api/v1/ledger/checkpoint", SANDBOX_KEY)
    door.identity.loses_answers = True
    door.gateway.api_keys.step()
    door.gateway.api_keys.step()
    door.identity.loses_answers = False
    door.gateway.api_keys.step()
    door.gateway.api_keys.step()
    assert sorted(door.identity.used()) == [("production-key", 5, 2), ("sandbox-key", 1, 0)]


def test_a_gateway_that_ends_tells_what_it_counted(door: Door) -> None:
    door.get("/api/v1/items")
    door.gateway.api_keys.close()
    assert door.identity.used() == [("production-key", 1, 0)]
    assert door.gateway.api_keys.loop.stopping.is_set()


def test_while_identity_is_away_the_last_list_holds_and_counts_wait(door: Door) -> None:
    door.get("/api/v1/items")
    door.identity.away = True
    door.gateway.api_keys.step()
    assert door.get("/api/v1/items").status == 200
    door.identity.away = False
    door.gateway.api_keys.step()
    assert door.identity.used() == [("production-key", 2, 0)]


def test_without_any_list_a_key_cannot_be_judged_and_others_pass(door: Door) -> None:
    door.identity.away = True
    assert door.get("/api/v1/items").is_problem(503, "service_unavailable")
    assert door.get("/api/v1/items", None).status == 200


def test_every_dataset_is_public_and_every_made_up_one_has_its_counterpart() -> None:
    for code, dataset in DATASETS.items():
        for prefix in dataset.prefixes:
            path = f"/api/v1/{prefix}"
            assert dataset_of(path) == dataset_of(f"{path}/x") == code
            assert any(r.prefix == path and r.public for r in ROUTES), path
    for path in ("/api/v1/licences/x", "/api/v1/open-data/cases/2025-01"):
        assert is_fictitious(path)
        counterpart = find_route(sandbox_path(path))
        assert counterpart.service == find_route(path).service
        assert counterpart.is_public("GET", sandbox_path(path))
    assert dataset_of("/api/v1/cases") is None
    assert dataset_of("/docs") is None
