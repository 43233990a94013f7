"""Passes that succeed and leave something out: what is said of it, and when it is over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ports import free_port
from sla_worker.definitions import read_definitions
from sla_worker.health import Completeness
from unit.sla_worker.fake_prometheus import COVERAGE, SLOT, THREE, FakePrometheus
from unit.sla_worker.prometheus_server import directories, load, serving
from unit.sla_worker.setting import Setting
from unit.sla_worker.silent_store import REMOTE, scraped, using

SLA = """
  - {{key: {key}, name: {key}, category: reliability, severity: high, comparison: "<=", target: 0.1,
     unit: ratio, description: d, sli: {{{sli}}}}}
"""
GOOD = SLA.format(
    key="errors", sli="""kind: events, total: requests_total, bad: 'requests_total{code="500"}'"""
)
REFUSED_SELECTOR = SLA.format(
    key="refused", sli="""kind: events, total: requests_total, bad: 'requests_total{code=~"[0-9]{1,1001}"}'"""
)
"""RE2 repeats at most 1,000 times, which no parser here knows."""
REFUSED_EXPRESSION = SLA.format(
    key="refused", sli="kind: value, expression: 'up * on () (up or vector(1))', objective: 0.9"
)
"""Two series where one must be, which is seen at the evaluation."""


COVERAGE_OF_ERRORS = 'sla_coverage_ratio{category="reliability",component="all",sla="errors"}'


def samples(until: int) -> str:
    """A target scraped every 15 s from SLOT - 600 on; of 10 requests a scrape one fails."""
    return "\n".join([*scraped(range(SLOT - 600 + 7, until, 15)), "# EOF", ""])


def figure(setting: Setting, name: str) -> float:
    """What /metrics says."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", setting.ask("/metrics")[1], re.MULTILINE)
    assert found, name
    return float(found.group(1))


def missing(setting: Setting) -> float:
    return figure(setting, "sla_slots_missing")


def behind(setting: Setting) -> float:
    """Seconds from the last complete pass to the last one: what SLAMeasurementsMissing reads."""
    return figure(setting, "sla_incomplete_seconds")


def warnings(setting: Setting) -> list[str]:
    """What /healthz warns of; the worker is healthy all the while."""
    status, body = setting.ask("/healthz")
    assert status == "200 OK"
    answer: dict[str, list[str]] = json.loads(body)
    return answer.get("warnings", [])


def passes(setting: Setting, number: int) -> Iterator[int]:
    """So many slots later, one after the other; gives their numbers."""
    for count in range(1, number + 1):
        setting.now += 300
        setting.step()
        yield count


def real(tmp_path: Path, slas: str) -> Setting:
    (tmp_path / "slas.yml").write_text(f"slas:{slas}")
    return Setting(tmp_path, SLA_DEFINITIONS=str(tmp_path / "slas.yml"))


@pytest.mark.parametrize("directory", directories())
@pytest.mark.parametrize(
    ("slas", "slots", "why"),
    [
        (REFUSED_SELECTOR, 1, "could not be read and are tried again every half hour: Prometheus refused"),
        (REFUSED_EXPRESSION, 0, "SLA refused: "),
    ],
)
def test_an_sla_whose_query_fails_at_every_pass(
    directory: str, slas: str, slots: int, why: str, tmp_path: Path
) -> None:
    """Of a selector that is refused no slot is stored; of an expression each is, without data."""
    load(directory, tmp_path / "data", samples(SLOT + 1500))
    setting = real(tmp_path, GOOD + slas)
    with serving(directory, tmp_path / "data") as url:
        using(setting, url)
        setting.step()
        for number in passes(setting, 3):
            assert missing(setting) == (number + 1) * slots
            assert behind(setting) == 45 + number * 300  # the first slot was missing at the start
            assert [why in line for line in warnings(setting)] == [True]
            assert figure(setting, COVERAGE_OF_ERRORS) == 1  # the other SLA
    setting.close()


@pytest.mark.parametrize("directory", directories())
def test_an_engine_that_answers_in_part(directory: str, tmp_path: Path) -> None:
    """Rows are stored and look whole: nothing is missing. It is over with the first whole answer."""
    load(directory, tmp_path / "data", samples(SLOT + 1500))
    setting = real(tmp_path, GOOD)
    with serving(directory, tmp_path / "data", REMOTE.format(port=free_port())) as url:
        using(setting, url)
        setting.step()
        for number in passes(setting, 2):
            assert missing(setting) == 0
            assert behind(setting) == 45 + number * 300  # as above
            assert [line.startswith("Prometheus answers in part") for line in warnings(setting)] == [True]
    with serving(directory, tmp_path / "data") as url:
        using(setting, url)
        for _ in passes(setting, 1):
            assert (behind(setting), warnings(setting)) == (0, [])
    setting.close()


@pytest.mark.parametrize("directory", directories())
def test_slots_of_which_the_source_has_no_samples_are_no_data_and_not_missing(
    directory: str, tmp_path: Path
) -> None:
    """The worker was away for an hour of which Prometheus has nothing: reports show it as unmeasured."""
    load(directory, tmp_path / "data", samples(SLOT))
    setting = real(tmp_path, GOOD)
    with serving(directory, tmp_path / "data") as url:
        using(setting, url)
        setting.step()
        setting.now += 3600
        setting.step()
        assert (missing(setting), behind(setting), warnings(setting)) == (0, 0, [])
        rows = setting.service.database.newest_measurements("errors", 20)
        assert [(row.coverage, row.total) for row in rows] == [(0, 0)] * 12 + [(1, 200)]
    setting.close()


