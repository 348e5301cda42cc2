"""A course's documents, their pages, and the passages that can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.engine import Tool
from parvis.access.principal import ADMINISTRATION
from parvis.access.rules.doors import within_rules
from parvis.corpora.ai_rule.models import CourseRule  # noqa: F401 - a table of this package
from parvis.corpora.parsing.document import BlockKind
from parvis.evidence.models import Consultation
from parvis.institutions.models import DataClass, Group, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal

CONSULTED = "corpus"  # evidence.models.Consultation.kind


class CorpusQuerySet(models.QuerySet["Corpus"]):
    def visible_to(self, principal: Principal) -> CorpusQuerySet:
        """Those of one's institution that one owns, that are shared with everyone there or with one of one's groups, or whose
        contents one wrote a reason to read now; and that its rules let one read."""
        return cast(CorpusQuerySet, within_rules(self.before_rules(principal), principal))

    def before_rules(self, principal: Principal) -> CorpusQuerySet:
        here = self.filter(institution_id=principal.institution_id)
        shares = Corpus.groups.through.objects.filter(corpus_id=OuterRef("pk"), group_id__in=principal.group_ids)
        given = Q(Exists(shares)) | Q(owner__person_id=principal.person_id) | Q(shared_with_institution=True)
        if principal.role in ADMINISTRATION:
            given |= Q(pk__in=Consultation.unscoped.opened(principal, CONSULTED, timezone.now()))
        return here.filter(given)

    def listed_to(self, principal: Principal) -> CorpusQuerySet:
        """That they exist, whose they are, how they are shared: an administrator sees it of all, and reads none for that."""
        ids = Corpus.unscoped.visible_to(principal).order_by().values("id")
        managed = Corpus.unscoped.editable_by(principal).order_by().values("id")
        return self.filter(Q(id__in=ids) | Q(id__in=managed))

    def editable_by(self, principal: Principal) -> CorpusQuerySet:
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.role in ADMINISTRATION else here.filter(owner__person_id=principal.person_id)

    def tools(self) -> list[Tool]:
        """As rules see them."""
        return [_tool(*row) for row in self.order_by().values_list("id", "kind", "data_class")]

    def to_calibrate(self) -> CorpusQuerySet:
        """Those whose content changed since their threshold was measured, and that wait for no document."""
        waiting = Document.unscoped.filter(corpus_id=OuterRef("pk"), state__in=WAITING)
        return self.exclude(content_version=models.F("calibrated_version")).exclude(Exists(waiting))

    def to_embed(self, endpoint: str) -> CorpusQuerySet:
        """Those whose content changed since all of their passages had a vector of that endpoint."""
        return self.exclude(embedded_version=models.F("content_version"), embedded_endpoint=endpoint)


class CorpusKind(models.TextChoices):
    COURSE = "course", _("course")
    ADMINISTRATIVE = "administrative", _("rules and procedures")


class Corpus(models.Model):
    """Documents that are asked together: a course, a set of rules."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=160)
    description = models.TextField(_("description"), max_length=2_000, blank=True)
    owner = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=20, choices=CorpusKind.choices, default=CorpusKind.COURSE)
    data_class = models.CharField(_("data"), max_length=10, choices=DataClass.choices, default=DataClass.INTERNAL)
    language = models.CharField(max_length=8, default="fr")
    shared_with_institution = models.BooleanField(_("shared with the whole institution"), default=False)
    groups = models.ManyToManyField(Group, related_name="+", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    # Below this answerability the documents are said not to answer; measured on the corpus itself, after each change.
    threshold = models.FloatField(null=True)
    content_version = models.PositiveIntegerField(default=0)
    calibrated_version = models.PositiveIntegerField(default=0)
    embedded_version = models.PositiveIntegerField(default=0)
    embedded_endpoint = models.CharField(max_length=64, blank=True)

    served_at = models.DateTimeField(null=True)  # when a document of it was last taken to be read: the next is another's

    unscoped = CorpusQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("course")

    def __str__(self) -> str:
        return self.name


def tool_of(corpus: Corpus) -> Tool:
    return _tool(corpus.id, corpus.kind, corpus.data_class)


def _tool(corpus_id: int, kind: str, data_class: str) -> Tool:
    purpose = "course" if kind == CorpusKind.COURSE else "administration"
    return Tool("Corpus", str(corpus_id), purpose=purpose, data_class=data_class)


class DocumentState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    READING = "reading", _("being read")
    INDEXED = "indexed", _("ready")
    FAILED = "failed", _("not readable")
    EXPANDED = "expanded", _("unpacked")  # an archive: its members are documents of their own, its file is not kept
    REMOVED = "removed", _("removed")


WAITING = (DocumentState.QUEUED, DocumentState.READING)
# What counts when the same file is given twice.
LIVE = (*WAITING, DocumentState.INDEXED)


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, principal: Principal) -> DocumentQuerySet:
        """Removed ones too: a citation that points to one says so. Protected ones are for those responsible."""
        here = self.filter(corpus__in=Corpus.unscoped.visible_to(principal).order_by())
        return here.filter(Q(protected=False) | Q(corpus__in=Corpus.unscoped.editable_by(principal).order_by()))

    def listed_to(self, principal: Principal) -> DocumentQuerySet:
        """Their names and states, for who reads or manages them."""
        managed = Corpus.unscoped.editable_by(principal).order_by()
        return self.filter(Q(id__in=Document.unscoped.visible_to(principal).order_by().values("id")) | Q(corpus__in=managed))

    def editable_by(self, principal: Principal) -> DocumentQuerySet:
        return self.filter(corpus__in=Corpus.unscoped.editable_by(principal).order_by()).exclude(state=DocumentState.REMOVED)

    def listed(self) -> DocumentQuerySet:
        """Those a reader of the course sees: neither removed nor unpacked into others."""
        return self.exclude(state__in=(DocumentState.REMOVED, DocumentState.EXPANDED))


