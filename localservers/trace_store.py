"""``python -m localservers.trace_store --address 127.0.0.1:4318``: keeps the newest traces, for one machine and for tests.

Takes what any OpenTelemetry exporter sends (OTLP over HTTP, protobuf or JSON) at ``/v1/traces``; ``/traces/<trace_id>`` shows a
trace as a tree, ``/traces?case_no=…`` finds those of a case. Nothing is written to disk. A deployment has a collector of its own.
"""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MOST_TRACES = 5_000
MOST_SPANS = 2_000  # of one trace
MOST_SPANS_AT_ALL = 100_000  # about 150 MB
LARGEST_BYTES = 16 * 1024 * 1024
CASE, QUEUE = "tongban.case_no", "messaging.destination.name"
KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
JSON, TEXT = "application/json", "text/plain; charset=utf-8"


@dataclass
class StoredSpan:
    """Times are nanoseconds since the epoch."""

    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start: int
    end: int
    facts: dict[str, Any]
    failed: bool
    children: list[StoredSpan] = field(default_factory=list)

    @property
    def ms(self) -> float:
        """How long it took."""
        return round((self.end - self.start) / 1e6, 3)

    def as_json(self) -> dict[str, Any]:
        """With what it led to."""
        return {
            "span_id": self.span_id,
            "parent_id": self.parent_id,
            "service": self.service,
            "name": self.name,
            "kind": self.kind,
            "start_ns": self.start,
            "ms": self.ms,
            "failed": self.failed,
            "attributes": self.facts,
            "children": [child.as_json() for child in self.children],
        }


