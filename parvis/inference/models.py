"""Providers and their models: who may be asked, where it computes, with which secret, and what was promised about it; and how
far data of each class may go. All of it is the institution's own: no other, nor the alliance, writes it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.engine import Tool
from parvis.access.secrets.models import HoldsSecret
from parvis.inference.pseudonymisation.models import Pseudonymisation  # noqa: F401 - a table of this package
from parvis.inference.routing import DEFAULT_REACH, Clearance, matrix_up_to
from parvis.institutions.models import DataClass, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class Kind(models.TextChoices):
    """The dialect a provider speaks."""

    OPENAI = "openai", _("OpenAI-compatible (vLLM, Ollama, llama.cpp, Albert…)")
    MISTRAL = "mistral", _("Mistral")


class Zone(models.TextChoices):
    """Where the computing takes place, nearest first."""

    ON_PREM = "on_prem", _("the institution’s own servers")
    FR = "fr", _("France")
    EU = "eu", _("European Union")
    WORLD = "world", _("outside the European Union")


class Purpose(models.TextChoices):
    CHAT = "chat", _("writing answers")
    EMBEDDINGS = "embeddings", _("comparing meanings (embeddings)")


class Capability(models.TextChoices):
    """What a model that writes can do besides."""

    STREAM = "stream", _("send its words as they come")
    TOOLS = "tools", _("call tools")
    JSON_SCHEMA = "json_schema", _("follow a JSON schema")
    IMAGES = "images", _("read images")
    RESPONSES = "responses", _("answer at /responses")


class ProviderQuerySet(models.QuerySet["Provider"]):
    def visible_to(self, principal: Principal) -> ProviderQuerySet:
        return self.filter(institution=principal.institution_id)

    def editable_by(self, principal: Principal) -> ProviderQuerySet:
        if not principal.may("model:edit"):
            return self.none()
        return self.filter(institution=principal.institution_id)


class Provider(HoldsSecret):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("provider"), max_length=80)
    kind = models.CharField(_("dialect"), max_length=20, choices=Kind.choices, default=Kind.OPENAI)
    base_url = models.CharField(_("address"), max_length=300)
    zone = models.CharField(_("hosting zone"), max_length=10, choices=Zone.choices, default=Zone.WORLD)
    processor = models.CharField(_("processor"), max_length=160, blank=True)  # who computes for the institution, by law
    agreement_id = models.BigIntegerField(_("agreement"), null=True, blank=True)  # of a package above: its prices hold

    unscoped = ProviderQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="provider_name_once_per_institution"),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def origin(self) -> str:
        """The server, without the path: what a key and an attestation are about."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def attestation(self) -> Attestation | None:
        """The latest that is about this server, in this zone, by this processor: of another, it says nothing of this one."""
        about = (self.origin, self.zone, self.processor)
        return next((one for one in self.attestations.all() if (one.origin, one.zone, one.processor) == about), None)


class AttestationQuerySet(models.QuerySet["Attestation"]):
    def visible_to(self, principal: Principal) -> AttestationQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("model:view") else self.none()

    def editable_by(self, principal: Principal) -> AttestationQuerySet:
        return self.visible_to(principal) if principal.may("model:edit") else self.none()


