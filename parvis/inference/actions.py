"""Choosing which model answers, and changing what an institution has configured."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from parvis.access.engine import Tool
from parvis.access.principal import Principal
from parvis.access.rules.doors import decision, record_refusal, within_rules
from parvis.access.secrets import SecretUnreadableError
from parvis.audit.models import record
from parvis.inference.completion import Model, UpstreamError
from parvis.inference.models import Calibration, Kind, LanguageModel, Provider, Purpose, Zone
from parvis.inference.upstream import Endpoint, embed, stream_chat

log = logging.getLogger(__name__)

INSTALLATION = "installation"  # how rules name the model that the environment gives
TRIAL_SECONDS = 20.0
FIRST_PAUSE = timedelta(seconds=30)  # after a failure; each further one doubles it
LONGEST_PAUSE = timedelta(minutes=30)
HELD = timedelta(minutes=2)  # longer than one request may take


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request will go. Its representation never shows the key."""

    endpoint: Endpoint = field(repr=False)
    name: str
    zone: str
    model_id: str = INSTALLATION

    @property
    def tool(self) -> Tool:
        """As rules see it."""
        return Tool("Model", self.model_id, zone=self.zone)

    @property
    def key(self) -> str:
        """What tells this endpoint from another: vectors of two are not compared. The secret has no part in it."""
        return endpoint_key(self.endpoint.base_url, self.endpoint.model)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one small real request gave. `code` is empty when it worked."""

    code: str = ""
    milliseconds: int = 0
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderValues:
    """`secret` None keeps the one already stored; "" forgets it."""

    name: str
    kind: str
    base_url: str
    zone: str
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModelValues:
    name: str
    display_name: str
    purpose: str
    is_default: bool


class NoRouteError(Exception):
    """An assistant's own model cannot be used now. Another is never taken in its place: it may compute elsewhere."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def chat_endpoint_for(institution_id: int, model: LanguageModel | None = None) -> Route | None:
    """The route of the model that answers in this institution: the one asked for, else its default, else the
    installation's; None when there is none. Raises NoRouteError when the one asked for is not to be had."""
    if model is not None:
        chosen = LanguageModel.unscoped.usable_for(institution_id, Purpose.CHAT).filter(id=model.id).first()
        if chosen is None:
            raise NoRouteError("model_disabled")
        return _route(chosen)
    return _default_route(institution_id, Purpose.CHAT)


def chat_endpoint_within_rules(
    principal: Principal, model: LanguageModel | None, *, purpose: str, data_class: str = ""
) -> Route | None:
    """The same, for one person, one purpose and data of that class. Raises NoRouteError, and records it, where the rules of
    the institution refuse it."""
    route = chat_endpoint_for(principal.institution_id, model)
    if route is not None:
        refused = decision(principal, route.tool, zone=route.zone, purpose=purpose, data_class=data_class)
        if not refused.allowed:
            record_refusal(principal, route.tool, refused)
            raise NoRouteError("model_refused")
    return route


def chat_models_within_rules(principal: Principal) -> QuerySet[LanguageModel]:
    """Those that this person may use now."""
    usable = LanguageModel.unscoped.usable_for(principal.institution_id, Purpose.CHAT)
    return cast("QuerySet[LanguageModel]", within_rules(usable, principal))


def chat_models(institution_id: int) -> list[LanguageModel]:
    return list(LanguageModel.unscoped.usable_for(institution_id, Purpose.CHAT))


def published_models() -> list[LanguageModel]:
    """Of every institution, for the data plane."""
    rows = LanguageModel.unscoped.filter(enabled=True).select_related("provider")
    return list(rows.order_by("id"))


def chat_model(route: Route) -> Model:
    """What the answering engine is given: messages in, pieces of an answer out."""
    return partial(stream_chat, route.endpoint)


def embeddings_endpoint_for(institution_id: int) -> Route | None:
    return _default_route(institution_id, Purpose.EMBEDDINGS)


def any_embeddings() -> bool:
    """Whether any institution may have an endpoint: asked often, of installations that mostly have none."""
    return (
        Purpose.EMBEDDINGS in environment_routes()
        or LanguageModel.unscoped.filter(purpose=Purpose.EMBEDDINGS, enabled=True).exists()
    )


def endpoint_key(base_url: str, model: str) -> str:
    return hashlib.sha256(f"{base_url.strip().rstrip('/')}\n{model}".encode()).hexdigest()


