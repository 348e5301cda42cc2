"""The institution's console: where its administrators begin."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.console.sections import sections_of


@requires("console:view")
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    context = {"sections": sections_of(request.principal), "institution": request.profile.institution}
    return render(request, "console/home.html", context)
