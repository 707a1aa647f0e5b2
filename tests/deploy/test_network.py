"""Who may speak to whom on Kubernetes, evaluated over every pair: nobody but those who have to."""

from __future__ import annotations

import itertools

from tests.deploy.network import Peer, allowed
from tests.deploy.rendered import COMPONENT, NAME, SERVICES, Rendered

SERVING = ("web", "worker", "jobs", "bridge")
PRIVATE, WORLD = Peer.address("10.11.12.13"), Peer.address("203.0.113.9")
DEFAULT_PORTS = {22, 80, 443, 4318, 8000, 9000}
INGRESS = Peer.stranger("ingress", app="controller")
PROMETHEUS = Peer.stranger("monitoring", **{"app.kubernetes.io/name": "prometheus"})
COLLECTOR = Peer.stranger("monitoring", **{"app.kubernetes.io/name": "opentelemetry-collector"})
KEDA = Peer.stranger("keda", **{"app.kubernetes.io/name": "keda-operator"})
CNPG = Peer.stranger("cnpg-system", **{"app.kubernetes.io/name": "cloudnative-pg"})
STRANGER = Peer.stranger("default", **{NAME: "gateway", COMPONENT: "web"})
OUTSIDERS = (PRIVATE, WORLD, INGRESS, PROMETHEUS, COLLECTOR, KEDA, CNPG, STRANGER)


def expected(overlay: Rendered) -> dict[tuple[str, str], set[int]]:
    """(source, target) -> ports of the target. Whatever is not here is refused."""
    table: dict[tuple[str, str], set[int]] = {}

    def may(sources: list[str], targets: list[str], *ports: int) -> None:
        for pair in itertools.product(sources, targets):
            table.setdefault(pair, set()).update(ports)

    webs = [f"{service}-web" for service in SERVICES]
    pods = [f"{service}-{role}" for service in SERVICES for role in ("web", "worker", "jobs")]
    migrations = [f"{service}-migrate" for service in SERVICES]
    may(["ingress"], ["gateway-web"], 8000)
    may(["gateway-web"], [*webs, "portal-web"], 8000)
    may([*webs, "portal-web"], ["gateway-web"], 8000)
    may(["workflow-web"], ["documents-web"], 8000)  # public keys of receipts
    may(["identity-web"], ["portal-web"], 8000)  # its public key as a client
    may([*pods, *migrations], ["postgresql"], 5432)
    may([*pods, *migrations, "gateway-bridge", "keda"], ["rabbitmq"], 5671)
    may(["provision"], ["rabbitmq"], 15671)
    may([*pods, "gateway-web", "gateway-bridge", "portal-web", "consul-access"], ["consul"], 8501)
    may(["consul"], [*webs, "gateway-web", "portal-web"], 8000)
    may(["consul"], ["consul"], 8300, 8301)
    may(["gateway-web"], ["limits"], 6379)
    may(["postgres-exporter", "postgresql", "cnpg-system"], ["postgresql"], 5432)
    may(["postgresql", "cnpg-system"], ["postgresql"], 8000)
    scraped = {
        pod.name: pod.ports for pod in overlay.pods.values() if pod.labels.get(COMPONENT) in SERVING and pod.ours
    }
    for name, ports in scraped.items():
        may(["prometheus"], [name], *ports.values())
    may(["prometheus"], ["rabbitmq"], 15691)
    may(["prometheus"], ["postgres-exporter"], 9187)
    may(["prometheus"], ["consul"], 8501)
    return table


def test_everybody_reaches_whom_they_must_and_nobody_else(overlay: Rendered) -> None:
    policies = list(overlay.of("NetworkPolicy").values())
    inside = [*(Peer.of(pod) for pod in overlay.pods.values()), Peer.broker(), Peer.database()]
    names = {"monitoring": "prometheus"}
    table = expected(overlay)
    reached: dict[tuple[str, str], set[int]] = {}
    for source, target in itertools.product([*inside, *(one for one in OUTSIDERS if one is not COLLECTOR)], inside):
        for port in {*target.ports.values(), *DEFAULT_PORTS}:
            if allowed(policies, source, target, port):
                reached.setdefault((names.get(source.name, source.name), target.name), set()).add(port)
    assert reached == table


def test_only_the_gateway_is_reached_from_outside(overlay: Rendered) -> None:
    policies = list(overlay.of("NetworkPolicy").values())
    for pod in overlay.pods.values():
        target = Peer.of(pod)
        for port in {*target.ports.values(), 8000, 9000}:
            for outsider in (WORLD, PRIVATE, STRANGER, COLLECTOR):
                assert not allowed(policies, outsider, target, port), f"{outsider.name} -> {pod.name}:{port}"
            assert allowed(policies, INGRESS, target, port) == (pod.name == "gateway-web" and port == 8000)


def test_only_those_who_have_to_speak_to_the_world_and_nobody_to_private_networks(overlay: Rendered) -> None:
    policies = list(overlay.of("NetworkPolicy").values())
    speak = {"identity": {443}, "workflow": {443}, "audit": {443}}
    for pod in overlay.pods.values():
        ports = {port for port in (25, 80, 443, 465, 587, 5432, 6443) if allowed(policies, Peer.of(pod), WORLD, port)}
        service, role = pod.labels.get(NAME, ""), pod.labels.get(COMPONENT)
        usual = speak.get(service, set()) if role in ("web", "worker", "jobs") else set()
        mail = {465, 587} if service == "identity" and role in ("worker", "jobs") else set()
        assert ports == usual | mail, pod.name
        assert not any(allowed(policies, Peer.of(pod), PRIVATE, port) for port in (22, 80, 443, 5432, 6443)), pod.name


def test_everybody_may_ask_for_names_and_those_who_trace_may_tell(overlay: Rendered) -> None:
    policies = list(overlay.of("NetworkPolicy").values())
    names = Peer.stranger("kube-system", **{"k8s-app": "kube-dns"})
    for pod in overlay.pods.values():
        assert allowed(policies, Peer.of(pod), names, 53, "UDP")
        assert not allowed(policies, Peer.of(pod), names, 443)
        assert allowed(policies, Peer.of(pod), COLLECTOR, 4318) == pod.ours
    broker = Peer.broker()
    assert all(allowed(policies, broker, broker, port) for port in (4369, 25672))


def test_a_policy_too_many_is_noticed(prod: Rendered) -> None:
    open_door = {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}}
    policies = [*prod.of("NetworkPolicy").values(), open_door]
    assert allowed(policies, STRANGER, Peer.of(prod.pods["audit-web"]), 8000)
    assert not allowed(policies[:-1], STRANGER, Peer.of(prod.pods["audit-web"]), 8000)
