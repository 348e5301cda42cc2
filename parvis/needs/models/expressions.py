"""Raw needs: what one service of one institution wrote, kept as it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile, Role

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class RawNeedState(models.TextChoices):
    DRAFT = "draft", _("draft")
    VALIDATED = "validated", _("validated")
    PUBLISHED = "published", _("published")
    ATTACHED = "attached", _("attached")
    ARCHIVED = "archived", _("archived")


# Read by every member of the alliance. Before that, a need is its institution's own affair.
SHARED = (RawNeedState.PUBLISHED, RawNeedState.ATTACHED, RawNeedState.ARCHIVED)


def _written_by(principal: Principal, at: str = "") -> Q:
    """By this person in the institution they act in: what they wrote elsewhere is another institution's affair."""
    return Q(**{f"{at}author__person_id": principal.person_id, f"{at}author__institution_id": principal.institution_id})


def readable(principal: Principal, at: str = "") -> Q:
    """Shared needs; those of one's institution once validated, and before that to who wrote or represents; to the
    coordination, all but drafts it did not write. `at` is the way to the need from another table ("text__need__"): a
    condition on joined rows, where a list of all needs one may read would be made for each question."""
    if not principal.may("need:view"):
        return Q(pk__in=())
    seen = Q(**{f"{at}state__in": SHARED}) | _written_by(principal, at)
    draft = Q(**{f"{at}state": RawNeedState.DRAFT})
    if principal.role == Role.COORDINATOR:
        return seen | ~draft
    here = Q(**{f"{at}institution_id": principal.institution_id})
    return seen | (here if principal.may("need:validate") else here & ~draft)


class RawNeedQuerySet(models.QuerySet["RawNeed"]):
    def visible_to(self, principal: Principal) -> RawNeedQuerySet:
        return self.filter(readable(principal))

    def editable_by(self, principal: Principal) -> RawNeedQuerySet:
        """One's own while a draft; those of one's institution for who represents it."""
        written = _written_by(principal) & Q(state=RawNeedState.DRAFT)
        if principal.may("need:validate"):
            return self.filter(written | Q(institution_id=principal.institution_id))
        return self.filter(written)

    def written_by(self, principal: Principal) -> RawNeedQuerySet:
        return self.filter(_written_by(principal))

    def shared(self) -> RawNeedQuerySet:
        return self.filter(state__in=SHARED)

    def unattached(self) -> RawNeedQuerySet:
        return self.filter(state=RawNeedState.PUBLISHED)


class RawNeed(models.Model):
    """*Expression de besoin*. Its words are rows of `RawNeedText`: a correction is a new one, the old one stays."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    on_behalf = models.BooleanField(default=False)  # written by the coordination in the institution's name, and shown so
    service = models.CharField(_("service"), max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=RawNeedState.choices, default=RawNeedState.DRAFT)
    current = models.ForeignKey("RawNeedText", on_delete=models.SET_NULL, null=True, related_name="+")
    # The first wording that the others may read: what was mended before publication stays at home.
    published_from = models.PositiveSmallIntegerField(null=True)
    # What makes an import harmless when it is done again: the reference of the file, or a hash of the row.
    import_key = models.CharField(max_length=80, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    validated_at = models.DateTimeField(null=True)
    validated_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    archived_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")

    unscoped = RawNeedQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("need")
        constraints = [
            models.UniqueConstraint(fields=["institution", "import_key"], name="need_imported_once_per_institution"),
        ]
        indexes = [models.Index(fields=["state", "institution"], name="needs_by_state")]

    def __str__(self) -> str:
        return self.current.title if self.current else f"#{self.id}"

    @property
    def is_shared(self) -> bool:
        return self.state in SHARED

    @property
    def wording(self) -> RawNeedText:
        """The latest: a need has one from its first transaction on."""
        return cast("RawNeedText", self.current)


class RawNeedTextQuerySet(models.QuerySet["RawNeedText"]):
    def visible_to(self, principal: Principal) -> RawNeedTextQuerySet:
        """Those of the needs one sees; of another institution's, from the one it published on."""
        published = Q(need__published_from=None) | Q(number__gte=F("need__published_from"))
        at_home = Q(institution_id=principal.institution_id) | Q(written_by__person_id=principal.person_id)
        return self.filter(published | at_home, readable(principal, "need__"))


