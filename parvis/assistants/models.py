"""Assistants, conversations, and the turns whose events are stored as they come (decision 0007)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Contains
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.engine import Tool
from parvis.access.principal import ADMINISTRATION
from parvis.access.rules.doors import within_rules
from parvis.access.sensitivity import highest
from parvis.assistants.folding import Folded, folded
from parvis.assistants.statements.models import Asked, Statement  # noqa: F401 - tables of this package
from parvis.corpora.models import Corpus
from parvis.inference.models import LanguageModel
from parvis.institutions.models import DataClass, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal

# A process that writes an answer says at least this often that it is alive; silent for longer, it is taken for dead.
LEASE = timedelta(seconds=20)
TITLE_LENGTH = 120
QUESTION_LENGTH = 4_000
MOST_SUGGESTIONS = 4


class AssistantQuerySet(models.QuerySet["Assistant"]):
    def visible_to(self, principal: Principal) -> AssistantQuerySet:
        """Those of one's institution that have something to answer from: a corpus this person may read now. When a course is
        deleted, its assistant is no longer seen by anyone, and conversations with it keep their answers. And the rules of the
        institution let this person use it."""
        return cast(AssistantQuerySet, within_rules(self.before_rules(principal), principal))

    def before_rules(self, principal: Principal) -> AssistantQuerySet:
        here = self.filter(institution_id=principal.institution_id)
        readable = Corpus.objects.visible_to(principal).order_by()
        return here.filter(id__in=here.filter(corpora__in=readable).order_by().values("id"))

    def tools(self) -> list[Tool]:
        """As rules see them."""
        classes: dict[tuple[int, str], list[str]] = {}
        for pk, purpose, data_class in self.order_by().values_list("id", "purpose", "corpora__data_class"):
            classes.setdefault((pk, purpose), []).extend(filter(None, [data_class]))
        return [_tool(pk, purpose, highest(found)) for (pk, purpose), found in classes.items()]

    def editable_by(self, principal: Principal) -> AssistantQuerySet:
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.role in ADMINISTRATION else here.filter(owner__person_id=principal.person_id)


class AssistantPurpose(models.TextChoices):
    """What an assistant is for. Grading, admission, assessing levels and watching exams are not here, and never will be."""

    COURSE = "course", _("understanding a course")
    ADMINISTRATION = "administration", _("rules and procedures")
    DOCUMENTATION = "documentation", _("finding one’s way in documents")
    RESEARCH = "research", _("research")


COURSE_FORBIDS = _("The teacher of this course does not let students ask an AI in it. Nothing was asked.")
NOT_A_PURPOSE = _(
    "An assistant is for one of the listed purposes. Grading, admission, assessing a level and watching an exam are"
    " high-risk uses (AI Act, Annex III, 3): Parvis does not offer them, and no rule of an institution can allow them."
)


class Assistant(models.Model):
    """What one talks to: some corpora, instructions, and the model that writes, if any."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    slug = models.SlugField(max_length=80)
    name = models.CharField(_("name"), max_length=160)
    description = models.TextField(_("description"), max_length=2_000, blank=True)
    instructions = models.TextField(_("instructions"), max_length=4_000, blank=True)
    suggestions = models.TextField(_("questions to begin with"), max_length=1_000, blank=True)  # one a line
    corpora = models.ManyToManyField(Corpus, related_name="assistants")
    model = models.ForeignKey(LanguageModel, on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    quotes_only = models.BooleanField(_("only quote the documents, without any model"), default=False)
    purpose = models.CharField(_("purpose"), max_length=20, choices=AssistantPurpose.choices, default=AssistantPurpose.COURSE)
    owner = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    unscoped = AssistantQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "slug"], name="assistant_slug_once_per_institution"),
            models.CheckConstraint(condition=Q(purpose__in=AssistantPurpose.values), name="assistant_purpose_in_list"),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def first_questions(self) -> list[str]:
        return [line.strip() for line in self.suggestions.splitlines() if line.strip()][:MOST_SUGGESTIONS]


