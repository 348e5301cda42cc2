"""What the conversation page shows of a turn: its log, read again each time under the rights its reader has now.

A turn's blocks depend on its events alone, in order: what was streamed, what a reload shows and what a resumed stream
adds up to are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.principal import Principal
from parvis.assistants import answering
from parvis.assistants.courtesies import GREETING, THANKS
from parvis.assistants.export import Exported, ExportedTurn, Piece, Source
from parvis.assistants.folding import find
from parvis.assistants.models import Conversation, EventKind, Mode, State, Turn, TurnEvent
from parvis.assistants.quotations import Part, parts, plain
from parvis.assistants.sentences import Kept, Sentence, notice_sentence, problem_words
from parvis.corpora.models import Document, Page, Passage
from parvis.corpora.sheets import Sheet, place, sheet
from parvis.inference.models import Zone
from parvis.ledger.presentation import euros

SAID_BY_THE_PAGE = frozenset({"documents_do_not_answer", "nothing_verified", "no_documents"})
FAULTY = (State.FAILED, State.INTERRUPTED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class CitationShown:
    key: str
    number: int
    url: str
    place: str
    document_title: str
    problem: str  # why its words do not prove the sentence; "" when they do
    quotation: str
    page: tuple[int, int]  # the document, and the number of the page in it

    @property
    def verified(self) -> bool:
        return not self.problem


@dataclass(frozen=True, slots=True)
class SentenceShown:
    text: str
    problem: str  # why it is not verified, "" when it is
    citations: tuple[CitationShown, ...] = ()

    @property
    def sourced(self) -> bool:
        return not self.problem


@dataclass(slots=True)
class BlockShown:
    key: str
    kind: str  # "quotation", "paragraph" or "rich"
    language: str = "fr"
    sentences: list[SentenceShown] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(sentence.text for sentence in self.sentences).strip("\n")

    @property
    def parts(self) -> list[Part]:
        return parts(self.text)

    @property
    def problem(self) -> str:
        return ", ".join(dict.fromkeys(sentence.problem for sentence in self.sentences if sentence.problem))

    @property
    def marks(self) -> list[CitationShown]:
        """One for each page."""
        return list({citation.number: citation for citation in reversed(self.citations)}.values())[::-1]

    @property
    def citations(self) -> list[CitationShown]:
        return [citation for sentence in self.sentences for citation in sentence.citations]


@dataclass(frozen=True, slots=True)
class NearestShown:
    url: str
    document_title: str
    place: str
    heading: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Provenance:
    mode: str
    model: str
    place: str
    price: str


@dataclass(frozen=True, slots=True)
class TurnShown:
    id: int
    url: str
    question: str
    state: str  # "streaming", "done", "stopped" or "failed"
    outcome: str  # "answered", "abstained" or ""
    unproven: bool  # abstained for the model's sake: the documents may well answer
    without_documents: bool  # abstained for there being nothing to search
    waiting: str  # what is being done, while streaming
    blocks: list[BlockShown]
    draft: str  # what a model had written when it was cut, nothing of it proved; "" when there is an answer, or may be one
    notices: list[Sentence]
    sources: list[CitationShown]
    nearest: list[NearestShown]
    provenance: Provenance | None
    stream_url: str
    stop_url: str
    retry_url: str
    extractive_url: str
    signal_url: str  # "" until there is something to signal
    signals: frozenset[str]  # the kinds already sent
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """What the reader may know now of the pages that were cited: titles and labels."""

    titles: dict[int, str]
    labels: dict[tuple[int, int], str]

    def title(self, document_id: int) -> str:
        return self.titles.get(document_id) or _("a document that was removed or is no longer shared with you")

    def place(self, document_id: int, number: int) -> str:
        return self.labels.get((document_id, number), "") or _("p. %(number)s") % {"number": number}


def turns_shown(turns: Sequence[Turn], principal: Principal, now: datetime) -> list[TurnShown]:
    """A handful of queries, however many turns."""
    events: dict[int, list[TurnEvent]] = {turn.id: [] for turn in turns}
    for event in TurnEvent.objects.visible_to(principal).filter(turn__in=turns).order_by("turn_id", "seq"):
        events[event.turn_id].append(event)
    places = places_of((event for log in events.values() for event in log), principal)
    return [_turn_shown(turn, events[turn.id], places, principal, now) for turn in turns]


def _turn_shown(turn: Turn, events: Sequence[TurnEvent], places: Places, principal: Principal, now: datetime) -> TurnShown:
    state = turn.state_at(now)
    blocks = blocks_of(turn, events, places)
    codes = {event.payload["code"] for event in events if event.kind == EventKind.NOTICE}
    retriable = state in FAULTY or (state == State.ABSTAINED and turn.mode == Mode.GENERATIVE)
    return TurnShown(
        id=turn.id,
        url=reverse("assistants:turn", args=[turn.id]),
        question=turn.question,
        state=_shown_state(state),
        outcome=state if state in (State.ANSWERED, State.ABSTAINED) else "",
        unproven="nothing_verified" in codes,
        without_documents="no_documents" in codes,
        waiting=waiting_sentence(events),
        blocks=blocks,
        draft=_draft(events) if state in FAULTY else "",
        notices=notices_of(turn, events, state),
        sources=_sources(blocks),
        nearest=_nearest(turn, events, places, principal),
        provenance=_provenance(turn, state) if blocks else None,
        stream_url=f"{reverse('assistants:stream', args=[turn.id])}?apres={events[-1].seq if events else 0}",
        stop_url=reverse("assistants:cancellation", args=[turn.id]),
        retry_url=reverse("assistants:retry", args=[turn.id]) if retriable else "",
        extractive_url=_extract_url(turn, state),
        signal_url=reverse("assistants:signal", args=[turn.id])
        if state in (State.ANSWERED, State.ABSTAINED) and not codes & {GREETING, THANKS}
        else "",
        signals=frozenset(signal.kind for signal in turn.signals.all()),
    )


def places_of(events: Iterable[TurnEvent], principal: Principal) -> Places:
    located = [event for event in events if event.kind in (EventKind.CITATION, EventKind.NEAREST)]
    document_ids = {event.payload["document_id"] for event in located}
    numbers = {event.payload["unit_number"] for event in located}
    if not located:
        return Places({}, {})
    documents = Document.objects.visible_to(principal).listed().filter(id__in=document_ids)
    titles = {document.id: str(document) for document in documents.only("id", "title", "name")}
    pages = Page.objects.visible_to(principal).filter(document__in=titles, number__in=numbers)
    labels = {
        (page.document_id, page.number): place(page, titles[page.document_id])
        for page in pages.only("document_id", "number", "kind", "label")
    }
    return Places(titles, labels)


def blocks_of(turn: Turn, events: Iterable[TurnEvent], places: Places) -> list[BlockShown]:
    """A text goes on in the block before it unless it begins one; a citation belongs to the text before it. Pages cited
    are numbered from 1 in the order in which they come."""
    events = list(events)
    blocks: list[BlockShown] = []
    numbers: dict[tuple[int, int], int] = {}
    for at, event in enumerate(events):
        payload = event.payload
        if event.kind == EventKind.TEXT:
            kind = _kind_of(turn, payload["text"])
            goes_on = blocks and _is_next_row(events, at, blocks[-1])
            if not goes_on and (not blocks or _begins_block(payload["text"], kind, blocks[-1])):
                blocks.append(BlockShown(f"{turn.id}-{event.seq}", kind))
            blocks[-1].sentences.append(SentenceShown(payload["text"], _problem(payload)))
        elif event.kind == EventKind.CITATION and blocks:
            number = numbers.setdefault((payload["document_id"], payload["unit_number"]), len(numbers) + 1)
            latest = blocks[-1].sentences[-1]
            citation = _citation(turn, event, number, places, latest.problem)
            blocks[-1].sentences[-1] = SentenceShown(latest.text, latest.problem, (*latest.citations, citation))
    return blocks


_RICH = re.compile(r"(?:[-*•+]|\d{1,3}[.)]|#{1,6})[ \t]|\||```|~~~|\$\$|\\\[|>")


def _kind_of(turn: Turn, text: str) -> str:
    if turn.mode == Mode.EXTRACTIVE:
        return "quotation"
    return "rich" if _RICH.match(text.lstrip()) else "paragraph"


def _begins_block(text: str, kind: str, before: BlockShown) -> bool:
    """A table goes on from row to row; a list, from one item to a block of the next, each with its own marks."""
    margin = text[: len(text) - len(text.lstrip())]
    if "quotation" in (kind, before.kind) or margin.count("\n") > 1:
        return True
    if text.lstrip().startswith("|") and before.kind == "rich" and before.text.lstrip().startswith("|"):
        return False
    return "\n" in margin and (kind == "rich" or before.kind == "rich")


def _is_next_row(events: Sequence[TurnEvent], at: int, before: BlockShown) -> bool:
    """Rows quoted one after the other from one page are one table, whose columns are then as wide."""
    following = events[at + 1] if at + 1 < len(events) else None
    if before.kind != "quotation" or following is None or following.kind != EventKind.CITATION or not before.citations:
        return False
    rows = [part.rows for part in parts(events[at].payload["text"])]
    former = [part.rows for part in before.parts]
    cited = (following.payload["document_id"], following.payload["unit_number"])
    return (
        len(rows) == len(former) == 1
        and bool(rows[0] and former[0])
        and len(rows[0][0]) == len(former[0][0])
        and cited == before.citations[-1].page
    )


def notices_of(turn: Turn, events: Sequence[TurnEvent], state: State) -> list[Sentence]:
    codes = [(event.payload["code"], event.payload["params"]) for event in events if event.kind == EventKind.NOTICE]
    if state == State.INTERRUPTED and turn.error_code in ("", "server_stopped"):
        codes.append(("server_stopped", {}))
    elif state == State.CANCELLED:
        codes.append((turn.error_code or "cancelled", {}))
    elif state == State.FAILED and not codes:
        codes.append((turn.error_code or "internal", {}))
    kept = kept_of(events)
    return [notice_sentence(code, params, kept=kept) for code, params in codes if code not in SAID_BY_THE_PAGE]


def kept_of(events: Iterable[TurnEvent]) -> Kept:
    """What of the answer there is to be read."""
    kinds = {event.kind for event in events}
    if EventKind.TEXT in kinds:
        return Kept.ANSWER
    return Kept.DRAFT if EventKind.DRAFT in kinds else Kept.NOTHING


def waiting_sentence(events: Iterable[TurnEvent]) -> str:
    """What is being done now, as far as the log tells."""
    kinds = {event.kind for event in events}
    if EventKind.TEXT in kinds:
        return _("Writing, and checking each quotation on its page…")
    if EventKind.DRAFT in kinds:
        return _("The model is writing. Nothing is shown until a first sentence is found on its page…")
    if EventKind.ASKED in kinds:
        return _("The model is reading the passages found…")
    return _("Searching the documents…")


def _draft(events: Sequence[TurnEvent]) -> str:
    """Unless some of it was verified: then it is in the answer."""
    if kept_of(events) != Kept.DRAFT:
        return ""
    return "".join(event.payload["text"] for event in events if event.kind == EventKind.DRAFT).strip()


def _shown_state(state: State) -> str:
    if state in (State.QUEUED, State.RUNNING):
        return "streaming"
    if state == State.CANCELLED:
        return "stopped"
    return "failed" if state in (State.FAILED, State.INTERRUPTED) else "done"


def _problem(text: Mapping[str, Any]) -> str:
    """Why the sentence of a text event is not verified; "" when it is."""
    if text["status"] == answering.VERIFIED:
        return ""
    said = [problem_words(problem["code"], problem["value"]) for problem in text.get("problems", ())]
    return ", ".join(dict.fromkeys(said)) or problem_words("no_citation")


def _citation(turn: Turn, event: TurnEvent, number: int, places: Places, problem: str) -> CitationShown:
    payload = event.payload
    key = f"{turn.id}.{event.seq}"
    return CitationShown(
        key=key,
        number=number,
        url=f"{reverse('assistants:conversation', args=[turn.conversation_id])}?citation={key}",
        place=places.place(payload["document_id"], payload["unit_number"]),
        document_title=places.title(payload["document_id"]),
        problem="" if payload["verified"] else problem or problem_words("no_citation"),
        quotation=payload["quotation"],
        page=(payload["document_id"], payload["unit_number"]),
    )


def _sources(blocks: Iterable[BlockShown]) -> list[CitationShown]:
    """Each page once; it is verified if one of its quotations is, and opens there."""
    pages: dict[int, CitationShown] = {}
    for citation in (citation for block in blocks for citation in block.citations):
        known = pages.setdefault(citation.number, citation)
        if citation.verified and not known.verified:
            pages[citation.number] = citation
    return list(pages.values())


def _nearest(turn: Turn, events: Iterable[TurnEvent], places: Places, principal: Principal) -> list[NearestShown]:
    """Only those the reader may open now; their text is read from the page, never kept in the log."""
    wanted = [event for event in events if event.kind == EventKind.NEAREST and event.payload["document_id"] in places.titles]
    if not wanted:
        return []
    address = reverse("assistants:conversation", args=[turn.conversation_id])
    pages = Page.objects.visible_to(principal).filter(
        document_id__in={event.payload["document_id"] for event in wanted},
        number__in={event.payload["unit_number"] for event in wanted},
    )
    by_place = {(page.document_id, page.number): page for page in pages.defer("words", "blocks")}
    headings = _headings(wanted, principal)
    shown = []
    for event in wanted:
        payload = event.payload
        if page := by_place.get((payload["document_id"], payload["unit_number"])):
            title = places.title(page.document_id)
            shown.append(
                NearestShown(
                    url=f"{address}?citation={turn.id}.{event.seq}",
                    document_title=title,
                    place=place(page, title),
                    heading=between(headings.get(payload["passage_id"], ()), title, place(page, title)),
                    parts=parts(page.text[payload["start"] : payload["end"]]),
                )
            )
    return shown


def between(headings: Sequence[str], title: str, place: str) -> str:
    """The headings above a passage, without the title before them and the place that is named beside."""
    path = [heading for at, heading in enumerate(headings) if at or _plain(heading) != _plain(title)]
    return " › ".join(path[:-1] if path and path[-1] == place else path)


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").casefold().split())


def _headings(events: Iterable[TurnEvent], principal: Principal) -> dict[int, tuple[str, ...]]:
    """The headings above each passage: those of its page may be of another chapter, which ends there."""
    ids = [event.payload["passage_id"] for event in events]
    passages = Passage.objects.visible_to(principal).filter(id__in=ids)
    return {row.id: tuple(row.heading_path) for row in passages.only("id", "heading_path")}


def _provenance(turn: Turn, state: State) -> Provenance | None:
    if state not in (State.ANSWERED, State.CANCELLED, State.FAILED, State.INTERRUPTED) or not turn.started_at:
        return None
    if turn.mode == Mode.EXTRACTIVE:
        return Provenance(Mode.EXTRACTIVE, "", "", _("at no cost"))
    place = Zone(turn.zone).where if turn.zone else ""
    return Provenance(Mode.GENERATIVE, turn.model_name, place, _tokens(turn))


def _tokens(turn: Turn) -> str:
    count = sum(int(turn.usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    if not count:
        return _("cost not metered")
    if (cost := turn.usage.get("nano_euro")) is None:
        return ngettext("%(count)s token, not priced", "%(count)s tokens, not priced", count) % {"count": count}
    return ngettext("%(count)s token, %(cost)s", "%(count)s tokens, %(cost)s", count) % {"count": count, "cost": euros(cost)}


def _extract_url(turn: Turn, state: State) -> str:
    """Offered where a model failed, or was stopped, or found nothing it could prove."""
    offered = turn.mode == Mode.GENERATIVE and (state in FAULTY or state == State.ABSTAINED)
    return reverse("assistants:extract", args=[turn.id]) if offered else ""


@dataclass(frozen=True, slots=True)
class SourceShown:
    mark: str
    requested: bool
    document_title: str
    place: str
    heading: str
    document_url: str
    close_url: str
    verified: bool | None
    problem: str  # why the words do not prove the sentence, where they do not
    sheet: Sheet
    ocr: bool
    previous_url: str
    next_url: str


@dataclass(frozen=True, slots=True)
class SegmentShown:
    text: str
    highlighted: bool


def source_shown(
    conversation: Conversation, turns: Sequence[TurnShown], principal: Principal, key: str, page_number: str
) -> SourceShown | None:
    """The page of one citation, under the rights its reader has now; of the latest answer's first one when none is asked for.
    None when there is no such citation, or no such page any more."""
    requested = bool(key)
    if not key:
        key = next((turn.sources[0].key for turn in reversed(turns) if turn.sources), "")
    event = _cited(conversation, principal, key)
    if event is None:
        return None
    payload = event.payload
    cited = payload["unit_number"]
    number = int(page_number) if page_number.isascii() and page_number.isdigit() and len(page_number) < 7 else cited
    pages = Page.objects.visible_to(principal).filter(document_id=payload["document_id"])
    page = pages.filter(number=number).select_related("document").first()
    if page is None:
        return None
    is_cited_page = number == cited
    start, end = (payload["start"], payload["end"]) if is_cited_page else (0, 0)
    address = reverse("assistants:conversation", args=[conversation.id])
    around = set(pages.filter(number__in=(number - 1, number + 1)).values_list("number", flat=True))
    verdict = bool(payload["verified"]) if event.kind == EventKind.CITATION else None
    title = str(page.document)
    above = _headings([event], principal).get(payload["passage_id"], ()) if is_cited_page else page.headings_at()
    place_asked = {"debut": start, "fin": end, "retour": f"{address}?citation={key}"}
    return SourceShown(
        mark=key,
        requested=requested,
        document_title=title,
        place=place(page, title),
        heading=between(above, title, place(page, title)),
        document_url=f"{reverse('corpora:document', args=[page.document_id, number])}?{urlencode(place_asked)}",
        close_url=f"{address}#mark-{key}",
        verified=verdict if is_cited_page else None,
        problem=_problem_of_cited(event, principal) if is_cited_page and verdict is False else "",
        sheet=sheet(page, start, end),
        ocr=page.ocr,
        previous_url=f"{address}?citation={key}&page={number - 1}" if number - 1 in around else "",
        next_url=f"{address}?citation={key}&page={number + 1}" if number + 1 in around else "",
    )


_KEY = re.compile(r"(\d{1,12})\.(\d{1,6})")


def _cited(conversation: Conversation, principal: Principal, key: str) -> TurnEvent | None:
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    located = TurnEvent.objects.visible_to(principal).filter(kind__in=(EventKind.CITATION, EventKind.NEAREST))
    event: TurnEvent | None = located.filter(turn__conversation=conversation, turn_id=int(match[1]), seq=int(match[2])).first()
    return event


def _problem_of_cited(citation: TurnEvent, principal: Principal) -> str:
    """Of the sentence that the citation was given for: the text just before it."""
    texts = TurnEvent.objects.visible_to(principal).filter(turn=citation.turn_id, kind=EventKind.TEXT, seq__lt=citation.seq)
    text = texts.order_by("-seq").first()
    return (_problem(text.payload) if text else "") or problem_words("no_citation")


def excerpts(conversations: Sequence[Conversation], words: str, principal: Principal) -> dict[int, list[SegmentShown]]:
    """Where the words stand in the first question that holds them."""
    if not words:
        return {}
    turns = Turn.objects.visible_to(principal).filter(conversation__in=conversations).asking(words)
    found: dict[int, list[SegmentShown]] = {}
    for turn in turns:
        found.setdefault(turn.conversation_id, _around(" ".join(turn.question.split()), words))
    return found


def _around(text: str, words: str, margin: int = 60) -> list[SegmentShown]:
    place = find(words, text)
    if place is None:  # the database folds letters in its own way
        return [SegmentShown(text[: 2 * margin], highlighted=False)]
    at, end = place
    start = max(0, at - margin)
    before = ("…" if start else "") + text[start:at]
    after = text[end : end + margin] + ("…" if end + margin < len(text) else "")
    return [SegmentShown(before, False), SegmentShown(text[at:end], True), SegmentShown(after, False)]


def exported(conversation: Conversation, principal: Principal, now: datetime) -> Exported:
    turns = list(Turn.objects.visible_to(principal).filter(conversation=conversation).order_by("number"))
    shown = turns_shown(turns, principal, now)
    return Exported(
        title=conversation.title,
        assistant=conversation.assistant.name,
        institution=conversation.institution.name,
        turns=tuple(as_exported(turn, one, turn.state_at(now)) for turn, one in zip(turns, shown, strict=True)),
    )


def exported_turn(turn: Turn, principal: Principal, now: datetime) -> ExportedTurn:
    return as_exported(turn, turns_shown([turn], principal, now)[0], turn.state_at(now))


def as_exported(turn: Turn, shown: TurnShown, state: State) -> ExportedTurn:
    citations = [citation for block in shown.blocks for citation in block.citations]
    remarks = [f"{notice.title} {notice.text}".strip() for notice in shown.notices]
    if shown.without_documents:
        remarks.append(notice_sentence("no_documents", {}).text)
    elif shown.unproven:
        remarks.append(notice_sentence("nothing_verified", {}).text)
    elif state == State.ABSTAINED:
        remarks.append(_("The documents do not answer this question."))
    return ExportedTurn(
        question=turn.question,
        pieces=tuple(_piece(block, sentence) for block in shown.blocks for sentence in block.sentences),
        sources=tuple(
            Source(one.number, one.document_title, one.place, plain(one.quotation), one.problem)
            for one in sorted(citations, key=lambda citation: citation.number)
        ),
        remark="\n".join(remarks),
        mode=turn.mode,
        model_name=turn.model_name,
        asked_at=turn.created_at,
    )


def _piece(block: BlockShown, sentence: SentenceShown) -> Piece:
    numbers = tuple(citation.number for citation in sentence.citations)
    quoted = block.kind == "quotation"
    text = plain(sentence.text) if quoted else sentence.text.strip("\n")
    return Piece(text, numbers, quoted=quoted, problem=sentence.problem)
