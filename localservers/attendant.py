"""Looks after the running whole: says which part has ended, with the end of its log, and starts it again if that is wanted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection
from pathlib import Path

from localservers.child import ServerDied
from localservers.welcome import write_addresses
from localservers.whole import WholePlatform

LAST_BYTES = 1500
AGAIN_S = 5.0  # between two starts of a part that does not stay


class Attendant:
    """``look`` is called again and again. ``finite``: programs whose end is no death. Each call asks one more process
    whether it is ready, as an orchestrator's probes would: metrics tell what was answered last.
    """

    def __init__(
        self, whole: WholePlatform, *, restart: bool, say: Callable[[str], object], finite: Collection[str] = ()
    ) -> None:
        self._whole, self._restart, self._say = whole, restart, say
        self._processes = whole.platform.processes
        self._finite, self._known_dead = frozenset(finite), set[str]()
        self._tried: dict[str, float] = {}
        self._unready: set[str] = set()
        self._turn = itertools.cycle([part.program.name for part in whole.platform.parts])

    def look(self) -> None:
        """One round."""
        for name in self._dead():
            if name not in self._known_dead:
                self._known_dead.add(name)
                self._say(f"已结束 / ended: {name}\n{_end_of(self._log(name))}")
            if self._restart and time.monotonic() - self._tried.get(name, float("-inf")) > AGAIN_S:
                self._start_again(name)
        self._probe(next(self._turn))

    def _dead(self) -> list[str]:
        servers = [name for name, server in self._whole.servers.items() if not server.alive]
        return [*servers, *(name for name in self._processes.ended() if name not in self._finite)]

    def _start_again(self, name: str) -> None:
        self._tried[name] = time.monotonic()
        try:
            if name in self._whole.servers:
                self._whole.servers[name].restart()
            else:
                self._processes.restart(name)
        except ServerDied as error:
            self._say(f"未能重启 / not started again: {name}: {str(error)[-LAST_BYTES:]}")
            return
        self._known_dead.discard(name)
        write_addresses(self._whole)  # it is another process now
        self._say(f"已重启 / started again: {name}")

    def _probe(self, name: str) -> None:
        trouble = self._processes.trouble(name) if self._processes.alive(name) else None
        if trouble and name not in self._unready:
            self._say(f"未就绪 / not ready: {name}: {trouble[:500]}")
        elif not trouble and name in self._unready:
            self._say(f"已就绪 / ready again: {name}")
        (self._unready.add if trouble else self._unready.discard)(name)

    def _log(self, name: str) -> Path:
        server = self._whole.servers.get(name)
        return server.log if server else self._processes.log(name)


def _end_of(log: Path) -> str:
    text = log.read_text(errors="replace")[-LAST_BYTES:] if log.exists() else ""
    return f"  {log}:\n" + "\n".join(f"    {line}" for line in text.splitlines()[-12:])
