"""When a loop runs its step."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chassis.loops import Loop

PATIENCE_S = 30.0
LONG_S = 3600.0


class Steps:
    """A step that waits for ever unless it is nudged, and says when it ran."""

    def __init__(self) -> None:
        self.ran = threading.Semaphore(0)
        self.loop = Loop("under test", self._step)

    def _step(self) -> float:
        self.ran.release()
        return LONG_S

    def next(self) -> bool:
        return self.ran.acquire(timeout=PATIENCE_S)


@pytest.fixture
def steps() -> Iterator[Steps]:
    steps = Steps()
    steps.loop.start()
    assert steps.next()
    yield steps
    steps.loop.stop()
    steps.loop.join(PATIENCE_S)
    assert not steps.loop.is_alive()


def test_a_nudge_ends_the_wait(steps: Steps) -> None:
    steps.loop.nudge()
    assert steps.next()


def test_a_patient_nudge_shortens_the_wait(steps: Steps) -> None:
    steps.loop.nudge(0.05)
    assert steps.next()


def test_the_soonest_nudge_counts(steps: Steps) -> None:
    steps.loop.nudge(LONG_S / 2)
    steps.loop.nudge()
    assert steps.next()
    steps.loop.nudge(0.05)
    steps.loop.nudge(LONG_S / 2)
    assert steps.next()


def test_a_nudge_during_the_step_is_for_the_next_one() -> None:
    inside, go_on, again = threading.Event(), threading.Event(), threading.Event()

    def step() -> float:
        if inside.is_set():
            again.set()
        inside.set()
        go_on.wait(PATIENCE_S)
        return LONG_S

    loop = Loop("under test", step)
    loop.start()
    assert inside.wait(PATIENCE_S)
    loop.nudge()
    go_on.set()
    assert again.wait(PATIENCE_S)
    loop.stop()
    loop.join(PATIENCE_S)
