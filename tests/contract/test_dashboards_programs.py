"""What the expressions about programs make of series: figures derived by hand, all in one run of promtool."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from contract.appearance import BOARDS, substituted
from dashboards.agents import expressions as agents
from dashboards.errors import expressions as errors
from dashboards.limits import window
from dashboards.programs import firing
from dashboards.workers import expressions as workers
from rules.binaries import each_version_of, required
from waiting import patience

AT = 1200
"""Seconds since the beginning, at which each expression is asked; a scrape every 15 seconds."""
JOB = 'job="app",instance="a:1"'
TRANSITIONS = "insa_circuit_breaker_transitions_total{" + JOB + ',breaker="erp"'
BOARD_OF = {agents: "insa-agent-performance", workers: "insa-worker-health", errors: "insa-error-handling"}

SERIES = {
    # 60 requests a minute, of which 3 end in error and none in a timeout, which has no series.
    f'insa_agent_requests_total{{{JOB},agent="crm",status="success"}}': "0+14.25x80",
    f'insa_agent_requests_total{{{JOB},agent="crm",status="error"}}': "0+0.75x80",
    # No traffic: no share.
    f'insa_agent_requests_total{{{JOB},agent="idle",status="success"}}': "7x80",
    f'insa_worker_health_status{{{JOB},worker_name="w1"}}': "1x80",
    f'insa_worker_health_status{{{JOB},worker_name="w2"}}': "0x80",
    f'insa_worker_queue_depth{{{JOB},worker_name="w1"}}': "30x80",
    f'insa_worker_queue_capacity{{{JOB},worker_name="w1"}}': "200x80",
    f'insa_worker_tasks_processed_total{{{JOB},worker_name="w1"}}': "0+15x80",
    f'insa_worker_tasks_failed_total{{{JOB},worker_name="w1"}}': "0+3x80",
    f'insa_circuit_breaker_state{{{JOB},breaker="erp"}}': "0x80",
    # Open at 900 s, a probe every 30 s that fails, closed at 1020 s: from or to closed are two changes.
    f'{TRANSITIONS},from_state="closed",to_state="open"}}': "0x59 1x21",
    f'{TRANSITIONS},from_state="open",to_state="half_open"}}': "0x61 1x1 2x1 3x1 4x15",
    f'{TRANSITIONS},from_state="half_open",to_state="closed"}}': "0x67 1x13",
    # This cache has never found anything, and has no series of hits: 0 of 60 lookups a minute.
    f'insa_cache_misses_total{{{JOB},cache="cold"}}': "0+15x80",
    # 45 of 60, and 6 evictions a minute: 10 %.
    f'insa_cache_hits_total{{{JOB},cache="warm"}}': "0+11.25x80",
    f'insa_cache_misses_total{{{JOB},cache="warm"}}': "0+3.75x80",
    f'insa_cache_evictions_total{{{JOB},cache="warm"}}': "0+1.5x80",
    # 9 of 10 calls that were tried again succeeded in the end.
    f'insa_retry_outcomes_total{{{JOB},operation="db",outcome="success"}}': "0+9x80",
    f'insa_retry_outcomes_total{{{JOB},operation="db",outcome="exhausted"}}': "0+1x80",
}

CASES = [
    (agents, agents.share_of("error"), {"{}": 0.05}),
    (agents, agents.share_of("timeout"), {"{}": 0}),
    (agents, agents.share_of("error", "agent"), {'{agent="crm"}': 0.05}),
    (agents, agents.requests("agent"), {'{agent="crm"}': 1, '{agent="idle"}': 0}),
    # No alert fires, and the program is there: 0. Of a program that is not there: nothing.
    (agents, firing("api", agents.REQUESTS), {"{}": 0}),
    (errors, firing("dlq", errors.LETTERS), {}),
    (workers, workers.down(), {"{}": 1}),
    (workers, workers.down_by_job(), {'{job="app"}': 1}),
    (workers, workers.queue_fill(), {'{worker_name="w1"}': 0.15}),
    (workers, workers.success_share(), {"{}": 0.8}),
    (errors, errors.not_closed(), {"{}": 0}),
    (errors, errors.hit_rate(), {'{cache="cold"}': 0, '{cache="warm"}': 0.75}),
    (errors, errors.eviction_rate(), {'{cache="warm"}': 0.1}),
    (errors, errors.retry_success(), {"{}": 0.9}),
    # 2 within ten minutes. increase() does not stretch what began at 0: before that nothing can have been.
    (errors, errors.transitions(window("CircuitBreakerFlapping")), {'{breaker="erp"}': 2}),
]


@each_version_of("promtool")
def test_figures(program: Path | None, tmp_path: Path) -> None:
    tests = {
        "interval": "15s",
        "input_series": [{"series": key, "values": values} for key, values in SERIES.items()],
        "promql_expr_test": [
            {
                "expr": f"round({substituted(BOARDS[BOARD_OF[module]], expr)}, 0.000001)",
                "eval_time": f"{AT}s",
                "exp_samples": [
                    {"labels": labels, "value": round(value, 6)} for labels, value in wanted.items()
                ],
            }
            for module, expr, wanted in CASES
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [tests]}))
    done = subprocess.run(
        [required(program, "promtool"), "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    assert done.returncode == 0, done.stdout + done.stderr
