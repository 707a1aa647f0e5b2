"""A running workflow on a fresh database, with an item in force and documents' receipts that verify."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey

from chassis import clock
from chassis.public_keys import PublicKeys
from contracts.item import Item, ItemPublished, ItemRetired
from contracts.person import PartyRegistered
from contracts.rights import scopes_of
from contracts.task import OpinionRefused
from services.workflow.adapters.receipts import ReceiptReader
from services.workflow.api.applying import RECEIPTS
from services.workflow.models import db
from services.workflow.service import SERVICE
from tests.factories.items import ITEM_CODE, make_item
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime, told

CITIZEN, DEPARTMENT = scopes_of("person"), scopes_of("department")


@dataclass
class Desk:
    """The workflow service as its callers meet it."""

    client: FlaskClient
    tokens: Tokens
    documents_key: ECKey
    clock_file: Path
    party: str = "org-1"
    keys: Iterator[int] = field(default_factory=itertools.count)

    def publish(self, item: Item) -> None:
        event = ItemPublished(item_code=item.item_code, effective_from=date(2020, 1, 1), item=item)
        deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))

    def retire(self) -> None:
        event = ItemRetired(item_code=ITEM_CODE, retired_on=date(2021, 1, 1), reason="国务院决定取消")
        deliver(SERVICE, "workflow.items", envelope_bytes(event, source="catalog"))

    def register(self, *party_ids: str) -> None:
        bodies = [
            envelope_bytes(
                PartyRegistered(party_id=party_id, name="某某", code_type="111", code="x"), source="identity"
            )
            for party_id in party_ids
        ]
        deliver(SERVICE, "workflow.parties", *bodies)

    def receipt(
        self, code: str, *, owner: str | None = None, item_code: str = ITEM_CODE, key: ECKey | None = None
    ) -> str:
        content = {
            "material_id": f"m-{code}-{next(self.keys)}",
            "owner_id": owner or self.party,
            "item_code": item_code,
            "code": code,
            "media_type": "application/pdf",
            "size_bytes": 10,
            "sha256": "0" * 64,
        }
        signer = key or self.documents_key
        return jws.serialize_compact({"alg": "ES256", "kid": signer.kid}, msgspec.json.encode(content), signer)

    def citizen(self, **claims: Any) -> dict[str, str]:
        return self.tokens.headers(CITIZEN, **({"sub": "p-1", "party": self.party} | claims))

    def submit(self, *, key: str | None = None, materials: list[str] | None = None, **body: Any) -> Any:
        content = {
            "item_code": ITEM_CODE,
            "form": {"plate": "鲁A12345"},
            "materials": [self.receipt("application")] if materials is None else materials,
        }
        headers = self.citizen() | {"Idempotency-Key": key or f"k-{next(self.keys)}"}
        return self.client.post("/api/v1/cases", json=content | body, headers=headers)

    def new_case(self) -> str:
        answer = self.submit()
        assert answer.status_code == 201, answer.json
        return str(answer.json["case_no"])

    def start_draft(self, *, key: str | None = None, body: dict[str, Any] | None = None, **claims: Any) -> Any:
        headers = self.citizen(**claims) | {"Idempotency-Key": key or f"d-{next(self.keys)}"}
        return self.client.post("/api/v1/drafts", json=body or {"item_code": ITEM_CODE}, headers=headers)

    def new_draft(self, **claims: Any) -> str:
        answer = self.start_draft(**claims)
        assert answer.status_code == 201, answer.json
        return str(answer.json["draft_id"])

    def save_draft(self, draft_id: str, *, claims: dict[str, Any] | None = None, **body: Any) -> Any:
        content = {"form": {"plate": "鲁A"}, "materials": {}, "step": "form", "version": 1} | body
        headers = self.citizen(**claims or {})
        return self.client.put(f"/api/v1/drafts/{draft_id}", json=content, headers=headers)

    def show_draft(self, draft_id: str, **claims: Any) -> Any:
        return self.client.get(f"/api/v1/drafts/{draft_id}", headers=self.citizen(**claims))

    def drafts(self, **claims: Any) -> list[dict[str, Any]]:
        answer: Any = self.client.get("/api/v1/drafts", headers=self.citizen(**claims))
        return list(answer.json["drafts"])

    def discard_draft(self, draft_id: str, **claims: Any) -> Any:
        return self.client.delete(f"/api/v1/drafts/{draft_id}", headers=self.citizen(**claims))

    def show(self, case_no: str, **claims: Any) -> Any:
        return self.client.get(f"/api/v1/cases/{case_no}", headers=self.citizen(**claims)).json

    def open_tasks(self, department: str) -> list[dict[str, Any]]:
        headers = self.tokens.headers(DEPARTMENT, kind="department", dept=department, sub=department)
        answer = self.client.get("/api/v1/tasks", headers=headers)
        assert answer.status_code == 200, answer.json
        return list(answer.json["tasks"])

    def answer(
        self, department: str, task_id: str, verdict: str = "agree", *, key: str | None = None, **body: Any
    ) -> Any:
        headers = self.tokens.headers(DEPARTMENT, kind="department", dept=department, sub=department)
        headers["Idempotency-Key"] = key or f"o-{next(self.keys)}"
        return self.client.post(f"/api/v1/tasks/{task_id}/opinion", json={"verdict": verdict} | body, headers=headers)

    def agree(self, case_no: str, *steps: tuple[str, str], round_no: int = 1) -> None:
        for department, step in steps:
            answer = self.answer(department, f"{case_no}-{step}-{round_no}")
            assert answer.status_code == 200, answer.json


TABLES = (
    "cases", "tasks", "opinions", "decisions", "transitions", "case_materials", "drafts", "outbox", "bundles",
    "appointment_slots", "appointments", "shipments",
)  # fmt: skip


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows that a request could change."""
    with db.read() as connection:
        tables = db.metadata.tables
        return {name: [tuple(r) for r in connection.execute(sa.select(tables[name]))] for name in TABLES}


def assert_refused(answer: Any, status: int, code: str, before: dict[str, Any]) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    assert everything() == before


def assert_refused_and_told(answer: Any, status: int, code: str, before: dict[str, Any]) -> None:
    """Refused, nothing changed, and supervision hears that it was asked for."""
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    after = everything()
    assert {name: rows for name, rows in after.items() if name != "outbox"} == {
        name: rows for name, rows in before.items() if name != "outbox"
    }
    assert len(after["outbox"]) == len(before["outbox"]) + 1
    assert [refused.code for refused in told(db, OpinionRefused)][-1] == code


def together(*calls: Any) -> list[Any]:
    """Run the calls at the same moment; their answers in order."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(index: int, call: Any) -> None:
        barrier.wait()
        answers[index] = call()

    threads = [threading.Thread(target=run, args=(i, call)) for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from make_desk(tmp_path, None)


def make_desk(folder: Path, url: str | None) -> Iterator[Desk]:
    tokens = Tokens("workflow")
    documents_key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"})
    documents_key.ensure_kid()
    bind(SERVICE, folder, url)
    runtime = make_runtime(SERVICE, folder, tokens)
    app = make_app(SERVICE, runtime)
    runtime.parts[RECEIPTS] = ReceiptReader(PublicKeys(lambda: {"keys": [documents_key.as_dict(private=False)]}))
    clock_file = folder / "clock"
    clock.follow(clock_file)
    made = Desk(app.test_client(), tokens, documents_key, clock_file)
    made.publish(make_item())
    yield made
    clock.follow(None)
