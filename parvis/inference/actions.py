"""What an institution configures: its providers, their models, what they promised, and how far its data may go."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.access.rules.doors import within_rules
from parvis.access.sensitivity import DATA_CLASSES, ZONES
from parvis.audit.models import record
from parvis.inference.door import Route
from parvis.inference.models import (
    Attestation,
    Calibration,
    Capability,
    LanguageModel,
    Provider,
    Purpose,
    RoutingMatrix,
    Stop,
)
from parvis.inference.open_streams import OpenStream
from parvis.inference.routing import Clearance, Matrix, faults
from parvis.institutions.models import Institution

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)  # after a failure; each further one doubles it
LONGEST_PAUSE = timedelta(minutes=30)
HELD = timedelta(minutes=2)  # longer than one request may take
LARGEST_DOCUMENT = 10_000_000  # bytes
STOP_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ProviderValues:
    """`secret` None keeps the one already stored; "" forgets it."""

    name: str
    kind: str
    base_url: str
    zone: str
    secret: str | None = field(repr=False)
    processor: str = ""
    agreement_id: int | None = None


@dataclass(frozen=True, slots=True)
class ModelValues:
    name: str
    display_name: str
    purpose: str
    is_default: bool
    alias: str = ""
    capabilities: tuple[str, ...] = (Capability.STREAM,)
    rank: int = 0
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    concurrency: int | None = None
    requests_per_minute: int | None = None
    hedge_seconds: float | None = None
    counts_as_it_goes: bool = False


@dataclass(frozen=True, slots=True)
class AttestationValues:
    """`document` None on the institution's own servers, where it answers for itself."""

    attested_date: date
    until_date: date | None = None
    document_name: str = ""
    document: bytes | None = field(default=None, repr=False)


class ChangedMeanwhileError(Exception):
    """Somebody saved another matrix since this one was looked at."""


class UnevenMatrixError(Exception):
    """It lets go further, or more sensitive, what it holds back nearer or less sensitive."""


def chat_models_within_rules(principal: Principal) -> QuerySet[LanguageModel]:
    """Those that this person may use now."""
    usable = LanguageModel.unscoped.usable_for(principal.institution_id, Purpose.CHAT)
    return cast("QuerySet[LanguageModel]", within_rules(usable, principal))


def chat_models(institution_id: int) -> list[LanguageModel]:
    return list(LanguageModel.unscoped.usable_for(institution_id, Purpose.CHAT))


def published_models() -> list[LanguageModel]:
    """Of every institution, for the data plane."""
    return list(LanguageModel.unscoped.filter(enabled=True).with_attestations().order_by("id"))


def any_embeddings() -> bool:
    """Whether any institution may have an endpoint: asked often, of installations that mostly have none."""
    given = settings.EMBEDDINGS_URL and settings.EMBEDDINGS_NAME
    return bool(given) or LanguageModel.unscoped.filter(purpose=Purpose.EMBEDDINGS, enabled=True).exists()


@transaction.atomic
def add_model(
    principal: Principal, values: ModelValues, *, provider: Provider | None, provider_values: ProviderValues | None
) -> LanguageModel:
    """Adds a model to `provider`, or to a new one made of `provider_values`."""
    if provider is None:
        assert provider_values is not None  # noqa: S101 - the form requires one or the other
        provider = Provider(institution_id=principal.institution_id)
        _write_provider(provider, provider_values)
    model = LanguageModel(institution_id=principal.institution_id, provider=provider)
    _write_model(model, values)
    _record(principal, "model.add", model)
    return model


@transaction.atomic
def edit_model(principal: Principal, model: LanguageModel, values: ModelValues, provider_values: ProviderValues) -> None:
    _write_provider(model.provider, provider_values)
    _write_model(model, values)
    _record(principal, "model.edit", model)


@transaction.atomic
def enable_model(principal: Principal, model: LanguageModel, *, enabled: bool) -> None:
    model.enabled = enabled
    model.save(update_fields=["enabled"])
    _record(principal, "model.enable" if enabled else "model.disable", model)


@transaction.atomic
def keep_counting(principal: Principal, model: LanguageModel, *, counts: bool) -> None:
    """What a trial saw of it."""
    if model.counts_as_it_goes != counts:
        model.counts_as_it_goes = counts
        model.save(update_fields=["counts_as_it_goes"])
        _record(principal, "model.edit", model)


@transaction.atomic
def delete_model(principal: Principal, model: LanguageModel) -> None:
    """The provider goes with its last model, and its secret with it."""
    _record(principal, "model.delete", model)
    provider = model.provider
    model.delete()
    if not provider.models.exists():
        provider.delete()


@transaction.atomic
def attest(principal: Principal, provider: Provider, values: AttestationValues) -> Attestation:
    """What the provider promised, about its present address, zone and processor: of others it will say nothing."""
    saved = Attestation.unscoped.create(
        institution_id=provider.institution_id,
        provider=provider,
        origin=provider.origin,
        zone=provider.zone,
        processor=provider.processor,
        attested_date=values.attested_date,
        until_date=values.until_date,
        document_name=values.document_name[-200:],
        document=values.document,
        digest=hashlib.sha256(values.document).hexdigest() if values.document is not None else "",
        added_by_id=principal.profile_id,
    )
    record(
        institution_id=provider.institution_id,
        actor=principal.actor,
        action="model.attest",
        subject=f"model-provider:{provider.id}",
        dated=f"{values.attested_date:%Y-%m-%d}",
        until=f"{values.until_date:%Y-%m-%d}" if values.until_date else "",
        zone=provider.zone,
        document=saved.digest,
    )
    return saved


