"""One stack for several commands: python -m e2e.shared COMMAND [COMMAND …], each a word of the shell.

The stack is that of the other live tests (MODE, KEEP, STACK_ENV_FILE …). Each command finds it in
STACK_ENV_FILE, STACK_NAME and STACK_FACTOR. All of them run; the exit code is the first that is not 0.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time

from e2e.stack_under_test import ROOT, stack_from_environment


def main(commands: list[str]) -> int:
    """Bring the stack up, run the commands, take it away."""
    if not commands:
        print("usage: python -m e2e.shared COMMAND [COMMAND …]", file=sys.stderr)
        return 2
    worst = 0
    with stack_from_environment() as (command, stack):
        environment = os.environ | {
            "STACK_ENV_FILE": str(command.env_file),
            "STACK_NAME": command.name,
            "STACK_FACTOR": f"{stack.factor:g}",
        }
        for words in commands:
            print(f"\n$ {words}", flush=True)
            began = time.monotonic()
            done = subprocess.run(shlex.split(words), cwd=ROOT, env=environment, check=False)
            print(f"[{time.monotonic() - began:.0f} s, exit code {done.returncode}]", flush=True)
            worst = worst or done.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
