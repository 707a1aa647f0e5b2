"""Public keys of who signs tokens, as a verifier knows them: a JWKS that is fetched, remembered, and asked for again."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.errors import Refusal

Value = TypeVar("Value")

_REFETCH_S = 1.0
_AT_ONCE = 5
_RENEWED_S = 30.0
# A token may name a key that is known; one that brings its own, or says where to fetch it, is refused (RFC 8725 §3.10).
_BROUGHT_KEYS = {"jwk", "jku", "x5c", "x5u"}
# joserfc trips over headers that are JSON but not a header, such as {"crit": 1}.
_UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


class PublicKeys:
    """A JWKS, fetched when first needed and again for tokens that name an unknown key, but not for every forgery.

    With ``remembered``, a file, the last known keys outlive the process: whoever starts under load need not first ask the
    keys' owner, who may be waiting for it.
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, Any]],
        remembered: Path | None = None,
        algorithms: Sequence[str] = ("ES256",),
    ) -> None:
        self._fetch, self._remembered, self._algorithms = fetch, remembered, list(algorithms)
        self._lock = threading.Lock()
        self._keys: KeySet | None = _recall(remembered) if remembered else None
        self._ids: frozenset[str] = frozenset(str(key.kid) for key in self._keys.keys) if self._keys else frozenset()
        self._generation = 0
        self._asked_at = 0.0
        self._asking = threading.Lock()
        self._times_asked = 0
        self._away = False
        self._left, self._counted_at = float(_AT_ONCE), time.monotonic()

    def trouble(self) -> str | None:
        """None when keys are known or can be had now, else what is wrong. A readiness check that also gets them early."""
        try:
            self._current()
        except (OSError, *_UNREADABLE) as error:
            return repr(error)
        return None

    def verify_jws(self, token: str) -> bytes:
        """Payload of a compact JWS. Raises Refusal ``token_invalid``, or OSError when no key can be had."""
        return self._with_keys(token, lambda keys: jws.deserialize_compact(token, keys, self._algorithms).payload)

    def verify_jwt(self, token: str, typ: str | None) -> dict[str, Any]:
        """Claims of a JWT whose header says ``typ`` (None: whatever it says), times not yet checked. Raises like
        ``verify_jws``.
        """
        verified = self._with_keys(token, lambda keys: jwt.decode(token, keys, self._algorithms))
        if typ not in {None, verified.header.get("typ")} or _BROUGHT_KEYS & verified.header.keys():
            raise Refusal("token_invalid", "令牌的类型不符 / this is another kind of token")
        return dict(verified.claims)

    def _with_keys(self, token: str, use: Callable[[KeySet], Value]) -> Value:
        try:
            return use(self._current())
        except _UNREADABLE as error:
            if _key_id(token) in {None, *self._ids}:
                raise _unverified() from error
        try:
            return use(self._newer())
        except _UNREADABLE as error:
            raise _unverified() from error

    def _current(self) -> KeySet:
        """The key set; fetched if there is none."""
        if (known := self._keys) is not None:
            return known
        self._asked_at = time.monotonic()
        return self._take(self._fetch())

    def _newer(self) -> KeySet:
        """The keys as they are published now. Everybody who names an unknown key waits for one question that was put after
        they came: the first tokens of a new key come many at once. Nobody waits for an owner who is away, and a failed
        question leaves the known keys: forged tokens must not stop good ones.
        """
        asked_before = self._times_asked
        if not self._asking.acquire(blocking=not self._away):
            return self._current()
        try:
            if self._times_asked == asked_before and self._may_ask():
                self._times_asked += 1
                self._ask()
        finally:
            self._asking.release()
        return self._current()

    def _may_ask(self) -> bool:
        """Several questions at once, for keys may change twice in a moment; in the long run one a second."""
        now = time.monotonic()
        self._left = min(float(_AT_ONCE), self._left + (now - self._counted_at) / _REFETCH_S)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            self._take(self._fetch())
            self._away = False
        except (OSError, *_UNREADABLE):
            self._away = True

    def generation(self) -> int:
        """Grows whenever a key is gone that was there before. Asked for in passing: an answer older than half a minute is
        replaced in the background.
        """
        with self._lock:
            known = self._generation
            if self._keys is None or time.monotonic() - self._asked_at <= _RENEWED_S:
                return known
            self._asked_at = time.monotonic()
        threading.Thread(target=self.renew, name="keys", daemon=True).start()
        return known

    def renew(self) -> None:
        """Fetch the keys again; while that fails, the known ones stay."""
        with suppress(OSError, *_UNREADABLE):
            self._take(self._fetch())
            self._away = False

    def _take(self, published: Mapping[str, Any]) -> KeySet:
        fetched = KeySet.import_key_set(published)  # type: ignore[arg-type]
        ids = frozenset(str(key.kid) for key in fetched.keys)
        with self._lock:
            if self._ids - ids:
                self._generation += 1
            self._keys, self._ids = fetched, ids
        if self._remembered:
            _remember(self._remembered, published)
        return fetched


def _key_id(token: str) -> str | None:
    """``kid`` of a token's header, which nobody has verified yet."""
    try:
        head = token.split(".", 1)[0]
        kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    except _UNREADABLE:
        return None
    return kid if isinstance(kid, str) else None


def _unverified() -> Refusal:
    return Refusal("token_invalid", "签名验证不通过 / the signature does not verify")


def _recall(file: Path) -> KeySet | None:
    try:
        return KeySet.import_key_set(json.loads(file.read_bytes()))
    except (OSError, *_UNREADABLE):
        return None


def _remember(file: Path, published: Mapping[str, Any]) -> None:
    """Whole or not at all; where the disk does not take it, the next process asks again."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(published))
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