def embedded(
    route: Route, texts: Sequence[str], *, seconds: float, leave: Callable[[], bool] = lambda: False
) -> NDArray[np.float32]:
    """One row per text, to code that is not asynchronous. Raises UpstreamError, "stalled" after `seconds` whatever holds
    it up; LeftError as soon as `leave()`, which is looked at twice a second."""
    until = time.monotonic() + seconds
    asked = asyncio.run_coroutine_threadsafe(embed(route.endpoint, texts, total_timeout=seconds), _embedding_loop())
    try:
        while True:
            try:
                return asked.result(max(0.0, min(0.5, until - time.monotonic())))
            except NotYet:
                if asked.done():
                    continue
                if leave():
                    raise LeftError from None
                if time.monotonic() >= until:
                    raise UpstreamError("stalled") from None
    finally:
        asked.cancel()


class LeftError(Exception):
    """There is something more urgent than waiting for embeddings."""


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


def environment_routes() -> dict[str, Route]:
    """What the operator gave by environment variables, by purpose: usable by everybody, changed by nobody here."""
    given = {
        Purpose.CHAT: (settings.MODEL_URL, settings.MODEL_KEY, settings.MODEL_NAME),
        Purpose.EMBEDDINGS: (settings.EMBEDDINGS_URL, settings.EMBEDDINGS_KEY, settings.EMBEDDINGS_NAME),
    }
    return {
        purpose: Route(Endpoint(base_url=url, api_key=key, model=name, kind=_guessed_kind(url)), name, _guessed_zone(url))
        for purpose, (url, key, name) in given.items()
        if url and name
    }


def route_to(model: LanguageModel) -> Route:
    """The route of one model as it is configured, enabled or not, to try it. Raises NoRouteError if its key is unreadable."""
    return _route(model)


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
def delete_model(principal: Principal, model: LanguageModel) -> None:
    """The provider goes with its last model, and its secret with it."""
    _record(principal, "model.delete", model)
    provider = model.provider
    model.delete()
    if not provider.models.exists():
        provider.delete()


async def try_route(route: Route, purpose: str) -> Trial:
    """One tiny real request, never more than TRIAL_SECONDS."""
    started = time.monotonic()
    try:
        if purpose == Purpose.EMBEDDINGS:
            await embed(route.endpoint, ["bonjour"])
        else:
            await _first_words(route.endpoint)
    except UpstreamError as error:
        return Trial(code=error.code, milliseconds=_since(started), params=dict(error.params))
    return Trial(milliseconds=_since(started))


async def _first_words(endpoint: Endpoint) -> None:
    messages = [{"role": "user", "content": "Réponds par le seul mot : bonjour"}]
    said, finish = False, ""
    async for delta in stream_chat(endpoint, messages, max_tokens=8, total_timeout=TRIAL_SECONDS):
        said, finish = said or bool(delta.text.strip()), delta.finish or finish
    if not said and finish not in ("length", "model_length"):  # one that thinks first may not have begun to answer
        raise UpstreamError("empty")


@cache
def _embedding_loop() -> asyncio.AbstractEventLoop:
    """Of its own thread: closing a loop waits for a name that is still being looked up, and a question must not."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="embeddings", daemon=True).start()
    return loop


def _default_route(institution_id: int, purpose: Purpose) -> Route | None:
    chosen = LanguageModel.unscoped.usable_for(institution_id, purpose).first()
    return _route(chosen) if chosen else environment_routes().get(purpose)


def _route(model: LanguageModel) -> Route:
    provider = model.provider
    try:
        endpoint = Endpoint(base_url=provider.base_url, api_key=provider.secret, model=model.name, kind=provider.kind)
    except SecretUnreadableError as error:
        raise NoRouteError(error.code) from error
    return Route(endpoint, model.display_name, provider.zone, str(model.id))


def _write_provider(provider: Provider, values: ProviderValues) -> None:
    provider.name, provider.kind = values.name, values.kind
    provider.base_url, provider.zone = values.base_url, values.zone
    provider.save()
    if values.secret is not None:
        provider.keep_secret(values.secret)


def _write_model(model: LanguageModel, values: ModelValues) -> None:
    if values.is_default:  # the former default steps down first: the database allows one
        others = LanguageModel.unscoped.filter(institution=model.institution, purpose=values.purpose, is_default=True)
        others.exclude(id=model.id).update(is_default=False)
    model.name, model.display_name = values.name, values.display_name
    model.purpose, model.is_default = values.purpose, values.is_default
    model.save()


def _record(principal: Principal, action: str, model: LanguageModel) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"model:{model.id}",
        provider=model.provider_id,
        zone=model.provider.zone,
    )


def _guessed_kind(url: str) -> str:
    return Kind.MISTRAL if (urlsplit(url).hostname or "").endswith("mistral.ai") else Kind.OPENAI


def _guessed_zone(url: str) -> str:
    """This machine is on the premises; of any other nothing is known, which is the least favourable."""
    return Zone.ON_PREM if urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"} else Zone.WORLD


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
