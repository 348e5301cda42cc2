"""An assistant as OpenAI's clients see a model: its answer as one text, with a number after each sentence that a document
proves, the quotations at the foot, and the same as annotations for programs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.assistants.models import (
    OPEN,
    STOPPED_BY_ADMINISTRATION,
    Assistant,
    Conversation,
    Mode,
    State,
    Turn,
    TurnEvent,
)
from parvis.assistants.presentation import (
    BlockShown,
    CitationShown,
    NearestShown,
    TurnShown,
    as_exported,
    blocks_of,
    places_of,
    turns_shown,
)
from parvis.assistants.quotations import plain
from parvis.inference.models import Zone
from parvis.ledger.usage import NANO

PREFIX = "parvis/"
LOOKED_AT = 20  # of the latest conversations, to find the one that goes on


class Message(msgspec.Struct):
    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part.get("text", "")) for part in self.content or () if part.get("type") == "text")


class Options(msgspec.Struct):
    include_usage: bool | None = None


class Completion(msgspec.Struct):
    """The body of a request: what a model would read besides changes nothing, an assistant has its own instructions."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: Options | None = None

    @property
    def questions(self) -> list[str]:
        return [" ".join(message.text.split()) for message in self.messages if message.role == "user"]

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(slots=True)
class Said:
    """As much of an answer as there is."""

    text: str = ""
    marks: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    nearest: list[dict[str, str]] = field(default_factory=list)


def model_name(assistant: Assistant) -> str:
    return f"{PREFIX}{assistant.institution.slug}/{assistant.slug}"


def row(assistant: Assistant) -> dict[str, Any]:
    """Of the list of models."""
    return {
        "id": model_name(assistant),
        "object": "model",
        "created": int(assistant.created_at.timestamp()),
        "owned_by": assistant.institution.slug,
        "type": "base",
        "capabilities": {"completion_chat": True, "function_calling": False, "vision": False},
        "parvis": {"name": assistant.name, "description": assistant.description, "purpose": assistant.purpose},
    }


def conversation_of(principal: Principal, assistant: Assistant, earlier: Sequence[str]) -> Conversation | None:
    """The one in which these very questions were asked, in that order: a client sends them again each time. What it says that
    the assistant had answered is not read."""
    if not earlier:
        return None
    rows = Conversation.objects.visible_to(principal).filter(assistant=assistant, profile=principal.profile_id)
    conversation: Conversation
    for conversation in rows.prefetch_related("turns")[:LOOKED_AT]:
        asked = sorted(conversation.turns.all(), key=lambda turn: turn.number)
        if [" ".join(turn.question.split()) for turn in asked] == list(earlier):
            return conversation
    return None


def said_so_far(turn: Turn, principal: Principal) -> Said:
    events = list(TurnEvent.objects.visible_to(principal).filter(turn=turn).order_by("seq"))
    said = Said()
    for block in blocks_of(turn, events, places_of(events, principal)):
        if said.text:
            said.text += "\n\n"
        _add(said, block)
    return said


def said_in_full(turn: Turn, principal: Principal, now: datetime) -> Said:
    """With its foot: remarks, then what each number quotes, or the passages that come nearest to what has no answer."""
    said = said_so_far(turn, principal)
    [shown] = turns_shown([turn], principal, now)
    remark = as_exported(turn, shown, turn.state_at(now)).remark
    foot = [remark] if remark else []
    if shown.outcome == State.ABSTAINED and not shown.without_documents:
        said.nearest = [_near(passage) for passage in shown.nearest]
        foot += _told_near(shown)
    foot += [f"[{number}] {said.notes[number]}" for number in sorted(said.notes)]
    said.text += ("\n\n" if said.text and foot else "") + "\n".join(foot)
    return said


def _told_near(shown: TurnShown) -> list[str]:
    """As the page of the assistant says it."""
    if not shown.nearest:
        return (
            []
            if shown.unproven
            else [_("No passage comes near it. Try other words, or ask about something the documents cover.")]
        )
    lead = (
        _("These passages come nearest.") if shown.unproven else _("These passages come nearest. None of them is an answer.")
    )
    return [lead, *(f"– {one['title']} : « {one['text']} »" for one in map(_near, shown.nearest))]


def _near(passage: NearestShown) -> dict[str, str]:
    lines = (" · ".join(filter(None, row)) for part in passage.parts for row in part.rows or ((part.text,),))
    return {
        "url": f"{settings.SITE_URL.rstrip('/')}{passage.url}",
        "title": f"{passage.document_title}, {passage.place}",
        "text": "\n".join(lines),
    }


