"""Harmonised needs: what institutions agree is the same need, version by version, with their consent at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile, Role, WorkingGroup
from parvis.needs.models.expressions import RawNeedText, readable

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class HarmonisedState(models.TextChoices):
    PROPOSED = "proposed", _("proposed")
    DISCUSSED = "discussed", _("in discussion")
    STABILISED = "stabilised", _("stabilised")
    COSIGNING = "cosigning", _("open to co-signature")
    ASKED = "asked", _("request for information open")
    ANSWERED = "answered", _("answers published")
    CHOOSING = "choosing", _("institutions choose")
    USED = "used", _("usage feedback")
    CLOSED = "closed", _("closed")


# In the order of a need's life; what is published is read by vendors, observers and anybody.
PUBLISHED = (
    HarmonisedState.COSIGNING,
    HarmonisedState.ASKED,
    HarmonisedState.ANSWERED,
    HarmonisedState.CHOOSING,
    HarmonisedState.USED,
    HarmonisedState.CLOSED,
)


class HarmonisedNeedQuerySet(models.QuerySet["HarmonisedNeed"]):
    def visible_to(self, principal: Principal) -> HarmonisedNeedQuerySet:
        if not principal.may("harmonised:view"):
            return self.none()
        return self if principal.may("need:view") else self.published()

    def editable_by(self, principal: Principal) -> HarmonisedNeedQuerySet:
        """For the coordination, and for members of the working group that owns it."""
        if principal.role == Role.COORDINATOR:
            return self
        return self.filter(working_group__profiles=principal.profile_id)

    def published(self) -> HarmonisedNeedQuerySet:
        return self.filter(state__in=PUBLISHED, merged_into=None, undone_at=None)

    def living(self) -> HarmonisedNeedQuerySet:
        return self.filter(merged_into=None, undone_at=None)


class HarmonisedNeed(models.Model):
    """*Besoin harmonisé*, of the alliance as a whole."""

    alliance_wide = True  # belongs to no institution: its door opens by role

    number = models.PositiveIntegerField(unique=True)  # shown as BH-012, never given again
    working_group = models.ForeignKey(WorkingGroup, on_delete=models.PROTECT, related_name="needs")
    state = models.CharField(max_length=12, choices=HarmonisedState.choices, default=HarmonisedState.PROPOSED)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="merged")
    undone_at = models.DateTimeField(null=True)  # made by a split that was undone
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    unscoped = HarmonisedNeedQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["number"]
        verbose_name = _("harmonised need")

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        return f"BH-{self.number:03}"

    @property
    def is_published(self) -> bool:
        return self.state in PUBLISHED

    @property
    def is_living(self) -> bool:
        return self.merged_into_id is None and self.undone_at is None

    @property
    def in_force(self) -> NeedVersion | None:
        """The latest stabilised version. Costs no query where `versions` were loaded."""
        stable = [version for version in self.versions.all() if version.is_stable]
        return stable[-1] if stable else None

    @property
    def draft(self) -> NeedVersion | None:
        drafts = [version for version in self.versions.all() if not version.is_stable]
        return drafts[0] if drafts else None

    @property
    def title(self) -> str:
        """In the version in force, or in the draft while there is none."""
        version = self.in_force or self.draft
        return version.title if version else self.code


class NeedVersion(models.Model):
    """A wording of a harmonised need. Once stabilised the database refuses to change it (migration 0002)."""

    need = models.ForeignKey(HarmonisedNeed, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), max_length=20_000)
    scope = models.TextField(_("scope"), max_length=10_000, blank=True)
    out_of_scope = models.TextField(_("out of scope"), max_length=10_000, blank=True)
    written_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    stabilised_at = models.DateTimeField(null=True)
    stabilised_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    fingerprint = models.CharField(max_length=64, blank=True)  # SHA-256 of the words and requirements, set when stabilised

    class Meta:
        ordering = ["need_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["need", "number"], name="version_number_once_per_need"),
            models.UniqueConstraint(fields=["need"], condition=Q(stabilised_at=None), name="one_draft_version_per_need"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_stable(self) -> bool:
        return self.stabilised_at is not None


class Level(models.TextChoices):
    ESSENTIAL = "P", _("essential")
    IMPORTANT = "I", _("important")
    DESIRABLE = "S", _("desirable")


class Requirement(models.Model):
    """*Exigence*: its number lasts for the life of the need, whatever its words become, and is never given again."""

    need = models.ForeignKey(HarmonisedNeed, on_delete=models.CASCADE, related_name="requirements")
    number = models.PositiveIntegerField()

    class Meta:
        ordering = ["need_id", "number"]
        constraints = [models.UniqueConstraint(fields=["need", "number"], name="requirement_number_once_per_need")]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        return f"EX-{self.number:03}"


class RequirementText(models.Model):
    """What a requirement says in one version; a version without it has dropped it."""

    requirement = models.ForeignKey(Requirement, on_delete=models.CASCADE, related_name="texts")
    version = models.ForeignKey(NeedVersion, on_delete=models.CASCADE, related_name="requirement_texts")
    level = models.CharField(_("level"), max_length=1, choices=Level.choices, default=Level.IMPORTANT)
    text = models.TextField(_("requirement"), max_length=4_000)
    verification = models.TextField(_("how it is verified"), max_length=2_000, blank=True)
    institutions = models.ManyToManyField(Institution, related_name="+", blank=True)  # none: it applies to all

    class Meta:
        ordering = ["version_id", "requirement__number"]
        constraints = [models.UniqueConstraint(fields=["requirement", "version"], name="one_text_per_requirement_and_version")]

    def __str__(self) -> str:
        return self.text


class Ballot(models.Model):
    """How one institution of the working group votes on stabilising a version."""

    version = models.ForeignKey(NeedVersion, on_delete=models.CASCADE, related_name="ballots")
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    in_favour = models.BooleanField()
    comment = models.CharField(max_length=1_000, blank=True)
    cast_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "institution"], name="one_ballot_per_institution")]

    def __str__(self) -> str:
        return f"{self.institution_id} {self.in_favour}"


class OperationKind(models.TextChoices):
    MERGE = "merge", _("merge")
    SPLIT = "split", _("split")


class Operation(models.Model):
    """A merge or a split. It changes nothing that institutions agreed to: it makes proposals, which an undo takes back."""

    kind = models.CharField(max_length=10, choices=OperationKind.choices)
    need = models.ForeignKey(HarmonisedNeed, on_delete=models.CASCADE, related_name="operations")  # what stays
    other = models.ForeignKey(HarmonisedNeed, on_delete=models.CASCADE, related_name="+")  # what was merged, or split off
    reason = models.CharField(max_length=1_000, blank=True)
    done_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(auto_now_add=True)
    undone_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.need_id} {self.other_id}"


class AttachmentState(models.TextChoices):
    SUGGESTED = "suggested", _("suggested")
    PROPOSED = "proposed", _("proposed")
    ACCEPTED = "accepted", _("accepted")
    REFUSED = "refused", _("refused")
    CANCELLED = "cancelled", _("cancelled")


OPEN = (AttachmentState.SUGGESTED, AttachmentState.PROPOSED)


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def visible_to(self, principal: Principal) -> AttachmentQuerySet:
        return self.filter(readable(principal, "text__need__"))

    def editable_by(self, principal: Principal) -> AttachmentQuerySet:
        """Only the institution that wrote a need decides what becomes of it."""
        return self.filter(institution_id=principal.institution_id) if principal.may("attachment:decide") else self.none()

    def accepted(self) -> AttachmentQuerySet:
        return self.filter(state=AttachmentState.ACCEPTED)


class Attachment(models.Model):
    """An excerpt of one wording of a raw need, attached to a harmonised need with the consent of its institution."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")  # that wrote the need
    text = models.ForeignKey(RawNeedText, on_delete=models.PROTECT, related_name="attachments")
    start = models.PositiveIntegerField(default=0)  # of the excerpt, in characters of text.text
    end = models.PositiveIntegerField()
    harmonised = models.ForeignKey(HarmonisedNeed, on_delete=models.PROTECT, related_name="attachments")
    state = models.CharField(max_length=10, choices=AttachmentState.choices, default=AttachmentState.PROPOSED)
    proposed_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")  # none: the machine
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1_000, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    # Made by a merge or a split; accepting it ends the one it replaces, and undoing the operation gives that one back.
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="attachments")
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replacements")

    unscoped = AttachmentQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["text", "harmonised", "start", "end"],
                condition=Q(state__in=(*OPEN, AttachmentState.ACCEPTED)),
                name="one_live_attachment_per_excerpt",
            ),
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="excerpt_is_not_empty"),
            # Nothing is accepted without a named person.
            models.CheckConstraint(
                condition=~Q(state=AttachmentState.ACCEPTED) | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="accepted_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return self.excerpt

    @property
    def excerpt(self) -> str:
        return self.text.text[self.start : self.end]
