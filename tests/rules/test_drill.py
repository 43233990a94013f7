"""A fire drill on a real Alertmanager, in every version there is: whom it reaches, and what it refuses."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from e2e.stack_under_test import ROOT
from ports import free_ports
from rules.binaries import required, versions
from rules.mails import Post, part, running_alertmanager
from stack import drill, settings
from stack.errors import StackError
from stack.services import PORT_VARIABLES
from stack.settings import Instance
from waiting import patience


@dataclasses.dataclass(frozen=True)
class Ground:
    """A running Alertmanager, the mail that it sends, and the settings of a stack to which it belongs."""

    post: Post
    instance: Instance

    def drill(self, name: str, seconds: int) -> tuple[bool, list[str]]:
        """Drill, and return whether all went well, and what was said."""
        said: list[str] = []
        return drill.run(self.instance, name, seconds, said.append), said


@pytest.fixture(scope="module", params=versions("alertmanager"))
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("drill")
    with running_alertmanager(required(request.param, "alertmanager"), directory) as post:
        # Nobody listens on the other ports: nothing but the mails of Alertmanager says what was done.
        ports = {
            name: str(port)
            for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)
        }
        ports["ALERTMANAGER_PORT"] = post.url.rpartition(":")[2]
        yield Ground(post, settings.load(ROOT, "drill", Path(directory / ".env"), ports))


def test_a_drill_is_mailed_as_a_drill_with_the_links_of_the_real_alert(ground: Ground) -> None:
    before = len(ground.post.sink.mails)
    well, said = ground.drill("HighErrorRate", 30)
    assert well
    assert said[0] == "HighErrorRate: [DRILL] (the value) of the requests to drill-job fail"
    assert "  critical: critical-alerts@example.com" in said
    assert [line for line in said if "cannot be asked" in line] == [
        line for line in said if line.startswith(("MailHog", "the sla-worker"))
    ]
    mail = ground.post.next_mail(before)
    assert mail["Subject"] == "[DRILL] [FIRING:1] CRITICAL HighErrorRate"
    text = part(mail, "plain")
    assert "[DRILL] (the value) of the requests" in text
    assert "drill = true" in text
    assert f"http://localhost:{ground.instance.env['SLA_WORKER_PORT']}/runbooks/HighErrorRate" in text


def test_it_ends_by_itself(ground: Ground) -> None:
    ground.drill("HighTimeoutRate", 30)
    [found] = httpx.get(
        f"{ground.post.url}/api/v2/alerts",
        params={"filter": 'alertname="HighTimeoutRate"'},
        trust_env=False,
        timeout=patience(5),
    ).json()
    begin, end = (dt.datetime.fromisoformat(found[name]) for name in ("startsAt", "endsAt"))
    assert end - begin == dt.timedelta(seconds=30)


def test_a_drill_that_would_reach_nobody_is_an_error(ground: Ground) -> None:
    ground.post.silence(alertname="TargetDown")
    with pytest.raises(StackError, match="the drill reaches nobody: there is a silence"):
        ground.drill("TargetDown", 30)


def test_a_drill_shorter_than_the_routes_wait_is_refused(ground: Ground) -> None:
    # The longest group_wait of this Alertmanager is 300 ms.
    with pytest.raises(StackError, match=r"SECONDS=0 is too short: Alertmanager waits up to 0\.3 s"):
        ground.drill("HighErrorRate", 0)


def test_what_always_fires_is_not_drilled(ground: Ground) -> None:
    # A drilled Watchdog would end a real outage of alerting in the eyes of the dead man's switch.
    with pytest.raises(StackError, match="Watchdog cannot be drilled: its arrival proves") as caught:
        ground.drill("Watchdog", 60)
    assert caught.value.fix is not None
    assert "make drill ALERT=WorkerUnhealthy" in caught.value.fix
    assert ground.post.alerts_matching('alertname="Watchdog"') == []


def test_without_an_alertmanager_it_says_so(ground: Ground) -> None:
    nobody = dataclasses.replace(
        ground.instance, env=ground.instance.env | {"ALERTMANAGER_PORT": ground.instance.env["SMTP_PORT"]}
    )
    with pytest.raises(StackError, match="does not answer"):
        drill.run(nobody, "HighErrorRate", 60, lambda _line: None)


def test_an_unknown_alert_is_told_with_near_names(ground: Ground) -> None:
    with pytest.raises(StackError, match="no alert is called 'HighErorRate'") as caught:
        ground.drill("HighErorRate", 60)
    assert caught.value.fix is not None
    assert "HighErrorRate" in caught.value.fix
