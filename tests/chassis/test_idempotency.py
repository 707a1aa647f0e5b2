"""``Idempotency-Key`` on SQLite and on PostgreSQL, through the web edge's own reading of the request and below it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask, g

from chassis.auth import Principal
from chassis.db import Database
from chassis.errors import Refusal
from chassis.idempotency import IdempotencyKey, claim_key, idempotency_key, store_answer
from tests.chassis.rig import effects, leave_effect, make_database


@pytest.fixture
def database(database_url: str) -> Database:
    return make_database("workflow", database_url)


def submit(database: Database, key: IdempotencyKey, answer: str) -> Any:
    """A use case: the stored answer, or the effect and a new one."""
    with database.transaction() as tx:
        if (known := claim_key(tx, database, key)) is not None:
            return known
        leave_effect(tx, database, answer)
        store_answer(tx, database, key, {"answer": answer})
        return {"answer": answer}


def test_the_same_request_gets_the_first_answer_and_has_one_effect(database: Database) -> None:
    key = IdempotencyKey("p-1", "k", "f" * 64)
    assert submit(database, key, "a") == submit(database, key, "b") == {"answer": "a"}
    assert effects(database) == ["a"]


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(database: Database) -> None:
    submit(database, IdempotencyKey("p-1", "k", "f" * 64), "a")
    with pytest.raises(Refusal, match="idempotency_key_reused"):
        submit(database, IdempotencyKey("p-1", "k", "e" * 64), "b")
    assert effects(database) == ["a"]


def test_keys_of_two_callers_are_apart(database: Database) -> None:
    submit(database, IdempotencyKey("p-1", "k", "f" * 64), "a")
    submit(database, IdempotencyKey("p-2", "k", "e" * 64), "b")
    assert effects(database) == ["a", "b"]


def test_a_request_that_failed_leaves_its_key_free(database: Database) -> None:
    key = IdempotencyKey("p-1", "k", "f" * 64)

    def fail() -> None:
        with database.transaction() as tx:
            claim_key(tx, database, key)
            raise Refusal("refused", "x")

    with pytest.raises(Refusal, match="refused"):
        fail()
    assert submit(database, key, "a") == {"answer": "a"}


def test_requests_at_the_same_time_have_one_effect_and_one_answer(database: Database) -> None:
    key, together, answers = IdempotencyKey("p-1", "k", "f" * 64), threading.Barrier(8), []

    def ask(number: int) -> None:
        together.wait(20)
        answers.append(submit(database, key, str(number))["answer"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert effects(database) == [answers[0]]
    assert len(set(answers)) == 1


def read_key(path: str, body: bytes, headers: dict[str, str]) -> IdempotencyKey:
    with Flask("test").test_request_context(path, method="POST", data=body, headers=headers):
        g.principal = Principal("p-1", "", "person", frozenset(), "p-1", None)
        return idempotency_key()


def test_the_fingerprint_covers_method_path_query_and_body() -> None:
    headers = {"Idempotency-Key": "k"}
    asked = [("/m?code=1", b"x"), ("/m?code=2", b"x"), ("/m", b"x"), ("/m?code=1", b"y"), ("/n?code=1", b"x")]
    assert len({read_key(path, body, headers).fingerprint for path, body in asked}) == len(asked)
    assert read_key(*asked[0], headers) == read_key(*asked[0], headers)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 201}])
def test_a_missing_or_overlong_key_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="idempotency_key_missing"):
        read_key("/m", b"", headers)
