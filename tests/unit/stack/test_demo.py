"""The demonstration: its own name, ports and settings, and what it leaves alone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stack import demo_history, demo_run
from stack.demo import Demo, free_ports
from stack.errors import StackError
from stack.services import PORT_VARIABLES


@pytest.fixture
def demo(bundle: Path) -> Demo:
    return Demo(bundle, "insa")


def test_it_has_a_name_and_ports_of_its_own(demo: Demo, bundle: Path) -> None:
    instance = demo.prepare(bundle / ".env")
    assert instance.name == "insa-demo"
    assert instance.directory == bundle / ".run" / "local" / "insa-demo"
    ports = [int(instance.env[variable]) for variable in PORT_VARIABLES]
    assert len(set(ports)) == len(ports)
    assert all(port > 10_000 for port in ports)
    assert not (bundle / ".env").exists()  # that is the user's stack's


def test_where_one_port_is_taken_all_are_moved_further() -> None:
    """With 10,000 the second one is taken: both are moved by 11,000, or more where those are taken too."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_ports({"A": port - 10_001, "B": port - 10_000})
    moved = int(found["B"]) - (port - 10_000)
    assert moved > 10_000
    assert moved % 1000 == 0
    assert int(found["A"]) == port - 10_001 + moved


def test_ports_stay_as_they_are_for_later_commands(demo: Demo, bundle: Path) -> None:
    first = demo.prepare(bundle / ".env").env
    assert demo.prepare(bundle / ".env").env == first


def test_a_configuration_that_a_running_prometheus_has_mounted_stays(demo: Demo, bundle: Path) -> None:
    demo.prepare(bundle / ".env")
    demo.tell({"begin": 0, "incidents": []})
    mounted = (demo.directory / "prometheus").stat().st_ino
    demo.prepare(bundle / ".env")
    assert (demo.directory / "prometheus").stat().st_ino == mounted


def test_of_the_users_settings_it_takes_the_images_alone(
    demo: Demo, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bundle / ".env").write_text(
        "PROMETHEUS_IMAGE=mirror.example.com/prometheus:v3.13.4\n"
        "SLA_DATABASE_URL=postgresql://real/ledger\nREPORT_SMTP_HOST=mail.example.com\nDEMO=0\n"
    )
    monkeypatch.setenv("SLA_DATABASE_URL", "postgresql://real/ledger")
    monkeypatch.setenv("PROMETHEUS_PORT", "9090")
    env = demo.prepare(bundle / ".env").env
    assert env["PROMETHEUS_IMAGE"] == "mirror.example.com/prometheus:v3.13.4"
    assert env["SLA_DATABASE_URL"] == ""
    assert env["REPORT_SMTP_HOST"] == ""
    assert env["PROMETHEUS_PORT"] != "9090"
    assert env["DEMO"] == "1"


def test_prometheus_keeps_more_than_the_month_and_does_not_scrape_the_users_programs(
    demo: Demo, bundle: Path
) -> None:
    (bundle / "prometheus" / "targets" / "shop.yml").write_text("- targets: ['127.0.0.1:8100']\n")
    instance = demo.prepare(bundle / ".env")
    copy = instance.path(instance.env["PROMETHEUS_CONFIG_DIR"])
    assert "{time: 45d, size: 10GB}" in (copy / "prometheus.yml").read_text()
    assert not (copy / "targets" / "shop.yml").exists()
    assert "{time: 15d, size: 10GB}" in (bundle / "prometheus" / "prometheus.yml").read_text()
    assert (bundle / "prometheus" / "targets" / "shop.yml").exists()


def test_a_configuration_without_retention_is_refused(demo: Demo, bundle: Path) -> None:
    (bundle / "prometheus" / "prometheus.yml").write_text("global: {}\n")
    with pytest.raises(StackError, match="retention"):
        demo.prepare(bundle / ".env")


def test_targets_are_those_of_the_configuration(demo: Demo, bundle: Path) -> None:
    instance = demo.prepare(bundle / ".env")
    config = instance.path(instance.env["PROMETHEUS_CONFIG_DIR"])
    assert demo_history.targets(config) == {"grafana": "grafana:3000", "demo-app": "demo-app:9091"}


def test_the_story_is_there_once_the_month_is(demo: Demo, bundle: Path) -> None:
    demo.prepare(bundle / ".env")
    assert demo.story() is None
    demo.tell({"begin": 0, "incidents": []})
    assert demo.story() == {"begin": 0, "incidents": []}


def test_removing_it_leaves_the_users_stack_alone(demo: Demo, bundle: Path) -> None:
    demo.prepare(bundle / ".env")
    (bundle / ".env").write_text("DEMO=1\n")
    kept = bundle / ".run" / "local" / "insa" / "data"
    kept.mkdir(parents=True)
    demo.remove()
    assert not demo.directory.exists()
    assert kept.exists()
    assert (bundle / ".env").exists()


