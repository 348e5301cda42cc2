"""The one door out: whatever leaves for a model passes here, and nothing else of Parvis speaks to one.

`admit` tells whether data of a class may leave, for whom, and to which models: access rules and the routing matrix of the
institution decide, in `routing`. What it gives, and nothing that another module could make, is then sent by `chat`, `embedded`
or a trial. Each attempt is judged at its own instant; what it computes on is never another model than those admitted.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import TimeoutError as NotYet
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from django.conf import settings
from django.utils import timezone
from msgspec import structs
from numpy.typing import NDArray

from parvis.access.engine import Decision, Tool
from parvis.access.principal import Principal
from parvis.access.rules.doors import decision, record_refusal
from parvis.access.secrets import SecretUnreadableError
from parvis.access.sensitivity import DATA_CLASSES, ZONES, highest
from parvis.inference import upstream
from parvis.inference.completion import Delta, Message, Model, UpstreamError, is_owed
from parvis.inference.models import DEFAULT_MATRIX, Kind, LanguageModel, Purpose, RoutingMatrix, Zone
from parvis.inference.paying import (
    given_back,
    in_thread,
    listen,
    most_of_messages,
    most_of_texts,
    over_budget,
    reserved,
    settled,
    smaller,
)
from parvis.inference.pseudonymisation.actions import classes_hidden, pseudonyms_for
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.keys import VECTORS
from parvis.inference.routing import (
    OUT,
    Attempt,
    Candidate,
    Conduct,
    Health,
    Matrix,
    Refusal,
    Request,
    Verdict,
    checked,
    route,
    verdicts_of,
)
from parvis.inference.upstream import Endpoint
from parvis.institutions.models import DataClass, Institution
from parvis.ledger.actions.calls import Asked, Held, Payer, release, reserve, settle
from parvis.ledger.budgets.descent import QUEUE_SECONDS, Step, WayDown
from parvis.ledger.budgets.messages import Refused
from parvis.ledger.estimating import Heard
from parvis.ledger.usage import Outcome

log = logging.getLogger(__name__)

INSTALLATION = "installation"  # how rules name the model that the environment gives
INSTALLATION_EMBEDDINGS = "installation-embeddings"
AFTER_THE_OTHERS = 1_000_000  # its rank: an institution's own models come first
ANSWER_TOKENS = 1_024
TRIAL_SECONDS = 20.0
CHECK_SECONDS = 10.0
CHECKS = 20  # of a model that rests; then the next request tries it

# What is known of each model by this process.
_board: dict[str, Health] = {}
_board_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Route:
    """One model, with all that sending to it needs. Its representation never shows the key. `hidden`: the classes of data
    that are given pseudonyms before it makes vectors of them."""

    candidate: Candidate
    name: str
    base_url: str
    model: str  # as its provider names it
    kind: str = Kind.OPENAI
    row: LanguageModel | None = field(default=None, repr=False)
    installation_key: str = field(default="", repr=False)
    hidden: tuple[str, ...] = ()

    @property
    def model_id(self) -> str:
        return self.candidate.id

    @property
    def zone(self) -> str:
        return self.candidate.zone

    @property
    def tool(self) -> Tool:
        """As rules see it."""
        return Tool("Model", INSTALLATION if self.row is None else self.model_id, zone=self.zone)

    @property
    def key(self) -> str:
        """What tells this endpoint from another: vectors of two are not compared. The secret has no part in it."""
        return endpoint_key(self.base_url, self.model, self.hidden)

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or self.base_url

    @property
    def priced(self) -> Asked:
        """As the ledger knows it."""
        agreement_id = self.row.provider.agreement_id if self.row else None
        return Asked(self.row.id if self.row else None, self.model, self.zone, agreement_id)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What may leave, where to, and who pays. Made here only. `first` is asked first; it may fail over to the others.
    `wider`: all that may be asked, where the request names some; one of them that costs less may stand in."""

    request: Request
    payer: Payer | None  # None: who runs the installation, for nobody's account
    routes: Mapping[str, Route]
    endpoints: Mapping[str, Endpoint] = field(repr=False)
    matrix: Matrix = field(repr=False)
    first: Route
    board: dict[str, Health] = field(repr=False)
    wider: Admitted | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.first.name

    @property
    def zone(self) -> str:
        return self.first.zone

    @property
    def key(self) -> str:
        return self.first.key

    @property
    def data_class(self) -> str:
        return self.request.data_class


