"""Places in the tree: made when somebody is first counted there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.access.models import ApiKey
from parvis.audit.models import record
from parvis.institutions.models import Group, Profile, Role
from parvis.isolation.scope import everywhere
from parvis.ledger.budgets.models import Node, NodeKind, PeriodChoice, Spending, Term
from parvis.ledger.budgets.periods import Period, span


@dataclass(frozen=True, slots=True)
class Places:
    """What a call concerns, for `reserve`, which adds the places above; `component`: whose expense it is, "" for nobody's."""

    chain: tuple[int, ...]
    component: str = ""


def places_of(profile: Profile, *, key: ApiKey | None = None, subject: str = "") -> Places:
    """Of a call of this person, or application: their own place, that of their key, those of their groups, and that of what
    they use ("assistant:12"), where it has one. A course is its component's expense, whoever asks."""
    own = place_of_profile(profile)
    found = [own, place_of_key(key, own)] if key else [own]
    groups = Node.unscoped.filter(institution=profile.institution_id, group__profiles=profile).select_related("parent")
    used = Node.unscoped.filter(institution=profile.institution_id, subject=subject) if subject else Node.unscoped.none()
    found += [*used.select_related("parent"), *groups.distinct()]
    return Places(tuple(sorted({node.id for node in found})), _component([*found[1:]]))


def places_of_keys(keys: Sequence[ApiKey]) -> dict[int, Places]:
    """The same for many keys at once, whose `profile` is read."""
    holders = {key.profile_id: key.profile for key in keys}
    own = {node.profile_id: node for node in Node.unscoped.filter(profile__in=holders)}
    own |= {number: place_of_profile(profile) for number, profile in holders.items() if number not in own}
    of_keys = {node.key_id: node for node in Node.unscoped.filter(key__in=[key.id for key in keys])}
    of_keys |= {key.id: place_of_key(key, own[key.profile_id]) for key in keys if key.id not in of_keys}
    of_groups: dict[int, list[Node]] = defaultdict(list)
    nodes = Node.unscoped.filter(group__profiles__in=holders).select_related("parent").distinct().in_bulk()
    for profile_id, node_id in Node.unscoped.filter(group__profiles__in=holders).values_list("group__profiles", "id"):
        if profile_id in holders:
            of_groups[profile_id].append(nodes[node_id])
    found = {}
    for key in keys:
        places = [own[key.profile_id], of_keys[key.id], *of_groups[key.profile_id]]
        found[key.id] = Places(tuple(sorted({node.id for node in places})), _component(places[1:]))
    return found


def _component(nodes: Iterable[Node]) -> str:
    """The name of the first that is one, or hangs from one."""
    for node in nodes:
        for one in (node, node.parent):
            if one is not None and one.kind == NodeKind.COMPONENT:
                return str(one)
    return ""


def alliance() -> Node:
    with everywhere("budgets"):
        return Node.unscoped.get_or_create(kind=NodeKind.ALLIANCE)[0]


def place_of_institution(institution_id: int) -> Node:
    found = Node.unscoped.filter(institution=institution_id, kind=NodeKind.INSTITUTION).first()
    if found is not None:
        return found
    fresh = {"parent": alliance()}
    return Node.unscoped.get_or_create(institution_id=institution_id, kind=NodeKind.INSTITUTION, defaults=fresh)[0]


def place_of_profile(profile: Profile) -> Node:
    found = Node.unscoped.filter(institution=profile.institution_id, profile=profile).first()
    if found is not None:
        return found
    fresh = {
        "institution_id": profile.institution_id,
        "kind": NodeKind.APP if profile.role == Role.APP else NodeKind.PERSON,
        "parent": place_of_institution(profile.institution_id),
    }
    return Node.unscoped.get_or_create(profile=profile, defaults=fresh)[0]


def place_of_key(key: ApiKey, holder: Node) -> Node:
    """An application's key is below it; a person's hangs from their institution, and both are counted."""
    parent_id = holder.id if holder.kind == NodeKind.APP else holder.parent_id
    fresh = {"institution_id": key.institution_id, "kind": NodeKind.KEY, "parent_id": parent_id}
    return Node.unscoped.get_or_create(key=key, defaults=fresh)[0]


@transaction.atomic
def add_place(parent: Node, kind: str, *, name: str, actor: str, group: Group | None = None, subject: str = "") -> Node:
    """A component, whose people are those of `group`; or a course."""
    node = Node.unscoped.create(
        institution_id=parent.institution_id, kind=kind, parent=parent, name=name, group=group, subject=subject
    )
    _record(node, actor, "budget.add_place", name=name, kind=kind)
    return node


@transaction.atomic
def edit_place(node: Node, *, name: str, actor: str, group: Group | None = None) -> None:
    node.name, node.group = name, group
    node.save(update_fields=["name", "group"])
    _record(node, actor, "budget.edit_place", name=name)


@transaction.atomic
def set_terms(institution_id: int, days: Sequence[date], *, actor: str) -> None:
    """When the semesters begin. The running one ends when the new days say so; what it spent stays counted."""
    Term.unscoped.filter(institution=institution_id).exclude(starts_date__in=days).delete()
    Term.unscoped.bulk_create([Term(institution_id=institution_id, starts_date=day) for day in days], ignore_conflicts=True)
    now = timezone.now()
    ends_at = span(Period.SEMESTER, now, days).ends_at
    running = Spending.unscoped.filter(budget__period=PeriodChoice.SEMESTER, starts_at__lte=now, ends_at__gt=now)
    running.filter(budget__institution=institution_id).update(ends_at=ends_at)
    record(
        institution_id=institution_id,
        actor=actor,
        action="budget.set_terms",
        subject=f"institution:{institution_id}",
        days=[day.isoformat() for day in sorted(days)],
    )


def _record(node: Node, actor: str, action: str, **details: Any) -> None:
    record(institution_id=node.institution_id, actor=actor, action=action, subject=f"place:{node.id}", **details)
