"""What directories and lists say of people, beside what sign-in sources say; who is suspended; and who may write here."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING
from unicodedata import normalize

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.federation.attributes import RoleRule
from parvis.institutions.models import Group, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


def new_uid() -> str:
    """Drawn at random: the number of a row would tell one institution how many people the others have."""
    return uuid.uuid4().hex


def name_key(name: str) -> str:
    """Under which a user name is looked for: SCIM's are the same whatever their case."""
    return normalize("NFC", normalize("NFC", name).lower())


class Origin(models.TextChoices):
    SCIM = "scim", _("SCIM")
    LIST = "list", _("imported list")


class EntryQuerySet(models.QuerySet["DirectoryEntry"]):
    def visible_to(self, principal: Principal) -> EntryQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("person:view") else self.none()

    def rewrite(self, entries: Sequence[DirectoryEntry], fields: Sequence[str]) -> None:
        """Saves these fields of entries that are there, in one statement: `bulk_update` takes five times as long."""
        self.bulk_create(entries, update_conflicts=True, update_fields=fields, unique_fields=["id"])


class DirectoryEntry(models.Model):
    """What one directory or one list says of a person, and what it gave them here: what it no longer gives, it takes back."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    origin = models.CharField(max_length=4, choices=Origin.choices)
    list_name = models.CharField(max_length=80, blank=True)  # "" for SCIM
    uid = models.CharField(max_length=32, unique=True, default=new_uid)  # SCIM's `id`
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="directory_entries")
    user_name = models.CharField(max_length=200)  # as it is written there
    user_name_key = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200, blank=True)
    display_name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    said = models.JSONField(default=dict)  # of SCIM: its attributes that have a use here; of a list: roles and groups
    given_roles = models.JSONField(default=list)
    given_groups = models.JSONField(default=list)  # ids
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    unscoped = EntryQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "origin", "list_name", "user_name_key"], name="entry_name_once_per_directory"
            ),
        ]
        indexes = [models.Index(fields=["institution", "origin", "external_id"], name="entry_external")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.origin}:{self.user_name}"


class DirectoryGroupQuerySet(models.QuerySet["DirectoryGroup"]):
    def visible_to(self, principal: Principal) -> DirectoryGroupQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("person:view") else self.none()


class DirectoryGroup(models.Model):
    """A group that SCIM keeps. Its people here are those whom the directory puts in it, and those whom somebody here added."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    uid = models.CharField(max_length=32, unique=True, default=new_uid)
    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="directory_group")
    external_id = models.CharField(max_length=200, blank=True)
    members = models.ManyToManyField(DirectoryEntry, related_name="directory_groups")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    unscoped = DirectoryGroupQuerySet.as_manager()
    objects = Door()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.group.name


class SuspensionQuerySet(models.QuerySet["Suspension"]):
    def visible_to(self, principal: Principal) -> SuspensionQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("person:view") else self.none()


class Barring(models.TextChoices):
    HERE = "here", _("suspended here")
    SCIM = "scim", _("made inactive by SCIM")


class Suspension(models.Model):
    """Nobody acts as this person in this institution, whatever the way in; elsewhere they are left alone. Who suspended lifts
    it: a directory that makes somebody active again does not lift what was decided here."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="suspensions")
    by = models.CharField(max_length=4, choices=Barring.choices, default=Barring.HERE)
    since = models.DateTimeField()
    kept_profiles = models.JSONField(
        default=list
    )  # ids of those that no directory gives: they open again with the restoration

    unscoped = SuspensionQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "person", "by"], name="suspended_once_by_each")]

    def __str__(self) -> str:
        return f"{self.person_id}, {self.since:%Y-%m-%d}"


class KeyAttribute(models.TextChoices):
    USER_NAME = "userName", "userName"
    EXTERNAL_ID = "externalId", "externalId"


# Unless the institution says otherwise: the words of Parvis and of eduPerson, and never a role that governs or signs.
USUAL_SCIM_RULES = tuple(
    RoleRule("roles", value, role)
    for value, role in (
        ("teacher", "teacher"),
        ("faculty", "teacher"),
        ("researcher", "teacher"),
        ("staff", "staff"),
        ("employee", "staff"),
        ("student", "student"),
    )
)


class ScimSetupQuerySet(models.QuerySet["ScimSetup"]):
    def visible_to(self, principal: Principal) -> ScimSetupQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("provisioning:view") else self.none()

    def editable_by(self, principal: Principal) -> ScimSetupQuerySet:
        return self.visible_to(principal) if principal.may("provisioning:edit") else self.none()


class ScimSetup(models.Model):
    """How an institution's SCIM client is read. A person is the one who signs in by the account of `source` whose key is what
    `key_attribute` says; without a source, nobody signs in as them but by a link."""

    institution = models.OneToOneField(Institution, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey("federation.SignInSource", on_delete=models.SET_NULL, null=True, related_name="+")
    key_attribute = models.CharField(max_length=10, choices=KeyAttribute.choices, default=KeyAttribute.USER_NAME)
    keeps_mail = models.BooleanField(default=False)
    rules = models.JSONField(null=True)  # None: the usual ones

    unscoped = ScimSetupQuerySet.as_manager()
    objects = Door()

    def __str__(self) -> str:
        return f"SCIM, {self.institution_id}"

    @property
    def role_rules(self) -> tuple[RoleRule, ...]:
        return USUAL_SCIM_RULES if self.rules is None else tuple(RoleRule(**row) for row in self.rules)


class ScimTokenQuerySet(models.QuerySet["ScimToken"]):
    def visible_to(self, principal: Principal) -> ScimTokenQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("provisioning:view") else self.none()

    def editable_by(self, principal: Principal) -> ScimTokenQuerySet:
        return self.visible_to(principal) if principal.may("provisioning:edit") else self.none()


class ScimToken(models.Model):
    """What a SCIM client shows at each request. The token itself is shown once and is not here."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=80)
    hashed = models.CharField(max_length=64, unique=True)  # keyed by the installation: of no use to who reads the table
    ending = models.CharField(max_length=4)  # its last letters, to tell one from another
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    unscoped = ScimTokenQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            # A form sent twice would make a second token that nobody copied.
            models.UniqueConstraint(
                fields=["institution", "name"], condition=models.Q(revoked_at=None), name="scim_token_name_once_active"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class PeopleListQuerySet(models.QuerySet["PeopleList"]):
    def visible_to(self, principal: Principal) -> PeopleListQuerySet:
        return self.filter(profile=principal.profile_id) if principal.may("person:edit") else self.none()

    def editable_by(self, principal: Principal) -> PeopleListQuerySet:
        return self.visible_to(principal)


class ListState(models.TextChoices):
    SEEN = "seen", _("to confirm")
    CONFIRMED = "confirmed", _("being imported")
    DONE = "done", _("imported")
    FAILED = "failed", _("stopped")


class PeopleList(models.Model):
    """A list somebody sent, until they have said yes or no to what it would do; then the job that does it."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    list_name = models.CharField(max_length=80)
    source = models.ForeignKey("federation.SignInSource", on_delete=models.CASCADE, null=True, related_name="+")
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ListState.choices, default=ListState.SEEN)
    ends_absent = models.BooleanField(default=False)
    added = models.PositiveIntegerField(default=0)  # of people, as was seen when it was confirmed
    changed = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)  # of them all

    unscoped = PeopleListQuerySet.as_manager()
    objects = Door()

    class Meta:
        indexes = [models.Index(fields=["received_at"], name="people_list_age")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def total(self) -> int:
        return self.added + self.changed + self.ended
