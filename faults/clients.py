"""Citizens and an administrator as plain HTTP clients that repeat what was not answered, with the same key."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import urllib3
import yaml

from demo.sign_in import SignInRefused, sign_in

DIRECTORY = "catalogs/directory/demo.yaml"
BUS_PERMIT = "校车使用许可"
OFTEN_PUBLISHED = "catalogs/items/school-enrolment.yaml"
CITIZEN, ADMINISTRATOR = "school-agent", "administrator"
PATIENCE_S = 120.0
# What may pass: an expired token, news of an item that has not arrived everywhere, a part that is away.
PASSING = (401, 404, 502, 503, 504)


@dataclass
class Promises:
    """Every acknowledged answer, as the clients have it: case numbers, material ids, party ids, (item code, version)."""

    cases: list[str] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)
    parties: list[str] = field(default_factory=list)
    publications: list[tuple[str, int]] = field(default_factory=list)
    repeats: int = 0
    """How often something had to be sent again."""


class GatewayDoor:
    """The gateway at ``base_url``, which may be away for a while. One per thread."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._http = urllib3.PoolManager(timeout=20, retries=False)

    def call(self, method: str, path: str, **kwargs: Any) -> urllib3.BaseHTTPResponse:
        """A response, whatever its status. What was not answered is repeated; raises urllib3's error when nothing has
        answered for a long time.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._http.request(method, self._base_url + path, **kwargs)
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


class Clients:
    """People outside the platform, one after the other; one object per thread. ``name`` sets their keys apart."""

    def __init__(self, door: GatewayDoor, promises: Promises | None = None, *, name: str = "c") -> None:
        self.promises = promises if promises is not None else Promises()
        self._door, self._name = door, name
        with open(DIRECTORY, encoding="utf-8") as file:
            self._directory = yaml.safe_load(file)
        self._tokens: dict[str, str] = {}
        self._numbers = itertools.count()

    def submit(self, cases: int) -> None:
        """Hand in applications with new materials; each is repeated until it is acknowledged."""
        item = self.wait_for_item()
        for _ in range(cases):
            number = next(self._numbers)
            required = [material["code"] for material in item["materials"] if material["required"]]
            receipts = [self._upload(item["item_code"], code, f"{self._name}-{number}") for code in required]
            body = {"item_code": item["item_code"], "form": item["form_schema"]["examples"][0], "materials": receipts}
            answer = self._insist("POST", "/api/v1/cases", who=CITIZEN, key=f"{self._name}-case-{number}", json=body)
            self.promises.cases.append(answer["case_no"])

    def register_person(self, identity_number: str) -> None:
        """A new natural person in the directory."""
        body = {"kind": "person", "name": "测试人", "identity_number": identity_number}
        key = f"{self._name}-party-{identity_number}"
        self.promises.parties.append(
            self._insist("POST", "/api/v1/parties", who=ADMINISTRATOR, key=key, json=body)["party_id"]
        )

    def publish_version(self) -> None:
        """Another version of an item, with other words."""
        number = next(self._numbers)
        with open(OFTEN_PUBLISHED, encoding="utf-8") as file:
            definition = json.loads(json.dumps(yaml.safe_load(file), default=str))
        definition["office"]["hours_en"] += f" ({self._name} {number})"
        key = f"{self._name}-version-{number}"
        answer = self._insist("POST", "/api/v1/items", who=ADMINISTRATOR, key=key, json=definition)
        self.promises.publications.append((answer["item_code"], answer["version"]))

    def shown(self, case_no: str) -> dict[str, Any]:
        """The case as its citizen sees it."""
        seen: dict[str, Any] = self._insist("GET", f"/api/v1/cases/{case_no}", who=CITIZEN)
        return seen

    def wait_for_item(self) -> dict[str, Any]:
        """The item's guide, once it is published."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            listed = self._door.call("GET", "/api/v1/items")
            items = listed.json()["items"] if listed.status == 200 else []
            for found in (item for item in items if item["name"] == BUS_PERMIT):
                guide = self._door.call("GET", f"/api/v1/items/{found['item_code']}")
                if guide.status == 200:
                    return dict(guide.json())
            time.sleep(0.1)
        raise AssertionError("the item was never published")

    def _upload(self, item_code: str, code: str, words: str) -> str:
        path = f"/api/v1/materials?item_code={item_code}&material_code={code}"
        headers, body = {"Content-Type": "application/pdf"}, f"%PDF-1.7 {code} {words}".encode()
        receipt: str = self._insist("POST", path, who=CITIZEN, headers=headers, body=body)["receipt"]
        self.promises.materials.append(content_of(receipt)["material_id"])
        return receipt

    def _insist(self, method: str, path: str, *, who: str, **kwargs: Any) -> Any:
        """The JSON of a successful answer; what is temporarily refused is repeated."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            response = self._once(method, path, who=who, **kwargs)
            if response.status < 300:
                return response.json()
            assert response.status in PASSING, (path, response.status, response.data)
            if response.status == 401:
                self._tokens.pop(who, None)
            self.promises.repeats += 1
            time.sleep(0.1)
        raise AssertionError(f"{method} {path}: no answer")

    def _once(
        self, method: str, path: str, *, who: str, key: str | None = None, **kwargs: Any
    ) -> urllib3.BaseHTTPResponse:
        headers = kwargs.pop("headers", {}) | {"Authorization": f"Bearer {self._token(who)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._door.call(method, path, headers=headers, **kwargs)

    def _token(self, who: str) -> str:
        while who not in self._tokens:
            try:
                self._tokens[who] = sign_in(self._send, who, self._password(who))["access_token"]
            except SignInRefused:
                time.sleep(0.2)
        return self._tokens[who]

    def _password(self, who: str) -> str:
        [account] = [a for a in self._directory["accounts"] if a["username"] == who]
        return str(account["password"])

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        response = self._door.call(method, path, headers=headers, body=body or None, redirect=False)
        return response.status, response.headers, response.data


def content_of(jws: str) -> dict[str, Any]:
    """What a compact JWS says, unchecked."""
    middle = jws.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return said


def identity_numbers() -> Iterator[str]:
    """Fictitious identity numbers, valid by check digit, all different. Source: GB 11643 (ISO 7064 MOD 11-2)."""
    for number in itertools.count():
        born = date(1950, 1, 1) + timedelta(days=number // 1000)
        first = f"330000{born:%Y%m%d}{number % 1000:03d}"
        yield first + "10X98765432"[sum(int(digit) * 2 ** (17 - i) for i, digit in enumerate(first)) % 11]
