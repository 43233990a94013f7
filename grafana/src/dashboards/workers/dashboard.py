"""The dashboard about workers: are they up, do their queues drain, and what have bus and system left."""

from __future__ import annotations

from .. import names, sdk, variables
from ..definitions import Sla
from ..frame import Identity, dashboard
from ..layout import Band, Section
from ..limits import scale, value, window
from ..panels import RED, Text
from ..programs import firing, percentile, while_there
from ..tiles import Column, Key, count_of_bad, number, table
from . import expressions as ql
from .bus import bus_section
from .system import system_section
from .workers import HEALTH, each_worker, queues, tasks, workers

IDENTITY = Identity(
    uid=names.WORKERS_DASHBOARD_UID,
    title="Worker Health & Queue Metrics",
    description="Are the workers up, do their queues drain, and what have message bus and system left.",
    tag="workers",
)


def workers_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, limits from the alert rules and the SLAs."""
    sections = [
        Section(10, "Overview: do the workers keep up?", overview(slas)),
        Section(20, "Workers", workers(slas)),
        Section(30, "Queues", queues(slas)),
        Section(40, "Tasks", tasks(slas)),
        bus_section(slas),
        system_section(slas),
        Section(70, "Worker $worker", each_worker(slas), collapsed=True, repeat="worker"),
    ]
    own = [variables.job(names.WORKER_HEALTH), variables.worker()]
    return dashboard(IDENTITY, own, sections)


def overview(slas: list[Sla]) -> list[Band]:
    """The first screen: what is down, what is full, then every worker in a line."""
    alerts = count_of_bad(
        11,
        Text(
            "Alerts firing",
            "Alerts on workers, message bus and system that fire now.",
            "count of `ALERTS` with these components.",
            "above 0, open the alert's runbook (link above); the graphs below show since when.",
        ),
        firing("worker|message-bus|system", ql.HEALTH),
        RED,
    )
    down = count_of_bad(
        12,
        Text(
            "Workers down",
            "Workers that take no tasks now.",
            f"count of `{names.WORKER_HEALTH}` == 0.",
            "above 0, see in the table below which; WorkerUnhealthy's runbook says what to do first.",
            "No workers",
        ),
        ql.down(),
        RED,
    )
    queue = number(
        13,
        Text(
            "Deepest queue",
            "Tasks that wait in the deepest queue.",
            "max of `insa_worker_queue_depth`.",
            "when it grows, compare the tasks processed with the requests, and look for slow tasks.",
        ),
        "none",
        f"max({ql.QUEUE})",
        scale(slas, "WorkerHighQueueDepth", sla=value("insa_worker_queue_depth")),
    )
    busy = number(
        14,
        Text(
            "Utilisation",
            "Share of all workers' slots that are in use.",
            "mean of `insa_worker_utilization_ratio`.",
            "near 100 % every burst waits: add workers, or find the tasks that have become slow.",
        ),
        "percentunit",
        f"avg({ql.UTILIZATION})",
        scale(slas, sla=value("insa_worker_utilization_ratio")),
    )
    restarts = number(
        15,
        Text(
            "Restarts",
            f"Restarts of the worker that was restarted most, within {window('WorkerFrequentRestarts')}.",
            "max of `increase(insa_worker_restarts_total)` over the window of the alert.",
            "look for the task that kills each worker that takes it (WorkerFrequentRestarts's runbook).",
        ),
        "none",
        while_there(ql.HEALTH, f"max({ql.restarts(window('WorkerFrequentRestarts'))})"),
        scale(slas, "WorkerFrequentRestarts"),
    )
    backlog = number(
        16,
        Text(
            "Bus backlog",
            "Messages of the message bus that wait, in the topic with the most.",
            "max of `insa_message_bus_backlog`.",
            "when it grows, see below whether the bus is down or a subscriber slow.",
        ),
        "none",
        f"max({ql.BACKLOG})",
        scale(slas, "MessageBusBacklogGrowing"),
    )
    tiles = [(4, each) for each in (alerts, down, queue, busy, restarts, backlog)]
    return [Band(4, tiles), Band(7, [(24, workers_table(slas))])]


def workers_table(slas: list[Sla]) -> sdk.table.Panel:
    """A line for each worker."""
    of_worker = "by (worker_name)"
    return table(
        17,
        Text(
            "Each worker",
            "Every worker by itself: health, queue, load, tasks, their duration, the last sign of life.",
            "as in the graphs below, by the label `worker_name`; health is 1 (up) or 0 (down).",
            "the worker that differs from the others is where to look first: open its row at the end of the "
            "page.",
            "-",
        ),
        Key("worker_name", "Worker", ql.HEALTH),
        [
            Column("Health", "none", f"min {of_worker} ({ql.HEALTH})", meanings=HEALTH),
            Column("Queue", "none", f"max {of_worker} ({ql.QUEUE})", scale(slas, "WorkerHighQueueDepth")),
            Column(
                "Utilisation",
                "percentunit",
                f"max {of_worker} ({ql.UTILIZATION})",
                scale(slas, sla=value("insa_worker_utilization_ratio")),
            ),
            Column("Tasks", "ops", ql.processed("worker_name")),
            Column(
                "Task success",
                "percentunit",
                ql.success_share("worker_name"),
                scale(slas, sla=ql.TASKS_SLA),
            ),
            Column("Task P95", "s", percentile(0.95, ql.TASK_DURATION, ql.CHOSEN, "worker_name")),
            Column("Heartbeat", "s", ql.heartbeat_age()),
        ],
    )