class Refusing(FakePrometheus):
    """Refuses whatever asks for one metric, while told to; asked for nothing else, it answers."""

    refuses: str | None = None

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        if self.refuses is not None and self.refuses in fields["query"]:
            error = {"status": "error", "errorType": "execution", "error": "too many samples"}
            return 422, {}, json.dumps(error).encode()
        return super().post(path, fields)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    (tmp_path / "three.yml").write_text(THREE.read_text())
    made = Setting(tmp_path, SLA_DEFINITIONS=str(tmp_path / "three.yml"))
    again(made)
    yield made
    made.close()


def again(setting: Setting, old: str = "", new: str = "") -> None:
    """Start the worker again, with another word in its definitions; it keeps its Prometheus."""
    path = Path(setting.environ["SLA_DEFINITIONS"])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    setting.close()
    now = Refusing(read_definitions(path))
    if isinstance(setting.prometheus, Refusing):
        now.refuses = setting.prometheus.refuses
    setting.prometheus = now
    setting.start()


def refuse(setting: Setting, metric: str | None) -> None:
    assert isinstance(setting.prometheus, Refusing)
    setting.prometheus.refuses = metric


def test_it_is_over_when_all_that_was_missing_is_read(setting: Setting) -> None:
    """Refused from the slot 300 to 1500: five slots. Each is tried again half an hour later."""
    setting.step()
    assert (missing(setting), behind(setting)) == (0, 0)
    refuse(setting, "insa_agent_request_duration_seconds")
    assert [(missing(setting), behind(setting)) for _ in passes(setting, 5)] == [
        (number, 300 * number) for number in range(1, 6)
    ]
    refuse(setting, None)
    found = [(missing(setting), behind(setting)) for _ in passes(setting, 6)]
    assert found[0] == (5, 1800)
    assert found[-1] == (0, 0)
    assert warnings(setting) == []


def test_a_worker_that_is_started_again_goes_on_from_the_oldest_missing_slot(
    setting: Setting,
) -> None:
    setting.step()
    refuse(setting, "insa_agent_request_duration_seconds")
    assert [missing(setting) for _ in passes(setting, 5)] == [1, 2, 3, 4, 5]
    again(setting)
    assert behind(setting) == 1545 - 300
    for _ in passes(setting, 1):
        assert behind(setting) == 1845 - 300


def test_what_a_former_version_left_unread_can_be_helped_by_nobody_and_is_over(setting: Setting) -> None:
    """A bucket at 5 is refused in the slots 300 to 1200; the version that asks for one at 10 begins then."""
    setting.step()
    refuse(setting, "(5(")
    assert [behind(setting) for _ in passes(setting, 3)] == [300, 600, 900]
    again(setting, "target: 5 ", "target: 10 ")
    assert [(missing(setting), behind(setting)) for _ in passes(setting, 3)] == [(4, 0)] * 3


def test_an_sla_that_is_removed_is_missed_no_longer(setting: Setting) -> None:
    setting.step()
    refuse(setting, "insa_agent_request_duration_seconds")
    assert [behind(setting) for _ in passes(setting, 3)] == [300, 600, 900]
    text = Path(setting.environ["SLA_DEFINITIONS"]).read_text()
    [refused] = [each for each in text.split("\n\n") if "api-response-time-p95" in each]
    again(setting, f"{refused}\n\n")
    assert [behind(setting) for _ in passes(setting, 2)][-1] == 0


def test_a_catch_up_is_complete_when_its_last_piece_is_read(tmp_path: Path) -> None:
    """A day is missing; an answer takes 4 s, so that a piece of ten seconds reads some hours of it."""
    setting = Setting(tmp_path)
    setting.step()
    setting.now += 86_400
    setting.answer_seconds = 4.0
    found = []
    while missing(setting) or not found:
        setting.step()
        found.append((missing(setting), behind(setting)))
    setting.close()
    assert len(found) > 2
    assert [left > 0 for left, _ in found] == [seconds > 86_000 for _, seconds in found]
    assert found[-1] == (0, 0)


def test_a_target_that_is_down_is_measured_in_part_and_missing_nowhere(setting: Setting) -> None:
    """That is TargetDown's; its coverage says how much was measured."""
    setting.prometheus.values[COVERAGE] = 0.5
    setting.step()
    for _ in passes(setting, 3):
        assert (missing(setting), behind(setting), warnings(setting)) == (0, 0, [])


def test_an_outage_of_prometheus_is_no_pass_that_leaves_something_out(setting: Setting) -> None:
    """SLAWorkerStale tells it: the time stands still."""
    setting.step()
    setting.prometheus.down = True
    for number in passes(setting, 3):
        assert missing(setting) == 3 * number
        assert behind(setting) == 0


def test_a_clock_that_is_set_back_does_not_hold_it_at_nothing() -> None:
    """Ahead for one complete pass at 3700; the next ones, from 400 on, leave something out."""
    found = Completeness()
    seen = [(None, True), (100, True), (3700, True), (400, False), (700, False), (1000, False), (1300, True)]
    assert [
        found.seconds(at, 90, complete=lambda complete=complete: complete, oldest=lambda: None)  # type: ignore[misc]
        for at, complete in seen
    ] == [0, 0, 0, 0, 300, 600, 0]
