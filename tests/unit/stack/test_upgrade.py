"""`make upgrade`: what is done in which order, and what is said and undone when a part of it fails."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pytest

from sla_worker.commands.upgrade import FORMER_LEDGER
from stack import upgrade
from stack.compose_mode import ComposeStack
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.settings import Instance
from stack.upgrade import ComposeWorker, LocalWorker

ROOT = Path(__file__).resolve().parents[3]
FORMER = "/data/sla.db.before-upgrade-20261126T120000Z"
DONE = f"upgraded: schema 1 to 13\n{FORMER_LEDGER}{FORMER}\n"


def test_the_launcher_reads_the_line_that_the_worker_writes() -> None:
    assert upgrade.FORMER == FORMER_LEDGER


@dataclass
class Worker:
    """Notes what is asked of it. `says` and `codes`: of each command, in their order."""

    says: list[str] = field(default_factory=lambda: [DONE, "as before\n"])
    codes: list[int] = field(default_factory=lambda: [0, 0])
    reason: str | None = None
    calls: list[str] = field(default_factory=list)

    def stop(self) -> None:
        self.calls.append("stop")

    def run(self, words: Sequence[str], out: IO[bytes]) -> int:
        self.calls.append(" ".join(words[3:]))
        out.write(self.says.pop(0).encode())
        return self.codes.pop(0)

    def resume(self) -> str | None:
        self.calls.append("resume")
        return self.reason

    def start(self) -> None:
        self.calls.append("up")

    def fail(self) -> None:
        self.calls.append("up")
        raise StackError("sla-worker did not become healthy", "the whole log: make logs")


def test_an_upgrade_stops_migrates_starts_and_says_where_the_former_ledger_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = Worker()
    upgrade.run(worker, worker.start)
    assert worker.calls == ["stop", "upgrade", "up"]
    assert f"The ledger as it was stays in {FORMER} until you remove it" in capsys.readouterr().out


def test_a_migration_that_fails_starts_nothing_but_the_former_version() -> None:
    worker = Worker(says=[""], codes=[1])
    with pytest.raises(StackError) as failed:
        upgrade.run(worker, worker.start)
    assert worker.calls == ["stop", "upgrade", "resume"]
    assert failed.value.message == (
        "the ledger was not upgraded, see above; it is as it was,"
        " and the former version of the sla-worker runs again"
    )


def test_a_worker_that_is_not_healthy_afterwards_rolls_the_ledger_back() -> None:
    worker = Worker(reason="the files of its former version are no longer here")
    with pytest.raises(StackError) as failed:
        upgrade.run(worker, worker.fail)
    assert worker.calls == ["stop", "upgrade", "up", "stop", f"upgrade --back {FORMER}", "resume"]
    assert failed.value.message.splitlines() == [
        "sla-worker did not become healthy",
        "The upgrade was rolled back: the ledger is as it was before it."
        " The sla-worker is stopped: the files of its former version are no longer here",
    ]
    assert "put the files of the former version back, then make up" in (failed.value.fix or "")


def test_a_roll_back_that_fails_names_the_file() -> None:
    worker = Worker(says=[DONE, ""], codes=[0, 1])
    with pytest.raises(StackError, match=rf"not put back either, see above; as it was, it is in {FORMER}"):
        upgrade.run(worker, worker.fail)
    assert worker.calls[-1] == f"upgrade --back {FORMER}"


def test_without_a_ledger_there_is_nothing_to_roll_back() -> None:
    worker = Worker(says=["no ledger yet: there is nothing to upgrade\n"])
    with pytest.raises(StackError, match=r"^sla-worker did not become healthy$"):
        upgrade.run(worker, worker.fail)
    assert worker.calls == ["stop", "upgrade", "up"]


def test_with_scale_a_command_runs_on_the_ledger_in_postgresql(instance: Instance) -> None:
    shutil.copy(ROOT / "docker-compose.scale.yml", instance.root)
    env = instance.env | {"SCALE": "1", "SLA_POSTGRES_PASSWORD": "from-the-test", "POSTGRES_PORT": "5433"}
    scaled = replace(instance, env=env)
    words = ("python", "-c", "import os; print(os.environ['SLA_DATABASE_URL'])")
    with tempfile.TemporaryFile() as file:
        assert LocalWorker(LocalStack(scaled), scaled).run(words, file) == 0
        file.seek(0)
        assert file.read() == b"postgresql://sla:from-the-test@127.0.0.1:5433/sla\n"


def test_a_command_of_this_version_runs_with_the_settings_of_the_service(instance: Instance) -> None:
    out = instance.root / "out"
    words = ["python", "-c", "import os; print(os.environ['SLA_DATABASE_PATH'], os.environ['PYTHONPATH'])"]
    with out.open("wb") as file:
        assert LocalWorker(LocalStack(instance), instance).run(words, file) == 0
    path, modules = out.read_text().split()
    assert Path(path) == LocalStack(instance).database()
    assert Path(modules) == instance.root / "sla-worker" / "src"


FAKE = """#!{python}
import json, sys
words = sys.argv[1:]
own = words[words.index("--project-directory") + 2:] if "compose" in words else words
open({record!r}, "a").write(json.dumps(own) + "\\n")
if "ps" in words:
    print(open({containers!r}).read())
elif words[0] == "inspect":
    print("sha256:former")
elif "run" in words:
    print("from the container")
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """A docker that records its calls; both workers of a larger stack run."""
    record, fake, containers = tmp_path / "calls", tmp_path / "bin" / "docker", tmp_path / "containers"
    fake.parent.mkdir()
    fake.write_text(FAKE.format(python=sys.executable, record=str(record), containers=str(containers)))
    fake.chmod(0o755)
    running = {"State": "running", "Health": "healthy", "Status": "Up"}
    names = ("prometheus", "sla-worker", "sla-worker-2")
    containers.write_text(json.dumps([{"Service": name, "ID": name} | running for name in names]))
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")

    def calls() -> list[list[str]]:
        found: list[list[str]] = [json.loads(line) for line in record.read_text().splitlines()]
        return [each for each in found if each[0] != "ps"]

    return calls


def test_with_compose_the_former_image_is_remembered_before_the_new_one_is_built(
    instance: Instance, docker: Callable[[], list[list[str]]]
) -> None:
    worker = ComposeWorker(ComposeStack(instance), instance)
    worker.stop()
    with (instance.root / "out").open("wb") as file:
        assert worker.run(["python", "-V"], file) == 0
    assert worker.resume() is None

    assert (instance.root / "out").read_text() == "from the container\n"
    assert docker() == [
        ["inspect", "--format", "{{.Image}}", "sla-worker"],
        ["build", "sla-worker"],
        ["stop", "sla-worker", "sla-worker-2"],
        ["run", "--rm", "--no-deps", "--no-TTY", "sla-worker", "python", "-V"],
        ["tag", "sha256:former", f"{instance.name}/sla-worker:local"],
        ["up", "--detach", "--no-build", "--no-deps", "sla-worker", "sla-worker-2"],
    ]
