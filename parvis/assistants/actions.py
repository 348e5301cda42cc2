"""What people do with assistants and conversations, and the log of an answer being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.text import slugify

from parvis.access.derivation import keyed_hash
from parvis.access.middleware import principal_of
from parvis.access.principal import Principal
from parvis.access.sensitivity import highest
from parvis.assistants import answering
from parvis.assistants.courtesies import courtesy
from parvis.assistants.models import (
    LEASE,
    STOPPED_BY_ADMINISTRATION,
    Assistant,
    AssistantPurpose,
    Conversation,
    EventKind,
    Mode,
    Signal,
    SignalKind,
    State,
    Turn,
    TurnEvent,
    tool_of,
)
from parvis.assistants.statements.models import Asked
from parvis.audit.models import record
from parvis.corpora.actions import create_corpus, protected_among, search_corpora, titles_of
from parvis.corpora.ai_rule.actions import closed_to, traced_for
from parvis.corpora.ai_rule.models import Use
from parvis.corpora.embeddings.actions import search_by_meaning_too
from parvis.corpora.models import Corpus, CorpusKind, Document, DocumentState
from parvis.inference.door import Admitted, NoRouteError, admit, class_of
from parvis.inference.models import LanguageModel
from parvis.inference.pseudonymisation.actions import pseudonyms_for
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.institutions.models import DataClass, Profile
from parvis.retrieval.abstention import NEUTRAL_THRESHOLD, Band, band
from parvis.retrieval.extraction import Sentence, best_sentences
from parvis.retrieval.search import Found

PASSAGES_READ = 8
SENTENCES_QUOTED = 3
REMEMBERED = 4
SENT_TWICE = timedelta(minutes=1)


class StillAnsweringError(Exception):
    """One answer at a time in a conversation: the next question may need it."""

    code = "still_answering"


class CourseForbidsError(Exception):
    """The teacher of the course said that its students do not ask an AI there."""

    code = "course_forbids"


class PurposeRefusedError(Exception):
    """The purpose is not in the list: AI Act, annex III, 3."""

    code = "purpose_refused"


@dataclass(frozen=True, slots=True)
class AssistantValues:
    name: str
    description: str
    instructions: str
    suggestions: str
    model: LanguageModel | None
    quotes_only: bool
    purpose: str = AssistantPurpose.COURSE


@transaction.atomic
def create_course(
    principal: Principal,
    *,
    name: str,
    description: str = "",
    kind: str = CorpusKind.COURSE,
    data_class: str = DataClass.INTERNAL,
    suggestions: str = "",
) -> tuple[Corpus, Assistant]:
    """A corpus and the assistant that answers from it: what a teacher calls a course. The same form sent twice makes one."""
    Profile.objects.select_for_update().get(id=principal.profile_id)  # the second sending waits for the first
    if twin := _just_created(principal, name=name, description=description, kind=kind):
        return twin
    corpus = create_corpus(principal, name=name, description=description, kind=kind, data_class=data_class)
    return corpus, create_assistant(principal, name=name, description=description, suggestions=suggestions, corpora=[corpus])


def _just_created(principal: Principal, **values: str) -> tuple[Corpus, Assistant] | None:
    """A course of these very words, made moments ago and still without a document."""
    recent = Corpus.objects.editable_by(principal).filter(
        owner_id=principal.profile_id, created_at__gt=timezone.now() - SENT_TWICE, documents=None, **values
    )
    corpus = recent.first()
    assistant = corpus and Assistant.objects.editable_by(principal).filter(corpora=corpus).first()
    return (corpus, assistant) if corpus and assistant else None


@transaction.atomic
def create_assistant(
    principal: Principal,
    *,
    name: str,
    description: str = "",
    instructions: str = "",
    suggestions: str = "",
    corpora: Iterable[Corpus],
    purpose: str = "",
) -> Assistant:
    """Over corpora this person may read; others are left out as if they did not exist. Its purpose, unless one is given, is
    that of its documents. Raises PurposeRefusedError."""
    corpora = list(corpora)
    purpose = purpose or _purpose_of(corpora)
    _check_purpose(purpose)
    readable = Corpus.objects.visible_to(principal).filter(id__in=[corpus.id for corpus in corpora])
    assistant = Assistant.unscoped.create(
        institution_id=principal.institution_id,
        owner_id=principal.profile_id,
        slug=_free_slug(principal.institution_id, name),
        name=name,
        description=description,
        instructions=instructions,
        suggestions=suggestions,
        purpose=purpose,
    )
    assistant.corpora.set(readable)
    _record(principal, "assistant.create", f"assistant:{assistant.id}")
    return assistant


@transaction.atomic
def edit_assistant(principal: Principal, assistant: Assistant, values: AssistantValues) -> None:
    """Raises PurposeRefusedError."""
    _check_purpose(values.purpose)
    assistant.name, assistant.description = values.name, values.description
    assistant.instructions, assistant.model = values.instructions, values.model
    assistant.suggestions, assistant.quotes_only = values.suggestions, values.quotes_only
    assistant.purpose = values.purpose
    assistant.save()
    _record(principal, "assistant.edit", f"assistant:{assistant.id}")


def _purpose_of(corpora: Sequence[Corpus]) -> str:
    rules_only = bool(corpora) and all(corpus.kind == CorpusKind.ADMINISTRATIVE for corpus in corpora)
    return AssistantPurpose.ADMINISTRATION if rules_only else AssistantPurpose.COURSE


def _check_purpose(purpose: str) -> None:
    if purpose not in AssistantPurpose.values:
        raise PurposeRefusedError


@transaction.atomic
def ask(
    principal: Principal,
    assistant: Assistant,
    question: str,
    *,
    conversation: Conversation | None = None,
    quotes_only: bool = False,
    data_class: str = "",
) -> Turn:
    """Stores the question, in the conversation and in the ledger of what was asked; somebody must then run the turn.
    `data_class` says how sensitive a new conversation is, "" as usual. Raises StillAnsweringError while another is being
    answered, CourseForbidsError in a course that lets nobody ask."""
    now = timezone.now()
    courses = open_courses(principal, assistant)
    if conversation is None:
        conversation = _begin(principal, assistant, question, data_class)
    else:
        conversation = Conversation.unscoped.select_for_update().get(id=conversation.id)
        _close_abandoned(conversation, now)
        if conversation.turns.get_queryset().open().exists():  # type: ignore[attr-defined]
            raise StillAnsweringError
        Conversation.unscoped.filter(id=conversation.id).update(updated_at=now)
    latest = conversation.turns.aggregate(latest=Max("number"))["latest"] or 0
    turn = Turn.unscoped.create(
        institution_id=conversation.institution_id,
        conversation=conversation,
        number=latest + 1,
        question=question,
        mode=Mode.EXTRACTIVE if quotes_only or assistant.quotes_only else Mode.GENERATIVE,
        lease_until=now + LEASE,
    )
    Asked.unscoped.create(
        institution_id=turn.institution_id,
        profile_id=principal.profile_id,
        turn=turn,
        courses=sorted(courses),
        assistant_name=assistant.name,
        traced=bool(traced_for(principal, courses)),
        asked_at=turn.created_at,
        question_hash=question_hash(question),
    )
    came_with = {"key": principal.key_id} if principal.key_id else {}
    _record(principal, "turn.ask", f"turn:{turn.id}", assistant=assistant.id, **came_with)
    return turn


def ai_use(principal: Principal, assistant: Assistant) -> Use:
    """What its courses let this person do with it."""
    try:
        courses = open_courses(principal, assistant)
    except CourseForbidsError:
        return Use.FORBIDDEN
    return Use.TRACED if traced_for(principal, courses) else Use.ALLOWED


def question_hash(question: str) -> str:
    """Keyed: of a question that was deleted, nobody finds the words by trying some."""
    return keyed_hash(question.encode(), master=settings.SECRET_KEY, use="parvis.assistants.asked")


def open_courses(principal: Principal, assistant: Assistant) -> frozenset[int]:
    """The corpora of the assistant that this person may read and ask about now. Raises CourseForbidsError when their
    teachers close all of them."""
    readable = frozenset(Corpus.objects.visible_to(principal).filter(assistants=assistant).values_list("id", flat=True))
    allowed = readable - closed_to(principal, readable)
    if readable and not allowed:
        raise CourseForbidsError
    return allowed


@transaction.atomic
def cancel(principal: Principal, turn: Turn) -> bool:
    """True when this is what stopped it; what was received is kept."""
    stopped = finish(turn.id, State.CANCELLED)
    if stopped:
        _record(principal, "turn.cancel", f"turn:{turn.id}")
    return stopped


@transaction.atomic
def stop_for_institution(principal: Principal, turn: Turn) -> bool:
    """The same, by who administers: its asker is told so."""
    stopped = finish(turn.id, State.CANCELLED, error_code=STOPPED_BY_ADMINISTRATION)
    if stopped:
        _record(principal, "stream.stop", f"turn:{turn.id}", model=turn.model_name, zone=turn.zone)
    return stopped


@transaction.atomic
def signal(principal: Principal, turn: Turn, kind: SignalKind) -> Signal:
    """Shows one exchange to those responsible for the assistant. Saying it twice says it once."""
    texts = turn.events.filter(kind=EventKind.TEXT).order_by("seq")
    sent, is_new = Signal.unscoped.get_or_create(
        turn=turn,
        kind=kind,
        defaults={
            "institution_id": turn.institution_id,
            "assistant_id": turn.conversation.assistant_id,
            "profile_id": turn.conversation.profile_id,
            "question": turn.question,
            "answer": "".join(event.payload.get("text", "") for event in texts).strip(),
        },
    )
    if is_new:
        _record(principal, "signal.send", f"turn:{turn.id}", kind=kind.value)
    return sent


@transaction.atomic
def withdraw_signal(principal: Principal, turn: Turn, kind: SignalKind) -> None:
    if Signal.unscoped.filter(turn=turn, kind=kind).delete()[0]:
        _record(principal, "signal.withdraw", f"turn:{turn.id}", kind=kind.value)


@transaction.atomic
def close_signal(principal: Principal, signal: Signal) -> None:
    signal.closed_at = signal.closed_at or timezone.now()
    signal.save(update_fields=["closed_at"])
    _record(principal, "signal.close", f"signal:{signal.id}")


@transaction.atomic
def rename_conversation(principal: Principal, conversation: Conversation, title: str) -> None:
    conversation.title = title
    conversation.save(update_fields=["title"])
    _record(principal, "conversation.rename", f"conversation:{conversation.id}")


@transaction.atomic
def classify_conversation(principal: Principal, conversation: Conversation, data_class: str) -> None:
    """Says that it is as sensitive as that. It is never said to be less so: what was written in it stays."""
    former = conversation.data_class or class_of(principal.institution_id, ())
    conversation.data_class = highest([former, data_class])
    conversation.save(update_fields=["data_class"])
    _record(principal, "conversation.classify", f"conversation:{conversation.id}", data_class=conversation.data_class)


@transaction.atomic
def delete_conversation(principal: Principal, conversation: Conversation) -> list[int]:
    """The turns that were still being written: there is no one left to write for. In the ledger stay, without their words,
    the questions of courses that ask for a trace."""
    rows = Asked.unscoped.filter(turn__conversation=conversation)
    rows.filter(traced=False).delete()
    rows.filter(outcome="").update(outcome=State.CANCELLED)
    _record(principal, "conversation.delete", f"conversation:{conversation.id}")
    unfinished = list(Turn.unscoped.open().filter(conversation=conversation).values_list("id", flat=True))
    conversation.delete()
    return unfinished


@dataclass(frozen=True, slots=True)
class Work:
    """All that writing an answer needs, read once, under the rights its asker has at that moment."""

    question: str
    evidence: tuple[answering.Evidence, ...]
    decision: Band
    sentences: tuple[Sentence, ...]
    history: tuple[answering.Exchange, ...]
    instructions: str
    route: Admitted | None
    notices: tuple[str, ...]
    courtesy: str = ""  # words said to a person rather than a question: nothing is searched
    pseudonyms: Pseudonyms | None = None  # what the model is asked through
    found: Found | None = None  # what is quoted where no model may be asked after all

    def quotations(self) -> tuple[Sentence, ...]:
        return tuple(best_sentences(self.found, limit=SENTENCES_QUOTED)) if self.found else ()


def all_assistants(institution_id: int) -> list[Assistant]:
    rows = Assistant.unscoped.filter(institution_id=institution_id)
    return list(rows.prefetch_related("corpora__owner"))


def prepare(turn_id: int) -> Work | None:
    """Makes the question whole, searches what its asker may read now, decides, and chooses who writes. None when the turn
    is no longer there."""
    turns = Turn.unscoped.select_related("conversation__assistant__model", "conversation__profile__institution")
    turn = turns.filter(id=turn_id).first()
    if turn is None:
        return None
    if said := courtesy(turn.question):
        return Work(turn.question, (), Band.NEAREST, (), (), "", None, (), courtesy=said)
    assistant = turn.conversation.assistant
    principal = principal_of(turn.conversation.profile)
    corpora = Corpus.objects.visible_to(principal).filter(assistants=assistant)
    read = {row[0]: row[1:] for row in corpora.values_list("id", "threshold", "data_class")}
    closed = closed_to(principal, read)
    thresholds = {corpus_id: threshold for corpus_id, (threshold, _) in read.items() if corpus_id not in closed}
    said = turn.conversation.data_class
    inputs = [said, *(read[corpus_id][1] for corpus_id in thresholds)]
    history = _history(turn)
    question = answering.rewrite(turn.question, history)
    found = search_corpora(principal, question, thresholds, limit=PASSAGES_READ)
    route, notices = _route(principal, turn, assistant, inputs)
    try:
        pseudonyms = _pseudonyms(turn, route)
    except PseudonymsUnavailableError as error:
        route, pseudonyms, notices = None, None, (error.code,)
    protected = protected_among(hit.passage.document_id for hit in found.hits)
    # By the words alone, as the thresholds were measured; and a protected passage answers nothing where no model may use it.
    decision = _decision(found if route else _quotable(found, protected), thresholds)
    found = search_by_meaning_too(principal, question, thresholds, limit=PASSAGES_READ, said=said) or found
    protected = protected_among(hit.passage.document_id for hit in found.hits)
    quotable = _quotable(found, protected)
    return Work(
        question=question,
        evidence=tuple(
            answering.Evidence(number, hit.passage, protected=hit.passage.document_id in protected)
            for number, hit in enumerate(found.hits, 1)
        ),
        decision=decision,
        sentences=tuple(best_sentences(quotable, limit=SENTENCES_QUOTED)) if route is None else (),
        history=history,
        instructions=assistant.instructions,
        route=route,
        notices=notices if _has_documents(principal, thresholds) else ("no_documents",),
        pseudonyms=pseudonyms,
        found=quotable,
    )


def _has_documents(principal: Principal, corpora: Iterable[int]) -> bool:
    read = Document.objects.visible_to(principal).filter(corpus__in=list(corpora), state=DocumentState.INDEXED)
    return bool(read.exists())


def _quotable(found: Found, protected: frozenset[int]) -> Found:
    kept = [place for place, hit in enumerate(found.hits) if hit.passage.document_id not in protected]
    hits, features = tuple(found.hits[place] for place in kept), tuple(found.features[place] for place in kept)
    return replace(found, hits=hits, features=features)


def stored(event: answering.Event) -> tuple[str, dict[str, Any]]:
    """An event as the log keeps it."""
    kinds = {
        answering.Text: EventKind.TEXT,
        answering.Citation: EventKind.CITATION,
        answering.Draft: EventKind.DRAFT,
        answering.Nearest: EventKind.NEAREST,
        answering.Notice: EventKind.NOTICE,
    }
    return kinds[type(event)], asdict(event)


@transaction.atomic
def begin_turn(
    turn_id: int, *, mode: str, rewritten: str = "", model_name: str = "", zone: str = "", data_class: str = ""
) -> bool:
    """False when the turn is no longer to be written: stopped, taken for dead, or deleted."""
    now = timezone.now()
    events = [(EventKind.ASKED, dict[str, Any]())] if mode == Mode.GENERATIVE else []
    begun = (
        Turn.unscoped.open()
        .filter(id=turn_id, lease_until__gt=now)
        .update(
            state=State.RUNNING,
            mode=mode,
            rewritten=rewritten,
            model_name=model_name,
            zone=zone,
            started_at=now,
            latest_seq=F("latest_seq") + len(events),
            lease_until=now + LEASE,
        )
    )
    if begun:
        _write(turn_id, events)
        if mode == Mode.GENERATIVE:
            _record_route(turn_id, model=model_name, zone=zone, data_class=data_class)
    return bool(begun)


@transaction.atomic
def reroute(turn_id: int, *, model_name: str, zone: str, data_class: str) -> None:
    """Another model answers in the place of the one that was to."""
    Turn.unscoped.open().filter(id=turn_id).update(model_name=model_name, zone=zone)
    _record_route(turn_id, model=model_name, zone=zone, data_class=data_class)


@transaction.atomic
def quote_instead(turn_id: int) -> None:
    """No model answers after all."""
    Turn.unscoped.open().filter(id=turn_id).update(mode=Mode.EXTRACTIVE, model_name="", zone="")
    _record_route(turn_id, "turn.withhold")


def _record_route(turn_id: int, action: str = "turn.route", **route: str) -> None:
    institution_id = Turn.unscoped.values_list("institution_id", flat=True).get(id=turn_id)
    record(institution_id=institution_id, actor="system:answers", action=action, subject=f"turn:{turn_id}", **route)


@transaction.atomic
def append(turn_id: int, events: Iterable[tuple[str, Mapping[str, Any]]]) -> bool:
    """Adds to the log and renews the lease, or does nothing and says False when the turn is no longer to be written."""
    now, events = timezone.now(), list(events)
    rows = Turn.unscoped.open().filter(id=turn_id, lease_until__gt=now)
    if not rows.update(latest_seq=F("latest_seq") + len(events), lease_until=now + LEASE):
        return False
    _write(turn_id, events)
    return True


@transaction.atomic
def finish(
    turn_id: int,
    state: State,
    *,
    error_code: str = "",
    usage: Mapping[str, Any] | None = None,
    events: Iterable[tuple[str, Mapping[str, Any]]] = (),
) -> bool:
    """Writes the last events and closes the log, once: of a stop and an end that cross, the first one counts."""
    events = [*events, (EventKind.DONE, {"state": state})]
    rows = Turn.unscoped.open().filter(id=turn_id)
    if not rows.update(
        latest_seq=F("latest_seq") + len(events),
        state=state,
        error_code=error_code,
        usage=dict(usage or {}),
        finished_at=timezone.now(),
    ):
        return False
    _write(turn_id, events)
    _write_down(turn_id)
    return True


def _write_down(turn_id: int) -> None:
    """The ledger says what became of the question: the turn may go."""
    turn = Turn.unscoped.only("state", "mode", "model_name", "zone").get(id=turn_id)
    cited = TurnEvent.unscoped.filter(turn=turn_id, kind=EventKind.CITATION).order_by("seq")
    titles = titles_of(payload["document_id"] for payload in cited.values_list("payload", flat=True))
    Asked.unscoped.filter(turn=turn_id).update(
        outcome=turn.state,
        mode=turn.mode,
        model_name=turn.model_name,
        zone=turn.zone,
        documents=sorted(set(titles.values())),
    )


def _history(turn: Turn) -> tuple[answering.Exchange, ...]:
    """The latest questions that were answered or declined, with the words of the answers."""
    if turn.number == 1:
        return ()
    former = Turn.unscoped.filter(
        conversation=turn.conversation, number__lt=turn.number, state__in=(State.ANSWERED, State.ABSTAINED)
    )
    asked = [one for one in former.order_by("-number")[: 2 * REMEMBERED] if not courtesy(one.question)]
    latest = asked[:REMEMBERED][::-1]
    texts: dict[int, list[str]] = {one.id: [] for one in latest}
    for event in TurnEvent.unscoped.filter(turn__in=latest, kind=EventKind.TEXT).order_by("turn_id", "seq"):
        texts[event.turn_id].append(event.payload["text"])
    return tuple(answering.Exchange(one.question, "".join(texts[one.id])) for one in latest)


def _route(
    principal: Principal, turn: Turn, assistant: Assistant, inputs: Iterable[str]
) -> tuple[Admitted | None, tuple[str, ...]]:
    if turn.mode == Mode.EXTRACTIVE:
        return None, ()
    through = [tool_of(assistant)]
    try:
        return admit(
            principal,
            inputs=inputs,
            purpose=assistant.purpose,
            model=assistant.model,
            through=through,
            app=f"assistant:{assistant.id}",
        ), ()
    except NoRouteError as error:
        return None, (error.code,)


def _pseudonyms(turn: Turn, route: Admitted | None) -> Pseudonyms | None:
    """As any of the models that may stand in for the first requires."""
    if route is None:
        return None
    zones = {one.zone for admitted in (route, route.wider) if admitted for one in admitted.routes.values()}
    conversation = f"conversation:{turn.conversation_id}"
    return pseudonyms_for(turn.institution_id, data_class=route.data_class, zones=zones, subject=conversation)


def _decision(found: Found, thresholds: Mapping[int, float | None]) -> Band:
    """By the threshold of the corpus that holds the best passage."""
    if not found.hits:
        return Band.NEAREST
    threshold = thresholds.get(found.hits[0].passage.corpus_id)
    return band(found, NEUTRAL_THRESHOLD if threshold is None else threshold)


def _write(turn_id: int, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """The row just updated is locked by this transaction: nobody else counts at the same time."""
    turn = Turn.unscoped.only("latest_seq", "institution_id").get(id=turn_id)
    first = turn.latest_seq - len(events) + 1
    TurnEvent.unscoped.bulk_create(
        TurnEvent(turn_id=turn_id, institution_id=turn.institution_id, seq=seq, kind=kind, payload=dict(payload))
        for seq, (kind, payload) in enumerate(events, first)
    )


def _begin(principal: Principal, assistant: Assistant, question: str, data_class: str) -> Conversation:
    usual = principal.data_class or class_of(principal.institution_id, ())
    return Conversation.unscoped.create(
        institution_id=principal.institution_id,
        assistant=assistant,
        profile_id=principal.profile_id,
        title=Conversation.title_from(question),
        data_class=highest([data_class, ""], default=usual) if data_class else principal.data_class,
    )


def _close_abandoned(conversation: Conversation, now: datetime) -> None:
    for turn_id in Turn.unscoped.abandoned(now).filter(conversation=conversation).values_list("id", flat=True):
        finish(turn_id, State.INTERRUPTED, error_code="server_stopped")


def _free_slug(institution_id: int, name: str) -> str:
    wanted = slugify(name)[:70] or "assistant"
    taken = set(Assistant.unscoped.filter(institution_id=institution_id).values_list("slug", flat=True))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(slug for slug in numbered if slug not in taken)


def _record(principal: Principal, action: str, subject: str, **details: Any) -> None:
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
