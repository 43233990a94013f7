"""`python -m history`: writes the month and has promtool make blocks of it. `make demo` runs this."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from history.files import BLOCK_WORDS, PromtoolError, write
from history.month import Month, wanted_of
from history.others import others
from history.recording import record
from history.story import INCIDENTS
from simulation.series import Target

APP = "demo-app"


def main(argv: Sequence[str] | None = None) -> int:
    """Make the history; return the exit code. The last line of the output is the story as JSON."""
    parser = argparse.ArgumentParser(prog="history", description=(__doc__ or "").partition(":")[2].strip())
    parser.add_argument("directory", type=Path, help="where its files are written; they are removed again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument(
        "--target", action="append", default=[], metavar="JOB=ADDRESS", help="what Prometheus scrapes"
    )
    parser.add_argument(
        "promtool",
        nargs="+",
        help="its words after --; {words} are what it is to do, {file} is a file of the directory",
    )
    arguments = parser.parse_args(argv)
    logging.disable()  # the recorded app logs its faults, which are not now
    targets = dict(each.split("=", 1) for each in arguments.target)
    wanted = dict.fromkeys(each for each in map(wanted_of, INCIDENTS) if each)
    print("recording the demo-app, healthy and under each fault", flush=True)
    tape = record(wanted)
    month = Month(tape, arguments.seed, int(time.time()), arguments.days, Target(APP, targets.pop(APP)))
    words = [word for each in arguments.promtool for word in (BLOCK_WORDS if each == "{words}" else (each,))]
    try:
        with tempfile.TemporaryDirectory(dir=arguments.directory) as scratch:
            place = Path(scratch)
            place.chmod(0o755)
            inside = [word.replace("{directory}", str(place)) for word in words]
            rest = others(targets, month.begin, month.incidents)
            end = write(month, rest, place, inside, said=lambda line: print(line, flush=True))
    except PromtoolError as error:
        print(f"error: promtool: {error}", file=sys.stderr)
        return 1
    story = [
        {
            "title": each.incident.title,
            "slas": each.incident.slas,
            "begin": each.begin,
            "end": None if each.lasts else each.end,
        }
        for each in month.incidents
    ]
    print(json.dumps({"begin": month.begin, "end": end, "incidents": story}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
