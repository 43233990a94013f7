"""How Grafana is started, by Compose and without it: nothing is asked of the internet, and its first page."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import shutil

import pytest
import yaml

from dashboards import names
from stack import composefile, plan, settings
from stack.binaries import Found
from stack.services import PORT_VARIABLES, PROFILES

ROOT = pathlib.Path(__file__).resolve().parents[2]

SILENT = {
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    "GF_SECURITY_DISABLE_GRAVATAR": "true",
}
"""What keeps Grafana from asking the internet, at its start and from its pages."""

TOKEN = "made-up-for-the-test"  # noqa: S105  # not one
READ_AT_THE_START = ("alerting", "dashboards", "datasources", "plugins")
"""What Grafana looks for below its provisioning, with an error in its log for a directory that is missing."""


@dataclasses.dataclass(frozen=True)
class Started:
    """Grafana's environment, and where the directories that it knows lie on this machine."""

    environment: dict[str, str]
    places: dict[str, pathlib.Path]

    def path(self, value: str) -> pathlib.Path:
        """The file that a path in its environment or its provisioning means."""
        for inside, outside in sorted(self.places.items(), key=lambda place: -len(place[0])):
            if value == inside or value.startswith(f"{inside}/"):
                return outside / value[len(inside) :].lstrip("/")
        return pathlib.Path(value)


@pytest.fixture(params=["compose", "local"])
def mode(request: pytest.FixtureRequest) -> str:
    """The two ways to start the stack."""
    return str(request.param)


@pytest.fixture
def started(mode: str, tmp_path: pathlib.Path) -> Started:
    """Grafana as the mode starts it."""
    return start(mode, tmp_path / "bundle", {})


@pytest.fixture
def with_token(mode: str, tmp_path: pathlib.Path) -> Started:
    """The same with a token for its renderer."""
    return start(mode, tmp_path / "other", {"RENDERER_TOKEN": TOKEN})


def start(mode: str, root: pathlib.Path, settled: dict[str, str]) -> Started:
    """What a bundle at `root` with these settings would start."""
    shutil.copytree(ROOT / "grafana", root / "grafana", ignore=shutil.ignore_patterns("src"))
    for name in (".env.example", "docker-compose.yml"):
        shutil.copy(ROOT / name, root)
    ports = {name: str(21000 + index) for index, name in enumerate(PORT_VARIABLES)}
    given = {**ports, "GRAFANA_ADMIN_PASSWORD": "from-the-test", **settled}
    instance = settings.load(root, "unit", root / ".env", given)
    definitions = composefile.definitions(root / "docker-compose.yml", instance.variables, PROFILES)
    grafana = definitions["grafana"]
    if mode == "compose":
        places = {each.target: root / each.source for each in grafana.mounts if each.source is not None}
        return Started(grafana.environment, places)
    config = instance.directory / "config"
    plan.render(definitions, instance, config, ["grafana"])
    found = {"grafana": Found("grafana", root / "bin" / "grafana", "from the test", (13, 2, 3))}
    (program,) = plan.programs({"grafana": grafana}, found, instance, config, {})
    return Started(program.environment, {"/etc/grafana/provisioning": config / "grafana"})


def test_nothing_is_asked_of_the_internet(started: Started) -> None:
    assert {name: started.environment.get(name) for name in SILENT} == SILENT


def test_the_first_page_is_the_dashboard_of_the_slas(started: Started) -> None:
    home = started.path(started.environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert json.loads(home.read_text(encoding="utf-8"))["uid"] == names.SLA_DASHBOARD_UID


def test_no_directory_that_is_read_at_the_start_is_missing(started: Started) -> None:
    provisioning = started.path("/etc/grafana/provisioning")
    for name in READ_AT_THE_START:
        files = list((provisioning / name).glob("*.yml"))
        assert files, f"provisioning/{name}"
        for file in files:
            assert yaml.safe_load(file.read_text(encoding="utf-8"))["apiVersion"] == 1
    plugins = started.environment.get("GF_PATHS_PLUGINS")
    assert plugins is None or pathlib.Path(plugins).is_dir()  # the image brings its own


def test_pictures_come_from_the_renderer_where_there_is_one(started: Started, with_token: Started) -> None:
    """With Compose and a token alone; an empty variable leaves Grafana without a renderer."""
    names = ("SERVER_URL", "CALLBACK_URL", "RENDERER_TOKEN")
    assert not any(started.environment.get(f"GF_RENDERING_{name}") for name in names)
    found = [with_token.environment.get(f"GF_RENDERING_{name}") for name in names]
    if "GF_PATHS_DATA" in with_token.environment:  # without Compose
        assert found == [None, None, None]
    else:
        assert found == ["http://renderer:8081/render", "http://grafana:3000/", TOKEN]


def test_mail_links_lead_to_the_published_port(started: Started) -> None:
    port = started.environment["GF_SERVER_ROOT_URL"].rpartition(":")[2]
    assert port == str(21000 + list(PORT_VARIABLES).index("GRAFANA_PORT"))
