"""Images, compose files and manifests name only what there is: commands, options, variables, files, routes, ports."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_house import ROOT, TRACKED
from vaidol.server.app import create_app
from vaidol.server.cli import _parser, ml, serve
from vaidol.server.cli.pipeline import plan

DOCKER, K8S = ROOT / "docker", ROOT / "k8s"
FILES = sorted((*DOCKER.rglob("*.yaml"), *K8S.glob("*.yaml")))
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
MANIFESTS = {path.name: yaml.safe_load(path.read_text()) for path in K8S.glob("*.yaml") if path.name != "secret.yaml"}
POD = MANIFESTS["deployment.yaml"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


def filled(text: str) -> str:
    """`text` as compose reads it with an empty environment."""
    return VARIABLE.sub(lambda found: (found[3] or "") if found[2] == "-" else "x", text).replace("$$", "$")


COMPOSE = {
    name: yaml.safe_load(filled((DOCKER / name).read_text()))["services"]
    for name in ("compose.yaml", "compose.dev.yaml")
}
OURS = [(name, service) for name, services in COMPOSE.items() for service in services.values() if "build" in service]
OURS.append(("compose.yaml", COMPOSE["compose.yaml"]["vaidol"]))
DOCKERFILE = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
STAGES = {stage: base for base, stage in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.M)}


def commands() -> Iterator[list[str]]:
    yield from (service["command"] for _, service in OURS)
    yield from (one["args"] for one in (*POD["initContainers"], CONTAINER))
    yield from map(json.loads, re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_can_be_read_and_says_what_it_is(path: Path) -> None:
    assert path.read_text().startswith("# ")
    assert list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize("command", [*commands()], ids=" ".join)
def test_every_command_is_one_of_ours(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = StringIO()
    monkeypatch.setattr("sys.stderr", said)
    monkeypatch.setenv("VAIDOL_TOKEN", "")
    try:
        given = _parser(command[0]).parse_args(command)
    except SystemExit:
        pytest.fail(said.getvalue())
    if command[0] in ("serve", "ml"):
        plan(given.pipeline)
        if given.host == "0.0.0.0":
            assert "VAIDOL_TOKEN" in MANIFESTS["secret.example.yaml"]["stringData"]


def test_every_variable_is_read_somewhere() -> None:
    code = "".join(path.read_text() for room in ("models", "server") for path in (ROOT / room).rglob("*.py"))
    known = set(re.findall(r'environ\.get\("(\w+)"', code))
    known |= {
        name for path in (ROOT / "pipelines").glob("*.yaml") for name in re.findall(r"\$\{(\w+)", path.read_text())
    }
    given = {name for _, service in OURS for name in service.get("environment", {})} - {"HOME"}
    given |= {*MANIFESTS["configmap.yaml"]["data"], *MANIFESTS["secret.example.yaml"]["stringData"]}
    assert given - known == set()
    assert set(re.findall(r"\bVAIDOL_[A-Z]+(?==)", DOCKERFILE)) - known == set()


def test_the_images_are_made_of_what_there_is() -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r'"\.\[(\w+)\]"', DOCKERFILE)) <= set(known)
    assert {service["build"]["target"] for _, service in OURS if "build" in service} <= set(STAGES)
    assert {base for base in STAGES.values() if not base.startswith("${")} <= set(STAGES)
    assert set(re.findall(r"--from=(\S+)", DOCKERFILE)) <= set(STAGES)
    kept_out = (ROOT / ".dockerignore").read_text().split()
    tops = {name.split("/")[0] for name in TRACKED.stdout.splitlines()}
    needed = {"graph", "models", "nodes", "pipelines", "server", "pyproject.toml", "setup.py", "README.md"}
    assert needed <= tops - set(kept_out)


def test_nobody_is_root_and_only_volumes_are_written_to() -> None:
    uid = int(re.search(r"--uid (\d+)", DOCKERFILE)[1])  # type: ignore[index]
    assert (POD["securityContext"]["runAsNonRoot"], POD["securityContext"]["runAsUser"]) == (True, uid)
    assert [last for stage in DOCKERFILE.split("\nFROM ")[4:] for last in re.findall(r"^USER (\S+)", stage, re.M)] == [
        "vaidol"
    ] * 3
    for one in (*POD["initContainers"], CONTAINER):
        assert one["securityContext"]["readOnlyRootFilesystem"]
        mounted = {mount["mountPath"] for mount in one["volumeMounts"]}
        assert {mount["name"] for mount in one["volumeMounts"]} <= {volume["name"] for volume in POD["volumes"]}
        assert outside(one["args"], mounted) == []
    for service in (one for one in COMPOSE["compose.yaml"].values() if one in [ours for _, ours in OURS]):
        assert service["read_only"]
        assert outside(service["command"], {volume.split(":")[1] for volume in service["volumes"]}) == []


def outside(command: list[str], mounted: set[str]) -> list[str]:
    """Paths among the options that are on no volume."""
    paths = [Path(one.partition("=")[2]) for one in command if "=/" in one]
    return [str(path) for path in paths if not any(path.is_relative_to(place) for place in mounted)]


def test_what_is_mounted_exists() -> None:
    for name, services in COMPOSE.items():
        declared = yaml.safe_load((DOCKER / name).read_text()).get("volumes", {})
        for volume in (volume for service in services.values() for volume in service.get("volumes", [])):
            source = volume.split(":")[0]
            assert (DOCKER / source).exists() if source.startswith(".") else source in declared, volume
    resources = {
        one.replace("secret.yaml", "secret.example.yaml") for one in MANIFESTS["kustomization.yaml"]["resources"]
    }
    assert resources == set(MANIFESTS) - {"kustomization.yaml"}
    dashboards = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/vaidol.yaml").read_text())
    place = dashboards["providers"][0]["options"]["path"]
    assert any(f":{place}/" in volume for volume in COMPOSE["compose.yaml"]["grafana"]["volumes"])


def test_ports_and_routes_are_ours() -> None:
    async def routes() -> set[str]:
        return {resource.canonical for resource in create_app(*plan("echo")).router.resources()}

    probes = [CONTAINER[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE + (DOCKER / "compose.dev.yaml").read_text())
    assert {*probes, *(path for _, path in asked), "/metrics"} <= asyncio.run(routes())
    assert {int(port) for port, _ in asked} == {serve.PORT, ml.PORT}
    assert {int(port) for port in re.findall(r"^EXPOSE (\d+)/tcp$", DOCKERFILE, re.M)} == {serve.PORT, ml.PORT}
    assert {CONTAINER["ports"][0]["containerPort"], CONTAINER["ports"][0]["hostPort"]} == {serve.PORT}
    assert MANIFESTS["service.yaml"]["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]
    targets = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())["scrape_configs"][0]["static_configs"][0][
        "targets"
    ]
    assert targets == [f"127.0.0.1:{serve.PORT}"]
    assert f"reverse_proxy 127.0.0.1:{serve.PORT}" in (DOCKER / "Caddyfile").read_text()


def test_calls_may_end_before_the_kill() -> None:
    def drain_s(command: list[str]) -> float:
        return float(_parser("serve").parse_args(command).drain_s)

    service: dict[str, Any] = COMPOSE["compose.yaml"]["vaidol"]
    assert 0 < drain_s(service["command"]) < int(service["stop_grace_period"].removesuffix("s"))
    before = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert before + drain_s(CONTAINER["args"]) < POD["terminationGracePeriodSeconds"]
