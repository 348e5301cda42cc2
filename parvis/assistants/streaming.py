"""The log of a turn as server-sent events: what changed after an event, in the words of the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Exists
from django.template.loader import render_to_string

from parvis.access.principal import Principal
from parvis.assistants.models import OPEN, EventKind, Turn, TurnEvent
from parvis.assistants.presentation import SAID_BY_THE_PAGE, Places, blocks_of, kept_of, places_of, waiting_sentence
from parvis.assistants.sentences import notice_sentence
from parvis.institutions.models import Profile


def messages_since(after: int, turn_id: int, principal: Principal, now: datetime) -> tuple[bytes, int, bool]:
    """What to send to a reader who has the events up to `after`, the latest one this covers, and whether the log is closed.

    A block is sent whole each time it grows, under its key: the page replaces it or adds it. So what any sequence of resumed
    streams leaves in the page is what a fresh load would show.
    """
    reader = Profile.objects.filter(id=principal.profile_id, ended_at=None, person__is_active=True)
    turn = Turn.objects.visible_to(principal).filter(Exists(reader), id=turn_id).first()
    if turn is None:  # deleted, or no longer theirs; or they were suspended meanwhile
        return _message("done", "gone"), after, True
    closed = turn.state_at(now) not in OPEN
    if turn.latest_seq <= after and not closed:
        return b"", after, False
    events = list(TurnEvent.objects.visible_to(principal).filter(turn=turn).order_by("seq"))
    sent = b"".join(_since(after, turn, events, places_of(events, principal)))
    latest = max(after, events[-1].seq if events else 0)
    if closed:
        sent += _message("done", turn.state, latest)
    return sent, latest, closed


def _since(after: int, turn: Turn, events: Sequence[TurnEvent], places: Places) -> Iterator[bytes]:
    for count, event in enumerate(events, 1):
        if event.seq <= after:
            continue
        if event.kind == EventKind.NOTICE:
            if event.payload["code"] in SAID_BY_THE_PAGE:
                continue
            notice = notice_sentence(event.payload["code"], event.payload["params"], kept=kept_of(events[:count]))
            context = {"level": notice.level, "title": notice.title, "text": notice.text}
            yield _message("notice", render_to_string("web/components/message.html", context), event.seq)
        elif event.kind in (EventKind.ASKED, EventKind.DRAFT):
            yield _message("waiting", waiting_sentence(events[:count]), event.seq)
        elif event.kind in (EventKind.TEXT, EventKind.CITATION) and not _is_completed_next(events, count):
            blocks = blocks_of(turn, events[:count], places)
            if blocks:
                yield _message("block", render_to_string("assistants/assistant.html#block", {"block": blocks[-1]}), event.seq)


def _is_completed_next(events: Sequence[TurnEvent], count: int) -> bool:
    """The citation of a text that has already come is sent with it."""
    return count < len(events) and events[count].kind == EventKind.CITATION


def _message(event: str, data: str, seq: int | None = None) -> bytes:
    lines = [f"event: {event}", *(f"data: {line}" for line in data.splitlines() or [""])]
    if seq is not None:
        lines.insert(0, f"id: {seq}")
    return ("\n".join(lines) + "\n\n").encode()
