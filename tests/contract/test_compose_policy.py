"""Holds each security and robustness property for each service of the Compose files, as Compose renders them.

Both ways: docker-compose.yml alone, and with docker-compose.scale.yml over it. A new service without one of
them fails here.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from programs import not_there
from stack import secret_files
from stack.composefile import merged, mount, rendered
from stack.envfile import read
from stack.services import ALL_PORT_VARIABLES, PORT_VARIABLES, SCALE_NAMES
from stack.settings import DEMO, SCALE, Instance

ROOT = Path(__file__).resolve().parents[2]
FILE, OVERRIDE = ROOT / "docker-compose.yml", ROOT / "docker-compose.scale.yml"
PUBLIC = ROOT / "docker-compose.public.yml"
LAYERS = {"one": (FILE,), "scale": (FILE, OVERRIDE)}
EXAMPLE = ROOT / ".env.example"
GIVEN = {"GRAFANA_ADMIN_PASSWORD": "from-the-test", "SLA_POSTGRES_PASSWORD": "from-the-test"}
SETTINGS = read(EXAMPLE) | GIVEN
SERVICES = [(layer, name) for layer, files in LAYERS.items() for name in sorted(merged(files)["services"])]
# Settings that docker-compose.yml does not read: the launcher does, and writes files from them.
BY_THE_LAUNCHER = {DEMO, SCALE, *secret_files.FILES}
# Service to the reason why its root file system can be written to.
WRITABLE_ROOT = {
    "grafana": "unpacks its bundled plugins into its own installation at start",
    "renderer": "Chromium keeps its profile and caches below its home",
}
# Service to the reason why it publishes nothing.
WITHOUT_PORT = {
    "renderer": "only Grafana asks it",
    "vmstorage-1": "only vminsert and vmselect ask it",
    "vmstorage-2": "only vminsert and vmselect ask it",
}


def compose_is_there() -> bool:
    """Whether `docker compose` can render the file (it needs no engine for that)."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def by_compose(layer: str) -> dict[str, Any]:
    """What Compose makes of the files and .env.example."""
    bare = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    files = ["--env-file", str(EXAMPLE), *(part for file in LAYERS[layer] for part in ("-f", str(file)))]
    command = [
        "docker",
        "compose",
        *files,
        "--profile",
        "demo",
        "--profile",
        "images",
        "config",
        "--format",
        "json",
    ]
    done = subprocess.run(
        command,
        env=bare | GIVEN,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def by_hand(layer: str) -> dict[str, Any]:
    """The same properties out of our own reading, in Compose's form, for machines without Compose."""
    tree = rendered(LAYERS[layer], SETTINGS)
    for service in tree["services"].values():
        service["ports"] = [
            dict(zip(("host_ip", "published", "target"), entry.split(":"), strict=True))
            for entry in service.get("ports", [])
        ]
        service["volumes"] = [_mount(entry, tree["volumes"]) for entry in service.get("volumes", [])]
    return tree


def _mount(entry: str | dict[str, Any], volumes: dict[str, Any]) -> dict[str, Any]:
    found = mount(entry, volumes)
    if found.source is None:
        return {"type": "volume", "source": found.volume, "target": found.target}
    return {
        "type": "bind",
        "source": str((ROOT / found.source).resolve()),
        "target": found.target,
        "read_only": found.read_only,
    }


@functools.cache
def configuration(layer: str) -> dict[str, Any]:
    if compose_is_there():
        return by_compose(layer)
    assert os.environ.get("CI") != "true", "CI must render the file with docker compose, which is not there"
    return by_hand(layer)


def services(layer: str) -> dict[str, dict[str, Any]]:
    return configuration(layer)["services"]


def bytes_of(size: object) -> int:
    match = re.fullmatch(r"(\d+)([kmg]?)b?", str(size))
    assert match, size
    return int(match[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[match[2]]


def has_a_user_who_is_not_root(service: dict[str, Any]) -> bool:
    return re.fullmatch(r"[1-9]\d*:\d+", service["user"]) is not None


def has_no_capabilities(service: dict[str, Any]) -> bool:
    return service["cap_drop"] == ["ALL"] and not service.get("cap_add")


def gains_no_privileges(service: dict[str, Any]) -> bool:
    return "no-new-privileges:true" in service["security_opt"] and not service.get("privileged")


def shares_no_namespace_with_the_machine(service: dict[str, Any]) -> bool:
    return not any(service.get(key) for key in ("network_mode", "pid", "ipc", "devices", "userns_mode"))


def has_bounded_memory(service: dict[str, Any]) -> bool:
    return 0 < bytes_of(service["mem_limit"]) <= 1 << 30


def has_bounded_processes(service: dict[str, Any]) -> bool:
    return 0 < int(service["pids_limit"]) <= 512


def rotates_its_log(service: dict[str, Any]) -> bool:
    logging = service["logging"]
    options = logging["options"]
    return (
        logging["driver"] == "json-file"
        and bytes_of(options["max-size"]) * int(options["max-file"]) <= 64 << 20
    )


def comes_back_after_a_crash(service: dict[str, Any]) -> bool:
    return service["restart"] == "unless-stopped"


def reaps_children_and_passes_signals_on(service: dict[str, Any]) -> bool:
    return service["init"] is True


def publishes_on_loopback_only(service: dict[str, Any]) -> bool:
    return all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))


def has_a_healthcheck(service: dict[str, Any]) -> bool:
    check = service["healthcheck"]
    return (
        check["test"][0] == "CMD"
        and not check.get("disable")
        and {"interval", "timeout", "retries"} <= check.keys()
    )


def has_a_pinned_image(service: dict[str, Any]) -> bool:
    tag = service["image"].rpartition(":")[2]
    return bool(re.search(r"\d", tag)) or ("build" in service and tag == "local")


def builds_on_pinned_images_only(service: dict[str, Any]) -> bool:
    arguments = service.get("build", {}).get("args", {})
    return all(re.search(r":.*\d", value) for name, value in arguments.items() if name.endswith("_IMAGE"))


def mounts_whole_directories_read_only(service: dict[str, Any]) -> bool:
    binds = [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]
    return all(mount["read_only"] and not Path(mount["source"]).is_file() for mount in binds)


def mounts_no_engine_socket(service: dict[str, Any]) -> bool:
    return not any("docker.sock" in mount.get("source", "") for mount in service.get("volumes", []))


PROPERTIES = [
    has_a_user_who_is_not_root,
    has_no_capabilities,
    gains_no_privileges,
    shares_no_namespace_with_the_machine,
    has_bounded_memory,
    has_bounded_processes,
    rotates_its_log,
    comes_back_after_a_crash,
    reaps_children_and_passes_signals_on,
    publishes_on_loopback_only,
    has_a_healthcheck,
    has_a_pinned_image,
    builds_on_pinned_images_only,
    mounts_whole_directories_read_only,
    mounts_no_engine_socket,
]


@pytest.mark.parametrize(("layer", "service"), SERVICES)
@pytest.mark.parametrize("property_", PROPERTIES, ids=lambda each: each.__name__)
def test_service(layer: str, service: str, property_: Callable[[dict[str, Any]], bool]) -> None:
    assert property_(services(layer)[service])


@pytest.mark.parametrize(("layer", "service"), SERVICES)
def test_root_file_system_is_read_only_or_has_a_stated_reason(layer: str, service: str) -> None:
    assert services(layer)[service].get("read_only", False) is (service not in WRITABLE_ROOT)


@pytest.mark.parametrize(("layer", "service"), SERVICES)
def test_what_a_service_waits_for_must_be_healthy(layer: str, service: str) -> None:
    waits = services(layer)[service].get("depends_on", {})
    assert all(each["condition"] == "service_healthy" for each in waits.values())


@pytest.mark.parametrize(
    ("layer", "service", "waits_for"),
    [
        ("one", "alertmanager", {"mailhog"}),
        ("one", "prometheus", {"alertmanager", "demo-app"}),
        ("one", "grafana", {"prometheus"}),
        ("one", "sla-worker", {"prometheus", "mailhog"}),
        ("scale", "alertmanager-2", {"mailhog"}),
        ("scale", "prometheus", {"alertmanager", "alertmanager-2", "demo-app", "vminsert"}),
        ("scale", "grafana", {"prometheus", "vmselect"}),
        ("scale", "sla-worker", {"prometheus", "mailhog", "postgres", "vmselect"}),
        ("scale", "sla-worker-2", {"prometheus", "mailhog", "postgres", "vmselect"}),
        ("scale", "vminsert", {"vmstorage-1", "vmstorage-2"}),
        ("scale", "vmselect", {"vmstorage-1", "vmstorage-2"}),
    ],
)
def test_services_start_in_order(layer: str, service: str, waits_for: set[str]) -> None:
    assert set(services(layer)[service].get("depends_on", {})) == waits_for


@pytest.mark.parametrize(("layer", "service"), SERVICES)
def test_the_tmpfs_is_bounded_and_runs_nothing(layer: str, service: str) -> None:
    for entry in services(layer)[service].get("tmpfs", []):
        options = entry.partition(":")[2].split(",")
        assert {"noexec", "nosuid", "nodev"} <= set(options)
        assert any(option.startswith("size=") for option in options)


def test_the_six_services_are_there_and_the_renderer() -> None:
    assert [name for layer, name in SERVICES if layer == "one"] == [
        "alertmanager",
        "demo-app",
        "grafana",
        "mailhog",
        "prometheus",
        "renderer",
        "sla-worker",
    ]


def test_scale_has_two_of_each_and_what_they_share() -> None:
    added = {name for layer, name in SERVICES if layer == "scale"} - {
        name for layer, name in SERVICES if layer == "one"
    }
    assert added == {
        "alertmanager-2",
        "postgres",
        "sla-worker-2",
        "vminsert",
        "vmselect",
        "vmstorage-1",
        "vmstorage-2",
    }
    assert added == set(SCALE_NAMES)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_service_publishes_a_port_or_has_a_stated_reason(layer: str) -> None:
    silent = {name for name, each in services(layer).items() if not each.get("ports")}
    assert silent == {name for name in WITHOUT_PORT if name in services(layer)}


@pytest.mark.parametrize(("layer", "variables"), [("one", PORT_VARIABLES), ("scale", ALL_PORT_VARIABLES)])
def test_every_port_is_moved_by_the_variable_that_the_launcher_names(
    layer: str, variables: dict[str, str]
) -> None:
    published = {
        (name, int(port["published"]))
        for name, each in services(layer).items()
        for port in each.get("ports", [])
        if port.get("published")
    }
    assert published == {(service, int(SETTINGS[variable])) for variable, service in variables.items()}


@pytest.mark.parametrize(
    ("service", "other"),
    [("prometheus", ("--config.file", "--storage.remote.")), ("alertmanager", ("--cluster.",))],
)
def test_the_override_repeats_a_command_but_for_what_it_is_there_for(
    service: str, other: tuple[str, ...]
) -> None:
    """Compose replaces a command as a whole, so that a flag of the one file must be in the other too."""

    def rest(layer: str, name: str = service) -> list[str]:
        return [word for word in services(layer)[name]["command"] if not word.startswith(other)]

    assert rest("scale") == rest("one")
    if service == "alertmanager":
        assert rest("scale", "alertmanager-2") == rest("one")


def test_prometheus_ends_soon_when_nobody_takes_what_it_sends_on() -> None:
    """It scrapes no more then; the default, a minute, would be a gap at each `make up SCALE=0`."""
    command = services("scale")["prometheus"]["command"]
    assert "--storage.remote.flush-deadline=5s" in command
    assert services("scale")["postgres"]["stop_signal"] == "SIGINT"


def test_no_page_of_another_site_may_read_metrics_in_a_browser() -> None:
    """Each engine with a published port would let it, by a header; Alertmanager has no flag against that."""
    for layer in LAYERS:
        assert "--web.cors.origin=none" in services(layer)["prometheus"]["command"], layer
    for engine in ("vmselect", "vminsert"):
        assert "-http.disableCORS" in services("scale")[engine]["command"]


def test_each_alertmanager_names_the_other_and_each_store_is_named_on_both_sides() -> None:
    def flags(service: str, flag: str) -> list[str]:
        prefix = f"{flag}="
        words = services("scale")[service]["command"]
        return [word.removeprefix(prefix) for word in words if word.startswith(prefix)]

    first, second = SETTINGS["ALERTMANAGER_CLUSTER_PORT"], SETTINGS["ALERTMANAGER_2_CLUSTER_PORT"]
    assert flags("alertmanager", "--cluster.listen-address") == [f"0.0.0.0:{first}"]
    assert flags("alertmanager", "--cluster.peer") == [f"alertmanager-2:{second}"]
    assert flags("alertmanager-2", "--cluster.listen-address") == [f"0.0.0.0:{second}"]
    assert flags("alertmanager-2", "--cluster.peer") == [f"alertmanager:{first}"]
    for service, port in (("vminsert", 8400), ("vmselect", 8401)):
        assert flags(service, "-storageNode") == [f"vmstorage-{each}:{port}" for each in (1, 2)]
        assert flags(service, "-replicationFactor") == ["2"]
    kept = [flags(name, "-dedup.minScrapeInterval") for name in ("vmselect", "vmstorage-1", "vmstorage-2")]
    assert kept == [["1ms"]] * 3  # copies of one sample count once; nothing else is left out


def test_both_workers_are_the_same_but_for_name_port_and_volume() -> None:
    one, two = (dict(services("scale")[name]) for name in ("sla-worker", "sla-worker-2"))
    for each in (one, two):
        each["volumes"] = [mount for mount in each["volumes"] if mount["type"] == "bind"]
        del each["ports"]
    assert one.pop("networks") == {"default": {"aliases": ["sla-worker-1"]}}
    assert two.pop("networks") == {"default": {"aliases": ["sla-worker"]}}
    assert one == two
    database = one["environment"]["SLA_DATABASE_URL"]
    assert database == "postgresql://sla:from-the-test@postgres:5432/sla"


def test_postgresql_asks_for_a_password_wherever_a_client_comes_from() -> None:
    """Without --auth initdb trusts every client of its own machine."""
    words = merged(LAYERS["scale"])["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert [each for each in words if each.startswith("--auth")] == ["--auth=scram-sha-256"]


@pytest.mark.parametrize("scale", ["0", "1"])
def test_the_public_page_alone_leaves_the_machine_and_only_when_it_is_given_an_address(scale: str) -> None:
    """Without one its port is not published, on this machine either: the launcher leaves the file out."""

    def opened(**settings: str) -> set[tuple[str, str, int]]:
        environment = SETTINGS | {SCALE: scale} | settings
        chosen = Instance(ROOT, "insa", ROOT / ".env", environment).compose_files
        assert set(chosen) - {PUBLIC} == set(LAYERS["scale" if scale == "1" else "one"])
        tree = rendered(chosen, environment)["services"]
        entries = [str(entry).split(":") for each in tree.values() for entry in each.get("ports", [])]
        assert all(len(entry) == 3 and all(entry) for entry in entries), entries
        known = sorted(int(target) for _, _, target in entries if int(target) == 8081)
        assert known == ([8081] if settings else [])
        assert tree["sla-worker"]["environment"]["SLA_PUBLIC_BIND"] == (
            "0.0.0.0" if settings.get("SLA_PUBLIC_BIND") else ""  # noqa: S104 - inside the container
        )
        return {(host, published, int(target)) for host, published, target in entries if host != "127.0.0.1"}

    assert opened() == set()
    assert opened(SLA_PUBLIC_BIND="192.0.2.7", SLA_PUBLIC_PORT="80") == {("192.0.2.7", "80", 8081)}


@pytest.mark.parametrize(
    ("layer", "more"),
    [
        ("one", set()),
        (
            "scale",
            {"alertmanager-2-data", "vmstorage-1-data", "vmstorage-2-data", "postgres-data", "sla-2-data"},
        ),
    ],
)
def test_data_lies_in_named_volumes(layer: str, more: set[str]) -> None:
    volumes = {
        mount["source"]
        for each in services(layer).values()
        for mount in each.get("volumes", [])
        if mount["type"] == "volume"
    }
    assert volumes == {"prometheus-data", "alertmanager-data", "grafana-data", "sla-data", "demo-data"} | more


def test_versions_stand_in_the_settings_alone() -> None:
    """Every image of the files comes from a variable without a default of its own."""
    text = FILE.read_text(encoding="utf-8") + OVERRIDE.read_text(encoding="utf-8")
    images = re.findall(r"(?m)^\s*(?:image|\w+_IMAGE): (.*)$", text)
    # An image a service and four arguments of builds; four images of the override and one argument.
    assert len(images) == 11 + 5
    assert all(re.match(r"\$\{\w+_IMAGE:\?|\$\{STACK_NAME:-insa\}/[a-z-]+:local$", image) for image in images)


def test_every_setting_has_a_comment_and_a_use() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    used = "".join(each.read_text(encoding="utf-8") for each in (FILE, OVERRIDE, PUBLIC))
    comment = False
    for line in lines:
        name = line.partition("=")[0]
        if line.startswith("#"):
            comment = True
        elif not line:
            comment = False
        else:
            assert comment, f"{name} has no comment above it"
            assert f"${{{name}" in used or name in BY_THE_LAUNCHER, f"{name} is used nowhere"


@pytest.mark.parametrize("layer", LAYERS)
def test_our_own_reading_agrees_with_compose(layer: str) -> None:
    """Local mode starts what this reading says, so it must be what Compose would start."""
    if not compose_is_there():
        not_there("docker compose is not there to compare with: NOT TESTED")
    ours, theirs = by_hand(layer)["services"], configuration(layer)["services"]
    assert set(ours) == set(theirs)
    for name, service in ours.items():
        environment = {key: str(value) for key, value in service.get("environment", {}).items()}
        assert environment == (theirs[name].get("environment") or {})
        assert service.get("command", []) == (theirs[name].get("command") or [])
        assert [(port["published"], int(port["target"])) for port in service["ports"]] == [
            (port.get("published", ""), port["target"]) for port in theirs[name].get("ports", [])
        ]