@dataclass(frozen=True, slots=True)
class Trial:
    """What one small real request gave. `code` is empty when it worked; `refusal` when nothing was sent. `counts`: whether
    tokens were counted with each piece; None where nobody could see."""

    code: str = ""
    milliseconds: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    counts: bool | None = None


class NoRouteError(Exception):
    """No model may be asked for this now. `code` is for a notice, `refusal` says why, unless a key cannot be read."""

    def __init__(self, code: str, refusal: Refusal | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.refusal = refusal


class LeftError(Exception):
    """There is something more urgent than waiting for embeddings."""


# What may leave


def admit(
    principal: Principal,
    *,
    inputs: Iterable[str],
    purpose: str,
    kind: str = Purpose.CHAT,
    model: LanguageModel | None = None,
    through: Collection[Tool] = (),
    capabilities: Iterable[str] = (),
    app: str = "",
) -> Admitted | None:
    """For this person: the models of the alias of `model`, or any. `inputs` are the classes of all that the request is made
    of, "" for what has none of its own: the highest wins. Who asks to chat sends it through `pseudonymisation`, which says
    whether that is asked for. `through` are the tools by which it is asked, which rules may keep
    to a zone; `app` is what pays beside them, as the ledger names it. None where the institution has no model; NoRouteError
    where none may be asked, recorded if rules refuse."""
    data_class = class_of(principal.institution_id, inputs_of(principal, inputs))
    routes = routes_of(principal.institution_id, kind)
    said = {one.model_id: _refused(principal, one, purpose, data_class, through) for one in routes}
    request = Request(
        data_class=data_class,
        capabilities=frozenset({str(kind), *capabilities}),
        entitled=frozenset(identifier for identifier, refused in said.items() if refused is None),
        alias=alias_of(model) if model else "",
        max_tokens=ANSWER_TOKENS,
    )
    payer = payer_of(principal, app)
    try:
        found = _admitted(payer, request, routes)
    except NoRouteError as error:
        if error.code == "model_refused":
            _record_refusals(principal, request, routes, said)
        raise
    if found is None or not request.alias:
        return found
    return replace(found, wider=_admitted(payer, structs.replace(request, alias=""), routes))


def admit_background(
    institution_id: int, *, inputs: Iterable[str], only: Route, app: str, payer: Payer | None = None
) -> Admitted:
    """For the institution itself, which asks for nobody, unless somebody pays: one model. Raises NoRouteError."""
    data_class = class_of(institution_id, inputs)
    request = Request(data_class, only.candidate.capabilities, frozenset({only.model_id}), only=only.model_id)
    found = _admitted(payer or Payer(institution_id, app=app), request, [only])
    if found is None:
        raise NoRouteError("model_disabled")
    return found


def installation_embeddings(data_class: str) -> Admitted | None:
    """The installation's own endpoint, for who runs it and for no institution: as far as one that saved no matrix would let
    data of this class go. Raises NoRouteError."""
    given = environment_routes().get(Purpose.EMBEDDINGS)
    if given is None:
        return None
    request = Request(data_class, given.candidate.capabilities, frozenset({given.model_id}), only=given.model_id)
    return _checked(None, request, [given], DEFAULT_MATRIX, _board)


def payer_of(principal: Principal, app: str) -> Payer:
    return Payer(principal.institution_id, principal.profile_id, principal.person_id, principal.key_id, app)


def embeddings_route(institution_id: int) -> Route | None:
    """The one endpoint of the institution's vectors, those of two being no use together: its default, else the installation's.
    Of the class of what would be sent nothing is said yet."""
    usable = [one for one in routes_of(institution_id, Purpose.EMBEDDINGS) if one.candidate.enabled]
    found = min(usable, key=lambda one: (not one.candidate.is_default, one.candidate.rank), default=None)
    return found and with_hidden(institution_id, found)


def with_hidden(institution_id: int, one: Route) -> Route:
    """Vectors of names and vectors of pseudonyms are no use together: what asks for them makes it another endpoint."""
    return replace(one, hidden=tuple(classes_hidden(institution_id, one.zone)))


def cleared_classes(institution_id: int, one: Route) -> frozenset[str]:
    """The classes of data that may be sent to it now."""
    matrix, now = matrix_of(institution_id), timezone.now()
    request = Request("", one.candidate.capabilities, frozenset({one.model_id}), only=one.model_id)
    asked = [(name, structs.replace(request, data_class=name)) for name in DATA_CLASSES]
    return frozenset(name for name, each in asked if not verdicts_of(each, [one.candidate], matrix, {}, now)[0].reason)


def inputs_of(principal: Principal, inputs: Iterable[str]) -> list[str]:
    """With what comes with the key, for who came with one."""
    return [*inputs, principal.data_class] if principal.key_id is not None else list(inputs)


def class_of(institution_id: int, inputs: Iterable[str]) -> str:
    """The highest wins; what says nothing has the institution's default."""
    default = Institution.objects.filter(id=institution_id).values_list("data_class", flat=True).first()
    return highest(inputs, default=default or DataClass.INTERNAL)


def matrix_of(institution_id: int) -> Matrix:
    saved = RoutingMatrix.unscoped.filter(institution=institution_id).first()
    return saved.matrix if saved else DEFAULT_MATRIX


def routes_of(institution_id: int, kind: str) -> list[Route]:
    """Every model of the institution for that purpose, those switched off included, then the installation's."""
    rows = LanguageModel.unscoped.filter(institution=institution_id, purpose=kind).with_attestations()
    found = [route_to(row) for row in rows]
    given = environment_routes().get(kind)
    return [*found, given] if given else found


def route_to(row: LanguageModel) -> Route:
    return Route(candidate_of(row), row.display_name, row.provider.base_url, row.name, row.provider.kind, row)


def candidate_of(row: LanguageModel) -> Candidate:
    """As routing sees it: what the data plane is given too."""
    attestation = row.provider.attestation
    return Candidate(
        id=str(row.id),
        alias=alias_of(row),
        zone=row.provider.zone,
        capabilities=frozenset({row.purpose, *row.capabilities}),
        enabled=row.enabled,
        attested_at=attestation.attested_at if attestation else None,
        attested_until=attestation.attested_until if attestation else None,
        rank=row.rank,
        is_default=row.is_default,
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        concurrency=row.concurrency,
        requests_per_minute=row.requests_per_minute,
        hedge_after=row.hedge_seconds,
        place=f"{row.id}:{endpoint_key(row.provider.base_url, row.name)}",
    )


def alias_of(row: LanguageModel) -> str:
    return row.alias or f"model-{row.id}"


def environment_routes() -> dict[str, Route]:
    """What the operator gave by environment variables, by purpose: for everybody, changed by nobody here. This machine is on
    the premises; of any other the operator says the zone, and since when its provider does not train on what it is sent."""
    chat = (settings.MODEL_URL, settings.MODEL_KEY, settings.MODEL_NAME, settings.MODEL_ZONE, settings.MODEL_ATTESTED)
    embeddings = (
        settings.EMBEDDINGS_URL,
        settings.EMBEDDINGS_KEY,
        settings.EMBEDDINGS_NAME,
        settings.EMBEDDINGS_ZONE,
        settings.EMBEDDINGS_ATTESTED,
    )
    found = {}
    for purpose, identifier, given in (
        (Purpose.CHAT, INSTALLATION, chat),
        (Purpose.EMBEDDINGS, INSTALLATION_EMBEDDINGS, embeddings),
    ):
        url, key, name, zone, attested = given
        if not (url and name):
            continue
        host = urlsplit(url).hostname or ""
        is_here = host in _HERE
        candidate = Candidate(
            id=identifier,
            alias=name,
            zone=zone if zone in ZONES else Zone.ON_PREM if is_here else Zone.WORLD,
            capabilities=frozenset({str(purpose), "stream"} if purpose == Purpose.CHAT else {str(purpose)}),
            attested_at=_instant(attested) or (_EVER if is_here else None),
            rank=AFTER_THE_OTHERS,
            place=f"{identifier}:{endpoint_key(url, name)}",
        )
        kind = Kind.MISTRAL if host.endswith("mistral.ai") else Kind.OPENAI
        found[str(purpose)] = Route(candidate, name, url, name, kind, installation_key=key)
    return found


def endpoint_key(base_url: str, model: str, hidden: Iterable[str] = ()) -> str:
    return hashlib.sha256("\n".join([base_url.strip().rstrip("/"), model, *hidden]).encode()).hexdigest()


def health_of(one: Route) -> Health:
    """What this process knows of it."""
    return _board.get(one.candidate.known_by, Health())


def verdicts(institution_id: int, data_class: str, kind: str, *, matrix: Matrix | None = None) -> list[Verdict]:
    """Of each model of the institution, for everybody that rules would let ask it: what decides where this data may go."""
    routes = routes_of(institution_id, kind)
    wanted = Request(data_class, frozenset({str(kind)}), frozenset(one.model_id for one in routes))
    candidates = [one.candidate for one in routes]
    return verdicts_of(wanted, candidates, matrix_of(institution_id) if matrix is None else matrix, _board, timezone.now())


# Sending


def chat(admitted: Admitted, *, told: Callable[[Route], None] = lambda _route: None, **options: Any) -> Model:
    """What the answering engine is given: messages in, pieces of an answer out. `told` hears which model answers, before its
    first words."""
    return partial(_answer, admitted, told, options)


def embedded(
    admitted: Admitted,
    texts: Sequence[str],
    *,
    seconds: float,
    longest: int | None = None,
    leave: Callable[[], bool] = lambda: False,
) -> NDArray[np.float32]:
    """One row per text, of its first `longest` characters, to code that is not asynchronous; with pseudonyms where they are
    asked for. Raises UpstreamError, "stalled" after `seconds` whatever holds it up; LeftError as soon as `leave()`, which is
    looked at twice a second."""
    conduct = _conduct(admitted)
    step = _next(conduct)
    if isinstance(step, Refusal):
        raise UpstreamError("overloaded")
    if admitted.payer is None:
        return _embedded(admitted, conduct, step, [text[:longest] for text in texts], seconds, leave)[0]
    try:
        texts = [text[:longest] for text in _compared(admitted, admitted.payer, step, texts)]
    except UpstreamError:
        _locked(conduct.unsent, step)
        raise
    most = most_of_texts(texts)
    held = reserve(admitted.payer, admitted.routes[step.candidate.id].priced, most)
    if isinstance(held, Refused):
        _locked(conduct.unsent, step)
        raise over_budget(held, Step.STOP)
    try:
        rows, tokens = _embedded(admitted, conduct, step, texts, seconds, leave)
    except UpstreamError as error:
        if is_owed(error):
            settle(held, Heard(is_streamed=False), Outcome.FAILED)
        else:
            release(held)
        raise
    except BaseException:
        settle(held, Heard(is_streamed=False), Outcome.LEFT)
        raise
    settle(held, Heard(tokens, is_streamed=False, is_whole=True), Outcome.DONE)
    return rows


def _compared(admitted: Admitted, payer: Payer, step: Attempt, texts: Sequence[str]) -> Sequence[str]:
    """As they may be sent. They are read whole, for half a name would not be seen to be one. Raises UpstreamError where
    pseudonyms are asked for and cannot be given."""
    zones = [step.candidate.zone]
    try:
        asked = pseudonyms_for(payer.institution_id, data_class=admitted.data_class, zones=zones, subject=VECTORS)
        return asked.compared(texts) if asked else texts
    except PseudonymsUnavailableError as error:
        raise UpstreamError(error.code) from None


def _embedded(
    admitted: Admitted,
    conduct: Conduct,
    step: Attempt,
    texts: Sequence[str],
    seconds: float,
    leave: Callable[[], bool],
) -> tuple[NDArray[np.float32], int | None]:
    until = time.monotonic() + seconds
    asked = asyncio.run_coroutine_threadsafe(_embed(admitted, conduct, step, texts, seconds), _own_loop())
    try:
        while True:
            try:
                return asked.result(max(0.0, min(0.5, until - time.monotonic())))
            except NotYet:
                if asked.done():
                    continue
                if leave():
                    raise LeftError from None
                if time.monotonic() >= until:
                    raise UpstreamError("stalled") from None
    finally:
        asked.cancel()


async def try_route(one: Route, matrix: Matrix, payer: Payer) -> Trial:
    """One tiny real request that says nothing of anybody, never more than TRIAL_SECONDS. What may not receive public data
    is not even tried; what rests, or is switched off, is. It is paid for like any other."""
    candidate = structs.replace(one.candidate, enabled=True)
    request = Request("public", candidate.capabilities, frozenset({candidate.id}), only=candidate.id)
    try:
        admitted = _checked(payer, request, [replace(one, candidate=candidate)], matrix, {})
    except NoRouteError as error:
        return Trial(code=error.code, refusal=error.refusal)
    started, counts = time.monotonic(), None
    try:
        if Purpose.EMBEDDINGS in candidate.capabilities:
            await in_thread(embedded, admitted, ["bonjour"], seconds=TRIAL_SECONDS)
        else:
            asked = {name: replace(each, counts_as_it_goes=True) for name, each in admitted.endpoints.items()}
            counts = await _first_word(replace(admitted, endpoints=asked))
    except UpstreamError as error:
        return Trial(code=error.code, milliseconds=_since(started), params=dict(error.params))
    return Trial(milliseconds=_since(started), counts=counts)


async def _first_word(admitted: Admitted) -> bool | None:
    """Once, without another attempt: what it says of itself is what is wanted; and whether it counts with each piece, None
    where all of it came at once."""
    messages = [{"role": "user", "content": "Réponds par le seul mot : bonjour"}]
    conduct = _conduct(replace(admitted, request=structs.replace(admitted.request, max_tokens=8)))
    step = _next(conduct)
    if isinstance(step, Refusal):
        raise UpstreamError("overloaded")
    flight = await _paid_flight(admitted, conduct, step, messages, {"total_timeout": TRIAL_SECONDS})
    if isinstance(flight, Refused):
        raise over_budget(flight, Step.STOP)
    said, finish, pieces = False, "", []
    try:
        pieces += await flight.begun
        async for delta in flight.stream:
            listen(flight.heard, delta)
            pieces.append(delta)
        for delta in pieces:
            said, finish = said or bool(delta.text.strip()), delta.finish or finish
    except UpstreamError as error:
        await flight.failed(error, Outcome.FAILED)
        raise
    await flight.answered()
    if not said and finish not in ("length", "model_length"):  # one that thinks first may not have begun to answer
        raise UpstreamError("empty")
    counted = [bool(one.completion_tokens) for one in pieces if (one.text or one.unsaid) and not one.finish]
    return all(counted) if counted else None


async def _embed(
    admitted: Admitted, conduct: Conduct, step: Attempt, texts: Sequence[str], seconds: float
) -> tuple[NDArray[np.float32], int | None]:
    try:
        found = await upstream.embed(admitted.endpoints[step.candidate.id], texts, total_timeout=seconds)
    except UpstreamError as error:
        _failed(admitted, conduct, step, error)
        raise
    except BaseException:
        _locked(conduct.left, step)
        raise
    _locked(conduct.answered, step)
    return found


async def _answer(
    admitted: Admitted, told: Callable[[Route], None], options: Mapping[str, Any], messages: list[Message]
) -> AsyncGenerator[Delta, None]:
    """The first model that says a word is listened to. Before that, a failure is mended by the next attempt, and a silence by
    another model beside it; after that, a failure is one."""
    flights: list[_Flight] = []
    try:
        winner: _Flight | None = None
        async with aclosing(_first_to_speak(admitted, flights, messages, options)) as steps:
            async for found in steps:
                if isinstance(found, Delta):
                    yield found
                else:
                    winner = found
        if winner is None:
            raise UpstreamError("overloaded")
        told(winner.admitted.routes[winner.attempt.candidate.id])
        for delta in winner.begun.result():
            yield delta
        try:
            async for delta in winner.stream:
                listen(winner.heard, delta)
                yield delta
        except UpstreamError as error:
            flights.remove(winner)
            await winner.failed(error, Outcome.CUT)
            raise
        flights.remove(winner)
        yield Delta(nano_euro=await winner.answered())
    finally:
        for flight in flights:
            await flight.close()


async def _first_to_speak(
    admitted: Admitted, flights: list[_Flight], messages: list[Message], options: Mapping[str, Any]
) -> AsyncGenerator[Delta | _Flight, None]:
    """Notices, then the one. Raises UpstreamError where there is none."""
    conduct, way = _conduct(admitted), WayDown()
    failure, alone = UpstreamError("overloaded"), False  # `alone`: nobody else may be asked beside it
    while True:
        if not flights or not alone:
            step = _next(conduct)
            if isinstance(step, Refusal):
                if not flights:
                    raise failure
                alone = True
            else:
                found = await _paid_flight(admitted, conduct, step, messages, options)
                if isinstance(found, _Flight):
                    flights.append(found)
                elif flights:
                    alone = True
                else:
                    admitted, conduct, notice = await _lower(admitted, conduct, step, found, way, messages)
                    yield Delta(notice=notice)
                    continue
        patience = flights[0].attempt.candidate.hedge_after if len(flights) == 1 and not alone else None
        alone = alone or patience is None
        done, _waiting = await asyncio.wait(
            [flight.begun for flight in flights], timeout=patience, return_when=asyncio.FIRST_COMPLETED
        )
        for flight in [one for one in flights if one.begun in done]:
            error = flight.begun.exception()
            if error is None:
                for other in [one for one in flights if one is not flight]:
                    flights.remove(other)
                    await other.close()
                yield flight
                return
            flights.remove(flight)
            if not isinstance(error, UpstreamError):
                await flight.close()
                raise error
            failure, alone = error, False
            await flight.failed(error, Outcome.FAILED)


async def _paid_flight(
    admitted: Admitted, conduct: Conduct, step: Attempt, messages: list[Message], options: Mapping[str, Any]
) -> _Flight | Refused:
    if admitted.payer is None:
        return _Flight(admitted, conduct, step, None, messages, options)
    try:
        most = most_of_messages(messages, step.max_tokens or ANSWER_TOKENS)
        held = await reserved(admitted.payer, admitted.routes[step.candidate.id].priced, most)
    except BaseException:
        _locked(conduct.unsent, step)
        raise
    if isinstance(held, Refused):
        _locked(conduct.unsent, step)
        return held
    return _Flight(admitted, conduct, step, held, messages, options)


async def _lower(
    admitted: Admitted, conduct: Conduct, step: Attempt, refused: Refused, way: WayDown, messages: list[Message]
) -> tuple[Admitted, Conduct, str]:
    """Who is asked next, and the code of what the person is told of it. Raises UpstreamError."""
    all_of_them = admitted.wider or admitted
    most = most_of_messages(messages, step.max_tokens or ANSWER_TOKENS)
    others = {name: one.priced for name, one in all_of_them.routes.items() if name != step.candidate.id}
    than = admitted.routes[step.candidate.id].priced
    cheaper = await smaller(admitted.payer, refused, than, others, most) if admitted.payer and others else []
    match way.next(refused, has_smaller=bool(cheaper)):
        case Step.SMALLER:
            routes = {name: all_of_them.routes[name] for name in cheaper}
            lower = replace(all_of_them, routes=routes, first=routes[cheaper[0]], wider=None)
            return lower, _conduct(lower), "budget_smaller"
        case Step.QUEUE:
            await asyncio.sleep(QUEUE_SECONDS)
            return admitted, conduct, "budget_queue"
        case last:
            raise over_budget(refused, last)


class _Flight:
    """One attempt at an answer, paid for and on its way. `begun` gives its pieces up to the first word. It ends once: by
    `answered`, `failed` or `close`."""

    def __init__(
        self,
        admitted: Admitted,
        conduct: Conduct,
        attempt: Attempt,
        held: Held | None,
        messages: list[Message],
        options: Mapping[str, Any],
    ) -> None:
        self.admitted, self.conduct, self.attempt = admitted, conduct, attempt
        self.heard = Heard()
        self._held = held
        self._is_sent = False
        bound = {"max_tokens": attempt.max_tokens or ANSWER_TOKENS}
        self.stream = upstream.stream_chat(admitted.endpoints[attempt.candidate.id], messages, **{**options, **bound})
        self.begun = asyncio.ensure_future(self._begin())

    async def _begin(self) -> list[Delta]:
        await asyncio.sleep(self.attempt.pause.total_seconds())
        self._is_sent = True
        pieces = []
        async for delta in self.stream:
            listen(self.heard, delta)
            pieces.append(delta)
            if delta.text or delta.finish:
                break
        return pieces

    async def answered(self) -> int | None:
        """What it cost, in nano-euro."""
        _locked(self.conduct.answered, self.attempt)
        self.heard.is_whole = True
        return await settled(self._held, self.heard, Outcome.DONE)

    async def failed(self, error: UpstreamError, outcome: Outcome) -> None:
        _failed(self.admitted, self.conduct, self.attempt, error)
        if outcome is Outcome.CUT or is_owed(error):
            await settled(self._held, self.heard, outcome)
        else:
            await given_back(self._held)

    async def close(self) -> None:
        """Nobody waits for it any more."""
        _locked(self.conduct.left, self.attempt)
        self.begun.cancel()
        await asyncio.gather(self.begun, return_exceptions=True)
        with suppress(UpstreamError):
            await self.stream.aclose()
        if self._is_sent:
            await settled(self._held, self.heard, Outcome.LEFT)
        else:
            await given_back(self._held)


# Admission, inside


def _admitted(payer: Payer, request: Request, routes: Sequence[Route]) -> Admitted | None:
    try:
        return _checked(payer, request, routes, matrix_of(payer.institution_id), _board)
    except NoRouteError as error:
        if error.refusal and error.refusal.code == "none":
            return None
        raise


def _checked(
    payer: Payer | None, request: Request, routes: Sequence[Route], matrix: Matrix, board: dict[str, Health]
) -> Admitted:
    now = timezone.now()
    with _board_lock:
        found = route(request, [one.candidate for one in routes], matrix, board, now)
        seen = verdicts_of(request, [one.candidate for one in routes], matrix, board, now)
    if isinstance(found, Refusal):
        raise NoRouteError(_NOTICES.get(found.code, found.code), found)
    lawful = {one.candidate.id for one in seen if not one.reason or one.reason in OUT}
    kept = {one.model_id: one for one in routes if one.model_id in lawful}
    endpoints: dict[str, Endpoint] = {}
    for identifier, one in kept.items():
        try:
            key = one.row.provider.secret if one.row else one.installation_key
        except SecretUnreadableError as error:
            if identifier == found[0].candidate.id:
                raise NoRouteError(error.code) from error
            continue
        counts = one.row is not None and one.row.counts_as_it_goes
        endpoints[identifier] = Endpoint(one.base_url, key, one.model, one.kind, counts_as_it_goes=counts)
    usable = {identifier: kept[identifier] for identifier in endpoints}
    return Admitted(request, payer, usable, endpoints, matrix, usable[found[0].candidate.id], board)


def _refused(
    principal: Principal, one: Route, purpose: str, data_class: str, through: Collection[Tool]
) -> tuple[Tool, Decision] | None:
    """The first of the tools that rules refuse in the zone of this model: the model itself, or what it is asked through."""
    for tool in (one.tool, *through):
        said = decision(principal, tool, zone=one.zone, purpose=purpose if tool is one.tool else "", data_class=data_class)
        if not said.allowed:
            return tool, said
    return None


def _record_refusals(
    principal: Principal, request: Request, routes: Sequence[Route], said: Mapping[str, tuple[Tool, Decision] | None]
) -> None:
    """Of the models that nothing but rules kept from this person."""
    wanted = structs.replace(request, entitled=frozenset(said))
    matrix = matrix_of(principal.institution_id)
    for one in verdicts_of(wanted, [each.candidate for each in routes], matrix, {}, timezone.now()):
        refused = said[one.candidate.id]
        if not one.reason and refused:
            record_refusal(principal, *refused)


_NOTICES = {"disabled": "model_disabled", "not_entitled": "model_refused", "class": "class_refused"}
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(day: str) -> datetime | None:
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(day), datetime.min.time())) if day else None
    except ValueError:
        return None


