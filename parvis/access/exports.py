"""That somebody took out a file: a line of the log, with none of its words."""

from __future__ import annotations

from parvis.access.principal import Principal
from parvis.audit.models import record


def record_export(principal: Principal, subject: str, *, what: str, kind: str) -> None:
    """`what` is in it: "people", "conversation"…; `kind` is its format."""
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="file.export",
        subject=subject,
        what=what,
        format=kind,
    )
