"""What a table needs to hold one secret of an institution in each row."""

from __future__ import annotations

from django.db import connection, models, transaction

from parvis.access.secrets import seal, unseal

# Held shared until what was sealed is committed, and alone by a rotation that brings a new key: nothing is committed under the
# former one after that. SQLite has one writer anyway.
LOCK = 0x5EC2E75


class HoldsSecret(models.Model):
    """A row with a secret, sealed for its institution, table, number and version: copied to another row, or an old one put
    back, it does not open. The model has an `institution`; none is the alliance."""

    sealed_secret = models.TextField(blank=True, editable=False)
    secret_version = models.PositiveIntegerField(default=0, editable=False)  # how many it has had

    class Meta:
        abstract = True

    @property
    def secret(self) -> str:
        """ "" where there is none. Raises SecretUnreadableError when the installation's key no longer opens it."""
        return unseal(self.sealed_secret, place=self.secret_place) if self.sealed_secret else ""

    def keep_secret(self, secret: str) -> None:
        """Seals it for this row, which must have been saved once: its identifier is part of the seal."""
        with transaction.atomic():
            hold_keys(alone=False)
            self.secret_version += 1
            self.sealed_secret = seal(secret, place=self.secret_place) if secret else ""
            self.save(update_fields=["sealed_secret", "secret_version"])

    @property
    def secret_place(self) -> str:
        if self.pk is None:
            raise ValueError("a secret is sealed for a row that exists")
        institution = getattr(self, "institution_id", None) or "alliance"
        return f"{institution}|{self._meta.db_table}|{self.pk}|{self.secret_version}"


def hold_keys(*, alone: bool) -> None:
    """Until the end of the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)" if alone else "SELECT pg_advisory_xact_lock_shared(%s)", [LOCK])
