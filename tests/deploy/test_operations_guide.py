"""docs/operations.md, word for word: every command of a block marked ``sh`` is run as an operator runs it.

Plain blocks on the embedded platform in a folder of their own; ``sh servers`` on RabbitMQ, PostgreSQL and Consul;
``sh elsewhere`` by the tests named here.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
import yaml

from chassis.cli import main as tongban
from chassis.workdays import LAST_SHIPPED_YEAR
from demo.client import Api
from faults.databases import SqliteDatabases
from localservers.consul import Consul
from localservers.platform import DIRECTORY, SERVICES, directory
from localservers.ports import free_port
from localservers.postgresql import PostgreSQL
from localservers.processes import READY_PATH, Processes, Program
from localservers.rabbitmq import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```sh(?: (\w+))?\n(.*?)^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#{2,4} (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Command -> the test that runs it: they stay until they are stopped, and start everything.
ELSEWHERE = {
    "make run": "tests/faults/test_embedded_kills.py",
    "make up": "tests/operations/test_watched_platform.py",
    'ADMIN=$(tongban sign-in --server "$SITE")': "tests/deploy/test_operations_guide.py",  # below, with a browser
}
TIMEOUT_S = 300


def blocks(where: str) -> list[str]:
    """Scripts of the page that are run there, in its order."""
    return [text for marked, text in FENCE.findall(PAGE) if marked == where]


def run(script: str, environment: Mapping[str, str]) -> str:
    """What it says; it must not fail."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=os.environ | {"PATH": path} | dict(environment), cwd=ROOT,
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_every_block_is_run_somewhere() -> None:
    assert {where for where, _ in FENCE.findall(PAGE)} == {"", "servers", "elsewhere"}
    lines = [line.partition("#")[0].strip() for text in blocks("elsewhere") for line in text.splitlines()]
    assert sorted(lines) == sorted(ELSEWHERE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command, test in ELSEWHERE.items():
        if command.startswith("make "):
            assert re.search(rf"^{command.removeprefix('make ')}:", makefile, re.MULTILINE), command
        assert (ROOT / test).is_file(), test


def test_every_variable_is_explained() -> None:
    used = set(re.findall(r"\$\{?([A-Z_]+)\b", "".join(text for _, text in FENCE.findall(PAGE))))
    explained = set(re.findall(r"`\$([A-Z_]+)`", PAGE.partition("## 1 ")[0]))
    assert used == explained


def test_every_link_leads_somewhere() -> None:
    anchors = {_anchor(heading) for heading in HEADING.findall(PAGE)} | set(re.findall(r'id="([^"]+)"', PAGE))
    for link in LINK.findall(PAGE):
        file, _, anchor = link.partition("#")
        if not file:
            assert anchor in anchors, link
        elif "://" not in file:
            assert (ROOT / "docs" / file).resolve().exists(), link


def test_every_command_of_tongban_that_an_operator_needs_is_on_the_page() -> None:
    makes_sense_to_developers_only = {"make-migration"}
    for name in set(tongban.commands) - makes_sense_to_developers_only:
        assert re.search(rf"tongban {name}\b", PAGE), name


# The embedded platform


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running platform; what an operator of it knows."""
    folder = tmp_path_factory.mktemp("guide")
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "TONGBAN_HTTP_ADDRESS": address,
        "TONGBAN_DATA_DIR": str(folder / "data"),
        "TONGBAN_LOG_LEVEL": "WARNING",
    }
    processes = Processes(folder / "logs")
    site = f"http://{address}"
    try:
        processes.start(Program("embedded", "embedded", ("--no-departments",), environment, site + READY_PATH))
        processes.wait_ready("embedded")
        for name in ("backups", "keys"):
            (folder / name).mkdir()
        yield environment | {
            "SITE": site,
            "BACKUPS": str(folder / "backups"),
            "KEYS": str(folder / "keys"),
            "NEW_DATA": str(folder / "new"),
            "ITEMS": "catalogs/items/school-bus-permit.yaml",
            "CALENDAR": str(next_year(folder / "calendar.yaml")),
            **known_to_the_operator(site, folder / "data"),
        }
    finally:
        processes.stop()


def known_to_the_operator(site: str, data: Path) -> dict[str, str]:
    """Tokens, and what the commands before have told."""
    security, admin, person = (signed_in(site, name) for name in ("security", "administrator", "parent"))
    found = security[0].get("/api/v1/accounts", username="officer")
    request = person[0].post("/api/v1/my/data-requests", {"kind": "erasure", "details": "请删除我的信息"})
    with urllib.request.urlopen(f"{site}/api/v1/ledger/key") as answer:
        key = answer.read().decode().strip()
    return {
        "SECURITY": security[1],
        "ADMIN": admin[1],
        "ACCOUNT_ID": found["accounts"][0]["account_id"],
        "KEY_ID": security[0].get("/api/v1/signing-keys")["keys"][0]["key_id"],
        "REQUEST_ID": request["request_id"],
        "EVENT_ID": parked(data),
        "LEDGER_KEY": json.loads(key)["vkey"] if key.startswith("{") else key,
    }


def signed_in(site: str, username: str) -> tuple[Api, str]:
    """A caller, and its token."""
    [account] = [one for one in directory()["accounts"] if one["username"] == username]
    api = Api(site, ca_file=None)
    return api, str(api.sign_in(username, account["password"])["access_token"])


def parked(data: Path) -> str:
    """The id of a message that waits for a person."""
    now, event_id = datetime.now(UTC).isoformat(sep=" ")[:26], "01900000-0000-7000-8000-000000000001"
    row: dict[str, Any] = {
        "event_id": event_id,
        "subscription": "workflow.items",
        "type": "item.retired.v9",
        "subject": None,
        "body": b"{}",
        "attempt": 12,
        "error": "unknown",
        "first_failed_at": now,
        "retry_at": now,
        "parked_at": now,
    }
    SqliteDatabases(data).insert("workflow", "retries", row)
    return event_id


def next_year(file: Path) -> Path:
    """The page's calendar file; its year is written over when the product ships it."""
    [text] = re.findall(r"^```yaml\n(\d{4}:.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    [year] = yaml.safe_load(text)
    assert year > LAST_SHIPPED_YEAR - 1, "the page's example is of a year long past"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_commands_work_on_the_embedded_platform(embedded: dict[str, str]) -> None:
    for script in blocks(""):
        run(script, embedded)
    assert (Path(embedded["NEW_DATA"]) / "identity" / "data.key").is_file()
    assert (Path(embedded["BACKUPS"]) / "catalogue.csv").stat().st_size > 0


def test_an_operator_gets_a_token_with_a_browser(embedded: dict[str, str]) -> None:
    program = [sys.executable, "-m", "chassis.cli", "sign-in", "--server", embedded["SITE"]]
    with subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as asking:
        assert asking.stderr is not None
        [address] = [line.strip() for line in (next(asking.stderr) for _ in range(2)) if "/oauth2/" in line]
        token, _ = asking.communicate(f"{browse(address, 'administrator')}\n", timeout=TIMEOUT_S)
    assert asking.returncode == 0
    headers = {"Authorization": f"Bearer {token.strip()}"}
    request = urllib.request.Request(f"{embedded['SITE']}/api/v1/data-requests", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def browse(address: str, username: str) -> str:
    """Where a browser ends in which this account signs in."""
    [account] = [one for one in directory()["accounts"] if one["username"] == username]
    http = urllib3.PoolManager(retries=False)
    page = http.request("GET", address, redirect=False)
    form_token = re.findall(r'name="form_token" value="([^"]+)"', page.data.decode())[0]  # other ways in have forms too
    fields = {"form_token": html.unescape(form_token), "username": username, "password": account["password"]}
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    answer = http.request(
        "POST", f"{address.partition('/oauth2/')[0]}/oauth2/sign-in", body=urlencode(fields), redirect=False,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie},
    )  # fmt: skip
    return str(answer.headers["Location"])


# Servers


def test_the_commands_work_on_servers(
    tmp_path: Path, rabbitmq: RabbitMQ, postgresql: PostgreSQL, consul: Consul
) -> None:
    for service in SERVICES:
        postgresql.create_database(f"guide_{service}")
    environment = {
        "TONGBAN_DATABASE_URL": postgresql.url("guide_{service}"),
        "TONGBAN_DATA_DIR": str(tmp_path / "data"),
        "TONGBAN_BROKER_PASSWORDS": str(tmp_path / "passwords.yaml"),
        "TONGBAN_RABBITMQ_API": rabbitmq.management_url,
        "TONGBAN_RABBITMQ_ADMIN": ":".join(rabbitmq.admin),
        "BROKER": f"amqp://127.0.0.1:{rabbitmq.port}",
        "SECRETS": str(tmp_path / "bus"),
        "CONSUL": consul.url,
        "DEPARTMENT": "police",
    }
    try:
        said = "".join(run(script, environment) for script in blocks("servers"))
    finally:
        for service in SERVICES:
            postgresql.drop_database(f"guide_{service}")
        for department in yaml.safe_load(DIRECTORY.read_text(encoding="utf-8"))["departments"]:
            rabbitmq.management.delete_vhost(f"d.{department['code']}")
        rabbitmq.management.delete_vhost("tongban")
    assert "very" not in said
    for password in yaml.safe_load((tmp_path / "passwords.yaml").read_text())["services"].values():
        assert password not in said
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "bus").iterdir()} == {0o600}


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")
