"""The pages behind the proxy: what runs, what the API is, what is ready."""

import json
import re
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis.discovery import Endpoint, Local, Remote, StaticDirectory
from chassis.health import Health
from gateway.app import create_gateway
from gateway.openapi import MISSING, merge
from tests.gateway.scripted import call, make_gateway
from tests.support import Tokens, exchanger

tokens = Tokens()
SERVICES = ("identity", "catalog", "workflow", "documents", "audit")


def document(service: str, schema: dict[str, Any]) -> dict[str, Any]:
    reference = {"$ref": "#/components/schemas/Thing"}
    answer = {"description": "办件 <b>", "content": {"application/json": {"schema": reference}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": service, "version": "v1"},
        "paths": {
            f"/api/v1/{service}-things/{{thing_id}}": {
                "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"summary": f"read {service}", "responses": {"200": answer}},
                "post": {
                    "summary": "<script>alert(1)</script>",
                    "security": [{"bearer": ["things:write"]}],
                    "requestBody": {"content": {"application/json": {"schema": reference}}},
                    "responses": {"201": {"$ref": "#/components/responses/MADE"}},
                },
            }
        },
        "components": {
            "schemas": {"Thing": schema, "Same": {"type": "string"}},
            "responses": {"MADE": answer},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


class Service:
    """A service with health and an OpenAPI document."""

    def __init__(self, name: str, *, ready: bool = True, schema: str = "object") -> None:
        self.name, self.ready, self.asked = name, ready, 0
        self._document = document(name, {"type": schema})

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked += 1
        if environ["PATH_INFO"] == "/health/ready":
            parts = {"database": "ok" if self.ready else "no answer: OperationalError", "bus": "ok"}
            start_response("200 OK" if self.ready else "503 Service Unavailable", [])
            return [json.dumps({"ready": self.ready, "parts": parts}).encode()]
        start_response("200 OK", [])
        return [json.dumps(self._document).encode()]


def all_ready() -> dict[str, Endpoint]:
    return {name: Local(Service(name)) for name in SERVICES}


def test_ready_when_every_service_is() -> None:
    answer = call(make_gateway(tokens, **all_ready()), "GET", "/health/ready")
    assert (answer.status, answer.json) == (200, {"ready": True, "parts": dict.fromkeys(SERVICES, "ok")})


def test_an_instance_that_is_not_ready_takes_nothing_away_from_one_that_is() -> None:
    directory = StaticDirectory({})
    for name in SERVICES:
        directory.add(name, Local(Service(name, ready=False)), Local(Service(name)), Remote("127.0.0.1", 1))
    for _ in range(5):
        gateway = create_gateway(directory, exchanger(tokens), Health())
        assert call(gateway, "GET", "/health/ready").status == 200
        assert call(gateway, "GET", "/openapi.json").json[MISSING] == []


def test_not_ready_says_which_service_and_why() -> None:
    endpoints: dict[str, Endpoint] = all_ready() | {
        "documents": Local(Service("documents", ready=False)),
        "audit": Remote("127.0.0.1", 1),
    }
    del endpoints["catalog"]
    answer = call(make_gateway(tokens, **endpoints), "GET", "/health/ready")
    assert answer.status == 503
    assert answer.json["parts"] == {
        "identity": "ok",
        "catalog": "no instance",
        "workflow": "ok",
        "documents": "database: no answer: OperationalError",
        "audit": "no answer: ConnectionRefusedError",
    }


def test_a_balancer_is_told_of_the_gateway_alone() -> None:
    health, state = Health(), {"trouble": ""}
    health.add("limits", lambda: state["trouble"] or None)
    gateway = create_gateway(StaticDirectory({}), exchanger(tokens), health)
    assert call(gateway, "GET", "/health/ready").status == 503
    assert call(gateway, "GET", "/health/ready?own").json == {"ready": True, "parts": {"limits": "ok"}}
    state["trouble"] = "gone"
    assert call(gateway, "GET", "/health/ready?own").status == 503


def test_alive_even_when_no_service_is_there() -> None:
    gateway = make_gateway(tokens)
    assert call(gateway, "GET", "/health/live").json == {"live": True}
    assert call(gateway, "GET", "/").status == 200
    assert call(gateway, "GET", "/docs").status == 200


def test_public_pages_do_not_multiply_requests() -> None:
    service = Service("identity")
    gateway = make_gateway(tokens, identity=Local(service))
    for _ in range(20):
        call(gateway, "GET", "/health/ready")
        call(gateway, "GET", "/docs")
    assert service.asked <= 4


def test_the_home_page_says_what_runs_in_both_languages_without_script() -> None:
    answer = call(make_gateway(tokens, **all_ready() | {"audit": Remote("127.0.0.1", 1)}), "GET", "/")
    page = answer.body.decode()
    assert "通办平台正在运行" in page
    assert "The platform is running" in page
    assert page.count('class="ok"') == 4
    assert page.count("未就绪") == 1
    for link in ("/docs", "/openapi.json", "/health/ready", "/metrics", "/api/v1"):
        assert link in page
    assert "<script" not in page
    assert "style=" not in page
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    [css] = re.findall(r'href="(/docs/static/[^"]+)"', page)
    assert call(make_gateway(tokens), "GET", css).headers["content-type"].startswith("text/css")


def test_the_documents_are_merged_and_differing_schemas_keep_both_meanings() -> None:
    merged = merge(
        {
            "identity": document("identity", {"type": "object"}),
            "workflow": document("workflow", {"type": "integer"}),
            "catalog": None,
        }
    )
    schemas = merged["components"]["schemas"]
    assert schemas == {"Thing": {"type": "object"}, "Same": {"type": "string"}, "WorkflowThing": {"type": "integer"}}
    path = merged["paths"]["/api/v1/workflow-things/{thing_id}"]
    for place in (path["get"]["responses"]["200"], path["post"]["requestBody"]):
        assert place["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/WorkflowThing"}
    assert merged[MISSING] == ["catalog"]
    OpenAPIV31SpecValidator(merged).validate()


def test_a_component_that_refers_to_a_renamed_one_is_renamed_too() -> None:
    merged = merge(
        {
            "identity": document("identity", {"type": "object"}),
            "workflow": document("workflow", {"type": "integer"}),
        }
    )
    for service, schema in (("identity", "Thing"), ("workflow", "WorkflowThing")):
        made = merged["paths"][f"/api/v1/{service}-things/{{thing_id}}"]["post"]["responses"]["201"]["$ref"]
        answer = merged["components"]["responses"][made.rpartition("/")[2]]
        assert answer["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{schema}"}


def test_the_documentation_page_shows_every_operation_escaped() -> None:
    gateway = make_gateway(tokens, **{name: endpoint for name, endpoint in all_ready().items() if name != "audit"})
    page = call(gateway, "GET", "/docs").body.decode()
    assert 'id="get-api-v1-workflow-things-thing_id"' in page
    assert 'href="#post-api-v1-workflow-things-thing_id"' in page
    assert "things:write" in page
    assert "thing_id" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "暂时没有答复的服务：audit" in page
    assert call(gateway, "GET", "/openapi.json").json[MISSING] == ["audit"]


def test_a_service_whose_document_is_nonsense_is_listed_as_missing() -> None:
    def nonsense(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"[1"]

    gateway = make_gateway(tokens, **all_ready() | {"audit": Local(nonsense)})
    assert call(gateway, "GET", "/openapi.json").json[MISSING] == ["audit"]
    assert call(gateway, "GET", "/health/ready").json["parts"]["audit"].startswith("no answer")


def test_metrics_count_requests_and_refusals() -> None:
    gateway = make_gateway(tokens, **all_ready())
    call(gateway, "GET", "/api/v1/items")
    call(gateway, "GET", "/api/v1/cases")
    text = call(gateway, "GET", "/metrics", REMOTE_ADDR="127.0.0.1").body.decode()
    assert 'tongban_gateway_requests_total{method="GET",service="catalog",status="200"}' in text
    assert 'tongban_gateway_refused_total{code="token_missing",service="workflow"}' in text
    assert (
        'tongban_gateway_request_seconds_bucket{kind="stream",le="1.0",service="catalog"}' in text
    )  # of unknown length


def test_an_unknown_page_is_a_problem_too() -> None:
    gateway = make_gateway(tokens)
    answer = call(gateway, "GET", "/nowhere")
    assert (answer.status, answer.json["code"]) == (404, "route_unknown")
    assert answer.headers["content-type"] == "application/problem+json"
    assert call(gateway, "POST", "/docs", body=b"x").json["code"] == "method_not_allowed"


def test_create_gateway_takes_the_three_things_it_needs() -> None:
    from chassis.discovery import StaticDirectory
    from chassis.health import Health

    health = Health()
    health.add("bus", lambda: "not connected")
    gateway = create_gateway(StaticDirectory({}), exchanger(tokens), health)
    assert call(gateway, "GET", "/health/ready").json["parts"]["bus"] == "not connected"
    assert "not connected" in call(gateway, "GET", "/").body.decode()
