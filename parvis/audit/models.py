"""Append-only evidence of who did what. Rows name people and objects by identifier: this package depends on none.

An entry is in its table as soon as what it tells is done, in the same transaction. Shortly after, `actions.integrate` numbers
it in the tree of its log, and signs the head (docs/decisions/0018).
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from parvis.audit.statement import statement
from parvis.audit.verifier import commitment
from parvis.isolation.scope import everywhere

SALT_BYTES = 32


class Entry(models.Model):
    """One thing that was done. The database itself refuses to change or delete a row (migration 0002), but for two things that
    it allows once: the number in the tree is given, and what the entry says is erased, of which the commitment is left."""

    at = models.DateTimeField(default=timezone.now)
    institution_id = models.BigIntegerField(null=True)  # whose log it is in; that of the alliance when there is none
    actor = models.CharField(max_length=80)  # "person:12", "system:ingestion"
    action = models.CharField(max_length=80)  # "corpus.create"
    subject = models.CharField(max_length=120)  # "corpus:3"
    details = models.JSONField(default=dict)  # never the text of a question, an answer or a document
    salt = models.BinaryField(null=True)  # None once erased
    commitment = models.BinaryField()
    number = models.BigIntegerField(null=True)  # in the tree of its log, from 0

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["institution_id", "id"]),
            models.Index(fields=["institution_id", "action"], name="audit_entries_by_action"),
            models.Index(fields=["institution_id"], condition=models.Q(number=None), name="audit_entries_to_number"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["institution_id", "number"], name="entry_number_once_per_log"),
            models.UniqueConstraint(
                fields=["number"], condition=models.Q(institution_id=None), name="entry_number_once_in_the_alliance"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.subject}"

    @property
    def is_erased(self) -> bool:
        return self.salt is None

    @property
    def statement(self) -> str:
        """What the commitment is about; "" once erased."""
        if self.is_erased:
            return ""
        return statement(
            at=self.at,
            institution_id=self.institution_id,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            details=self.details,
        )

    @property
    def holds(self) -> bool:
        """Whether the row still says what it said when it was written. One that is erased says nothing."""
        return self.salt is None or commitment(bytes(self.salt), self.statement.encode()) == bytes(self.commitment)


class Log(models.Model):
    """The log of one institution, or of the alliance. Its row is held while entries are numbered: one at a time."""

    institution_id = models.BigIntegerField(null=True)
    name = models.CharField(max_length=32, unique=True)  # of its public address; nobody guesses it
    origin = models.CharField(max_length=200)  # what its heads begin with; it never changes
    size = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(Coalesce("institution_id", models.Value(0)), name="one_log_for_each_and_the_alliance"),
        ]

    def __str__(self) -> str:
        return self.origin


class Tile(models.Model):
    """A row of hashes of the tree, see `tree`. All of it can be made again from the commitments."""

    log = models.ForeignKey(Log, on_delete=models.CASCADE, related_name="tiles")
    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "level", "index"], name="one_tile_per_place")]

    def __str__(self) -> str:
        return f"{self.log_id}, {self.level}, {self.index}"


class SignedHead(models.Model):
    """What the installation has said, once, of the tree of a log. Never changed nor deleted."""

    log = models.ForeignKey(Log, on_delete=models.PROTECT, related_name="heads")
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["size"]
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="one_head_per_size")]

    def __str__(self) -> str:
        return f"{self.log_id}, {self.size}"


class SigningKey(models.Model):
    """A public key of this installation; the private one is a file of the data folder. The latest signs."""

    key = models.CharField(max_length=300, unique=True)  # as `verifier.Key` writes it
    endorsed = models.TextField(blank=True)  # note in which the key before names it
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.key


def record(*, institution_id: int | None, actor: str, action: str, subject: str, **details: Any) -> None:
    """Append one entry, inside the caller's transaction: what is rolled back was not done."""
    at, salt = timezone.now(), secrets.token_bytes(SALT_BYTES)
    written = statement(at=at, institution_id=institution_id, actor=actor, action=action, subject=subject, details=details)
    with everywhere("evidence"):
        Entry.objects.create(
            at=at,
            institution_id=institution_id,
            actor=actor,
            action=action,
            subject=subject,
            details=json.loads(written)["details"],
            salt=salt,
            commitment=commitment(salt, written.encode()),
        )
