"""What the administrator of an institution does with its groups, by hand."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from parvis.access.principal import Principal
from parvis.access.rules import actions as rules
from parvis.audit.models import record
from parvis.federation.models import DirectoryGroup
from parvis.federation.provisioning.unfit import Unfit
from parvis.institutions.models import Group, Profile


@transaction.atomic
def create_group(principal: Principal, name: str) -> Group:
    """Raises Unfit("group_taken")."""
    _must_be_free(principal, name)
    group = Group.objects.create(institution_id=principal.institution_id, name=name)
    _record_group(principal, "people.group.create", group)
    return group


@transaction.atomic
def rename_group(principal: Principal, group: Group, name: str) -> None:
    """Raises Unfit("group_taken" | "kept_by_scim")."""
    _must_be_kept_here(group)
    _must_be_free(principal, name, but=group.id)
    group.name = name
    group.save(update_fields=["name"])
    _record_group(principal, "people.group.rename", group)


@transaction.atomic
def delete_group(principal: Principal, group: Group) -> None:
    """Its people stay. Raises Unfit("kept_by_scim" | "named_by_rules")."""
    _must_be_kept_here(group)
    if is_named_by_rules(group):
        raise Unfit("named_by_rules")
    _record_group(principal, "people.group.delete", group, name=group.name)
    group.delete()


@transaction.atomic
def add_to_group(principal: Principal, group: Group, profiles: Collection[Profile]) -> None:
    group.profiles.add(*profiles)
    _record_group(principal, "people.group.add", group, profiles=sorted(profile.id for profile in profiles))


@transaction.atomic
def remove_from_group(principal: Principal, group: Group, profile: Profile) -> None:
    """A directory that put them in does not put them in again, unless it took them out meanwhile."""
    group.profiles.remove(profile)
    _record_group(principal, "people.group.remove", group, profiles=[profile.id])


def is_kept_by_scim(group: Group) -> bool:
    return DirectoryGroup.unscoped.filter(group=group).exists()


def is_named_by_rules(group: Group) -> bool:
    """By those in force."""
    return f'Group::"{group.id}"' in rules.current(group.institution_id).text


def _must_be_free(principal: Principal, name: str, *, but: int = 0) -> None:
    if Group.objects.filter(institution_id=principal.institution_id, name=name).exclude(id=but).exists():
        raise Unfit("group_taken", name=name)


def _must_be_kept_here(group: Group) -> None:
    if is_kept_by_scim(group):
        raise Unfit("kept_by_scim")


def _record_group(principal: Principal, action: str, group: Group, **details: object) -> None:
    subject = f"group:{group.id}"
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