def tool_of(assistant: Assistant) -> Tool:
    """As rules see it: its data are of the highest class of the documents it answers from."""
    return _tool(assistant.id, assistant.purpose, highest(corpus.data_class for corpus in assistant.corpora.all()))


def _tool(assistant_id: int, purpose: str, data_class: str) -> Tool:
    return Tool("Assistant", str(assistant_id), purpose=purpose, data_class=data_class)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def visible_to(self, principal: Principal) -> ConversationQuerySet:
        """One's own, and nobody else's: an administrator does not read what people ask."""
        return self.filter(institution_id=principal.institution_id, profile__person_id=principal.person_id)

    def editable_by(self, principal: Principal) -> ConversationQuerySet:
        return self.visible_to(principal)

    def matching(self, words: str) -> ConversationQuerySet:
        """Those whose title, questions or answers hold the words, whatever their case and their accents."""
        if not words:
            return self
        turns = Turn.unscoped.filter(conversation__in=self.order_by().values("id"))
        asked = turns.asking(words).values("conversation_id")
        texts = TurnEvent.unscoped.filter(turn__in=turns.values("id"), kind=EventKind.TEXT)
        text = Folded(KeyTextTransform("text", "payload"))
        answered = texts.filter(Contains(text, folded(words))).values("turn__conversation_id")
        return self.filter(Q(Contains(Folded("title"), folded(words))) | Q(id__in=asked) | Q(id__in=answered))


class Conversation(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="conversations")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    data_class = models.CharField(max_length=10, choices=DataClass.choices, blank=True)  # of what is said in it; "": not said
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now)

    unscoped = ConversationQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["-updated_at", "-id"]
        indexes = [models.Index(fields=["profile", "-updated_at"])]

    def __str__(self) -> str:
        return self.title

    @staticmethod
    def title_from(question: str) -> str:
        return str(Truncator(" ".join(question.split())).chars(80))


