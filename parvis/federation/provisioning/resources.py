"""Rows as SCIM resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from scim2_models import Meta, Reference

from parvis.federation.models import DirectoryEntry, DirectoryGroup
from parvis.federation.provisioning import scim


def users(entries: Sequence[DirectoryEntry], base: str, *, keeps_mail: bool, with_groups: bool = True) -> list[scim.User]:
    """`base`: the address of the service, without a slash at its end."""
    groups: dict[int, list[scim.Membership]] = defaultdict(list)
    rows = DirectoryGroup.members.through.objects.filter(directoryentry_id__in=[entry.id for entry in entries])
    names = ("directoryentry_id", "directorygroup__uid", "directorygroup__group__name")
    for entry_id, uid, name in rows.order_by("id").values_list(*names) if with_groups else ():
        groups[entry_id].append(scim.Membership(value=uid, ref=Reference(f"{base}/Groups/{uid}"), display=name))
    made = scim.user_class(keeps_mail=keeps_mail)
    return [_user(entry, made, groups[entry.id], base) for entry in entries]


def group(kept: DirectoryGroup, base: str, *, with_members: bool = True) -> scim.Group:
    members: Iterable[str] = ()
    if with_members:
        members = kept.members.order_by("id").values_list("uid", flat=True)
    return scim.Group(
        id=kept.uid,
        external_id=kept.external_id or None,
        display_name=kept.group.name,
        members=[scim.Member(value=uid, ref=Reference(f"{base}/Users/{uid}"), type="User") for uid in members] or None,
        meta=Meta(
            resource_type="Group",
            created=kept.created_at,
            last_modified=kept.changed_at,
            location=f"{base}/Groups/{kept.uid}",
            version=tag(kept.version),
        ),
    )


def tag(version: int) -> str:
    """Of a resource as it stands: what If-Match and If-None-Match compare."""
    return f'W/"{version}"'


def _user(entry: DirectoryEntry, made: type[scim.User], groups: list[scim.Membership], base: str) -> scim.User:
    kept = {**entry.said, "userName": entry.user_name}
    if entry.external_id:
        kept["externalId"] = entry.external_id
    user = made.model_validate(kept, scim_policy=scim.POLICY)
    user.id = entry.uid
    user.groups = groups or None
    user.meta = Meta(
        resource_type="User",
        created=entry.created_at,
        last_modified=entry.changed_at,
        location=f"{base}/Users/{entry.uid}",
        version=tag(entry.version),
    )
    return user
