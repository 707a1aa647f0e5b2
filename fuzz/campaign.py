"""One service's operations, called with what its document allows and with what it does not.

Nothing may answer with a fault, contradict the document, or let a canary out.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from fuzz.secrets import canaries, leaked
from fuzz.world import World
from localservers.platform import directory

TIMEOUT_S = 30.0
LONGEST_WAIT_S = 0.05
"""A caller may ask to be kept waiting for news; whoever makes a hundred thousand calls asks for less."""
KNOWN_NAMES = 0.5  # share of the calls whose path names things that exist
BATCH = 25
ASKED_BY = 4
"""Callers of each case, who also name different things that exist: to make a case up costs more than to ask."""
FAULTS_ALLOWED = frozenset({503})  # it says that it is busy, and when to come back
CHECKS = [content_type_conformance, response_schema_conformance]
Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]
WAY = {True: GenerationMode.POSITIVE, False: GenerationMode.NEGATIVE}


@dataclass
class Found:
    """What a campaign saw. ``problems``: what -> an example."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)

    def add(self, other: Found) -> None:
        """What another campaign saw, too."""
        self.requests += other.requests
        self.statuses += other.statuses
        self.operations += other.operations
        self.problems = other.problems | self.problems


class Campaign:
    """Fuzzes the operations of ``service`` with so many requests, from a seed."""

    def __init__(self, world: World, service: str, *, wanted: int, start: int) -> None:
        self._world, self._wanted = world, wanted
        self._chance = random.Random(f"{service}-{start}")
        self._start = start
        self._canaries = canaries(directory())
        self._session = requests.Session()
        self._operations = _operations(world, service)
        self.found = Found()

    def run(self, deadline: float) -> Found:
        """Call until there were enough requests, or the time (monotonic) is up."""
        rounds = 0
        while self.found.requests < self._wanted and time.monotonic() < deadline:
            for operation in self._operations:
                if self.found.requests >= self._wanted or time.monotonic() >= deadline:
                    break
                self._batch(operation, rounds)
            rounds += 1
        return self.found

    def _batch(self, operation: Operation, number: int) -> None:
        allowed = number % 2 == 0

        @seed(self._start + number)
        @settings(
            max_examples=BATCH, deadline=None, database=None, phases=[Phase.generate], derandomize=False,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(WAY[allowed]))
        def call(case: Case) -> None:
            made_up = dict(case.path_parameters or {})
            for _ in range(ASKED_BY):
                self._call(operation, case, made_up)

        with suppress(Unsatisfiable):  # there is nothing that its document forbids
            call()

    def _call(self, operation: Operation, case: Case, made_up: dict[str, Any]) -> None:
        for name, value in made_up.items():
            known = name in self._world.names and self._chance.random() < KNOWN_NAMES
            case.path_parameters[name] = self._chance.choice(self._world.names[name]) if known else value
        if _is_long(case.query.get("wait_s")):
            case.query["wait_s"] = LONGEST_WAIT_S
        headers = self._world.callers.any(self._chance, _scopes(operation))
        try:
            response = case.call(
                base_url=self._world.base_url, session=self._session, headers=headers, timeout=TIMEOUT_S
            )
        except (requests.RequestException, ValueError) as error:
            if not isinstance(error, ValueError):
                self._problem(operation, f"no answer: {type(error).__name__}", case.as_curl_command())
            return  # what the client's own library cannot write down
        self.found.requests += 1
        self.found.statuses[response.status_code] += 1
        self.found.operations[operation.label] += 1
        self._judge(operation, case, response)

    def _judge(self, operation: Operation, case: Case, response: Any) -> None:
        if response.status_code >= 500 and response.status_code not in FAULTS_ALLOWED:
            self._problem(operation, f"status {response.status_code}", case.as_curl_command())
        if told := leaked(self._canaries, response.content, response.request):
            self._problem(operation, f"a canary came out ({len(told)})", case.as_curl_command())
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failures:
            for failure in failures.exceptions:
                self._problem(operation, f"{type(failure).__name__}", f"{failure}\n{case.as_curl_command()}"[:2000])

    def _problem(self, operation: Operation, what: str, example: str) -> None:
        self.found.problems.setdefault(f"{operation.label}: {what}", example)


def _is_long(wait_s: Any) -> bool:
    """Whether this would be waited for; what is no number is left as it was made up."""
    try:
        return float(wait_s) > LONGEST_WAIT_S
    except (TypeError, ValueError):
        return False


@schemathesis.serializer("application/pdf", "image/jpeg", "image/png")
def _as_it_is(_: Any, value: Any) -> Any:
    """Bytes of a file, or whatever came instead."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


def _scopes(operation: Operation) -> list[str]:
    """What a caller's token has to allow, as the document says."""
    return [scope for one in operation.definition.raw.get("security", []) for scope in one.get("bearer", [])]


def _operations(world: World, service: str) -> list[Operation]:
    return list(_of_service(world.openapi, service))


def _of_service(document: dict[str, Any], service: str) -> Iterator[Operation]:
    from gateway.routes import find_route

    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        if isinstance(result, Err):
            raise result.err()
        operation = result.ok()
        if find_route(operation.path.replace("{", "").replace("}", "")).service == service:
            yield operation
