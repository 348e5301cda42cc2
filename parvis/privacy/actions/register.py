"""The use register of an institution: what Parvis proposes from what exists, and what somebody wrote instead."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import override

from parvis.access.principal import Principal
from parvis.assistants.actions import all_assistants
from parvis.assistants.models import Assistant, AssistantPurpose
from parvis.audit.models import record
from parvis.corpora.actions import all_corpora
from parvis.federation.models import Kind, SignInSource
from parvis.inference.door import environment_routes
from parvis.inference.models import LanguageModel, Purpose, Zone
from parvis.institutions.models import Institution
from parvis.needs.models import RawNeed
from parvis.privacy.actions.retention import retention_of
from parvis.privacy.models import Processing
from parvis.privacy.register import FIELDS, AssistantFact, Facts, Line, ModelFact, SourceFact, changed, proposed

OWN = "own:"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the register as it stands. `line` is what somebody wrote, or what Parvis proposes where nobody did."""

    line: Line
    row: Processing | None = None
    proposal: Line | None = None  # None: what it was about is no longer, or somebody added it
    changed: list[str] = field(default_factory=list)  # what Parvis proposes otherwise than when it was written
    edited_at: datetime | None = None

    @property
    def is_own(self) -> bool:
        return self.line.code.startswith(OWN)

    @property
    def is_over(self) -> bool:
        """About something that is no longer there."""
        return self.row is not None and self.proposal is None and not self.is_own


def entries(institution: Institution) -> list[Entry]:
    """In the order of the proposals, then what was added by hand."""
    written = {row.code: row for row in Processing.unscoped.filter(institution=institution)}
    found = []
    for proposal in proposed(facts_of(institution)):
        row = written.pop(proposal.code, None)
        if row is None:
            found.append(Entry(proposal, proposal=proposal))
        else:
            found.append(Entry(_line(row), row, proposal, changed(proposal, row.proposed), row.edited_at))
    return found + [Entry(_line(row), row, edited_at=row.edited_at) for row in written.values()]


def entry(institution: Institution, code: str) -> Entry | None:
    return next((one for one in entries(institution) if one.line.code == code), None)


@transaction.atomic
def write_line(principal: Principal, institution: Institution, code: str, values: Mapping[str, str]) -> Processing:
    """`code` "" adds a line. What Parvis proposed at this instant is kept beside it, to tell when that changes."""
    known = entry(institution, code) if code else None
    row = (known.row if known else None) or Processing(institution=institution, code=code or f"{OWN}{secrets.token_hex(6)}")
    for name in FIELDS:
        setattr(row, name, values[name])
    row.proposed = known.proposal.values() if known and known.proposal else {}
    row.edited_by_id = principal.profile_id
    row.save()
    _record(principal, "register.edit", row.code)
    return row


@transaction.atomic
def forget_line(principal: Principal, row: Processing) -> None:
    """What Parvis proposes takes its place again, if it proposes one."""
    _record(principal, "register.forget", row.code)
    row.delete()


def facts_of(institution: Institution) -> Facts:
    with override(settings.LANGUAGE_CODE):
        return Facts(
            institution=institution.name,
            purposes={code: str(label) for code, label in AssistantPurpose.choices},
            sources=tuple(_source(row) for row in SignInSource.unscoped.filter(institution=institution, is_active=True)),
            models=_models(institution, Purpose.CHAT),
            embeddings=_models(institution, Purpose.EMBEDDINGS),
            assistants=tuple(_assistant(row) for row in all_assistants(institution.id)),
            corpora=len(all_corpora(institution.id)),
            needs=RawNeed.unscoped.filter(institution=institution).count(),
            mails=settings.MAILS,
            days={kept.clock.code: kept.days for kept in retention_of(institution.id)},
        )


def _source(row: SignInSource) -> SourceFact:
    return SourceFact(row.name, str(Kind(row.kind).label).partition(" (")[0], tuple(sorted(row.correspondence.needed)))


def _assistant(row: Assistant) -> AssistantFact:
    return AssistantFact(row.name, row.purpose, "" if row.quotes_only else "*")


def _models(institution: Institution, purpose: str) -> tuple[ModelFact, ...]:
    rows = LanguageModel.unscoped.usable_for(institution.id, purpose)
    found = [
        ModelFact(row.display_name, row.provider.name, _host(row.provider.base_url), str(Zone(row.provider.zone).label))
        for row in rows
    ]
    if route := environment_routes().get(purpose):
        host = route.host
        found.append(ModelFact(route.name, host, host, str(Zone(route.zone).label)))
    return tuple(found)


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def _line(row: Processing) -> Line:
    return Line(row.code, **{name: getattr(row, name) for name in FIELDS})


def _record(principal: Principal, action: str, code: str) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"institution:{principal.institution_id}",
        line=code,
    )
