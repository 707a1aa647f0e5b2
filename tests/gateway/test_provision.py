"""One command makes a broker ready from the catalogue of departments; said again it changes nothing."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pika
import pytest
import yaml
from click.testing import CliRunner, Result
from pika.exceptions import AMQPConnectionError

from gateway import provision as command
from gateway.broker_api import BrokerApi
from gateway.broker_plan import CORE_VHOST, POLICIES, SERVICES, USER_LIMITS, VHOST_LIMITS
from gateway.provision import ProvisionError, departments_of, provision
from localservers.rabbitmq import RabbitMQ
from tests.department_sdk.broker_door import wait_until

pytestmark = pytest.mark.servers

CODES = ("police", "transport")


class Office:
    """The administrator with a catalogue, a file of passwords and a broker."""

    def __init__(self, broker: RabbitMQ, folder: Path) -> None:
        self.broker, self.catalogue, self.file = broker, folder / "directory.yaml", folder / "secret" / "passwords.yaml"
        self.name_departments(*CODES)

    def name_departments(self, *codes: str) -> None:
        self.catalogue.write_text(yaml.safe_dump({"departments": [{"code": code, "name": code} for code in codes]}))

    def run(self, *arguments: str) -> Result:
        environment = {
            "TONGBAN_RABBITMQ_API": self.broker.management_url,
            "TONGBAN_RABBITMQ_ADMIN": ":".join(self.broker.admin),
            "TONGBAN_DIRECTORY_FILE": str(self.catalogue),
            "TONGBAN_BROKER_PASSWORDS": str(self.file),
        }
        return CliRunner().invoke(command.main, arguments, env=environment)

    def done(self, *arguments: str) -> list[str]:
        """Run it; the lines that say what was changed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return [line for line in result.output.splitlines() if line.startswith(("新建", "更改", "删除"))]

    def passwords(self) -> dict[str, dict[str, str]]:
        content: dict[str, dict[str, str]] = yaml.safe_load(self.file.read_text())
        return content

    def connect(self, code: str, password: str | None = None) -> pika.BlockingConnection:
        secret = password or self.passwords()["departments"][code]
        return pika.BlockingConnection(pika.URLParameters(self.broker.url(f"d.{code}", code, secret)))

    def api(self, path: str) -> Any:
        return BrokerApi(self.broker.management_url, self.broker.admin).get(path)

    def definitions(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api("definitions")
        return {name: value for name, value in found.items() if isinstance(value, list)}


@pytest.fixture
def office(rabbitmq: RabbitMQ, tmp_path: Path) -> Iterator[Office]:
    _clean(rabbitmq)
    yield Office(rabbitmq, tmp_path)
    _clean(rabbitmq)


def _clean(broker: RabbitMQ) -> None:
    for vhost in (CORE_VHOST, *(f"d.{code}" for code in (*CODES, "housing"))):
        broker.management.delete_vhost(vhost)
    for user in (*SERVICES, *CODES, "housing"):
        broker.management.delete_user(user)


def test_the_first_run_makes_everything_and_says_so(office: Office) -> None:
    lines = office.done()
    for path in ("vhosts/d.police", "users/police", "permissions/d.police/police", "policies/d.police/answers",
                 "queues/d.transport/tasks", "users/workflow", "user-limits/police/max-channels"):  # fmt: skip
        assert f"新建 / created: {path}" in lines
    assert stat.S_IMODE(office.file.stat().st_mode) == 0o600
    found = office.definitions()
    assert {p["name"]: p["definition"] for p in found["policies"] if p["vhost"] == "d.police"} == POLICIES
    [limits] = [p["value"] for p in found["parameters"] if p["vhost"] == "d.police"]
    assert limits == VHOST_LIMITS
    [police] = [u for u in found["users"] if u["name"] == "police"]
    assert police["limits"] == USER_LIMITS
    office.connect("police").close()


def test_the_second_run_changes_nothing(office: Office) -> None:
    office.done()
    before, passwords = office.definitions(), office.file.read_text()
    assert office.done() == []
    assert office.definitions() == before
    assert office.file.read_text() == passwords


def test_what_somebody_changed_by_hand_is_put_right_and_nothing_else(office: Office) -> None:
    office.done()
    office.broker.management.set_permissions("d.police", "police", configure=".*", write=".*", read=".*")
    office.broker.management.create_user("transport", "guessable", tags="tongban")
    lines = office.done()
    assert lines == [
        "更改 / changed: permissions/d.police/police",
        "更改 / changed: users/transport",
    ]
    assert office.done() == []
    with pytest.raises(AMQPConnectionError):
        office.connect("transport", "guessable")


def test_passwords_are_neither_printed_nor_shared(office: Office) -> None:
    output = office.run().output
    secrets = [text for known in office.passwords().values() for text in known.values()]
    assert len(set(secrets)) == len(SERVICES) + len(CODES)
    assert not any(secret in output for secret in secrets)


def test_rotation_changes_one_password_and_ends_what_was_connected_with_the_old_one(office: Office) -> None:
    office.done()
    old = office.passwords()["departments"]
    connected = office.connect("police")
    wait_until(lambda: any(c.get("user") == "police" for c in office.api("connections")), "the connection is listed")
    assert office.done("--rotate", "police") == ["更改 / changed: users/police"]
    new = office.passwords()["departments"]
    assert new["transport"] == old["transport"]
    assert new["police"] != old["police"]
    with pytest.raises(AMQPConnectionError):
        office.connect("police", old["police"])
    office.connect("police").close()
    with pytest.raises(AMQPConnectionError):
        connected.process_data_events(time_limit=10)
    assert office.done() == []


def test_where_passwords_come_from_elsewhere_none_is_made_up(office: Office) -> None:
    office.done()
    office.name_departments(*CODES, "housing")
    before = office.file.read_bytes()
    refused = office.run("--known-passwords-only")
    assert refused.exit_code == 2
    assert "housing" in refused.output
    assert office.file.read_bytes() == before
    office.name_departments(*CODES)
    assert office.done("--known-passwords-only") == []


def test_rotating_nobody_is_refused(office: Office) -> None:
    office.done()
    before = office.file.read_text()
    assert office.run("--rotate", "housing").exit_code == 2
    assert office.file.read_text() == before


def test_a_department_that_left_the_catalogue_stays_until_it_is_pruned(office: Office) -> None:
    office.done()
    office.name_departments("police")
    assert office.done() == []
    office.connect("transport").close()
    removed = office.done("--prune")  # others who used this broker may have left users
    assert {"删除 / removed: vhosts/d.transport", "删除 / removed: users/transport"} <= set(removed)
    assert "transport" not in office.passwords()["departments"]
    assert office.done("--prune") == []
    assert "police" in {user["name"] for user in office.definitions()["users"]}


def test_pruning_loses_no_answer(office: Office) -> None:
    office.done()
    with office.connect("transport") as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("out", "", b"{}", pika.BasicProperties(user_id="transport", delivery_mode=2))
    wait_until(lambda: office.api("queues/d.transport/answers").get("messages") == 1, "the answer is counted")
    office.name_departments("police")
    refused = office.run("--prune")
    assert refused.exit_code == 2
    assert "d.transport" in refused.stderr
    assert "d.transport" in {vhost["name"] for vhost in office.definitions()["vhosts"]}


@pytest.mark.parametrize("code", ["workflow", "gateway", "administrator", "No", "a", "x/../../users", "police,other"])
def test_a_department_cannot_take_the_name_of_somebody_else(office: Office, code: str) -> None:
    office.done()
    before = office.definitions()
    office.name_departments("police", code)
    assert office.run().exit_code == 2
    assert office.definitions() == before


def test_a_file_that_others_may_read_is_not_used(office: Office) -> None:
    office.done()
    office.file.chmod(0o644)
    refused = office.run()
    assert refused.exit_code == 2
    assert "0600" in refused.stderr


def test_a_broker_that_is_away_is_said_in_a_sentence() -> None:
    with pytest.raises(ProvisionError, match="does not answer"):
        provision("http://127.0.0.1:9", ("a", "b"), {}, {})


def test_the_catalogue_may_be_asked_of_the_platform() -> None:
    class Identity(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"departments": [{"code": "police", "name": "公安"}, {"code": "housing"}]}).encode()
            self.send_response(200 if self.path == "/api/v1/departments" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Identity) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        assert departments_of(f"http://127.0.0.1:{server.server_port}/") == ["police", "housing"]
        with pytest.raises(ProvisionError):
            departments_of(f"http://127.0.0.1:{server.server_port}/nowhere")
        server.shutdown()


@pytest.mark.parametrize("content", ["departments: []", "- 1", "departments: [{name: x}]", "{", None])
def test_a_catalogue_that_says_nothing_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "directory.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ProvisionError):
        departments_of(str(file))
