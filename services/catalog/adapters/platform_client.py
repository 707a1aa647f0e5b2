"""The catalogue of a running platform, as the command line reads and writes it: through the public API, like any other client."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import urllib3

TIMEOUT_S = 60.0


class PlatformRefused(Exception):
    """The platform said no, or could not be reached; ``problems`` are those of a definition."""

    def __init__(self, status: int, code: str, detail: str, problems: list[dict[str, str]]) -> None:
        super().__init__(f"{status} {code}: {detail}" if status else detail)
        self.status, self.code, self.problems = status, code, problems


class PlatformClient:
    """``server`` is the gateway's address; ``token`` an access token, which writing needs. ``ca_file``: a private authority."""

    def __init__(self, server: str, token: str | None = None, ca_file: str | None = None) -> None:
        self._server = server.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False, ca_certs=ca_file)

    def guide(self, item_code: str) -> dict[str, Any]:
        """The guide in force. Raises PlatformRefused."""
        found: dict[str, Any] = msgspec.json.decode(self._call("GET", f"items/{quote(item_code, safe='')}"))
        return found

    def taken(self, name: str) -> bytes:
        """A file of the open data, such as ``items.csv``. Raises PlatformRefused."""
        return self._call("GET", f"catalog/{name}")

    def publish(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Publish a definition; ``created`` is false when a version said so before. Raises PlatformRefused."""
        done: dict[str, Any] = msgspec.json.decode(self._call("POST", "items", document))
        return done

    def retire(self, item_code: str, retired_on: str, reason: str) -> None:
        """Retire an item. Raises PlatformRefused."""
        body = {"retired_on": retired_on, "reason": reason}
        self._call("POST", f"items/{quote(item_code, safe='')}/retirement", body)

    def packages(self) -> list[str]:
        """Codes of the packages (一件事) in force. Raises PlatformRefused."""
        return [one["package_code"] for one in msgspec.json.decode(self._call("GET", "packages"))["packages"]]

    def package(self, package_code: str) -> dict[str, Any]:
        """The definition of a package. Raises PlatformRefused."""
        path = f"packages/{quote(package_code, safe='')}/definition"
        found: dict[str, Any] = msgspec.json.decode(self._call("GET", path))
        return found

    def publish_package(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Publish a package as ``publish`` does an item. Raises PlatformRefused."""
        done: dict[str, Any] = msgspec.json.decode(self._call("POST", "packages", document))
        return done

    def retire_package(self, package_code: str, retired_on: str, reason: str) -> None:
        """Retire a package. Raises PlatformRefused."""
        body = {"retired_on": retired_on, "reason": reason}
        self._call("POST", f"packages/{quote(package_code, safe='')}/retirement", body)

    def draft(self, document: Mapping[str, Any], why: str) -> str:
        """Begin a draft, which a second person reviews; its id. Raises PlatformRefused."""
        done = msgspec.json.decode(self._call("POST", "item-drafts", {"definition": document, "why": why}))
        return str(done["draft_id"])

    def _call(self, method: str, path: str, body: Any = None, **query: str) -> bytes:
        target = f"{self._server}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = dict(self._headers)
        sent = None
        if body is not None:
            sent = msgspec.json.encode(body)
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = self._pool.request(method, target, body=sent, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise PlatformRefused(
                0, "unreachable", f"平台无法连接 / cannot reach {self._server}: {error}", []
            ) from error
        if answer.status >= 400:
            raise _refused(answer.status, answer.data)
        return answer.data


def _refused(status: int, data: bytes) -> PlatformRefused:
    try:
        facts = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.DecodeError:
        facts = {}
    said = str(facts.get("detail") or facts.get("errors") or "")
    return PlatformRefused(status, str(facts.get("code", "unexpected")), said, list(facts.get("problems") or []))
