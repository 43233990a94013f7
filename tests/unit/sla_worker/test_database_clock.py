"""A clock that jumped: rows in the future count nowhere, are kept, and are measured again when due."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from logged import lines
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures, FutureRows
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
UPTIME, LATENCY, ERRORS = DEFINITIONS
NOW = 1_700_000_100  # a multiple of 300; slots are named by their number from here
DAY = 288  # slots


class Ledger:
    """A database that is measured slot by slot, as the calculator does, with a clock that a test moves."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.now = NOW
        self.open()

    def open(self) -> None:
        self.database = SLADatabase(self.place.location, clock=lambda: self.now)
        self.database.sync_definitions(DEFINITIONS)

    def missing(self, slot: int, catch_up: int = 15 * DAY) -> list[int]:
        """What is missing once that slot is due, by number; the same for every SLA."""
        self.now = NOW + slot * 300 + 45
        found = self.database.missing_slots(NOW + slot * 300, NOW + (slot - catch_up) * 300)
        [slots] = {tuple(each) for each in found.values()}
        return [(each - NOW) // 300 for each in slots]

    def measure(self, slot: int, bad: int = 0, *, data: bool = True) -> list[int]:
        """One pass when that slot is due: every missing slot, `bad` of 100 events each, stored together."""
        missing = self.missing(slot)
        figures = Figures(100 - bad, 100, 1) if data else Figures()
        self.database.store(
            [evaluate(sla, NOW + each * 300, figures) for each in missing for sla in DEFINITIONS]
        )
        return missing

    def compliance(self, slots: int) -> tuple[float, float, float]:
        """Good and total events, and coverage, of the last slots of the error rate."""
        status = {each.key: each for each in self.database.get_current_sla_status(slots / 12)}
        errors = status["api-error-rate"]
        return errors.good, errors.total, errors.coverage_ratio

    def active(self) -> set[str]:
        return {each.key for each in self.database.get_active_breaches()}

    def owed(self) -> list[str]:
        return [each.key for each in self.database.outbox.due(self.now)]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place)
    yield made
    made.database.close()


def test_measuring_goes_on_at_once_and_the_future_is_measured_again(ledger: Ledger) -> None:
    ledger.measure(0)
    # The clock is a day ahead: what should lie between is stored as well, and a row of the future.
    assert len(ledger.measure(DAY, bad=50)) == DAY
    assert ledger.missing(1) == [1]  # the clock is right again
    # 3 SLAs; the rows of slots 2 to 288 lie after the newest due slot.
    assert ledger.database.future_rows() == FutureRows(3 * (DAY - 1), NOW + DAY * 300)
    assert ledger.measure(1) == [1]
    assert ledger.measure(2) == [2]
    assert ledger.database.newest_slot() == NOW + 2 * 300
    assert ledger.compliance(3) == (300, 300, 1)  # slots 0, 1, 2, 100 good events each; not the bad ones
    for slot in range(3, DAY + 1):
        ledger.measure(slot)
    assert ledger.compliance(DAY) == (100 * DAY, 100 * DAY, 1)
    assert ledger.missing(DAY + 1) == [DAY + 1]
    assert ledger.database.future_rows() is None


