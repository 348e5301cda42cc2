"""What anybody reads of the commons, signed in or not: published needs in the words of their version in force."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from parvis.needs.actions.harmonised import specification
from parvis.needs.models import CoSignature, HarmonisedNeed, NeedVersion
from parvis.needs.specification import Specification


@dataclass(frozen=True, slots=True)
class Signatory:
    name: str
    is_invented: bool


@dataclass(frozen=True, slots=True)
class PublishedNeed:
    """`signatories`: institutions whose co-signature of this very version is valid; what they said beside it is not here."""

    code: str
    state: str
    published_at: datetime
    stabilised_at: datetime
    fingerprint: str
    specification: Specification
    signatories: tuple[Signatory, ...]


def published_needs(number: int | None = None) -> list[PublishedNeed]:
    """In the order of their codes; only that number where one is given."""
    rows = HarmonisedNeed.unscoped.published().living().select_related("working_group").prefetch_related("versions")
    needs = list(rows if number is None else rows.filter(number=number))  # `exact` takes any number: there is none such
    versions = {need.id: version for need in needs if (version := need.in_force)}
    signatories = _signatories(list(versions.values()))
    return [_published(need, versions[need.id], signatories[versions[need.id].id]) for need in needs if need.id in versions]


def signatories_of(version: NeedVersion) -> tuple[Signatory, ...]:
    return tuple(_signatories([version])[version.id])


def _published(need: HarmonisedNeed, version: NeedVersion, signatories: list[Signatory]) -> PublishedNeed:
    version.need = need
    if need.published_at is None or version.stabilised_at is None:
        raise ValueError("a published need has a stable version")
    return PublishedNeed(
        code=need.code,
        state=need.state,
        published_at=need.published_at,
        stabilised_at=version.stabilised_at,
        fingerprint=version.fingerprint,
        specification=specification(version),
        signatories=tuple(signatories),
    )


def _signatories(versions: list[NeedVersion]) -> defaultdict[int, list[Signatory]]:
    signatories: defaultdict[int, list[Signatory]] = defaultdict(list)
    rows = CoSignature.unscoped.valid().filter(version__in=versions).select_related("institution", "signed_by__person")
    for row in rows.order_by("institution__name"):
        invented = row.institution.is_invented or (row.signed_by is not None and row.signed_by.person.is_invented)
        signatories[row.version_id].append(Signatory(row.institution.name, invented))
    return signatories
