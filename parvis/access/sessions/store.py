"""Django's sessions in the database, in a table that knows whose they are: `settings.SESSION_ENGINE`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY

from parvis.access.sessions.models import Session
from parvis.isolation.sessions import SessionStore as DatabaseStore

OPENED_KEY = "opened_at"  # in the session: when somebody signed in, ISO 8601
BROWSER_KEY = "browser"


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return _named(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data: dict[str, Any]) -> Session:
        return _named(await super().acreate_model_instance(data), data)


def _named(row: Any, data: dict[str, Any]) -> Session:
    row.person_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
    row.opened_at = datetime.fromisoformat(data[OPENED_KEY]) if OPENED_KEY in data else None
    row.browser = data.get(BROWSER_KEY, "")
    return row  # type: ignore[no-any-return]
