"""What the page shell shows on every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")  # anything else: as the device prefers


def shell(request: HttpRequest) -> dict[str, Any]:
    theme = request.COOKIES.get("parvis_theme", "")
    principal = getattr(request, "principal", None)
    return {
        "demo": settings.DEMO,
        "theme": theme if theme in THEMES else "",
        "profile": getattr(request, "profile", None),
        "may_ask": bool(principal and principal.may("assistant:use")),
        "may_hold_keys": bool(principal and principal.may("key:view")),
        "may_teach": bool(principal and principal.may("corpus:create")),
        "may_see_alliance": bool(principal and principal.may("alliance:view")),
        "may_see_needs": bool(principal and principal.may("need:view")),
        "may_see_requests": bool(principal and principal.may("request:view")),
        "may_answer": bool(principal and principal.may("answer:view")),
        "may_choose": bool(principal and principal.may("choice:prepare")),
        "may_see_portfolio": bool(principal and principal.may("portfolio:view")),
        "may_administer": bool(principal and principal.may("console:view")),
    }
