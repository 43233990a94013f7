"""The row about dead letters."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import scale
from ..panels import GREEN, RED, Text
from ..programs import rate
from ..tiles import colored, lines, row
from . import expressions as ql


def letters_section(slas: list[Sla]) -> Section:
    """What could not be handled, why, and whether its replay succeeds."""
    size = lines(
        41,
        Text(
            "Dead letters",
            "Messages that could not be handled and wait for their replay.",
            "`insa_dlq_size`, by process.",
            "above a line see DeadLetterQueueGrowing's runbook: find the cause before you replay.",
        ),
        "none",
        {"{{instance}}": ql.LETTERS},
        scale(slas, "DeadLetterQueueGrowing", "DeadLetterQueueCritical"),
    )
    reasons = lines(
        42,
        Text(
            "New dead letters by reason",
            "Messages a second that died, and those dropped because the queue was full.",
            "`rate` of `insa_dlq_enqueued_total` by reason and of `insa_dlq_dropped_total`.",
            "the reason names the cause; what is dropped is lost.",
        ),
        "ops",
        {"{{reason}}": rate(ql.ENQUEUED, "reason"), "dropped": rate(ql.LETTERS_DROPPED)},
    )
    failing = lines(
        43,
        Text(
            "Replays that fail",
            "Share of the replays of dead letters that failed.",
            "replays with result failure / all replays, by process.",
            "above the red line the cause is still there: stop (HighDLQReplayFailureRate's runbook).",
            "No replays",
        ),
        "percentunit",
        {"{{instance}}": ql.replay_failures("job, instance")},
        scale(slas, "HighDLQReplayFailureRate", sla=ql.REPLAYS_SLA),
    )
    replays = colored(
        lines(
            44,
            Text(
                "Replays by result",
                "Dead letters a second that were tried again, by how that ended.",
                f"`rate({ql.REPLAYED})`, by result.",
                "without replays letters only grow older: see whether the replay runs.",
            ),
            "ops",
            {"{{result}}": rate(f"{ql.REPLAYED}{{{ql.OF_JOB}}}", "result")},
        ),
        {"success": GREEN, "failure": RED},
    )
    age = lines(
        45,
        Text(
            "Age of the oldest letter",
            "How long the oldest dead letter has waited; 0 without any.",
            "`insa_dlq_oldest_message_age_seconds`, by process.",
            "a line that climbs without a break is one letter that is never replayed.",
        ),
        "s",
        {"{{instance}}": ql.LETTER_AGE},
    )
    return Section(
        40,
        "Dead letters",
        [
            row(size, reasons),
            row(failing, replays, age),
        ],
    )
