"""The SDK over HTTP, against a real server that keeps the contract."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from department_sdk import Answer, Damaged, Defect, HttpsDepartment, Refused, Rejection, Task, agree, correction_needed
from department_sdk.answers import event_id
from tests.department_sdk.broker_door import serving, task, wait_until
from tests.department_sdk.small_platform import SmallPlatform, listening

T1, T2 = task(1), task(2)


@pytest.fixture
def platform() -> SmallPlatform:
    return SmallPlatform()


@pytest.fixture
def base_url(platform: SmallPlatform) -> Iterator[str]:
    with listening(platform) as url:
        yield url


def department(base_url: str, folder: Path, secret: str = "secret") -> HttpsDepartment:
    return HttpsDepartment(base_url, "police", secret, journal=folder / "journal.sqlite")


def test_tasks_are_received_and_answered(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    answer = correction_needed([Defect(material_code="route", problem="缺站点")], officer="王警官")
    with serving(department(base_url, tmp_path), lambda _task: answer):
        platform.assign(T1, T2)
        wait_until(lambda: len(platform.opinions) == 2, "both answered")
    assert sorted(platform.receipts) == sorted([T1.task_id, T2.task_id])
    assert platform.opinions[T1.task_id] == {
        "verdict": "correction_needed",
        "reason": "",
        "defects": [{"material_code": "route", "problem": "缺站点"}],
        "officer": "王警官",
    }
    assert ("opinion", event_id(answer.to(T1.task_id))) in platform.posts


def test_tasks_are_handled_at_the_same_time(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=30)

    def handler(_task: Task) -> Answer:
        together.wait()
        return agree()

    with serving(department(base_url, tmp_path), handler):
        platform.assign(*(task(number) for number in range(4)))
        wait_until(lambda: len(platform.opinions) == 4, "all answered")


def test_trouble_is_waited_out_and_an_expired_token_renewed(
    platform: SmallPlatform, base_url: str, tmp_path: Path
) -> None:
    platform.troubles = [503, 429, 502]
    with serving(department(base_url, tmp_path), lambda _task: agree()):
        platform.assign(T1)
        wait_until(lambda: T1.task_id in platform.opinions, "answered")
        platform.tokens += 1  # the one the department holds is no longer good
        platform.assign(T2)
        wait_until(lambda: T2.task_id in platform.opinions, "answered after renewal")
    assert platform.tokens == 3


def test_a_token_is_renewed_before_it_expires(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    platform.expires_in = 0
    with department(base_url, tmp_path) as police:
        platform.assign(T1)
        police.answer(T1.task_id, agree())
        police.answer(T1.task_id, agree())
    assert platform.tokens == 2


@pytest.mark.parametrize("refusal", [(422, "material_not_in_guide"), (403, "task_of_another_department")])
def test_a_refused_answer_is_told_and_may_be_given_anew(
    platform: SmallPlatform, base_url: str, tmp_path: Path, refusal: tuple[int, str]
) -> None:
    platform.refuse[T1.task_id] = refusal
    told: list[Rejection] = []
    calls: list[str] = []

    def handler(one: Task) -> Answer:
        calls.append(one.task_id)
        return agree()

    police = department(base_url, tmp_path)
    with serving(police, handler, on_refused=told.append):
        platform.assign(T1)
        wait_until(lambda: told, "refusal told")
        assert (told[0].code, told[0].task_id) == (refusal[1], T1.task_id)
        del platform.refuse[T1.task_id]
        police.answer(T1.task_id, agree("改正"))
    assert platform.opinions[T1.task_id]["reason"] == "改正"
    assert calls == [T1.task_id]


def test_refusals_are_exceptions_with_a_stable_code(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    with department(base_url, tmp_path) as police:
        with pytest.raises(Refused) as unknown:
            police.answer("no-such-task", agree())
        assert (unknown.value.code, unknown.value.status) == ("not_found", 404)
        platform.assign(T1)
        police.answer(T1.task_id, agree())
        with pytest.raises(Refused) as second:
            police.answer(T1.task_id, agree("别的"))
        assert second.value.code == "opinion_given"
    assert platform.opinions[T1.task_id]["reason"] == ""


def test_wrong_credentials_end_serving(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        department(base_url, tmp_path, secret="wrong").serve(lambda _task: agree())
    assert refused.value.code == "client_unknown"
    assert platform.tokens == 0


def test_a_task_taken_over_is_answered_later(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    calls: list[str] = []

    def later(one: Task) -> None:
        calls.append(one.task_id)

    police = department(base_url, tmp_path)
    with serving(police, later):
        platform.assign(T1)
        wait_until(lambda: platform.receipts, "received")
        assert not platform.opinions
        police.answer(T1.task_id, agree())
    assert calls == [T1.task_id]
    assert T1.task_id in platform.opinions


def test_what_an_earlier_process_left_is_finished_first(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    """The earlier process acknowledged the task, so the platform need not offer it again."""
    from department_sdk.journal import Journal

    left = Journal(tmp_path / "journal.sqlite")
    left.keep(T1)
    left.close()
    platform.tasks[T1.task_id] = T1
    with serving(department(base_url, tmp_path), lambda _task: agree()):
        wait_until(lambda: T1.task_id in platform.opinions, "answered")


def test_a_handler_that_fails_is_called_again_and_blocks_nobody(
    platform: SmallPlatform, base_url: str, tmp_path: Path
) -> None:
    failures = iter([True, True, False])

    def handler(one: Task) -> Answer:
        if one.task_id == T1.task_id and next(failures):
            raise RuntimeError("the register does not answer")
        return agree()

    with serving(HttpsDepartment(base_url, "police", "secret", journal=tmp_path / "j", workers=1), handler):
        platform.assign(T1, T2)
        wait_until(lambda: len(platform.opinions) == 2, "both answered")


def test_a_material_is_checked_while_it_is_read(platform: SmallPlatform, base_url: str, tmp_path: Path) -> None:
    [material] = T1.materials
    with department(base_url, tmp_path) as police:
        target = io.BytesIO()
        police.download_material(material, target)
        assert hashlib.sha256(target.getvalue()).hexdigest() == material.sha256
        with pytest.raises(Damaged):
            police.download_material(msgspec.structs.replace(material, sha256="0" * 64), io.BytesIO())
