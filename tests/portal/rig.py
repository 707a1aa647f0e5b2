"""The platform for tests of its pages: the accounts of the demonstration, departments played over the API, cases in states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from demo.applications import SCHOOL_BUS, Application
from demo.client import Api, wait_for
from demo.story import apply, find_item
from localservers.platform import DIRECTORY, directory
from localservers.ports import free_port
from localservers.processes import READY_PATH, Processes, Program
from portal.catalogue.drafts import ADDED
from tests.portal import packaged

PATIENCE_S = 60.0
SIGNED_IN_S = 600.0  # a person's token is good for fifteen minutes
PLAN = {
    "accept": "education",
    "police_opinion": "police",
    "transport_opinion": "transport",
    "examine": "education",
    "decide": "county_government",
    "issue_plate": "police",
}
APPLICANT, PARENT, SUPERVISOR = "school-agent", "parent", "supervisor"


class Platform:
    """The embedded platform in a process of its own. Where no department is simulated, the test plays them."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder, self.base_url = folder, base_url
        self.passwords = {account["username"]: account["password"] for account in directory()["accounts"]}
        self.at_provider: dict[str, str] = {}  # cookies of the accounts that have signed in at the provider
        self._callers: dict[str, tuple[Api, float]] = {}

    def caller(self, username: str = "") -> Api:
        """A caller of the API, signed in as a demo account; a stranger without a name."""
        caller, since = self._callers.get(username, (None, 0.0))
        if caller is None or time.monotonic() - since > SIGNED_IN_S:
            known = {"username": username, "password": self.passwords[username]} if username else {}
            caller = Api(self.base_url, ca_file=None, **known)
            self._callers[username] = (caller, time.monotonic())
        return caller

    @cached_property
    def item(self) -> dict[str, Any]:
        """The guide of the school bus permit."""
        return find_item(self.caller(), SCHOOL_BUS.item)

    def wait_until_open(self) -> None:
        """Return when the catalogue has published the item."""
        wait_for(
            "publication of the items",
            lambda: [i for i in self.caller().get("/api/v1/items")["items"] if i["name"] == SCHOOL_BUS.item],
            timeout_s=PATIENCE_S,
        )

    def apply(self, application: Application = SCHOOL_BUS) -> str:
        """A new case; returns its number."""
        return apply(self.caller(application.username), application)

    def case(self, case_no: str) -> dict[str, Any]:
        """As its applicant sees it."""
        found: dict[str, Any] = self.caller(APPLICANT).get(f"/api/v1/cases/{case_no}")
        return found

    def wait_for_state(self, case_no: str, *states: str) -> dict[str, Any]:
        """The case once it is in one of the states."""

        def reached() -> dict[str, Any] | None:
            case = self.case(case_no)
            return case if case["state"] in states else None

        found: dict[str, Any] = wait_for(f"{case_no} to be {states}", reached, timeout_s=PATIENCE_S)
        return found

    def answer(self, case_no: str, step: str, verdict: str = "agree", **said: Any) -> dict[str, Any]:
        """The officer of the step's department answers its open task, once it is there."""
        officer = self.caller(f"officer-{PLAN[step]}")

        def open_task() -> list[dict[str, Any]]:
            tasks = self.case(case_no)["tasks"]
            return [task for task in tasks if task["step"] == step and task["state"] == "open"]

        [task] = wait_for(f"task {step} of {case_no}", open_task, timeout_s=PATIENCE_S)
        body = {"verdict": verdict, "reason": said.pop("reason", "OK"), **said}
        answered: dict[str, Any] = officer.post(f"/api/v1/tasks/{task['task_id']}/opinion", body)
        return answered

    def advance(self, case_no: str, *steps: str) -> None:
        """Each step agreed to, in this order."""
        for step in steps:
            self.answer(case_no, step)


@contextmanager
def running_platform(folder: Path, *options: str) -> Iterator[Platform]:
    """Start ``python -m embedded`` on a free port; it ends with the block."""
    port = free_port()
    base_url = f"http://localhost:{port}"  # browsers know passkeys there, but under no address of digits
    processes = Processes(folder / "logs")
    environment = {
        "TONGBAN_HTTP_ADDRESS": f"127.0.0.1:{port}",
        "TONGBAN_PUBLIC_URL": base_url,
        "TONGBAN_DATA_DIR": str(folder / "data"),
        "TONGBAN_DIRECTORY_FILE": str(DIRECTORY),
        "TONGBAN_STAFF_SECOND_FACTOR": "offered",
        "TONGBAN_STOP_TIMEOUT_S": "2",
    }
    try:
        processes.start(Program("platform", "embedded", options, environment, base_url + READY_PATH))
        processes.wait_ready()
        platform = Platform(folder, base_url)
        platform.wait_until_open()
        yield platform
    finally:
        processes.stop()


@dataclass(frozen=True)
class World:
    """Cases in these states, by number; a draft and a licence; two tasks of the police, one open and one answered; an
    account of staff and one of a person, by id; a request about personal data that waits; a developer's app that waits; a
    draft of the item's next version; a draft for a package, and a bundle; an application for information of the police.
    """

    item_code: str
    draft: str
    fresh: str
    running: str
    correcting: str
    withdrawn: str
    denied: str
    closed: str
    licence_no: str
    task_id: str
    answered_id: str
    staff_id: str
    person_id: str
    request_id: str
    app_id: str
    item_draft: str
    package_draft: str
    bundle_no: str
    sharing_id: str


