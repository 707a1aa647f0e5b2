"""The registry's access rules on a real Consul: what the Job grants is enough for the platform, and no more than it needs."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.consul import Agent, AgentAway, Registration
from localservers.child import Child
from localservers.consul_package import consul_program
from localservers.ports import free_port
from localservers.requirements import require
from tests.deploy.rendered import Rendered

pytestmark = pytest.mark.servers


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    folder = tmp_path / "tokens"
    folder.mkdir()
    for name in ("management_token", "platform_token"):
        (folder / name).write_text(str(uuid.uuid4()))
    return folder


@pytest.fixture
def registry(tmp_path: Path, tokens: Path) -> Iterator[str]:
    """A server that refuses whoever has no token, in memory. Consul before 1.11 has another word for the first token."""
    require("consul")
    first = (tokens / "management_token").read_text()
    (tmp_path / "consul.json").write_text(
        json.dumps({"acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": first, "agent": first}}})
    )
    ports = {name: free_port() for name in ("http", "server", "serf-lan", "serf-wan")}
    options = [f"-{name}-port={port}" for name, port in ports.items()] + ["-dns-port=-1", "-grpc-port=-1"]
    command = [
        str(consul_program()), "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", "-node=local",
        "-disable-host-node-id", f"-config-file={tmp_path / 'consul.json'}", *options,
    ]  # fmt: skip
    url = f"http://127.0.0.1:{ports['http']}"
    child = Child(command, tmp_path / "consul.log", environment=os.environ)
    try:
        child.wait_until(lambda: knows(url, first), timeout_s=60)
        yield url
    finally:
        child.kill()


def knows(url: str, token: str) -> bool:
    """Whether it is ready and takes the token."""
    request = urllib.request.Request(f"{url}/v1/acl/token/self", headers={"X-Consul-Token": token})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_what_the_job_grants_is_what_the_platform_needs(
    prod: Rendered, registry: str, tokens: Path, tmp_path: Path
) -> None:
    files = prod.configmap("consul-access")
    for name, text in files.items():
        mapped = text.replace("/etc/consul/access", str(tmp_path)).replace("/etc/consul/tokens", str(tokens))
        (tmp_path / name).write_text(mapped)
    program = consul_program()
    assert program is not None
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "CONSUL_HTTP_ADDR": registry,
        "CONSUL_HTTP_TOKEN_FILE": str(tokens / "management_token"),
    }
    for _ in range(2):  # a second time changes nothing
        done = subprocess.run(
            ["sh", tmp_path / "grant.sh"], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout == "granted\n", done.stderr
    agent = Agent(registry, (tokens / "platform_token").read_text())
    mine = Registration("tongban-audit", "127.0.0.1", 8000)
    agent.register(mine)
    assert agent.knows(mine)
    _, found = agent.instances("tongban-audit", 0, 0)
    assert [(one.host, one.port) for one in found] == [("127.0.0.1", 8000)]
    assert agent.values("tongban/settings/", 0, 0)[1] == {}
    agent.deregister(mine)
    assert not agent.knows(mine)
    with pytest.raises(AgentAway, match="403"):
        agent.register(Registration("somebody-else", "127.0.0.1", 8000))
    operator = Agent(registry, (tokens / "management_token").read_text())
    for key in ("tongban/settings/log_level", "others/secret"):
        operator._call("PUT", f"/v1/kv/{key}", body="DEBUG")
    assert agent.values("tongban/settings/", 0, 0)[1] == {"log_level": '"DEBUG"'}
    assert agent.values("others/", 0, 0)[1] == {}
    with pytest.raises(AgentAway, match="403"):
        agent._call("PUT", "/v1/kv/tongban/settings/log_level", body="DEBUG")
    with pytest.raises(AgentAway, match="403"):
        Agent(registry).register(mine)
