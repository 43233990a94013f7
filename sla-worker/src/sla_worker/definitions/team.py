"""Who a file of `sla.d` belongs to: its team, its owner and its receivers."""

from __future__ import annotations

import re
from pathlib import Path

from sla_worker.conventions import PLATFORM
from sla_worker.definitions.yaml_map import YamlMap
from sla_worker.model import RECEIVER_KINDS, Receivers, Team
from sla_worker.settings import is_address

KEYS = ("team", "owner", "receivers")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_ADDRESS = "give a mail address like payments@example.com"


def read_team(top: YamlMap, file: Path) -> Team:
    """The team of a file; what is wrong is noted, and what is returned then is never used."""
    name = top.text(
        "team",
        is_name,
        f"give up to {_LONGEST} lower case letters and digits, words joined by -;"
        f" not {PLATFORM}, which the alerts of all others carry",
    )
    owner = top.text("owner", is_address, _ADDRESS)
    return Team(name, file.name, owner, _receivers(top) if top.has("receivers") else Receivers())


def is_name(text: str) -> bool:
    """Whether a text can be the name of a team: a label, a part of a URL, a key of the outbox.

    That of the platform is taken: a route for it would have the alerts of everybody who is no team.
    """
    return text != PLATFORM and len(text) <= _LONGEST and NAME.fullmatch(text) is not None


def _receivers(top: YamlMap) -> Receivers:
    node = top.node_of("receivers")
    if node is None:
        return Receivers()
    source = YamlMap(top.complaints, node, "receivers")
    source.allow(*RECEIVER_KINDS)
    fix = "give a list of mail addresses like [payments@example.com]"
    return Receivers(
        **{kind: source.words(kind, is_address, fix) for kind in RECEIVER_KINDS if source.has(kind)}
    )
