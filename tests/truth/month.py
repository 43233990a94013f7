"""A whole month, counted once by hand and by the worker: `make truth SEED=7 DAYS=31`.

It is scraped every 15 s, or SCRAPE=60, and read from the newest Prometheus, or ENGINE=victoria-metrics.

October 2025 in Berlin, of which the 26th has 25 hours: 36 SLAs that ship, then those of `slas.yml`, slot by
slot. It takes a quarter of an hour and some gigabytes of disk, so it is no part of `make test`.
"""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from simulation import World
from sla_worker.definitions import read_definitions
from truth.books import Figures
from truth.comparison import StoredRow, catch_up, differences
from truth.forms import read_forms
from truth.months import month_differences
from truth.troubles import NAMES, SECONDS, Troubles
from truth.world_counts import Truth, count
from unit.sla_worker.engines import VICTORIA_METRICS, engines, serving_world
from unit.sla_worker.prometheus_server import client_of

_ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
_WHOLE = 31
_MINUTE = 60
_SLOT = 300
_SHOWN = 10
FILES = (
    Path(__file__).parents[2] / "sla-worker" / "sla_thresholds.yml",
    Path(__file__).parent / "slas.yml",
)


def october(seed: int, days: int, scrape_seconds: int = 15) -> World:
    """So many days from the first of October on."""
    begin = datetime.datetime(2025, 10, 1, tzinfo=_ZONE)
    seconds = int((begin + datetime.timedelta(days)).timestamp() - begin.timestamp())
    return World(seed, int(begin.timestamp()), seconds, scrape_seconds, agents=("crm",), harshness=2)


def main(argv: Sequence[str]) -> int:
    """Prints what was compared, what the month had, and every difference; 1 when there is one."""
    seed, days = map(int, argv)
    engine = os.environ.get("ENGINE") or engines()[-2]
    if engine not in engines():
        _say(f"error: ENGINE={engine}: no such engine\nfix:   give one of {', '.join(engines())}")
        return 1
    scrape = os.environ.get("SCRAPE") or "15"
    if not scrape.isdecimal() or not int(scrape) or _SLOT % int(scrape) or int(scrape) > _SLOT / 2:
        _say(f"error: SCRAPE={scrape}: no scrape interval of slots of {_SLOT} s\nfix:   SCRAPE=60, say")
        return 1
    world, failed = october(seed, days, int(scrape)), False
    troubles = Troubles(world)
    with tempfile.TemporaryDirectory(prefix="truth-month-") as scratch:
        began = time.monotonic()
        truths = [
            count(world, read_forms(file), _SLOT, Path(scratch), troubles.take if file == FILES[0] else None)
            for file in FILES
        ]
        size = truths[0].openmetrics.stat().st_size
        _say(f"seed {seed}, {days} days: {size / 1e9:.1f} GB of samples, {_since(began)} to make and count")
        for name in NAMES:
            _say(f"  {troubles.found[name]:6} {name}")
        began = time.monotonic()
        with serving_world(engine, truths[0].openmetrics, Path(scratch) / "engine") as url:
            _say(f"{Path(engine).name}: {_since(began)} to read them in")
            for file, truth in zip(FILES, truths, strict=True):
                began, ledger = time.monotonic(), Path(scratch) / f"{file.stem}.db"
                rows = catch_up(truth, read_definitions(file), client_of(url), ledger)
                caught = _since(began)
                if engine == VICTORIA_METRICS and (taken := take_rates(truth, rows)):
                    _say(f"{file.name}: rates as the engine has them, then by hand: {', '.join(taken)}")
                found = [
                    *differences(truth, rows, nan_is_kept=engine != VICTORIA_METRICS),
                    *month_differences(truth, ledger),
                ]
                _say(
                    f"{file.name}: {len(truth.books.forms)} SLAs, {len(truth.slots)} slots, {len(rows)} rows,"
                    f" caught up in {caught}: {len(found)} differences"
                )
                for each in found[:_SHOWN]:
                    _say(f"  {each}")
                failed = failed or bool(found) or not rows
    due = [name for name in NAMES if int(scrape) < _MINUTE or name != SECONDS]  # no scrape sees such a gap
    if days >= _WHOLE and (lacking := [name for name in due if not troubles.found[name]]):
        _say(f"error: this month has no {', no '.join(lacking)}\nfix:   take another seed")
        failed = True
    return int(failed)


def take_rates(truth: Truth, rows: Iterable[StoredRow]) -> list[str]:
    """Take over what an engine says of `rate` and `increase` that does not extrapolate as Prometheus does.

    What becomes of such a value (event, state, score, month) is still calculated by hand. Returns the SLAs.
    """
    forms = {
        each.key: each
        for each in truth.books.forms
        if each.expression and ("rate(" in each.expression or "increase(" in each.expression)
    }
    books = truth.books
    for place in [each for each in {**books.values, **books.figures} if each[0] in forms]:
        books.values.pop(place, None)
        books.figures.pop(place, None)
    for row in rows:
        form, place = forms.get(row.key), (row.key, row.component, row.slot)
        if form is not None and form.holds and row.actual is not None:
            books.values[place] = Fraction(row.actual)
            books.figures[place] = Figures(total=1, good=float(form.holds(Fraction(row.actual))))
    return sorted(forms)


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
