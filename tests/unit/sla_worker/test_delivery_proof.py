"""Whatever happens to worker, server and recipients: every mail arrives, under one Message-ID each."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.delivery.sending import Deliveries
from sla_worker.delivery.smtp import Refusal
from sla_worker.errors import BrokenOffError, MailServerError
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures, Notification
from sla_worker.settings import Settings, read_settings
from unit.sla_worker.fake_prometheus import THREE

NOW = 1_700_000_100
DAY = 86_400
DEFINITIONS = read_definitions(THREE)
THREE_PEOPLE = ("ann@example.com", "bob@example.com", "eve@example.com")
KILLS = 100


class Killed(BaseException):
    """The process ends here; nothing after it happens."""


class World:
    """A mail server that outlives the workers, and the ledger that they share one after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = float(NOW)
        self.down = False
        self.refused: dict[str, Refusal] = {}
        self.breaks: frozenset[str] = frozenset()  # it breaks off at these recipients and Message-IDs
        self.kills: Iterator[str] = iter(())
        self.taken: list[tuple[str, str, str, str | None]] = []  # recipient, Message-ID, subject, answers
        self.settings: Settings = replace(read_settings({}), report_owner=THREE_PEOPLE, report_on_call=())
        self.restarts = 0
        self.start()

    def start(self) -> None:
        self.database = SLADatabase(self.directory / "sla.db", clock=lambda: self.now)
        self.deliveries = Deliveries(
            self.database, self, self.settings,
            stopping=threading.Event(), clock=lambda: self.now, monotonic=lambda: self.now,
        )  # fmt: skip
        recorded = self.database.outbox.delivered

        def delivered(*of: object) -> None:
            self._kill("unrecorded")
            recorded(*of)  # type: ignore[arg-type]

        self.database.outbox.delivered = delivered  # type: ignore[method-assign]

    def _kill(self, where: str) -> None:
        if self.kill == where:
            self.kill = None
            raise Killed

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        if self.down:
            raise MailServerError("nobody answers")
        if self.breaks.intersection({*recipients, str(made["Message-ID"])}):
            self.broken_off += 1
            raise BrokenOffError("it broke off")
        self._kill("before")
        for each in recipients:
            if each not in self.refused:
                self.taken.append((each, str(made["Message-ID"]), str(made["Subject"]), made["In-Reply-To"]))
            self._kill("halfway")  # the server has it, and the worker never hears so
        self._kill("after")
        return {each: self.refused[each] for each in recipients if each in self.refused}

    kill: str | None = None
    broken_off = 0

    def round(self) -> None:
        """One round of a worker, which may be killed in it; then the next one starts."""
        self.kill = self.kill or next(self.kills, None)
        try:
            self.deliveries.round()
        except Killed:
            self.restarts += 1
            self.database.close()
            self.start()

    def breaches(self, count: int) -> None:
        """So many breaches of as many SLAs, and their ends: two mails each."""
        self.database.sync_definitions(DEFINITIONS)
        for slot, good in ((1, 900), (2, 1000)):
            rows = [evaluate(each, NOW + slot * 300, Figures(good, 1000, 1)) for each in DEFINITIONS[:count]]
            self.database.store(rows)
            self.now = NOW + slot * 300 + 45.0
            self.database.threads.turn(int(self.now), 0)

    @property
    def open(self) -> list[Notification]:
        return self.database.outbox.due(2**40)

    def until_all_arrived(self, most: int) -> None:
        for _ in range(most):
            if not self.open:
                return
            self.now = max(self.now + 15, float(self.database.outbox.next_due() or 0))
            self.round()
        raise AssertionError(f"still open: {[each.key for each in self.open]}")

    def check(self, mails: int) -> None:
        """Each recipient has every mail, under one Message-ID, and no answer before what it answers."""
        by_subject: dict[str, set[str]] = {}
        for _, number, subject, _ in self.taken:
            by_subject.setdefault(subject, set()).add(number)
        assert {len(each) for each in by_subject.values()} == {1}
        assert len(by_subject) == mails
        for person in THREE_PEOPLE:
            own = [each for each in self.taken if each[0] == person]
            assert {each[1] for each in own} == {number for each in by_subject.values() for number in each}
            seen: set[str] = set()
            for _, number, _, answers in own:
                assert answers is None or answers in seen
                seen.add(number)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