class TraceStore:
    """The newest traces by id. Safe for threads."""

    def __init__(self, most: int = MOST_TRACES) -> None:
        self._most, self._spans, self._lock = most, 0, threading.Lock()
        self._traces: OrderedDict[str, dict[str, StoredSpan]] = OrderedDict()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep its spans; a trace that goes on counts as new."""
        with self._lock:
            for trace_id, span in _spans(request):
                trace = self._traces.setdefault(trace_id, {})
                self._traces.move_to_end(trace_id)
                if len(trace) < MOST_SPANS and span.span_id not in trace:
                    trace[span.span_id] = span
                    self._spans += 1
            while len(self._traces) > self._most or self._spans > MOST_SPANS_AT_ALL:
                _, oldest = self._traces.popitem(last=False)
                self._spans -= len(oldest)

    def roots(self, trace_id: str) -> list[StoredSpan] | None:
        """The spans of a trace whose parents are not here, with what they led to; None when it is not known."""
        with self._lock:
            kept = list(self._traces.get(trace_id, {}).values())
        spans = {one.span_id: replace(one, children=[]) for one in kept}
        if not spans:
            return None
        roots: list[StoredSpan] = []
        for span in sorted(spans.values(), key=lambda one: one.start):
            (spans[span.parent_id].children if span.parent_id in spans else roots).append(span)
        return roots

    def of_case(self, case_no: str) -> list[str]:
        """Ids of the traces in which the case occurs, oldest first."""
        with self._lock:
            known = [(trace_id, list(spans.values())) for trace_id, spans in self._traces.items()]
        return [trace_id for trace_id, spans in known if any(one.facts.get(CASE) == case_no for one in spans)]

    def newest(self, many: int = 100) -> list[str]:
        """Ids of the traces that something was added to last, oldest first."""
        with self._lock:
            return list(self._traces)[-many:]


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[str, StoredSpan]]:
    for resource in request.resource_spans:
        service = str(_facts(resource.resource.attributes).get("service.name", ""))
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield (
                    span.trace_id.hex(),
                    StoredSpan(
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        service=service,
                        name=span.name,
                        kind=KINDS.get(span.kind, ""),
                        start=span.start_time_unix_nano,
                        end=span.end_time_unix_nano,
                        facts=_facts(span.attributes),
                        failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    ),
                )


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in attributes}


def as_text(trace_id: str, roots: Sequence[StoredSpan]) -> str:
    """The tree, a line for each span: when it began after the first one, how long it took, whose it was, what it was."""
    begun = min(root.start for root in roots)
    lines = [f"链路 / trace {trace_id}", f"{'起 / at, ms':>12} {'用时 / ms':>10}  服务与跨度 / service and span"]
    lines += [line for root in roots for line in _lines(root, begun, 0)]
    return "\n".join(lines) + "\n"


def _lines(span: StoredSpan, begun: int, depth: int) -> Iterator[str]:
    at_ms, mark = (span.start - begun) / 1e6, "  失败 / failed" if span.failed else ""
    queue = f" ({span.facts[QUEUE]})" if span.kind == "consumer" and QUEUE in span.facts else ""
    yield f"{at_ms:12.1f} {span.ms:10.1f}  {'  ' * depth}{span.service}  {span.name}{queue}{mark}"
    for child in span.children:
        yield from _lines(child, begun, depth + 1)


class Handler(BaseHTTPRequestHandler):
    """The store over HTTP. ``server`` is a TraceServer."""

    protocol_version = "HTTP/1.1"
    server: TraceServer

    def do_POST(self) -> None:
        """OTLP/HTTP."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST_BYTES:
            self.close_connection = True
            self._answer(
                413, {"problem": "需要 Content-Length，且不得过大 / a Content-Length within the limit is needed"}
            )
            return
        body = self.rfile.read(int(length))
        if urlsplit(self.path).path != "/v1/traces":
            self._answer(404, {"problem": "没有这个地址 / no such address"})
            return
        try:
            self.server.store.take(self._read(body))
        except (DecodeError, json_format.ParseError, ValueError, OSError, zlib.error) as error:
            self._answer(400, {"problem": f"不是 OTLP / no OTLP: {error}"})
            return
        if self._is_json():
            self._answer(200, {})
        else:
            self._send(200, b"", "application/x-protobuf")

    def do_GET(self) -> None:
        """What is kept."""
        place, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        if place.path in ("/", "/health/ready"):
            self._answer(200, {"ready": True})
        elif place.path == "/traces":
            case = query.get("case_no")
            self._answer(200, {"traces": self.server.store.of_case(case[0]) if case else self.server.store.newest()})
        elif place.path.startswith("/traces/"):
            self._show(place.path.removeprefix("/traces/").lower())
        else:
            self._answer(404, {"problem": "没有这个地址 / no such address"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Says nothing of each request."""

    def _read(self, body: bytes) -> ExportTraceServiceRequest:
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self._is_json():
            request = ExportTraceServiceRequest()
            json_format.Parse(_bytes_as_base64(body), request, ignore_unknown_fields=True)
            return request
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        return request

    def _is_json(self) -> bool:
        return self.headers.get_content_type() == JSON

    def _show(self, trace_id: str) -> None:
        roots = self.server.store.roots(trace_id)
        if roots is None:
            self._answer(404, {"problem": "没有这条链路 / no such trace"})
        elif JSON in self.headers.get("Accept", ""):
            self._answer(200, {"trace_id": trace_id, "spans": [root.as_json() for root in roots]})
        else:
            self._send(200, as_text(trace_id, roots).encode(), TEXT)

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._send(status, json.dumps(body, ensure_ascii=False).encode(), JSON)

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _bytes_as_base64(body: bytes) -> str:
    """OTLP's JSON has ids in hex, where protobuf's own JSON has base64. Source: OTLP 1.x, JSON Protobuf Encoding."""
    request = json.loads(body)
    for resource in request.get("resourceSpans", ()):
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = b64encode(bytes.fromhex(span[name])).decode()
                span.pop("links", None)
    return json.dumps(request)


class TraceServer(ThreadingHTTPServer):
    """Serves ``store`` at ``address``, ``host:port``; port 0 is any free one."""

    daemon_threads = True

    def __init__(self, address: str, store: TraceStore) -> None:
        host, _, port = address.rpartition(":")
        super().__init__((host, int(port)), Handler)
        self.store = store

    @property
    def url(self) -> str:
        """What TONGBAN_TRACES_URL is set to."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/v1/traces"


@click.command()
@click.option("--address", default="127.0.0.1:4318", show_default=True, help="监听 / where to listen")
@click.option("--most", default=MOST_TRACES, show_default=True, help="保留多少条链路 / how many traces are kept")
def main(address: str, most: int) -> None:
    """链路存储 / a store of traces for one machine."""
    try:
        server = TraceServer(address, TraceStore(most))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"无法监听 / cannot listen at {address}: {error}") from error
    click.echo(f"链路存储 / trace store: {server.url}")
    server.serve_forever()


if __name__ == "__main__":
    main()
