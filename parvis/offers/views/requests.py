"""Requests for information: prepare, hold a key, publish, hand the documents over, ask and answer in public, open."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_403, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.needs.actions.market import may_be_asked_about
from parvis.needs.models import HarmonisedNeed
from parvis.offers import sealing
from parvis.offers.actions import openings
from parvis.offers.actions import requests as actions
from parvis.offers.dossier.content import VendorNamed
from parvis.offers.forms.requests import (
    AnswerForm,
    PassphraseForm,
    PostponementForm,
    QuestionForm,
    TermsForm,
    UnlockForm,
    initial_of,
)
from parvis.offers.messages import impossible_sentence, namings, vendor_named_sentence
from parvis.offers.models import KeyHolder, Question, RegisterKind, RequestForInformation, RequestState
from parvis.offers.presentation import holder_views, question_views, request_view
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import WeakPassphraseError

RECEIVING = (RequestState.PUBLISHED, RequestState.QUESTIONS_CLOSED)
FIELDS = {  # of the terms, where a refusal is shown
    "dates_past": "questions_until",
    "dates_reversed": "questions_until",
    "holders_not_members": "holders",
    "holders_of_one_institution": "holders",
    "holders_unfit": "holders_needed",
}
editing = require_http_methods(["GET", "HEAD", "POST"])
# A document may hold scripts: it is offered for download, and even if a browser shows it, it can do nothing.
HARMLESS = "sandbox; default-src 'none'"


@requires("request:view")
@require_GET
def requests_list(request: SignedInRequest) -> HttpResponse:
    now = timezone.now()
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need", "version")
    mine = set(KeyHolder.objects.editable_by(request.principal).values_list("request_id", flat=True))
    context = {
        "requests": [(request_view(row, now), row.id in mine) for row in rows],
        "may_prepare": request.principal.may("request:edit"),
        "is_vendor": request.principal.may("answer:view"),
        "needs": _needs_to_ask(request),
    }
    return render(request, "offers/requests.html", context)


@requires("request:edit")
@editing
def new(request: SignedInRequest, need_id: int) -> HttpResponse:
    need = get_or_404(request.principal, "harmonised:view", HarmonisedNeed, id=need_id)
    form = TermsForm(request.POST if request.method == "POST" else None, initial={"title": need.title})
    if form.is_valid():
        try:
            made = actions.prepare(request.principal, need, form.terms(), now=timezone.now())
        except Impossible as refusal:
            form.add_error(FIELDS.get(refusal.code), impossible_sentence(refusal.code, refusal.params))
        else:
            messages.success(request, _("Prepared. Each key holder now chooses a passphrase; then it can be published."))
            return redirect("offers:request", made.id)
    title = _("Ask the market about %(code)s") % {"code": need.code}
    return _form(request, form, title, reverse("needs:harmonised", args=[need.id]))


@requires("request:view")
@editing
def edit(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _editable(request, request_id)
    if row.published_at:
        return _refusal(request, row, Impossible("already_published"))
    form = TermsForm(request.POST if request.method == "POST" else None, initial=initial_of(row))
    if form.is_valid():
        try:
            actions.edit(request.principal, row, form.terms(), now=timezone.now())
        except Impossible as refusal:
            form.add_error(FIELDS.get(refusal.code), impossible_sentence(refusal.code, refusal.params))
        else:
            messages.success(request, _("Saved."))
            return redirect("offers:request", row.id)
    return _form(request, form, row.code, reverse("offers:request", args=[row.id]))


@requires("request:view")
@require_GET
def detail(request: SignedInRequest, request_id: int) -> HttpResponse:
    return _page(request, _visible(request, request_id))


@requires("request:view")
@require_POST
def publication(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _editable(request, request_id)
    ordinary = request.POST.getlist("ordinaire")
    try:
        actions.publish(request.principal, row, now=timezone.now(), ordinary=ordinary)
    except VendorNamed as refusal:
        context = {"request_row": request_view(row, timezone.now()), "namings": namings(refusal), "ordinary": ordinary}
        return render(request, "offers/vendor_named.html", context, status=409)
    except Impossible as refusal:
        return _refusal(request, row, refusal)
    else:
        messages.success(request, _("Published: every vendor reads the same from this instant. The key is nobody’s now."))
    return redirect("offers:request", row.id)


@requires("request:view")
@sensitive_post_parameters()
@editing
def key(request: SignedInRequest, request_id: int) -> HttpResponse:
    """Where a holder chooses a passphrase, and checks later that it is still known."""
    row = _visible(request, request_id)
    holder = _own_key(request, row)
    form: UnlockForm | PassphraseForm
    if row.published_at:
        form = UnlockForm(request.POST if request.method == "POST" else None)
    else:
        form = PassphraseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        passphrase = form.cleaned_data["passphrase"]
        try:
            if row.published_at:
                actions.check_passphrase(request.principal, holder, passphrase, now=timezone.now())
                messages.success(request, _("This is the passphrase. Nothing was opened."))
            else:
                actions.enrol(request.principal, holder, passphrase)
                messages.success(request, _("Your key is ready. Keep the passphrase: nobody can give it back to you."))
        except (Impossible, WeakPassphraseError) as refusal:
            form.add_error("passphrase", impossible_sentence(refusal.code, refusal.params))
        else:
            return redirect("offers:request", row.id)
    context = {
        "request_row": request_view(row, timezone.now()),
        "form": form,
        "holder": holder,
        "needed": row.holders_needed,
        "suggestion": "" if row.published_at else sealing.suggest_passphrase(),
    }
    return render(request, "offers/key.html", context, status=422 if form.is_bound else 200)


@requires("request:view")
@require_POST
def document(request: SignedInRequest, request_id: int, document_id: int) -> HttpResponse:
    """By POST: who received what is written in the register."""
    row = _visible(request, request_id)
    found = row.documents.filter(id=document_id).first()
    if found is None:
        raise Http404
    actions.receive(request.principal, row, [found])
    return _download(bytes(found.content), found.media_type, found.name)


@requires("request:view")
@require_POST
def documents(request: SignedInRequest, request_id: int) -> HttpResponse:
    """All of them in one archive, the same bytes for everybody."""
    row = _visible(request, request_id)
    found = list(row.documents.all())
    if not found:
        raise Http404
    actions.receive(request.principal, row, found)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for one in found:
            entry = zipfile.ZipInfo(f"{row.code}/{one.name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, bytes(one.content))
    return _download(content.getvalue(), "application/zip", f"{row.code}.zip")


@requires("request:view")
@require_POST
def questions(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _visible(request, request_id)
    if not request.principal.may("answer:edit"):
        raise Refused(_("Vendors ask questions; the coordination answers all of them at once."))
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, status=422)
    try:
        actions.ask(request.principal, row, form.cleaned_data["text"], now=timezone.now())
    except Impossible as refusal:
        form.add_error("text", impossible_sentence(refusal.code, refusal.params))
        return _page(request, row, form, status=422)
    messages.success(request, _("Received. It is published with its answer, without your name."))
    return redirect("offers:request", row.id)


@requires("request:view")
@editing
def answer(request: SignedInRequest, request_id: int, question_id: int) -> HttpResponse:
    row = _editable(request, request_id)
    question = get_or_404(request.principal, "request:view", Question, id=question_id, request_id=row.id)
    if question.published_at:
        return _refusal(request, row, Impossible("already_answered"))
    form = AnswerForm(request.POST if request.method == "POST" else None, initial={"published_text": question.text})
    if form.is_valid():
        try:
            actions.publish_answer(request.principal, question, **form.cleaned_data, now=timezone.now())
        except VendorNamed as refusal:
            in_question = any(one.place == "question" for one in refusal.namings)
            form.add_error("published_text" if in_question else "answer", vendor_named_sentence(refusal))
        except Impossible as refusal:
            form.add_error(None, impossible_sentence(refusal.code, refusal.params))
        else:
            messages.success(request, _("Published to everybody at the same instant."))
            return redirect("offers:request", row.id)
    return _form(request, form, _("Answer a question"), reverse("offers:request", args=[row.id]), _("Publish to everybody"))


@requires("request:view")
@sensitive_post_parameters()
@editing
def opening(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _visible(request, request_id)
    if not row.published_at or not (request.principal.may("request:edit") or request.principal.may("request:hold_key")):
        raise Http404
    holder = KeyHolder.objects.editable_by(request.principal).filter(request=row).select_related("request").first()
    form = UnlockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and holder is None:
        raise Refused(_("Key holders alone open the answers, each with a passphrase of their own."))
    if holder and form.is_valid():
        try:
            opened = openings.contribute(request.principal, holder, form.cleaned_data["passphrase"], now=timezone.now())
        except Impossible as refusal:
            form.add_error("passphrase", impossible_sentence(refusal.code, refusal.params))
        else:
            if opened:
                messages.success(
                    request,
                    _("With your share there are enough: the answers are open now, for all members at once. Here they are."),
                )
                return redirect("offers:compare", row.id)
            messages.success(request, _("Your share is kept. The others are awaited."))
            return redirect("offers:opening", row.id)
    holders = holder_views(row)
    context = {
        "request_row": request_view(row, timezone.now()),
        "holders": holders,
        "given": sum(one.has_contributed for one in holders),
        "needed": row.holders_needed,
        "holder": holder,
        "form": form,
    }
    return render(request, "offers/opening.html", context, status=422 if form.is_bound else 200)


@requires("request:view")
@editing
def postponement(request: SignedInRequest, request_id: int) -> HttpResponse:
    row, now = _editable(request, request_id), timezone.now()
    if row.state_at(now) not in RECEIVING:
        return _refusal(request, row, Impossible("not_running"))
    form = PostponementForm(request.POST if request.method == "POST" else None, initial={"deadline_at": row.deadline_at})
    if form.is_valid():
        try:
            actions.postpone(request.principal, row, **form.cleaned_data, now=now)
        except VendorNamed as refusal:
            form.add_error("reason", vendor_named_sentence(refusal))
        except Impossible as refusal:
            form.add_error("deadline_at", impossible_sentence(refusal.code, refusal.params))
        else:
            messages.success(request, _("Postponed for everybody at the same instant; everybody is told."))
            return redirect("offers:request", row.id)
    title = _("Postpone the deadline of %(code)s") % {"code": row.code}
    return _form(request, form, title, reverse("offers:request", args=[row.id]), _("Postpone for everybody"))


@requires("request:view")
@require_POST
def closing(request: SignedInRequest, request_id: int) -> HttpResponse:
    row = _editable(request, request_id)
    return _done(request, row, lambda: actions.close(request.principal, row, now=timezone.now()), _("Closed."))


def _page(
    request: SignedInRequest, row: RequestForInformation, form: QuestionForm | None = None, status: int = 200
) -> HttpResponse:
    now, principal = timezone.now(), request.principal
    state = row.state_at(now)
    inside = principal.may("need:view")
    own_key = KeyHolder.objects.editable_by(principal).filter(request=row).first()
    asked = Question.objects.visible_to(principal).filter(request=row)
    holders = holder_views(row)
    context = {
        "request_row": request_view(row, now),
        "row": row,
        "documents": row.documents.defer("content"),
        "questions": question_views(asked, principal),
        "postponements": row.register.filter(kind=RegisterKind.POSTPONEMENT),
        "holders": holders,
        "own_key": own_key,
        "inside": inside,
        "form": form or QuestionForm(),
        "may": {
            "edit": principal.may("request:edit") and not row.published_at,
            "publish": principal.may("request:edit")
            and not row.published_at
            and all(holder.is_enrolled for holder in holders),
            "postpone": principal.may("request:edit") and state in RECEIVING,
            "answer_questions": principal.may("request:edit"),
            "ask": principal.may("answer:edit") and state == RequestState.PUBLISHED,
            "answer": principal.may("answer:edit") and bool(row.published_at),
            "open": state == RequestState.AWAITED and (own_key is not None or principal.may("request:edit")),
            "compare": bool(row.opened_at) and principal.may("offer:view"),
            "close": principal.may("request:edit") and state == RequestState.OPENED,
        },
    }
    return render(request, "offers/request.html", context, status=status)


def _needs_to_ask(request: SignedInRequest) -> list[HarmonisedNeed]:
    if not request.principal.may("request:edit"):
        return []
    rows = HarmonisedNeed.objects.visible_to(request.principal).published().living()
    return [need for need in rows.prefetch_related("versions") if may_be_asked_about(need)]


def _visible(request: SignedInRequest, request_id: int) -> RequestForInformation:
    get_or_404(request.principal, "request:view", RequestForInformation, id=request_id)
    rows = RequestForInformation.objects.visible_to(request.principal).select_related("need__working_group", "version")
    row: RequestForInformation = rows.get(id=request_id)
    return row


def _editable(request: SignedInRequest, request_id: int) -> RequestForInformation:
    sentence = _("The coordination prepares and publishes requests.")
    get_or_403(request.principal, "request:edit", RequestForInformation, sentence, id=request_id)
    return _visible(request, request_id)


def _own_key(request: SignedInRequest, row: RequestForInformation) -> KeyHolder:
    holders = KeyHolder.objects.editable_by(request.principal).select_related("request", "institution")
    holder: KeyHolder | None = holders.filter(request=row).first()
    if holder is None:
        raise Refused(_("You hold no key of this request."))
    return holder


def _form(request: SignedInRequest, form: object, title: str, cancel_url: str, action: str = "") -> HttpResponse:
    context = {"form": form, "title": title, "cancel_url": cancel_url, "action": action}
    return render(request, "offers/form.html", context, status=422 if request.method == "POST" else 200)


def _done(request: SignedInRequest, row: RequestForInformation, act: Callable[[], object], sentence: str) -> HttpResponse:
    try:
        act()
    except Impossible as refusal:
        return _refusal(request, row, refusal)
    messages.success(request, sentence)
    return redirect("offers:request", row.id)


def _refusal(request: SignedInRequest, row: RequestForInformation, refusal: Impossible) -> HttpResponse:
    messages.error(request, impossible_sentence(refusal.code, refusal.params))
    return redirect("offers:request", row.id)


def _download(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response.headers["Content-Security-Policy"] = HARMLESS
    return response