def test_slots_that_the_clock_ahead_filled_too_early_are_measured_again(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(DAY, data=False)  # the clock is ahead for an hour; slots 1 to 12 had not even begun
    assert ledger.measure(12) == list(range(1, 13))
    assert ledger.compliance(13) == (1300, 1300, 1)


def test_a_clock_that_was_ahead_by_less_than_a_slot(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.missing(1)
    ledger.now += 240  # four minutes ahead
    ledger.database.store(evaluate(sla, NOW + 300, Figures(1, 2, 0.5)) for sla in DEFINITIONS)
    ledger.database.close()
    ledger.open()
    assert ledger.measure(1) == [1]
    assert ledger.missing(1) == []
    assert ledger.measure(2) == [2]
    assert ledger.compliance(3) == (300, 300, 1)


def test_a_restart_forgets_neither_what_is_right_nor_what_is_not(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(DAY, bad=50)
    ledger.measure(1)
    ledger.database.close()
    ledger.open()
    assert ledger.measure(2) == [2]
    assert ledger.compliance(3) == (300, 300, 1)


def test_slots_that_are_due_and_not_yet_measured_again_count_as_unmeasured(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(DAY, bad=50)
    assert ledger.missing(2) == [1, 2]  # Prometheus does not answer: none of them is stored
    ledger.now = NOW + 3 * 300 + 45
    # Due is slot 3; of slots 0 to 3 only the first one was measured.
    assert ledger.compliance(4) == (100, 100, 1 / 4)


def test_a_clock_that_jumps_twice(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(DAY, bad=50)
    ledger.measure(1)
    ledger.measure(12, bad=50)  # an hour ahead, inside the first jump
    assert ledger.measure(2) == [2]
    assert ledger.measure(3) == [3]
    assert ledger.compliance(4) == (400, 400, 1)


def test_a_breach_of_the_future_is_none_until_it_comes(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(1)
    ledger.database.store(evaluate(sla, NOW + DAY * 300, Figures(50, 100, 1)) for sla in DEFINITIONS)
    assert ledger.owed()  # while the clock is ahead nobody can know
    ledger.measure(2)
    assert ledger.active() == set()
    assert ledger.owed() == []
    assert not any(each.in_breach for each in ledger.database.get_current_sla_status())
    ledger.measure(DAY)
    assert ledger.active() == set()
    assert ledger.database.breaches_between(0, NOW + 2 * DAY * 300) == []


def test_a_breach_of_the_future_that_does_come_is_mailed_then(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(1)
    ledger.database.store(evaluate(sla, NOW + 12 * 300, Figures(50, 100, 1)) for sla in DEFINITIONS)
    ledger.measure(11)
    assert ledger.owed() == []
    ledger.measure(12, bad=50)
    assert ledger.active() == {each.key for each in DEFINITIONS}
    assert len(ledger.owed()) == 3
    started = {each.started_at for each in ledger.database.get_active_breaches()}
    assert started == {NOW + 11 * 300}


def test_a_breach_that_lasts_is_not_resolved_by_the_future(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(1, bad=10)
    ledger.database.store([evaluate(ERRORS, NOW + 20 * 300, Figures(20, 100, 1))])  # far worse
    ledger.database.store([evaluate(ERRORS, NOW + 21 * 300, Figures(100, 100, 1))])  # and over
    assert "api-error-rate" not in ledger.active()
    ledger.measure(2, bad=20)
    [breach] = [each for each in ledger.database.get_active_breaches() if each.key == "api-error-rate"]
    # Begun where slot 1 begins; the worst of slots 1 and 2 is 20 of 100, the 80 of 100 did not happen.
    assert (breach.started_at, breach.worst, breach.ended_at) == (NOW, 0.2, None)
    ledger.measure(3)
    ended = ledger.database.get_breach(breach.id)
    assert ended is not None
    assert ended.ended_at == NOW + 2 * 300


def test_nothing_is_lost_when_it_is_the_present_that_is_wrong(ledger: Ledger) -> None:
    """A machine without a clock starts in the past, then learns the time: the rows were right."""
    for slot in (0, 1, 2):
        ledger.measure(slot, bad=10)
    breaches = ledger.database.get_active_breaches()
    ledger.measure(-100)
    assert ledger.database.get_active_breaches() == []
    # The time is right again, and Prometheus has nothing any more of what was measured.
    ledger.measure(3, data=False)
    assert ledger.compliance(4) == (270, 300, 3 / 4)
    again = ledger.database.get_active_breaches()
    assert [(each.id, each.started_at) for each in again] == [(each.id, each.started_at) for each in breaches]


def test_mails_that_were_owed_before_the_present_went_wrong_leave_once_it_is_right(ledger: Ledger) -> None:
    """The mail server is away, and the machine starts again without its clock."""
    ledger.measure(0)
    ledger.measure(1, bad=10)
    ledger.database.outbox.owe_report("daily", "daily:today", NOW, ledger.now)
    owed = ["breach:1", "breach:2", "breach:3", "daily:today"]
    assert ledger.owed() == owed
    ledger.measure(-100)
    assert ledger.owed() == []  # by this clock none of it has happened
    assert ledger.database.outbox.owed() == {}
    ledger.measure(2, data=False)
    assert ledger.owed() == owed


def test_a_report_that_was_sent_before_the_present_went_wrong_is_not_sent_again(ledger: Ledger) -> None:
    outbox = ledger.database.outbox
    ledger.measure(0)
    outbox.owe_report("daily", "daily:today", NOW, ledger.now)
    [mail] = outbox.due(ledger.now)
    [delivery] = outbox.deliveries(mail, ["a@example.com"], ledger.now)
    outbox.delivered(outbox.attempt(delivery, ledger.now), ledger.now)
    ledger.measure(-100)
    ledger.measure(-99)
    ledger.measure(1)
    assert not outbox.owe_report("daily", "daily:today", NOW, ledger.now)
    assert not outbox.owe_report("daily", "daily:today", NOW, ledger.now)
    assert ledger.owed() == []


def test_the_mail_of_a_breach_that_turns_out_to_be_none_does_not_leave(ledger: Ledger) -> None:
    """The newest slot is measured again, and has met its target."""
    outbox = ledger.database.outbox
    ledger.measure(0, bad=50)
    first, *_ = outbox.due(ledger.now)
    one, _other = outbox.deliveries(first, ["a@example.com", "b@example.com"], ledger.now)
    outbox.delivered(outbox.attempt(one, ledger.now), ledger.now)
    ledger.database.store(evaluate(sla, NOW, Figures(100, 100, 1)) for sla in DEFINITIONS)
    assert (ledger.owed(), outbox.owed()) == ([], {})
    # It is a breach after all: who has the mail does not get it twice.
    ledger.database.store(evaluate(sla, NOW, Figures(50, 100, 1)) for sla in DEFINITIONS)
    assert ledger.owed() == ["breach:2", "breach:3"]


def test_a_report_that_a_clock_ahead_has_sent_is_owed_again_at_its_time(ledger: Ledger) -> None:
    outbox, tomorrow = ledger.database.outbox, NOW + 86_400
    ledger.measure(0)
    ledger.measure(DAY)
    outbox.owe_report("daily", "daily:tomorrow", tomorrow, ledger.now)
    [mail] = [each for each in outbox.due(ledger.now) if each.key == "daily:tomorrow"]
    [delivery] = outbox.deliveries(mail, ["a@example.com"], ledger.now)
    outbox.delivered(outbox.attempt(delivery, ledger.now), ledger.now)
    assert not outbox.owe_report("daily", "daily:tomorrow", tomorrow, ledger.now)
    ledger.measure(1)
    ledger.measure(DAY)
    assert outbox.owe_report("daily", "daily:tomorrow", tomorrow, ledger.now)


def test_the_rows_are_still_there(ledger: Ledger) -> None:
    ledger.measure(0)
    ledger.measure(DAY, bad=50)
    ledger.measure(1)
    assert ledger.place.query("SELECT COUNT(*) FROM sla_measurements") == [(3 * (DAY + 1),)]


def test_a_clock_that_steps_back_a_second_measures_the_slot_again_and_says_nothing(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.measure(0)
    ledger.measure(1)
    ledger.now = NOW + 300 + 44  # slot 1 has ended, but is not due by this clock
    assert ledger.database.missing_slots(NOW, 0)["api-error-rate"] == []
    assert lines(caplog, "sla_worker") == []
    assert ledger.measure(1) == [1]
    assert ledger.measure(2) == [2]


def test_the_future_is_said_once(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    ledger.measure(0)
    ledger.measure(DAY)
    ledger.measure(1)
    ledger.measure(2)
    [line] = lines(caplog, "sla_worker")
    assert f"rows={3 * (DAY - 1)} until={NOW + DAY * 300}" in line
