"""The administrator's page: which models this institution may use."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from parvis.access.doors import get_or_404, requires
from parvis.access.http import SignedInRequest
from parvis.inference import actions, door
from parvis.inference.forms import ModelForm
from parvis.inference.models import Calibration, LanguageModel, Provider, Purpose, Zone
from parvis.inference.sentences import mending, refused, sentence, worth


@requires("model:view")
@require_GET
def list_models(request: SignedInRequest) -> HttpResponse:
    models = LanguageModel.objects.visible_to(request.principal).select_related("provider")
    measured = {row.endpoint: row for row in Calibration.objects.visible_to(request.principal)}

    def worth_of(purpose: str, base_url: str, name: str) -> str:
        return worth(measured.get(door.endpoint_key(base_url, name))) if purpose == Purpose.EMBEDDINGS else ""

    context = {
        "models": [(model, worth_of(model.purpose, model.provider.base_url, model.name)) for model in models],
        "editable_ids": set(LanguageModel.objects.editable_by(request.principal).values_list("id", flat=True)),
        "environment": [
            {
                "purpose_code": code,
                "purpose": Purpose(code).label,
                "name": route.name,
                "zone": Zone(route.zone).label,
                "worth": worth_of(code, route.base_url, route.model),
            }
            for code, route in door.environment_routes().items()
        ],
    }
    return render(request, "inference/list.html", context)


@requires("model:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: SignedInRequest) -> HttpResponse:
    initial = {"provider": request.GET.get("fournisseur")}
    form = ModelForm(request.POST or None, principal=request.principal, initial=initial)
    if request.method == "POST" and form.is_valid():
        provider: Provider | None = form.cleaned_data.get("provider")
        values = None if provider else form.provider_values
        model = actions.add_model(request.principal, form.model_values, provider=provider, provider_values=values)
        return _saved(request, model)
    return render(request, "inference/form.html", {"form": form, "model": None}, status=_status(form))


@requires("model:edit")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: SignedInRequest, model_id: int) -> HttpResponse:
    model = _editable(request, model_id)
    form = ModelForm(request.POST or None, principal=request.principal, instance=model)
    if request.method == "POST" and form.is_valid():
        actions.edit_model(request.principal, model, form.model_values, form.provider_values)
        return _saved(request, model)
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
@require_http_methods(["GET", "HEAD", "POST"])
def deletion(request: SignedInRequest, model_id: int) -> HttpResponse:
    model = _editable(request, model_id)
    if request.method == "POST":
        actions.delete_model(request.principal, model)
        messages.info(request, _("%(name)s is removed, and its key with its last model.") % {"name": model.display_name})
        return redirect("inference:list")
    return render(request, "inference/deletion.html", {"model": model})


def _editable(request: SignedInRequest, model_id: int) -> LanguageModel:
    return get_or_404(request.principal, "model:edit", LanguageModel, id=model_id)


def _saved(request: SignedInRequest, model: LanguageModel) -> HttpResponse:
    """What was saved stays saved, whatever the trial says."""
    messages.info(request, _("%(name)s is saved.") % {"name": model.display_name})
    if "try" in request.POST:
        _try(request, model)
    return redirect("inference:list")


def _try(request: SignedInRequest, model: LanguageModel) -> None:
    _say(request, model.display_name, _tried(request, door.route_to(model)))


def _tried(request: SignedInRequest, route: door.Route) -> door.Trial:
    return async_to_sync(door.try_route)(route, door.matrix_of(request.principal.institution_id))


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