PROBLEM = "The stamp is missing."


def make_world(platform: Platform) -> World:
    """A case for every state."""
    applicant = platform.caller(APPLICANT)
    item = platform.item
    packaged.publish(platform.caller("administrator"), item["item_code"])
    package_draft = packaged.draft_of(applicant, packaged.CODE)
    fresh, running, correcting, withdrawn, denied, closed = (platform.apply() for _ in range(6))
    draft = applicant.post("/api/v1/drafts", {"item_code": item["item_code"], "item_version": item["version"]})
    platform.advance(running, "accept")
    ask_for_correction(platform, correcting)
    applicant.post(f"/api/v1/cases/{withdrawn}/withdrawal", {"reason": "The bus was sold."})
    platform.advance(denied, "accept", "police_opinion", "transport_opinion", "examine")
    platform.answer(denied, "decide", "disagree", reason="The road is closed.")
    platform.advance(closed, *PLAN)
    licence_no = platform.wait_for_state(closed, "closed")["licence_no"]
    platform.wait_for_state(correcting, "awaiting_correction")
    task, answered = (
        next(task["task_id"] for task in platform.case(case_no)["tasks"] if task["department"] == "police")
        for case_no in (running, correcting)
    )
    _wait_for_ledger(platform, closed)
    return World(
        item_code=item["item_code"],
        draft=draft["draft_id"],
        fresh=fresh,
        running=running,
        correcting=correcting,
        withdrawn=withdrawn,
        denied=denied,
        closed=closed,
        licence_no=licence_no,
        task_id=task,
        answered_id=answered,
        staff_id=_account(platform, "security", "hotline"),
        person_id=_account(platform, "administrator", PARENT),
        request_id=_data_request(platform),
        app_id=_app(platform),
        item_draft=draft_of_item(platform, item["item_code"], committed_limit={"amount": 9, "unit": "working_day"}),
        package_draft=package_draft,
        bundle_no=packaged.apply(applicant, item),
        sharing_id=_sharing(platform),
    )


def definition_of(platform: Platform, item_code: str, **changes: Any) -> dict[str, Any]:
    """What the item in force says, changed."""
    guide = platform.caller().get(f"/api/v1/items/{item_code}")
    return {name: value for name, value in guide.items() if name not in ADDED} | changes


def draft_of_item(platform: Platform, item_code: str, **changes: Any) -> str:
    """A draft of the item's next version by the bureau's officer."""
    body = {"definition": definition_of(platform, item_code, **changes), "why": "The bureau is faster now."}
    return str(platform.caller("officer-education").post("/api/v1/item-drafts", body)["draft_id"])


def _account(platform: Platform, administrator: str, username: str) -> str:
    found = platform.caller(administrator).get(f"/api/v1/accounts?username={username}")["accounts"]
    return str(found[0]["account_id"])


def _data_request(platform: Platform) -> str:
    body = {"kind": "correction", "details": "A letter of my name is wrong."}
    return str(platform.caller(PARENT).post("/api/v1/my/data-requests", body)["request_id"])


def _app(platform: Platform) -> str:
    said = {"name": "School bus", "name_en": "School bus", "purpose": "Shows guides.", "contact": "dev@example.org"}
    addresses = ["http://127.0.0.1:9000/back", "https://bus.example/back"]
    developer = platform.caller(APPLICANT)
    app_id = str(developer.post("/api/v1/developer-apps", said | {"redirect_uris": addresses})["app_id"])
    asked = {"datasets": ["items"], "scope": ["cases:read"], "per_minute": 60, "per_day": 1000}
    developer.post(f"/api/v1/developer-apps/{app_id}/application", asked)
    return app_id


SHARED = "307009/000012"


def _sharing(platform: Platform) -> str:
    fields = [
        {"code": code, "name": name, "name_en": code, "type": "C"}
        for code, name in (("plate", "号牌"), ("seats", "座位"))
    ]
    resource = {
        "name": "机动车登记信息", "name_en": "Registered vehicles", "summary": "本县机动车", "summary_en": "Of the county",
        "format": "3", "way": "service", "update_cycle": "daily", "sharing_type": "2", "conditions": "For school buses only",
        "fields": fields,
    }  # fmt: skip
    platform.caller("officer-police").put(f"/api/v1/shared-resources/{SHARED}", resource)
    asked = {
        "resource_code": SHARED,
        "item_code": platform.item["item_code"],
        "purpose": "To check number plates",
        "fields": ["plate", "seats"],
    }
    return str(platform.caller("officer-education").post("/api/v1/sharing-applications", asked)["application_id"])


def ask_for_correction(platform: Platform, case_no: str) -> None:
    """One department agrees, the other finds a defect."""
    platform.advance(case_no, "accept", "police_opinion")
    defect = {"material_code": "operating_plan", "problem": PROBLEM}
    platform.answer(case_no, "transport_opinion", "correction_needed", defects=[defect])


def _wait_for_ledger(platform: Platform, case_no: str) -> None:
    supervisor = platform.caller(SUPERVISOR)

    def complete() -> bool:
        events = supervisor.get(f"/api/v1/trails/{case_no}")["events"]
        return any(event["type"] == "case.closed.v1" for event in events)

    wait_for(f"the trail of {case_no}", complete, timeout_s=PATIENCE_S)
