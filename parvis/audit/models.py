"""Append-only evidence of who did what. Rows name people and objects by identifier: this package depends on none."""

from __future__ import annotations

from typing import Any

from django.db import models

from parvis.isolation.scope import everywhere


class Entry(models.Model):
    """One thing that was done. The database itself refuses to change or delete a row (migration 0002)."""

    at = models.DateTimeField(auto_now_add=True)
    institution_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=80)  # "person:12", "system:ingestion"
    action = models.CharField(max_length=80)  # "corpus.create"
    subject = models.CharField(max_length=120)  # "corpus:3"
    details = models.JSONField(default=dict)  # never the text of a question, an answer or a document

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["institution_id", "id"])]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.subject}"


def record(*, institution_id: int | None, actor: str, action: str, subject: str, **details: Any) -> None:
    """Append one entry, inside the caller's transaction: what is rolled back was not done."""
    with everywhere("evidence"):
        Entry.objects.create(institution_id=institution_id, actor=actor, action=action, subject=subject, details=details)
