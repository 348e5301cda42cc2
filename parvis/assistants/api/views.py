"""What programs ask with a key: which tools they may use, and an assistant's answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from parvis.access.doors import get_or_404
from parvis.access.http import SignedInRequest
from parvis.access.keys.doors import keyed, problem
from parvis.assistants import actions, jobs
from parvis.assistants.api import completions
from parvis.assistants.api.completions import Completion, Telling
from parvis.assistants.export import EXTRACTED, GENERATED
from parvis.assistants.forms import QuestionForm
from parvis.assistants.models import (
    COURSE_FORBIDS,
    OPEN,
    STOPPED_BY_ADMINISTRATION,
    Assistant,
    Conversation,
    Mode,
    Turn,
)
from parvis.assistants.presentation import exported_turn
from parvis.inference.actions import chat_models_within_rules
from parvis.isolation.scope import within
from parvis.web.connections import release_connection

WAIT_SECONDS = 60.0
HEARTBEAT_SECONDS = 12.0


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a question. `conversation` goes on with one of the same assistant."""

    question: str
    conversation: int | None = None
    quotes_only: bool = False


@keyed("api:list")
@require_GET
def me(request: SignedInRequest) -> HttpResponse:
    """In whose name the key asks, and what it opens."""
    profile = request.profile
    return _json(
        {
            "name": profile.person.display_name,
            "role": profile.role,
            "institution": profile.institution.slug,
            "scopes": sorted(request.principal.scopes),
        }
    )


@keyed("api:list")
@require_GET
def assistants(request: SignedInRequest) -> HttpResponse:
    """The assistants and the models that the holder may use now."""
    rows = Assistant.objects.visible_to(request.principal)
    return _json(
        {
            "assistants": [
                {
                    "id": one.id,
                    "name": one.name,
                    "description": one.description,
                    "purpose": one.purpose,
                    "ai_use": actions.ai_use(request.principal, one),
                    "questions": request.build_absolute_uri(reverse("api:question", args=[one.id])),
                }
                for one in rows
            ],
            "models": [
                {"id": one.id, "name": one.display_name, "zone": one.provider.zone}
                for one in chat_models_within_rules(request.principal)
            ],
        }
    )


@keyed("api:ask")
@require_POST
def question(request: SignedInRequest, assistant_id: int) -> HttpResponse:
    """The answer when it comes soon; otherwise 202, and the address where it will be."""
    found = get_or_404(request.principal, "assistant:use", Assistant, id=assistant_id)
    try:
        asked = msgspec.json.decode(request.body, type=Asked)
    except msgspec.DecodeError as error:
        return problem("bad_request", _("The body is no question in JSON: %s.") % error)
    form = QuestionForm({"question": asked.question})
    if not form.is_valid():
        return problem("bad_request", str(form.errors["question"][0]))
    conversation = None
    if asked.conversation is not None:
        keys = {"id": asked.conversation, "assistant": found}
        conversation = get_or_404(request.principal, "conversation:view", Conversation, **keys)
    try:
        turn = actions.ask(
            request.principal,
            found,
            form.cleaned_data["question"],
            conversation=conversation,
            quotes_only=asked.quotes_only,
        )
    except actions.StillAnsweringError:
        return problem("busy", _("The previous answer is still being written. Wait for it, or stop it."))
    except actions.CourseForbidsError:
        return problem("refused", COURSE_FORBIDS)
    jobs.start(turn)
    release_connection()  # nothing is read while it waits
    jobs.wait(turn.id, WAIT_SECONDS)
    return _answer(request, turn)


@keyed("api:ask")
@require_GET
def answer(request: SignedInRequest, turn_id: int) -> HttpResponse:
    return _answer(request, get_or_404(request.principal, "conversation:view", Turn, id=turn_id))


@keyed("api:list")
@require_GET
def models(request: SignedInRequest) -> HttpResponse:
    """The assistants that the holder may ask, as /v1 lists models."""
    rows = Assistant.objects.visible_to(request.principal).select_related("institution")
    return _json({"object": "list", "data": [completions.row(one) for one in rows]})


