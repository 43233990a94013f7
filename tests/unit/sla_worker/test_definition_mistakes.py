"""Every kind of mistake in a file of definitions: the right line and fix, by the parser and by the schema."""

import contextlib
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_worker import definitions
from sla_worker.definitions import read_definitions
from sla_worker.errors import DefinitionError
from sla_worker.grid import Grid

HERE = Path(__file__).parent / "definitions"
SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
GOOD = (HERE / "good.yml").read_text(encoding="utf-8")
CASES = yaml.safe_load((HERE / "mistakes.yml").read_text(encoding="utf-8"))
SCHEMA = json.loads(Path(definitions.__file__).with_name("schema.json").read_text(encoding="utf-8"))
VALID = jsonschema_rs.Draft7Validator(SCHEMA)


class _Loader(yaml.SafeLoader):
    """Leaves days as texts, as the editors' YAML 1.2 does."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as in the class above
        letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def schema_accepts(text: str) -> bool | None:
    """None: it cannot say, since this is not YAML."""
    try:
        return VALID.is_valid(yaml.load(text, _Loader))  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, TypeError, ValueError):
        return None


def mistakes(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "slas.yml"
    file.write_text(text, encoding="utf-8")
    try:
        read_definitions(file, Grid(300, 15))
    except DefinitionError as error:
        return [str(each).removeprefix(f"{file}:") for each in error.mistakes]
    return []


@pytest.mark.parametrize("case", CASES, ids=[repr(each["to"])[:60] for each in CASES])
def test_it_names_the_line_and_the_fix(tmp_path: Path, case: dict[str, Any]) -> None:
    assert case["from"] in GOOD
    text = GOOD.replace(case["from"], case["to"], 1)
    assert mistakes(tmp_path, text) == case["says"]
    assert schema_accepts(text) in ((True, None) if "schema" in case else (False,))


@pytest.mark.parametrize(
    "text",
    [
        "slas: " + "[" * 1000 + "]" * 1000,
        "slas: " + "[" * 100_000,
        "slas: " + "{a: " * 3000 + "}" * 3000,
        "- " * 20_000,
        "".join(" " * depth + "a:\n" for depth in range(1000)),
    ],
    ids=["lists", "open-lists", "mappings", "dashes", "indents"],
)
def test_what_is_nested_too_deeply_is_one_mistake(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text) == ["1: this is nested too deeply; give `slas:` and a list"]


def test_there_are_enough_mistakes() -> None:
    assert len(CASES) >= 60
    assert len({(each["from"], each["to"]) for each in CASES}) == len(CASES)


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("target: 0.001", "target: 7").replace("weight: 60", "weight: 61")
    assert [each.partition(":")[0] for each in mistakes(tmp_path, text)] == ["12", "97"]
    with pytest.raises(DefinitionError, match=r"slas.yml:12: .* \(and 1 more: sla_lint names them all\)"):
        read_definitions(tmp_path / "slas.yml")


@pytest.mark.parametrize("file", [HERE / "good.yml", SHIPPED], ids=["good", "shipped"])
def test_schema_and_parser_accept_what_is_right(file: Path) -> None:
    assert schema_accepts(file.read_text(encoding="utf-8"))
    assert read_definitions(file)


def test_the_shipped_file_names_its_schema_for_editors() -> None:
    first = SHIPPED.read_text(encoding="utf-8").partition("\n")[0]
    named = SHIPPED.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text(encoding="utf-8")) == SCHEMA


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["up", "24:00", "mon", ">=", "ratio", "events", "health", "month", "a{", "2026-12-25"]),
)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def _places(data: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


PLAIN: dict[str, Any] = yaml.load(GOOD, _Loader)  # noqa: S506 - a SafeLoader
PLACES = [each for each in _places(PLAIN) if each]


@settings(max_examples=40)
@given(place=st.sampled_from(PLACES), value=_DATA)
def test_what_the_schema_refuses_the_parser_refuses(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: object
) -> None:
    """Anything in the place of anything: no traceback, and an editor marks no file that would be taken."""
    changed = json.loads(json.dumps(PLAIN))
    parent = changed
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    text = yaml.safe_dump(changed, allow_unicode=True, sort_keys=False)
    said = mistakes(tmp_path_factory.getbasetemp(), text)
    if schema_accepts(text) is False:
        assert said


@given(_DATA)
def test_no_yaml_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: object) -> None:
    assert mistakes(tmp_path_factory.getbasetemp(), yaml.safe_dump(data, allow_unicode=True))


@given(
    st.one_of(
        st.binary(max_size=60), st.text("slas:\n- {}[]&*!|>'\"%@#?,\t~<=\0", max_size=60).map(str.encode)
    )
)
def test_no_file_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yml"
    file.write_bytes(content)
    with contextlib.suppress(DefinitionError):
        read_definitions(file)


@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 40),
    st.sampled_from(["", "&a ", "*a", "!!int ", "!x ", "? ", "<<: ", "\t"]),
)
def test_no_slip_of_an_editor_gives_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, put: str
) -> None:
    mistakes(tmp_path_factory.getbasetemp(), GOOD[:start] + put + GOOD[start + length :])
