"""What people and clocks do to open sessions."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import transaction

from parvis.access.principal import Principal
from parvis.access.sessions.models import Session
from parvis.audit.models import record
from parvis.isolation.scope import everywhere

# Most name those that they resemble too, so the first that is found is the one: Safari last of all.
_BROWSERS = (
    (r"Edg(e|A|iOS)?", "Edge"),
    (r"OPR|OPT|Opera", "Opera"),
    (r"SamsungBrowser", "Samsung Internet"),
    (r"Firefox|FxiOS", "Firefox"),
    (r"HeadlessChrome", "Chrome Headless"),
    (r"Chromium", "Chromium"),
    (r"Chrome|CriOS", "Chrome"),
    (r"Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(agent: str) -> str:
    """By which its owner recognises a session: a family and a system, of which many thousands are alike."""
    family = next((name for mark, name in _BROWSERS if re.search(rf"\b({mark})/", agent)), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return ", ".join(filter(None, (family, system)))


@everywhere("sessions")
def sessions_of(person_id: int, *, now: datetime) -> list[Session]:
    """The open ones, the latest first."""
    return list(Session.objects.open_of(person_id).filter(expire_date__gt=now))


@everywhere("sessions")
@transaction.atomic
def close_others(principal: Principal, kept: str) -> int:
    """All of one's sessions but the one of key `kept`; how many."""
    count, _ = Session.objects.open_of(principal.person_id).exclude(session_key=kept).delete()
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="session.close_others",
        subject=f"person:{principal.person_id}",
        closed=count,
    )
    return count


def expire(institution_id: int, before: datetime, most: int) -> int:
    """Sessions of its people opened before that instant, and those of nobody that have run out."""
    rows = Session.objects.filter(person__profiles__institution=institution_id, opened_at__lt=before)
    keys = list(rows.order_by("session_key").values_list("session_key", flat=True).distinct()[:most])
    Session.objects.filter(session_key__in=keys).delete()
    return len(keys)
