"""The platform on one machine: the same parts, each alone with whom it has to speak to."""

from __future__ import annotations

import itertools
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from compose_spec import PyCompose

from chassis.settings import load_settings
from chassis.settings_table import COMMANDS, DECLARED
from deploy.compose.make_secrets import make_secrets
from gateway import broker_passwords
from gateway.broker_plan import SERVICES as BROKER_USERS
from gateway.provision import departments_of
from localservers.postgresql import PostgreSQL
from localservers.requirements import postgresql_bin
from tests.architecture.house import ROOT
from tests.deploy.rendered import SERVICES

DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"
IMAGE = "tongban"
ROLES = {
    f"{service}-{role}": (f"services.{service}", role)
    for service in SERVICES
    for role in ("web", "worker", "jobs", "migrate")
}
DOORS = {"gateway-web": ("gateway", "web"), "bridge-bridge": ("gateway", "bridge"), "portal-web": ("portal", None)}
SERVERS = {"postgresql", "rabbitmq", "consul", "limits", "prometheus", "alertmanager", "grafana", "postgres-exporter"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return whole


@pytest.fixture(scope="module")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    make_secrets(folder, departments_of(str(ROOT / "catalogs/directory/demo.yaml")))
    return folder


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in compose["services"].items() if one["image"].partition(":")[0] == IMAGE}


