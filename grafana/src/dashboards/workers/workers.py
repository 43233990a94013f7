"""The rows about the workers themselves: health, queues, tasks, and one worker alone."""

from __future__ import annotations

from .. import names
from ..definitions import Sla
from ..layout import Band
from ..limits import scale, value, window
from ..panels import GREEN, RED, Query, Text, states
from ..programs import percentile
from ..tiles import lines, row
from . import expressions as ql

HEALTH = {"0": ("Down", RED), "1": ("Healthy", GREEN)}


def workers(slas: list[Sla]) -> list[Band]:
    """Whether they are up, and stay so."""
    health = states(
        21,
        Text(
            "Health of each worker",
            "When each worker was up and when it was down; a gap is time that nobody measured.",
            f"the lowest `{names.WORKER_HEALTH}` of each step, so that a short outage is not lost.",
            "down: look for the worker's name in the log at that moment (WorkerUnhealthy's runbook).",
            "No workers",
        ),
        [Query(f"min by (worker_name) (min_over_time({ql.HEALTH}[$__rate_interval]))", "{{worker_name}}")],
        HEALTH,
    )
    restarts = lines(
        22,
        Text(
            "Restarts of each worker",
            f"Restarts within {window('WorkerFrequentRestarts')}, at each moment.",
            "`increase(insa_worker_restarts_total)` over the window of the alert.",
            "look for the task that comes back after each restart, and set it aside.",
        ),
        "none",
        {"{{worker_name}}": f"max by (worker_name) ({ql.restarts(window('WorkerFrequentRestarts'))})"},
        scale(slas, "WorkerFrequentRestarts"),
    )
    heartbeat = lines(
        23,
        Text(
            "Time since the last heartbeat",
            "How long ago each worker's loop turned.",
            "`time()` - `insa_worker_last_heartbeat_timestamp_seconds`.",
            "a line that climbs is a worker that hangs: it counts as unhealthy soon.",
        ),
        "s",
        {"{{worker_name}}": ql.heartbeat_age()},
    )
    down = lines(
        24,
        Text(
            "Workers down",
            "How many workers of each program take no tasks.",
            f"count of `{names.WORKER_HEALTH}` == 0, by job.",
            "from the line on, look for what the failed ones share (MultipleWorkersDown's runbook).",
            "No workers",
        ),
        "none",
        {"{{job}}": ql.down_by_job()},
        scale(slas, "MultipleWorkersDown"),
    )
    return [
        row(health, down),
        row(restarts, heartbeat),
    ]


def queues(slas: list[Sla]) -> list[Band]:
    """What waits, and how loaded the workers are."""
    depth = lines(
        31,
        Text(
            "Queue depth",
            "Tasks that wait for each worker.",
            "max of `insa_worker_queue_depth`, by worker.",
            "one queue that grows: look at that worker; all of them: too much traffic, or slow tasks.",
        ),
        "none",
        {"{{worker_name}}": f"max by (worker_name) ({ql.QUEUE})"},
        scale(slas, "WorkerHighQueueDepth", sla=value("insa_worker_queue_depth")),
    )
    fill = lines(
        32,
        Text(
            "Queue fill",
            "How much of each queue's room is taken; a full queue refuses tasks.",
            "`insa_worker_queue_depth` / `insa_worker_queue_capacity`.",
            "near 100 %, slow the callers down or add workers before tasks are refused.",
        ),
        "percentunit",
        {"{{worker_name}}": ql.queue_fill()},
    )
    utilization = lines(
        33,
        Text(
            "Utilisation",
            "Share of each worker's slots in use, and of all together.",
            "`insa_worker_utilization_ratio`, by worker, and its mean.",
            "above the line for long, a burst has nowhere to go: add workers.",
        ),
        "percentunit",
        {
            "{{worker_name}}": f"max by (worker_name) ({ql.UTILIZATION})",
            "all": f"avg({ql.UTILIZATION})",
        },
        scale(slas, sla=value("insa_worker_utilization_ratio")),
    )
    return [row(depth, fill, utilization)]


def tasks(slas: list[Sla]) -> list[Band]:
    """What the workers get done."""
    processed = lines(
        41,
        Text(
            "Tasks processed",
            "Tasks a second that each worker ended, however they ended.",
            "`rate(insa_worker_tasks_processed_total)`, by worker.",
            "a line at zero beside a queue that grows is a worker that hangs.",
        ),
        "ops",
        {"{{worker_name}}": ql.processed("worker_name")},
    )
    failed = lines(
        42,
        Text(
            "Task success",
            "Share of each worker's tasks that ended without an error, a timeout or a dead letter.",
            "1 - tasks failed / tasks processed, by worker.",
            "one worker alone: restart it; all: look at the agents and their dependencies.",
            "No tasks",
        ),
        "percentunit",
        {"{{worker_name}}": ql.success_share("worker_name"), "all": ql.success_share()},
        scale(slas, sla=ql.TASKS_SLA),
    )
    duration = lines(
        43,
        Text(
            "Task duration P95",
            "One task in 20 holds its slot longer than this.",
            f"95th percentile of `{ql.TASK_DURATION}`, by worker.",
            "when it rises, queues follow: look for the dependency that has become slow.",
            "No tasks",
        ),
        "s",
        {"{{worker_name}}": percentile(0.95, ql.TASK_DURATION, ql.CHOSEN, "worker_name")},
    )
    return [row(processed, failed, duration)]


def each_worker(slas: list[Sla]) -> list[Band]:
    """One worker alone; the row is repeated for each that is chosen."""
    queue = lines(
        71,
        Text(
            "$worker: queue",
            "Tasks that wait for this worker, and the room that its queue has.",
            "`insa_worker_queue_depth` and `insa_worker_queue_capacity`.",
            "when it grows, compare with the tasks of this worker beside it.",
        ),
        "none",
        {"waiting": f"max({ql.QUEUE})", "room": f"max({ql.CAPACITY})"},
        scale(slas, "WorkerHighQueueDepth"),
    )
    done = lines(
        72,
        Text(
            "$worker: tasks",
            "Tasks a second that this worker ended, and those that failed.",
            "`rate(insa_worker_tasks_processed_total)` and `rate(insa_worker_tasks_failed_total)`.",
            "read the worker's log at the moment at which failures rise.",
        ),
        "ops",
        {"ended": ql.processed(), "failed": f"sum(rate({ql.FAILED}[$__rate_interval]))"},
    )
    times = lines(
        73,
        Text(
            "$worker: task duration",
            "Median, 95th and 99th percentile of the time that a task holds a slot.",
            f"percentiles of `{ql.TASK_DURATION}`.",
            "when P99 alone rises, single tasks hang; when the median does, all are slow.",
            "No tasks",
        ),
        "s",
        {
            f"P{quantile * 100:.0f}": percentile(quantile, ql.TASK_DURATION, ql.CHOSEN)
            for quantile in (0.5, 0.95, 0.99)
        },
    )
    return [row(queue, done, times)]
