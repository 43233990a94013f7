"""The month of the demonstration: its story, its counters, and the files that promtool reads."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest

from history.files import PromtoolError, write
from history.month import Month, Stretch, wanted_of
from history.others import others
from history.recording import RATES, Recorded, Tape, Wanted
from history.story import INCIDENTS, happened, last_report
from simulation.series import UP, Target, counter, gauge

TARGET = Target("demo-app", "demo-app:9091")
REQUESTS = counter("requests_total", ("status", "success"))
ERRORS = counter("requests_total", ("status", "error"))
QUEUE = gauge("queue")
BACKUP = gauge("backup_timestamp_seconds")
NOW = int(dt.datetime(2026, 3, 18, 10, 30, 20, tzinfo=dt.UTC).timestamp())
"""A Wednesday, an hour and a half after a daily report."""
RATE = 5.0


def tape() -> Tape:
    """Recordings by hand: 60 requests a minute and rate, one error a minute under each fault."""

    def step(rate: float, errors: int, age: float) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        return {
            (REQUESTS.name, REQUESTS.labels): int(60 * rate),
            (ERRORS.name, ERRORS.labels): errors,
            (QUEUE.name, ()): 7 if errors else 1,
            (BACKUP.name, ()): age,
        }

    healthy = [Recorded(Wanted(rate), 2, (step(rate, 0, 60), step(rate, 0, -121))) for rate in RATES]
    faults = [
        Recorded(each, 2, (step(RATE, 1, 60), step(RATE, 1, -121), step(RATE, 0, 60)))
        for each in dict.fromkeys(map(wanted_of, INCIDENTS))
        if each
    ]
    known = {(each.name, each.labels): each for each in (REQUESTS, ERRORS, QUEUE, BACKUP)}
    return Tape((*healthy, *faults), known)


def month(end: int = NOW, seed: int = 1) -> Month:
    return Month(tape(), seed, end, 31, TARGET)


def series(made: Month) -> dict[str, Stretch]:
    found = {}
    for each in made.stretches(made.steps()):
        label = f" {each.metric.labels[0][1]}" if each.metric.labels else ""
        found[each.metric.name + label] = each
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, Stretch]:
    """The series of the month by name; read only."""
    return series(month())


@pytest.mark.parametrize("hour", range(24))
def test_whatever_the_hour_one_incident_is_in_the_daily_report_one_is_over_and_one_lasts(hour: int) -> None:
    now = NOW - NOW % 86_400 + hour * 3600
    story = happened(now, 31)
    assert [each.incident for each in story] == list(INCIDENTS)
    assert all(before.end < after.begin for before, after in itertools.pairwise(story))
    due = int(last_report(now).timestamp())
    assert now - 86_400 < due <= now
    assert any(due - 86_400 < each.begin < each.end < due for each in story[:-1])
    # The last two are told from the end of the month: 300 minutes before it, for 25, and the last 40.
    end = now // 60 * 60
    assert [(each.begin - end, each.end - end) for each in story[-2:]] == [
        (-300 * 60, -275 * 60), (-40 * 60, now - end),
    ]  # fmt: skip
    assert [each.lasts for each in story] == [False] * 11 + [True]


def test_it_begins_at_midnight_and_ends_now(found: dict[str, Stretch]) -> None:
    """31 days before 18 March is 15 February; scrapes are a minute apart, 7.413 s past the minute."""
    at = found["up"].at
    assert at[0] == int(dt.datetime(2026, 2, 15, tzinfo=dt.UTC).timestamp()) * 1000 + 7_413
    assert {after - before for before, after in itertools.pairwise(at)} == {60_000}
    assert NOW * 1000 - 60_000 < at[-1] <= NOW * 1000


def test_in_an_outage_nobody_answers_and_another_process_follows_it(found: dict[str, Stretch]) -> None:
    """2:00 to 2:25 on 23 February: 25 scrapes fail; counters begin again at zero."""
    down = [at for at, up in zip(found["up"].at, found["up"].values, strict=True) if not up]
    outage = int(dt.datetime(2026, 2, 23, 2, 0, tzinfo=dt.UTC).timestamp())
    assert down == [(outage + 60 * minute) * 1000 + 7_413 for minute in range(25)]
    assert not set(down) & set(found["requests_total success"].at)
    began = found["process_start_time_seconds"]
    assert len(set(began.values)) == 2
    assert dict(zip(began.at, began.values, strict=True))[down[-1] + 60_000] == outage + 25 * 60
    requests = dict(
        zip(found["requests_total success"].at, found["requests_total success"].values, strict=True)
    )
    assert requests[down[-1] + 60_000] in [60 * rate for rate in RATES]
    assert requests[down[0] - 60_000] > 10**6  # eight days of some 200 a minute


def test_errors_are_those_of_the_incidents(found: dict[str, Stretch]) -> None:
    """One a minute in each but the outage, 35 + 150 + 20 + 40 + 120 + 200 + 55 + 180 + 30 + 25 + 40 minutes.

    The month ends at 10:30:20: the last incident has begun at 9:50 and has the scrape of 10:30 too.
    """
    errors = found["requests_total error"].values
    rises = sum(after - before for before, after in itertools.pairwise(errors) if after >= before)
    assert rises == 35 + 150 + 20 + 40 + 120 + 200 + 55 + 180 + 30 + 25 + 41
    assert sum(value == 7 for value in found["queue"].values) == rises


def test_a_moment_stays_where_it_was_until_it_moves(found: dict[str, Stretch]) -> None:
    """A backup a minute old in the steps in which there was one; in the others it is the former one.

    In the 200 minutes in which backups fail only the first step has one: 200 minutes is the oldest.
    """
    backup = found["backup_timestamp_seconds"]
    ages = [at / 1000 - value for at, value in zip(backup.at, backup.values, strict=True)]
    assert set(ages[:60]) >= {60.0, 120.0}
    assert all(age % 60 == 0 for age in ages)
    assert all(after >= before for before, after in itertools.pairwise(backup.values))
    assert max(ages) == 200 * 60


def test_the_load_follows_the_day_and_ends_at_that_of_the_live_app(found: dict[str, Stretch]) -> None:
    requests = found["requests_total success"]
    by_moment = dict(zip(requests.at, requests.values, strict=True))

    def per_minute(day: int, hour: int) -> float:
        at = int(dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC).timestamp()) * 1000 + 7_413
        return (by_moment[at + 3_600_000] - by_moment[at]) / 60

    assert per_minute(11, 2) == 120  # two a second
    assert 330 < per_minute(11, 10) < 390  # six
    assert 180 < per_minute(14, 10) < 225  # a Saturday: 55 % of it
    last = [by_moment[at] for at in sorted(by_moment)[-50:]]
    assert {after - before for before, after in itertools.pairwise(last)} == {300}


def week(seed: int = 1) -> Month:
    return Month(tape(), seed, NOW, 6, TARGET)


def test_the_same_seed_is_the_same_month_and_a_later_end_changes_no_past() -> None:
    whole = [list(each.values) for each in week().stretches(week().steps())]
    assert whole == [list(each.values) for each in week().stretches(week().steps())]
    assert whole != [list(each.values) for each in week(seed=2).stretches(week().steps())]
    later = week()
    first = [list(each.values) for each in later.stretches(later.steps() // 2)]
    later.move_end(NOW + 120)
    second = [list(each.values) for each in later.stretches(later.steps())]
    for one, two, all_ in zip(first, second, whole, strict=True):
        assert len(one + two) == len(all_) + 2
        assert (one + two)[: len(all_) - 62] == all_[:-62]  # before the last hour, which moves with the end


def test_files_hold_the_month_once_and_in_order(tmp_path: Path) -> None:
    """`cp` in the place of promtool: what it is given, file after file, is each series without a gap."""
    kept = tmp_path / "kept"
    kept.mkdir()
    made = Month(tape(), 1, NOW, 2, TARGET)
    rest = others({"prometheus": "prometheus:9090"}, made.begin, made.incidents)
    end = write(
        made,
        rest,
        tmp_path,
        ["cp", f"{tmp_path}/{{file}}", str(kept)],
        said=lambda _: None,
        clock=lambda: NOW + 90,
    )
    assert end == NOW + 90
    assert not list(tmp_path.glob("*.om"))
    moments: dict[str, list[float]] = {}
    for path in sorted(kept.glob("*.om")):
        text = path.read_text()
        assert text.endswith("# EOF\n")
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, at = line.rsplit(" ", 2)
                moments.setdefault(name, []).append(float(at))
    up = moments['up{instance="demo-app:9091",job="demo-app"}']
    assert {round(after - before) for before, after in itertools.pairwise(up)} == {60}
    assert made.begin < up[0] < made.begin + 60
    assert end - 60 < up[-1] <= end
    assert {len(each) for each in moments.values()} <= {len(up), len(up) - 1, len(up) + 1}
    assert UP.name in {name.partition("{")[0] for name in moments}


def test_what_promtool_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    words = ["sh", "-c", "echo 'parse error at line 7' >&2; exit 1"]
    with pytest.raises(PromtoolError, match=r"^parse error at line 7$"):
        write(Month(tape(), 1, NOW, 2, TARGET), [], tmp_path, words, said=lambda _: None, clock=lambda: NOW)