def test_incidents_are_told_with_their_length_and_their_slas() -> None:
    """25 minutes, 2 h 30, and one that lasts, on 18 March 2026."""
    story = {
        "incidents": [
            {"begin": 1_773_799_200, "end": 1_773_800_700, "title": "Down", "slas": ["platform-uptime"]},
            {"begin": 1_773_842_400, "end": 1_773_851_400, "title": "Slow", "slas": ["a", "b"]},
            {"begin": 1_773_851_460, "end": None, "title": "Away", "slas": ["c"]},
        ]
    }
    assert demo_history.incidents(story) == [
        ("Wed 18 Mar 02:00", "25 min", "Down", "platform-uptime"),
        ("Wed 18 Mar 14:00", "2 h 30", "Slow", "a, b"),
        ("Wed 18 Mar 16:31", "until the start", "Away", "c"),
    ]


def test_what_is_left_of_the_month_is_told_in_days() -> None:
    """Two SLAs lack 864 slots of 300 s together: 432 each, a day and a half."""
    slas = 'sla_info{sla="a"} 1.0\nsla_info{sla="b"} 1.0\n'
    begun = "sla_worker_last_pass_timestamp_seconds 1.7e+09\n"
    rest = f"{slas}sla_worker_slot_seconds 300.0\nsla_slots_missing 864.0\n"
    assert demo_history.days_left(begun + rest) == 1.5
    assert demo_history.days_left(begun.replace("1.7e+09", "0.0") + rest) is None
    assert demo_history.days_left("") is None


def test_a_month_that_cannot_be_made_is_one_error(demo: Demo, bundle: Path) -> None:
    """The miniature has no package that makes it: Python says so."""
    tools = demo_history.Tools(["true"], {}, {"demo-app": "demo-app:9091"})
    with pytest.raises(StackError, match=r"the month could not be made: .*No module named history"):
        demo_history.make(demo.prepare(bundle / ".env"), demo.directory, tools, lambda _: None)


DOCKER = """#!/bin/sh
echo "$*" >> {bundle}/asked
case "$*" in
    info*) [ ! -e {bundle}/stopped ] || {{ echo "it is stopped" >&2; exit 1; }}; echo 28.0 ;;
    "compose version") echo 2.40 ;;
    ps*) cat {bundle}/owner ;;
esac
"""


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch, demo: Demo, bundle: Path) -> Callable[[], list[str]]:
    """Which modes were cleaned; a file `stopped` stops Docker, which has a container of `owner`."""
    docker = bundle / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER.format(bundle=bundle))
    docker.chmod(0o755)
    (bundle / "asked").touch()
    (bundle / "owner").write_text(f"{bundle}\n")
    monkeypatch.setenv("PATH", f"{docker.parent}:/bin:/usr/bin")
    data = bundle / ".run" / "local" / demo.name / "data"
    data.mkdir(parents=True)

    def modes() -> list[str]:
        compose = ["compose"] if "down --volumes" in (bundle / "asked").read_text() else []
        return compose + ([] if data.exists() else ["local"])

    return modes


@pytest.mark.parametrize(
    ("started", "mode", "wanted", "gone"),
    [
        ("local", "auto", ["local"], True),
        ("compose", "auto", ["compose"], True),
        ("compose", "compose", ["compose"], True),
        ("compose", "local", ["local"], False),
        ("local", "compose", ["compose"], False),
        (None, "auto", ["compose", "local"], True),  # by a version that did not write it down
    ],
)
def test_only_the_mode_in_which_it_was_started_is_cleaned_or_the_one_that_is_named(
    demo: Demo,
    cleaned: Callable[[], list[str]],
    started: str | None,
    mode: str,
    wanted: list[str],
    *,
    gone: bool,
) -> None:
    demo.prepare(demo.root / ".env")
    if started:
        demo.run_in(started)
    assert demo_run.clean(demo, mode) is None
    assert cleaned() == wanted
    assert demo.directory.exists() is not gone


def test_containers_of_that_name_that_were_not_started_here_stay(
    demo: Demo, cleaned: Callable[[], list[str]]
) -> None:
    demo_run.clean(demo, "auto")
    assert cleaned() == ["local"]
    (demo.root / "owner").write_text("/srv/another\n")
    with pytest.raises(StackError, match="the containers of insa-demo are those of /srv/another"):
        demo_run.clean(demo, "compose")
    assert cleaned() == ["local"]


def test_it_stays_where_docker_does_not_answer(demo: Demo, cleaned: Callable[[], list[str]]) -> None:
    (demo.root / "stopped").touch()
    demo.prepare(demo.root / ".env")
    demo.run_in("compose")
    assert demo_run.clean(demo, "auto") == "no Docker engine answers (it is stopped)"
    assert not cleaned()
    assert demo.mode == "compose"


def test_it_is_not_started_in_the_other_mode(demo: Demo) -> None:
    demo.prepare(demo.root / ".env")
    demo.run_in("local")
    demo.run_in("local")
    with pytest.raises(StackError, match="is there already, as processes"):
        demo.run_in("compose")


def test_the_mailbox_is_said_to_hold_every_report_that_arrives() -> None:
    """Those that the demonstration ends with: docs/demo.md says when each comes."""
    said = next(what for variable, _, what in demo_run.WORTH_A_LOOK if variable == "MAILHOG_PORT")
    page = (Path(__file__).resolve().parents[3] / "docs" / "demo.md").read_text(encoding="utf-8")
    mails = page.partition("## What is in the mailbox")[2].partition("\n## ")[0]
    for each in ("daily", "weekly", "monthly", "breach"):
        assert each in said
        assert each in mails
