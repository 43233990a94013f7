"""The files of teams by themselves: whose they are, and what is theirs alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from sla_worker import definitions
from sla_worker.commands import lint
from sla_worker.definitions import read_all, read_files
from sla_worker.errors import DefinitionError
from sla_worker.model import Receivers, Team
from sla_worker.settings import read_settings
from sla_worker.sli import content
from unit.sla_worker.team_files import Files, team, uptime

RECEIVERS = """\
receivers:
  weekly: [lead@example.com, payments@example.com]
  breach: [on-call-payments@example.com]
defaults: {breach_after: 3}
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_the_slas_of_all_files_are_read_the_platforms_first(files: Files) -> None:
    files.put("b.yml", team("search", uptime("search-uptime")))
    files.put("a.yaml", team("payments", uptime("pay-uptime"), uptime("refund-uptime"), more=RECEIVERS))
    files.put(".hidden.yml", "not YAML: [")
    files.put("README.md", "# Not a file of definitions")
    found = read_files(files.platform)
    assert [(each.key, each.team, each.policy.breach_after) for each in found.definitions] == [
        ("platform-uptime", None, 1),
        ("api-response-time-p95", None, 1),
        ("api-error-rate", None, 1),
        ("pay-uptime", "payments", 3),
        ("refund-uptime", "payments", 3),
        ("search-uptime", "search", 1),
    ]
    assert found.teams == (
        Team(
            "payments",
            "a.yaml",
            "payments@example.com",
            Receivers(
                weekly=("lead@example.com", "payments@example.com"), breach=("on-call-payments@example.com",)
            ),
        ),
        Team("search", "b.yml", "search@example.com"),
    )
    assert (found.broken, found.names) == ((), ("a.yaml", "b.yml"))


def test_without_files_of_teams_there_is_the_platforms_alone(files: Files) -> None:
    assert len(read_all(files.platform)) == 3
    assert read_files(files.platform).names is None
    files.directory.mkdir()
    assert len(read_all(files.platform)) == 3
    assert read_files(files.platform).names == ()


def test_a_mistake_in_a_teams_file_is_said_beside_all_that_is_right(files: Files) -> None:
    path = files.put("pay.yml", team("payments", uptime("pay-uptime", target=99)))
    files.put("search.yml", team("search", uptime("search-uptime")))
    found = read_files(files.platform)
    assert [each.key for each in found.definitions][3:] == ["search-uptime"]
    [broken] = found.broken
    assert (broken.file, broken.team) == (path, "payments")
    [mistake] = broken.mistakes
    # Its target is the sixth line of the SLA, which begins on line 4.
    assert str(mistake).startswith(f"{path}:9: SLA pay-uptime: target is `99`; give a ratio")
    with pytest.raises(DefinitionError, match=r"pay\.yml:9: "):
        read_all(files.platform)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("slas:\n" + uptime("x"), ":1: the file has no `team`; add it"),
        (
            team("Pay", uptime("x")),
            ":1: the file: team is `Pay`; give up to 40 lower case letters and digits, words joined by -",
        ),
        (
            team("platform", uptime("x")),
            ":1: the file: team is `platform`; give up to 40 lower case letters and digits, words joined by"
            " -; not platform, which the alerts of all others carry",
        ),
        (
            team("pay", uptime("x")).replace("pay@", "pay at "),
            ":2: the file: owner is `pay at example.com`; give a mail address like payments@example.com",
        ),
        (
            team("pay", uptime("x"), more="receivers: {page: [a@example.com]}\n"),
            ":3: receivers has the unknown key `page`; known are daily, weekly, monthly, breach",
        ),
        (
            team("pay", uptime("x"), more="receivers: {daily: a@example.com}\n"),
            ":3: receivers: daily is `a@example.com`; give a list of mail addresses like",
        ),
        ("", ":1: the file is empty; give `slas:` and a list"),
        ("team: pay\nowner: [", ":2: this is not YAML: "),
    ],
)
def test_what_is_wrong_with_a_teams_file_is_said_with_its_line(files: Files, text: str, said: str) -> None:
    path = files.put("pay.yml", text)
    [broken] = read_files(files.platform).broken
    assert str(broken.mistakes[0]).startswith(f"{path}{said}")


