"""What of the SLAs a page shows: what is searched for, and of hundreds a page of a category at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sla_worker.model import Category, SLAStatus
from sla_worker.render.format import verdict

MANY: Final = 120
"""Above so many rows every category is cut to its first ones, and has pages of its own."""

_FIRST = 20
_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Group:
    """A category as far as it is shown: `shown` of its rows. `pages` is how many pages it has by itself."""

    category: Category
    shown: Sequence[SLAStatus]
    page: int = 1
    pages: int = 1

    @property
    def hidden(self) -> int:
        """How many of its rows are not shown."""
        return len(self.category.statuses) - len(self.shown)


def grouped(
    categories: Iterable[Category], *, search: str | None = None, wanted: str | None = None, page: int = 1
) -> list[Group]:
    """The categories that hold all words of a `search`, or the `page` of the one that is `wanted`."""
    found = [
        Category(each.name, tuple(one for one in each.statuses if _holds(one, search)))
        for each in categories
        if wanted in {None, each.name}
    ]
    found = [each for each in found if each.statuses]
    if wanted is not None:
        return [_page(each, page) for each in found]
    many = sum(len(each.statuses) for each in found) > MANY
    return [
        Group(
            each,
            each.statuses[:_FIRST] if many else each.statuses,
            pages=-(-len(each.statuses) // _A_PAGE),
        )
        for each in found
    ]


def _page(category: Category, page: int) -> Group:
    pages = -(-len(category.statuses) // _A_PAGE)
    page = min(page, pages)
    begin = (page - 1) * _A_PAGE
    return Group(category, category.statuses[begin : begin + _A_PAGE], page, pages)


def _holds(status: SLAStatus, search: str | None) -> bool:
    """Whether each word stands in its name, key, category, severity, result or state."""
    texts = (status.title, status.key, status.category, status.severity, verdict(status), status.status.word)
    text = " ".join((*texts, "in breach" if status.in_breach else "")).casefold()
    return all(word in text for word in (search or "").casefold().split())
