"""The guide's recipes for web frameworks: each is run as it is written, and asked by real HTTP requests."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from contract.test_instruments import PACKAGE, PORT, blocks, samples_of
from ports import free_port
from waiting import patience, poll

Get = Callable[[str], httpx.Response]
Start = Callable[[str], AbstractContextManager[Get]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """What starts the program of a section and gives what asks it; the program has ended afterwards."""

    @contextlib.contextmanager
    def started(section: str) -> Iterator[Get]:
        port = str(free_port())
        shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        names = ["program.py", "gunicorn.conf.py"]
        written = "".join(blocks("python", section) + blocks("sh", section))
        assert written.count(PORT) == 1
        for name, text in zip(names, blocks("python", section), strict=False):
            (tmp_path / name).write_text(text.replace(PORT, port))
        (command,) = blocks("sh", section)
        program, *arguments = shlex.split(command.replace(PORT, port))
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [Path(sys.executable).parent / program, *arguments],
                cwd=tmp_path,
                env={"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
                stdout=output,
                stderr=output,
            )

        def get(path: str) -> httpx.Response:
            assert process.poll() is None, f"the program has ended: {log.read_text()}"
            return httpx.get(
                f"http://127.0.0.1:{port}{path}", trust_env=False, follow_redirects=True, timeout=patience(5)
            )

        try:
            poll(lambda: get("/metrics").text, f"the program of {section}", until=lambda _: True, seconds=20)
            yield get
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=patience(20))

    return started


def ended(get: Get) -> dict[str, float]:
    """How many requests ended in each way."""
    samples = samples_of(get("/metrics").text, "insa_agent_requests_total")
    assert {sample.labels["agent"] for sample in samples} == {"assistant"}
    return {sample.labels["status"]: sample.value for sample in samples}


def test_fastapi(start: Start) -> None:
    with start("FastAPI") as get:
        assert ended(get) == {"success": 0, "error": 0, "timeout": 0}  # nothing but scrapes so far
        codes = [get(f"/answers/{each}").status_code for each in ("4", "101", "0", "many")]

        assert codes == [200, 404, 500, 422]
        # A result and a 404, a division by zero, and one that never reached the function.
        assert ended(get) == {"success": 2, "error": 1, "timeout": 0}


def test_flask(start: Start) -> None:
    with start("Flask") as get:
        codes = [get(f"/answers/{each}").status_code for each in ("4", "101", "0", "many")]

        assert codes == [200, 404, 500, 404]
        # A result and an abort, a returned 500, and an address that Flask does not know.
        assert ended(get) == {"success": 2, "error": 1, "timeout": 0}


def test_gunicorn(start: Start, tmp_path: Path) -> None:
    with start("Gunicorn, several processes") as get:
        for number in range(1, 21):
            assert get(f"/answers/{number}").status_code == 200
        assert get("/answers/101").status_code == 404
        assert get("/answers/0").status_code == 500
        directory = next(tmp_path.glob("metrics-*"))
        # Each of the two processes writes a file of counters under its number.
        poll(lambda: len(processes(directory)), "both processes", until=lambda found: found == 2)

        # Whichever process answers: 20 results and a 404, and one division by zero.
        answers = [ended(get) for _ in range(10)]
        assert answers == [{"success": 21, "error": 1, "timeout": 0}] * 10
        in_flight = samples_of(get("/metrics").text, "insa_agent_requests_in_flight")
        assert [sample.value for sample in in_flight] == [0]

    assert not directory.exists(), "the numbers of this run would be there at the next start"


def test_gunicorn_keeps_the_counts_of_a_process_that_was_replaced(start: Start, tmp_path: Path) -> None:
    with start("Gunicorn, several processes") as get:
        for number in range(1, 11):
            get(f"/answers/{number}")
        directory = next(tmp_path.glob("metrics-*"))
        poll(lambda: len(processes(directory)), "both processes", until=lambda found: found == 2)
        first, second = processes(directory)

        # One of gunicorn's own: it starts another one in its place.
        subprocess.run(["kill", "-KILL", first], check=True)
        poll(lambda: processes(directory) - {first, second}, "a process in its place")

        assert ended(get) == {"success": 10, "error": 0, "timeout": 0}
        # Its gauges have gone with it: two processes live.
        poll(
            lambda: {path.stem.rpartition("_")[2] for path in directory.glob("gauge_live*.db")},
            "the gauges of the killed process to be gone",
            until=lambda found: first not in found,
        )


def processes(directory: Path) -> set[str]:
    """The numbers of the processes that have counted anything."""
    return {path.stem.rpartition("_")[2] for path in directory.glob("counter_*.db")}