def test_a_file_that_cannot_be_read_may_have_every_sla(files: Files) -> None:
    path = files.put("pay.yml", "")
    path.unlink()
    path.symlink_to(files.directory / "gone")
    [broken] = read_files(files.platform).broken
    assert str(broken.mistakes[0]) == (
        f"{path}: cannot be read (No such file or directory); let the sla-worker read it, or remove it"
    )
    assert broken.may_have("anything")


def test_a_pipe_is_not_waited_for(files: Files) -> None:
    files.put("search.yml", team("search", uptime("search-uptime")))
    os.mkfifo(files.directory / "pay.yml")
    found = read_files(files.platform)
    assert [each.key for each in found.definitions][3:] == ["search-uptime"]
    assert [str(each) for each in found.mistakes] == [f"{files.directory}/pay.yml: is no file; remove it"]


def test_a_file_in_another_encoding_is_to_be_saved_again(files: Files) -> None:
    path = files.put("pay.yml", "")
    path.write_bytes(team("payments", uptime("pay-uptime")).encode("utf-16"))
    [broken] = read_files(files.platform).broken
    assert [str(each) for each in broken.mistakes] == [f"{path}: is not UTF-8; save it as text in UTF-8"]
    assert broken.may_have("anything")


@pytest.mark.parametrize(("name", "shown"), [(b"p\xffy.yml", "p\\udcffy.yml"), (b"p\ny.yml", "p\\ny.yml")])
def test_a_name_that_cannot_be_shown_is_a_mistake(files: Files, name: bytes, shown: str) -> None:
    """It would be a label of a metric, a row of the ledger and a line of the log."""
    files.directory.mkdir()
    path = files.directory / os.fsdecode(name)
    path.write_text(team("payments", uptime("pay-uptime")), encoding="utf-8")
    found = read_files(files.platform)
    [broken] = found.broken
    assert [str(each) for each in broken.mistakes] == [
        f"{files.directory}/{shown}: its name has characters that are not UTF-8 or cannot be shown; rename it"
    ]
    assert (found.names, broken.team) == ((shown,), "payments")


def test_the_platforms_file_stops_everybody(files: Files) -> None:
    files.put("pay.yml", team("payments", uptime("pay-uptime")))
    files.platform.write_text("slas: []\n")
    with pytest.raises(DefinitionError, match=r"sla_thresholds\.yml:1: "):
        read_files(files.platform)


def test_a_clash_names_both_places_and_the_platform_is_right(files: Files) -> None:
    path = files.put("pay.yml", team("payments", uptime("pay-uptime"), uptime("api-error-rate", "Errors")))
    found = read_files(files.platform).apart()
    assert [each.key for each in found.definitions] == [
        "platform-uptime",
        "api-response-time-p95",
        "api-error-rate",
    ]
    [mistake] = found.mistakes
    # The second SLA of the file begins on line 13; three.yml has the key on line 28.
    assert str(mistake) == (
        f"{path}:13: SLA api-error-rate: key is `api-error-rate`, which {files.platform}:28 has already;"
        " give another key, or take it out of one of the two files"
    )


def test_a_teams_file_with_the_name_of_the_platforms_takes_nothing_from_it(files: Files) -> None:
    """A copy of the platform's file, made as a beginning: all its keys clash."""
    copy = files.put(
        files.platform.name,
        f"team: pay\nowner: pay@example.com\n{files.platform.read_text(encoding='utf-8')}",
    )
    found = read_files(files.platform).apart()
    assert len(found.definitions) == 3
    assert [each.file for each in found.broken] == [copy]


def test_of_two_teams_the_one_that_the_ledger_knows_keeps_the_key(files: Files) -> None:
    a = files.put("a.yml", team("first", uptime("same"), uptime("own-a")))
    b = files.put("b.yml", team("second", uptime("same", "Other"), uptime("own-b")))
    found = read_files(files.platform)
    assert [each.file for each in found.apart().broken] == [b]
    [mistake] = found.apart(owners={"same": "second"}).mistakes
    assert str(mistake).startswith(f"{a}:4: SLA same: key is `same`, which {b}:4 has already")


def test_names_and_teams_are_unique_too(files: Files) -> None:
    files.put("a.yml", team("pay", uptime("one", "Same name")))
    b = files.put("b.yml", team("pay", uptime("two", "Same name")))
    found = read_files(files.platform).apart()
    assert [str(each).partition(",")[0] for each in found.mistakes] == [
        f"{b}:1: the file: team is `pay`",
        f"{b}:5: SLA two: name is `Same name`",
    ]
    [mistake] = read_files(files.platform).apart(homes={"pay": "b.yml"}).mistakes[:1]
    assert mistake.place == f"{files.directory / 'a.yml'}:1"


