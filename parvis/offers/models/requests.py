"""Requests for information: one frozen version, the same for every vendor, answered under seal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.institutions.models import Institution, Profile
from parvis.needs.models import HarmonisedNeed, NeedVersion

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class RequestState(models.TextChoices):
    PREPARED = "prepared", _("being prepared")
    PUBLISHED = "published", _("questions and answers open")
    QUESTIONS_CLOSED = "questions_closed", _("questions closed")
    AWAITED = "awaited", _("waiting to be opened")
    OPENED = "opened", _("opened")
    CLOSED = "closed", _("closed")


class RequestQuerySet(models.QuerySet["RequestForInformation"]):
    def visible_to(self, principal: Principal) -> RequestQuerySet:
        """Every vendor reads the same, from the same instant; what is being prepared is for those who prepare it."""
        if not principal.may("request:view"):
            return self.none()
        if principal.may("request:edit") or principal.may("request:hold_key"):
            return self
        return self.filter(published_at__isnull=False)

    def editable_by(self, principal: Principal) -> RequestQuerySet:
        return self if principal.may("request:edit") else self.none()


class RequestForInformation(models.Model):
    """*Sondage (sourçage)*. Its state follows from its instants and the server's clock: nobody sets it."""

    alliance_wide = True

    number = models.PositiveIntegerField(unique=True)  # shown as SI-003
    need = models.ForeignKey(HarmonisedNeed, on_delete=models.PROTECT, related_name="requests")
    version = models.ForeignKey(NeedVersion, on_delete=models.PROTECT, related_name="requests")
    title = models.CharField(_("title"), max_length=200)
    introduction = models.TextField(_("introduction for vendors"), max_length=10_000, blank=True)
    holders_needed = models.PositiveSmallIntegerField(_("key holders needed to open"), default=2)
    questions_until = models.DateTimeField(_("questions until"))
    deadline_at = models.DateTimeField(_("answers until"))
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    public_key = models.BinaryField(default=bytes)  # offers.sealing; answers are sealed to it
    private_key = models.BinaryField(default=bytes)  # b"" until the opening: nobody has it before, this server included
    fingerprint = models.CharField(max_length=64, blank=True)  # SHA-256 of its documents together
    ordinary = models.JSONField(default=list)  # vendors' names said, when it was published, to be common words in it

    unscoped = RequestQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-number"]
        verbose_name = _("request for information")
        constraints = [
            models.CheckConstraint(condition=Q(deadline_at__gte=F("questions_until")), name="questions_close_before_answers"),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True) | Q(opened_at__gte=F("deadline_at")), name="opened_after_the_deadline"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    @property
    def code(self) -> str:
        return f"SI-{self.number:03}"

    def state_at(self, now: datetime) -> RequestState:
        if self.closed_at:
            return RequestState.CLOSED
        if self.opened_at:
            return RequestState.OPENED
        if not self.published_at:
            return RequestState.PREPARED
        if now >= self.deadline_at:
            return RequestState.AWAITED
        return RequestState.QUESTIONS_CLOSED if now >= self.questions_until else RequestState.PUBLISHED

    def latest_answers(self) -> list[SealedAnswer]:
        """One for each vendor that answered: its latest revision. For actions; nobody reads them before the opening."""
        answers: Iterable[SealedAnswer] = self.answers.select_related("institution")
        return list({answer.institution_id: answer for answer in answers}.values())

    def unreadable_vendors(self) -> list[Institution]:
        """Of those that answered, once opened: whose answer did not open, or was no answer to this request."""
        if not self.opened_at:
            return []
        readable = set(self.offers.values_list("institution_id", flat=True))
        return [answer.institution for answer in self.latest_answers() if answer.institution_id not in readable]


class RequestDocument(models.Model):
    """What every vendor receives, byte for byte. Written at publication, never changed (migration 0002)."""

    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="documents")
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=120)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "name"], name="document_name_once_per_request")]

    def __str__(self) -> str:
        return self.name


class Guarded(models.Model):
    """Opened by a passphrase, which is not to be guessed at: after MOST_TRIES wrong ones, one waits."""

    wrong_tries = models.PositiveSmallIntegerField(default=0)
    tries_again_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def is_blocked_at(self, now: datetime) -> bool:
        return self.tries_again_at is not None and now < self.tries_again_at


