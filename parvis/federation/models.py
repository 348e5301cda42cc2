"""Sign-in sources, whom they brought, and the sessions they can end."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.secrets.models import HoldsSecret
from parvis.federation.attributes import Correspondence, GroupRule, RoleRule
from parvis.federation.cas import CasSettings
from parvis.federation.oidc import OidcSettings
from parvis.federation.provisioning.models import (
    DirectoryEntry,
    DirectoryGroup,
    PeopleList,
    ScimSetup,
    ScimToken,
    Suspension,
)
from parvis.federation.saml.models import Entity, Federation, SamlResponse, ServiceKey
from parvis.institutions.models import Institution

if TYPE_CHECKING:
    from parvis.access.principal import Principal

__all__ = [
    "Account",
    "DirectoryEntry",
    "DirectoryGroup",
    "Entity",
    "Federation",
    "OpenSession",
    "PeopleList",
    "SamlResponse",
    "ScimSetup",
    "ScimToken",
    "ServiceKey",
    "SignInSource",
    "Suspension",
]


class Kind(models.TextChoices):
    """How a source speaks."""

    CAS = "cas", _("CAS 3.0")
    OIDC = "oidc", _("OpenID Connect (ProConnect, Keycloak, Entra…)")
    SAML = "saml", _("SAML 2.0 (Fédération Éducation-Recherche, eduGAIN)")


# The attribute by which each kind recognises people, if the institution says nothing else.
USUAL_KEY = {Kind.CAS: "user", Kind.OIDC: "sub", Kind.SAML: "eduPersonPrincipalName"}


class SourceQuerySet(models.QuerySet["SignInSource"]):
    def visible_to(self, principal: Principal) -> SourceQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("source:view") else self.none()

    def editable_by(self, principal: Principal) -> SourceQuerySet:
        return self.visible_to(principal) if principal.may("source:edit") else self.none()


class SignInSource(HoldsSecret):
    """An account of this institution opens a session here. What it says is read by `correspondence`."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("protocol"), max_length=10, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=False)
    settings = models.JSONField(default=dict)  # of its kind: see `cas`, `oidc` and `saml.actions`
    mapping = models.JSONField(default=dict)  # see `correspondence`
    logo = models.BinaryField(blank=True, default=bytes)  # a PNG that we made
    has_logo = models.BooleanField(default=False, editable=False)  # so that a list need not read them

    unscoped = SourceQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="source_name_once_per_institution"),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Of the server, for people to read."""
        return str(self.settings.get("server") or self.settings.get("issuer") or self.settings.get("entity_id", ""))

    @property
    def cas(self) -> CasSettings:
        return CasSettings(**self.settings)

    @property
    def oidc(self) -> OidcSettings:
        """Raises SecretUnreadableError when the installation's key is no longer the one it was sealed with."""
        return OidcSettings(**self.settings, client_secret=self.secret)

    @property
    def correspondence(self) -> Correspondence:
        stored: dict[str, Any] = self.mapping
        return Correspondence(
            key=stored.get("key") or USUAL_KEY[Kind(self.kind)],
            roles=tuple(RoleRule(**row) for row in stored.get("roles", [])),
            groups=tuple(GroupRule(**row) for row in stored.get("groups", [])),
            keeps_mail=bool(stored.get("keeps_mail")),
        )

    @correspondence.setter
    def correspondence(self, value: Correspondence) -> None:
        self.mapping = asdict(value)


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, principal: Principal) -> AccountQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("source:view") else self.none()

    def editable_by(self, principal: Principal) -> AccountQuerySet:
        return self.visible_to(principal) if principal.may("source:edit") else self.none()

    def own(self, person_id: int) -> AccountQuerySet:
        """Those of one person, of whatever institution."""
        return self.filter(person=person_id).select_related("source", "institution").order_by("id")

    def with_suspension(self) -> AccountQuerySet:
        """`suspended_at`: since when the person is suspended in the institution, or None."""
        rows = Suspension.unscoped.filter(institution=models.OuterRef("institution"), person=models.OuterRef("person"))
        return self.annotate(suspended_at=models.Subquery(rows.values("since")[:1]))


class Account(models.Model):
    """By which account of a source a person is recognised; a person may have several, of several institutions."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(SignInSource, on_delete=models.CASCADE, related_name="accounts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="accounts")
    key = models.CharField(max_length=200)  # given by the source; never an e-mail address
    given_roles = models.JSONField(
        default=list
    )  # by the source, when it was last seen: what it no longer gives, it takes back
    given_groups = models.JSONField(default=list)  # ids
    seen_at = models.DateTimeField(null=True)

    unscoped = AccountQuerySet.as_manager()
    objects = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "key"], name="account_once_per_source")]
        ordering = ["-seen_at", "-id"]

    def __str__(self) -> str:
        return f"{self.source_id}:{self.key}"


class OpenSessionQuerySet(models.QuerySet["OpenSession"]):
    def visible_to(self, principal: Principal) -> OpenSessionQuerySet:
        """Nobody's page shows them: they are there to be ended."""
        return self.none()

    def end(self) -> list[Account]:
        """At the next request; whose they were."""
        sessions: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        ended = list(self.select_related("account"))
        for row in ended:
            sessions().delete(row.session_key)
        OpenSession.unscoped.filter(id__in=[row.id for row in ended]).delete()
        return [row.account for row in ended]


class OpenSession(models.Model):
    """A session that a source opened, by the name under which it will end it."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sessions")
    handle = models.CharField(max_length=64)  # hash of the CAS ticket or of the OpenID Connect `sid`; "" has none
    subject = models.CharField(max_length=64, blank=True)  # hash of the SAML name of its holder, who may be asked to leave
    session_key = models.CharField(max_length=40)
    opened_at = models.DateTimeField()

    unscoped = OpenSessionQuerySet.as_manager()
    objects = Door()

    class Meta:
        indexes = [
            models.Index(fields=["handle"], name="open_session_handle"),
            models.Index(fields=["subject"], name="open_session_subject"),
            models.Index(fields=["opened_at"], name="open_session_age"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}, {self.opened_at:%Y-%m-%d %H:%M}"


def handle_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest() if name else ""