def _add(said: Said, block: BlockShown) -> None:
    for sentence in block.sentences:
        words = plain(sentence.text) if block.kind == "quotation" else sentence.text
        words = words if said.text and not said.text.endswith("\n") else words.lstrip("\n")
        start = len(said.text)
        kept = words.rstrip()
        numbers = list(dict.fromkeys(citation.number for citation in sentence.citations if citation.verified))
        said.text += kept + "".join(f" [{number}]" for number in numbers)
        if sentence.problem and kept.strip():
            said.text += f" [{_('unverified')}]"
        for citation in sentence.citations:
            said.marks.append(_annotation(citation, start, len(said.text)))
            if citation.verified:
                note = f"{citation.document_title}, {citation.place} : « {plain(citation.quotation)} »"
                said.notes.setdefault(citation.number, note)
        said.text += words[len(kept) :]


def _annotation(citation: CitationShown, start: int, end: int) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {
            "start_index": start,
            "end_index": end,
            "url": f"{settings.SITE_URL.rstrip('/')}{citation.url}",
            "title": f"{citation.document_title}, {citation.place}",
        },
        "parvis": {"number": citation.number, "quotation": plain(citation.quotation), "verified": citation.verified},
    }


# As OpenAI writes them


def usage_of(turn: Turn) -> dict[str, int]:
    """Nothing where no model was asked."""
    taken, given = turn.usage.get("prompt_tokens") or 0, turn.usage.get("completion_tokens") or 0
    return {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}


def whole(turn: Turn, model: str, said: Said) -> dict[str, Any]:
    message = {"role": "assistant", "content": said.text, "refusal": None, "annotations": said.marks}
    return {
        "id": f"chatcmpl-{turn.id}",
        "object": "chat.completion",
        "created": int(turn.created_at.timestamp()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage_of(turn),
        "parvis": about(turn, said),
    }


def headers(turn: Turn) -> dict[str, str]:
    """Where it was computed and what it cost, as models say it at /v1: quotations are made here, and cost nothing."""
    if turn.mode == Mode.EXTRACTIVE:
        return {"x-parvis-zone": Zone.ON_PREM.value, "x-parvis-cost": "0"}
    cost = turn.usage.get("nano_euro")
    return {"x-parvis-zone": turn.zone} | ({} if cost is None else {"x-parvis-cost": f"{cost / NANO:.9f}"})


def about(turn: Turn, said: Said) -> dict[str, Any]:
    """`nearest`: passages that do not answer; they are no annotations, which clients show as sources."""
    told = {"turn": turn.id, "state": turn.state, "generated_by": turn.model_name, "zone": turn.zone}
    return told | ({"nearest": said.nearest} if said.nearest else {})


def chunk(turn_id: int, model: str, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    body = {
        "id": f"chatcmpl-{turn_id}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


@dataclass(slots=True)
class Telling:
    """An answer told piece by piece: what `since` gives each time, put together, is what `said_in_full` says at the end."""

    turn_id: int
    model: str
    principal: Principal
    wants_usage: bool
    told: str = ""
    begun: bool = False

    def since(self, after: int) -> tuple[bytes, int, bool]:
        """What to send now, the latest event that it covers, and whether that is all."""
        turn = Turn.objects.visible_to(self.principal).filter(id=self.turn_id).first()
        if turn is None:
            return _failed(_("This conversation was deleted.")), after, True
        now = timezone.now()
        closed = turn.state_at(now) not in OPEN
        if turn.latest_seq <= after and not closed:
            return b"", after, False
        sent = b"" if self.begun else chunk(turn.id, self.model, {"role": "assistant", "content": ""})
        self.begun = True
        if closed:
            return sent + self._end(turn, now), turn.latest_seq, True
        return sent + self._more(said_so_far(turn, self.principal).text), turn.latest_seq, False

    def _more(self, text: str) -> bytes:
        """Nothing as long as the end of it may still change: a mark comes after its sentence."""
        if not text.startswith(self.told) or text == self.told:
            return b""
        piece, self.told = text[len(self.told) :], text
        return chunk(self.turn_id, self.model, {"content": piece})

    def _end(self, turn: Turn, now: datetime) -> bytes:
        said = said_in_full(turn, self.principal, now)
        if turn.error_code == STOPPED_BY_ADMINISTRATION:
            return self._more(said.text) + _failed(_("An administrator stopped this answer."), "stopped")
        if turn.state_at(now) in (State.FAILED, State.INTERRUPTED, State.CANCELLED) and not said.text:
            return _failed(_("The answer was not written to its end."))
        sent = self._more(said.text)
        sent += chunk(turn.id, self.model, {"annotations": said.marks}, "stop", parvis=about(turn, said))
        if self.wants_usage:
            counts = {"id": f"chatcmpl-{turn.id}", "object": "chat.completion.chunk", "created": int(now.timestamp())}
            body = {**counts, "model": self.model, "choices": [], "usage": usage_of(turn)}
            sent += b"data: " + msgspec.json.encode(body) + b"\n\n"
        return sent + b"data: [DONE]\n\n"


def _failed(sentence: str, code: str = "not_written") -> bytes:
    error = {"message": sentence, "type": "server_error", "param": None, "code": code}
    return b"data: " + msgspec.json.encode({"error": error}) + b"\n\n"