class KeyHolderQuerySet(models.QuerySet["KeyHolder"]):
    def visible_to(self, principal: Principal) -> KeyHolderQuerySet:
        return self if principal.may("request:edit") else self.filter(institution_id=principal.institution_id)

    def editable_by(self, principal: Principal) -> KeyHolderQuerySet:
        return self.filter(profile_id=principal.profile_id)


class KeyHolder(Guarded):
    """Somebody without whom, or without enough of whom, no answer can be opened."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="holders")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    salt = models.BinaryField(default=bytes)
    public_key = models.BinaryField(default=bytes)  # of the passphrase, which is kept nowhere
    enrolled_at = models.DateTimeField(null=True)
    sealed_share = models.BinaryField(default=bytes)
    share = models.BinaryField(default=bytes)  # given after the deadline, kept until there are enough
    contributed_at = models.DateTimeField(null=True)

    unscoped = KeyHolderQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "institution"], name="one_key_holder_per_institution")]

    def __str__(self) -> str:
        return f"{self.request_id} {self.profile_id}"


class QuestionQuerySet(models.QuerySet["Question"]):
    def visible_to(self, principal: Principal) -> QuestionQuerySet:
        """Published ones to all who read the request, without who asked; one's own before that; all to the coordination."""
        if not principal.may("request:view"):
            return self.none()
        if principal.may("request:edit"):
            return self
        return self.filter(Q(published_at__isnull=False) | Q(institution_id=principal.institution_id))

    def editable_by(self, principal: Principal) -> QuestionQuerySet:
        return self if principal.may("request:edit") else self.none()


class Question(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")  # who asks: never published
    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="questions")
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("question"), max_length=4_000)
    asked_at = models.DateTimeField(auto_now_add=True)
    published_text = models.TextField(max_length=4_000, blank=True)  # as the coordination publishes it, without names
    answer = models.TextField(_("answer"), max_length=8_000, blank=True)
    answered_by = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)

    unscoped = QuestionQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


class RegisterKind(models.TextChoices):
    PUBLICATION = "publication", _("publication")
    READ = "read", _("document received")
    QUESTION = "question", _("question received")
    ANSWER = "answer", _("question and answer published")
    SUBMISSION = "submission", _("sealed answer received")
    REFUSAL = "refusal", _("late answer refused")
    POSTPONEMENT = "postponement", _("deadline postponed")
    OPENING = "opening", _("opening")
    EXCHANGE = "exchange", _("other exchange")


class RegisterEntry(models.Model):
    """*Registre d’égalité d’information*: who received what, when. The database refuses to change a line (migration 0002)."""

    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="register")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=12, choices=RegisterKind.choices)
    recipient = models.ForeignKey(Institution, on_delete=models.PROTECT, null=True, related_name="+")  # none: everybody
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=300)  # a document's name, a question's number, the subject of a meeting
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.kind} {self.subject}"


class OwnAnswerQuerySet(models.QuerySet[Any]):
    def visible_to(self, principal: Principal) -> OwnAnswerQuerySet:
        return self.filter(institution_id=principal.institution_id) if principal.may("answer:view") else self.none()

    def editable_by(self, principal: Principal) -> OwnAnswerQuerySet:
        return self.visible_to(principal)


class SealedAnswer(models.Model):
    """An answer as it was received: bytes that nobody reads before the opening, but its vendor with its own passphrase.
    The latest revision counts. Never changed (migration 0002)."""

    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")  # the vendor
    request = models.ForeignKey(RequestForInformation, on_delete=models.PROTECT, related_name="answers")
    revision = models.PositiveIntegerField()
    blob = models.BinaryField()
    own_salt = models.BinaryField(default=bytes)
    own_blob = models.BinaryField(default=bytes)  # the same, sealed to the vendor's passphrase
    sha256 = models.CharField(max_length=64)
    submitted_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(auto_now_add=True)

    unscoped = OwnAnswerQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["request_id", "institution_id", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["request", "institution", "revision"], name="one_blob_per_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.institution_id} {self.revision}"


class AnswerDraft(Guarded):
    """What a vendor is writing, readable with its passphrase alone."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    request = models.ForeignKey(RequestForInformation, on_delete=models.CASCADE, related_name="+")
    salt = models.BinaryField()
    blob = models.BinaryField()
    updated_at = models.DateTimeField(auto_now=True)

    unscoped = OwnAnswerQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "institution"], name="one_draft_per_vendor")]

    def __str__(self) -> str:
        return f"{self.request_id} {self.institution_id}"
