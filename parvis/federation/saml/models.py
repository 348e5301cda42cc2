"""Federations that an institution trusts, the providers they describe, what came back and was not yet used, and our keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.access.doors import Door
from parvis.access.secrets import SecretUnreadableError
from parvis.access.secrets.models import HoldsSecret
from parvis.federation.failure import SignInError
from parvis.federation.saml import metadata
from parvis.federation.saml.markup import parse
from parvis.federation.saml.signatures import PublicKey, fingerprint, key_of_certificate, key_of_pem
from parvis.institutions.models import Institution
from parvis.retrieval.analysis import fold

if TYPE_CHECKING:
    from parvis.access.principal import Principal


class FederationKind(models.TextChoices):
    AGGREGATE = "aggregate", _("an aggregate: all of its providers in one file")
    MDQ = "mdq", _("by entity (MDQ): one small file for each provider")


class FederationQuerySet(models.QuerySet["Federation"]):
    def visible_to(self, principal: Principal) -> FederationQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("source:view") else self.none()

    def editable_by(self, principal: Principal) -> FederationQuerySet:
        return self.visible_to(principal) if principal.may("source:edit") else self.none()


class Federation(models.Model):
    """Metadata that somebody else signs, and the keys by which this institution believes them."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(max_length=10, choices=FederationKind.choices)
    address = models.CharField(max_length=500)
    keys = models.JSONField(default=list)  # PEM; two while the federation changes its own
    etag = models.CharField(max_length=200, blank=True)  # of what was read last
    valid_until = models.DateTimeField(null=True)  # of what was read last
    read_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)  # None: at once
    problem = models.CharField(max_length=120, blank=True)  # of the latest trial: "code: detail"

    unscoped = FederationQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "name"], name="federation_name_once_per_institution"),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def public_keys(self) -> list[PublicKey]:
        return [key_of_pem(text) for text in self.keys]

    @property
    def fingerprints(self) -> list[str]:
        return [fingerprint(key) for key in self.public_keys]

    @property
    def is_aggregate(self) -> bool:
        return self.kind == FederationKind.AGGREGATE


class EntityQuerySet(models.QuerySet["Entity"]):
    def visible_to(self, principal: Principal) -> EntityQuerySet:
        return self.filter(institution=principal.institution_id) if principal.may("source:view") else self.none()

    def editable_by(self, principal: Principal) -> EntityQuerySet:
        return self.visible_to(principal) if principal.may("source:edit") else self.none()

    def named(self, query: str) -> EntityQuerySet:
        """Those whose name, identifier or scope holds each of these folded words."""
        rows = self
        for word in query.split():
            rows = rows.filter(words__contains=word)
        return rows


class Entity(models.Model):
    """One provider, in the words that were verified: what a sign-in reads, and all that it reads."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    federation = models.ForeignKey(Federation, null=True, on_delete=models.CASCADE, related_name="entities")  # None: by hand
    entity_id = models.CharField(max_length=1_024)
    name = models.CharField(max_length=200)
    words = models.TextField()  # folded: by which it is found
    scopes = models.JSONField(default=list)
    description = models.TextField()  # its EntityDescriptor
    digest = models.CharField(max_length=64)  # of the description
    valid_until = models.DateTimeField(null=True)
    is_hidden = models.BooleanField(default=False)  # asks not to be proposed to people

    unscoped = EntityQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["institution", "federation", "entity_id"], name="entity_once_per_federation"),
            models.UniqueConstraint(
                fields=["institution", "entity_id"], condition=Q(federation=None), name="entity_by_hand_once"
            ),
        ]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.entity_id

    @property
    def provider(self) -> metadata.Provider:
        """Raises SignInError."""
        read = metadata.read(parse(self.description.encode()))
        if read is None:
            raise SignInError("metadata", "no_provider")
        return read


class SamlResponseQuerySet(models.QuerySet["SamlResponse"]):
    def visible_to(self, principal: Principal) -> SamlResponseQuerySet:
        """Nobody's page shows them."""
        return self.none()


class SamlResponse(models.Model):
    """A response that was verified where the provider posts it, and waits some seconds for the browser that asked for it: the
    cookie by which it is known does not come with what another site posts. Kept until it could no longer be presented, empty,
    so that none is presented twice."""

    institution = models.ForeignKey(Institution, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey("federation.SignInSource", on_delete=models.CASCADE, related_name="+")
    assertion = models.CharField(max_length=64)  # hash of its ID
    handle = models.CharField(max_length=64)  # hash of what the browser brings
    sealed_body = models.TextField(blank=True)  # opened by the handle only; "" once used
    expires_at = models.DateTimeField()

    unscoped = SamlResponseQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "assertion"], name="assertion_once_per_source")]
        indexes = [
            models.Index(fields=["handle"], name="saml_response_handle"),
            models.Index(fields=["expires_at"], name="saml_response_age"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id}, {self.expires_at:%Y-%m-%d %H:%M}"


class KeyQuerySet(models.QuerySet["ServiceKey"]):
    def visible_to(self, principal: Principal) -> KeyQuerySet:
        """The installation's: who runs it changes them from the command line."""
        return self.none()


class ServiceKey(HoldsSecret):
    """A key of this installation, with which it signs and by which it is written to. All are announced in its metadata; the
    one in use signs. A new one is announced some days before it is used, the old one stays some days after."""

    alliance_wide = True

    certificate = models.TextField()  # base64, as metadata have it
    made_at = models.DateTimeField()
    is_in_use = models.BooleanField(default=False)

    unscoped = KeyQuerySet.as_manager()
    objects: ClassVar[Door] = Door()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_in_use"], condition=Q(is_in_use=True), name="one_service_key_in_use"),
        ]
        ordering = ["-is_in_use", "-id"]

    def __str__(self) -> str:
        return f"{self.id}, {self.made_at:%Y-%m-%d}"

    @property
    def fingerprint(self) -> str:
        return fingerprint(key_of_certificate(self.certificate))

    @property
    def private_key(self) -> RSAPrivateKey:
        """Raises SignInError("secret") when the installation's own secret is no longer the one it was sealed with."""
        try:
            text = self.secret
        except SecretUnreadableError as error:
            raise SignInError("secret") from error
        # It is what we wrote: nobody else can seal. Proving again that it is made of primes takes tens of milliseconds.
        key = load_pem_private_key(text.encode(), password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, RSAPrivateKey):
            raise SignInError("secret")
        return key


def hash_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def words_of(names: Iterable[str]) -> str:
    """What a search compares with."""
    return " ".join(dict.fromkeys(" ".join(fold(name).split()) for name in names))[:4_000]