def test_a_category_in_a_composite_of_a_team_is_that_of_its_own_slas(files: Files) -> None:
    score = """\
  - key: pay-health
    name: Payment health
    category: composite
    severity: high
    comparison: ">="
    target: 0.9
    unit: ratio
    description: All of payments.
    sli: {kind: composite, members: [{category: availability, weight: 100}]}
"""
    files.put("pay.yml", team("payments", uptime("pay-uptime"), uptime("refund-uptime"), score))
    [found] = [each for each in read_all(files.platform) if each.key == "pay-health"]
    [member] = found.sli.members
    # platform-uptime is of the same category.
    keys = ("platform-uptime", "pay-uptime", "refund-uptime")
    assert [member.includes(key, "availability") for key in keys] == [False, True, True]
    again = content.read(content.write(found), key=found.key, name=found.name)
    assert again.sli == found.sli
    assert content.fingerprint(again) == content.fingerprint(found)


def linted(file: Path) -> tuple[int, list[str]]:
    lines: list[str] = []
    return lint.report(file, read_settings({}), None, lambda: 1_700_000_000, lines.append), lines


def test_lint_says_the_mistakes_of_all_files(files: Files) -> None:
    assert linted(files.platform)[1][-1] == f"{files.platform}: 3 SLAs, 0 errors, 0 warnings (the file alone)"
    a = files.put("a.yml", team("first", uptime("same")))
    b = files.put("b.yml", team("second", uptime("same", "Other"), uptime("third")))
    c = files.put("c.yml", team("third", uptime("wrong", target=99)))
    code, lines = linted(files.platform)
    assert code == 1
    assert lines == [
        f"error: {b}:4: SLA same: key is `same`, which {a}:4 has already\n"
        "fix:   give another key, or take it out of one of the two files",
        f"error: {c}:9: SLA wrong: target is `99`\nfix:   give a ratio from 0 to 1: 99 % is 0.99",
        f"{files.platform} and 3 files in sla.d: 4 SLAs, 2 errors, 0 warnings (the files alone)",
    ]
    # One team's file alone.
    assert linted(a) == (0, [f"{a}: 1 SLAs, 0 errors, 0 warnings (the file alone)"])
    files.platform.write_text("slas: []\n")
    code, lines = linted(files.platform)
    assert [each.partition(": ")[2].partition(": ")[0] for each in lines[:3]] == [
        f"{files.platform}:1",
        f"{b}:4",
        f"{c}:9",
    ]


def schema() -> jsonschema_rs.Draft7Validator:
    """That of a team's file, with what it takes from the platform's put in its place."""
    place = Path(definitions.__file__)
    whole = json.loads(place.with_name("schema.json").read_text(encoding="utf-8"))
    own = json.loads(place.with_name("team.schema.json").read_text(encoding="utf-8"))
    for name, each in own["properties"].items():
        if each.get("$ref") == f"schema.json#/properties/{name}":
            own["properties"][name] = whole["properties"][name]
    own["definitions"] |= whole["definitions"]
    return jsonschema_rs.Draft7Validator(own)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (team("pay", uptime("pay-uptime"), more=RECEIVERS), True),
        (team("pay", uptime("pay-uptime")), True),
        ("slas:\n" + uptime("pay-uptime"), False),
        (team("Pay", uptime("pay-uptime")), False),
        (team("platform", uptime("pay-uptime")), False),
        (team("platforms", uptime("pay-uptime")), True),
        (team("p/../y", uptime("pay-uptime")), False),
        (team("p\N{CYRILLIC SMALL LETTER A}y", uptime("pay-uptime")), False),
        (team("p" * 41, uptime("pay-uptime")), False),
        (team("pay", uptime("pay-uptime")).replace("pay@", "pay at "), False),
        (team("pay", uptime("pay-uptime"), more="receivers: {page: [a@example.com]}\n"), False),
        (team("pay", uptime("pay-uptime"), more="receivers: {daily: a@example.com}\n"), False),
        (team("pay", uptime("pay-uptime", target=99)), False),
        (team("pay"), False),
    ],
)
def test_the_schema_for_editors_and_the_parser_agree(files: Files, text: str, *, accepted: bool) -> None:
    files.put("pay.yml", text)
    assert schema().is_valid(yaml.safe_load(text)) == accepted
    assert (not read_files(files.platform).broken) == accepted
