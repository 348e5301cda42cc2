"""Passages in, events out: an answer made of quotations, or a model's sentences each checked against its passage.

Without Django and without network: retrieval has decided whether the documents answer, the model is an iterator given
by the caller. What a model writes is shown as verified only when we found its quotation in a passage we gave it; with no
verified sentence there is no answer. See docs/decisions/0005-answering-without-trusting-the-model.md.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from parvis.assistants.facts import figures
from parvis.assistants.followups import is_follow_up, rewrite, rewrite_with
from parvis.assistants.prompt import Evidence, Exchange, compose, is_refusal, language
from parvis.assistants.protection import Guard
from parvis.assistants.segments import Claim, Segment, Segmenter
from parvis.assistants.verification import check_facts, find_quotation, is_long_enough
from parvis.inference.completion import Delta, Message, Model, ModelWithheldError, UpstreamError
from parvis.retrieval.abstention import Band
from parvis.retrieval.analysis import terms
from parvis.retrieval.extraction import Sentence

__all__ = [
    "Citation",
    "Done",
    "Draft",
    "Event",
    "Evidence",
    "Exchange",
    "Limits",
    "Nearest",
    "Notice",
    "Problem",
    "Text",
    "Usage",
    "answer",
    "is_follow_up",
    "language",
    "rewrite",
    "rewrite_with",
]

VERIFIED, UNSOURCED = "verified", "unsourced"
ANSWERED, ABSTAINED, INTERRUPTED, FAILED, CANCELLED = "answered", "abstained", "interrupted", "failed", "cancelled"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a sentence is not verified: no_citation, quotation_not_found, protected, unrelated, negation,
    fact_not_in_passage or fact_not_in_quotation, whose `value` is the number, date or name."""

    code: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence, or one block of code, with the white space and the list mark before it. Plain data: it may hold
    Markdown and formulas, and any HTML in it is to be shown, never interpreted."""

    text: str
    status: str  # verified | unsourced
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """What proves the sentence just before it. `start` and `end` count in the text of the unit, and `quotation` is that
    text. `verified` is False when the words are there and the sentence says something else."""

    number: int
    passage_id: int
    document_id: int
    unit_number: int
    start: int
    end: int
    quotation: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence that waits for one to be verified, or what a model had written of one when it was cut. Never a part of the
    answer: should the model fail before anything is verified, it is what was received."""

    text: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """A passage worth reading where the documents do not answer."""

    number: int
    passage_id: int
    document_id: int
    unit_number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person: documents_do_not_answer, nothing_verified, protected_withheld, empty_answer,
    length_limit, filtered, or the code and parameters of an UpstreamError."""

    code: str
    params: dict[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them, else estimated. Instants are seconds after the question."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    first_token_seconds: float | None = None
    seconds: float = 0.0
    nano_euro: int | None = None  # None: there is no price


@dataclass(frozen=True, slots=True)
class Done:
    """The last event, always. `outcome`: answered, abstained, interrupted (verified sentences were kept), failed
    (nothing to keep), cancelled."""

    outcome: str
    usage: Usage = Usage()


Event = Text | Citation | Draft | Nearest | Notice | Done


@dataclass(frozen=True, slots=True)
class Limits:
    first_token_seconds: float = 60.0
    idle_seconds: float = 20.0
    total_seconds: float = 180.0
    answer_characters: int = 24_000
    context_characters: int = 12_000
    quoted_sentences: int = 3
    nearest: int = 3


async def answer(
    question: str,
    evidence: Sequence[Evidence],
    *,
    decision: Band,
    sentences: Sequence[Sentence] = (),
    quotable: Callable[[], Awaitable[Sequence[Sentence]]] | None = None,
    model: Model | None = None,
    history: Sequence[Exchange] = (),
    instructions: str = "",
    limits: Limits = Limits(),
    cancel: asyncio.Event | None = None,
    nonce: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Event, None]:
    """The events of one answer, Done last. `question` has been made whole by `rewrite` when it followed another.

    Without a model, quotes `sentences`, best first; where a model is withheld at the last moment, those or `quotable()`.
    Setting `cancel`, or closing this iterator, hangs up on the model; only the former gives a Done("cancelled"), what was
    verified before it being kept."""
    if decision is not Band.ANSWER or not evidence:
        for event in _abstention("documents_do_not_answer", evidence, limits):
            yield event
        yield Done(ABSTAINED)
    elif model is None:
        for event in _extractive(evidence, sentences, limits):
            yield event
    else:
        messages = compose(
            question,
            evidence,
            history=history,
            instructions=instructions,
            nonce=nonce or secrets.token_hex(4),
            context_characters=limits.context_characters,
        )
        generation = _Generation(evidence, messages, limits, clock)
        try:
            async with aclosing(generation.events(model, cancel)) as events:
                async for event in events:
                    yield event
        except ModelWithheldError as withheld:
            yield Notice(withheld.code, dict(withheld.params))
            for event in _extractive(evidence, sentences or (await quotable() if quotable else ()), limits):
                yield event


def _abstention(code: str, evidence: Sequence[Evidence], limits: Limits) -> Iterator[Event]:
    yield Notice(code)
    for one in [one for one in evidence if not one.protected][: limits.nearest]:
        passage = one.passage
        yield Nearest(one.number, passage.id, passage.document_id, passage.unit_number, passage.start, passage.end)


def _extractive(evidence: Sequence[Evidence], sentences: Sequence[Sentence], limits: Limits) -> Iterator[Event]:
    by_passage = {one.passage.id: one for one in evidence}
    guard = _guard(evidence)
    quoted = 0
    for sentence in sentences:
        source = by_passage.get(sentence.passage.id)
        citation = _own_words(source, sentence) if source else None
        if citation is None or not guard.lets_out(citation.quotation):
            continue
        yield Text(("\n\n" if quoted else "") + citation.quotation, VERIFIED)
        yield citation
        quoted += 1
        if quoted == limits.quoted_sentences:
            break
    if not quoted:
        yield from _abstention("documents_do_not_answer", evidence, limits)
    yield Done(ANSWERED if quoted else ABSTAINED)


def _guard(evidence: Sequence[Evidence]) -> Guard:
    shown = [one.passage.text for one in evidence if not one.protected]
    return Guard((one.passage.text for one in evidence if one.protected), shown)


def _own_words(source: Evidence, sentence: Sentence) -> Citation | None:
    """The citation of a sentence that is, to the letter, where it says it is in a passage that may be quoted."""
    start, end = sentence.start - source.passage.start, sentence.end - source.passage.start
    if source.protected or start < 0 or not sentence.text or source.passage.text[start:end] != sentence.text:
        return None
    return _citation(source, start, end, verified=True)


def _citation(source: Evidence, start: int, end: int, *, verified: bool) -> Citation:
    """`start` and `end` count in the passage; in the citation, in its unit."""
    passage = source.passage
    return Citation(
        source.number,
        passage.id,
        passage.document_id,
        passage.unit_number,
        passage.start + start,
        passage.start + end,
        passage.text[start:end],
        verified,
    )


class _Generation:
    """One model's answer being received and checked."""

    def __init__(
        self, evidence: Sequence[Evidence], messages: list[Message], limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._evidence = evidence
        self._messages = messages
        self._limits = limits
        self._clock = clock
        self._began = clock()
        self._first_token: float | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._characters = 0
        self._finish = ""
        self._guard, self._draft_guard = _guard(evidence), _guard(evidence)
        self._told: set[str] = set()
        self._nano_euro: int | None = None
        self._withheld = False
        self._refused = False
        self._verified = 0
        self._waiting: list[tuple[Text, list[Citation]]] = []  # unsourced, until a sentence is verified

    async def events(self, model: Model, cancel: asyncio.Event | None) -> AsyncGenerator[Event, None]:
        segmenter = Segmenter()
        failure: UpstreamError | None = None
        cancelled = False
        try:
            async with aclosing(_received(model(self._messages), self._limits, cancel)) as deltas:
                async for delta in deltas:
                    if delta.notice:
                        for event in self._noticed(delta.notice):
                            yield event
                        continue
                    for segment in segmenter.push(self._count(delta)):
                        for event in self._checked(segment):
                            yield event
                    if self._characters >= self._limits.answer_characters:
                        self._finish = "length"
                        break
        except ModelWithheldError:
            raise
        except UpstreamError as error:
            failure = error
        except _CancelledError:
            cancelled = True
        cut = failure is not None or cancelled or self._finish == "length"
        for segment in segmenter.close():
            for event in self._checked(segment) if segment.claims or not cut else self._unfinished(segment):
                yield event
        for event in self._ending(failure, cancelled=cancelled):
            yield event

    def _noticed(self, code: str) -> Iterator[Event]:
        """Once, however often it is said."""
        if code not in self._told:
            self._told.add(code)
            yield Notice(code)

    def _count(self, delta: Delta) -> str:
        if delta.text and self._first_token is None:
            self._first_token = self._clock() - self._began
        self._prompt_tokens = delta.prompt_tokens if delta.prompt_tokens is not None else self._prompt_tokens
        if delta.completion_tokens is not None:
            self._completion_tokens = delta.completion_tokens
        self._finish = delta.finish or self._finish
        self._nano_euro = delta.nano_euro if delta.nano_euro is not None else self._nano_euro
        text = delta.text[: self._limits.answer_characters - self._characters]
        self._characters += len(text)
        return text

    def _checked(self, segment: Segment) -> Iterator[Event]:
        if is_refusal(segment.text) and not self._verified:  # it proves nothing, and there is nothing in it to prove
            self._refused = True
            return
        text, citations = _verified(segment, self._evidence)
        if self._verified:
            yield from self._let_out(text, citations)
        elif text.status == UNSOURCED:
            self._waiting.append((text, citations))
            yield from self._drafted(text)
        else:
            yield from self._first_verified(text, citations)

    def _unfinished(self, segment: Segment) -> Iterator[Event]:
        """Half a sentence is no part of an answer."""
        if not self._verified:
            yield from self._drafted(_verified(segment, self._evidence)[0])

    def _drafted(self, text: Text) -> Iterator[Event]:
        if self._draft_guard.lets_out(text.text):
            yield Draft(text.text)

    def _first_verified(self, text: Text, citations: list[Citation]) -> Iterator[Event]:
        """It vouches for there being an answer: what waited before it comes out, unless it would then be withheld."""
        if not self._guard.allows("".join(one.text for one, _ in self._waiting) + text.text):
            self._waiting.clear()
            yield from self._withhold()
        if self._guard.allows(text.text):
            self._verified = 1
            for one, its_citations in [*self._waiting, (text, citations)]:
                yield from self._let_out(one, its_citations)
        self._waiting.clear()

    def _let_out(self, text: Text, citations: list[Citation]) -> Iterator[Event]:
        if not self._guard.lets_out(text.text):
            yield from self._withhold()
            return
        yield text
        yield from (citation for citation in citations if self._guard.allows(citation.quotation))

    def _withhold(self) -> Iterator[Event]:
        if not self._withheld:
            self._withheld = True
            yield Notice("protected_withheld")

    def _ending(self, failure: UpstreamError | None, *, cancelled: bool) -> Iterator[Event]:
        usage = self._usage()
        if cancelled:
            yield Done(CANCELLED, usage)
        elif failure is not None:
            yield Notice(failure.code, dict(failure.params))
            yield Done(INTERRUPTED if self._verified else FAILED, usage)
        elif not self._characters:
            yield Notice("empty_answer")
            yield Done(FAILED, usage)
        elif not self._verified:
            code = "documents_do_not_answer" if self._refused else "nothing_verified"
            yield from _abstention(code, self._evidence, self._limits)
            yield Done(ABSTAINED, usage)
        else:
            if self._finish in _ENDINGS:
                yield Notice(_ENDINGS[self._finish])
            yield Done(ANSWERED, usage)

    def _usage(self) -> Usage:
        asked = sum(len(message["content"]) for message in self._messages)
        return Usage(
            prompt_tokens=_estimate(asked) if self._prompt_tokens is None else self._prompt_tokens,
            completion_tokens=_estimate(self._characters) if self._completion_tokens is None else self._completion_tokens,
            estimated=self._prompt_tokens is None or self._completion_tokens is None,
            first_token_seconds=self._first_token,
            seconds=self._clock() - self._began,
            nano_euro=self._nano_euro,
        )


def _estimate(characters: int) -> int:
    """French text takes about four characters a token with the tokenizers of today's models; rounded up."""
    return -(-characters // 4)


_ENDINGS = {"length": "length_limit", "model_length": "length_limit", "content_filter": "filtered"}


# Verifying a sentence


def _verified(segment: Segment, evidence: Sequence[Evidence]) -> tuple[Text, list[Citation]]:
    text = _without_addresses(segment.text)
    problems: list[Problem] = []
    found: list[tuple[Evidence, int, int]] = []
    for claim in segment.claims:
        place = _place(claim, segment.text, evidence)
        if isinstance(place, Problem):
            problems.append(place)
        elif place not in found:
            found.append(place)
    if not segment.claims:
        return Text(text, UNSOURCED, (Problem("no_citation"),)), []
    if not found:
        return Text(text, UNSOURCED, tuple(dict.fromkeys(problems))), []
    doubts = _doubts(segment.text, found)
    citations = [_citation(source, start, end, verified=not doubts) for source, start, end in found]
    return Text(text, UNSOURCED if doubts else VERIFIED, tuple(doubts)), citations


def _place(claim: Claim, text: str, evidence: Sequence[Evidence]) -> tuple[Evidence, int, int] | Problem:
    """Where the claimed words are: in the passage claimed, else in another that was given; a number is easily wrong."""
    wanted = [claim.quotation] if claim.quotation is not None else [*_QUOTED.findall(text), _MARK.sub("", text)]
    for one in sorted(evidence, key=lambda one: (one.protected, one.number not in claim.numbers)):
        for words in wanted:
            place = find_quotation(words, one.passage.text) or find_quotation(_EMPHASIS.sub("", words), one.passage.text)
            if place:
                return Problem("protected") if one.protected else (one, *place)
    return Problem("quotation_not_found" if claim.quotation is not None or _QUOTED.search(text) else "no_citation")


def _doubts(text: str, found: Sequence[tuple[Evidence, int, int]]) -> list[Problem]:
    passages = [one.passage for one, _, _ in found]
    said = "\n".join(passage.text for passage in passages)
    context = "\n".join(f"{passage.document_title}\n{' '.join(passage.heading_path)}" for passage in passages)
    doubts = [Problem("fact_not_in_passage", fact) for fact in check_facts(text, said, context=context)]
    invented = (words for words in _QUOTED.findall(text) if is_long_enough(words))
    if any(not any(find_quotation(words, passage.text) for passage in passages) for words in invented):
        doubts.append(Problem("quotation_not_found"))
    quoted = " ".join(one.passage.text[start:end] for one, start, end in found)
    if not doubts and (others := _other_figures(text, quoted, context)):
        doubts += [Problem("fact_not_in_quotation", figure) for figure in others]
    if _says_the_contrary(text, quoted, said):
        doubts.append(Problem("negation"))
    own, theirs = set(terms(text)), set(terms(f"{said} {context}"))
    if len(own) >= _ENOUGH_TERMS and not own & theirs and language(text) == language(said):
        doubts.append(Problem("unrelated"))
    return doubts


def _other_figures(text: str, quoted: str, context: str) -> list[str]:
    """The figures that stand in the sentence for others of its quotation: "45 crédits" over a quotation that says 60, be
    45 elsewhere in the passage."""
    if not check_facts(quoted, text, context=context, figures_only=True):
        return []
    missing = check_facts(text, quoted, context=context, figures_only=True)
    often = Counter(figures(quoted))
    return missing + [figure for figure, count in Counter(figures(text)).items() if 0 < often[figure] < count]


def _says_the_contrary(text: str, quoted: str, said: str) -> bool:
    """The quotation denies and the sentence does not, or the sentence denies and nothing in the passage does."""
    if _denies(quoted):
        own, theirs = _softer_denials(text), _softer_denials(quoted)
        plain = _denies(text) or own & _PLAIN_DENIALS or _ELLIPTIC_DENIAL.search(text)
        return not plain and own <= theirs
    return _denies(text) and not _softer_denials(said)


def _denies(text: str) -> bool:
    """Whether something is denied outright: not "ne… que", which restricts, nor "avant qu'il ne parte"."""
    if _ENGLISH_DENIAL.search(text):
        return True
    for match in _HALF_DENIAL.finditer(text):
        clause = _CLAUSE.match(text, match.end()).group()  # type: ignore[union-attr]  # may be empty
        before = text[max(0, match.start() - 40) : match.start()]
        if _OTHER_HALF.search(clause) or _FIRST_HALF.search(before):
            return True
        if _ALONE.match(clause) and not _RESTRICTION.search(clause):
            return True
    return False


def _softer_denials(text: str) -> set[str]:
    return {word.lower().replace("’", "'") for word in _SOFTER_DENIAL.findall(text)}


def _without_addresses(text: str) -> str:
    """Images and links keep their words and lose their address: nothing shown may be fetched."""
    return _HTML_IMAGE.sub("", _LINK.sub(lambda match: match["words"], text))


_ENOUGH_TERMS = 3
_QUOTED = re.compile(r"[«“\"]([^«»“”\"]{12,}?)[»”\"]")
_MARK = re.compile(r"^\s*(?:[-*•+]|\d{1,3}[.)]|#{1,6})\s+")
_EMPHASIS = re.compile(r"\*\*|__|(?<!\w)[*_`](?=\w)|(?<=\w)[*_`](?!\w)")
_LINK = re.compile(r"!?\[(?P<words>[^\]\n]*)\]\([^)\n]*\)")
_HTML_IMAGE = re.compile(
    r"<\s*(?:img|image|picture|source|iframe|script|link|object|embed|video|audio)\b[^>]*>?", re.IGNORECASE
)
_HALF_DENIAL = re.compile(r"\b(?:ne\b|n['’])", re.IGNORECASE)
_CLAUSE = re.compile(r"[^.;:!?]{0,60}")
_OTHER_HALF = re.compile(r"\b(?:pas|jamais|plus|rien|aucune?|ni|nul|nulle|personne|guère|point|nullement)\b", re.IGNORECASE)
_FIRST_HALF = re.compile(r"\b(?:aucune?|nul|nulle|rien|personne|jamais|ni)\b[^.;:!?,]*$", re.IGNORECASE)
_ALONE = re.compile(r"\s?(?:[\w’']{1,3}\s)?(?:peu[tvx]|pou[rv]|puiss|sau[rv]|sait|cess|os[ea])\w*", re.IGNORECASE)
_RESTRICTION = re.compile(r"\bque?\b|\bqu['’]", re.IGNORECASE)
_ENGLISH_DENIAL = re.compile(r"\b(?:not|never|cannot)\b|n['’]t\b", re.IGNORECASE)
_PLAIN_DENIALS = frozenset("jamais aucun aucune ni non no not never cannot n't".split())
_ELLIPTIC_DENIAL = re.compile(r"^\W*pas\b|\bpas d(?:e |['’])", re.IGNORECASE)
_SOFTER_DENIAL = re.compile(
    r"\b(?:ne|pas|jamais|aucune?|ni|non|nul|nulles?|sans|sauf|hors|seule?s?|uniquement|excepté|hormis|moins|perd\w*"
    r"|(?:interdi|impossib|irrecev|inélig|invalid|insuffi|incompat|inapplic|irrégul|illég|illicit|refus|exclu|empêch"
    r"|prohib|défaill|absen|dispens|annul|inférieur|supprim|rejet)\w*"
    r"|no|not|never|cannot|without|except|unless|only|forbidden|prohibited|denied|excluded|unable|impossible)\b"
    r"|\bn['’]|n['’]t\b",
    re.IGNORECASE,
)


# Receiving


class _CancelledError(Exception):
    pass


_Queue = asyncio.Queue[Delta | Exception | None]
_AHEAD = 256  # deltas read before anyone asks for them


async def _received(stream: AsyncIterator[Delta], limits: Limits, cancel: asyncio.Event | None) -> AsyncGenerator[Delta, None]:
    """The model's deltas, as long as they keep coming. A task of its own reads the stream from beginning to end, so that
    waiting for it can be given up at any moment, and the stream is closed in any case."""
    queue: _Queue = asyncio.Queue(maxsize=_AHEAD)
    reader = asyncio.create_task(_read(stream, queue))
    watcher = asyncio.create_task(_watch(cancel, queue)) if cancel else None
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.total_seconds
    patience = limits.first_token_seconds
    try:
        while True:
            if cancel is not None and cancel.is_set():
                raise _CancelledError
            try:
                async with asyncio.timeout_at(min(deadline, loop.time() + patience)):
                    item = await queue.get()
            except TimeoutError:
                raise UpstreamError("stalled", seconds=round(patience, 3)) from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            patience = limits.first_token_seconds if item.notice else limits.idle_seconds
            yield item
    finally:
        for task in filter(None, [reader, watcher]):
            task.cancel()
        await asyncio.gather(*filter(None, [reader, watcher]), return_exceptions=True)


async def _read(stream: AsyncIterator[Delta], queue: _Queue) -> None:
    try:
        async for delta in stream:
            await queue.put(delta)
        await queue.put(None)
    except Exception as error:  # noqa: BLE001 - raised again where the deltas are read
        await queue.put(error)
    finally:
        if close := getattr(stream, "aclose", None):
            await close()


async def _watch(cancel: asyncio.Event, queue: _Queue) -> None:
    await cancel.wait()
    with suppress(asyncio.QueueFull):  # then nobody waits on it
        queue.put_nowait(_CancelledError())
