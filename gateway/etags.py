"""Strong entity tags for public reads: whoever has the page already gets 304 and no body (RFC 9110 §8.8.3, §13.1.2)."""

from __future__ import annotations

import hashlib

from gateway.headers import Environ, Headers

_NOT_IN_304 = {"content-length", "content-type", "content-encoding"}


def tagged(environ: Environ, status: str, headers: Headers, body: bytes) -> tuple[str, Headers, bytes]:
    """The answer with its tag, or 304 in its place. Left alone: what has a tag, sets a cookie, or is not to be kept.

    The tag is of the bytes as they are sent, so that two codings of one page have two tags, as the law of HTTP wants it.
    """
    named = {name.lower(): value for name, value in headers}
    if status[:3] != "200" or "set-cookie" in named or "no-store" in named.get("cache-control", ""):
        return status, headers, body
    if "etag" not in named:
        named["etag"] = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = [*headers, ("ETag", named["etag"])]
    if "cache-control" not in named:
        headers = [*headers, ("Cache-Control", "no-cache")]  # keep it, but ask each time
    if not _matches(environ.get("HTTP_IF_NONE_MATCH", ""), named["etag"]):
        return status, headers, body
    return "304 Not Modified", [one for one in headers if one[0].lower() not in _NOT_IN_304], b""


def _matches(condition: str, tag: str) -> bool:
    known = {one.strip().removeprefix("W/") for one in condition.split(",")}
    return tag.removeprefix("W/") in known or "*" in known
