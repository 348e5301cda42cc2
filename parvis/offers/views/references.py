"""Usage references: what institutions say of an offer they use, and what its vendor replies."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import Refused, get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.offers.actions import references as actions
from parvis.offers.choice_messages import choice_sentence
from parvis.offers.choice_presentation import reference_view
from parvis.offers.forms.choices import OpinionForm, ReplyForm
from parvis.offers.models import Offer, UsageReference
from parvis.offers.refusals import Impossible

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("reference:view")
@require_GET
def references(request: SignedInRequest, offer_id: int) -> HttpResponse:
    principal = request.principal
    offer = _offer(request, offer_id)
    rows = UsageReference.objects.visible_to(principal).filter(offer=offer)
    rows = list(rows.select_related("institution", "signed_by__person"))
    signed = any(row.institution_id == principal.institution_id for row in rows)
    context = {
        "offer": offer,
        "references": [reference_view(principal, row) for row in rows],
        "may_say": principal.may("reference:edit") and not signed and actions.uses(principal, offer),
        "is_vendor": principal.may("reference:reply"),
    }
    return render(request, "offers/references.html", context)


@requires("reference:view")
@editing
def opinion(request: SignedInRequest, offer_id: int) -> HttpResponse:
    """Where an institution signs its opinion, or signs it anew."""
    offer = _offer(request, offer_id)
    if not request.principal.may("reference:edit"):
        raise Refused(_only_author())
    rows = UsageReference.objects.editable_by(request.principal)
    row: UsageReference | None = rows.filter(offer=offer).first()
    initial = {name: getattr(row, name) for name in OpinionForm.base_fields} if row else None
    form = OpinionForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            actions.sign(request.principal, offer, form.opinion())
        except Impossible as refusal:
            form.add_error(None, choice_sentence(refusal))
        else:
            messages.success(request, _("Signed, with today’s date. The vendor may reply, and change nothing."))
            return redirect("offers:references", offer.id)
    return _form(request, form, offer, _("Say what %(product)s is worth in use") % {"product": offer.product})


@requires("reference:view")
@editing
def edit(request: SignedInRequest, reference_id: int) -> HttpResponse:
    """The way to change an opinion: its author's alone. A vendor reads why not."""
    row = _visible(request, reference_id)
    if not UsageReference.objects.editable_by(request.principal).filter(id=row.id).exists():
        raise Refused(_only_author())
    return opinion(request, row.offer_id)


@requires("reference:view")
@editing
def reply(request: SignedInRequest, reference_id: int) -> HttpResponse:
    row = _visible(request, reference_id)
    if not request.principal.may("reference:reply"):
        raise Refused(_("Only the vendor of this offer replies to an opinion about it."))
    form = ReplyForm(request.POST if request.method == "POST" else None, initial={"reply": row.reply})
    if form.is_valid():
        try:
            actions.reply(request.principal, row, form.cleaned_data["reply"])
        except Impossible as refusal:
            form.add_error(None, choice_sentence(refusal))
        else:
            messages.success(request, _("Your reply stands under the opinion."))
            return redirect("offers:references", row.offer_id)
    return _form(request, form, row.offer, _("Reply to an opinion"))


@requires("reference:view")
@require_POST
def withdrawal(request: SignedInRequest, reference_id: int) -> HttpResponse:
    row = _visible(request, reference_id)
    if not UsageReference.objects.editable_by(request.principal).filter(id=row.id).exists():
        raise Refused(_only_author())
    try:
        actions.withdraw(request.principal, row)
    except Impossible as refusal:
        messages.error(request, choice_sentence(refusal))
    else:
        messages.success(request, _("Withdrawn: its words and every name are gone. That an opinion was withdrawn stays."))
    return redirect("offers:references", row.offer_id)


def _offer(request: SignedInRequest, offer_id: int) -> Offer:
    found = get_or_404(request.principal, "offer:view", Offer, id=offer_id)
    row: Offer = Offer.objects.visible_to(request.principal).select_related("institution", "request__need").get(id=found.id)
    return row


def _visible(request: SignedInRequest, reference_id: int) -> UsageReference:
    rows = UsageReference.objects.visible_to(request.principal).select_related("offer__institution")
    row: UsageReference | None = rows.filter(id=reference_id).first()
    if row is None:
        raise Http404
    return row


def _only_author() -> str:
    return _("Only the institution that uses an offer writes, changes or withdraws its opinion. A vendor replies beside it.")


def _form(request: SignedInRequest, form: OpinionForm | ReplyForm, offer: Offer, title: str) -> HttpResponse:
    back = reverse("offers:references", args=[offer.id])
    context = {"form": form, "title": title, "cancel_url": back, "parent": offer.product, "parent_url": back}
    return render(request, "offers/plain_form.html", context, status=422 if form.is_bound else 200)
