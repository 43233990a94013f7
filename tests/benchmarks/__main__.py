"""`python -m benchmarks ENV_FILE`: what a running stack costs, beside what it may cost.

Reads the stack whose ports stand in ENV_FILE (default: .env) for half a minute and prints each figure, its
budget and their ratio. It judges nothing: figures of a shared machine drift.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from e2e.live import Stack
from e2e.stack_under_test import ROOT, connected

SAMPLES = 30
MEBIBYTE = 2**20


@dataclasses.dataclass(frozen=True)
class Budget:
    """A figure, the unit it is shown in, how many of its base units make one, and what it may be."""

    words: str
    unit: str
    scale: float
    limit: float
    measure: Callable[[Stack], float | None]


def mean_pass_seconds(stack: Stack) -> float | None:
    """Mean of all passes of the running sla-worker: query, evaluation, commit."""
    return stack.value("sla_worker_pass_duration_seconds_sum / (sla_worker_pass_duration_seconds_count > 0)")


def value_of(expression: str) -> Callable[[Stack], float | None]:
    """A measure that asks Prometheus."""
    return lambda stack: stack.value(expression)


def resident(job: str) -> Callable[[Stack], float | None]:
    """Resident memory of a job in bytes."""
    return value_of(f'process_resident_memory_bytes{{job="{job}"}}')


def cpu(job: str) -> Callable[[Stack], float | None]:
    """CPU of a job over the last minute, as a share of one core."""
    return value_of(f'rate(process_cpu_seconds_total{{job="{job}"}}[1m])')


def alert_rules(stack: Stack) -> float:
    """How long the last evaluation of all rule groups took, in seconds."""
    groups = stack.get(f"{stack.prometheus}/api/v1/rules")["data"]["groups"]
    return sum(float(group["evaluationTime"]) for group in groups)


SCRAPE = value_of('scrape_duration_seconds{job="demo-app"}')
BUDGETS = (
    Budget("evaluation of all alert rules", "ms", 0.001, 30, alert_rules),
    Budget("pass over all SLAs (mean)", "ms", 0.001, 15, mean_pass_seconds),
    Budget("sla-worker: memory", "MiB", MEBIBYTE, 45, resident("sla-worker")),
    Budget("sla-worker: CPU of a core", "%", 0.01, 5, cpu("sla-worker")),
    Budget("demo-app: memory", "MiB", MEBIBYTE, 80, resident("demo-app")),
    Budget("demo-app: CPU of a core", "%", 0.01, 5, cpu("demo-app")),
    Budget("demo-app: scrape", "ms", 0.001, 20, SCRAPE),
)


def measure(stack: Stack) -> dict[str, list[float]]:
    """Every figure once a second, in its shown unit; what is not there at a second is left out."""
    found: dict[str, list[float]] = {budget.words: [] for budget in BUDGETS}
    for _ in range(SAMPLES):
        for budget in BUDGETS:
            value = budget.measure(stack)
            if value is not None:
                found[budget.words].append(value / budget.scale)
        time.sleep(1)
    return found


def main(argv: list[str]) -> int:
    """Measure and print; exit code 1 when the stack does not answer."""
    env_file = Path(argv[1]) if len(argv) > 1 else ROOT / ".env"
    if not env_file.exists():
        print(f"error: {env_file} is not there\nfix:   start a stack first (make up)", file=sys.stderr)
        return 1
    with connected(env_file, factor=1) as stack:
        try:
            found = measure(stack)
        except httpx.TransportError as error:
            print(f"error: {stack.prometheus}: {error}\nfix:   start the stack (make up)", file=sys.stderr)
            return 1
    table = Table(title=f"median of {SAMPLES} readings, one a second")
    for name in ("what", "median", "highest", "budget", "share of budget"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for budget in BUDGETS:
        values = found[budget.words]
        if not values:
            table.add_row(budget.words, "no data", "", f"{budget.limit:g} {budget.unit}", "")
            continue
        middle = statistics.median(values)
        table.add_row(
            budget.words,
            f"{middle:.2f} {budget.unit}",
            f"{max(values):.2f} {budget.unit}",
            f"{budget.limit:g} {budget.unit}",
            f"{middle / budget.limit:.0%}",
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
