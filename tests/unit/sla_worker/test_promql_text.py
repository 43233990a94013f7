"""Expressions as people write them: nothing in them hides or changes what stands beside them in a query."""

from __future__ import annotations

import contextlib
from pathlib import Path

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sla_worker.definitions import read_definitions
from sla_worker.errors import DefinitionError
from sla_worker.promql import quantile
from sla_worker.promql_text import in_one_line, with_slot

GOOD = (Path(__file__).parent / "definitions" / "good.yml").read_text(encoding="utf-8")
EXPRESSION = "expression: sum(avg_over_time(sessions_active[$slot])) > 0"
PARTS = [
    *"()[]{}\"'`#,=\n\t \\", "$slot", "a", "sum", " or ", "5m", "b=", "==", "1", "ä", "# c\n", '"x"', "`y`",
]  # fmt: skip


def read(tmp_path: Path, expression: str, *, thorough: bool = False) -> str:
    """The expression of an SLA whose lines are these; not thorough, as the service reads it."""
    file = tmp_path / "slas.yml"
    file.write_text(GOOD.replace(EXPRESSION, expression), encoding="utf-8")
    [found] = [each for each in read_definitions(file, thorough=thorough) if each.key == "sessions"]
    asked = found.sli.asked(300)
    assert asked is not None
    return asked


@pytest.mark.parametrize("thorough", [True, False])
@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("expression: |\n        sum(a) # all of them\n        + # and\n        sum(b)", "sum(a) + sum(b)"),
        ("expression: sum(a) # of YAML", "sum(a)"),
        ("expression: 'sum(a) # of PromQL'", "sum(a)"),
        ("expression: >\n        sum(a)\n        + sum(b)", "sum(a) + sum(b)"),
        ("expression: 'a{b=\"c # d\"}'", 'a{b="c # d"}'),
        ("expression: 'a{b=\"c  d )\"}'", 'a{b="c  d )"}'),
        ("expression: |\n        a{b='c\\'#', d=`e\n        \\f\"`}", "a{b='c\\'#', d=\"e\\n\\\\f\\\"\"}"),
        ("expression: 'sum_over_time(a{b=\"$slot\"}[$slot])'", 'sum_over_time(a{b="$slot"}[300s])'),
    ],
)
def test_comments_go_and_strings_stay(tmp_path: Path, written: str, asked: str, thorough: bool) -> None:  # noqa: FBT001
    assert read(tmp_path, written, thorough=thorough) == asked


@pytest.mark.parametrize(
    "written",
    [
        "expression: a) or (b",
        'expression: \'a, "sla_expression", "0", "", "") or (b\'',
        "expression: 'a{b=\"c}'",
        "expression: '# a'",
        "expression: >\n        sum(a) # all\n        + sum(b)",
    ],
)
def test_what_would_change_the_query_of_others_is_refused_without_a_parser_too(
    tmp_path: Path, written: str
) -> None:
    with pytest.raises(DefinitionError, match="86: SLA sessions: sli: expression is"):
        read(tmp_path, written)


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
@example("a # b\n + c")
def test_whatever_is_taken_closes_what_it_opens_and_hides_nothing(text: str) -> None:
    with contextlib.suppress(ValueError):
        found = in_one_line(text, lines=True)
        assert "\n" not in found
        assert in_one_line(found, lines=False) == found  # no comment is left, nothing is folded
        assert in_one_line(f"f(({found}), 1)", lines=False) == f"f(({found}), 1)"


@given(st.lists(st.sampled_from(PARTS), max_size=10).map("".join))
@example('sum(a{b=`c"\\`}) # d\n + e')
def test_what_promql_takes_is_taken_and_means_the_same(text: str) -> None:
    asked = with_slot_or_none(text)
    with contextlib.suppress(ValueError):
        meant = promql_parser.parse(asked or "").prettify()
        assert promql_parser.parse(in_one_line(asked or "", lines=True)).prettify() == meant


def with_slot_or_none(text: str) -> str | None:
    try:
        return with_slot(text, 300)
    except ValueError:
        return None


def test_a_percentile_by_a_label_with_dots_is_promql() -> None:
    text = quantile('h_bucket{a="b"}', 0.95, 300, ("worker", 'k8s.pod"'))
    assert 'sum by (le, worker, "k8s.pod\\"") (rate(' in text
