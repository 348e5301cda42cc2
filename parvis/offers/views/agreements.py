"""Agreements of one's institution: draft from a chosen offer, correct, put in force, end."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_403, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.offers.actions import agreements as actions
from parvis.offers.choice_messages import choice_sentence
from parvis.offers.choice_presentation import agreement_line, price_lines
from parvis.offers.forms.choices import AgreementForm, PriceFormSet, prices_of, terms_of_agreement, terms_of_offer
from parvis.offers.models import Agreement, Choice, ChoiceState
from parvis.offers.models.choices import AgreementQuerySet
from parvis.offers.refusals import Impossible

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("agreement:view")
@require_GET
def agreements(request: SignedInRequest) -> HttpResponse:
    rows = _loaded(request)
    today = timezone.localdate()
    return render(request, "offers/agreements.html", {"agreements": [agreement_line(row, today) for row in rows]})


@requires("agreement:view")
@require_GET
def agreement(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    get_or_404(request.principal, "agreement:view", Agreement, id=agreement_id)
    row: Agreement = _loaded(request).get(id=agreement_id)
    context = {
        "row": row,
        "line": agreement_line(row, timezone.localdate()),
        "prices": price_lines(row),
        "is_draft": row.activated_at is None,
        "begins_later": row.start_date > timezone.localdate(),
        "runs": row.activated_at is not None and row.ended_at is None,
        "may_edit": request.principal.may("agreement:edit"),
    }
    return render(request, "offers/agreement.html", context)


@requires("agreement:view")
@editing
def new(request: SignedInRequest, choice_id: int) -> HttpResponse:
    own = Choice.objects.visible_to(request.principal).filter(institution_id=request.principal.institution_id)
    choice: Choice | None = own.filter(id=choice_id).select_related("offer", "need").first()
    if choice is None:
        raise Http404
    if not request.principal.may("agreement:edit"):
        raise Refused(_only_signatory())
    if choice.offer is None or choice.state != ChoiceState.CHOSEN or not choice.decided_at:
        messages.error(request, choice_sentence(Impossible("not_chosen")))
        return redirect("offers:choice", choice.need_id)
    form = AgreementForm(request.POST if request.method == "POST" else None, initial=terms_of_offer(choice.offer))
    if form.is_valid():
        made = actions.draft_agreement(request.principal, choice, form.terms())
        messages.success(request, _("Drafted, with the price book of the offer: correct it if what you signed differs."))
        return redirect("offers:agreement", made.id)
    title = _("Agreement on %(product)s") % {"product": choice.offer.product}
    return _form(request, form, title, reverse("offers:choice", args=[choice.need_id]))


@requires("agreement:view")
@editing
def edit(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    row = _editable(request, agreement_id)
    form = AgreementForm(request.POST if request.method == "POST" else None, initial=terms_of_agreement(row))
    if row.activated_at:
        return _refusal(request, row, Impossible("agreement_active"))
    if form.is_valid():
        return _done(request, row, lambda: actions.edit_agreement(request.principal, row, form.terms()), _("Saved."))
    title = _("Terms of the agreement on %(product)s") % {"product": row.product}
    return _form(request, form, title, reverse("offers:agreement", args=[row.id]))


@requires("agreement:view")
@editing
def prices(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    """The price book: the offer's, as the institution obtained it."""
    row = _editable(request, agreement_id)
    if row.activated_at:
        return _refusal(request, row, Impossible("agreement_active"))
    formset = PriceFormSet(request.POST if request.method == "POST" else None, initial=prices_of(row))
    if formset.is_valid():
        kept = [form.price() for form in formset if form.cleaned_data.get("label") and not form.cleaned_data.get("DELETE")]
        return _done(request, row, lambda: actions.edit_prices(request.principal, row, kept), _("Price book saved."))
    context = {"formset": formset, "row": row}
    return render(request, "offers/agreement_prices.html", context, status=422 if formset.is_bound else 200)


@requires("agreement:view")
@require_POST
def activation(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    row, today = _editable(request, agreement_id), timezone.localdate()
    sentence = _("In force. It is a line of your portfolio from now on.")
    return _done(request, row, lambda: actions.activate_agreement(request.principal, row, today=today), sentence)


@requires("agreement:view")
@require_POST
def ending(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    row, today = _editable(request, agreement_id), timezone.localdate()
    sentence = _("Ended. The choice it rested on may change again.")
    return _done(request, row, lambda: actions.end_agreement(request.principal, row, today=today), sentence)


@requires("agreement:view")
@require_POST
def discarding(request: SignedInRequest, agreement_id: int) -> HttpResponse:
    row = _editable(request, agreement_id)
    try:
        actions.discard_agreement(request.principal, row)
    except Impossible as refusal:
        return _refusal(request, row, refusal)
    messages.success(request, _("Draft discarded."))
    return redirect("offers:choice", row.choice.need_id)


def _loaded(request: SignedInRequest) -> AgreementQuerySet:
    rows: AgreementQuerySet = Agreement.objects.visible_to(request.principal)
    return rows.select_related("vendor", "choice__need", "created_by__person").prefetch_related("choice__need__versions")


def _editable(request: SignedInRequest, agreement_id: int) -> Agreement:
    return get_or_403(request.principal, "agreement:edit", Agreement, _only_signatory(), id=agreement_id)


def _only_signatory() -> str:
    return _("Only the signatory of your institution writes an agreement, puts it in force or ends it.")


def _form(request: SignedInRequest, form: AgreementForm, title: str, cancel_url: str) -> HttpResponse:
    context = {"form": form, "title": title, "cancel_url": cancel_url, "parent": _("Agreements")}
    context["parent_url"] = reverse("offers:agreements")
    return render(request, "offers/plain_form.html", context, status=422 if form.is_bound else 200)


def _done(request: SignedInRequest, row: Agreement, act: Callable[[], object], sentence: str) -> HttpResponse:
    try:
        act()
    except Impossible as refusal:
        return _refusal(request, row, refusal)
    messages.success(request, sentence)
    return redirect("offers:agreement", row.id)


def _refusal(request: SignedInRequest, row: Agreement, refusal: Impossible) -> HttpResponse:
    messages.error(request, choice_sentence(refusal))
    return redirect("offers:agreement", row.id)
