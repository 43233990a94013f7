"""The evidence of a month over HTTP: made once by a child, checked, and handed out as a file."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.archives import Archives, BeingMadeError
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence import verify
from sla_worker.model import FrozenMonth
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_months_web import DECEMBER
from unit.sla_worker.web_client import Answer, Client, served
from waiting import poll

MONTH = FrozenMonth("2026-03", 1, "UTC", 0, 1, 2, "a test", 1.0, 0, 1.0, "1", "abc")


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A worker that froze November 2023, of which it measured the last hour."""
    made = Setting(tmp_path_factory.mktemp("evidence"), SLA_CATCH_UP_SECONDS="7200")
    for now in (DECEMBER - 3000.0, DECEMBER + 60.0):
        made.now = now
        for _ in range(3):
            made.step()
    yield made
    made.close()


def test_it_is_made_by_a_child_checked_and_offered_on_the_page(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    assert '<a href="/evidence/2023-11">evidence</a>' in setting.ask("/months")[1]
    with served(setting.service.application) as client:
        answer = poll(lambda: _made(client), "the archive", seconds=60)
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"] == 'attachment; filename="sla-evidence-2023-11-r1.zip"'
        (tmp_path / "got.zip").write_bytes(answer.body)
        assert verify(tmp_path / "got.zip") == []
        with zipfile.ZipFile(tmp_path / "got.zip") as archive:
            assert "credits.csv" in archive.namelist()
        assert client.ask("GET", "/evidence/2023-11?revision=1").body == answer.body
        head = client.ask("HEAD", "/evidence/2023-11")
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(answer.body)))
        assert client.ask("GET", "/evidence/2023-10").status == 404
        assert client.ask("GET", "/evidence/november").status == 400


def _made(client: Client) -> Answer | None:
    answer = client.ask("GET", "/evidence/2023-11")
    assert answer.status in {200, 503}, answer.body
    return answer if answer.status == 200 else None


def child(tmp_path: Path, script: str) -> tuple[str, ...]:
    """A program in place of the sla-worker's: it notes that it was started, and does what the script says."""
    noted = f"open({str(tmp_path / 'started')!r}, 'a').write('x');"
    return sys.executable, "-c", f"import sys, pathlib; {noted} target = pathlib.Path(sys.argv[-1]); {script}"


def starts(tmp_path: Path) -> int:
    return len((tmp_path / "started").read_text())


def test_an_archive_is_made_once_and_again_only_when_it_is_gone(tmp_path: Path) -> None:
    archives = Archives(
        command=child(tmp_path, "target.write_text(' '.join(sys.argv[1:-1]))"), wait_seconds=60
    )
    made = archives.get(MONTH)
    assert made.read_text() == "evidence 2026-03 --revision 1 --force --output"
    assert archives.get(MONTH) == made
    assert starts(tmp_path) == 1
    made.unlink()
    assert archives.get(MONTH).is_file()
    assert starts(tmp_path) == 2
    # A few are kept: the fifth takes the place of the first.
    for revision in range(2, 6):
        archives.get(replace(MONTH, revision=revision, sha256=str(revision)))
    assert len(list(made.parent.iterdir())) == 4
    assert not made.is_file()


def test_without_a_place_for_it_there_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(SLAWorkerError, match=r"no directory for evidence can be made .*; set TMPDIR"):
        Archives().get(MONTH)


def test_while_it_is_made_who_asks_is_told_so(tmp_path: Path) -> None:
    go = tmp_path / "go"
    waits = f"import time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\ntarget.touch()"
    archives = Archives(command=child(tmp_path, f"exec({waits!r})"), wait_seconds=0)
    with pytest.raises(BeingMadeError, match="the evidence of 2026-03 is being made; ask again in a moment"):
        archives.get(MONTH)
    with pytest.raises(BeingMadeError, match="the evidence of another month is being made"):
        archives.get(replace(MONTH, month="2026-02"))
    go.touch()

    def ready() -> Path | None:
        try:
            return archives.get(MONTH)
        except BeingMadeError:
            return None

    assert poll(ready, "the archive", seconds=20).is_file()
    assert starts(tmp_path) == 1


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print('a line of the log', file=sys.stderr); sys.exit('error: 2026-03: its hours are deleted')",
         "^2026-03: its hours are deleted$"),
        ("sys.exit(3)", "^it said nothing$"),
        ("import time; time.sleep(60)", "took longer than 1 s; `sla evidence` writes it$"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_one_line_and_tried_again(tmp_path: Path, script: str, said: str) -> None:
    limit = 1.0 if "sleep" in script else 60.0
    archives = Archives(command=child(tmp_path, script), limit_seconds=limit, wait_seconds=60)
    for _ in range(1 if limit == 1 else 2):
        with pytest.raises(SLAWorkerError, match=said):
            archives.get(MONTH)
    if limit > 1:
        assert starts(tmp_path) == 2
    archives = Archives(command=("/nowhere/at/all",), wait_seconds=60)
    with pytest.raises(SLAWorkerError, match="the program that writes evidence could not be started"):
        archives.get(MONTH)
