"""My institution's choices: where it stands on each published need, what waits for its signatory, what others share."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions import choices as actions
from parvis.offers.actions.portfolio import purchases
from parvis.offers.actions.thresholds import table
from parvis.offers.choice_messages import choice_sentence, only_represented, only_signatory
from parvis.offers.choice_presentation import (
    aggregate_lines,
    agreement_line,
    choice_view,
    chosen_together,
    need_lines,
    offer_lines,
    shared_lines,
    state_words,
)
from parvis.offers.forms.choices import DecisionForm
from parvis.offers.models import Agreement, Choice, Offer
from parvis.offers.portfolio_presentation import warning_views
from parvis.offers.refusals import Impossible


@requires("choice:view")
@require_GET
def choices(request: SignedInRequest) -> HttpResponse:
    principal = request.principal
    needs = HarmonisedNeed.objects.visible_to(principal).published().prefetch_related("versions")
    rows = Choice.objects.visible_to(principal).filter(institution_id=principal.institution_id).select_related("offer")
    offers = list(Offer.objects.visible_to(principal).select_related("request"))
    agreements = Agreement.objects.visible_to(principal).select_related("choice")
    lines = need_lines(needs, rows, offers, agreements)
    context = {
        "lines": lines,
        "waiting": sum(line.waiting for line in lines),
        "represents": principal.may("choice:prepare"),
        "decides": principal.may("choice:decide"),
        "sees_agreements": principal.may("agreement:view"),
    }
    return render(request, "offers/choices.html", context)


@requires("choice:view")
@require_GET
def choice(request: SignedInRequest, need_id: int) -> HttpResponse:
    principal = request.principal
    need = _published(request, need_id)
    rows = Choice.objects.visible_to(principal).filter(need=need)
    rows = rows.select_related("offer", "institution", "prepared_by__person", "decided_by__person")
    own = [row for row in rows if row.institution_id == principal.institution_id]
    of_the_need = next((row for row in own if row.offer_id is None), None)
    offers = Offer.objects.visible_to(principal).filter(request__need=need).select_related("institution", "request")
    agreements = Agreement.objects.visible_to(principal).filter(choice__need=need)
    agreements = agreements.select_related("vendor", "choice__need", "created_by__person")
    today = timezone.localdate()
    bought = [one for one in purchases(principal) if one.need == need.code]
    state = actions.standing(row for row in own if row.decided_at)
    context = {
        "need": need,
        "standing": state_words(state),
        "has_stand": bool(own),
        "of_the_need": choice_view(of_the_need) if of_the_need else None,
        "offers": offer_lines(principal, offers.order_by("institution__name", "id"), own, agreements),
        "shared": shared_lines(row for row in rows if row.institution_id != principal.institution_id),
        "aggregate": aggregate_lines(need),
        "agreements": [agreement_line(row, today) for row in agreements],
        "warnings": warning_views(bought, table(), today),
        "waiting": sum(not row.decided_at for row in own),
        "chosen_together": chosen_together(own),
        "represents": principal.may("choice:prepare"),
        "decides": principal.may("choice:decide"),
    }
    return render(request, "offers/choice.html", context)


@requires("choice:view")
@require_http_methods(["GET", "HEAD", "POST"])
def decision(request: SignedInRequest, need_id: int, offer_id: int | None = None) -> HttpResponse:
    """The form a referent prepares and a signatory decides: on one offer, or on the need as a whole."""
    need = _published(request, need_id)
    offer = _offer(request, need, offer_id) if offer_id else None
    if not request.principal.may("choice:prepare"):
        raise Refused(only_represented())
    decides = "decide" in request.POST
    if decides and not request.principal.may("choice:decide"):
        raise Refused(only_signatory())
    rows = Choice.objects.editable_by(request.principal).filter(need=need, offer=offer)
    row: Choice | None = rows.select_related("prepared_by__person", "decided_by__person").first()
    initial = {name: getattr(row, name) for name in DecisionForm.base_fields} if row else None
    form = DecisionForm(offer, request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            act = actions.decide if decides else actions.prepare
            act(request.principal, need, offer, form.decision())
        except Impossible as refusal:
            form.add_error("reason" if refusal.code == "decline_with_a_reason" else None, choice_sentence(refusal))
        else:
            prepared = _("Prepared: the signatory of your institution finds it to decide.")
            messages.success(request, _("Decided, for your institution alone.") if decides else prepared)
            return redirect("offers:choice", need.id)
    context = {
        "need": need,
        "offer": offer,
        "row": choice_view(row) if row else None,
        "form": form,
        "decides": request.principal.may("choice:decide"),
        "cancel_url": reverse("offers:choice", args=[need.id]),
    }
    return render(request, "offers/decision.html", context, status=422 if form.is_bound else 200)


@requires("choice:view")
@require_POST
def sharing(request: SignedInRequest, choice_id: int) -> HttpResponse:
    """Shown to the other institutions, or no longer."""
    rows = Choice.objects.visible_to(request.principal)
    row: Choice | None = rows.filter(id=choice_id).first()
    if row is None:
        raise Http404
    if row.institution_id != request.principal.institution_id:
        raise Refused(_("Only the institution that made this choice shows it or takes it back."))
    if not request.principal.may("choice:decide"):
        raise Refused(only_signatory())
    is_shared = request.POST.get("shared") == "yes"
    actions.share(request.principal, row, is_shared=is_shared)
    hidden = _("No longer shown to the others: they read it no more from now on.")
    messages.success(request, _("Shown to the other institutions, without any price.") if is_shared else hidden)
    return redirect("offers:choice", row.need_id)


def _published(request: SignedInRequest, need_id: int) -> HarmonisedNeed:
    rows = HarmonisedNeed.objects.visible_to(request.principal).published().prefetch_related("versions")
    row: HarmonisedNeed | None = rows.filter(id=need_id).first()
    if row is None:
        raise Http404
    return row


def _offer(request: SignedInRequest, need: HarmonisedNeed, offer_id: int) -> Offer:
    found = get_or_404(request.principal, "offer:view", Offer, id=offer_id, request__need_id=need.id)
    rows = Offer.objects.visible_to(request.principal).select_related("institution", "request")
    row: Offer = rows.get(id=found.id)
    return row
