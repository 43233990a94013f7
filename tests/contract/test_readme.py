"""The figures of the README are those of what they speak about."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from demo_app import catalogue
from e2e.stack_under_test import read_env_file

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
WORDS += ["thirteen", "fourteen", "fifteen", "sixteen"]


def number(pattern: str) -> int:
    """The number that the README gives in this place, in digits or in a word."""
    found = re.search(pattern, README)
    assert found is not None, f"the README has no longer {pattern!r}"
    return WORDS.index(found[1]) if found[1] in WORDS else int(found[1].replace(",", ""))


def test_it_counts_the_alerts_and_their_groups() -> None:
    files = [*(ROOT / "prometheus/rules").rglob("*.yml"), *(ROOT / "prometheus/demo").rglob("rules/*.yml")]
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    alerts = [[rule["alert"] for rule in group["rules"] if "alert" in rule] for group in groups]
    assert number(r"(\d+) alerts in \w+ groups") == sum(map(len, alerts))
    assert number(r"\d+ alerts in (\w+) groups") == sum(map(bool, alerts))


def test_it_counts_the_receivers_that_send_mail() -> None:
    tree = yaml.safe_load((ROOT / "alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
    mailing = [each for each in tree["receivers"] if each.get("email_configs")]
    assert number(r"(\w+)\s+receivers by component") == len(mailing)


def test_it_counts_the_faults() -> None:
    assert number(r"There are (\d+) faults") == len(catalogue.SPECS)


def test_it_gives_the_number_of_mutants_of_the_last_full_run() -> None:
    page = (ROOT / "docs/mutation.md").read_text(encoding="utf-8")
    total = re.search(r"\*\*all\*\* \| \*\*(\d+)\*\*", page)
    assert total is not None
    assert number(r"([\d,]+) changes in all") == int(total[1])


def test_every_setting_that_a_user_may_change_is_in_its_table() -> None:
    table = README.split("## Settings")[1].split("\n## ")[0]
    named = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", table))
    settings = set(read_env_file(ROOT / ".env.example"))
    unknown = {name for name in named if name not in settings}
    assert unknown <= {"SLA_WORKER_ALLOWED_HOSTS"}, f"not in .env.example: {unknown}"


def test_its_ports_are_the_defaults() -> None:
    defaults = read_env_file(ROOT / ".env.example")
    ports = set(re.findall(r"http://localhost:(\d+)", README))
    own = {name: value for name, value in defaults.items() if name.endswith("_PORT") and "SMTP" not in name}
    assert ports == set(own.values())