def secret_names(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name, and where the container finds it."""
    for one in service.get("secrets", ()):
        if isinstance(one, str):
            yield one, f"/run/secrets/{one}"
        else:
            yield one["source"], one["target"]


def test_it_keeps_to_the_compose_specification(compose: dict[str, Any]) -> None:
    read = PyCompose.from_json(json.dumps(compose))
    assert set(read.service_names()) == set(compose["services"])
    wrong = json.loads(json.dumps(compose))
    wrong["services"]["gateway-web"]["healthcheck"]["tset"] = []
    with pytest.raises(ValueError, match="tset"):
        PyCompose.from_json(json.dumps(wrong))


def test_every_part_is_there(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*ROLES, *DOORS, "provision", *SERVERS}
    for name, (module, role) in (ROLES | DOORS).items():
        assert compose["services"][name]["command"] == ["-m", module, *(["--role", role] if role else [])]


def test_the_platform_is_one_image_and_no_image_floats(compose: dict[str, Any]) -> None:
    assert ours(compose).keys() == {*ROLES, *DOORS, "provision"}
    assert len({one["image"] for one in ours(compose).values()}) == 1
    for one in compose["services"].values():
        assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", one["image"]), one["image"]
    built = compose["services"]["gateway-web"]["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).is_file()


def test_only_the_gateway_publishes_a_port_to_others(compose: dict[str, Any]) -> None:
    published = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert published == {"gateway-web": ["8000:8000"], "grafana": ["127.0.0.1:3000:3000"]}
    assert not [name for name, one in compose["services"].items() if "network_mode" in one or one.get("privileged")]


def test_containers_may_no_more_than_they_must(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"\d+[MG]", one["deploy"]["resources"]["limits"]["memory"]), name
        assert not [volume for volume in one.get("volumes", ()) if "docker.sock" in volume]
    for name, one in ours(compose).items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert "user" not in one, "the image says"


def test_whoever_serves_is_asked_for_its_health_and_has_time_to_stop(compose: dict[str, Any]) -> None:
    settings = shared_settings()
    takes = float(settings["TONGBAN_DRAIN_S"]) + float(settings["TONGBAN_STOP_TIMEOUT_S"])
    for name, one in ours(compose).items():
        assert int(one["stop_grace_period"].removesuffix("s")) >= takes + 5, name
        if one["restart"] == "unless-stopped":
            port = 8000 if name.endswith("-web") else 9000
            assert f"http://127.0.0.1:{port}/health/ready" in one["healthcheck"]["test"][-1], name


def test_nothing_starts_before_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, one in services.items():
        for needed, how in one.get("depends_on", {}).items():
            ends = services[needed].get("restart") == "on-failure"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), name
            assert ends or "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
    for service in SERVICES:
        assert services[f"{service}-migrate"]["depends_on"].keys() == {"postgresql", "provision"}
        for role in ("web", "worker", "jobs"):
            assert f"{service}-migrate" in services[f"{service}-{role}"]["depends_on"]


def networks(one: dict[str, Any]) -> set[str]:
    return set(one["networks"])


def test_who_shares_a_network_has_to_speak_to_each_other(compose: dict[str, Any]) -> None:
    services = compose["services"]
    members = {net: {name for name, one in services.items() if net in networks(one)} for net in compose["networks"]}
    webs = {f"{service}-web" for service in SERVICES}
    pods = {f"{service}-{role}" for service in SERVICES for role in ("web", "worker", "jobs")}
    once = {f"{service}-migrate" for service in SERVICES} | {"provision"}
    assert members["door"] == {"gateway-web"}
    assert members["desk"] == {"grafana"}
    assert members["limits"] == {"gateway-web", "limits"}
    assert members["inside"] == {*pods, "gateway-web", "bridge-bridge", "portal-web", "consul"}
    assert webs < members["inside"]
    assert members["servers"] == {*pods, *once, "bridge-bridge", "postgresql", "rabbitmq", "postgres-exporter"}
    assert members["outside"] == {
        *(name for name in pods if name.startswith(("identity", "workflow", "audit"))),
        "alertmanager",
    }
    open_ones = {net for net, one in compose["networks"].items() if not (one or {}).get("internal")}
    assert open_ones == {"door", "desk", "outside"}


def test_data_of_a_service_are_mounted_by_its_own_roles_only(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), f"{name}: {source}"
                assert volume.endswith(":ro"), f"{name}: {volume}"
            else:
                assert source in compose["volumes"]
                assert source.rpartition("-")[0] in (name, name.rpartition("-")[0])


def test_every_secret_is_a_file_that_is_made_and_goes_to_those_only_who_need_it(
    compose: dict[str, Any], secrets_folder: Path
) -> None:
    declared = {name: one["file"] for name, one in compose["secrets"].items()}
    assert declared == {name: f"compose/secrets/{name}" for name in declared}
    used = {name for one in compose["services"].values() for name, _ in secret_names(one)}
    assert used == set(declared)
    assert used <= {path.name for path in secrets_folder.iterdir()}
    for service, other in itertools.permutations(SERVICES, 2):
        for role in ("web", "worker", "jobs", "migrate"):
            assert not [n for n, _ in secret_names(compose["services"][f"{service}-{role}"]) if other in n]
    for name, one in compose["services"].items():
        written = json.dumps(one.get("environment", {}))
        assert not re.search(r"password\":|://\w*:[^@/]+@", written, re.IGNORECASE), name


def test_secrets_are_made_once_and_closed_to_others(secrets_folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets_folder.iterdir()}
    assert stat.S_IMODE(secrets_folder.stat().st_mode) == 0o700
    assert make_secrets(secrets_folder, ["police", "newcomer"]) == ["broker_newcomer"]
    assert {name: (secrets_folder / name).read_bytes() for name in before} == before
    made_up = [before[name] for name in before if name.startswith("database_") or name == "grafana_admin"]
    assert len(set(made_up)) == len(made_up) >= 7
    (secrets_folder / "broker_newcomer").unlink()


def shared_settings() -> dict[str, str]:
    lines = (DEPLOY / "compose" / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_variable_is_a_setting_and_each_process_starts_with_what_it_is_told(
    compose: dict[str, Any], secrets_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (*DECLARED.values(), *COMMANDS)
    known = {name for one in settings for name in (one.variable, one.file_variable) if name}
    for name in [name for name in os.environ if name.startswith("TONGBAN_")]:
        monkeypatch.delenv(name)
    for name, one in ours(compose).items():
        assert one["env_file"] == ["compose/settings.env"]
        told = shared_settings() | one.get("environment", {})
        assert told.keys() <= known, name
        places = {target: secrets_folder / source for source, target in secret_names(one)}
        with monkeypatch.context() as patch:
            for variable, value in told.items():
                patch.setenv(variable, str(places[value]) if variable.endswith("_URL_FILE") else value)
            if name == "provision":
                assert Path(places[told["TONGBAN_RABBITMQ_ADMIN_FILE"]]).read_text().startswith("tongban:")
                continue
            service = (ROLES | DOORS)[name][0].removeprefix("services.")
            loaded = load_settings(service)
        if service in SERVICES:
            assert re.fullmatch(
                rf"postgresql\+psycopg://{service}:[\w-]+@postgresql:5432/{service}", loaded.database_url
            )
            assert re.fullmatch(rf"amqp://{service}:[\w-]+@rabbitmq:5672/tongban", loaded.bus_url)
        host = str(loaded.advertise).split(":")[0]
        if name.endswith("-web"):
            addresses = one["networks"]["inside"]["ipv4_address"] if name == "portal-web" else name
            assert host == addresses


def test_passwords_of_the_broker_are_those_of_the_services(secrets_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "passwords.yaml"
    file.write_text((secrets_folder / "broker_passwords").read_text())
    file.chmod(0o600)
    passwords = broker_passwords.load(file)
    codes = shared_settings()["TONGBAN_DEPARTMENTS"].split(",")
    assert passwords.missing(BROKER_USERS, codes) == []
    for service in (*SERVICES, "gateway"):
        assert f":{passwords.services[service]}@" in (secrets_folder / f"{service}_bus_url").read_text()


@pytest.mark.servers
def test_each_service_has_a_database_that_no_other_enters(secrets_folder: Path, tmp_path: Path) -> None:
    script = (DEPLOY / "postgresql" / "create_databases.sh").read_text().replace("/run/secrets", str(secrets_folder))
    with PostgreSQL(tmp_path / "postgresql", fsync=False) as server:
        admin = urlsplit(server.url("postgres"))
        programs = postgresql_bin()
        assert programs is not None
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGPASSWORD": str(admin.password),
            "POSTGRES_USER": str(admin.username),
        }
        subprocess.run(["sh", "-c", script], env=environment, check=True)

        def enter(user: str, database: str) -> psycopg.Connection[Any]:
            password = (secrets_folder / f"database_{user}").read_text()
            return psycopg.connect(
                host="127.0.0.1", port=server.port, user=user, password=password, dbname=database, autocommit=True
            )

        for service in SERVICES:
            with enter(service, service) as connection:
                connection.execute("CREATE TABLE mine (id int)")
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            enter("catalog", "identity")
        with enter("watcher", "postgres") as connection:
            seen = connection.execute("SELECT datname FROM pg_stat_database WHERE datname = 'audit'").fetchall()
            assert seen == [("audit",)]


def test_everybody_is_scraped_where_they_listen(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    [targets] = [one["targets"] for one in jobs["tongban"]["static_configs"]]
    serving = {name for name, one in ours(compose).items() if one["restart"] == "unless-stopped"}
    assert set(targets) == {f"{name}:{8000 if name.endswith('-web') else 9000}" for name in serving}
    for job in jobs.values():
        for target in [target for one in job["static_configs"] for target in one["targets"]]:
            host = target.split(":")[0]
            assert host == "localhost" or "watch" in networks(compose["services"][host]), target
