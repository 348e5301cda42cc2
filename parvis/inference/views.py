"""The administrator's pages: which models this institution may use, what their providers promised, and where data may go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.inference import actions, door
from parvis.inference.consequences import changes
from parvis.inference.forms import AttestationForm, ModelForm, RoutingForm, RoutingSavingForm, routing_initial
from parvis.inference.models import (
    DEFAULT_MATRIX,
    Attestation,
    Calibration,
    LanguageModel,
    Provider,
    Purpose,
    RoutingMatrix,
    Zone,
)
from parvis.inference.paying import waited_for
from parvis.inference.presentation import shown
from parvis.inference.routing import Candidate, Clearance
from parvis.inference.sentences import mending, refused, sentence, worth
from parvis.institutions.models import DataClass

editing = require_http_methods(["GET", "HEAD", "POST"])


@requires("model:view")
@require_GET
def list_models(request: SignedInRequest) -> HttpResponse:
    models = LanguageModel.objects.visible_to(request.principal).with_attestations()
    now = timezone.now()
    measured = {row.endpoint: row for row in Calibration.objects.visible_to(request.principal)}

    def worth_of(purpose: str, route: door.Route) -> str:
        key = door.with_hidden(request.principal.institution_id, route).key if purpose == Purpose.EMBEDDINGS else ""
        return worth(measured.get(key)) if key else ""

    context = {
        "models": [
            (
                model,
                worth_of(model.purpose, door.route_to(model)),
                _standing(model, now),
                door.health_of(door.route_to(model)).is_resting(now),
            )
            for model in models
        ],
        "unattested": [model for model in models if not _standing(model, now)],
        "editable_ids": set(LanguageModel.objects.editable_by(request.principal).values_list("id", flat=True)),
        "environment": [
            {
                "purpose_code": code,
                "purpose": Purpose(code).label,
                "name": route.name,
                "where": Zone(route.zone).where,
                "is_attested": _is_attested(route.candidate, now),
                "worth": worth_of(code, route),
            }
            for code, route in door.environment_routes().items()
        ],
    }
    return render(request, "inference/list.html", context)


@requires("model:edit")
@editing
def add(request: SignedInRequest) -> HttpResponse:
    initial = {"provider": request.GET.get("fournisseur")}
    form = ModelForm(request.POST or None, principal=request.principal, initial=initial)
    if request.method == "POST" and form.is_valid():
        provider: Provider | None = form.cleaned_data.get("provider")
        values = None if provider else form.provider_values
        model = actions.add_model(request.principal, form.model_values, provider=provider, provider_values=values)
        return _saved(request, model, declares=form.declared)
    return render(request, "inference/form.html", {"form": form, "model": None}, status=_status(form))


@requires("model:edit")
@editing
def edit(request: SignedInRequest, model_id: int) -> HttpResponse:
    model = _editable(request, model_id)
    form = ModelForm(request.POST or None, principal=request.principal, instance=model)
    if request.method == "POST" and form.is_valid():
        actions.edit_model(request.principal, model, form.model_values, form.provider_values)
        return _saved(request, model, declares=form.declared)
    context = {"form": form, "model": model, "shared_count": model.provider.models.count()}
    return render(request, "inference/form.html", context, status=_status(form))


@requires("model:edit")
@require_POST
def trial(request: SignedInRequest, model_id: int) -> HttpResponse:
    _try(request, _editable(request, model_id))
    return redirect("inference:list")


@requires("model:edit")
@require_POST
def trial_of_environment(request: SignedInRequest, purpose: str) -> HttpResponse:
    route = door.environment_routes().get(purpose)
    if route is None:
        raise Http404
    _say(request, route.name, _tried(request, route))
    return redirect("inference:list")


@requires("model:edit")
@require_POST
def activation(request: SignedInRequest, model_id: int) -> HttpResponse:
    model = _editable(request, model_id)
    actions.enable_model(request.principal, model, enabled=request.POST.get("enabled") == "1")
    return redirect("inference:list")


@requires("model:edit")
@editing
def deletion(request: SignedInRequest, model_id: int) -> HttpResponse:
    model = _editable(request, model_id)
    if request.method == "POST":
        actions.delete_model(request.principal, model)
        messages.info(request, _("%(name)s is removed, and its key with its last model.") % {"name": model.display_name})
        return redirect("inference:list")
    return render(request, "inference/deletion.html", {"model": model})


@requires("model:edit")
@editing
def attestation(request: SignedInRequest, model_id: int) -> HttpResponse:
    """What the provider of a model promised, now and before."""
    model = _editable(request, model_id)
    form = AttestationForm(request.POST or None, request.FILES or None, provider=model.provider)
    if request.method == "POST" and form.is_valid():
        actions.attest(request.principal, model.provider, form.values)
        messages.info(request, _("The attestation of %(name)s is recorded.") % {"name": model.provider.name})
        return redirect("inference:list")
    rows = Attestation.objects.visible_to(request.principal).filter(provider=model.provider).defer("document")
    context = {
        "form": form,
        "model": model,
        "in_force": _standing(model, timezone.now()),
        "attestations": rows.select_related("added_by__person"),
    }
    return render(request, "inference/attestation.html", context, status=422 if form.is_bound else 200)


@requires("model:view")
@require_GET
def attestation_document(request: SignedInRequest, attestation_id: int) -> HttpResponse:
    row = get_or_404(request.principal, "model:view", Attestation, id=attestation_id)
    if row.document is None:
        raise Http404
    response = HttpResponse(bytes(row.document), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition_header(True, row.document_name) or "attachment"
    return response


@requires("model:edit")
@editing
def routing(request: SignedInRequest) -> HttpResponse:
    """How far data of each class may go; posting to it tells what a change would change."""
    institution = request.profile.institution
    saved = actions.latest_routing(institution.id)
    matrix = saved.matrix if saved else DEFAULT_MATRIX
    initial = routing_initial(matrix, institution.data_class, saved.number if saved else 0)
    form = RoutingForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        return _dry_run(request, form)
    models = [*door.routes_of(institution.id, Purpose.CHAT), *door.routes_of(institution.id, Purpose.EMBEDDINGS)]
    now = timezone.now()
    context = {
        "form": form,
        "zones": [
            (label, [(one.name, _is_attested(one.candidate, now)) for one in models if one.zone == zone])
            for zone, label in Zone.choices
        ],
        "rows": [
            (
                label,
                data_class == institution.data_class,
                [(name, matrix.get((data_class, zone)) == Clearance.ALLOWED) for zone, name in Zone.choices],
            )
            for data_class, label in DataClass.choices
        ],
        "saved": saved,
        "versions": RoutingMatrix.objects.visible_to(request.principal).select_related("author__person"),
    }
    return render(request, "inference/routing.html", context, status=422 if form.is_bound else 200)


@requires("model:edit")
@require_POST
def routing_versions(request: SignedInRequest) -> HttpResponse:
    form = RoutingSavingForm(request.POST)
    if not form.is_valid():
        if set(form.errors) - {"reason"}:  # changed by a browser on its way from the dry run
            return redirect("inference:routing")
        return _dry_run(request, form, form)
    values = form.cleaned_data
    try:
        saved = actions.save_routing(
            request.principal,
            form.matrix,
            default_class=values["default_class"],
            reason=values["reason"],
            after=values["number"],
        )
    except actions.ChangedMeanwhileError:
        messages.error(request, _("Nothing was saved: somebody changed the routing meanwhile. Here is what holds now."))
    else:
        messages.success(request, _("Version %(number)s is in force from the next request on.") % {"number": saved.number})
    return redirect("inference:routing")


@requires("model:view")
@require_GET
def routing_why(request: SignedInRequest) -> HttpResponse:
    """For this class and this model: whether it may go there, and which line decides."""
    institution_id = request.principal.institution_id
    models = {
        one.model_id: (one, purpose)
        for purpose in (Purpose.CHAT, Purpose.EMBEDDINGS)
        for one in door.routes_of(institution_id, purpose)
    }
    data_class = request.GET.get("classe", "")
    asked = models.get(request.GET.get("modele", ""))
    saved = actions.latest_routing(institution_id)
    context: dict[str, Any] = {
        "classes": DataClass.choices,
        "models": [(identifier, one.name, Purpose(purpose).label) for identifier, (one, purpose) in models.items()],
        "data_class": data_class,
        "chosen": request.GET.get("modele", ""),
        "saved": saved,
    }
    if data_class in DataClass.values:
        wanted = [asked] if asked else list(models.values())
        context["verdicts"] = [shown(one, purpose, data_class, saved) for one, purpose in wanted]
        context["data_class_name"] = DataClass(data_class).label
    return render(request, "inference/why.html", context)


def _editable(request: SignedInRequest, model_id: int) -> LanguageModel:
    return get_or_404(request.principal, "model:edit", LanguageModel, id=model_id)


def _saved(request: SignedInRequest, model: LanguageModel, *, declares: bool) -> HttpResponse:
    """What was saved stays saved, whatever the trial says. Without an attestation in force nothing is sent, and none tried."""
    now = timezone.now()
    if declares and model.provider.zone == Zone.ON_PREM and not _standing(model, now):
        actions.attest(request.principal, model.provider, actions.AttestationValues(timezone.localdate(now)))
    messages.info(request, _("%(name)s is saved.") % {"name": model.display_name})
    if not _standing(model, now):
        messages.warning(request, _("Nothing is sent to it before the attestation of its provider is recorded here."))
        return redirect("inference:attestation", model.id)
    if "try" in request.POST:
        _try(request, model)
    return redirect("inference:list")


def _try(request: SignedInRequest, model: LanguageModel) -> None:
    outcome = _tried(request, door.route_to(model))
    if outcome.counts is not None:
        actions.keep_counting(request.principal, model, counts=outcome.counts)
    _say(request, model.display_name, outcome)


def _tried(request: SignedInRequest, route: door.Route) -> door.Trial:
    matrix = door.matrix_of(request.principal.institution_id)
    with waited_for():
        return async_to_sync(door.try_route)(route, matrix, door.payer_of(request.principal, "trial"))


def _say(request: SignedInRequest, name: str, outcome: door.Trial) -> None:
    if outcome.code:
        failed = _("The trial of %(name)s failed.") % {"name": name}
        why = refused(outcome.refusal) if outcome.refusal else sentence(outcome.code, outcome.params)
        messages.error(request, f"{failed} {why} {mending(outcome.code)}".strip())
    else:
        seconds = number_format(max(outcome.milliseconds / 1000, 0.1), decimal_pos=1)
        messages.success(request, _("%(name)s answered in %(seconds)s s.") % {"name": name, "seconds": seconds})


def _status(form: ModelForm) -> int:
    return 422 if form.is_bound else 200


def _dry_run(request: SignedInRequest, form: RoutingForm, saving: RoutingSavingForm | None = None) -> HttpResponse:
    """Which tools gain or lose a model, and how many people use them, before anything is saved."""
    values = form.cleaned_data
    found = changes(request.profile.institution, form.matrix, values["default_class"], timezone.now())
    saved = actions.latest_routing(request.principal.institution_id)
    held = routing_initial(saved.matrix if saved else DEFAULT_MATRIX, request.profile.institution.data_class, 0)
    context = {"edits": form.edits(held), "changes": found, "form": saving or RoutingSavingForm(initial=values)}
    return render(request, "inference/dry_run.html", context, status=422 if saving else 200)


def _standing(model: LanguageModel, now: datetime) -> Attestation | None:
    """The attestation that lets anything be sent to it now."""
    found = model.provider.attestation
    return found if found and _is_attested(door.candidate_of(model), now) else None


def _is_attested(candidate: Candidate, now: datetime) -> bool:
    begun = candidate.attested_at is not None and candidate.attested_at <= now
    return begun and (candidate.attested_until is None or candidate.attested_until > now)