class RawNeedText(models.Model):
    """One wording of a raw need. The database refuses to change it (migration 0002); an excerpt quotes one of these."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    need = models.ForeignKey(RawNeed, on_delete=models.CASCADE, related_name="texts")
    number = models.PositiveSmallIntegerField(default=1)
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("what is needed"), max_length=8_000)
    audience = models.CharField(_("for whom"), max_length=300, blank=True)
    frequency = models.CharField(_("how often"), max_length=200, blank=True)
    data_used = models.CharField(_("with which data"), max_length=400, blank=True)
    insufficient_tool = models.CharField(_("which existing tool is not enough, and why"), max_length=400, blank=True)
    # Facets: proposed to the author, never forced.
    domain = models.CharField(_("domain"), max_length=60, blank=True)
    public = models.CharField(_("public"), max_length=60, blank=True)
    activity = models.CharField(_("activity"), max_length=60, blank=True)
    data_class = models.CharField(_("sensitivity of the data"), max_length=60, blank=True)
    language = models.CharField(max_length=8, default="fr")
    written_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(auto_now_add=True)

    unscoped = RawNeedTextQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["need_id", "number"]
        constraints = [models.UniqueConstraint(fields=["need", "number"], name="text_number_once_per_need")]

    def __str__(self) -> str:
        return self.title


class TextVectorQuerySet(models.QuerySet["TextVector"]):
    def visible_to(self, principal: Principal) -> TextVectorQuerySet:
        return self.filter(text__in=RawNeedText.unscoped.visible_to(principal).order_by())


class TextVector(models.Model):
    """What the endpoint of the institution that wrote a text gave for it (decision 8). It goes with its text."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    text = models.OneToOneField(RawNeedText, on_delete=models.CASCADE, related_name="vector")
    endpoint = models.CharField(max_length=64)  # inference.actions.Route.key: vectors of two are not compared
    vector = models.BinaryField()  # retrieval.dense.packed

    unscoped = TextVectorQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        indexes = [models.Index(fields=["endpoint", "institution"], name="text_vectors_by_endpoint")]

    def __str__(self) -> str:
        return f"text {self.text_id}"


class Answer(models.TextChoices):
    SAME = "same", _("the same need")
    LINKED = "linked", _("a linked need")
    DIFFERENT = "different", _("a different need")


class JudgementQuerySet(models.QuerySet["Judgement"]):
    def visible_to(self, principal: Principal) -> JudgementQuerySet:
        return self.filter(institution_id=principal.institution_id)


class Judgement(models.Model):
    """What a person answered about two close needs. "Different" is never proposed again, to anybody of the institution that
    answered; the others judge for themselves."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    need = models.ForeignKey(RawNeed, on_delete=models.CASCADE, related_name="judgements")
    other_need = models.ForeignKey(RawNeed, on_delete=models.CASCADE, null=True, related_name="+")
    harmonised = models.ForeignKey("HarmonisedNeed", on_delete=models.CASCADE, null=True, related_name="+")
    answer = models.CharField(max_length=10, choices=Answer.choices)
    answered_at = models.DateTimeField(auto_now=True)

    unscoped = JudgementQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "need", "other_need"], name="one_judgement_per_pair"),
            models.UniqueConstraint(fields=["institution", "need", "harmonised"], name="one_judgement_per_harmonised_need"),
            models.CheckConstraint(
                condition=Q(other_need__isnull=True) ^ Q(harmonised__isnull=True), name="judgement_about_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.need_id} {self.answer}"


class ImportedFileQuerySet(models.QuerySet["ImportedFile"]):
    def visible_to(self, principal: Principal) -> ImportedFileQuerySet:
        return self.filter(profile_id=principal.profile_id)

    def editable_by(self, principal: Principal) -> ImportedFileQuerySet:
        return self.visible_to(principal)


class ImportedFile(models.Model):
    """A list of needs between its preview and its confirmation. Kept for a day at most."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")  # whose needs they will be
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)

    unscoped = ImportedFileQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
