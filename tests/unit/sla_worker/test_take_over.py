"""The leader of two workers lost at random: no slot lacks or is there twice, and no mail either."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ports import free_port
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.fake_prometheus import SLOT, THREE
from unit.sla_worker.setting import Mailbox
from unit.sla_worker.take_over import CUT, KILL, PAUSE, RESTART, STEP, Orders, environ_of, is_bad, process_of
from waiting import patience

KILLS = int(os.environ.get("KILLS") or 50)
KEYS = ("api-error-rate", "api-response-time-p95", "platform-uptime")
MET, BREACHED = 0, 1


class SlowMailbox(Mailbox):
    """Has a mail for a while before it says so: a leader that is lost then does not know that it has."""

    async def handle_DATA(self, *call: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        answer = await super().handle_DATA(*call)
        await asyncio.sleep(0.1)
        return answer


def test_whatever_becomes_of_the_leader_nothing_is_lost_or_doubled(schema: PostgreSQLPlace) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"\nseed of the losses: {seed} (SEED={seed} repeats it)")
    losses = [KILL] * KILLS + [PAUSE] * 5 + [CUT] * 5 + [RESTART] * 2
    random.Random(seed).shuffle(losses)  # noqa: S311 - reproducible, no secret
    port = free_port()
    with SlowMailbox(port) as mailbox:
        outcome = obeyed(schema, Orders(seed, losses, environ_of(schema.location, THREE, port)))
    print("\n".join(line for line in outcome["told"]))
    last = (int(outcome["now"]) - 45 - SLOT) // STEP
    # Of 1,000 requests 100 fail in every 13th slot, and 2 of 20 scrapes: all three SLAs are breached there.
    wanted = [(key, SLOT + number * STEP, *counts(key, number)) for key in KEYS for number in range(last + 1)]
    compare(
        schema.query(
            "SELECT key, slot, good_events, total_events, coverage FROM sla_measurements"
            " JOIN sla_definitions d ON d.id = sla_id ORDER BY key, slot"
        ),
        wanted,
    )
    breaches = [
        (key, SLOT + (number - 1) * STEP, SLOT + number * STEP if number < last else None)
        for key in KEYS
        for number in range(last + 1)
        if is_bad(number)
    ]
    compare(
        schema.query(
            "SELECT key, started_at, ended_at FROM sla_breaches JOIN sla_definitions d ON d.id = sla_id"
            " ORDER BY key, started_at"
        ),
        breaches,
    )
    # What was owed has arrived. What arrived twice, as it was on its way when the leader was lost, did so
    # under one Message-ID, by which a mailbox knows it.
    owed = schema.query("SELECT COUNT(*) FROM sla_notifications WHERE recipients <> '' OR recipients IS NULL")
    arrived = Counter(each["Message-ID"] for each in mailbox.mails)
    print(f"{len(mailbox.mails)} mails, {sum(arrived.values()) - len(arrived)} of them again")
    assert [(len(arrived),)] == owed
    told = schema.query(
        "SELECT breach_id, COUNT(*) FROM sla_notifications WHERE breach_id IS NOT NULL"
        " GROUP BY type, breach_id HAVING COUNT(*) > 1"
    )
    assert told == []


def test_a_month_that_ends_meanwhile_is_closed_and_reported_once(schema: PostgreSQLPlace) -> None:
    """From 23:25 of 30 November to 01:25, with a leader every ten minutes; reports leave at 01:00."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"\nseed of the losses: {seed} (SEED={seed} repeats it)")
    port = free_port()
    environ = {**environ_of(schema.location, THREE, port), "REPORT_HOUR": "1"}
    begin = 1_701_388_800 - 7 * STEP
    with SlowMailbox(port) as mailbox:
        outcome = obeyed(schema, Orders(seed, [KILL] * 12, environ, begin=begin))
    assert outcome["now"] >= begin + 24 * STEP  # type: ignore[operator]  # a number of JSON
    [(month, revision, digest, document)] = schema.query(
        "SELECT month, revision, sha256, document FROM sla_monthly_reports"
    )
    assert (month, revision) == ("2023-11", 1)
    assert hashlib.sha256(document.encode()).hexdigest() == digest
    reports = "SELECT type, COUNT(*) FROM sla_notifications WHERE type IN ('daily', 'monthly') GROUP BY type"
    assert sorted(schema.query(reports)) == [("daily", 1), ("monthly", 1)]
    arrived = Counter(each["Message-ID"] for each in mailbox.mails)
    told = {(each["Message-ID"], each["Subject"]) for each in mailbox.mails}
    owed = schema.query("SELECT COUNT(*) FROM sla_notifications WHERE recipients <> '' OR recipients IS NULL")
    assert [(len(arrived),)] == [(len(told),)] == owed


def compare(found: Sequence[object], wanted: Sequence[object]) -> None:
    """Few lines where they differ."""
    assert [each for each in found if each not in wanted][:9] == []
    assert [each for each in wanted if each not in found][:9] == []
    assert len(found) == len(wanted)


def counts(key: str, number: int) -> tuple[float, float, float]:
    """Good and total events, and the coverage, of a slot: of a target that is down nothing is counted."""
    bad = is_bad(number)
    if key == "platform-uptime":
        return (18.0 if bad else 20.0, 20.0, 1.0)
    return (900.0 if bad else 1000.0, 1000.0, 0.9 if bad else 1.0)


def obeyed(place: PostgreSQLPlace, orders: Orders) -> dict[str, object]:
    """What the workers' process says; the server is restarted when it asks for that."""
    process = process_of(orders)
    assert process.stdin
    assert process.stdout
    try:
        for line in process.stdout:
            if line.strip() != RESTART:
                process.wait(patience(10))
                return json.loads(line)
            place.server.stop()
            place.server.start()
            print("done", file=process.stdin, flush=True)
        raise AssertionError(f"the workers' process ended with {process.wait(patience(10))}; see above")
    finally:
        process.kill()
        process.communicate()