class State(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("being written")
    ANSWERED = "answered", _("answered")
    ABSTAINED = "abstained", _("the documents do not answer")
    FAILED = "failed", _("failed")
    INTERRUPTED = "interrupted", _("interrupted")
    CANCELLED = "cancelled", _("stopped")


OPEN = (State.QUEUED, State.RUNNING)
STOPPED_BY_ADMINISTRATION = "stopped_by_administration"  # the error of a turn that is cancelled, and not by its asker


class Mode(models.TextChoices):
    EXTRACTIVE = "extractive", _("quoted from the documents")
    GENERATIVE = "generative", _("written by a model")


class TurnQuerySet(models.QuerySet["Turn"]):
    def visible_to(self, principal: Principal) -> TurnQuerySet:
        return self.filter(conversation__in=Conversation.unscoped.visible_to(principal).order_by())

    def listed_to(self, principal: Principal) -> TurnQuerySet:
        """Those of the institution, for who may stop them: that there is an answer, by whose assistant, never a word of it nor
        who asked."""
        here = self.filter(institution_id=principal.institution_id) if principal.may("stream:view") else self.none()
        related = here.select_related("conversation__assistant", "conversation__profile__person")
        return related.only(
            *("institution_id", "state", "model_name", "zone", "created_at", "latest_seq", "conversation__assistant__name"),
            *("conversation__profile__role", "conversation__profile__person__display_name"),
        )

    def editable_by(self, principal: Principal) -> TurnQuerySet:
        return self.visible_to(principal)

    def asking(self, words: str) -> TurnQuerySet:
        return self.filter(Contains(Folded("question"), folded(words)))

    def open(self) -> TurnQuerySet:
        """Those still being written, as far as anyone knows."""
        return self.filter(state__in=OPEN)

    def being_written(self, now: datetime) -> TurnQuerySet:
        return self.open().filter(lease_until__gt=now)

    def abandoned(self, now: datetime) -> TurnQuerySet:
        return self.open().filter(lease_until__lte=now)


class Turn(models.Model):
    """One question and the log of its answer. Whoever writes holds the lease; a lease that ran out is a server that died."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    number = models.PositiveIntegerField()  # from 1, in the conversation
    question = models.TextField(max_length=QUESTION_LENGTH)
    rewritten = models.TextField(blank=True)  # the question as it was searched, when the conversation completed it
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.EXTRACTIVE)
    model_name = models.CharField(max_length=80, blank=True)  # as shown at the time: the row may go
    zone = models.CharField(max_length=10, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    usage = models.JSONField(default=dict)
    latest_seq = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    unscoped = TurnQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "number"], name="turn_number_once_per_conversation")]
        ordering = ["conversation_id", "number"]

    def __str__(self) -> str:
        return f"{self.conversation_id}, {self.number}"

    def state_at(self, now: datetime) -> State:
        """The state as a reader should see it: a turn whose server died is interrupted, before anyone has written so."""
        state = State(self.state)
        return State.INTERRUPTED if state in OPEN and self.lease_until <= now else state


class EventKind(models.TextChoices):
    """What a stored event says. Events hold identifiers and quotations, never the passages that were retrieved."""

    ASKED = "asked", "asked"  # the passages went to a model
    DRAFT = "draft", "draft"  # what it wrote and nothing proves yet
    TEXT = "text", "text"
    CITATION = "citation", "citation"
    NEAREST = "nearest", "nearest"
    NOTICE = "notice", "notice"
    DONE = "done", "done"


class TurnEventQuerySet(models.QuerySet["TurnEvent"]):
    def visible_to(self, principal: Principal) -> TurnEventQuerySet:
        return self.filter(turn__in=Turn.unscoped.visible_to(principal).order_by())


class TurnEvent(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()  # from 1, without a gap
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    payload: models.JSONField[Any, Any] = models.JSONField(default=dict)

    unscoped = TurnEventQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["turn", "seq"], name="event_once_per_turn_and_seq")]
        ordering = ["turn_id", "seq"]

    def __str__(self) -> str:
        return f"{self.turn_id}, {self.seq}: {self.kind}"


class SignalKind(models.TextChoices):
    WRONG = "wrong", _("signalled as wrong")
    QUESTION = "question", _("passed on to the teacher")


class SignalQuerySet(models.QuerySet["Signal"]):
    def visible_to(self, principal: Principal) -> SignalQuerySet:
        """What was sent to the assistants that are one's own. Who administers reads of it what a written reason opens."""
        mine = Assistant.unscoped.filter(institution_id=principal.institution_id, owner__person_id=principal.person_id)
        return self.filter(assistant__in=mine.order_by())

    def editable_by(self, principal: Principal) -> SignalQuerySet:
        return self.visible_to(principal)

    def waiting(self) -> SignalQuerySet:
        return self.filter(closed_at=None)

    def with_unproven(self) -> SignalQuerySet:
        """Whether it was the model that proved nothing: the documents may well answer."""
        notices = TurnEvent.unscoped.filter(turn=models.OuterRef("turn"), kind=EventKind.NOTICE)
        return self.annotate(unproven=models.Exists(notices.filter(payload__code="nothing_verified")))


class Signal(models.Model):
    """One exchange that a person chose to show to those responsible for the assistant. It holds a copy: they see what was
    sent, never the conversation."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="+")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="signals")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=SignalKind.choices)
    question = models.TextField()
    answer = models.TextField(blank=True)  # as it was written; "" when the documents did not answer
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    unscoped = SignalQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["turn", "kind"], name="signal_once_per_turn_and_kind")]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.turn_id}, {self.kind}"

    @property
    def sender(self) -> str:
        """Who asks to be answered is named; who points out a mistake is not."""
        return self.profile.person.display_name if self.kind == SignalKind.QUESTION else ""
