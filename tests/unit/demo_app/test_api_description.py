"""The API against its own description: schemathesis makes calls of it, good and bad, and judges the answers.

No answer is a 5xx; each has a status, a media type and a body that the description names; what is
malformed is refused; and a method that is not described is a 405 with the right Allow.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unit.demo_app.serving import api_of, served
from unit.demo_app.simulation import Simulation
from waiting import patience

TOKEN = "a-token-of-20-signs!"  # noqa: S105  # no secret
OPERATIONS = 8  # GET of /, /page/{file}, /healthz, /state, /faults; POST and DELETE of a fault; DELETE of all

CONFIGURATION = """\
# 422 too: which intensities a fault takes depends on its name, and OpenAPI cannot say that.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 422]
"""


@pytest.mark.parametrize("token", [None, TOKEN], ids=["open", "with a token"])
def test_every_answer_is_one_that_the_description_lists(
    simulation: Simulation, tmp_path: Path, token: str | None
) -> None:
    simulation.run(30)
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    authorization = [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"]
    options = ["--generation-deterministic", "--max-examples", "50", "--no-color"]

    with served(api_of(simulation, token=token)) as url:
        done = subprocess.run(
            [*command, f"{url}/openapi.json", *options, *authorization],
            cwd=tmp_path,  # it keeps notes where it runs
            env=os.environ | {"NO_PROXY": "*", "no_proxy": "*"},
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(60),
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {OPERATIONS}" in done.stdout, done.stdout
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None
    assert int(generated[1]) > 300  # some 700 when this was written: not a handful
