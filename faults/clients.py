"""A citizen and all departments as plain HTTP clients that repeat what was not answered, with the same key."""

from __future__ import annotations

import time
from typing import Any, Protocol

import urllib3
import yaml

DIRECTORY = "catalogs/directory/demo.yaml"
BUS_PERMIT = "校车使用许可"
BUS_PERMIT_OPINIONS = 6  # its plan's steps, each answered once
PATIENCE_S = 120.0


class Door(Protocol):
    """How clients reach the platform."""

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """A response, whatever its status; what could not be delivered is sent again."""


class GatewayDoor:
    """The gateway at ``base_url``, which may be away for a while. One per thread."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._http = urllib3.PoolManager(timeout=20, retries=False)

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """Repeats until something answers. Raises urllib3's error when nothing has for a long time."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._http.request(method, self._base_url + path, **kwargs)
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


class Clients:
    """Everybody outside the platform. ``acknowledged`` is their own list of what they were promised."""

    def __init__(self, door: Door) -> None:
        self._door = door
        with open(DIRECTORY, encoding="utf-8") as file:
            self._directory = yaml.safe_load(file)
        self._tokens: dict[str, str] = {}
        self.acknowledged: list[str] = []

    def play(self, cases: int) -> None:
        """Applications from submission to their end."""
        self.submit(cases)
        self.work_until_closed()

    def submit(self, cases: int) -> None:
        """Hand in applications; each is repeated until it is acknowledged."""
        item = self.wait_for_item()
        receipts = [self._upload(item, material["code"]) for material in item["materials"] if material["required"]]
        body = {"item_code": item["item_code"], "form": item["form_schema"]["examples"][0], "materials": receipts}
        for number in range(len(self.acknowledged), len(self.acknowledged) + cases):
            answer = self._insist("POST", "/api/v1/cases", who="school-agent", key=f"case-{number}", json=body)
            self.acknowledged.append(answer["case_no"])

    def work_until_closed(self) -> None:
        """Departments agree to whatever they are asked, until every acknowledged case is closed."""
        deadline = time.monotonic() + PATIENCE_S
        while not all(self.state(case_no) == "closed" for case_no in self.acknowledged):
            assert time.monotonic() < deadline, [self.state(case_no) for case_no in self.acknowledged]
            for client in self._directory["clients"]:
                for task in self._insist("GET", "/api/v1/tasks", who=client["client_id"])["tasks"]:
                    self._agree(client["client_id"], task["task_id"])

    def state(self, case_no: str) -> str:
        """What the citizen sees."""
        return str(self.shown(case_no)["state"])

    def shown(self, case_no: str) -> dict[str, Any]:
        """The case as its citizen sees it."""
        seen: dict[str, Any] = self._insist("GET", f"/api/v1/cases/{case_no}", who="school-agent")
        return seen

    def _agree(self, who: str, task_id: str) -> None:
        path = f"/api/v1/tasks/{task_id}/opinion"
        response = self._once("POST", path, who=who, key=task_id, json={"verdict": "agree"})
        assert response.status in (200, 409, 503), response.data

    def wait_for_item(self) -> dict[str, Any]:
        """The item's guide, once it is published."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            items = self._door.call("GET", "/api/v1/items").json()["items"]
            if found := [item for item in items if item["name"] == BUS_PERMIT]:
                guide: dict[str, Any] = self._door.call("GET", f"/api/v1/items/{found[0]['item_code']}").json()
                return guide
            time.sleep(0.1)
        raise AssertionError("the item was never published")

    def _upload(self, item: dict[str, Any], code: str) -> str:
        path = f"/api/v1/materials?item_code={item['item_code']}&material_code={code}"
        headers = {"Content-Type": "application/pdf"}
        return str(
            self._insist("POST", path, who="school-agent", headers=headers, body=b"%PDF-1.7 " + code.encode())[
                "receipt"
            ]
        )

    def _insist(self, method: str, path: str, *, who: str, **kwargs: Any) -> Any:
        """The JSON of a successful answer; what is temporarily refused is repeated."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            response = self._once(method, path, who=who, **kwargs)
            if response.status < 300:
                return response.json()
            assert response.status in (401, 404, 502, 503, 504), (path, response.status, response.data)
            if response.status == 401:
                self._tokens.pop(who, None)
            time.sleep(0.1)
        raise AssertionError(f"{method} {path}: no answer")

    def _once(self, method: str, path: str, *, who: str, key: str | None = None, **kwargs: Any) -> Any:
        headers = kwargs.pop("headers", {}) | {"Authorization": f"Bearer {self._token(who)}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._door.call(method, path, headers=headers, **kwargs)

    def _token(self, who: str) -> str:
        while who not in self._tokens:
            response = self._door.call("POST", "/api/v1/tokens", json=self._grant(who))
            if response.status == 200:
                self._tokens[who] = response.json()["access_token"]
            else:
                time.sleep(0.2)
        return self._tokens[who]

    def _grant(self, who: str) -> dict[str, str]:
        for client in self._directory["clients"]:
            if client["client_id"] == who:
                return {"grant_type": "client_credentials", "client_id": who, "client_secret": client["client_secret"]}
        [account] = [a for a in self._directory["accounts"] if a["username"] == who]
        return {"grant_type": "password", "username": who, "password": account["password"]}
