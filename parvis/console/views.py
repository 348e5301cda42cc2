"""The institution's console: where its administrators begin, and what is being answered at this instant."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.assistants import jobs
from parvis.assistants.actions import stop_for_institution
from parvis.assistants.models import Turn
from parvis.console.forms import StopForm
from parvis.console.sections import sections_of
from parvis.console.streams import lines_of, streams_of
from parvis.inference.actions import stop_stream


@requires("console:view")
@require_GET
def home(request: SignedInRequest) -> HttpResponse:
    context = {"sections": sections_of(request.principal), "institution": request.profile.institution}
    return render(request, "console/home.html", context)


@requires("stream:view")
@never_cache
@require_GET
def streams(request: SignedInRequest) -> HttpResponse:
    return _streams(request, is_paused="fige" in request.GET)


@requires("stream:stop")
@require_POST
def stream_stop(request: SignedInRequest) -> HttpResponse:
    """An answer of /v1. Most end by themselves while one reads: to come too late is no fault."""
    form = StopForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was stopped: this names no answer."))
        return _streams(request, is_paused=True, status=422)
    found = next((one for one in streams_of(request.principal) if one.request_id == form.cleaned_data["stream"]), None)
    if found:
        stop_stream(request.principal, found)
    return _told(request, is_stopped=found is not None)


@requires("stream:stop")
@require_POST
def answer_stop(request: SignedInRequest, turn_id: int) -> HttpResponse:
    """An assistant's answer."""
    turn = Turn.objects.listed_to(request.principal).filter(id=turn_id).first()
    if turn is None:
        raise Http404
    is_stopped = stop_for_institution(request.principal, turn)
    if is_stopped:
        jobs.stop(turn.id)
    return _told(request, is_stopped=is_stopped)


def _streams(request: SignedInRequest, *, is_paused: bool, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {"lines": lines_of(request.principal, now), "is_paused": is_paused, "now": now}
    return render(request, "console/streams.html", context, status=status)


def _told(request: SignedInRequest, *, is_stopped: bool) -> HttpResponse:
    if is_stopped:
        messages.info(request, _("This answer ends within a few seconds. What it used until then is counted."))
    else:
        messages.info(request, _("This answer had ended already."))
    return redirect("console:streams")