class Document(models.Model):
    """A file given to a corpus, and the job of reading it: who reads it now, until when, how far (decision 0006)."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    corpus = models.ForeignKey(Corpus, on_delete=models.CASCADE, related_name="documents")
    name = models.CharField(max_length=255)  # as the person named it, its folders kept; for people, never a path here
    title = models.CharField(max_length=300, blank=True)
    # An answer key, a past paper: it may guide a model, is never quoted, and only those responsible open it.
    protected = models.BooleanField(default=False)
    media_type = models.CharField(max_length=120, blank=True)  # as found in the bytes
    sha256 = models.CharField(max_length=64, blank=True)  # "" for a member of an archive that was not let out of it
    size = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=DocumentState.choices, default=DocumentState.QUEUED)
    failure_code = models.CharField(max_length=40, blank=True)
    failure_params = models.JSONField(default=dict)
    pages_done = models.PositiveIntegerField(default=0)
    pages_total = models.PositiveIntegerField(null=True)
    pages_without_text = models.JSONField(default=list)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="replacements")
    archive = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="members")
    uploaded_by = models.ForeignKey(Profile, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    indexed_at = models.DateTimeField(null=True)
    analysis_version = models.PositiveSmallIntegerField(default=0)  # of retrieval.analysis: an older one is indexed again

    unscoped = DocumentQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]
        verbose_name = _("document")
        constraints = [
            models.UniqueConstraint(
                fields=["corpus", "sha256"], condition=Q(state__in=LIVE), name="one_document_per_file_and_corpus"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=WAITING), name="documents_waiting"),
            models.Index(fields=["sha256"], name="documents_by_file"),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def file_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING

    @property
    def is_removed(self) -> bool:
        return self.state == DocumentState.REMOVED

    @property
    def has_page_images(self) -> bool:
        """Whether its pages are shown as they were printed, rather than as text."""
        return self.media_type == "application/pdf"


class PageQuerySet(models.QuerySet["Page"]):
    def visible_to(self, principal: Principal) -> PageQuerySet:
        readable = Document.unscoped.visible_to(principal).filter(state=DocumentState.INDEXED)
        return self.filter(document__in=readable.order_by())


class Page(models.Model):
    """One unit of a document: a page, a slide, a section, a minute of subtitles. Before its document is indexed it is
    provisional: nobody sees it, and it goes if the reading starts again."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="pages", db_index=False)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)  # parsing.document.UnitKind
    label = models.CharField(max_length=300)
    text = models.TextField()
    blocks = models.JSONField(default=list)  # [[kind, start, end, level], …]
    heading_path = models.JSONField(default=list)
    words = models.BinaryField(default=bytes)  # parsing.locate.pack_words: where each word stands on the page
    width = models.FloatField(default=0)
    height = models.FloatField(default=0)
    start_seconds = models.FloatField(null=True)
    end_seconds = models.FloatField(null=True)
    ocr = models.BooleanField(default=False)

    unscoped = PageQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["document_id", "number"]
        constraints = [models.UniqueConstraint(fields=["document", "number"], name="page_number_once_per_document")]

    def __str__(self) -> str:
        return f"{self.document_id}, {self.label}"

    def headings_at(self, offset: int = 0) -> tuple[str, ...]:
        """The headings in force there, or over the first words of the page: not those of the page before."""
        path: list[tuple[int, str]] = list(enumerate(self.heading_path, start=1))
        for kind, start, end, level in self.blocks:
            if kind == BlockKind.HEADING:
                path = [*((above, text) for above, text in path if above < level), (level, self.text[start:end])]
            elif end > offset:
                break
        return tuple(text for _level, text in path)


class PassageQuerySet(models.QuerySet["Passage"]):
    def visible_to(self, principal: Principal) -> PassageQuerySet:
        readable = Document.unscoped.visible_to(principal).filter(state=DocumentState.INDEXED)
        return self.filter(document__in=readable.order_by())


class Passage(models.Model):
    """60 to 100 words of a page: what the index finds."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    corpus = models.ForeignKey(Corpus, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="passages")
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="passages")
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    heading_path = models.JSONField(default=list)

    unscoped = PassageQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.page_id}, {self.start}-{self.end}"


class EmbeddingQuerySet(models.QuerySet["Embedding"]):
    def visible_to(self, principal: Principal) -> EmbeddingQuerySet:
        return self.filter(corpus__in=Corpus.unscoped.visible_to(principal).order_by())


class Embedding(models.Model):
    """The vector an endpoint gave for a passage (decision 0008). It goes with its passage, in the same transaction."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", db_index=False)
    corpus = models.ForeignKey(Corpus, on_delete=models.CASCADE, related_name="+", db_index=False)
    passage = models.OneToOneField(Passage, on_delete=models.CASCADE, related_name="embedding")
    endpoint = models.CharField(max_length=64)  # inference.actions.Route.key: vectors of two are not compared
    vector = models.BinaryField()  # retrieval.dense.packed

    unscoped = EmbeddingQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        indexes = [models.Index(fields=["corpus", "endpoint"], name="embeddings_of_corpora")]

    def __str__(self) -> str:
        return f"passage {self.passage_id}"
