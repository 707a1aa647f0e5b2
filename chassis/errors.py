"""Refusals: the answers to requests that may not be done. They are values of the domain, not faults."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """A request that is understood and refused. ``code`` is stable; ``facts`` say what about it.

    The service maps the code to an HTTP status; RFC 9457 problem JSON carries code, detail and facts.
    """

    def __init__(self, code: str, detail: str, **facts: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.facts = facts


PROBLEM_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, **facts: Any) -> dict[str, Any]:
    """RFC 9457 body. ``type`` is a URN of the stable code."""
    return {
        "type": f"urn:tongban:problem:{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": detail,
    } | facts
