"""Providers and their models: who may be asked, where it computes, and with which secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.engine import Tool
from parvis.access.secrets.models import HoldsSecret
from parvis.inference.pseudonymisation.models import Pseudonymisation  # noqa: F401 - a table of this package
from parvis.institutions.models import Institution

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


class ProviderQuerySet(models.QuerySet["Provider"]):
    def visible_to(self, principal: Principal) -> ProviderQuerySet:
        return self.filter(Q(institution=principal.institution_id) | Q(institution=None))

    def editable_by(self, principal: Principal) -> ProviderQuerySet:
        """What the whole alliance shares is changed from the command line, by no single institution."""
        if not principal.may("model:edit"):
            return self.none()
        return self.filter(institution=principal.institution_id)


class Provider(HoldsSecret):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    name = models.CharField(_("provider"), max_length=80)
    kind = models.CharField(_("dialect"), max_length=20, choices=Kind.choices, default=Kind.OPENAI)
    base_url = models.CharField(_("address"), max_length=300)
    zone = models.CharField(_("hosting zone"), max_length=10, choices=Zone.choices, default=Zone.WORLD)

    unscoped = ProviderQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="provider_name_once_per_institution"),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class LanguageModelQuerySet(models.QuerySet["LanguageModel"]):
    def visible_to(self, principal: Principal) -> LanguageModelQuerySet:
        return self.filter(Q(institution=principal.institution_id) | Q(institution=None))

    def editable_by(self, principal: Principal) -> LanguageModelQuerySet:
        if not principal.may("model:edit"):
            return self.none()
        return self.filter(institution=principal.institution_id)

    def tools(self) -> list[Tool]:
        return [tool_of(model) for model in self.select_related("provider")]

    def usable_for(self, institution_id: int, purpose: str) -> LanguageModelQuerySet:
        """Enabled ones, the institution's own before the alliance's, its default first."""
        rows = self.filter(Q(institution=institution_id) | Q(institution=None), enabled=True, purpose=purpose)
        return rows.select_related("provider").order_by(F("institution").asc(nulls_last=True), "-is_default", "id")


def tool_of(model: LanguageModel) -> Tool:
    """As rules see it."""
    return Tool("Model", str(model.id), zone=model.provider.zone)


class LanguageModel(models.Model):
    """One model of one provider, for one purpose."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+", null=True, blank=True)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(_("name of the model at the provider"), max_length=120)
    display_name = models.CharField(_("name shown"), max_length=80)
    purpose = models.CharField(_("used for"), max_length=12, choices=Purpose.choices, default=Purpose.CHAT)
    is_default = models.BooleanField(_("used when an assistant names no other"), default=False)
    enabled = models.BooleanField(default=True)

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
