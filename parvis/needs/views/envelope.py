"""The Method of Equal Shares for a real shared envelope. A calculation that anybody may do again: nothing is kept."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from parvis.access.doors import requires
from parvis.access.exports import record_export
from parvis.access.http import SignedInRequest
from parvis.needs.envelope import Sharing, candidates, share
from parvis.needs.equal_shares import Completion
from parvis.needs.forms.envelope import COMPLETIONS, WEIGHTS, EnvelopeForm
from parvis.needs.workbooks import csv_bytes


@requires("need:view")
@require_GET
def envelope(request: SignedInRequest) -> HttpResponse:
    form, sharing = _shared(request)
    context = {
        "form": form,
        "general": [form[name] for name in ("euros", "weight", "completion")],
        "costs": [(form[f"cost_{need.id}"], need) for need in form.needs],
        "sharing": sharing,
        "chosen": _chosen(form) if sharing else [],
        "query": request.GET.urlencode(),
    }
    return render(request, "needs/envelope.html", context, status=422 if form.is_bound and not form.is_valid() else 200)


@requires("need:view")
@require_GET
def envelope_file(request: SignedInRequest) -> HttpResponse:
    _form, sharing = _shared(request)
    if sharing is None:
        return redirect("needs:envelope")
    head = [
        _("Institution"),
        pgettext("envelope", "Share"),
        *(need.code for need, _euros, _by in sharing.bought),
        pgettext("envelope", "Left"),
    ]
    rows = [
        [row.name or _("Total"), *(f"{amount:.2f}".replace(".", ",") for amount in (row.share, *row.paid, row.left))]
        for row in (*sharing.rows, sharing.total)
    ]
    record_export(request.principal, f"institution:{request.principal.institution_id}", what="envelope", kind="csv")
    response = HttpResponse(csv_bytes([head, *rows]), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="enveloppe.csv"'
    return response


def _chosen(form: EnvelopeForm) -> list[tuple[str, str]]:
    """What the calculation rests on, to be read where the form is not, on paper."""
    weight, completion = form.cleaned_data["weight"], form.cleaned_data["completion"]
    chosen = (("weight", WEIGHTS[weight]), ("completion", COMPLETIONS[completion]))
    return [(str(form[name].label), str(words)) for name, words in chosen]


def _shared(request: SignedInRequest) -> tuple[EnvelopeForm, Sharing | None]:
    needs, payers = candidates(request.principal)
    initial = {f"cost_{need.id}": need.said_euros or None for need in needs}
    form = EnvelopeForm(needs, request.GET if "euros" in request.GET else None, initial=initial)
    if not form.is_valid() or not payers:
        return form, None
    sharing = share(
        needs,
        payers,
        euros=form.cleaned_data["euros"],
        costs=form.costs(),
        by_students=form.cleaned_data["weight"] == "students",
        completion=Completion[form.cleaned_data["completion"]],
    )
    return form, sharing
