"""The one way a request goes out: entitlement → routing → worst case → budget → send → settle.

Each attempt passes the whole of it: a model that takes over from another is judged, reserved for and settled like the first.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from parvis.gateway.asking import Asked, body_for
from parvis.gateway.checks import Checks
from parvis.gateway.knowledge import Caller, Follower, Knowledge, Known
from parvis.gateway.metering import Held, Metering, NotReservedError, refusal_of
from parvis.gateway.problems import Problem
from parvis.gateway.pseudonyms import Names, Pseudonymiser
from parvis.gateway.relay import Meter
from parvis.inference.completion import UpstreamError, is_owed
from parvis.inference.pool import Answer, Pool
from parvis.inference.routing import Attempt, Clearance, Conduct, Health, Refusal, Request
from parvis.ledger.budgets.descent import QUEUE_SECONDS, Step, WayDown
from parvis.ledger.budgets.messages import Refused
from parvis.ledger.estimating import Heard
from parvis.ledger.usage import Outcome

LONGEST_ERROR = 16 << 10
SECONDS_WHOLE = 300.0  # for an answer that comes at once, and takes the time of being written first
PATIENCE = 30.0  # seconds after which no other attempt begins


class Sent(msgspec.Struct, eq=False):
    """An answer that has begun, and from which model. Whoever has it says how it ended: what `meter` says then is settled."""

    answer: Answer
    known: Known
    meter: Meter
    held: Held
    conduct: Conduct
    attempt: Attempt
    names: Names | None  # to be put back in the answer


class _Flight(msgspec.Struct, eq=False):
    """One of two attempts that are made at once, paid for like any other."""

    attempt: Attempt
    known: Known
    meter: Meter
    held: Held
    task: asyncio.Task[Answer]


class Admission:
    """Of one worker: `board` is what it knows of the health of models."""

    def __init__(self, follower: Follower, pool: Pool, metering: Metering, pseudonymiser: Pseudonymiser) -> None:
        self._follower, self._pool, self._metering, self._pseudonymiser = follower, pool, metering, pseudonymiser
        self.board: dict[str, Health] = {}
        self.checks = Checks(follower, pool, self.board)

    async def send(self, knowledge: Knowledge, caller: Caller, asked: Asked, request_id: str) -> Sent:
        """Raises Problem when no model answers."""
        conduct, way = self._conduct(knowledge, caller, asked), WayDown()
        begun, failure = time.monotonic(), None
        names, is_told = None, not caller.hidden_in
        while True:
            attempt = conduct.next(_now())
            if isinstance(attempt, Refusal):
                raise problem_of(failure) if failure else _refused(attempt, asked)
            known, meter, held = knowledge.by_id[attempt.candidate.id], Meter(Heard(is_streamed=asked.stream)), None
            try:
                if not is_told and _is_hidden(caller, conduct):
                    told = await self._pseudonymiser.told(caller.institution, asked)
                    asked, names = told.asked, told.names
                is_told = True
                if attempt.pause:
                    await asyncio.sleep(attempt.pause.total_seconds())
                held = await self._metering.reserve(knowledge, caller, known, asked, attempt.max_tokens, request_id)
                is_alone = attempt.candidate.hedge_after is None
                answer = await self._send(known, asked, held) if is_alone else None
            except NotReservedError as error:
                conduct.unsent(attempt, _now())
                conduct = await self._lower(knowledge, caller, asked, conduct, known, error.refused, way)
            except UpstreamError as error:
                self._failed(conduct, attempt, known, error)
                self._settle(held, meter, error)
                failure = error
                if time.monotonic() - begun > PATIENCE:
                    raise problem_of(error) from None
            except BaseException:  # nobody waits any more, or calls cannot be counted
                conduct.left(attempt, _now())
                self._settle(held, meter, None)
                raise
            else:
                if answer is not None:
                    return Sent(answer, known, meter, held, conduct, attempt, names)
                found = await self._hedged(knowledge, caller, asked, conduct, self._flight(attempt, known, meter, held, asked))
                if not isinstance(found, UpstreamError):
                    flight, answer = found
                    return Sent(answer, flight.known, flight.meter, flight.held, conduct, flight.attempt, names)
                failure = found
                if time.monotonic() - begun > PATIENCE:
                    raise problem_of(failure)

    def end(self, sent: Sent, error: BaseException | None = None) -> None:
        """Once, whatever became of it: `error` is what broke it off, an UpstreamError where it was the provider."""
        sent.answer.leave()
        if error is None:
            outcome = Outcome.DONE
            sent.conduct.answered(sent.attempt, _now())
        elif isinstance(error, UpstreamError):
            outcome = Outcome.CUT
            self._failed(sent.conduct, sent.attempt, sent.known, error)
        else:  # nobody waits any more, or something failed here
            outcome = Outcome.LEFT
            sent.conduct.left(sent.attempt, _now())
        self._metering.settle(sent.held, sent.meter, outcome)

    def _conduct(self, knowledge: Knowledge, caller: Caller, asked: Asked) -> Conduct:
        now = _now()
        known = knowledge.usable(caller.institution.id, asked.model)
        request = Request(
            data_class=caller.data_class,
            capabilities=asked.capabilities,
            entitled=frozenset([one.model.id for one in known if caller.may_use(one, now)]),
            alias=asked.model,
            max_tokens=asked.max_tokens,
        )
        return Conduct(request, [one.candidate for one in known], knowledge.matrix(caller.institution), self.board)

    # Two at once: of one that is silent for as long as its page says, another of the same name is asked beside it

    def _flight(self, attempt: Attempt, known: Known, meter: Meter, held: Held, asked: Asked) -> _Flight:
        task = asyncio.get_running_loop().create_task(self._begun(known, asked, held))
        return _Flight(attempt, known, meter, held, task)

    async def _begun(self, known: Known, asked: Asked, held: Held) -> Answer:
        """Once something of the answer is there: servers send its head before they have a word."""
        answer = await self._send(known, asked, held)
        try:
            await answer.begun()
        except BaseException:
            answer.leave()
            raise
        return answer

    async def _hedged(
        self, knowledge: Knowledge, caller: Caller, asked: Asked, conduct: Conduct, first: _Flight
    ) -> tuple[_Flight, Answer] | UpstreamError:
        """The first that begins to answer; the other is hung up on, and settled. Where none does, its error, already told."""
        flights = [first]
        try:
            done, _waiting = await asyncio.wait([first.task], timeout=first.attempt.candidate.hedge_after)
            second = None if done else await self._beside(knowledge, caller, asked, conduct, first.held.request_id)
            flights += [second] if second else []
            while True:
                await asyncio.wait([one.task for one in flights], return_when=asyncio.FIRST_COMPLETED)
                for flight in [one for one in flights if one.task.done()]:
                    flights.remove(flight)
                    try:
                        return flight, flight.task.result()
                    except UpstreamError as error:
                        self._failed(conduct, flight.attempt, flight.known, error)
                        self._settle(flight.held, flight.meter, error)
                        if not flights:
                            return error
                    except BaseException:
                        flights.append(flight)
                        raise
        finally:
            for flight in flights:
                self._leave(conduct, flight)

    async def _beside(
        self, knowledge: Knowledge, caller: Caller, asked: Asked, conduct: Conduct, request_id: str
    ) -> _Flight | None:
        """None where there is no other, or no budget allows both."""
        attempt = conduct.next(_now())
        if isinstance(attempt, Refusal):
            return None
        known, meter = knowledge.by_id[attempt.candidate.id], Meter(Heard(is_streamed=asked.stream))
        try:
            held = await self._metering.reserve(knowledge, caller, known, asked, attempt.max_tokens, request_id)
        except BaseException as error:
            conduct.unsent(attempt, _now())
            if isinstance(error, NotReservedError | Problem):
                return None
            raise
        return self._flight(attempt, known, meter, held, asked)

    def _leave(self, conduct: Conduct, flight: _Flight) -> None:
        flight.task.add_done_callback(_hang_up)
        flight.task.cancel()
        conduct.left(flight.attempt, _now())
        self._metering.settle(flight.held, flight.meter, Outcome.LEFT)

    def _failed(self, conduct: Conduct, attempt: Attempt, known: Known, error: UpstreamError) -> None:
        conduct.failed(attempt, error.code, _now(), retry_after=_seconds(error), owed=is_owed(error))
        if error.code != "rate_limited":
            self.checks.watch(known)

    async def _send(self, known: Known, asked: Asked, held: Held) -> Answer:
        """Raises UpstreamError, also where the provider answers that it does not answer."""
        sending = known.sending(asked.operation, self._follower.ring)
        is_mistral = known.provider.kind == "mistral"
        limit = held.max_tokens if asked.max_tokens is not None or known.candidate.max_output_tokens else None
        body = body_for(
            asked,
            known.model.name,
            max_tokens=limit,
            counts_unasked=is_mistral,
            counts_as_it_goes=known.model.counts_as_it_goes,
        )
        first = None if not asked.stream else self._pool.limits.between
        answer = await self._pool.send(sending.target, sending.head(held.request_id, len(body)), body, first=first)
        if answer.status == 200 and b"content-encoding" not in answer.headers:
            return answer
        try:
            raise await _failure(answer, known)
        finally:
            answer.leave()

    async def _lower(
        self,
        knowledge: Knowledge,
        caller: Caller,
        asked: Asked,
        conduct: Conduct,
        known: Known,
        refused: Refused,
        way: WayDown,
    ) -> Conduct:
        """What is tried next where a budget refuses a model: one of the same name that costs less, or waiting for room. Who
        asks for a name of a model is given no other. Raises Problem."""
        limit = self._metering.worst(knowledge, caller, known, asked).of(refused.measure)
        others = [one for one in conduct.candidates if one.id != known.model.id]
        costs = [self._metering.worst(knowledge, caller, knowledge.by_id[one.id], asked).of(refused.measure) for one in others]
        pairs = zip(others, costs, strict=True)
        cheaper = [one for one, cost in pairs if cost is not None and (limit is None or cost < limit)]
        match way.next(refused, has_smaller=bool(cheaper)):
            case Step.SMALLER:
                return Conduct(conduct.request, cheaper, conduct.matrix, conduct.board)
            case Step.QUEUE:
                await asyncio.sleep(QUEUE_SECONDS)
                return conduct
        raise refusal_of(refused)

    def _settle(self, held: Held | None, meter: Meter, error: UpstreamError | None) -> None:
        if held:
            outcome = Outcome.LEFT if error is None else Outcome.FAILED
            self._metering.settle(held, meter, outcome, sent=error is None or is_owed(error))


def _hang_up(task: asyncio.Task[Answer]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().leave()


def problem_of(error: UpstreamError) -> Problem:
    """As it is told to the client."""
    code = _CODES.get(error.code, error.code)
    if error.code in ("refused", "too_long"):
        said = error.params.get("said")
        return Problem(code, {"said": said} if code == "upstream_refused" else {})
    return Problem(code, retry_after=_seconds(error))


def _is_hidden(caller: Caller, conduct: Conduct) -> bool:
    """Whether any of the models that may answer is where the institution asks for pseudonyms: one is enough."""
    return any(
        one.zone in caller.hidden_in
        and one.id in conduct.request.entitled
        and conduct.matrix.get((caller.data_class, one.zone)) == Clearance.ALLOWED
        for one in conduct.candidates
    )


def usable_now(knowledge: Knowledge, caller: Caller) -> list[Known]:
    """The models that this key may use, resting or not."""
    now, matrix = _now(), knowledge.matrix(caller.institution)
    found = []
    for one in knowledge.usable(caller.institution.id):
        if not caller.may_use(one, now):
            continue
        needed = frozenset({one.model.purpose})
        request = Request(caller.data_class, needed, frozenset({one.model.id}), only=one.model.id)
        attempt = Conduct(request, [one.candidate], matrix, {}).next(now)
        if not isinstance(attempt, Refusal):
            found.append(one)
    return found


_CODES = {
    "refused": "upstream_refused",
    "too_long": "context_length_exceeded",
    "too_large": "answer_too_large",
    "unknown_model": "unknown_at_provider",
    "left": "cut",
    "empty": "garbage",
}


def _refused(refusal: Refusal, asked: Asked) -> Problem:
    """A model that exists and that this person may not use is told as one that does not exist."""
    if refusal.code == "capability":
        words = {"model": asked.model, "capability": refusal.capability}
        return Problem("unsupported_capability", words, param="model")
    if refusal.code == "class":
        return Problem("class_refused", {"data_class": refusal.data_class})
    if refusal.code in ("not_attested", "attestation_over"):
        return Problem("not_attested")
    if refusal.code == "too_long":
        return Problem("context_length_exceeded")
    if refusal.code == "all_out":
        after = (refusal.retry_at - _now()).total_seconds() if refusal.retry_at else None
        return Problem("all_out", retry_after=after)
    return Problem("model_not_found", {"model": asked.model}, param="model", why=refusal.code)


async def _failure(answer: Answer, known: Known) -> UpstreamError:
    """What a status means, and the provider's own sentence where it is about the request."""
    status = answer.status
    try:
        body = await answer.whole(LONGEST_ERROR)
    except UpstreamError:
        body = b""
    said = known.hides(_sentence(body))
    if status in (401, 403):
        return UpstreamError("refused_key", status=status)
    if status == 429:
        return UpstreamError("rate_limited", status=status, retry_after=_retry_after(answer.headers.get(b"retry-after", b"")))
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(said.lower())):
        return UpstreamError("too_long", status=status)
    if status == 404 or (status in (400, 422) and _UNKNOWN_MODEL.search(said.lower())):
        return UpstreamError("unknown_model", status=status)
    if status >= 500 or status == 408:
        return UpstreamError("overloaded", status=status)
    if 400 <= status < 500:
        return UpstreamError("refused", status=status, said=said)
    return UpstreamError("garbage", status=status)  # a redirect is not followed; a content that is encoded was not asked for


