"""Selectors: which texts are one, what they select, and that they are written as Prometheus reads them."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker import selectors
from sla_worker.selectors import Matcher, Selector, SelectorError, check_expression, parse_selector


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("requests_total", "requests_total"),
        ('requests_total{status = "error",}', 'requests_total{status="error"}'),
        ("a{b='c', d!~`x|y`}", 'a{b="c", d!~"x|y"}'),
        ('{__name__="a", b="c"}', 'a{b="c"}'),
        ('a\n{b="c"} # errors', 'a{b="c"}'),
        ('{"http.requests", "http.code"="500"}', '{"http.requests", "http.code"="500"}'),
        (r'a{b="\"\\\n"}', r'a{b="\"\\\n"}'),
    ],
)
def test_what_prometheus_takes_is_taken(text: str, written: str) -> None:
    assert str(parse_selector(text)) == written


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a[5m]", "it has a range"),
        ("a offset 5m", "it looks at another time"),
        ("a @ 3", "it looks at another time"),
        ('a{b="c" or d="e"}', "it has alternatives"),
        ('{b="c"}', "it names no metric"),
        ('{__name__=~"a|b"}', "it selects by more than one name"),
        ("rate(a[5m])", "it is an expression"),
        ("5", "it is an expression"),
        ("a{b=c}", "unexpected identifier 'c'"),
        ('a{b="c"', "it is cut off"),
        ("", "no expression"),
        ('a{b=~"["}', "the regex [ cannot be used here (unterminated character set"),
        ('a{b=~"(?=c)d"}', "illegal regex"),
        ('a{b=~"c{,3}"}', "the regex c{,3} cannot be used here"),
        ('a{b=~"[[:alpha:]]"}', "the regex [[:alpha:]] cannot be used here"),
        (r'a{b=~"\\pL"}', r"the regex \pL cannot be used here"),
        ('a{b=~"c++"}', "the regex c++ cannot be used here"),
        ('a{b=~"(?i)ä"}', "the regex (?i)ä cannot be used here"),
        ("a" * 4001, "it is longer than 4000 letters"),
        ("\ud800", "'utf-8' codec can't encode"),
    ],
)
def test_what_an_sla_cannot_count_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(SelectorError, match=re.escape(complaint)):
        parse_selector(text)


@pytest.mark.parametrize(
    ("matchers", "selected"),
    [
        ("", True),
        ('code="500"', True),
        ('code=~"5.."', True),
        ('code=~"5"', False),  # a regex matches all of the value
        ('code!~"4..|5.."', False),
        ('code!=""', True),
        ('zone=""', True),  # a label that is not there is an empty one
        ('zone!="a"', True),
        ('zone=~".+"', False),
        ('code="500", zone="b"', False),
    ],
)
def test_it_selects_what_prometheus_would(matchers: str, selected: bool) -> None:  # noqa: FBT001
    selector = parse_selector(f"a{{{matchers}}}")
    assert selector.matches({"__name__": "a", "code": "500"}) is selected
    assert not selector.matches({"__name__": "b", "code": "500"})


@pytest.mark.parametrize("text", ["a[5m]", '"text"', "a[1h:5m]", "sum(", "foo(a)"])
def test_an_expression_gives_numbers(text: str) -> None:
    with pytest.raises(SelectorError):
        check_expression(text)
    check_expression("sum(rate(a[5m])) / 2 > 0")


_LABELS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "__name__")
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8), _LABELS, _TEXTS
)
def test_what_is_written_is_read_as_the_same(name: str, label: str, value: str) -> None:
    selector = Selector(name, (Matcher(label, "=", value), Matcher("other", "!=", value)))
    assert parse_selector(str(selector)) == selector


@given(
    st.from_regex(r"[a-zO_:]{1,8}", fullmatch=True),
    st.lists(
        st.tuples(
            _LABELS, st.sampled_from(["=", "!=", "=~", "!~"]), st.sampled_from(["", "a|b", "5..", "ä", "x'y"])
        ),
        max_size=3,
    ),
    st.sampled_from(["", " "]),
    st.sampled_from(["", ","]),
)
def test_the_quick_way_reads_what_the_library_reads(
    name: str, matchers: list[tuple[str, str, str]], blank: str, comma: str
) -> None:
    inside = f",{blank}".join(
        f'{label}{blank}{operator}{blank}"{value}"' for label, operator, value in matchers
    )
    text = f"{name}{blank}{{{blank}{inside}{blank}{comma if inside else ''}{blank}}}"
    try:
        slow = selectors._parse_odd(text)
    except SelectorError:
        with pytest.raises(SelectorError):
            parse_selector(text)
    else:
        assert parse_selector(text) == slow


@given(st.text(max_size=30))
def test_no_text_gives_another_error(text: str) -> None:
    for read in (parse_selector, check_expression):
        with contextlib.suppress(SelectorError):
            read(text)
