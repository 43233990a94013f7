"""The templates of mails and pages, and the functions that they may call."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.model import SLAStatus
from sla_worker.render import format as words

if TYPE_CHECKING:
    import jinja2

_UNIT = re.compile(r"(?<=\d) (?=(?:s|min|h|d|%)(?![a-z]))")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d [A-Z0-9+-]+")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - a worker that shows and mails nothing does without

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sla_worker"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    whole = (words.ratio, words.quantity, words.beside, words.compliance, words.target, words.length)
    environment.globals.update({each.__name__: _unbroken(each) for each in whole})
    environment.globals["actual"] = _actual
    others = (
        words.verdict, words.verdict_colour, words.score_word, words.score_colour,
        words.status_colour, words.moment, words.remark, words.maintenance_line,
        words.correction_line, words.category_count, words.category_tag, words.budget_words,
        words.cause_words, words.lingering_words,
    )  # fmt: skip
    environment.globals.update({each.__name__: each for each in others})
    environment.globals["whole_times"] = _whole_times
    environment.globals["minimum_coverage"] = f"{MINIMUM_COVERAGE:.0%}".replace("%", " %")
    return environment


def _unbroken(function: Callable[..., str]) -> Callable[..., str]:
    """The function with spaces that end no line: a number stays beside its unit."""

    def unbroken(*arguments: Any) -> str:
        return function(*arguments).replace(" ", "\N{NO-BREAK SPACE}")

    return unbroken


def _whole_times(text: str) -> str:
    """The text as HTML in which no line ends within a time, or between a number and its unit.

    A phone breaks a time at the hyphens of its date.
    """
    import markupsafe  # noqa: PLC0415 - comes with jinja2

    escaped = _UNIT.sub("\N{NO-BREAK SPACE}", str(markupsafe.escape(text)))
    kept = _TIME.sub(r'<span style="white-space:nowrap;">\g<0></span>', escaped)
    return markupsafe.Markup(kept)  # noqa: S704 - escaped above


def _actual(status: SLAStatus) -> str:
    """`words.actual`, whose line does not end within a number and its sign, nor within `at least`."""
    text = words.actual(status).replace("at least", "at\N{NO-BREAK SPACE}least")
    return _UNIT.sub("\N{NO-BREAK SPACE}", text)


def template(name: str) -> jinja2.Template:
    """A template of this package, which may call the functions above."""
    return _environment().get_template(name)
