"""What goes on at the platform while its processes are restarted: each visitor is a thread that does one thing over and over.

Whatever fails is in the record; a visitor goes on with the next round. What was promised is noted for the judge.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from demo.sign_in import sign_in
from faults.clients import BUS_PERMIT, CITIZEN, Promises, content_of
from faults.rolling_door import Answer, Client, LoadBalancer, Record, Unanswered
from localservers.platform import directory

IDLE_DEPARTMENT = "housing"  # has no tasks here, so that it waits
WAIT_S = 5.0
SIGNED_IN_S = 200.0  # tokens live a little longer
MATERIAL_BYTES = 200_000  # a body that is passed on as a stream
PIECE_BYTES = 16_000
PIECE_EVERY_S = 0.02
PAUSE_S = 0.15
BETWEEN_CASES_S = 1.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Load:
    """``item``: the guide of what is applied for. ``newest``: the last acknowledged case."""

    balancer: LoadBalancer
    promises: Promises
    item: Mapping[str, Any]
    record: Record = field(default_factory=Record)
    over: threading.Event = field(default_factory=threading.Event)
    newest: str | None = None

    @contextmanager
    def running(self, *visits: Callable[[Visitor], None]) -> Iterator[None]:
        """A visitor for each of the visits, until the block ends and everybody has come to the end of a round."""
        self.over.clear()
        threads = [
            threading.Thread(target=self._repeat, args=(number, visit), name=f"visitor-{number}")
            for number, visit in enumerate(visits)
        ]
        with ExitStack() as cleanup:
            for thread in threads:
                thread.start()
                cleanup.callback(thread.join)
            cleanup.callback(self.over.set)
            yield

    def _repeat(self, number: int, visit: Callable[[Visitor], None]) -> None:
        visitor = Visitor(self, f"v{next(_NAMES)}-{number}")
        while not self.over.is_set():
            try:
                visit(visitor)
            except Unanswered:
                pass
            except Exception as error:  # an answer of another shape than was agreed
                self.record.note("wrong", time.monotonic(), repr(error))
            self.over.wait(PAUSE_S)
        visitor.http.close()


_NAMES = itertools.count()


class Visitor:
    """Somebody with an HTTP client of their own, signed in when need be."""

    def __init__(self, load: Load, name: str) -> None:
        self.load, self.http, self.name = load, Client(load.balancer, load.record), name
        self.rounds = itertools.count()
        self.cookies: dict[str, str] = {}
        self._tokens: dict[str, tuple[str, float]] = {}

    def key(self, what: str) -> dict[str, str]:
        """An Idempotency-Key header."""
        return {"Idempotency-Key": f"{self.name}-{what}"}

    def as_account(self, username: str) -> dict[str, str]:
        """Signed in over the provider's form."""
        [account] = [one for one in directory()["accounts"] if one["username"] == username]
        return self._bearer(username, lambda: sign_in(self._send, username, str(account["password"])))

    def as_department(self, department: str) -> dict[str, str]:
        """With the credentials of the department's system."""
        [known] = [one for one in directory()["clients"] if one["department"] == department]
        fields = {key: known[key] for key in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        return self._bearer(department, lambda: self.post_form("/oauth2/token", fields).json())

    def post_form(self, path: str, fields: Mapping[str, str], cookie: str = "", status: int = 200) -> Answer:
        """Send a form; no other status will do."""
        headers = FORM | ({"Cookie": cookie} if cookie else {})
        body = urlencode(fields).encode()
        return self.http.ask(
            "sign-in", "POST", path, headers=headers, body=body, right=lambda answer: answer.status == status
        )

    def _bearer(self, who: str, granted: Callable[[], Mapping[str, Any]]) -> dict[str, str]:
        token, since = self._tokens.get(who, ("", float("-inf")))
        if time.monotonic() - since > SIGNED_IN_S:
            token = granted()["access_token"]
            self._tokens[who] = token, time.monotonic()
        return {"Authorization": f"Bearer {token}"}

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        answer = self.http.ask(
            "sign-in", method, path, headers=headers, body=body or None, right=lambda answer: answer.status < 400
        )
        return answer.status, answer.headers, answer.data


def read(visitor: Visitor) -> None:
    """Anybody looks for the item and reads its guide."""
    code = visitor.load.item["item_code"]
    found = visitor.http.ask("read", "GET", f"/api/v1/items/search?{urlencode({'q': BUS_PERMIT})}").json()
    assert code in [item["item_code"] for item in found["items"]], found
    guide = visitor.http.ask("read", "GET", f"/api/v1/items/{code}").json()
    assert guide["item_code"] == code, guide


def write_draft(visitor: Visitor) -> None:
    """Begun, saved, found as it was saved, thrown away."""
    number, who, item = next(visitor.rounds), visitor.as_account(CITIZEN), visitor.load.item
    begin = {"item_code": item["item_code"], "item_version": item["version"]}
    headers = who | JSON | visitor.key(f"draft-{number}")
    draft = visitor.http.ask("draft", "POST", "/api/v1/drafts", headers=headers, body=_json(begin)).json()
    path = f"/api/v1/drafts/{draft['draft_id']}"
    saved = {"form": {"note": number}, "materials": {}, "step": "form", "version": draft["version"]}
    visitor.http.ask("draft", "PUT", path, headers=who | JSON, body=_json(saved))
    found = visitor.http.ask("draft", "GET", path, headers=who).json()
    assert found["form"] == saved["form"], found
    visitor.http.ask("draft", "DELETE", path, headers=who)


def apply(visitor: Visitor) -> None:
    """Materials as streams, the application, now and then sent again under the same key; then the case is looked at."""
    load, number, who = visitor.load, next(visitor.rounds), visitor.as_account(CITIZEN)
    required = [material["code"] for material in load.item["materials"] if material["required"]]
    receipts = [_upload(visitor, code, f"{visitor.name}-{number}", who) for code in required]
    body = {"item_code": load.item["item_code"], "form": load.item["form_schema"]["examples"][0], "materials": receipts}
    headers = who | JSON | visitor.key(f"case-{number}")
    case_no = visitor.http.ask("apply", "POST", "/api/v1/cases", headers=headers, body=_json(body)).json()["case_no"]
    load.promises.cases.append(case_no)
    if number % 2:
        again = visitor.http.ask("apply", "POST", "/api/v1/cases", headers=headers, body=_json(body)).json()
        assert again["case_no"] == case_no, again
    found = visitor.http.ask("read", "GET", f"/api/v1/cases/{case_no}", headers=who).json()
    assert found["case_no"] == case_no, found
    load.newest = case_no
    load.over.wait(BETWEEN_CASES_S)


def _upload(visitor: Visitor, code: str, words: str, who: Mapping[str, str]) -> str:
    content = f"%PDF-1.7 {code} {words} ".encode()
    content += random.Random(words).randbytes(MATERIAL_BYTES - len(content))
    path = f"/api/v1/materials?item_code={visitor.load.item['item_code']}&material_code={code}"
    headers = {**who, "Content-Type": "application/pdf", "Transfer-Encoding": "chunked"}
    stored = visitor.http.ask("upload", "POST", path, headers=headers, body=_pieces(content)).json()
    visitor.load.promises.materials.append(content_of(stored["receipt"])["material_id"])
    assert stored["sha256"] == hashlib.sha256(content).hexdigest(), stored
    return str(stored["receipt"])


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
        time.sleep(PIECE_EVERY_S)


def follow(visitor: Visitor) -> None:
    """A case's moves as they come, over as many streams as it takes: each once, in their order, none missing."""
    load = visitor.load
    if (case_no := load.newest) is None:
        return
    heard: list[tuple[int, str]] = []

    def take(line: str) -> bool:
        if line.startswith("id: "):
            heard.append((int(line.removeprefix("id: ")), ""))
        elif line.startswith("data: "):
            heard[-1] = heard[-1][0], json.loads(line.removeprefix("data: "))["after"]
        return not heard or heard[-1][1] != "closed"

    while not load.over.is_set() and (not heard or heard[-1][1] != "closed"):
        last = {"Last-Event-ID": str(heard[-1][0])} if heard else {}
        try:
            visitor.http.stream(
                "events", f"/api/v1/cases/{case_no}/events", visitor.as_account(CITIZEN) | last, take, load.over.is_set
            )
        except Unanswered:
            load.over.wait(1.0)
    if heard and heard[-1][1] == "closed":
        found = visitor.http.ask("read", "GET", f"/api/v1/cases/{case_no}", headers=visitor.as_account(CITIZEN)).json()
        moves = [move["after"] for move in found["timeline"]]
        assert [after for _, after in heard] == moves, (heard, moves)
    load.over.wait(BETWEEN_CASES_S)  # a server has few streams


def wait_for_tasks(visitor: Visitor) -> None:
    """A department without AMQP that has nothing to do asks for tasks, and the answer waits for some."""
    who = visitor.as_department(IDLE_DEPARTMENT)
    tasks = visitor.http.ask("wait", "GET", f"/api/v1/tasks?wait_s={WAIT_S}", headers=who).json()["tasks"]
    assert tasks == [], tasks


def look_at_pages(visitor: Visitor) -> None:
    """The portal: pages for everybody, and for somebody who is signed in."""
    if not visitor.cookies:
        _enter_portal(visitor, CITIZEN)
    for path in ("/", f"/items/{visitor.load.item['item_code']}", "/verify", "/my"):
        _page(visitor, "GET", path, lambda answer: answer.status == 200 and b"</html>" in answer.data)
    if (case_no := visitor.load.newest) is not None:
        _page(visitor, "GET", f"/cases/{case_no}", lambda answer: case_no.encode() in answer.data)


def follow_page(visitor: Visitor) -> None:
    """The portal's own stream of a case."""
    if not visitor.cookies:
        _enter_portal(visitor, CITIZEN)
    if (case_no := visitor.load.newest) is None:
        return
    _page(visitor, "GET", "/my", lambda answer: answer.status == 200)  # which renews the sign-in
    cookies = {"Cookie": _cookies(visitor)}
    take = lambda line: line != "event: ended"  # noqa: E731
    visitor.http.stream("events", f"/cases/{case_no}/events", cookies, take, visitor.load.over.is_set)


def _enter_portal(visitor: Visitor, username: str) -> None:
    [account] = [one for one in directory()["accounts"] if one["username"] == username]
    page = _redirected(visitor, _page(visitor, "GET", "/sign-in", _redirects))
    while (found := _FORM_TOKEN.search(page.data.decode())) is not None:
        fields = {"form_token": html.unescape(found[1]), "username": username, "password": str(account["password"])}
        sent = visitor.post_form("/oauth2/sign-in", fields, _cookies(visitor), status=303)
        _take_cookies(visitor, sent)
        page = _redirected(visitor, sent)


def _redirected(visitor: Visitor, answer: Answer) -> Answer:
    while _redirects(answer):
        place = urlsplit(answer.headers["Location"])
        path = f"{place.path}?{place.query}" if place.query else place.path
        answer = _page(visitor, "GET", path, lambda answer: answer.status < 400)
    return answer


def _redirects(answer: Answer) -> bool:
    return answer.status in (302, 303)


def _page(visitor: Visitor, method: str, path: str, right: Callable[[Answer], bool]) -> Answer:
    answer = visitor.http.ask("page", method, path, headers={"Cookie": _cookies(visitor)}, right=right)
    _take_cookies(visitor, answer)
    return answer


def _take_cookies(visitor: Visitor, answer: Answer) -> None:
    for one in answer.headers.get_all("Set-Cookie", []):
        name, _, value = one.partition(";")[0].partition("=")
        visitor.cookies[name] = value


def _cookies(visitor: Visitor) -> str:
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


WRITING = (apply, apply, write_draft)
READING = (read, read, follow, wait_for_tasks, look_at_pages, follow_page)