@keyed("api:ask")
@require_POST
def completion(request: SignedInRequest) -> HttpResponseBase:
    """The answer of an assistant, as /v1 gives that of a model."""
    try:
        asked = msgspec.json.decode(request.body, type=Completion)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return problem("bad_request", _("The body is no question in JSON: %s.") % error)
    found = _named(request, asked.model)
    *earlier, latest = asked.questions or [""]
    form = QuestionForm({"question": latest})
    if not form.is_valid():
        return problem("bad_request", str(form.errors["question"][0]))
    conversation = completions.conversation_of(request.principal, found, earlier)
    try:
        turn = actions.ask(request.principal, found, form.cleaned_data["question"], conversation=conversation)
    except actions.StillAnsweringError:
        return problem("busy", _("The previous answer is still being written. Wait for it, or stop it."))
    except actions.CourseForbidsError:
        return problem("refused", COURSE_FORBIDS)
    jobs.start(turn)
    if asked.stream:
        telling = Telling(turn.id, asked.model, request.principal, asked.wants_usage)
        return StreamingHttpResponse(_pieces(request, telling), content_type="text/event-stream; charset=utf-8")
    release_connection()  # nothing is read while it waits
    jobs.wait(turn.id, WAIT_SECONDS)
    turn.refresh_from_db()
    now = timezone.now()
    if turn.state_at(now) in OPEN:
        return problem("busy", _("The answer is still being written: it will be in the conversations of the key’s holder."))
    if turn.error_code == STOPPED_BY_ADMINISTRATION:
        return problem("refused", _("An administrator stopped this answer."))
    mark = GENERATED if turn.mode == Mode.GENERATIVE else EXTRACTED
    said = completions.said_in_full(turn, request.principal, now)
    headers = {"Parvis-Digital-Source-Type": mark, **completions.headers(turn)}
    return _json(completions.whole(turn, asked.model, said), headers=headers)


def _named(request: SignedInRequest, model: str) -> Assistant:
    """parvis/<institution>/<assistant>. Raises Http404."""
    institution, _slash, slug = model.removeprefix(completions.PREFIX).partition("/")
    if not model.startswith(completions.PREFIX) or institution != request.profile.institution.slug:
        raise Http404
    return get_or_404(request.principal, "assistant:use", Assistant, slug=slug)


async def _pieces(request: SignedInRequest, telling: Telling) -> AsyncIterator[bytes]:
    await sync_to_async(release_connection)()
    language = translation.get_language() or "fr"

    def read(after: int) -> tuple[bytes, int, bool]:
        with translation.override(language), within(request.principal.institution_id):  # the request's own has ended
            return telling.since(after)

    async for piece in jobs.follow(telling.turn_id, read, 0, HEARTBEAT_SECONDS):
        yield piece or b": still here\n\n"


def _json(body: dict[str, Any], **kwargs: Any) -> JsonResponse:
    return JsonResponse(body, json_dumps_params={"ensure_ascii": False}, **kwargs)


def _answer(request: SignedInRequest, turn: Turn) -> JsonResponse:
    now = timezone.now()
    turn.refresh_from_db()
    state = turn.state_at(now)
    body: dict[str, Any] = {
        "id": turn.id,
        "conversation": turn.conversation_id,
        "state": state,
        "url": request.build_absolute_uri(reverse("api:answer", args=[turn.id])),
    }
    if state in OPEN:
        return _json(body, status=202)
    kept = exported_turn(turn, request.principal, now)
    body |= {
        "generated": turn.mode == Mode.GENERATIVE,
        "traced": turn.asked.traced,
        "model": turn.model_name,
        "zone": turn.zone,
        "text": "\n\n".join(piece.text for piece in kept.pieces),
        "pieces": [
            {"text": piece.text, "quoted": piece.quoted, "problem": piece.problem, "sources": piece.numbers}
            for piece in kept.pieces
        ],
        "sources": [
            {
                "number": source.number,
                "document": source.document,
                "place": source.place,
                "quotation": source.quotation,
                "verified": not source.problem,
            }
            for source in kept.sources
        ],
        "remark": kept.remark,
    }
    # People are told that they talk to an AI; programs too, by the IPTC's word.
    mark = GENERATED if turn.mode == Mode.GENERATIVE else EXTRACTED
    return _json(body, headers={"Parvis-Digital-Source-Type": mark})
