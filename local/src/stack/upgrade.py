"""`make upgrade`: the ledger goes to this version's schema, and back again when what follows fails."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import IO, Protocol

from stack import console, plan, secret_files
from stack.compose_mode import ComposeStack
from stack.container_states import state_of
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.settings import Instance
from stack.supervision import Supervisor

FORMER = "the ledger as it was: "
"""Begins the line in which sla_upgrade names it."""

_WORKER = "sla-worker"
_UPGRADE = ("python", "-m", "sla_worker.cli", "upgrade")
_HEALTHY_SECONDS = 120.0
_AGAIN = (
    "set right what is named above, then make upgrade again; or put the files of the former version back,"
    " then make up"
)


class Worker(Protocol):
    """The sla-worker, handled apart from the rest of the stack."""

    def stop(self) -> None:
        """Stop it; twice does no harm."""
        ...

    def run(self, words: Sequence[str], out: IO[bytes]) -> int:
        """Run a command of this version in its place; return the exit code."""
        ...

    def resume(self) -> str | None:
        """Have the former version run again; None, or why it does not."""
        ...


def run(worker: Worker, bring_up: Callable[[], None]) -> None:
    """Stop the worker, upgrade the ledger, start everything; raise StackError when that failed.

    Then the ledger is as it was before, or the error says where it is.
    """
    worker.stop()
    console.say("the sla-worker is stopped; what it would have measured is read back later")
    code, said = _output_of(worker, _UPGRADE)
    if code:
        raise StackError(f"the ledger was not upgraded, see above; it is as it was{_resumed(worker)}", _AGAIN)
    for line in said:
        console.say(line)
    former = next((line.removeprefix(FORMER) for line in said if line.startswith(FORMER)), None)
    try:
        bring_up()
    except StackError as error:
        if former is None:
            raise
        raise _rolled_back(worker, former, error) from error
    if former is not None:
        console.plain(f"The ledger as it was stays in {former} until you remove it")


def _rolled_back(worker: Worker, former: str, error: StackError) -> StackError:
    worker.stop()
    code, said = _output_of(worker, [*_UPGRADE, "--back", former])
    if code:
        return StackError(
            f"{error.message}\nThe ledger was not put back either, see above; as it was, it is in {former}",
            f"make down, then move that file to its place; {error.fix or _AGAIN}",
        )
    for line in said:
        console.say(line)
    return StackError(
        f"{error.message}\nThe upgrade was rolled back: the ledger is as it was before it{_resumed(worker)}",
        _AGAIN,
    )


def _resumed(worker: Worker) -> str:
    try:
        reason = worker.resume()
    except StackError as error:
        reason = error.message
    return (
        ", and the former version of the sla-worker runs again"
        if reason is None
        else f". The sla-worker is stopped: {reason}"
    )


def _output_of(worker: Worker, words: Sequence[str]) -> tuple[int, list[str]]:
    with tempfile.TemporaryFile() as file:
        code = worker.run(words, file)
        file.seek(0)
        return code, file.read().decode(errors="replace").splitlines()


class ComposeWorker:
    """The containers of the sla-worker. `build` makes the image of this version beside the one that runs."""

    def __init__(self, stack: ComposeStack, instance: Instance) -> None:
        self._stack = stack
        self._image = f"{instance.name}/{_WORKER}:local"
        made = [each["ID"] for name, each in stack.containers().items() if name.startswith(_WORKER)]
        self._former = self._said("docker", "inspect", "--format", "{{.Image}}", made[0]) if made else None
        stack.build([_WORKER])

    def stop(self) -> None:
        """Stop all of them; of a larger stack there are two."""
        if names := self._names():
            self._compose("stop", *names)

    def run(self, words: Sequence[str], out: IO[bytes]) -> int:
        """A container of its own, with the volume."""
        command, environment = self._stack.foreign("run", "--rm", "--no-deps", "--no-TTY", _WORKER, *words)
        return subprocess.run(command, env=environment, stdout=out, check=False).returncode  # noqa: S603  # our words

    def resume(self) -> str | None:
        """The image that was there before, under its name again."""
        if self._former is None:
            return "it did not run before"
        if self._said("docker", "tag", self._former, self._image) is None:
            return f"its former image {self._former} is gone"
        self._compose("up", "--detach", "--no-build", "--no-deps", *self._names())
        states = console.wait(self._states, _HEALTHY_SECONDS)
        return next(
            (
                f"its former version is not healthy: {each.words}"
                for each in states.values()
                if not each.healthy
            ),
            None,
        )

    def _states(self) -> dict[str, console.State]:
        containers = self._stack.containers()
        return {name: state_of(containers.get(name)) for name in self._names() or [_WORKER]}

    def _names(self) -> list[str]:
        return [name for name in self._stack.containers() if name.startswith(_WORKER)]

    def _compose(self, *words: str) -> None:
        command, environment = self._stack.foreign(*words)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # our words
        if done.returncode:
            raise StackError(f"docker compose {words[0]} failed: {done.stderr.strip()}")

    @staticmethod
    def _said(*words: str) -> str | None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # our words
        return None if done.returncode else done.stdout.strip()


class LocalWorker:
    """The process of the sla-worker. Its former version is gone with its files."""

    def __init__(self, stack: LocalStack, instance: Instance) -> None:
        self._stack = stack
        self._instance = instance
        self._supervisor = Supervisor(instance.directory)

    def stop(self) -> None:
        """Stop all of them; `make up` starts them again."""
        running = self._supervisor.processes() if self._stack.is_running() else {}
        for name in (each for each in running if each.startswith(_WORKER)):
            self._supervisor.stop(name)

    def run(self, words: Sequence[str], out: IO[bytes]) -> int:
        """A process with the environment that this version would give it."""
        instance = self._instance
        secret_files.write(instance)
        made = plan.programs(self._stack.definitions(), {}, instance, instance.directory / "config", {})
        [program] = [each for each in made if each.name == _WORKER]
        given = json.loads(program.specification(instance.directory))
        command = [sys.executable if word == "python" else word for word in words]
        done = subprocess.run(  # noqa: S603  # our words
            command, env=given["environment"], cwd=given["directory"], stdout=out, check=False
        )
        return done.returncode

    def resume(self) -> str | None:
        """It cannot: a process of the former version needs the former version's files."""
        return "the files of its former version are no longer here"


def worker_of(stack: ComposeStack | LocalStack, instance: Instance) -> Worker:
    """The worker of a stack."""
    return ComposeWorker(stack, instance) if isinstance(stack, ComposeStack) else LocalWorker(stack, instance)
