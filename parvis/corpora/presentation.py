"""What the pages of courses show, as plain values: the contexts that the templates describe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.corpora.lengths import KINDS, length_words
from parvis.corpora.messages import failure_sentence, size_words
from parvis.corpora.models import Corpus, Document, DocumentState, Page
from parvis.corpora.parsing import media_types, ocr
from parvis.corpora.parsing.document import UnitKind
from parvis.corpora.sheets import place
from parvis.institutions.models import Group


@dataclass(frozen=True, slots=True)
class CorpusView:
    id: int
    name: str
    description: str
    url: str
    list_url: str
    try_url: str
    signals_url: str
    edit_url: str
    delete_url: str
    owner: str  # "" where the reader may change the course
    shared: str
    document_count: int
    length: str
    waiting_count: int
    failed_count: int


@dataclass(frozen=True, slots=True)
class DocumentView:
    id: int
    title: str
    name: str
    kind: str
    size: str
    length: str
    url: str
    state: str
    pages_done: int
    pages_total: int | None
    sentence: str
    replace_url: str
    remove_url: str
    retry_url: str
    protected: bool
    protection_url: str


@dataclass(frozen=True, slots=True)
class UploadView:
    url: str
    accept: str
    formats: str
    limits: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class GroupView:
    id: int
    name: str
    shared: bool
    member_count: int


@dataclass(frozen=True, slots=True)
class SharingView:
    url: str
    everyone: bool
    institution: str
    groups: tuple[GroupView, ...]


@dataclass(frozen=True, slots=True)
class UnitView:
    word: str
    label: str
    heading: str
    number: int
    count: int
    ocr: bool
    time: str


def corpus_view(
    corpus: Corpus, documents: Iterable[Document], groups: Iterable[Group], *, may_edit: bool, reads: bool = True
) -> CorpusView:
    listed = list(documents)
    indexed = [document for document in listed if document.state == DocumentState.INDEXED]
    return CorpusView(
        id=corpus.id,
        name=corpus.name,
        description=corpus.description,
        url=reverse("corpora:detail", args=[corpus.id]),
        list_url=reverse("corpora:list"),
        try_url=reverse("assistants:try_course", args=[corpus.id]) if may_edit and reads else "",
        signals_url=reverse("assistants:signals", args=[corpus.id]) if may_edit and reads else "",
        edit_url=reverse("corpora:edit", args=[corpus.id]) if may_edit else "",
        delete_url=reverse("corpora:delete", args=[corpus.id]) if may_edit else "",
        owner="" if may_edit else corpus.owner.person.display_name,
        shared=_shared_with(corpus, groups),
        document_count=len(indexed),
        length=length_words(indexed),
        waiting_count=sum(document.is_waiting for document in listed),
        failed_count=sum(document.state == DocumentState.FAILED for document in listed) if may_edit else 0,
    )


def document_view(document: Document, *, may_edit: bool) -> DocumentView:
    failed, indexed = document.state == DocumentState.FAILED, document.state == DocumentState.INDEXED
    return DocumentView(
        id=document.id,
        title=str(document),
        name=document.name,
        kind=KINDS.get(document.media_type, "text"),
        size=size_words(document.size) if document.size else "",
        length=length_words([document]) if indexed else "",
        url=reverse("corpora:open", args=[document.id]) if indexed else "",
        state=document.state,
        pages_done=document.pages_done,
        pages_total=document.pages_total,
        sentence=_sentence(document),
        replace_url=reverse("corpora:replace", args=[document.id]) if may_edit and not document.is_waiting else "",
        remove_url=reverse("corpora:remove", args=[document.id]) if may_edit else "",
        retry_url=reverse("corpora:retry", args=[document.id]) if may_edit and failed and document.sha256 else "",
        protected=document.protected,
        protection_url=reverse("corpora:protection", args=[document.id]) if may_edit and not failed else "",
    )


def upload_view(corpus: Corpus) -> UploadView:
    return UploadView(
        url=reverse("corpora:upload", args=[corpus.id]),
        accept=",".join(media_types.EXTENSIONS),
        formats=_(
            "PDF, Word (DOCX), PowerPoint (PPTX), LibreOffice (ODT, ODP), HTML, Markdown, text, Jupyter, EPUB, subtitles"
            " (VTT, SRT), and ZIP archives of these"
        ),
        limits=_("%(size)s at most for each file") % {"size": size_words(settings.DOCUMENT_MAX_BYTES)},
    )


def sharing_view(principal: Principal, corpus: Corpus) -> SharingView:
    chosen = set(corpus.groups.values_list("id", flat=True))
    groups = Group.objects.filter(institution_id=principal.institution_id).prefetch_related("profiles")
    return SharingView(
        url=reverse("corpora:share", args=[corpus.id]),
        everyone=corpus.shared_with_institution,
        institution=corpus.institution.name,
        groups=tuple(GroupView(group.id, group.name, group.id in chosen, len(group.profiles.all())) for group in groups),
    )


def unit_view(page: Page, count: int, offset: int = 0) -> UnitView:
    timed = page.start_seconds is not None and page.end_seconds is not None
    words = {UnitKind.SLIDE: _("Slide"), UnitKind.SECTION: _("Section"), UnitKind.CUE: _("Extract")}
    return UnitView(
        word=words.get(UnitKind(page.kind), _("Page")),
        label=place(page, str(page.document)),
        heading=" › ".join(page.headings_at(offset)),
        number=page.number,
        count=count,
        ocr=page.ocr,
        time=_("from %(start)s to %(end)s") % {"start": _clock(page.start_seconds), "end": _clock(page.end_seconds)}
        if timed
        else "",
    )


def page_sentence(page: Page) -> str:
    """What is to be known of a page that could not be read."""
    if page.text.strip():
        return ""
    if page.kind == UnitKind.PAGE:
        return _("No text was read on this page: it is an image or it is blank. No answer can quote it.")
    return _("There is no text here.")


def unavailable_sentence(document: Document) -> str:
    """Why a document cannot be opened."""
    if document.is_removed:
        return _("This document was removed from the course. Answers given before still quote it; new ones do not.")
    if document.is_waiting:
        return _("This document is being read. It can be opened as soon as that is done.")
    if document.state == DocumentState.EXPANDED:
        return _("This archive was unpacked: its documents are in the course.")
    return failure_sentence(document.failure_code, document.failure_params)


def _shared_with(corpus: Corpus, groups: Iterable[Group]) -> str:
    if corpus.shared_with_institution:
        return corpus.institution.short_name
    return ", ".join(group.name for group in groups)


def _sentence(document: Document) -> str:
    if document.state == DocumentState.FAILED:
        return failure_sentence(document.failure_code, document.failure_params)
    if document.state != DocumentState.INDEXED or not document.pages_without_text:
        return ""
    count = len(document.pages_without_text)
    words = ngettext("%(count)d page without text was not read.", "%(count)d pages without text were not read.", count) % {
        "count": count
    }
    if settings.OCR and ocr.is_available():
        return words
    return words + " " + _("Text recognition is not installed here; ask your administrator for it.")


def _clock(seconds: float | None) -> str:
    minutes, rest = divmod(int(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
