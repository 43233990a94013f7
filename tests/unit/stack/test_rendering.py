"""From the configuration of containers to that of processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from stack import rendering
from stack.rendering import Places

PLACES = Places(
    {
        "prometheus:9090": "127.0.0.1:19090",
        "mailhog:1025": "127.0.0.1:11025",
        "sla-worker:8080": "127.0.0.1:18080",
    },
    {
        "/etc/prometheus": "/run/x/prometheus",
        "/var/lib/grafana": "/g",
        "/var/lib/grafana-dashboards": "/boards",
    },
)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("http://sla-worker:8080/webhook/alertmanager", "http://127.0.0.1:18080/webhook/alertmanager"),
        ("mailhog:1025", "127.0.0.1:11025"),
        ("/etc/prometheus/rules/*.yml", "/run/x/prometheus/rules/*.yml"),
        ("/var/lib/grafana-dashboards", "/boards"),
        ("/var/lib/grafana/plugins", "/g/plugins"),
        ("host.docker.internal:9000", "127.0.0.1:9000"),
        # Not these: another port, another host, a metric's name, a longer path.
        ("mailhog:10250", "mailhog:10250"),
        ("my-prometheus:9090", "my-prometheus:9090"),
        ("prometheus:9091", "prometheus:9091"),
        ("sla:actual:value5m", "sla:actual:value5m"),
        ("/srv/etc/prometheus", "/srv/etc/prometheus"),
        ("/etc/prometheus-old", "/etc/prometheus-old"),
    ],
)
def test_replaces_known_addresses_and_paths_only(text: str, result: str) -> None:
    assert PLACES.apply(text) == result


def test_changes_strings_of_yaml_and_copies_the_rest(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "templates").mkdir(parents=True)
    (source / "a.yml").write_text("to: mailhog:1025\nfor: 5m\ncount: 3\nexpr: 'up == 0'\n")
    (source / "templates" / "mail.tmpl").write_text("mailhog:1025 {{ .Title }}")
    rendering.render_tree(source, target, PLACES)
    assert yaml.safe_load((target / "a.yml").read_text()) == {
        "to": "127.0.0.1:11025",
        "for": "5m",
        "count": 3,
        "expr": "up == 0",
    }
    assert (target / "templates/mail.tmpl").read_text() == "mailhog:1025 {{ .Title }}"


def test_a_copy_to_check_keeps_every_line_where_it_is(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a.yml").write_text("# note\n\nto:   mailhog:1025  # why\n")
    rendering.render_tree(source, target, PLACES, keep_lines=True)
    assert (target / "a.yml").read_text() == "# note\n\nto:   127.0.0.1:11025  # why\n"


def test_a_second_time_touches_nothing_and_removes_what_is_gone(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "rules").mkdir(parents=True)
    (source / "a.yml").write_text("a: 1\n")
    (source / "rules" / "b.yml").write_text("b: 1\n")
    rendering.render_tree(source, target, PLACES)
    os.utime(target / "a.yml", (1, 1))
    (source / "rules" / "b.yml").unlink()
    rendering.render_tree(source, target, PLACES)
    assert (target / "a.yml").stat().st_mtime == 1
    assert [path.name for path in target.rglob("*")] == ["a.yml"]


def test_a_target_dropped_in_later_is_seen_at_once(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "targets").mkdir(parents=True)
    for _ in range(2):
        rendering.render_tree(source, target, PLACES)
    (source / "targets" / "mine.yml").write_text("[]\n")
    assert (target / "targets" / "mine.yml").read_text() == "[]\n"


def prometheus_yml(tmp_path: Path) -> Path:
    path = tmp_path / "prometheus.yml"
    path.write_text(
        "storage: {tsdb: {retention: {time: 15d, size: 10GB}, out_of_order_time_window: 0s}}\n"
        "scrape_configs:\n"
        "  - {job_name: grafana, static_configs: [{targets: ['127.0.0.1:3002']}]}\n"
        "  - {job_name: both, static_configs: [{targets: ['127.0.0.1:3002', 'other:1']}]}\n"
    )
    return path


def test_an_old_prometheus_gets_its_retention_as_flags(tmp_path: Path) -> None:
    path = prometheus_yml(tmp_path)
    flags = rendering.fit_prometheus(path, frozenset(), retention_as_flags=True)
    assert flags == ["--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=10GB"]
    assert yaml.safe_load(path.read_text())["storage"] == {"tsdb": {"out_of_order_time_window": "0s"}}


def test_a_new_prometheus_keeps_its_retention_in_the_file(tmp_path: Path) -> None:
    path = prometheus_yml(tmp_path)
    assert rendering.fit_prometheus(path, frozenset(), retention_as_flags=False) == []
    assert yaml.safe_load(path.read_text())["storage"]["tsdb"]["retention"] == {"time": "15d", "size": "10GB"}


def test_a_service_that_cannot_be_had_is_not_scraped(tmp_path: Path) -> None:
    path = prometheus_yml(tmp_path)
    rendering.fit_prometheus(path, frozenset({"127.0.0.1:3002"}), retention_as_flags=False)
    jobs = yaml.safe_load(path.read_text())["scrape_configs"]
    assert jobs == [{"job_name": "both", "static_configs": [{"targets": ["other:1"]}]}]