@transaction.atomic
def save_routing(principal: Principal, matrix: Matrix, *, default_class: str, reason: str, after: int) -> RoutingMatrix:
    """In force from the next request on. `after` is the number of the version it was made from, 0 for none. Raises
    ChangedMeanwhileError, UnevenMatrixError."""
    institution = Institution.objects.select_for_update().get(id=principal.institution_id)
    versions = RoutingMatrix.unscoped.filter(institution=institution)
    latest = versions.aggregate(latest=Max("number"))["latest"] or 0
    if latest != after:
        raise ChangedMeanwhileError
    if any(faults(matrix)):
        raise UnevenMatrixError
    cells = {
        data_class: {zone: str(matrix.get((data_class, zone), Clearance.REFUSED)) for zone in ZONES}
        for data_class in DATA_CLASSES
    }
    saved = RoutingMatrix.unscoped.create(
        institution=institution,
        number=latest + 1,
        cells=cells,
        default_class=default_class,
        reason=reason,
        author_id=principal.profile_id,
    )
    Institution.objects.filter(id=institution.id).update(data_class=default_class)
    record(
        institution_id=institution.id,
        actor=principal.actor,
        action="routing.save",
        subject=f"routing:{saved.number}",
        cells=cells,
        default_class=default_class,
        reason=reason,
    )
    return saved


def latest_routing(institution_id: int) -> RoutingMatrix | None:
    return RoutingMatrix.unscoped.filter(institution=institution_id).first()


@transaction.atomic
def stop_stream(principal: Principal, stream: OpenStream) -> None:
    """Workers are told within a second, and end it. Asked again after a while, they are told again."""
    assert stream.institution == principal.institution_id  # noqa: S101 - whoever calls looked among their own
    now = timezone.now()
    told = Stop.unscoped.under_way(now).filter(institution_id=principal.institution_id, request_id=stream.request_id)
    if told.exists():
        return
    Stop.unscoped.update_or_create(
        institution_id=principal.institution_id,
        request_id=stream.request_id,
        defaults={"stopped_by_id": principal.profile_id, "stopped_at": now},
    )
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="stream.stop",
        subject=f"stream:{stream.request_id}",
        model=stream.model,
        zone=stream.zone,
        key=stream.key,
    )


def stopped(now: datetime) -> tuple[tuple[int, str], ...]:
    """Of every institution, for the data plane."""
    rows = Stop.unscoped.under_way(now).order_by("id")
    return tuple(rows.values_list("institution_id", "request_id"))


def forget_stops(now: datetime) -> int:
    return Stop.unscoped.filter(stopped_at__lte=now - STOP_KEPT).delete()[0]


def calibration_of(institution_id: int, route: Route) -> Calibration:
    return Calibration.unscoped.get_or_create(institution_id=institution_id, endpoint=route.key)[0]


def hold_endpoint(calibration: Calibration) -> bool:
    """One worker at a time asks it, and none soon after it failed."""
    now = timezone.now()
    free = Q(held_until=None) | Q(held_until__lt=now)
    ready = Q(retry_at=None) | Q(retry_at__lte=now)
    return bool(Calibration.unscoped.filter(free & ready, id=calibration.id).update(held_until=now + HELD))


def release_endpoint(calibration: Calibration) -> None:
    Calibration.unscoped.filter(id=calibration.id).update(held_until=None)


def endpoint_answered(calibration: Calibration) -> None:
    if calibration.failure_code:
        Calibration.unscoped.filter(id=calibration.id).update(failure_code="", failures=0, retry_at=None)


def endpoint_failed(calibration: Calibration, code: str) -> None:
    """It is left alone for a while, longer each time."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(calibration.failures, 10))
    log.warning("Embeddings of institution %s: %s; next asked in %s", calibration.institution_id, code, pause)
    Calibration.unscoped.filter(id=calibration.id).update(
        failure_code=code, failures=calibration.failures + 1, retry_at=timezone.now() + pause
    )


@transaction.atomic
def keep_weight(calibration: Calibration, *, weight: float, questions: int, passages: int) -> None:
    calibration.weight, calibration.questions, calibration.passages = weight, questions, passages
    calibration.measured_at = timezone.now()
    calibration.save(update_fields=["weight", "questions", "passages", "measured_at"])
    record(
        institution_id=calibration.institution_id,
        actor="system:embeddings",
        action="embeddings.calibrate",
        subject=f"calibration:{calibration.id}",
        weight=weight,
        questions=questions,
    )


def _write_provider(provider: Provider, values: ProviderValues) -> None:
    provider.name, provider.kind = values.name, values.kind
    provider.base_url, provider.zone, provider.processor = values.base_url, values.zone, values.processor
    provider.agreement_id = values.agreement_id
    provider.save()
    if values.secret is not None:
        provider.keep_secret(values.secret)


def _write_model(model: LanguageModel, values: ModelValues) -> None:
    if values.is_default:  # the former default steps down first: the database allows one
        others = LanguageModel.unscoped.filter(institution=model.institution, purpose=values.purpose, is_default=True)
        others.exclude(id=model.id).update(is_default=False)
    model.name, model.display_name = values.name, values.display_name
    model.purpose, model.is_default = values.purpose, values.is_default
    model.alias, model.rank = values.alias, values.rank
    model.capabilities = list(values.capabilities) if values.purpose == Purpose.CHAT else []
    model.context_tokens, model.max_output_tokens = values.context_tokens, values.max_output_tokens
    model.concurrency, model.requests_per_minute = values.concurrency, values.requests_per_minute
    model.hedge_seconds, model.counts_as_it_goes = values.hedge_seconds, values.counts_as_it_goes
    model.save()


def _record(principal: Principal, action: str, model: LanguageModel) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"model:{model.id}",
        provider=model.provider_id,
        zone=model.provider.zone,
        server=model.provider.origin,
        processor=model.provider.processor,
        alias=model.alias,
    )