class Attestation(models.Model):
    """That nothing which is sent trains a model: dated, with the document that says so. On its own servers the institution
    says it itself. Never changed: the next one replaces it."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="attestations")
    origin = models.CharField(max_length=300)
    zone = models.CharField(max_length=10, choices=Zone.choices)
    processor = models.CharField(max_length=160, blank=True)
    attested_date = models.DateField(_("dated"))
    until_date = models.DateField(_("holds until"), null=True, blank=True)
    document_name = models.CharField(max_length=200, blank=True)
    document = models.BinaryField(null=True)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the document
    added_by = models.ForeignKey(Profile, on_delete=models.SET_NULL, related_name="+", null=True)
    added_at = models.DateTimeField(default=timezone.now)

    unscoped = AttestationQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(zone=Zone.ON_PREM) | Q(document__isnull=False), name="attestation_has_its_document"
            ),
            models.CheckConstraint(
                condition=Q(until_date=None) | Q(until_date__gte=F("attested_date")), name="attestation_ends_later"
            ),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider_id}, {self.attested_date}"

    @property
    def attested_at(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.attested_date, time()))

    @property
    def attested_until(self) -> datetime | None:
        """The instant after its last day."""
        if self.until_date is None:
            return None
        return timezone.make_aware(datetime.combine(self.until_date + timedelta(days=1), time()))


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def visible_to(self, principal: Principal) -> LanguageModelQuerySet:
        return self.filter(institution=principal.institution_id)

    def editable_by(self, principal: Principal) -> LanguageModelQuerySet:
        if not principal.may("model:edit"):
            return self.none()
        return self.filter(institution=principal.institution_id)

    def tools(self) -> list[Tool]:
        return [tool_of(model) for model in self.select_related("provider")]

    def usable_for(self, institution_id: int, purpose: str) -> LanguageModelQuerySet:
        """Enabled ones, the default first."""
        rows = self.filter(institution=institution_id, enabled=True, purpose=purpose)
        return rows.select_related("provider").order_by("-is_default", "rank", "id")

    def with_attestations(self) -> LanguageModelQuerySet:
        """Without the documents themselves."""
        attestations = Attestation.unscoped.defer("document")
        found = self.select_related("provider").prefetch_related(models.Prefetch("provider__attestations", attestations))
        return found.order_by("purpose", "rank", "id")


def tool_of(model: LanguageModel) -> Tool:
    """As rules see it."""
    return Tool("Model", str(model.id), zone=model.provider.zone)


class LanguageModel(models.Model):
    """One model of one provider, for one purpose. What it costs is known by its id, in the ledger."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(_("name of the model at the provider"), max_length=120)
    display_name = models.CharField(_("name shown"), max_length=80)
    alias = models.CharField(max_length=80, blank=True)  # how programs ask for it; models of one alias stand in for each other
    purpose = models.CharField(_("used for"), max_length=12, choices=Purpose.choices, default=Purpose.CHAT)
    capabilities: models.JSONField[Any, Any] = models.JSONField(default=list)  # of Capability; its purpose is one besides
    rank = models.PositiveSmallIntegerField(default=0)  # among those of its alias, before the nearest
    is_default = models.BooleanField(_("used when an assistant names no other"), default=False)
    enabled = models.BooleanField(default=True)
    context_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    concurrency = models.PositiveIntegerField(null=True, blank=True)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    hedge_seconds = models.FloatField(null=True, blank=True)  # of silence, before another of its alias is asked beside it
    counts_as_it_goes = models.BooleanField(default=False)  # says with each piece how many tokens there were

    unscoped = LanguageModelQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "name", "purpose"], name="model_once_per_provider_and_purpose"),
            models.UniqueConstraint(
                fields=["institution", "purpose"], condition=Q(is_default=True), name="one_default_per_purpose"
            ),
        ]
        ordering = ["purpose", "display_name", "id"]

    def __str__(self) -> str:
        return self.display_name


class RoutingMatrixQuerySet(models.QuerySet["RoutingMatrix"]):
    def visible_to(self, principal: Principal) -> RoutingMatrixQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("model:view") else self.none()

    def editable_by(self, principal: Principal) -> RoutingMatrixQuerySet:
        return self.visible_to(principal) if principal.may("model:edit") else self.none()


class RoutingMatrix(models.Model):
    """Which class of data may be computed in which zone: one version, never changed. The latest is in force."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()  # from 1, in the institution
    cells: models.JSONField[Any, Any] = models.JSONField()  # class → zone → Clearance
    default_class = models.CharField(max_length=10, choices=DataClass.choices)  # Institution.data_class, saved with it
    reason = models.CharField(_("reason"), max_length=300)
    author = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    unscoped = RoutingMatrixQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "number"], name="routing_matrix_number_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.institution_id}, {self.number}"

    @property
    def matrix(self) -> dict[tuple[str, str], Clearance]:
        """What a later version wrote and this one does not know refuses."""
        known = set(Clearance)
        return {
            (data_class, zone): Clearance(said) if said in known else Clearance.REFUSED
            for data_class, cells in self.cells.items()
            for zone, said in cells.items()
        }


DEFAULT_MATRIX = matrix_up_to(DEFAULT_REACH)  # of an institution that saved none


class CalibrationQuerySet(models.QuerySet["Calibration"]):
    def visible_to(self, principal: Principal) -> CalibrationQuerySet:
        return self.filter(institution=principal.institution_id)


class Calibration(models.Model):
    """What an endpoint of embeddings is worth on the documents of one institution, and how it last failed. Not a model's
    row: an endpoint shared by the alliance, or given by the environment, is worth something else at each member."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    endpoint = models.CharField(max_length=64)  # actions.Route.key
    weight = models.FloatField(default=0.0)  # beside the words; 0: nothing is asked of it
    questions = models.PositiveIntegerField(default=0)
    passages = models.PositiveIntegerField(default=0)  # of the institution, when it was measured
    measured_at = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=40, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)  # since it last answered
    retry_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)  # a worker uses it

    unscoped = CalibrationQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "endpoint"], name="calibration_once_per_institution"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="weight_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.institution_id}, {self.weight}"


class StopQuerySet(models.QuerySet["Stop"]):
    def visible_to(self, principal: Principal) -> StopQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("stream:view") else self.none()

    def under_way(self, now: datetime) -> StopQuerySet:
        """Those that workers are still told."""
        return self.filter(stopped_at__gt=now - STOP_TOLD)


STOP_TOLD = timedelta(minutes=1)


class Stop(models.Model):
    """An answer of /v1 that an administrator ends: what workers are told. What was done stays in the evidence; this goes."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    request_id = models.CharField(max_length=40)
    stopped_by = models.ForeignKey(Profile, on_delete=models.SET_NULL, related_name="+", null=True)
    stopped_at = models.DateTimeField(default=timezone.now)

    unscoped = StopQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["institution", "request_id"], name="stop_once_per_request")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.request_id
