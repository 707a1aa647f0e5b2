import pytest

from chassis.errors import Refusal
from gateway.routes import MIB, ROUTES, SERVICES, find_route


@pytest.mark.parametrize(
    ("request_line", "service", "public"),
    [
        ("POST /oauth2/token", "identity", True),
        ("POST /oauth2/outside/go/national", "identity", True),
        ("GET /oauth2/outside/return/national", "identity", True),
        ("GET /oauth2/outside/go/national", "identity", False),
        ("POST /oauth2/outside/return/national", "identity", False),
        ("POST /api/v1/tokens/representation", "identity", False),
        ("GET /api/v1/jwks", "identity", True),
        ("GET /api/v1/departments", "identity", True),
        ("POST /api/v1/departments", "identity", False),
        ("POST /api/v1/accounts", "identity", False),
        ("GET /api/v1/items", "catalog", True),
        ("HEAD /api/v1/items", "catalog", True),
        ("GET /api/v1/items/a/versions/2", "catalog", True),
        ("POST /api/v1/items", "catalog", False),
        ("GET /api/v1/vocabulary", "catalog", True),
        ("POST /api/v1/items/a/retirement", "catalog", False),
        ("POST /api/v1/drafts", "workflow", False),
        ("DELETE /api/v1/drafts/x", "workflow", False),
        ("GET /api/v1/cases", "workflow", False),
        ("GET /api/v1/packages/open_school", "catalog", True),
        ("GET /api/v1/packages/cases", "catalog", True),
        ("POST /api/v1/packages/open_school/cases", "workflow", False),
        ("GET /api/v1/packages/open_school/drafts", "workflow", False),
        ("POST /api/v1/packages/open_school/cases/intake", "workflow", False),
        ("GET /api/v1/packages/open_school/casesx", "catalog", True),
        ("GET /api/v1/bundles/YJS1", "workflow", False),
        ("GET /api/v1/appointment-slots", "workflow", True),
        ("POST /api/v1/appointment-slots", "workflow", False),
        ("GET /api/v1/appointments/day", "workflow", False),
        ("GET /api/v1/tasks/x", "workflow", False),
        ("POST /api/v1/materials", "documents", False),
        ("GET /api/v1/materials/m", "documents", False),
        ("GET /api/v1/document-keys", "documents", True),
        ("GET /api/v1/licences", "documents", False),
        ("GET /api/v1/licences/L1", "documents", True),
        ("GET /api/v1/licences/L1/pdf", "documents", False),
        ("DELETE /api/v1/licences/L1", "documents", False),
        ("POST /api/v1/licences/verification", "documents", True),
        ("GET /api/v1/licences/verification", "documents", False),
        ("GET /api/v1/licence-ca", "documents", True),
        ("GET /api/v1/trails/c", "audit", False),
        ("GET /api/v1/ledger/checkpoint", "audit", True),
        ("GET /api/v1/cards", "audit", False),
        ("POST /api/v1/ratings", "audit", False),
        ("GET /api/v1/ratings/c", "audit", False),
        ("GET /api/v1/figures", "audit", True),
        ("POST /api/v1/figures", "audit", False),
        ("GET /api/v1/board", "audit", False),
        ("GET /openapi/audit.json", "audit", True),
    ],
)
def test_a_request_goes_to_its_service_and_is_public_only_where_listed(
    request_line: str, service: str, public: bool
) -> None:
    method, _, path = request_line.partition(" ")
    route = find_route(path)
    assert (route.service, route.is_public(method, path)) == (service, public)


@pytest.mark.parametrize(
    "path",
    ["/api/v1", "/api/v1/", "/api/v2/cases", "/api/v1/casesx", "/api/v1/health", "/openapi/x.json", "/openapi/audit.json/x",
     "/", "/API/v1/cases", "/metrics"],
)  # fmt: skip
def test_what_is_not_listed_has_no_route(path: str) -> None:
    with pytest.raises(Refusal) as refused:
        find_route(path)
    assert refused.value.code == "route_unknown"


def test_limits_are_those_of_the_table() -> None:
    assert find_route("/api/v1/materials").max_body_bytes == 50 * MIB
    assert find_route("/api/v1/licences/verification").max_body_bytes == 6 * MIB
    assert find_route("/api/v1/licences/L1").max_body_bytes == MIB
    assert find_route("/api/v1/tasks").timeout_s == 60.0
    assert find_route("/api/v1/cases").timeout_s == 30.0


def test_every_route_belongs_to_a_known_service() -> None:
    assert {route.service for route in ROUTES} == set(SERVICES)
