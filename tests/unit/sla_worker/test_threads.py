"""What follows on a breach's first mail: its end, that it lasts or got worse, and not more than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.delivery.smtp import Refusal
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures, Planned, Reason, Scope
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE
from unit.sla_worker.setting import Setting

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]  # at most 0.1 % errors
NOW = 1_700_000_100  # slots of 300 s are named by their number from here
HOUR = 3600
FOUR_HOURS = 4 * HOUR
OWNER, ON_CALL = "owner@example.com", "on-call@example.com"


class Ledger:
    """A ledger of one SLA whose slots are stored one by one, each followed by a turn."""

    def __init__(self, place: Place, repeat_seconds: int = FOUR_HOURS) -> None:
        self.place = place
        self.repeat_seconds = repeat_seconds
        self.slot = 0
        self.open()

    def open(self) -> None:
        self.database = SLADatabase(self.place.location, clock=lambda: NOW + self.slot * 300)
        self.database.sync_definitions(DEFINITIONS)

    def store(self, *bad: float) -> None:
        """The next slots, of 1,000 events each."""
        for each in bad:
            self.slot += 1
            self.again(self.slot, each, Reason.FIRST)
            self.turn()

    def again(self, slot: int, bad: float, reason: Reason) -> None:
        row = evaluate(ERRORS, NOW + slot * 300, Figures(1000 - bad, 1000, 1), final=reason is Reason.FIRST)
        self.database.store([row], reason=reason)

    def turn(self) -> None:
        self.database.threads.turn(NOW + self.slot * 300, self.repeat_seconds)

    @property
    def owed(self) -> list[tuple[str, int]]:
        """The mails in their order: kind, and the slot in whose turn each was owed."""
        rows = self.place.query("SELECT type, created_at FROM sla_notifications ORDER BY id")
        return [(kind, (at - NOW) // 300) for kind, at in rows]

    def send_all(self) -> None:
        """Everybody gets what is owed."""
        outbox, now = self.database.outbox, NOW + self.slot * 300
        for each in outbox.due(now):
            for one in outbox.deliveries(each, [OWNER, ON_CALL], now):
                outbox.delivered(outbox.attempt(one, now), now)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(SQLitePlace(tmp_path / "sla.db"))
    yield made
    made.database.close()


def test_the_end_is_told_at_once_and_once_over_restarts_too(place: Place) -> None:
    ledger = Ledger(place)
    ledger.store(0, 100, 100)
    ledger.database.close()
    ledger.open()
    ledger.turn()
    ledger.store(0, 0)
    ledger.database.close()
    ledger.open()
    ledger.turn()
    ledger.store(*[0] * 50)
    assert ledger.owed == [("breach", 2), ("breach_end", 4)]
    assert place.query("SELECT notification_key FROM sla_notifications ORDER BY id") == [
        ("breach:1",),
        ("breach_end:1.1:breach:1",),
    ]
    ledger.database.close()


def test_an_sla_that_flaps_costs_four_mails_until_it_was_quiet_for_an_hour(ledger: Ledger) -> None:
    """Twelve breaches in two hours, the last in slot 23: its end is told when slot 23 is an hour ago."""
    ledger.store(*[100, 0] * 12)
    assert ledger.owed == [("breach", 1), ("breach_end", 2), ("breach_again", 3)]
    ledger.store(*[0] * 20)
    # The breach of slot 23 ends with it; slot 35 ends an hour later.
    assert ledger.owed[3:] == [("breach_end", 35)]
    assert len(ledger.database.threads.breaches(1, 12)) == 12
    ledger.store(100, 0)  # slot 45: more than an hour after the end
    assert ledger.owed[4:] == [("breach", 45), ("breach_end", 46)]
    assert ledger.database.threads.breaches(1, 13) == list(range(1, 13))  # the thirteenth has its own thread


def test_while_it_lasts_it_is_told_after_the_interval_and_then_after_twice_as_long_up_to_a_day(
    ledger: Ledger,
) -> None:
    """12 slots an hour: after 4 h, 8 h more, then 16 h, then a day each."""
    ledger.store(100)
    for hour in range(1, 80):
        ledger.slot = 1 + hour * 12
        ledger.turn()
    assert [(kind, (slot - 1) // 12) for kind, slot in ledger.owed] == [
        ("breach", 0),
        ("breach_lasts", 4),
        ("breach_lasts", 12),
        ("breach_lasts", 28),
        ("breach_lasts", 52),
        ("breach_lasts", 76),
    ]


def test_it_can_be_switched_off_that_a_breach_lasts(tmp_path: Path) -> None:
    ledger = Ledger(SQLitePlace(tmp_path / "sla.db"), repeat_seconds=0)
    ledger.store(*[100] * 100)
    assert ledger.owed == [("breach", 1)]
    ledger.database.close()


def test_one_that_is_twice_as_far_from_its_target_as_was_told_is_told_as_worse(ledger: Ledger) -> None:
    """The target is 0.1 %. Told are 1.1 %, 1 % too much: 2.0 % is not twice as far, 2.1 % is.

    Told then, in slot 5, are 2.1 %, so 2 % too much: 4.1 % in slot 6 is twice as far, and is told in slot 8,
    a quarter of an hour after the mail before it.
    """
    ledger.store(11, 20, 11, 11, 21, 41, 11, 11, 11, 41, 41, 41)
    assert ledger.owed == [("breach", 1), ("breach_worse", 5), ("breach_worse", 8)]


def test_a_breach_that_turns_out_to_be_none_is_told_to_those_who_heard_of_it(ledger: Ledger) -> None:
    ledger.store(0, 100)
    ledger.send_all()
    ledger.again(2, 0, Reason.RECOMPUTE)
    ledger.store(0)
    assert ledger.owed == [("breach", 2), ("breach_end", 3)]
    assert ledger.database.threads.breaches(1, 1) == []


def test_of_a_breach_that_turns_out_to_be_none_before_its_mail_left_nobody_hears(ledger: Ledger) -> None:
    ledger.store(0, 100)
    ledger.again(2, 0, Reason.RECOMPUTE)
    ledger.store(0, 0)
    assert ledger.owed == []
    ledger.again(2, 100, Reason.RECOMPUTE)  # it was one after all, and is over
    ledger.store(0)
    assert [kind for kind, _ in ledger.owed] in (["breach", "breach_end"], ["catch_up"])


def test_one_that_goes_on_after_its_end_was_told_is_told_again(ledger: Ledger) -> None:
    ledger.store(100, 0)
    ledger.again(2, 100, Reason.RECOMPUTE)
    ledger.store(100, 0)
    assert ledger.owed == [("breach", 1), ("breach_end", 2), ("breach_lasts", 3), ("breach_end", 4)]


def test_a_breach_of_a_removed_sla_is_not_told_for_ever(ledger: Ledger) -> None:
    ledger.store(100)
    ledger.database.sync_definitions(DEFINITIONS[:2])
    ledger.slot = 1000
    ledger.database.threads.look_again()
    ledger.turn()
    assert ledger.owed == [("breach", 1)]


def test_a_breach_that_maintenance_ends_does_not_read_as_repaired(ledger: Ledger) -> None:
    ledger.store(100, 100)
    planned = Planned(Scope((ERRORS.key,)), NOW + 600, NOW + 1200, "ann", "upgrade")
    ledger.database.maintenance.add(planned, NOW + 600)
    ledger.store(100)
    assert ledger.owed == [("breach", 1), ("breach_end", 3)]
    assert ledger.database.threads.is_excluded_after(1)


class Keeping:
    """A mail server that keeps what it takes, and refuses some recipients."""

    def __init__(self) -> None:
        self.refused: dict[str, Refusal] = {}
        self.taken: list[tuple[EmailMessage, list[str]]] = []

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        self.taken.append((made, [each for each in recipients if each not in self.refused]))
        return {each: self.refused[each] for each in recipients if each in self.refused}


@pytest.fixture
def sender() -> Keeping:
    return Keeping()


@pytest.fixture
def setting(tmp_path: Path, sender: Keeping) -> Iterator[Setting]:
    made = Setting(tmp_path, sender=sender, SLA_REREAD_SECONDS="0")  # it has one answer for all slots
    yield made
    made.close()


def pass_slots(setting: Setting, good: float, count: int = 1) -> None:
    """The next slots have so many good of 1,000."""
    setting.prometheus.values[GOOD] = good
    for _ in range(count):
        setting.step()
        setting.now += 300


def told(sender: Keeping, title: str = "API Error Rate") -> list[tuple[EmailMessage, list[str]]]:
    return [(made, to) for made, to in sender.taken if title in str(made["Subject"])]


def test_a_mail_that_follows_answers_the_first_one_and_goes_to_who_got_that(
    setting: Setting, sender: Keeping
) -> None:
    sender.refused[ON_CALL] = Refusal(550, "no such user")
    pass_slots(setting, 900)
    sender.refused.clear()
    pass_slots(setting, 900, 48)
    pass_slots(setting, 1000, 2)
    assert setting.now == SLOT + 45 + 51 * 300
    mails = told(sender)
    assert [(str(made["Subject"]), to) for made, to in mails] == [
        ("[critical] SLA breached: API Error Rate", [OWNER]),
        ("[critical] SLA still breached after 4 h 5 min: API Error Rate", [OWNER]),
        ("[resolved] SLA breach is over after 4 h 5 min: API Error Rate", [OWNER]),
    ]
    first = mails[0][0]
    assert first["In-Reply-To"] is None
    for made, _ in mails[1:]:
        assert made["In-Reply-To"] == made["References"] == first["Message-ID"]
        assert made["Auto-Submitted"] == "auto-generated"
    assert len({str(made["Message-ID"]) for made, _ in mails}) == 3


def test_a_mail_that_follows_waits_for_the_first_one_and_nobody_gets_it_without(
    setting: Setting, sender: Keeping
) -> None:
    sender.refused = {OWNER: Refusal(451, "later"), ON_CALL: Refusal(451, "later")}
    pass_slots(setting, 900)
    pass_slots(setting, 1000, 3)
    assert {str(made["Subject"]) for made, _ in told(sender)} == {"[critical] SLA breached: API Error Rate"}
    sender.taken.clear()
    sender.refused = {ON_CALL: Refusal(550, "no such user")}
    pass_slots(setting, 1000, 4)
    assert [(str(made["Subject"]), to) for made, to in told(sender)] == [
        ("[critical] SLA breached: API Error Rate", [OWNER]),
        ("[resolved] SLA breach is over after 5 min: API Error Rate", [OWNER]),
    ]
    assert setting.service.database.outbox.owed() == {}


def test_the_end_of_one_that_flapped_names_all_its_breaches(setting: Setting, sender: Keeping) -> None:
    """Two slots are bad, with a good one between them; the second end is told an hour later."""
    for good in (900, 1000, 900):
        pass_slots(setting, good)
    pass_slots(setting, 1000, 14)
    (made, _) = told(sender)[-1]
    assert [str(each["Subject"]) for each, _ in told(sender)] == [
        "[critical] SLA breached: API Error Rate",
        "[resolved] SLA breach is over after 5 min: API Error Rate",
        "[critical] SLA breached again: API Error Rate",
        "[resolved] SLA breaches are over, 2 in 15 min: API Error Rate",
    ]
    text = made.get_body(("plain",))
    assert text is not None
    assert "It came and went: 2 breaches, 10 min in total." in text.get_content()
    assert text.get_content().count("\nBreach:") == 2
