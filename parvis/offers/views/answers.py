"""A vendor's space: the requests it may answer, its draft, its sealed answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.needs.workbooks import Refused as WorkbookRefused
from parvis.offers import sealing
from parvis.offers.actions import answers as actions
from parvis.offers.actions.answers import Locked
from parvis.offers.answer import Frame, Grid
from parvis.offers.conformity import read_grid, write_grid
from parvis.offers.dossier.writing import MEDIA_TYPES
from parvis.offers.forms.answers import (
    CompanyForm,
    LineForm,
    Prices,
    WorkbookForm,
    company_initial,
    prices_initial,
)
from parvis.offers.forms.requests import PassphraseForm, UnlockForm
from parvis.offers.messages import grid_error_sentence, impossible_sentence, workbook_sentence
from parvis.offers.models import AnswerDraft, RequestForInformation, RequestState, SealedAnswer
from parvis.offers.presentation import draft_view, request_view, sent_view
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import WeakPassphraseError

editing = require_http_methods(["GET", "HEAD", "POST"])
KEY_SECONDS = 2 * 3600  # then the passphrase is typed again
REQUIREMENTS_A_PAGE = 20


@requires("answer:view")
@require_GET
def space(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need", "version")
    drafts = set(AnswerDraft.objects.visible_to(request.principal).values_list("request_id", flat=True))
    sent = {one.request_id: one for one in SealedAnswer.objects.visible_to(request.principal).defer("blob", "own_blob")}
    context = {"requests": [(request_view(row, now), row.id in drafts, sent.get(row.id)) for row in rows]}
    return render(request, "offers/space.html", context)


@requires("answer:view")
@sensitive_post_parameters()
@editing
def answer(request: SignedInRequest, request_id: int) -> HttpResponse:
    """The answer as it stands, or the passphrase that opens it."""
    row = _published(request, request_id)
    draft = _draft(request, row)
    if draft is None:
        return _start(request, row)
    frame = actions.frame_of(row)
    try:
        grid = actions.read(draft, _key(request, row), frame)
    except Locked:
        return _unlock(request, row, draft)
    return _overview(request, row, frame, grid)


@requires("answer:edit")
@sensitive_post_parameters()
@editing
def requirements(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    frame = actions.frame_of(row)
    grid = _open(request, row, frame)
    if grid is None:
        return redirect("offers:answer", row.id)
    page = Paginator(frame.requirements, REQUIREMENTS_A_PAGE).get_page(request.GET.get("page"))
    data = request.POST if request.method == "POST" else None
    forms = [LineForm(one, grid.line(one.code), data) for one in page]
    if data is not None and all([form.is_valid() for form in forms]):
        lines = tuple(form.line() for form in forms)
        after = f"?page={page.next_page_number()}" if page.has_next() else ""
        address = (
            reverse("offers:answer_requirements", args=[row.id]) + after if after else reverse("offers:answer", args=[row.id])
        )
        return _saved(request, row, frame, lambda found: actions.with_lines(found, lines), address)
    context = {"request_row": request_view(row, timezone.now()), "forms": forms, "page": page}
    return _private(render(request, "offers/answer_requirements.html", context, status=422 if data is not None else 200))


@requires("answer:edit")
@sensitive_post_parameters()
@editing
def prices(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    frame = actions.frame_of(row)
    grid = _open(request, row, frame)
    if grid is None:
        return redirect("offers:answer", row.id)
    data = request.POST if request.method == "POST" else None
    forms = Prices(data, initial=prices_initial(grid), prefix="price")
    if data is not None and forms.is_valid():
        found = tuple(price for form in forms if (price := form.price()))
        return _saved(
            request, row, frame, lambda grid: actions.with_prices(grid, found), reverse("offers:answer", args=[row.id])
        )
    context = {"request_row": request_view(row, timezone.now()), "forms": forms}
    return _private(render(request, "offers/answer_prices.html", context, status=422 if data is not None else 200))


@requires("answer:edit")
@sensitive_post_parameters()
@editing
def company(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    frame = actions.frame_of(row)
    grid = _open(request, row, frame)
    if grid is None:
        return redirect("offers:answer", row.id)
    form = CompanyForm(request.POST if request.method == "POST" else None, initial=company_initial(grid))
    if form.is_valid():
        found = form.company()
        return _saved(
            request, row, frame, lambda grid: actions.with_company(grid, found), reverse("offers:answer", args=[row.id])
        )
    context = {"request_row": request_view(row, timezone.now()), "form": form}
    return _private(render(request, "offers/answer_company.html", context, status=422 if form.is_bound else 200))


@requires("answer:view")
@require_GET
def workbook(request: SignedInRequest, request_id: int) -> HttpResponse:
    """The workbook to fill, with what the draft holds."""
    row = _published(request, request_id)
    frame = actions.frame_of(row)
    grid = _open(request, row, frame)
    if grid is None:
        return redirect("offers:answer", row.id)
    response = HttpResponse(write_grid(frame, grid), content_type=MEDIA_TYPES["xlsx"])
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{row.code}-reponse.xlsx") or "attachment"
    response.headers["Cache-Control"] = "no-store"
    return response


@requires("answer:edit")
@csrf_exempt
def upload(request: SignedInRequest, request_id: int) -> HttpResponse:
    """Read in memory, never through a file of the server; what is too large for that is refused."""
    request.upload_handlers = [MemoryFileUploadHandler(request)]
    return _upload(request, request_id)


@requires("answer:edit")
@require_POST
def sending(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    try:
        sent = actions.submit(request.principal, row, _key(request, row), frame=actions.frame_of(row), now=timezone.now())
    except Impossible as refusal:
        tell = messages.info if refusal.code == "already_sent" else messages.error
        tell(request, impossible_sentence(refusal.code, refusal.params))
    except Locked:
        messages.error(request, _("Type your passphrase again, then send: nothing was sent."))
    else:
        words = _("Sealed and received as revision %(number)d. Nobody reads it before the opening. Its receipt is below.")
        messages.success(request, words % {"number": sent.revision})
    return redirect("offers:answer", row.id)


@requires("answer:view")
@require_GET
def sent(request: SignedInRequest, request_id: int, revision: int) -> HttpResponse:
    """What the vendor sent, for itself, as long as its draft is open under the same passphrase."""
    row = _published(request, request_id)
    own = SealedAnswer.objects.visible_to(request.principal).filter(request=row, revision=revision).first()
    if own is None:
        raise Http404
    frame = actions.frame_of(row)
    try:
        grid = actions.reopen(own, _key(request, row), frame)
    except Locked:
        messages.error(request, _("Sealed with another passphrase, or locked again: type the passphrase it was sent with."))
        return redirect("offers:answer", row.id)
    context = {"request_row": request_view(row, timezone.now()), "sent": own, "answer": sent_view(frame, grid)}
    return _private(render(request, "offers/answer_sent.html", context))


@requires("answer:edit")
@require_POST
def locking(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    response = redirect("offers:space")
    response.delete_cookie(_cookie(row), path=_path(row), samesite="Strict")
    return response


@requires("answer:edit")
@require_POST
def restarting(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    actions.start_over(request.principal, row)
    messages.info(request, _("The draft is deleted. What was sent stays sent, until you send again."))
    return redirect("offers:answer", row.id)


@csrf_protect
@require_POST
def _upload(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _published(request, request_id)
    frame = actions.frame_of(row)
    grid = _open(request, row, frame)
    if grid is None:
        messages.error(request, _("Type your passphrase again, then send the workbook: nothing was read."))
        return redirect("offers:answer", row.id)
    form = WorkbookForm(request.POST, request.FILES)
    if not form.is_valid():
        return _overview(request, row, frame, grid, workbook_form=form, status=422)
    try:
        found = read_grid(form.cleaned_data["file"].read(), frame)
    except WorkbookRefused as refusal:
        form.add_error("file", workbook_sentence(refusal.code, refusal.params))
        return _overview(request, row, frame, grid, workbook_form=form, status=422)
    try:
        grid = actions.write(
            request.principal, row, _key(request, row), lambda draft: actions.with_workbook(draft, found), frame=frame
        )
    except Locked:
        return redirect("offers:answer", row.id)
    if not found.errors:
        messages.success(request, _("The workbook is in your draft. Nothing is sent yet."))
        return redirect("offers:answer", row.id)
    # Shown here and now: what is wrong quotes the answer, and must not be kept in a session.
    return _overview(request, row, frame, grid, found=found, status=422)


def _overview(
    request: SignedInRequest,
    row: RequestForInformation,
    frame: Frame,
    grid: Grid,
    *,
    workbook_form: WorkbookForm | None = None,
    found: Grid | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    sent = SealedAnswer.objects.visible_to(request.principal).filter(request=row).defer("blob", "own_blob")
    context = {
        "request_row": request_view(row, now),
        "draft": draft_view(frame, grid),
        "sent": sent.order_by("-revision"),
        "may_send": row.state_at(now) in (RequestState.PUBLISHED, RequestState.QUESTIONS_CLOSED),
        "workbook_form": workbook_form or WorkbookForm(),
        "taken": len(found.lines) if found else 0,
        "errors": [(one.sheet, one.row, grid_error_sentence(one)) for one in found.errors] if found else [],
    }
    return _private(render(request, "offers/answer.html", context, status=status))


def _start(request: SignedInRequest, row: RequestForInformation) -> HttpResponse:
    form = PassphraseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            key = actions.start(request.principal, row, form.cleaned_data["passphrase"])
        except (Impossible, WeakPassphraseError) as refusal:
            form.add_error("passphrase", impossible_sentence(refusal.code, refusal.params))
        else:
            return _with_key(redirect("offers:answer", row.id), row, key)
    context = {
        "request_row": request_view(row, timezone.now()),
        "form": form,
        "is_new": True,
        "suggestion": sealing.suggest_passphrase(),
    }
    return _private(render(request, "offers/answer_locked.html", context, status=422 if form.is_bound else 200))


def _unlock(request: SignedInRequest, row: RequestForInformation, draft: AnswerDraft) -> HttpResponse:
    form = UnlockForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            key = actions.unlock(request.principal, draft, form.cleaned_data["passphrase"], now=timezone.now())
        except Impossible as refusal:
            form.add_error("passphrase", impossible_sentence(refusal.code, refusal.params))
        else:
            return _with_key(redirect("offers:answer", row.id), row, key)
    context = {"request_row": request_view(row, timezone.now()), "form": form, "is_new": False}
    return _private(render(request, "offers/answer_locked.html", context, status=422 if form.is_bound else 200))


def _saved(
    request: SignedInRequest, row: RequestForInformation, frame: Frame, change: Callable[[Grid], Grid], address: str
) -> HttpResponse:
    key = _key(request, row)
    try:
        actions.write(request.principal, row, key, change, frame=frame)
    except Locked:
        return redirect("offers:answer", row.id)
    messages.success(request, _("Saved in your draft, encrypted. Nothing is sent yet."))
    return _with_key(redirect(address), row, key)


def _published(request: SignedInRequest, request_id: int) -> RequestForInformation:
    get_or_404(request.principal, "request:view", RequestForInformation, id=request_id)
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need__working_group", "version__need")
    row: RequestForInformation = rows.get(id=request_id)
    return row


def _draft(request: SignedInRequest, row: RequestForInformation) -> AnswerDraft | None:
    draft: AnswerDraft | None = AnswerDraft.objects.visible_to(request.principal).filter(request=row).first()
    return draft


def _open(request: SignedInRequest, row: RequestForInformation, frame: Frame) -> Grid | None:
    draft = _draft(request, row)
    try:
        return actions.read(draft, _key(request, row), frame) if draft else None
    except Locked:
        return None


def _cookie(row: RequestForInformation) -> str:
    return f"parvis_answer_{row.id}"


def _path(row: RequestForInformation) -> str:
    return reverse("offers:answer", args=[row.id])


def _key(request: SignedInRequest, row: RequestForInformation) -> bytes:
    try:
        return base64.urlsafe_b64decode(request.COOKIES.get(_cookie(row), ""))
    except (binascii.Error, ValueError):
        return b""


def _with_key(response: Any, row: RequestForInformation, key: bytes) -> HttpResponse:
    """The key lives in the vendor's browser for a while, sent to these pages alone, and nowhere on the server."""
    response.set_cookie(
        _cookie(row),
        base64.urlsafe_b64encode(key).decode(),
        max_age=KEY_SECONDS,
        path=_path(row),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    made: HttpResponse = response
    return made


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