def test_a_worker_that_is_killed_a_hundred_times_in_the_middle_of_sending(world: World) -> None:
    """Before the server has a mail, when it has it for one of three, and when that is not recorded yet.

    Two seconds of CPU: each kill is a new worker on the same ledger.
    """
    world.breaches(2)
    world.kills = iter(("before", "halfway", "after", "unrecorded") * (KILLS // 4))
    world.until_all_arrived(KILLS * 3)
    assert world.restarts == KILLS
    world.check(mails=4)


@pytest.mark.parametrize("number", range(1, 53, 4))  # of the 52 statements that both mails take
def test_a_worker_that_is_killed_at_a_statement_of_the_outbox(world: World, number: int) -> None:
    """What a kill within a transaction leaves is what was there before it."""
    world.breaches(1)
    dialect, count = world.database._engine._dialect, itertools.count(1)

    def killing(real: Callable[..., None]) -> Callable[..., None]:
        def statement(*arguments: object) -> None:
            if next(count) == number:
                raise Killed
            real(*arguments)

        return statement

    for name in ("execute", "executemany"):
        setattr(dialect, name, killing(getattr(dialect, name)))
    world.until_all_arrived(20)
    assert world.restarts == 1
    world.check(mails=2)


def test_a_mail_server_that_is_down_for_a_day_gets_every_mail_once(world: World) -> None:
    world.down = True
    world.breaches(2)
    end = world.now + DAY
    while world.now < end:
        world.now = max(world.now + 900, float(world.database.outbox.next_due() or 0))
        world.round()
    assert world.taken == []
    world.down = False
    world.until_all_arrived(40)
    world.check(mails=4)
    assert len(world.taken) == 4 * len(THREE_PEOPLE)  # nobody has one twice


def test_after_an_outage_the_oldest_mail_leaves_first(world: World) -> None:
    """One that failed for an hour waits ten minutes for its next try; a new one waits for nothing."""
    world.down = True
    world.breaches(1)
    outbox, old = world.database.outbox, int(world.now)
    outbox.owe_report("daily", "daily:old", old, old)
    while world.now < old + 3600:
        world.now = max(world.now + 60, float(outbox.next_due() or 0))
        world.round()
    world.now += 20
    outbox.owe_report("daily", "daily:new", old, int(world.now))
    world.down = False
    world.round()
    ids = [message_id for who, message_id, *_ in world.taken if who == "ann@example.com"]
    keys = {
        f"<{sha256(each.encode()).hexdigest()[:32]}": each for each in ("breach:1", "daily:old", "daily:new")
    }
    known = [keys.get(each.partition("@")[0], "the breach's end") for each in ids]
    assert known == ["breach:1", "the breach's end", "daily:old", "daily:new"]
    assert world.open == []


def test_one_recipient_of_three_who_is_refused_for_an_hour_holds_nobody_up(world: World) -> None:
    world.refused = {"bob@example.com": Refusal(451, "later")}
    world.breaches(1)
    world.round()
    world.round()
    assert [each[0] for each in world.taken] == ["ann@example.com", "eve@example.com"] * 2
    while world.now < NOW + 3600:
        world.now += 300
        world.round()
    assert len(world.taken) == 4
    world.refused = {}
    world.until_all_arrived(10)
    world.check(mails=2)
    assert len(world.taken) == 6


def ids(world: World, key: str) -> str:
    domain = world.settings.report_from.partition("@")[2]
    return f"<{sha256(key.encode()).hexdigest()[:32]}@{domain}>"


@pytest.mark.parametrize("poisoned", [1, 3])
def test_a_mail_at_which_the_server_breaks_off_holds_no_other_up(world: World, poisoned: int) -> None:
    """A filter that drops the connection, say: the oldest mails come first, and break it off each time."""
    keys = [f"daily:{number}" for number in range(5)]
    for key in keys:
        world.database.outbox.owe_report("daily", key, NOW, NOW)
    world.breaks = frozenset(ids(world, key) for key in keys[:poisoned])
    for _ in range(poisoned + 1):
        world.round()
        world.now += 15
    told = {number for _, number, *_ in world.taken}
    assert told == {ids(world, key) for key in keys[poisoned:]}
    tries = world.broken_off
    world.database.outbox.owe_report("daily", "daily:new", NOW, int(world.now))
    world.round()
    assert ids(world, "daily:new") in {number for _, number, *_ in world.taken}
    for _ in range(240):  # an hour: they are tried after longer and longer times, as any mail that failed
        world.now += 15
        world.round()
    assert world.broken_off - tries <= 12 * poisoned * len(THREE_PEOPLE)
    world.breaks = frozenset()
    world.until_all_arrived(10)
    assert len(world.taken) == 6 * len(THREE_PEOPLE)


def test_a_recipient_at_whom_the_server_breaks_off_holds_no_other_up(world: World) -> None:
    world.breaks = frozenset({"bob@example.com"})
    world.breaches(1)
    for _ in range(4):
        world.round()
        world.now += 15
    assert [each[0] for each in world.taken] == ["ann@example.com", "eve@example.com"] * 2
    world.breaks = frozenset()
    world.until_all_arrived(10)
    world.check(mails=2)
    assert len(world.taken) == 6


def test_after_an_hour_of_break_offs_the_oldest_mail_leaves_first(world: World) -> None:
    keys = [f"daily:{number}" for number in range(6)]
    for key in keys[:5]:
        world.database.outbox.owe_report("daily", key, NOW, NOW)
    world.breaks = frozenset(THREE_PEOPLE)
    while world.now < NOW + 3600:
        world.now += 60
        world.round()
    world.breaks = frozenset()
    world.now += 15
    world.database.outbox.owe_report("daily", keys[5], NOW, int(world.now))
    world.round()
    assert [number for who, number, *_ in world.taken if who == "ann@example.com"] == [
        ids(world, key) for key in keys
    ]
    assert len(world.taken) == 6 * len(THREE_PEOPLE)
