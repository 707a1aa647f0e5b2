"""What an operator may rely on, whatever is changed in the manifests: no pod may more than it must, and none is alone."""

from __future__ import annotations

import re

from chassis.settings_table import DECLARED
from tests.deploy.rendered import COMPONENT, NAME, SERVICES, Pod, Rendered, selects


def test_every_pod_keeps_to_the_restricted_standard(overlay: Rendered) -> None:
    for pod in overlay.pods.values():
        spec = pod.spec
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not [volume for volume in spec.get("volumes", ()) if "hostPath" in volume]
        for container in pod.containers():
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert not [port for port in container.get("ports", ()) if "hostPort" in port]
    labels = overlay.of("Namespace")["tongban"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_brokers_pods_keep_to_the_restricted_standard(overlay: Rendered) -> None:
    broker = overlay.of("RabbitmqCluster")["rabbitmq"]["spec"]
    spec = broker["override"]["statefulSet"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_every_container_says_what_it_needs_and_what_it_may_take(overlay: Rendered) -> None:
    for pod in overlay.pods.values():
        for container in pod.containers():
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), pod.name
            assert "memory" in container["resources"]["limits"], pod.name
        for volume in pod.spec.get("volumes", ()):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""}), f"{pod.name}: {volume['name']}"


def test_every_serving_container_is_probed(overlay: Rendered) -> None:
    for pod in overlay.pods.values():
        if pod.owner["kind"] == "Job":
            continue
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert probe in pod.main, pod.name
        if pod.ours:
            port = "http" if pod.labels[COMPONENT] == "web" else "ops"
            own = "?own" if pod.name == "gateway-web" else ""
            assert pod.main["readinessProbe"]["httpGet"] == {"path": f"/health/ready{own}", "port": port}
            assert pod.main["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": port}
            assert pod.main["startupProbe"]["httpGet"] == {"path": "/health/live", "port": port}


def test_stopping_has_the_time_that_the_process_takes(overlay: Rendered) -> None:
    settings = overlay.settings
    takes = float(settings["TONGBAN_DRAIN_S"]) + float(settings["TONGBAN_STOP_TIMEOUT_S"])
    assert float(settings["TONGBAN_DRAIN_S"]) >= 5, "endpoints and the registry hear of it within that"
    for pod in overlay.pods.values():
        if pod.ours:
            assert pod.spec["terminationGracePeriodSeconds"] >= takes + 5, pod.name


def test_the_platform_is_one_image_and_no_image_floats(overlay: Rendered) -> None:
    ours = {container["image"] for pod in overlay.pods.values() if pod.ours for container in pod.containers()}
    others = {container["image"] for pod in overlay.pods.values() if not pod.ours for container in pod.containers()}
    others |= {overlay.of("RabbitmqCluster")["rabbitmq"]["spec"]["image"]}
    if overlay.name == "prod":
        others |= {overlay.of("Cluster")["postgresql"]["spec"]["imageName"]}
    assert len(ours) == 1
    for image in ours | others:
        name, colon, tag = image.rpartition(":")
        assert colon, image
        assert "/" not in tag, image
        assert name, image
        assert tag != "latest", image
    assert not [image for image in others if image.startswith("tongban")]


# --- Availability ---


def replicas(overlay: Rendered, pod: Pod) -> int:
    for scaler in overlay.of("HorizontalPodAutoscaler").values():
        if scaler["spec"]["scaleTargetRef"]["name"] == pod.name:
            assert "replicas" not in pod.owner["spec"], f"{pod.name}: an apply would undo the autoscaler"
            return int(scaler["spec"]["minReplicas"])
    for scaler in overlay.of("ScaledObject").values():
        if scaler["spec"]["scaleTargetRef"]["name"] == pod.name:
            assert "replicas" not in pod.owner["spec"], f"{pod.name}: an apply would undo the autoscaler"
            return int(scaler["spec"]["minReplicaCount"])
    return int(pod.owner["spec"].get("replicas", 1))


