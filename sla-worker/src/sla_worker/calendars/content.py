"""The lines of an iCalendar file (RFC 5545) as components and properties, each with its line in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SHOWN = 60


class Refused(Exception):  # noqa: N818 - it becomes a Mistake, with the file before its line
    """What cannot be used: in which line, what it says, and what to do about it."""

    def __init__(self, line: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.what, self.fix = line, what, fix


@dataclass(frozen=True, slots=True)
class Property:
    """One content line. `value` is as it stands in the file; parameters have no quotes."""

    name: str
    params: dict[str, str]
    value: str
    line: int

    def refused(self, why: str, fix: str) -> Refused:
        """That this line cannot be used, with its value."""
        return Refused(self.line, f"{self.name} {shown(self.value)}: {why}", fix)

    @property
    def text(self) -> str:
        """The value as text: escapes undone, on one line."""
        return plain(self.value)


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    source: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """The properties of a name, in their order."""
        return [each for each in self.properties if each.name == name]

    def one(self, name: str) -> Property | None:
        """The property of a name that may stand once; None: there is none. Raises Refused."""
        found = self.all(name)
        if len(found) > 1:
            raise found[1].refused(f"there is a second {name}", "leave one of them")
        return found[0] if found else None

    def walk(self, name: str) -> Iterator[Component]:
        """The components of a name inside, at any depth."""
        for each in self.components:
            if each.name == name:
                yield each
            yield from each.walk(name)


def shown(value: str) -> str:
    """A value as an error line repeats it."""
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")


def plain(value: str) -> str:
    """Text without its escapes, on one line."""
    text = re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], value)
    return " ".join(text.split())


def roots(text: str) -> list[Component]:
    """The calendars of a file. Raises Refused for the first line that cannot be read."""
    found: list[Component] = []
    open_: list[Component] = []
    for number, line in _unfolded(text):
        made = _property(number, line)
        word = made.value.strip().upper()
        if made.name == "BEGIN":
            component = Component(word, number)
            (open_[-1].components if open_ else found).append(component)
            open_.append(component)
        elif not open_:
            raise Refused(number, f"{shown(line)}: stands outside of BEGIN:VCALENDAR", "give an .ics file")
        for each in open_:
            each.source.append(line)
        if made.name == "END":
            _end(open_.pop(), word, number)
        elif made.name != "BEGIN":
            open_[-1].properties.append(made)
    if open_:
        raise Refused(
            open_[-1].line, f"BEGIN:{open_[-1].name} has no END: the file is cut off", "copy the whole file"
        )
    return found


def _property(number: int, line: str) -> Property:
    from icalendar.parser import Contentline  # noqa: PLC0415 - only who imports one

    if bad := _CONTROLS.search(line):
        raise Refused(number, f"{shown(line)}: has the character {bad[0]!a}", "save it as UTF-8 text")
    try:
        name, params, _ = Contentline(line).parts()  # type: ignore[no-untyped-call]
        named = {str(key).upper(): str(each) for key, each in params.items()}
    except Exception as error:
        raise Refused(
            number, f"{shown(line)}: is not a line of a calendar", "export the calendar again"
        ) from error
    return Property(str(name).upper(), named, _raw_value(line), number)


def _end(component: Component, word: str, number: int) -> None:
    if component.name != word:
        raise Refused(
            number,
            f"END:{shown(word)} ends BEGIN:{component.name} of line {component.line}",
            "export the calendar again",
        )


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """The content lines, each with the number of its first line; a line that begins with a blank goes on."""
    number, line = 0, ""
    for count, each in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if each[:1] in {" ", "\t"} and line:
            line += each[1:]
            continue
        if line.strip():
            yield number, line
        number, line = count, each
    if line.strip():
        yield number, line


def _raw_value(line: str) -> str:
    """What stands after the first colon that no quotes enclose."""
    quoted = False
    for place, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == ":" and not quoted:
            return line[place + 1 :]
    return ""
