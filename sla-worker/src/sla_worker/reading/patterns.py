"""Regular expressions of RE2 that select given values and no others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from math import isinf

from sla_worker.selectors import Matcher

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def one_of(label: str, values: Iterable[str]) -> Matcher:
    """A matcher for these values of a label."""
    wanted = sorted(set(values))
    if len(wanted) == 1:
        return Matcher(label, "=", wanted[0])
    return Matcher(label, "=~", "|".join(_SPECIAL.sub(r"\\\g<0>", each) for each in wanted))


def same_number(bound: float) -> str:
    """A regular expression for the spellings of a bucket's bound: 5, 5.0, 1e+06, 1000000.0 …

    Clients write numbers as their language does, and Prometheus 3 writes them its own way.
    """
    if isinf(bound):
        return r"\+?[Ii]nf"
    exact = Decimal(
        repr(bound)
    ).normalize()  # the shortest number that is this one, as Go and Python write it
    digits = "".join(map(str, exact.as_tuple().digits))
    power = exact.adjusted()
    scientific = rf"{_decimal(f'{digits[0]}.{digits[1:]}')}[eE]{_sign(power)}0*{abs(power)}"
    return rf"\+?({_decimal(f'{exact:f}')}|{scientific})"


def _decimal(digits: str) -> str:
    """A decimal number with as many zeros at its end as one likes."""
    whole, _, fraction = digits.partition(".")
    return rf"{whole}\.{fraction}0*" if fraction else rf"{whole}(\.0*)?"


def _sign(power: int) -> str:
    return "-" if power < 0 else r"\+?"
