"""What a worker does for people while nothing else waits."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from parvis.institutions.actions import send_notices
from parvis.institutions.notices import send_by_mail


def mail_notices(_leave: Callable[[], bool]) -> bool:
    if settings.MAILS:
        send_notices(send_by_mail, now=timezone.now())
    return False
