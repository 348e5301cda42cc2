"""Where each need is, and who has not answered: for the coordination. Aggregates only, for observers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.urls import reverse

from parvis.access.principal import Principal
from parvis.institutions.models import Institution, Nature, Role
from parvis.needs.actions.figures import SMALLEST, needs_by_domain
from parvis.needs.models import (
    Attachment,
    Ballot,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    HarmonisedState,
    RawNeed,
    RawNeedState,
)
from parvis.needs.models.harmonised import OPEN, HarmonisedNeedQuerySet


@dataclass(frozen=True, slots=True)
class NeedProgress:
    """A harmonised need, and the short names of those it waits for."""

    code: str
    title: str
    url: str
    group: str
    state: str
    institutions: int
    cosignatures: int
    to_decide: tuple[str, ...]  # on an attachment
    to_vote: tuple[str, ...]
    to_confirm: tuple[str, ...]

    @property
    def waits(self) -> bool:
        return bool(self.to_decide or self.to_vote or self.to_confirm)


@dataclass(frozen=True, slots=True)
class InstitutionProgress:
    name: str
    is_invented: bool
    shared: int  # needs
    attached: int
    to_decide: int
    to_vote: int
    to_confirm: int
    signed: int

    @property
    def counts(self) -> tuple[int, ...]:
        """In the order of the columns."""
        return self.shared, self.attached, self.to_decide, self.to_vote, self.to_confirm, self.signed


def needs_in_progress(principal: Principal) -> list[NeedProgress]:
    rows: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(principal)
    needs = list(rows.living().select_related("working_group").prefetch_related("versions"))
    deciding, voting, confirming = _deciding(principal), _voting(needs), _in_state(principal, CoSignatureState.TO_CONFIRM)
    signing = _in_state(principal, CoSignatureState.VALID)
    accepted = Attachment.objects.visible_to(principal).accepted().values("harmonised")
    recognised = dict(accepted.annotate(count=Count("institution", distinct=True)).values_list("harmonised", "count"))
    progress = [
        NeedProgress(
            code=need.code,
            title=need.title,
            url=reverse("needs:harmonised", args=[need.id]),
            group=need.working_group.name,
            state=str(need.get_state_display()),
            institutions=recognised.get(need.id, 0),
            cosignatures=len(_of_version(need, signing)),
            to_decide=tuple(sorted(deciding[need.id])),
            to_vote=tuple(sorted(voting[need.id])),
            to_confirm=tuple(sorted(_of_version(need, confirming))),
        )
        for need in needs
    ]
    return sorted(progress, key=lambda one: not one.waits)


def institutions_in_progress(principal: Principal, needs: Iterable[NeedProgress]) -> list[InstitutionProgress]:
    shared = _by_institution(RawNeed.objects.visible_to(principal).shared())
    attached = _by_institution(RawNeed.objects.visible_to(principal).filter(state=RawNeedState.ATTACHED))
    waiting = _by_institution(Attachment.objects.visible_to(principal).filter(state__in=OPEN, harmonised__merged_into=None))
    signed = _by_institution(CoSignature.objects.visible_to(principal).in_force())
    votes, confirmations = _counted(one.to_vote for one in needs), _counted(one.to_confirm for one in needs)
    return [
        InstitutionProgress(
            name=member.short_name,
            is_invented=member.is_invented,
            shared=shared.get(member.id, 0),
            attached=attached.get(member.id, 0),
            to_decide=waiting.get(member.id, 0),
            to_vote=votes[member.short_name],
            to_confirm=confirmations[member.short_name],
            signed=signed.get(member.id, 0),
        )
        for member in Institution.objects.filter(nature=Nature.MEMBER, left_date=None).order_by("short_name")
    ]


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    needs: int
    institutions: int


def figures_by_domain() -> list[Figure]:
    """Shared needs of each domain that at least SMALLEST institutions have. No total is given: a subtraction would tell the
    others."""
    return [Figure(*row) for row in needs_by_domain() if row[2] >= SMALLEST]


def _deciding(principal: Principal) -> defaultdict[int, set[str]]:
    names: defaultdict[int, set[str]] = defaultdict(set)
    rows = Attachment.objects.visible_to(principal).filter(state__in=OPEN)
    for need, name in rows.values_list("harmonised", "institution__short_name").distinct().order_by():
        names[need].add(name)
    return names


def _voting(needs: Iterable[HarmonisedNeed]) -> defaultdict[int, set[str]]:
    """Institutions of the working group with a referent and no ballot on the draft."""
    drafts = {draft.id: need for need in needs if (draft := need.draft) and need.state != HarmonisedState.PROPOSED}
    voted: defaultdict[int, set[str]] = defaultdict(set)
    for version, name in Ballot.objects.filter(version__in=drafts).values_list("version", "institution__short_name"):
        voted[version].add(name)
    members: defaultdict[int, set[str]] = defaultdict(set)
    referents = Institution.objects.filter(
        profiles__role=Role.REFERENT, profiles__ended_at=None, profiles__working_groups__isnull=False
    )
    for group, name in referents.values_list("profiles__working_groups", "short_name").distinct().order_by():
        members[group].add(name)
    return defaultdict(set, {need.id: members[need.working_group_id] - voted[version] for version, need in drafts.items()})


def _in_state(principal: Principal, state: CoSignatureState) -> defaultdict[int, set[str]]:
    names: defaultdict[int, set[str]] = defaultdict(set)
    rows = CoSignature.objects.visible_to(principal).filter(state=state)
    for version, name in rows.values_list("version", "institution__short_name").order_by():
        names[version].add(name)
    return names


def _of_version(need: HarmonisedNeed, names: defaultdict[int, set[str]]) -> set[str]:
    version = need.in_force
    return names[version.id] if version else set()


def _by_institution(rows: object) -> dict[int, int]:
    counted = rows.order_by().values("institution").annotate(count=Count("id"))  # type: ignore[attr-defined]
    return dict(counted.values_list("institution", "count"))


def _counted(names: Iterable[tuple[str, ...]]) -> defaultdict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for some in names:
        for name in some:
            counts[name] += 1
    return counts
