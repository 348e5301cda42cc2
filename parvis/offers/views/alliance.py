"""What the alliance reads of what its members pay: aggregates from three institutions on. And the law's thresholds."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import Refused, requires
from parvis.access.http import SignedInRequest
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions import thresholds as actions
from parvis.offers.actions.portfolio import overlap_aggregate
from parvis.offers.aggregates import SMALLEST
from parvis.offers.choice_messages import choice_sentence
from parvis.offers.forms.portfolio import ThresholdForm
from parvis.offers.models import ThresholdParameter
from parvis.offers.portfolio_presentation import CAUTION_WORDS, THRESHOLD_WORDS, money
from parvis.offers.refusals import Impossible


@requires("alliance:view")
@require_GET
def overlaps(request: SignedInRequest) -> HttpResponse:
    counted = overlap_aggregate()
    needs = HarmonisedNeed.objects.visible_to(request.principal).published().prefetch_related("versions")
    context = {"rows": [(need, counted[need.id]) for need in needs if need.id in counted], "smallest": SMALLEST}
    return render(request, "offers/alliance_overlaps.html", context)


@requires("alliance:view")
@require_GET
def thresholds(request: SignedInRequest) -> HttpResponse:
    today = timezone.localdate()
    rows = [
        (
            THRESHOLD_WORDS.get(row.code, row.code),
            money(row.amount_cents),
            row,
            CAUTION_WORDS.get(row.note, row.note),
            row.valid_from <= today and (row.valid_until is None or today <= row.valid_until),
        )
        for row in ThresholdParameter.objects.all()
    ]
    return render(request, "offers/thresholds.html", {"rows": rows, "may_add": request.principal.may("alliance:edit")})


@requires("alliance:view")
@require_http_methods(["GET", "HEAD", "POST"])
def new_threshold(request: SignedInRequest) -> HttpResponse:
    if not request.principal.may("alliance:edit"):
        raise Refused(_("Only the coordination of the alliance adds a threshold."))
    form = ThresholdForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.add_threshold(request.principal, form.threshold())
        except Impossible as refusal:
            form.add_error("valid_from", choice_sentence(refusal))
        else:
            messages.success(request, _("Added. The row before it ends the day before."))
            return redirect("offers:thresholds")
    back = reverse("offers:thresholds")
    context = {"form": form, "title": _("Add a threshold"), "cancel_url": back, "parent": _("Thresholds"), "parent_url": back}
    return render(request, "offers/plain_form.html", context, status=422 if form.is_bound else 200)
