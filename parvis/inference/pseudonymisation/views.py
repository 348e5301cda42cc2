"""The administrator's page: where pseudonyms are asked for, what they hide, and a box to try it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.inference.pseudonymisation import actions
from parvis.inference.pseudonymisation.forms import PseudonymisationForm, TrialForm, initial_of
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.sentences import sentence


@requires("model:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def pseudonyms(request: SignedInRequest) -> HttpResponse:
    form = _form(request, posted=request.method == "POST")
    if request.method == "POST" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in ("student_numbers", "terms")}
        actions.set_pseudonymisation(request.principal, cases=form.cases, **values)
        messages.info(request, _("This holds from the next question on."))
        return redirect("inference:pseudonyms")
    return _page(request, form, TrialForm(), status=422 if form.is_bound else 200)


@requires("model:edit")
@require_POST
def pseudonyms_trial(request: SignedInRequest) -> HttpResponse:
    """It writes nothing: a text of twenty thousand characters has no place in an address."""
    form = TrialForm(request.POST)
    if not form.is_valid():
        return _page(request, _form(request, posted=False), form, status=422)
    try:
        tried = actions.tried(request.principal, form.cleaned_data["text"])
    except PseudonymsUnavailableError as error:
        form.add_error("text", sentence(error.code, {}))
        return _page(request, _form(request, posted=False), form, status=422)
    return _page(request, _form(request, posted=False), form, status=200, tried=tried)


def _form(request: SignedInRequest, *, posted: bool) -> PseudonymisationForm:
    row = _row(request) or Pseudonymisation()
    initial = {"student_numbers": row.student_numbers, "terms": row.terms, **initial_of(row.cases)}
    return PseudonymisationForm(request.POST if posted else None, initial=initial)


def _row(request: SignedInRequest) -> Pseudonymisation | None:
    found: Pseudonymisation | None = Pseudonymisation.objects.visible_to(request.principal).first()
    return found


def _page(
    request: SignedInRequest,
    form: PseudonymisationForm,
    trial: TrialForm,
    *,
    status: int,
    tried: actions.Tried | None = None,
) -> HttpResponse:
    row = _row(request)
    context = {
        "form": form,
        "trial": trial,
        "tried": tried,
        "is_asked": bool(row and row.cases),
        "people_count": actions.people_count(request.principal.institution_id),
    }
    return render(request, "inference/pseudonyms.html", context, status=status)
