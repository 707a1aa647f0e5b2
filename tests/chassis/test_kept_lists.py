"""The registry's last word over a restart: on disk, whole or not at all, and never an obstacle."""

from __future__ import annotations

from pathlib import Path

import pytest

from chassis import discovery
from chassis.consul import Agent, AgentAway, Registered
from chassis.discovery import ConsulDirectory, Remote, StaticDirectory, registry_ages_s
from chassis.kept_lists import KeptLists


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedAgent(Agent):
    """Answers with ``lists``, or not at all."""

    def __init__(self, **lists: list[Registered]) -> None:
        self.lists, self.away, self.asked = lists, False, 0

    def instances(self, service: str, _index: int, _wait_s: float) -> tuple[int, list[Registered]]:
        self.asked += 1
        if self.away:
            raise AgentAway("away")
        return self.asked, self.lists.get(service.removeprefix(discovery.NAME_PREFIX), [])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "AWAY_S", 0.02)


def instances(agent: Agent, path: Path, service: str, **more: float) -> object:
    made = ConsulDirectory(agent, StaticDirectory({}), kept=KeptLists(path), **more)
    try:
        return made.instances(service)
    finally:
        made.close()


def test_a_restart_while_the_agent_is_away_finds_the_services_where_they_were(tmp_path: Path) -> None:
    path, agent = tmp_path / "gateway" / "registry.json", ScriptedAgent(workflow=[Registered("h", 1, True)])
    assert instances(agent, path, "workflow") == (Remote("h", 1),)
    agent.away = True
    assert instances(agent, path, "workflow") == (Remote("h", 1),)
    assert instances(agent, path, "audit") == (), "what was never heard of is not invented"
    assert instances(agent, tmp_path / "elsewhere.json", "workflow") == ()


def test_an_agent_that_came_back_empty_is_not_believed_at_once_after_a_restart_either(tmp_path: Path) -> None:
    path, agent = tmp_path / "registry.json", ScriptedAgent(workflow=[Registered("h", 1, True)])
    instances(agent, path, "workflow")
    agent.lists = {}
    assert instances(agent, path, "workflow", grace_s=30) == (Remote("h", 1),)
    assert instances(agent, path, "workflow", grace_s=0) == ()


def test_what_the_agent_says_now_counts_more_than_what_was_kept(tmp_path: Path) -> None:
    path, agent = tmp_path / "registry.json", ScriptedAgent(workflow=[Registered("h", 1, True)])
    instances(agent, path, "workflow")
    agent.lists = {"workflow": [Registered("h", 2, True)]}
    assert instances(agent, path, "workflow") == (Remote("h", 2),)
    assert KeptLists(path).of("workflow") == [("h", 2)]


def test_the_age_of_a_list_counts_on_over_a_restart(tmp_path: Path) -> None:
    clock = Clock()
    first = KeptLists(tmp_path / "registry.json", clock)
    first.keep("workflow", [("h", 1)])
    clock.now += 100
    assert KeptLists(tmp_path / "registry.json", clock).age_s("workflow") == 100
    first.keep("workflow", [("h", 1)])
    assert KeptLists(tmp_path / "registry.json", clock).age_s("workflow") == 0, "an old file is written again"
    assert first.age_s("audit") is None


def test_an_unchanged_list_is_not_written_each_time(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "registry.json"
    kept = KeptLists(path, clock)
    kept.keep("workflow", [("h", 1)])
    path.unlink()
    clock.now += 10
    kept.keep("workflow", [("h", 1)])
    assert not path.exists()
    kept.keep("workflow", [("h", 2)])
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"workflow": {"addresses": [["h"]], "at": 1}}'])
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "registry.json"
    path.write_bytes(content)
    kept = KeptLists(path)
    assert kept.of("workflow") == ()
    kept.keep("workflow", [("h", 1)])
    assert KeptLists(path).of("workflow") == [("h", 1)]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = KeptLists(tmp_path / "file" / "registry.json")
    kept.keep("workflow", [("h", 1)])
    assert kept.of("workflow") == [("h", 1)]


def test_ages_are_of_services_that_were_asked_for(tmp_path: Path) -> None:
    agent = ScriptedAgent(workflow=[Registered("h", 1, True)])
    made = ConsulDirectory(agent, StaticDirectory({"audit": "http://h:2"}), kept=KeptLists(tmp_path / "registry.json"))
    made.instances("workflow")
    made.instances("audit")
    made.close()
    assert registry_ages_s(made) == {"workflow": 0}
    assert registry_ages_s(StaticDirectory({})) == {}
