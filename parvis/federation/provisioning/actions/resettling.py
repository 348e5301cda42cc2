"""What entries give, worked out anew of what they say: by the institution's rules for SCIM, as it is written for a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from parvis.federation.attributes import roles_of
from parvis.federation.models import DirectoryEntry, DirectoryGroup, ScimSetup
from parvis.federation.provisioning import scim
from parvis.federation.provisioning.actions.giving import Gift, settle
from parvis.federation.provisioning.models import Origin
from parvis.institutions.models import ROLES_OF, Group, Institution, Nature

AT_ONCE = 250  # entries of one statement


def resettle(institution_id: int, entries: Sequence[DirectoryEntry], *, actor: str, now: datetime) -> None:
    """Inside the caller's transaction."""
    allowed = ROLES_OF[Nature(Institution.objects.get(id=institution_id).nature)]
    for start in range(0, len(entries), AT_ONCE):
        batch = entries[start : start + AT_ONCE]
        gifts = [
            *_of_scim(institution_id, [entry for entry in batch if entry.origin == Origin.SCIM]),
            *_of_lists(institution_id, [entry for entry in batch if entry.origin == Origin.LIST]),
        ]
        held = [Gift(one.entry, tuple(pair for pair in one.roles if pair[0] in allowed), one.group_ids) for one in gifts]
        settle(institution_id, held, actor=actor, now=now)


def setup_of(institution_id: int) -> ScimSetup:
    """As it was saved, or as it is before anything was; not saved by being read."""
    found = ScimSetup.unscoped.select_related("source").defer("source__logo").filter(institution_id=institution_id).first()
    return found or ScimSetup(institution_id=institution_id)


def _of_scim(institution_id: int, entries: Sequence[DirectoryEntry]) -> Iterable[Gift]:
    if not entries:
        return
    rules = setup_of(institution_id).role_rules
    groups: dict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = DirectoryGroup.members.through.objects.filter(directoryentry_id__in=[entry.id for entry in entries])
    for entry_id, group_id, name in rows.values_list(
        "directoryentry_id", "directorygroup__group_id", "directorygroup__group__name"
    ):
        groups[entry_id].append((group_id, name))
    for entry in entries:
        said = scim.words(entry.user_name, entry.said, [name for _id, name in groups[entry.id]])
        yield Gift(entry, roles_of(said, rules), frozenset(group_id for group_id, _name in groups[entry.id]))


def _of_lists(institution_id: int, entries: Sequence[DirectoryEntry]) -> Iterable[Gift]:
    if not entries:
        return
    names = {name for entry in entries for name in entry.said.get("groups", ())}
    ids = group_ids(institution_id, names)
    for entry in entries:
        roles = tuple((role, detail) for role, detail in entry.said.get("roles", ()))
        yield Gift(entry, roles, frozenset(ids[name] for name in entry.said.get("groups", ())))


def group_ids(institution_id: int, names: Iterable[str]) -> dict[str, int]:
    """By name; those that were not there are made: a group that a directory knows is one here."""
    wanted = set(names)
    rows = Group.objects.filter(institution_id=institution_id, name__in=wanted)
    missing = wanted - set(rows.values_list("name", flat=True))
    made = (Group(institution_id=institution_id, name=name) for name in sorted(missing))
    Group.objects.bulk_create(made, ignore_conflicts=True)  # another writer may have been first
    return dict(rows.all().values_list("name", "id"))
