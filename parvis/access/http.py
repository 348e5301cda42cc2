"""The request as views see it."""

from __future__ import annotations

from django.http import HttpRequest

from parvis.access.principal import Principal
from parvis.institutions.models import Profile


class SignedInRequest(HttpRequest):
    """What a view behind `@requires` receives. Views behind `@public` take a plain HttpRequest."""

    principal: Principal
    profile: Profile
