"""Courses, their documents, and the viewer that opens a document at the place an answer quotes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.asgi import ASGIRequest
from django.core.paginator import Paginator
from django.db.models import Case, Prefetch, When
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag, url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import find, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.corpora import actions, storage
from parvis.corpora.ai_rule.models import CourseRule
from parvis.corpora.forms import CorpusForm, ShareForm
from parvis.corpora.messages import duplicate_sentence, refused_sentence
from parvis.corpora.models import CONSULTED, WAITING, Corpus, Document, DocumentQuerySet, DocumentState, Page
from parvis.corpora.parsing.archives import display_name
from parvis.corpora.parsing.refusals import Unreadable
from parvis.corpora.presentation import (
    corpus_view,
    document_view,
    page_sentence,
    sharing_view,
    unavailable_sentence,
    unit_view,
    upload_view,
)
from parvis.corpora.sheets import page_picture, sheet
from parvis.evidence.actions import consult
from parvis.evidence.forms import ReasonForm
from parvis.web.connections import release_connection

DOCUMENTS_A_PAGE = 100
# A document may hold scripts: it is offered for download, and even if a browser shows it, it can do nothing.
HARMLESS = "sandbox; default-src 'none'"


@requires("corpus:view")
@require_GET
def corpora(request: SignedInRequest) -> HttpResponse:
    shown = Document.objects.listed_to(request.principal).listed()
    listed = Prefetch("documents", queryset=shown, to_attr="shown")
    mine = set(Corpus.objects.editable_by(request.principal).values_list("id", flat=True))
    mine = mine if request.principal.may("corpus:edit") else set()
    rows = Corpus.objects.listed_to(request.principal).select_related("owner__person", "institution")
    views = [
        corpus_view(row, row.shown, row.groups.all(), may_edit=row.id in mine)
        for row in rows.prefetch_related(listed, "groups")
    ]
    views.sort(key=lambda view: bool(view.owner))  # one's own first
    may_create = request.principal.may("corpus:create")
    context = {"corpora": views, "create_url": reverse("assistants:course_new") if may_create else ""}
    return render(request, "corpora/list.html", context)


@requires("corpus:view")
@require_GET
def corpus(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    row = find(request.principal, "corpus:view", Corpus, id=corpus_id)
    reads = row is not None
    row = row or get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    may_edit = _may_edit(request, row)
    documents = Document.objects.listed_to(request.principal).filter(corpus=row).listed()
    if not may_edit:
        documents = documents.filter(state=DocumentState.INDEXED)
    shown = Paginator(_in_order(documents), DOCUMENTS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "corpus": corpus_view(row, documents, row.groups.all(), may_edit=may_edit, reads=reads),
        "documents": [document_view(document, may_edit=may_edit) for document in shown],
        "page": shown,
        "refresh_url": request.get_full_path(),
        "working": any(document.is_waiting for document in documents),
        "upload": upload_view(row) if may_edit else None,
        "sharing": sharing_view(request.principal, row) if may_edit else None,
        "ai_rule": CourseRule.objects.visible_to(request.principal).filter(corpus=row).first(),
        "ai_rule_url": reverse("corpora:ai_rule", args=[row.id]) if may_edit else "",
        "consult_url": "" if reads else reverse("corpora:consultation", args=[row.id]),
    }
    return render(request, "corpora/detail.html", context)


@requires("content:consult")
@require_http_methods(["GET", "HEAD", "POST"])
def consultation(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    """An administrator says why they need to read a course that is neither theirs nor shared with them; its owner is told."""
    row = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    address = reverse("corpora:detail", args=[row.id])
    if Corpus.objects.visible_to(request.principal).filter(id=row.id).exists():
        return redirect(address)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        consult(request.principal, kind=CONSULTED, number=row.id, person=row.owner.person, reason=reason)
        return redirect(address)
    context = {"form": form, "corpus": row, "url": address, "list_url": reverse("corpora:list")}
    return render(request, "corpora/consultation.html", context, status=422 if form.is_bound else 200)


@requires("corpus:edit")
@require_http_methods(["GET", "POST"])
def edit(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    address = reverse("corpora:detail", args=[row.id])
    initial = {"name": row.name, "description": row.description, "kind": row.kind, "data_class": row.data_class}
    form = CorpusForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        actions.update_corpus(request.principal, row, **form.cleaned_data)
        return redirect(address)
    context = {
        "form": form,
        "corpus": {"name": row.name, "url": address},
        "list_url": reverse("corpora:list"),
        "cancel_url": address,
    }
    return render(request, "corpora/form.html", context, status=422 if form.is_bound else 200)


@requires("corpus:edit")
@require_POST
def share(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    form = ShareForm(request.principal, request.POST)
    if form.is_valid():
        groups, everyone = form.cleaned_data["groups"], form.cleaned_data["everyone"]
        actions.share_corpus(request.principal, row, groups=groups, with_institution=everyone)
        messages.success(request, _("Who may ask this course was saved."))
    else:
        messages.error(request, _("One of the groups no longer exists: nothing was changed. Choose again."))
    return redirect("corpora:detail", row.id)


@requires("corpus:edit")
@require_POST
def delete(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    actions.delete_corpus(request.principal, row)
    messages.info(request, _("“%(name)s” and its documents were deleted.") % {"name": row.name})
    return redirect("corpora:list")


@requires("document:edit")
@require_POST
def upload(request: SignedInRequest, corpus_id: int) -> HttpResponse:
    """Several files, a folder's files, archives: each on its own, so that a refused one costs nothing to the others."""
    row = get_or_404(request.principal, "corpus:edit", Corpus, id=corpus_id)
    arrived = cast("list[UploadedFile[bytes]]", request.FILES.getlist("files"))
    files = [file for file in arrived if not _is_system_file(file.name or "")]
    if not files:
        messages.error(request, _("No file arrived. Choose at least one, then send again."))
    added = sum(_add(request, row, file) for file in files)
    if added:
        words = ngettext(
            "%(count)d document added. It answers as soon as it is read.",
            "%(count)d documents added. Each answers as soon as it is read.",
            added,
        )
        messages.success(request, words % {"count": added})
    return redirect("corpora:detail", row.id)