class _Said(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()
    detail: msgspec.Raw = msgspec.Raw()


def _sentence(body: bytes) -> str:
    """What a provider says of a refusal, in one line: OpenAI's shape, Mistral's, or that of FastAPI."""
    try:
        read = msgspec.json.decode(body, type=_Said)
        found = msgspec.json.decode(next((one for one in (read.error, read.message, read.detail) if bytes(one)), b'""'))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if isinstance(found, dict):
        found = found.get("message", "")
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    return " ".join("".join(one if one.isprintable() else " " for one in text[:2_000]).split())[:500]


def _retry_after(value: bytes) -> float | None:
    """Seconds, at most a day, from the header's number or date."""
    text = value.decode("latin-1")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - _now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), 86_400.0) if math.isfinite(seconds) else None


def _seconds(error: UpstreamError) -> float | None:
    found = error.params.get("retry_after")
    return float(found) if isinstance(found, int | float) else None


def _now() -> datetime:
    return datetime.now(UTC)


_TOO_LONG = re.compile(
    r"context[ _]length|context[ _]window|maximum context|too long|too many tokens|exceeds? the (?:max|context)"
)
_UNKNOWN_MODEL = re.compile(
    r"invalid[ _]model|unknown[ _]model|model[ _]not[ _]found|model\b.{0,80}(?:does not exist|not found)"
)
