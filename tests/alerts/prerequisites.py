"""What must be there before the proof begins, each with a clear word of what is not, and the fix."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Mapping

import httpx

from alerts.errors import RefusalError
from alerts.shipped import Alert
from e2e.live import Stack
from waiting import NOT_YET, patience

SMTP_SECONDS = 5.0
SLA = "sla"
"""The component of the alerts on SLAs."""
WATCHDOG = "Watchdog"
CALM_POLL_SECONDS = 0.5
_NAMED = 3


def check_all_answer(stack: Stack, smtp_port: int) -> None:
    """Raise RefusalError that names everything of the stack that does not answer as it must."""
    checks: Mapping[str, Callable[[], str | None]] = {
        "Prometheus": lambda: _page(stack, f"{stack.prometheus}/-/ready"),
        "Alertmanager": lambda: _page(stack, f"{stack.alertmanager}/-/ready"),
        "the metrics endpoint": lambda: _page(stack, f"{stack.demo_metrics}/metrics", "insa_"),
        "the API of the faults": lambda: _page(stack, f"{stack.demo_api}/faults", "worker_down"),
        "the sla-worker": lambda: _page(stack, f"{stack.sla_worker}/healthz"),
        "the mail server's API": lambda: _page(stack, f"{stack.mailhog}/api/v2/messages?limit=1", "total"),
        "the mail server's SMTP": lambda: smtp_trouble(smtp_port),
    }
    troubles = [f"{name}: {trouble}" for name, check in checks.items() if (trouble := check())]
    if troubles:
        raise RefusalError("\n".join([*troubles, "fix:   make up starts what is missing, make ps shows it"]))


def _page(stack: Stack, url: str, words: str = "") -> str | None:
    try:
        answer = stack.client.get(url)
    except httpx.HTTPError as error:
        return f"{url} does not answer ({error or type(error).__name__})"
    if not answer.is_success:
        return f"{url} answers {answer.status_code}"
    return None if words in answer.text else f"{url} answers without {words!r}"


def smtp_trouble(port: int) -> str | None:
    """What is wrong with the SMTP server on a port of this machine, None when it greets."""
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=patience(SMTP_SECONDS)) as client:
            client.noop()
    except (OSError, smtplib.SMTPException) as error:
        return f"port {port} takes no mail ({error})"
    return None


def check_rules(stack: Stack, alerts: Mapping[str, Alert]) -> None:
    """Raise RefusalError unless the stack has loaded the shipped alerts with their durations ÷ its factor."""
    groups = stack.get(f"{stack.prometheus}/api/v1/rules", type="alert")["data"]["groups"]
    live = {rule["name"]: float(rule["duration"]) for group in groups for rule in group["rules"]}
    if missing := sorted(alerts.keys() - live.keys()):
        raise RefusalError(
            f"Prometheus has not loaded {', '.join(missing)}\nfix:   make up reads the shipped rules again"
        )
    odd = [
        f"{name} (for {live[name]:g} s, shipped {alert.for_seconds:g} s)"
        for name, alert in alerts.items()
        if abs(live[name] * stack.factor - alert.for_seconds) > 1e-3 * stack.factor
    ]
    if odd:
        rest = f" and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
        raise RefusalError(
            f"the durations of this stack are not the shipped ones ÷ {stack.factor:g}: "
            f"{', '.join(odd[:_NAMED])}{rest}\n"
            "fix:   STACK_FACTOR says by how much they are divided; make up reads the shipped rules again"
        )


def check_calm(stack: Stack, *, patience_seconds: float) -> None:
    """Raise RefusalError that names what is in trouble: alerts that are not inactive, and active faults.

    A stack that has just been started may be given some patience.
    """
    deadline = time.monotonic() + patience_seconds
    while troubles := _troubles_or_silence(stack):
        if time.monotonic() >= deadline:
            raise RefusalError(
                f"the stack is in trouble already: {', '.join(troubles)}\n"
                "fix:   end the faults, wait until nothing but the Watchdog fires, and begin again"
            )
        time.sleep(CALM_POLL_SECONDS)


def _troubles_or_silence(stack: Stack) -> list[str]:
    try:
        return _troubles(stack)
    except NOT_YET as error:
        return [f"no answer ({error or type(error).__name__})"]


def _troubles(stack: Stack) -> list[str]:
    states: dict[str, set[str]] = {}
    for alert in stack.alerts():
        if alert["labels"].get("component") == SLA:
            continue  # it is about the past too; a scenario waits for those that it is to prove
        states.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
    states.pop(WATCHDOG, None)
    faults = stack.get(f"{stack.demo_api}/state")["faults"]
    return [f"{name} is {' and '.join(sorted(found))}" for name, found in sorted(states.items())] + [
        f"the fault {name} is active" for name in faults
    ]
