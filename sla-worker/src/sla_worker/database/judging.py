"""What a version judges by, as a definition: from its content, or from what little is known of it."""

from __future__ import annotations

from sla_worker.database.versions import StoredVersion, VersionStore
from sla_worker.model import SEVERITIES, Definition, read_details
from sla_worker.sli.content import read, stand_in


def judged_by(versions: VersionStore, version: StoredVersion, key: str) -> Definition:
    """The definition whose policy and form judge the slots of a version."""
    text = versions.content(version.sla_id, version.number)
    if text is not None:
        return read(text, key=key, name=key)
    details = read_details(version.details)
    return Definition(
        key=key,
        name=key,
        category=version.category,
        description="",
        comparison=version.comparison,
        target=version.target_value,
        unit=version.unit,
        severity=SEVERITIES[0],
        sli=stand_in(details, target=version.target_value, percentile=version.percentile),
        by=details.by,
        policy=details.policy,
    )