@requires("document:edit")
@require_POST
def replace(request: SignedInRequest, document_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "document:edit", Document, id=document_id)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, _("No file arrived. Choose at least one, then send again."))
    elif _add(request, row.corpus, file, replaces=row):
        messages.success(request, _("The new file is being read. Until then “%(title)s” still answers.") % {"title": row})
    return redirect("corpora:detail", row.corpus_id)


@requires("document:edit")
@require_POST
def remove(request: SignedInRequest, document_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "document:edit", Document, id=document_id)
    actions.remove_document(request.principal, row)
    messages.info(request, _("“%(title)s” was removed: no answer uses it from now on.") % {"title": row})
    return redirect("corpora:detail", row.corpus_id)


@requires("document:edit")
@require_POST
def protection(request: SignedInRequest, document_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "document:edit", Document, id=document_id)
    actions.protect_document(request.principal, row, protected=request.POST.get("protected") == "1")
    return redirect("corpora:detail", row.corpus_id)


@requires("document:edit")
@require_POST
def retry(request: SignedInRequest, document_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "document:edit", Document, id=document_id)
    actions.retry_document(request.principal, row)
    return redirect("corpora:detail", row.corpus_id)


@requires("document:view")
@require_GET
def document(request: SignedInRequest, document_id: int) -> HttpResponse:
    """The document at its beginning, or at the page asked by number."""
    row = find(request.principal, "document:view", Document, id=document_id)
    if row is None:
        return _why_first(request, document_id)
    asked = request.GET.get("page", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
    return redirect("corpora:document", row.id, max(1, min(number, row.pages_total or 1)))


@requires("document:view")
@require_GET
def page(request: SignedInRequest, document_id: int, number: int) -> HttpResponse:
    """One page with the words from `debut` to `fin` highlighted."""
    row = find(request.principal, "document:view", Document, id=document_id)
    if row is None:
        return _why_first(request, document_id)
    if row.state != DocumentState.INDEXED:
        return _unavailable(request, row)
    unit = get_or_404(request.principal, "document:view", Page, document_id=row.id, number=number)
    unit.document = row
    start, end = _offset(request, "debut"), _offset(request, "fin")
    count = row.pages_total or number
    context = {
        "document": _document_context(row),
        "unit": unit_view(unit, count, start),
        "sheet": sheet(unit, start, end),
        "sentence": page_sentence(unit),
        "highlighted": start < end,
        "previous_url": _page_url(request, row, number - 1) if number > 1 else "",
        "next_url": _page_url(request, row, number + 1) if number < count else "",
        "go_url": reverse("corpora:open", args=[row.id]),
        "back_url": _back(request),
    }
    return render(request, "corpora/document.html", context)


@requires("document:view")
@require_GET
def page_image(request: SignedInRequest, document_id: int, number: int) -> HttpResponseBase:
    unit = get_or_404(request.principal, "document:view", Page, document_id=document_id, number=number)
    if not unit.document.has_page_images:
        raise Http404
    etag = quote_etag(f"{unit.document.sha256}-{number}")
    response = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = HttpResponse(page_picture(unit), content_type="image/png")
        except Unreadable as refusal:
            raise Http404 from refusal
    # Kept by this browser only, and asked for again each time: a withdrawn right is withdrawn at once.
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = etag
    return response


@requires("document:view")
@require_GET
def original(request: SignedInRequest, document_id: int) -> HttpResponseBase:
    row = find(request.principal, "document:view", Document, id=document_id)
    if row is None:
        return _why_first(request, document_id)
    readable = row.state == DocumentState.INDEXED or _may_edit(request, row.corpus)
    path = storage.path_of(row.sha256) if readable and row.sha256 and not row.is_removed else None
    if path is None or not path.exists():
        return _unavailable(request, row)
    response: HttpResponseBase
    if isinstance(request, ASGIRequest):
        response = StreamingHttpResponse(_chunks(path))  # a FileResponse would be read whole into memory
        response.headers["Content-Length"] = str(path.stat().st_size)
    else:
        response = FileResponse(path.open("rb"))
    response.headers["Content-Type"] = row.media_type or "application/octet-stream"
    response.headers["Content-Disposition"] = content_disposition_header(True, row.file_name) or "attachment"
    response.headers["Content-Security-Policy"] = HARMLESS
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _in_order(documents: DocumentQuerySet) -> DocumentQuerySet:
    """As they were given; but where they need several pages, what is being read and what could not be comes first."""
    if documents.count() <= DOCUMENTS_A_PAGE:
        return documents.order_by("id")
    return documents.order_by(Case(When(state__in=WAITING, then=0), When(state=DocumentState.FAILED, then=1), default=2), "id")


def _add(request: SignedInRequest, row: Corpus, file: UploadedFile[bytes], *, replaces: Document | None = None) -> bool:
    """Whether the file became a new document; if not, a message says why."""
    name = display_name(file.name or "")
    try:
        added = actions.add_upload(row, request.principal, name, file, replaces=replaces)
    except storage.TooLarge as refusal:
        messages.error(request, refused_sentence(name, refusal.code, refusal.params))
        return False
    except actions.Gone as gone:
        raise Http404 from gone
    if not added.is_new:
        messages.info(request, duplicate_sentence(name))
    return added.is_new


def _is_system_file(name: str) -> bool:
    """What a system leaves in a folder, and nobody means to give."""
    return name.startswith((".", "~$")) or name.lower() in ("thumbs.db", "desktop.ini")


def _may_edit(request: SignedInRequest, row: Corpus) -> bool:
    principal = request.principal
    return principal.may("corpus:edit") and Corpus.objects.editable_by(principal).filter(id=row.id).exists()


def _why_first(request: SignedInRequest, document_id: int) -> HttpResponse:
    """Who manages a document that is not shared with them says why before they read it. Raises Http404 for anybody else."""
    return redirect("corpora:consultation", get_or_404(request.principal, "document:edit", Document, id=document_id).corpus_id)


def _unavailable(request: SignedInRequest, row: Document) -> HttpResponse:
    """A citation outlives its document: the reader is told what became of it."""
    replacement = row.replacements.filter(state=DocumentState.INDEXED).order_by("-id").first()
    context = {
        "document": _document_context(row),
        "sentence": unavailable_sentence(row),
        "replacement": {"title": str(replacement), "url": reverse("corpora:open", args=[replacement.id])}
        if replacement
        else None,
        "back_url": _back(request),
    }
    return render(request, "corpora/unavailable.html", context)


def _document_context(row: Document) -> dict[str, str]:
    return {
        "title": str(row) or _("Removed document"),
        "original_url": reverse("corpora:original", args=[row.id]),
        "corpus_name": row.corpus.name,
        "corpus_url": reverse("corpora:detail", args=[row.corpus_id]),
    }


def _page_url(request: SignedInRequest, row: Document, number: int) -> str:
    address = reverse("corpora:document", args=[row.id, number])
    back = _back(request)
    return f"{address}?{urlencode({'retour': back})}" if back else address


def _back(request: SignedInRequest) -> str:
    target = request.GET.get("retour", "")
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) else ""


def _offset(request: SignedInRequest, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 10 else 0


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    await sync_to_async(release_connection)()  # nothing is read from the database while a slow reader takes the file
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, 1 << 18):
            yield chunk
    finally:
        file.close()