def test_whatever_runs_several_times_is_spread_and_not_disrupted_at_once(overlay: Rendered) -> None:
    budgets = [doc["spec"] for doc in overlay.of("PodDisruptionBudget").values()]
    for pod in overlay.pods.values():
        if pod.owner["kind"] == "Job" or replicas(overlay, pod) < 2:
            continue
        mine = [one for one in budgets if selects(one["selector"], pod.labels)]
        assert len(mine) == 1, pod.name
        assert mine[0]["maxUnavailable"] == 1
        [spread] = pod.spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"
        assert selects(spread["labelSelector"], pod.labels)
        same = [other.name for other in overlay.pods.values() if selects(spread["labelSelector"], other.labels)]
        assert same == [pod.name], "it is spread among its own kind"


def test_every_role_runs_at_least_twice_in_production(prod: Rendered) -> None:
    for pod in prod.pods.values():
        if pod.ours and pod.owner["kind"] == "Deployment":
            assert replicas(prod, pod) >= 2, pod.name
    assert prod.of("RabbitmqCluster")["rabbitmq"]["spec"]["replicas"] == 3
    assert prod.of("Cluster")["postgresql"]["spec"]["instances"] == 3
    assert prod.pods["consul"].owner["spec"]["replicas"] == 3


def test_web_roles_scale_by_processor(prod: Rendered) -> None:
    scaled = {doc["spec"]["scaleTargetRef"]["name"]: doc["spec"] for doc in prod.of("HorizontalPodAutoscaler").values()}
    assert scaled.keys() == {f"{name}-web" for name in (*SERVICES, "gateway", "portal")}
    for spec in scaled.values():
        assert spec["maxReplicas"] > spec["minReplicas"]
        assert [metric["resource"]["name"] for metric in spec["metrics"]] == ["cpu"]


def test_database_has_room_for_every_process_that_may_run(prod: Rendered) -> None:
    """A pool per process; a web process has as many connections as threads, the others far fewer than that."""
    cluster = prod.of("Cluster")["postgresql"]["spec"]
    room = int(cluster["postgresql"]["parameters"]["max_connections"])
    limits = [role.get("connectionLimit", 0) for role in cluster["managed"]["roles"]]
    assert sum(limits) < room
    threads = DECLARED["web_threads"].default
    for service in SERVICES:
        most = prod.of("HorizontalPodAutoscaler")[f"{service}-web"]["spec"]["maxReplicas"]
        [limit] = [role["connectionLimit"] for role in cluster["managed"]["roles"] if role["name"] == service]
        assert most * threads < limit


# --- Names that have to agree ---


def test_every_selector_takes_just_the_pods_that_it_means(overlay: Rendered) -> None:
    for name, pod in overlay.pods.items():
        if pod.owner["kind"] == "Job":
            continue
        selector = pod.owner["spec"]["selector"]
        assert [other.name for other in overlay.pods.values() if selects(selector, other.labels)] == [name]
    for name, service in overlay.of("Service").items():
        taken = [
            pod for pod in overlay.pods.values() if selects({"matchLabels": service["spec"]["selector"]}, pod.labels)
        ]
        assert len(taken) == 1, name
        for port in service["spec"]["ports"]:
            assert taken[0].ports.get(port["targetPort"]) == port["port"], name
    for budget in overlay.of("PodDisruptionBudget").values():
        if budget["metadata"]["name"] != "rabbitmq":
            assert len([pod for pod in overlay.pods.values() if selects(budget["spec"]["selector"], pod.labels)]) == 1


def test_ports_are_those_that_the_settings_say(overlay: Rendered) -> None:
    settings = overlay.settings
    ports = {"http": settings["TONGBAN_HTTP_ADDRESS"], "ops": settings["TONGBAN_OPS_ADDRESS"]}
    assert len(set(ports.values())) == 2, "or a worker would wait before it stops, as if somebody sent it requests"
    for pod in overlay.pods.values():
        if pod.ours:
            for name, port in pod.ports.items():
                assert ports[name] == f"0.0.0.0:{port}"
    for name in (*SERVICES, "gateway", "portal"):
        assert overlay.of("Service")[f"{name}-web"]["spec"]["ports"][0]["port"] == 8000


