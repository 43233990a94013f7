"""SCALE=1: files laid over each other, what Prometheus reads, and what runs where there is one machine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack import composefile, inputs, one_machine, plan, scale
from stack.binaries import Found, Missing
from stack.errors import StackError
from stack.settings import Instance, load

ROOT = Path(__file__).resolve().parents[3]
ONLY_SCALE = {
    "postgres",
    "vmstorage-1",
    "vmstorage-2",
    "vminsert",
    "vmselect",
    "alertmanager-2",
    "sla-worker-2",
}


@pytest.fixture
def scaled(instance: Instance) -> Instance:
    """The miniature with SCALE=1."""
    shutil.copy(ROOT / "docker-compose.scale.yml", instance.root)
    shutil.copy(ROOT / "prometheus" / "scale.yml", instance.root / "prometheus")
    return replace(instance, env=instance.env | {"SCALE": "1", "SLA_POSTGRES_PASSWORD": "from-the-test"})


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def targets(tree: Any, job: str) -> list[str]:
    (found,) = (each for each in tree["scrape_configs"] if each["job_name"] == job)
    return [target for group in found["static_configs"] for target in group["targets"]]


def test_a_later_file_adds_to_lists_replaces_commands_and_mounts(tmp_path: Path) -> None:
    below, above = tmp_path / "a.yml", tmp_path / "b.yml"
    below.write_text(
        "services: {one: {command: [x, y], ports: ['1:1:1'], environment: {A: 1, B: 2},"
        " volumes: ['./a:/a:ro', 'data:/data']}}\nvolumes: {data: }\n"
    )
    above.write_text(
        "services: {one: {command: [z], ports: ['2:2:2'], environment: {B: 3}, volumes: ['more:/data']},\n"
        " two: {extends: {file: a.yml, service: one}, ports: !override ['3:3:3']}}\nvolumes: {more: }\n"
    )
    tree = composefile.merged([below, above])
    assert tree["services"]["one"] == {
        "command": ["z"],
        "ports": ["1:1:1", "2:2:2"],
        "environment": {"A": 1, "B": 3},
        "volumes": ["./a:/a:ro", "more:/data"],
    }
    assert tree["services"]["two"] == {
        "command": ["x", "y"],
        "ports": ["3:3:3"],
        "environment": {"A": 1, "B": 2},
        "volumes": ["./a:/a:ro", "data:/data"],
    }
    assert tree["volumes"] == {"data": None, "more": None}


@pytest.mark.parametrize(
    ("before", "now", "url", "words"),
    [
        (
            "0",
            "1",
            "",
            "SCALE=1: the ledger is the one in PostgreSQL from now on. What the one in SQLite has",
        ),
        (
            "1",
            "0",
            "",
            "SCALE=0: the ledger is the one in SQLite from now on. What the one in PostgreSQL has",
        ),
        ("1", "1", "", None),
        ("0", "1", "postgresql://sla@db:5432/sla", None),  # the same one before and after
    ],
)
def test_that_the_ledger_becomes_another_one_is_said(
    instance: Instance, before: str, now: str, url: str, words: str | None
) -> None:
    changed = replace(instance, env=instance.env | {"SCALE": now, "SLA_DATABASE_URL": url})
    said = scale.other_ledger({"SCALE": before}, changed)
    assert (said is None) if words is None else str(said).startswith(words)


def test_the_services_and_ports_of_scale_are_part_of_the_stack_with_scale_alone(
    instance: Instance, scaled: Instance
) -> None:
    assert not ONLY_SCALE & {*instance.services}
    assert {*scaled.services} == {*instance.services} | ONLY_SCALE
    assert {"SLA_WORKER_2_PORT", "POSTGRES_PORT"} <= scaled.ports.keys()
    assert not {"SLA_WORKER_2_PORT", "POSTGRES_PORT"} & instance.ports.keys()


def test_what_the_first_of_two_reads_at_its_start_the_second_reads_too(
    instance: Instance, scaled: Instance
) -> None:
    """So that `make up` has both read what has changed."""
    found = inputs.of(scaled)
    assert found["alertmanager-2"] == found["alertmanager"]
    assert found["sla-worker-2"] == found["sla-worker"]
    assert not ONLY_SCALE & inputs.of(instance).keys()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"SCALE": "2"}, "SCALE='2': neither 0 nor 1"),
        ({"SLA_POSTGRES_PASSWORD": "sixteen@signs/of:it"}, r"SLA_POSTGRES_PASSWORD \(19 characters\)"),
        ({"SCALE": "1", "POSTGRES_PORT": "9090"}, "POSTGRES_PORT and PROMETHEUS_PORT are both 9090"),
        ({"SCALE": "1", "ALERTMANAGER_2_CLUSTER_PORT": "9097"}, "both 9097"),
    ],
)
def test_settings_that_cannot_be(bundle: Path, given: dict[str, str], words: str) -> None:
    with pytest.raises(StackError, match=words):
        load(bundle, "unit", bundle / ".env", given)


def test_ports_of_scale_are_free_to_take_without_it(bundle: Path) -> None:
    """Who moved a port to one of them before they were there goes on with it."""
    found = load(bundle, "unit", bundle / ".env", {"SLA_WORKER_PORT": "8082", "PROMETHEUS_PORT": "9095"})
    assert found.ports["SLA_WORKER_PORT"] == "sla-worker"


def test_prometheus_gets_the_users_file_with_what_scale_adds(scaled: Instance) -> None:
    own = scaled.root / "prometheus" / "prometheus.yml"
    own.write_text(own.read_text() + "remote_write: [{url: 'http://archive:1'}]\n")
    scale.write(scaled)
    tree = read(scaled.scale_config / "prometheus.yml")
    assert [each["url"] for each in tree["remote_write"]] == [
        "http://archive:1",
        "http://vminsert:8480/insert/0/prometheus/api/v1/write",
    ]
    groups = [group for each in tree["alerting"]["alertmanagers"] for group in each["static_configs"]]
    assert [target for each in groups for target in each["targets"]] == [
        "alertmanager:9093",
        "alertmanager-2:9093",
    ]
    assert targets(tree, "grafana") == ["grafana:3000"]
    assert targets(tree, "sla-worker") == ["sla-worker-1:8080", "sla-worker-2:8080"]
    # Read from elsewhere, so that relative paths would be looked for there.
    files = {each["job_name"]: each["file_sd_configs"][0]["files"] for each in tree["scrape_configs"]
             if "file_sd_configs" in each}  # fmt: skip  # one thought
    assert files["targets"] == ["/etc/prometheus/targets/*.yml", "/etc/prometheus/targets/*.json"]
    assert tree["rule_files"] == ["/etc/prometheus/rules/*.yml"]


def test_a_job_keeps_the_keys_that_are_not_given_again() -> None:
    old = {"scrape_configs": [{"job_name": "a", "sample_limit": 5, "static_configs": [1]}, {"job_name": "b"}]}
    more = {"scrape_configs": [{"job_name": "a", "static_configs": [2]}, {"job_name": "c"}]}
    assert scale.with_additions(old, more)["scrape_configs"] == [
        {"job_name": "a", "sample_limit": 5, "static_configs": [2]},
        {"job_name": "b"},
        {"job_name": "c"},
    ]


def test_what_is_sent_on_has_no_external_labels() -> None:
    """They hold addresses for annotations, which would be on every stored series."""
    labels = read(ROOT / "prometheus" / "prometheus.yml")["global"]["external_labels"]
    (target,) = read(ROOT / "prometheus" / "scale.yml")["remote_write"]
    assert target["write_relabel_configs"] == [{"action": "labeldrop", "regex": "|".join(labels)}]


def test_scale_has_the_jobs_of_prometheus_yml_with_the_second_of_each() -> None:
    more = read(ROOT / "prometheus" / "scale.yml")
    known = {each["job_name"] for each in read(ROOT / "prometheus" / "prometheus.yml")["scrape_configs"]}
    assert {each["job_name"] for each in more["scrape_configs"]} - known == {"victoriametrics"}
    assert targets(more, "alertmanager") == ["alertmanager:9093", "alertmanager-2:9093"]
    first, _ = next(each for each in more["scrape_configs"] if each["job_name"] == "sla-worker")[
        "static_configs"
    ]
    assert first["labels"] == {"instance": "sla-worker:8080"}  # as without SCALE: its series go on


@pytest.fixture
def local(scaled: Instance) -> dict[str, Any]:
    """What local mode would start: the programs by name, and the rendered prometheus.yml."""
    found = {name: Found(name, Path(f"/bin/{name}"), "from PATH", (3, 13, 4)) for name in
             ("prometheus", "alertmanager", "mailhog", "postgres", "vmselect")}  # fmt: skip  # as above
    made = scaled.directory / "data" / "postgres-data" / "PG_VERSION"  # PostgreSQL's data is there already
    made.parent.mkdir(parents=True)
    made.touch()
    config = scaled.directory / "config"
    definitions = composefile.definitions(scaled.compose_files, scaled.variables, ("demo",))
    plan.render(definitions, scaled, config)
    flags = plan.fit(config, found, definitions)
    programs = {each.name: each for each in plan.programs(definitions, found, scaled, config, flags)}
    return {"programs": programs, "prometheus": read(config / "prometheus" / "prometheus.yml")}


def test_one_machine_runs_two_workers_two_alertmanagers_and_one_of_each_engine(
    scaled: Instance, local: dict[str, Any]
) -> None:
    env, programs = scaled.env, local["programs"]
    assert {*programs} == {"prometheus", "alertmanager", "alertmanager-2", "mailhog", "demo-app",
                           "postgres", "vmselect", "sla-worker", "sla-worker-2"}  # fmt: skip  # as above
    engine = f"127.0.0.1:{env['VMSELECT_PORT']}"
    for name in ("sla-worker", "sla-worker-2"):
        given = programs[name].environment
        assert given["PROMETHEUS_URL"] == f"http://{engine}"
        assert (
            given["SLA_DATABASE_URL"]
            == f"postgresql://sla:from-the-test@127.0.0.1:{env['POSTGRES_PORT']}/sla"
        )
    assert programs["sla-worker-2"].environment["SLA_WORKER_PORT"] == env["SLA_WORKER_2_PORT"]
    assert f"-httpListenAddr={engine}" in programs["vmselect"].argv
    assert "-retentionPeriod=90d" in programs["vmselect"].argv
    one, two = (
        {word.partition("=")[0]: word.partition("=")[2] for word in programs[name].argv if "=" in word}
        for name in ("alertmanager", "alertmanager-2")
    )
    assert (
        one["--cluster.peer"]
        == two["--cluster.listen-address"]
        == f"127.0.0.1:{env['ALERTMANAGER_2_CLUSTER_PORT']}"
    )
    assert (
        two["--cluster.peer"]
        == one["--cluster.listen-address"]
        == f"127.0.0.1:{env['ALERTMANAGER_CLUSTER_PORT']}"
    )
    assert one["--config.file"] == two["--config.file"]
    assert one["--storage.path"] != two["--storage.path"]
    assert two["--web.listen-address"] == f"127.0.0.1:{env['ALERTMANAGER_2_PORT']}"


def test_one_machine_scrapes_what_runs_there(scaled: Instance, local: dict[str, Any]) -> None:
    env, tree = scaled.env, local["prometheus"]
    engine = f"127.0.0.1:{env['VMSELECT_PORT']}"
    assert tree["remote_write"][0]["url"] == f"http://{engine}/api/v1/write"
    assert targets(tree, "victoriametrics") == [engine]
    workers = [f"127.0.0.1:{env[name]}" for name in ("SLA_WORKER_PORT", "SLA_WORKER_2_PORT")]
    assert targets(tree, "sla-worker") == workers


def test_without_the_engine_there_is_no_scale(scaled: Instance) -> None:
    missing = Missing("postgres", ("not on PATH",), "install it")
    with pytest.raises(StackError, match=r"postgres is missing \(not on PATH\), and SCALE=1 needs it"):
        one_machine.found(scaled, lambda _: None, lambda *_: missing)
