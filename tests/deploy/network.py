"""Evaluates network policies: may this one open a connection to that one?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.deploy.rendered import COMPONENT, NAME, PART_OF, Document, Pod, selects

NAMESPACE = "tongban"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside the cluster (``ip``). ``ports``: by name."""

    name: str
    namespace: str | None = NAMESPACE
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    ip: str | None = None

    @classmethod
    def of(cls, pod: Pod) -> Peer:
        return cls(pod.name, labels=pod.labels, ports=pod.ports)

    @classmethod
    def address(cls, ip: str) -> Peer:
        return cls(ip, namespace=None, ip=ip)

    @classmethod
    def stranger(cls, namespace: str, **labels: str) -> Peer:
        """A pod of another namespace."""
        return cls(namespace, namespace=namespace, labels={key.replace("__", "/"): v for key, v in labels.items()})

    @classmethod
    def broker(cls) -> Peer:
        """As RabbitMQ's operator makes it."""
        labels = {NAME: "rabbitmq", COMPONENT: "rabbitmq", PART_OF: "rabbitmq"}
        return cls("rabbitmq", labels=labels, ports={"amqps": 5671, "management-tls": 15671, "prometheus-tls": 15691})

    @classmethod
    def database(cls) -> Peer:
        """As CloudNativePG makes it."""
        labels = {"cnpg.io/cluster": "postgresql", "cnpg.io/podRole": "instance"}
        return cls("postgresql", labels=labels, ports={"postgresql": 5432, "status": 8000, "metrics": 9187})


@dataclass(frozen=True)
class Door:
    """Where a connection would end."""

    owner: Peer
    port: int
    protocol: str


def allowed(policies: Iterable[Document], source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Both must agree: who sends, if a policy for what it sends takes it, and who receives."""
    known = list(policies)
    door = Door(target, port, protocol)
    return _permits(known, "Egress", source, target, door) and _permits(known, "Ingress", target, source, door)


def _permits(policies: Sequence[Document], way: str, subject: Peer, other: Peer, door: Door) -> bool:
    if subject.namespace != NAMESPACE:
        return True  # others' policies are not ours
    mine = [one["spec"] for one in policies if way in one["spec"]["policyTypes"]]
    mine = [spec for spec in mine if selects(spec["podSelector"], subject.labels)]
    if not mine:
        return True  # a pod that no policy takes is open
    rules = [rule for spec in mine for rule in spec.get(way.lower(), ())]
    side = "from" if way == "Ingress" else "to"
    return any(_peers(rule.get(side), other) and _opens(rule.get("ports"), door) for rule in rules)


def _peers(peers: Sequence[Mapping[str, Any]] | None, other: Peer) -> bool:
    return peers is None or any(_is(peer, other) for peer in peers)


def _is(peer: Mapping[str, Any], other: Peer) -> bool:
    if block := peer.get("ipBlock"):
        if other.ip is None:
            return False
        address = ipaddress.ip_address(other.ip)
        inside = address in ipaddress.ip_network(block["cidr"])
        return inside and not any(address in ipaddress.ip_network(one) for one in block.get("except", ()))
    if other.ip is not None:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {NAMESPACE_LABEL: str(other.namespace)}):
            return False
    elif other.namespace != NAMESPACE:
        return False
    return selects(peer.get("podSelector", {}), other.labels)


def _opens(ports: Sequence[Mapping[str, Any]] | None, door: Door) -> bool:
    return ports is None or any(_is_door(one, door) for one in ports)


def _is_door(port: Mapping[str, Any], door: Door) -> bool:
    if port.get("protocol", "TCP") != door.protocol:
        return False
    if isinstance(port["port"], str):
        return door.owner.ports.get(port["port"]) == door.port
    return int(port["port"]) <= door.port <= int(port.get("endPort", port["port"]))