def test_the_door_leads_to_the_gateway_alone_and_has_a_certificate(overlay: Rendered) -> None:
    [ingress] = overlay.of("Ingress").values()
    backends = [path["backend"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]
    assert backends == [{"service": {"name": "gateway-web", "port": {"name": "http"}}}]
    hosts = [rule["host"] for rule in ingress["spec"]["rules"]]
    [tls] = ingress["spec"]["tls"]
    [certificate] = [
        doc["spec"] for doc in overlay.of("Certificate").values() if doc["spec"]["secretName"] == tls["secretName"]
    ]
    assert hosts == tls["hosts"] == certificate["dnsNames"]
    assert overlay.settings["TONGBAN_PUBLIC_URL"] == f"https://{hosts[0]}"
    assert {service["spec"].get("type", "ClusterIP") for service in overlay.of("Service").values()} == {"ClusterIP"}


def test_volumes_and_mounts_agree(overlay: Rendered) -> None:
    claims = overlay.of("PersistentVolumeClaim")
    for pod in overlay.pods.values():
        there = {volume["name"] for volume in pod.spec.get("volumes", ())}
        there |= {claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", ())}
        mounted = {mount["name"] for container in pod.containers() for mount in container.get("volumeMounts", ())}
        assert mounted == there, pod.name
        for volume in pod.spec.get("volumes", ()):
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims


def test_whoever_receives_files_has_room_for_them(overlay: Rendered) -> None:
    room = {"gateway-web": 8, "portal-web": 2, "documents-web": 2}  # GiB: the gateway holds `bodies` of them at once
    for name, most in room.items():
        [tmp] = [
            volume["emptyDir"]["sizeLimit"] for volume in overlay.pods[name].spec["volumes"] if volume["name"] == "tmp"
        ]
        assert tmp == f"{most}Gi"
    disk = overlay.pods["gateway-web"].main["resources"]["limits"]["ephemeral-storage"]
    assert int(disk.removesuffix("Gi")) > room["gateway-web"]


KEEPERS = ("identity", "workflow", "documents", "audit")


def test_whoever_keeps_keys_or_blobs_shares_one_folder_among_its_roles_and_with_nobody_else(prod: Rendered) -> None:
    assert prod.of("PersistentVolumeClaim").keys() == {f"{service}-data" for service in KEEPERS}
    for claim in prod.of("PersistentVolumeClaim").values():
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["spec"]["storageClassName"]
    for pod in prod.pods.values():
        claimed = {
            v["persistentVolumeClaim"]["claimName"] for v in pod.spec.get("volumes", ()) if "persistentVolumeClaim" in v
        }
        service, role = pod.labels.get(NAME), pod.labels.get(COMPONENT)
        expected = {f"{service}-data"} if service in KEEPERS and role in ("web", "worker", "jobs") else set()
        assert claimed == expected, pod.name


def test_gateways_share_their_key_and_portals_theirs(overlay: Rendered) -> None:
    for name, files in (
        ("gateway", ["gateway/internal.pem"]),
        ("portal", ["portal/client-key.pem", "portal/cookie-secret"]),
    ):
        pod = overlay.pods[f"{name}-web"]
        [first] = pod.spec["initContainers"]
        assert re.findall(r"/var/lib/tongban/(\S+)", first["args"][0]) == files
        [key] = [volume["secret"]["secretName"] for volume in pod.spec["volumes"] if volume["name"] == "key"]
        private = overlay.of("Certificate")[key]["spec"]["privateKey"]
        assert private == {"algorithm": "ECDSA", "size": 256, "encoding": "PKCS8", "rotationPolicy": "Never"}
