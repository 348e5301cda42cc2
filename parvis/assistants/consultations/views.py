"""Opening a signalled conversation, with a reason, and reading it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.assistants.consultations import doors
from parvis.assistants.models import Conversation, SignalKind
from parvis.assistants.presentation import blocks_of, places_of
from parvis.evidence.actions import consult
from parvis.evidence.forms import ReasonForm

PER_PAGE = 30


@requires("content:consult")
@require_GET
def list_signalled(request: SignedInRequest) -> HttpResponse:
    """What was signalled, when and to which assistant: neither words nor names."""
    now = timezone.now()
    rows = doors.consultable(request.principal).annotate(signalled_at=Max("turns__signals__created_at"))
    page = Paginator(rows.order_by("-signalled_at", "-id").select_related("assistant"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    found = list(page.object_list)
    kinds = doors.signals(request.principal).filter(turn__conversation__in=found).values_list("turn__conversation_id", "kind")
    labels = {one.id: sorted({str(SignalKind(kind).label) for held, kind in kinds if held == one.id}) for one in found}
    rows_shown = [(one, labels[one.id], doors.open_consultation(request.principal, one, now)) for one in found]
    return render(request, "assistants/consultations/list.html", {"page": page, "conversations": rows_shown})


@requires("content:consult")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def conversation(request: SignedInRequest, conversation_id: int) -> HttpResponse:
    found: Conversation | None = (
        doors.consultable(request.principal).filter(id=conversation_id).select_related("assistant", "profile__person").first()
    )
    if found is None:
        raise Http404
    now = timezone.now()
    consultation = doors.open_consultation(request.principal, found, now)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and consultation is None and form.is_valid():
        consult(
            request.principal,
            kind=doors.KIND,
            number=found.id,
            person=found.profile.person,
            reason=form.cleaned_data["reason"],
        )
        return redirect(request.path)
    if consultation is None:
        context = {"form": form, "conversation_id": found.id, "assistant": found.assistant}
        return render(request, "assistants/consultations/reason.html", context, status=422 if form.is_bound else 200)
    read = doors.turns(consultation, now)
    places = places_of((event for _turn, events in read for event in events), request.principal)
    context = {
        "conversation": found,
        "consultation": consultation,
        "turns": [(turn, blocks_of(turn, events, places)) for turn, events in read],
    }
    return render(request, "assistants/consultations/conversation.html", context)
