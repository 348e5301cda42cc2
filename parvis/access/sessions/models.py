"""Open sessions, each with whose it is: people see theirs, and close them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models


class SessionManager(BaseSessionManager["Session"]):
    def open_of(self, person_id: int) -> models.QuerySet[Session]:
        return self.filter(person_id=person_id).order_by("-opened_at")


class Session(AbstractBaseSession):
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True)
    opened_at = models.DateTimeField(null=True)  # none: nobody has signed in by it
    browser = models.CharField(max_length=60, blank=True)  # "Firefox, Linux": to be recognised by, no more

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta(AbstractBaseSession.Meta):
        db_table = "access_session"

    @classmethod
    def get_session_store_class(cls) -> type:
        from parvis.access.sessions.store import SessionStore

        return SessionStore
