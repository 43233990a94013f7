"""Mails that are owed: one row a recipient, the attempt recorded before the send, nothing asked in vain."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.conventions import OUTAGE_END_MAIL, OUTAGE_MAIL
from sla_worker.database import SLADatabase
from sla_worker.errors import DatabaseError
from sla_worker.model import Delivery, Notification
from unit.sla_worker.databases import Place

NOW = 1_700_000_100
OWNER, ON_CALL = "owner@example.com", "on-call@example.com"


class Ledger:
    """A database whose clock a test moves, and a second way in to see what is stored."""

    def __init__(self, place: Place) -> None:
        self.now = NOW
        self.place = place
        self.database = SLADatabase(place.location, clock=lambda: self.now)
        self.outbox = self.database.outbox

    def owe(self, key: str = "daily:1") -> Notification:
        assert self.outbox.owe_report("daily", key, NOW, NOW)
        return self.outbox.due(NOW)[-1]

    def open(self, notification: Notification, *recipients: str) -> list[Delivery]:
        return self.outbox.deliveries(notification, recipients or (OWNER, ON_CALL), self.now)

    def stored(self, sql: str) -> list[tuple[object, ...]]:
        return self.place.query(sql)

    def refuse_writing(self, table: str) -> None:
        self.place.refuse_writing(table)

    def accept_writing(self, table: str) -> None:
        self.place.accept_writing(table)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place)
    yield made
    made.database.close()


def test_each_recipient_has_a_delivery_of_its_own(ledger: Ledger) -> None:
    mail = ledger.owe()
    first, second = (ledger.outbox.attempt(each, NOW) for each in ledger.open(mail))
    ledger.outbox.delivered(first, NOW)
    assert ledger.outbox.failed(second, "450 later", NOW) == 15
    ledger.now = NOW + 15
    [left] = ledger.open(mail)
    assert (left.recipient, left.attempts) == (ON_CALL, 1)  # the owner does not get it again
    assert ledger.outbox.owed() == {"daily": 1}
    ledger.outbox.delivered(ledger.outbox.attempt(left, NOW + 15), NOW + 15)
    assert ledger.outbox.owed() == {}
    assert ledger.outbox.due(NOW + 10**6) == []
    assert ledger.stored("SELECT sent_at, success, error, recipients, done_at FROM sla_notifications") == [
        (NOW + 15, 1, None, f"{ON_CALL}, {OWNER}", NOW + 15)
    ]


def test_a_recipient_who_is_refused_for_good_is_given_up_and_counted(ledger: Ledger) -> None:
    mail = ledger.owe()
    first, second = (ledger.outbox.attempt(each, NOW) for each in ledger.open(mail))
    ledger.outbox.gave_up(first, "550 no such user", NOW)
    ledger.outbox.delivered(second, NOW)
    assert (ledger.outbox.owed(), ledger.outbox.given_up()) == ({}, {"daily": 1})
    assert ledger.stored("SELECT sent_at, success, error FROM sla_notifications") == [
        (NOW, 0, f"{OWNER}: 550 no such user")
    ]


def test_a_mail_that_nobody_got_was_not_sent(ledger: Ledger) -> None:
    mail = ledger.owe()
    [delivery] = ledger.open(mail, OWNER)
    ledger.outbox.gave_up(ledger.outbox.attempt(delivery, NOW), "550 no", NOW)
    assert ledger.stored("SELECT sent_at, success, done_at FROM sla_notifications") == [(None, 0, NOW)]


def test_waits_grow_to_ten_minutes(ledger: Ledger) -> None:
    mail, waits = ledger.owe(), []
    for _ in range(7):
        [delivery] = ledger.open(mail, OWNER)
        waits.append(ledger.outbox.failed(ledger.outbox.attempt(delivery, ledger.now), "450", ledger.now))
        assert ledger.open(mail, OWNER) == []
        assert ledger.outbox.next_due() == ledger.now + waits[-1]
        ledger.now += waits[-1]
    assert waits == [15, 30, 60, 120, 240, 480, 600]


def test_the_attempt_is_stored_before_the_mail_may_leave(ledger: Ledger) -> None:
    mail = ledger.owe()
    [delivery] = ledger.open(mail, OWNER)
    ledger.outbox.attempt(delivery, NOW)
    # Killed right after: the next start waits as after a try that failed.
    assert ledger.stored("SELECT attempts, next_attempt_at FROM sla_deliveries") == [(1, NOW + 15)]
    ledger.now = NOW + 15
    [again] = ledger.open(mail, OWNER)
    ledger.refuse_writing("sla_deliveries")
    with pytest.raises(DatabaseError, match="cannot be written"):
        ledger.outbox.attempt(again, NOW + 15)  # who cannot note it must not send it
    assert "cannot be written" in str(ledger.database.trouble())


def test_what_was_sent_and_could_not_be_noted_is_not_sent_again(ledger: Ledger) -> None:
    mail = ledger.owe()
    [delivery] = ledger.open(mail, OWNER)
    begun = ledger.outbox.attempt(delivery, NOW)
    ledger.refuse_writing("sla_deliveries")
    with pytest.raises(DatabaseError):
        ledger.outbox.delivered(begun, NOW)
    ledger.now = NOW + 3600
    with pytest.raises(DatabaseError):
        ledger.open(mail, OWNER)  # still not noted: nothing is handed out
    ledger.accept_writing("sla_deliveries")
    assert ledger.open(mail, OWNER) == []
    assert ledger.stored("SELECT result, closed_at FROM sla_deliveries") == [("delivered", NOW)]
    assert ledger.outbox.owed() == {}


def test_a_corrected_address_takes_effect_for_mails_that_wait(ledger: Ledger) -> None:
    mail = ledger.owe()
    first, _ = (ledger.outbox.attempt(each, NOW) for each in ledger.open(mail, OWNER, "on-cal@example.com"))
    ledger.outbox.delivered(first, NOW)
    [delivery] = ledger.open(mail, OWNER, ON_CALL)
    assert delivery.recipient == ON_CALL
    ledger.outbox.delivered(ledger.outbox.attempt(delivery, NOW), NOW)
    assert ledger.outbox.owed() == {}
    assert ledger.outbox.given_up() == {}
    assert ledger.stored("SELECT recipient, result FROM sla_deliveries ORDER BY recipient") == [
        ("on-cal@example.com", "withdrawn"),
        (ON_CALL, "delivered"),
        (OWNER, "delivered"),
    ]


def test_a_mail_that_cannot_be_made_waits_as_a_whole(ledger: Ledger) -> None:
    mail = ledger.owe()
    assert ledger.outbox.postpone(mail, "no such template", NOW) == 15
    assert (ledger.outbox.due(NOW + 14), ledger.outbox.next_due()) == ([], NOW + 15)
    [again] = ledger.outbox.due(NOW + 15)
    assert ledger.outbox.postpone(again, "no such template", NOW + 15) == 30
    assert ledger.outbox.owed() == {"daily": 1}


@pytest.mark.parametrize(
    ("tries", "seconds", "old"),
    [
        (100, 432_000, True),
        (99, 432_000, False),  # a clock that jumped ahead by days is no days of tries
        (100, 431_999, False),
        (800, 0, False),
    ],
)
def test_a_mail_is_old_after_five_days_and_a_hundred_tries(
    ledger: Ledger,
    tries: int,
    seconds: int,
    old: bool,  # noqa: FBT001
) -> None:
    assert ledger.outbox.is_old(ledger.owe(), tries, NOW + seconds) is old


def test_a_mail_that_cannot_be_made_is_abandoned_for_all_who_miss_it(ledger: Ledger) -> None:
    mail = ledger.owe()
    first, _ = ledger.open(mail)
    ledger.outbox.delivered(ledger.outbox.attempt(first, NOW), NOW)
    assert ledger.outbox.abandon(mail, "no such template", NOW) == [ON_CALL]
    assert (ledger.outbox.owed(), ledger.outbox.given_up()) == ({}, {"daily": 1})
    assert ledger.stored("SELECT success, error, done_at FROM sla_notifications") == [
        (0, f"{ON_CALL}: no such template", NOW)
    ]


def test_a_mail_whose_recipients_are_not_known_is_abandoned_too(ledger: Ledger) -> None:
    mail = ledger.owe()
    assert ledger.outbox.abandon(mail, "unknown kind", NOW) == []
    assert (ledger.outbox.owed(), ledger.outbox.next_due()) == ({}, None)
    assert ledger.stored("SELECT success, error, done_at FROM sla_notifications") == [
        (0, "unknown kind", NOW)
    ]


def test_the_end_of_an_outage_waits_for_its_beginning_recipient_by_recipient(ledger: Ledger) -> None:
    ledger.database.outages.begin(NOW - 600, NOW)
    ledger.database.outages.received(NOW)
    [begin] = ledger.outbox.due(NOW)  # the end waits: nobody has been told of the beginning
    assert begin.type == OUTAGE_MAIL
    first, second = (ledger.outbox.attempt(each, NOW) for each in ledger.open(begin))
    ledger.outbox.delivered(first, NOW)
    ledger.outbox.failed(second, "450 later", NOW)
    [end] = ledger.outbox.due(NOW)
    assert end.type == OUTAGE_END_MAIL
    [told] = ledger.open(end)
    assert told.recipient == OWNER
    ledger.outbox.delivered(ledger.outbox.attempt(told, NOW), NOW)
    assert ledger.outbox.next_due() == NOW + 15  # the beginning's second recipient, and no sooner
    ledger.now = NOW + 15
    [late] = ledger.open(begin)
    ledger.outbox.gave_up(ledger.outbox.attempt(late, ledger.now), "550 no", ledger.now)
    assert [each.recipient for each in ledger.open(end)] == [ON_CALL]


def test_a_clock_that_ran_ahead_does_not_put_mails_off(ledger: Ledger) -> None:
    mail = ledger.owe()
    [delivery] = ledger.open(mail, OWNER)
    ledger.now = NOW + 86_400
    ledger.outbox.attempt(delivery, ledger.now)  # next try: tomorrow
    ledger.now = NOW + 60
    assert ledger.outbox.next_due() == ledger.now
    assert len(ledger.open(mail, OWNER)) == 1


def test_rows_of_a_rolled_back_transaction_are_not_remembered(ledger: Ledger) -> None:
    def owe_and_fail() -> None:
        with ledger.database._engine.transaction():
            ledger.outbox.owe_report("daily", "daily:9", NOW, NOW)
            assert ledger.outbox.owed() == {"daily": 1}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        owe_and_fail()
    assert ledger.outbox.owed() == {}
    assert ledger.outbox.next_due() is None


def test_mails_of_the_former_version_are_still_owed_and_their_kinds_renamed(tmp_path: Path) -> None:
    path = tmp_path / "sla.db"
    scripts = Path(__file__).parents[3] / "sla-worker" / "src" / "sla_worker" / "database" / "migrations"
    former = sqlite3.connect(path)
    for script in ("0001_ledger.sql", "0002_watchdog.sql"):
        former.executescript((scripts / script).read_text("utf-8"))
    former.executescript(
        "CREATE TABLE schema_migrations"
        " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);"
        "INSERT INTO schema_migrations VALUES (1, '0001_ledger.sql', 0), (2, '0002_watchdog.sql', 0);"
        "INSERT INTO ledger VALUES (1, 300, 0);"
        "INSERT INTO watchdog_silences VALUES (4, 100, 90, 700, 900);"
        "INSERT INTO sla_notifications (id, type, notification_key, silence_id, created_at, next_attempt_at,"
        " attempts, sent_at, success) VALUES (1, 'silence', 'silence:4', 4, 700, 700, 2, 710, 1),"
        " (2, 'silence_end', 'silence_end:4', 4, 900, 930, 1, NULL, 0);"
    )
    former.close()
    database = SLADatabase(path, clock=lambda: NOW)
    outage = database.outages.get(4)
    assert outage is not None
    assert (outage.started_at, outage.last_received_at, outage.noticed_at, outage.ended_at) == (
        100, 90, 700, 900,
    )  # fmt: skip
    [owed] = database.outbox.due(NOW)
    assert (owed.type, owed.key, owed.outage_id, owed.attempts) == (
        "watchdog_outage_end", "watchdog_outage_end:4", 4, 1,
    )  # fmt: skip
    database.close()