# What is known of models


def _conduct(admitted: Admitted) -> Conduct:
    candidates = [one.candidate for one in admitted.routes.values()]
    return Conduct(admitted.request, candidates, admitted.matrix, admitted.board)


def _next(conduct: Conduct) -> Attempt | Refusal:
    with _board_lock:
        return conduct.next(timezone.now())


def _locked(say: Callable[[Attempt, datetime], None], attempt: Attempt) -> None:
    with _board_lock:
        say(attempt, timezone.now())


def _failed(admitted: Admitted, conduct: Conduct, attempt: Attempt, error: UpstreamError) -> None:
    seconds = error.params.get("retry_after")
    after = float(seconds) if isinstance(seconds, int | float) else None
    with _board_lock:
        conduct.failed(attempt, error.code, timezone.now(), retry_after=after, owed=is_owed(error))
        health = admitted.board[attempt.candidate.known_by]
    log.warning("Model %s: %s", attempt.candidate.id, error.code)
    if health.rests_until and error.code != "rate_limited" and admitted.board is _board:
        _watch(attempt.candidate, admitted.endpoints[attempt.candidate.id])


_watched: set[str] = set()


def _watch(candidate: Candidate, endpoint: Endpoint) -> None:
    """Asks a model that rests which models it has, and nothing else, until it answers: the next request need not find out."""
    if candidate.known_by not in _watched:
        _watched.add(candidate.known_by)
        asyncio.run_coroutine_threadsafe(_check(candidate, endpoint), _own_loop())


async def _check(candidate: Candidate, endpoint: Endpoint) -> None:
    try:
        for _ in range(CHECKS):
            rests_until = _board.get(candidate.known_by, Health()).rests_until
            if rests_until is None:
                return
            await asyncio.sleep(max(0.0, (rests_until - timezone.now()).total_seconds()))
            if candidate.known_by not in _watched:
                return
            try:
                await upstream.list_models(endpoint, total_timeout=CHECK_SECONDS)
            except UpstreamError as error:
                code = error.code
            else:
                code = ""
            _checked_health(candidate, code)
    finally:
        _watched.discard(candidate.known_by)


def _checked_health(candidate: Candidate, code: str) -> None:
    with _board_lock:
        known = _board.get(candidate.known_by, Health())
        _board[candidate.known_by] = checked(known, timezone.now(), code)


def forget_health() -> None:
    """For tests: another server may answer at the same address."""
    with _board_lock:
        _board.clear()
        _watched.clear()


@cache
def _own_loop() -> asyncio.AbstractEventLoop:
    """Of its own thread: closing a loop waits for a name that is still being looked up, and a question must not."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="models", daemon=True).start()
    return loop


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
