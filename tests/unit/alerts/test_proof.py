"""One alert's way through the proof, out of what was seen; all times by hand."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.floors import Floors
from alerts.proof import Proof, Seen, State, caused, early_ends, ended, owed, owed_after, strays
from alerts.shipped import Alert
from e2e.live import Mail

ALERT = Alert(
    name="Bad",
    labels={"severity": "critical", "component": "worker"},
    for_seconds=60,
    keep_firing_seconds=0,
    receivers=("critical", "worker"),
    mailboxes={"critical": "critical@example.com", "worker": "worker@example.com"},
)
BEGAN = 1000.0


def mail(subject: str, to: str, at: float) -> Mail:
    return Mail(received_at=at, recipients=(f"{to}@example.com",), subject=subject, html="", text="")


def webhook(receiver: str, at: int, status: str = "firing") -> dict[str, Any]:
    return {"alertname": "Bad", "status": status, "receiver": receiver, "received_at": at}


def seen(
    at: float,
    state: str | None = None,
    mails: tuple[Mail, ...] = (),
    webhooks: tuple[dict[str, Any], ...] = (),
) -> Seen:
    """What there is at a time; the condition of a pending or firing alert began to hold at 1002."""
    active = {} if state is None else {"Bad": (frozenset({state}), 1002.0)}
    return Seen(at, active, mails, webhooks)


@pytest.fixture
def proof() -> Proof:
    return Proof(ALERT, "A title", state=State.CAUSED, caused_at=BEGAN)


FIRING = (mail("[FIRING:1] CRITICAL Bad", "critical", 1008), mail("[FIRING:1] CRITICAL Bad", "worker", 1009))
STORED = (webhook("critical", 1008), webhook("worker", 1010))


def test_it_goes_pending_then_firing_and_is_told(proof: Proof) -> None:
    caused(proof, seen(1001))
    assert owed(proof)[0] == "pending"
    caused(proof, seen(1002.2, "pending"))
    assert (proof.state, proof.condition_at, owed(proof)[0]) == (State.PENDING, 1002.0, "firing")
    caused(proof, seen(1006.3, "firing"))
    assert (proof.state, proof.firing_at) == (State.FIRING, 1006.3)
    assert owed(proof) == [
        "a mail to critical@example.com",
        "a mail to worker@example.com",
        "the webhook of critical, worker",
    ]
    caused(proof, seen(1010, "firing", FIRING, STORED))
    assert owed(proof) == []
    assert proof.told_at == 1008  # the first of the mails
    assert proof.webhook_at == 1010  # the last of the receivers


def test_a_condition_that_held_only_for_a_moment_is_forgotten(proof: Proof) -> None:
    caused(proof, seen(1002.2, "pending"))
    caused(proof, seen(1003))
    caused(proof, Seen(1010, {"Bad": (frozenset({"pending"}), 1008.0)}, (), ()))
    caused(proof, Seen(1012, {"Bad": (frozenset({"firing"}), 1008.0)}, (), ()))
    caused(proof, Seen(1014, {"Bad": (frozenset({"firing"}), 1002.0)}, (), ()))
    assert (proof.condition_at, proof.firing_at) == (1008.0, 1012)


def test_what_comes_later_is_not_owed_now(proof: Proof) -> None:
    caused(proof, seen(1006, "firing", FIRING[:1], STORED[:1]))
    assert owed(proof, {"mail"}) == ["the webhook of critical, worker"]
    assert owed(proof, {"webhook"}) == ["a mail to worker@example.com"]
    assert owed(proof, {"mail", "webhook"}) == []


@pytest.mark.parametrize(
    "other",
    [
        mail("[FIRING:1] CRITICAL Bad", "critical", 990),  # before the cause
        mail("[RESOLVED:1] CRITICAL Bad", "critical", 1008),
        mail("[FIRING:1] CRITICAL BadToo", "critical", 1008),
        mail("[FIRING:1] WARNING Bad", "critical", 1008),
        mail("[DRILL] [FIRING:1] CRITICAL Bad", "critical", 1008),
        mail("[FIRING:1] CRITICAL Bad", "default", 1008),
    ],
    ids=lambda each: f"{each.subject} at {each.received_at:g}",
)
def test_a_mail_about_something_else_does_not_count(proof: Proof, other: Mail) -> None:
    caused(proof, seen(1008, "firing", (other,)))
    assert proof.mails == {}


def test_it_ends_with_resolved_mails_and_webhooks(proof: Proof) -> None:
    caused(proof, seen(1010, "firing", FIRING, STORED))
    proof.ended_at = 1020
    resolved = (
        mail("[RESOLVED:1] CRITICAL Bad", "critical", 1031),
        mail("[RESOLVED:1] CRITICAL Bad", "worker", 1032),
    )
    ended(proof, seen(1025, "firing"))
    assert owed_after(proof) == ["inactive"]
    ended(proof, seen(1030, None, FIRING, STORED))
    assert proof.inactive_at == 1030
    assert owed_after(proof)[0] == "a resolved mail to critical@example.com"
    ends = (webhook("critical", 1031, "resolved"), webhook("worker", 1032, "resolved"))
    ended(proof, seen(1033, None, FIRING + resolved, STORED + ends))
    assert owed_after(proof) == []
    assert early_ends(proof, resolved) == 0


def test_a_mail_that_nobody_reports_it_any_more_is_no_end_and_is_told(proof: Proof) -> None:
    caused(proof, seen(1010, "firing", FIRING, STORED))
    proof.ended_at = 1020
    lost = mail("[NO LONGER REPORTED:1] CRITICAL Bad", "critical", 1031)
    ended(proof, seen(1033, None, (*FIRING, lost), STORED))
    assert owed_after(proof)[:2] == [
        "a resolved mail to critical@example.com, which says NO LONGER REPORTED",
        "a resolved mail to worker@example.com",
    ]


def test_mail_to_others_and_a_false_end_are_found(proof: Proof) -> None:
    caused(proof, seen(1010, "firing", FIRING, STORED))
    proof.ended_at = 1020
    assert strays(proof, FIRING) == []
    astray = mail("[FIRING:1] CRITICAL Bad", "default", 1008)
    assert strays(proof, (*FIRING, astray)) == ["default@example.com"]
    assert early_ends(proof, [mail("[RESOLVED:1] CRITICAL Bad", "worker", 1015)]) == 1


def test_the_floor_is_for_and_group_wait_and_a_scrape_and_an_evaluation(proof: Proof) -> None:
    floors = Floors(factor=15, scrape_seconds=1, evaluation_seconds=2, group_wait_seconds={"Bad": 3})
    assert floors.overrun_seconds(proof) is None
    # 60 s ÷ 15 = 4 s, and 3 + 1 + 2 s.
    assert floors.floor_seconds(ALERT) == 10
    caused(proof, seen(1010, "firing", FIRING, STORED))
    # Told at 1008, 6 s after the condition at 1002; without the scrape, which came before, the floor is 9 s.
    assert floors.overrun_seconds(proof) == -3
