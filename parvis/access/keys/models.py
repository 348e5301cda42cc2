"""API keys. The key itself is nowhere: a keyed hash of it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.engine import Tool
from parvis.institutions.models import DataClass, Institution, Profile

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class Scope(models.TextChoices):
    """What a key opens; `principal.SCOPES` says which actions each is."""

    LIST = "list", _("see which assistants and models one may use")
    ASK = "ask", _("ask assistants")
    MODELS = "models", _("use models (/v1)")


class KeyState(models.TextChoices):
    ACTIVE = "active", _("active")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


def key_tool(scope: str) -> Tool:
    """As rules see the keys of one scope."""
    return Tool("Key", scope)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def visible_to(self, principal: Principal) -> ApiKeyQuerySet:
        """One's own; an administrator's are all of the institution's, its applications' included."""
        here = self.filter(institution_id=principal.institution_id)
        return here if principal.may("key:oversee") else here.filter(profile__person_id=principal.person_id)

    def editable_by(self, principal: Principal) -> ApiKeyQuerySet:
        return self.visible_to(principal)

    def active(self, now: datetime) -> ApiKeyQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now)


class ApiKey(models.Model):
    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="keys")  # a person, or an application
    name = models.CharField(_("name"), max_length=80)
    hint = models.CharField(max_length=16)  # how it begins
    digest = models.CharField(max_length=64, unique=True)  # across institutions: it is what says which
    scopes: models.JSONField[Any, Any] = models.JSONField(default=list)
    data_class = models.CharField(max_length=10, choices=DataClass.choices, blank=True)  # of what comes with it; "": not said
    created_by = models.ForeignKey(Profile, on_delete=models.SET_NULL, related_name="+", null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    unscoped = ApiKeyQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="key_expires_later")]
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def days(self) -> int:
        """For how long it was given."""
        return (self.expires_at - self.created_at).days

    @property
    def scope_names(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]

    def state_at(self, now: datetime) -> KeyState:
        if self.revoked_at:
            return KeyState.REVOKED
        return KeyState.ACTIVE if now < self.expires_at else KeyState.EXPIRED
