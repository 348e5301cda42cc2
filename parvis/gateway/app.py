"""/v1, as OpenAI's clients speak it. Raw ASGI: no framework stands between a token and who waits for it."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from parvis.gateway import asking
from parvis.gateway.admission import Admission, Sent, problem_of, usable_now
from parvis.gateway.asking import CHAT, EMBEDDINGS, RESPONSES, Asked
from parvis.gateway.assistants import PREFIX, Console, assistants, refusal
from parvis.gateway.knowledge import Caller, Follower, Knowledge, Known, Settings
from parvis.gateway.metering import Metering, Settled
from parvis.gateway.paces import Paces
from parvis.gateway.problems import Problem, language_of
from parvis.gateway.pseudonyms import Pseudonymiser
from parvis.gateway.relay import Events, Shown, embeddings_as, read_whole
from parvis.inference.completion import UpstreamError
from parvis.inference.open_streams import OpenFile, OpenStream
from parvis.inference.pool import Pool
from parvis.inference.turned_away import TurnedAway
from parvis.ledger.budgets.client import Budgets
from parvis.ledger.budgets.messages import Amounts
from parvis.ledger.counting import Counter
from parvis.ledger.usage import MICROGRAMS, NANO, Carbon

log = logging.getLogger("parvis.gateway")

Scope = dict[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LONGEST_BODY = 32 << 20
MOST_HELD = 512 << 20  # bytes of bodies, of all requests of one worker
BODY_SECONDS = 60.0
WATCHED_AFTER = 0.2  # seconds
TOLD_EVERY = 1.0  # seconds
TOLD_SHARE = 0.005  # of the time, at most, spent on telling what is open
OPERATIONS = {f"/v1/{operation}": operation for operation in (CHAT, EMBEDDINGS, RESPONSES)}
TOLD_TO_EVIDENCE = frozenset(
    {"invalid_api_key", "insufficient_scope", "model_not_found", "class_refused", "not_attested", "key_revoked"}
    | {"model_withdrawn", "insufficient_quota", "no_budget", "unknown_price"}
    | {"pseudonyms_unavailable", "pseudonyms_unreadable", "pseudonyms_too_long"}
)
SCOPE_OF_MODELS, SCOPE_OF_LISTS, SCOPE_OF_ASSISTANTS = "models", "list", "ask"


@dataclass(slots=True, eq=False)
class Exchange:
    """One request, from its head to the end of its answer. `gone`: nobody waits; `stopped`: why we do not go on."""

    receive: Receive
    send: Send
    request_id: str
    headers: dict[bytes, bytes] = field(repr=False)
    task: asyncio.Task[Any] | None = None
    caller: Caller | None = None
    token: str = field(default="", repr=False)
    begun_at: float = 0.0  # seconds since 1970
    asked: Asked | None = field(default=None, repr=False)  # of a model, once it was read
    sent: Sent | None = field(default=None, repr=False)  # once a model took it
    started: bool = False
    streams: bool = False
    gone: bool = False
    stopped: str = ""
    watched_from: float = 0.0  # 0: not yet
    _watch: asyncio.Task[None] | None = None

    @property
    def language(self) -> str:
        return language_of(self.headers.get(b"accept-language", b"").decode("latin-1"))

    async def start(self, status: int, content_type: bytes, *more: tuple[bytes, bytes]) -> None:
        self.started = True
        headers = [
            (b"content-type", content_type),
            (b"x-request-id", self.request_id.encode()),
            (b"cache-control", b"no-store"),
            *more,
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, content: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": content, "more_body": more})

    async def whole(self, status: int, content: bytes, *more: tuple[bytes, bytes]) -> None:
        await self.start(status, b"application/json", (b"content-length", b"%d" % len(content)), *more)
        await self.body(content)

    async def problem(self, problem: Problem) -> None:
        """In the place of an answer, or as the last word of one that had begun."""
        content = problem.body(self.language)
        if self.started:
            if self.streams:
                await self.body(b"data: " + content + b"\n\n")
            else:
                await self.body(b"")
            return
        more = list(problem.headers)
        if problem.status == 401:
            more.append((b"www-authenticate", b'Bearer realm="parvis"'))
        if problem.retry_after is not None:
            more.append((b"retry-after", b"%d" % max(1, round(problem.retry_after))))
        await self.whole(problem.status, content, *more)

    def is_due(self, now: float) -> bool:
        return self._watch is None and 0 < self.watched_from <= now

    def watch(self) -> None:
        """Who leaves is noticed."""
        self._watch = asyncio.get_running_loop().create_task(self._wait_for_the_end())

    def unwatch(self) -> None:
        if self._watch:
            self._watch.cancel()

    def stop(self, why: str) -> None:
        """Ends it from outside."""
        if self.task and not self.stopped and not self.gone:
            self.stopped = why
            self.task.cancel()

    def told(self) -> OpenStream | None:
        """For who administers. The console itself tells what it was asked of assistants."""
        caller, asked, sent = self.caller, self.asked, self.sent
        if caller is None or asked is None:
            return None
        return OpenStream(
            request_id=self.request_id,
            institution=caller.institution.id,
            key=caller.key.id,
            holder=caller.holder.id,
            component=caller.key.component,
            operation=asked.operation,
            model=asked.model,
            begun_at=self.begun_at,
            is_streamed=asked.stream,
            zone=sent.known.provider.zone if sent else "",
            pieces=sent.meter.events if sent else 0,
            sent=sent.meter.sent if sent else 0,
        )

    async def _wait_for_the_end(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        if self.task and not self.stopped:
            self.gone = True
            self.task.cancel()


class Gateway:
    """An ASGI application: one for each event loop."""

    def __init__(
        self,
        settings: Settings,
        console: Console,
        *,
        pool: Pool | None = None,
        tell: Callable[[Settled], None] = lambda settled: None,
    ) -> None:
        self.pool = pool or Pool()
        self.metering = Metering(Budgets(settings.budgets), Counter(settings.budgets), tell)
        self.follower = Follower(settings, self._end_what_is_over)
        self.pseudonymiser = Pseudonymiser(settings, self.follower.ring)
        self.admission = Admission(self.follower, self.pool, self.metering, self.pseudonymiser)
        self.console = console
        self.exchanges: set[Exchange] = set()  # those that were let in
        self._open, self._told_again_at = OpenFile(settings.snapshots), 0.0
        self._turned_away, self._evident_at = TurnedAway(settings.snapshots), 0.0
        self._held = 0
        self._paces = Paces(settings.pace, settings.snapshots)
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def close(self) -> None:
        if self._watching:
            self._watching.cancel()
        self._open.close()
        self.admission.checks.close()
        await self._tell_what_was_refused()
        await self.follower.stop()
        await self.pool.close()
        await self.metering.close()
        self.pseudonymiser.close()

    def _start(self) -> None:
        """At the first request too: who mounts it may not tell it that it begins to live."""
        if self._watching is None or self._watching.done():
            self.follower.start()
            self._watching = asyncio.get_running_loop().create_task(self._watch_clients())

    async def _watch_clients(self) -> None:
        """Most answers are there before: those that last are looked after, so that who left costs nothing more. Beside, what
        ended is had on the disk, all of it at once, and what is open is told."""
        while True:
            await asyncio.sleep(WATCHED_AFTER)
            await self.metering.sync()
            now = time.monotonic()
            for exchange in [one for one in self.exchanges if one.is_due(now)]:
                exchange.watch()
            if now >= self._told_again_at and (self.exchanges or self._open.is_there):
                await self._tell_what_is_open(now)
            if self._turned_away.is_due and now >= self._evident_at:
                self._evident_at = now + TOLD_EVERY
                await self._tell_what_was_refused()

    def _turn_away(self, exchange: Exchange, problem: Problem) -> None:
        """Whoever comes with a key of nobody's is told nowhere: there is no institution to tell."""
        caller, asked, reason = exchange.caller, exchange.asked, problem.why or problem.code
        if problem.code not in TOLD_TO_EVIDENCE:
            return
        if caller is None:
            if former := self.follower.former(exchange.token):
                self._turned_away.note(former.institution, former.id, former.person, "key_not_valid")
            return
        institution, knowledge = caller.institution.id, self.follower.knowledge()
        known = knowledge.usable(institution, asked.model) if knowledge and asked else ()
        models = [one.model.id for one in known]
        self._turned_away.note(institution, caller.key.id, caller.holder.person, reason, models)

    async def _tell_what_was_refused(self) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._turned_away.write)
        except OSError as error:
            log.warning("What was refused cannot be told yet: %s", error)

    async def _tell_what_is_open(self, now: float) -> None:
        """Less often where it is much. A full disk costs the page of administrators, and no answer."""
        begun = time.thread_time()
        streams = [told for one in self.exchanges if (told := one.told())]
        self._told_again_at = now + max(TOLD_EVERY, (time.thread_time() - begun) / TOLD_SHARE)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._open.write, streams)
        except OSError as error:
            log.warning("What is open cannot be told: %s", error)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(receive, send, f"req_{os.urandom(12).hex()}", dict(scope["headers"]))
        try:
            await self._let_in(exchange, scope)
        except Problem as problem:
            self._turn_away(exchange, problem)
            await exchange.problem(problem)
        except asyncio.CancelledError:
            if not (exchange.gone or exchange.stopped) or exchange.task is None:
                raise
            exchange.task.uncancel()
            if exchange.stopped:
                self._turn_away(exchange, stopped := Problem(exchange.stopped))
                await exchange.problem(stopped)
        except UpstreamError:
            pass  # it was told
        except Exception:
            log.exception("Request %s failed", exchange.request_id)
            await exchange.problem(Problem("internal"))
        finally:
            exchange.unwatch()
            self.exchanges.discard(exchange)

    async def _let_in(self, exchange: Exchange, scope: Scope) -> None:
        """Nothing is read of a request before it is known whose it is."""
        path, method = scope["path"], scope["method"]
        if b"parvis_" in scope.get("query_string", b""):
            raise Problem("key_in_address")
        operation, is_list = OPERATIONS.get(path), path == "/v1/models" or path.startswith("/v1/models/")
        if operation is None and not is_list:
            raise Problem("not_found")
        allowed = ("GET", "HEAD") if is_list else ("POST",)
        if method not in allowed:
            headers = ((b"allow", ", ".join(allowed).encode()),)
            raise Problem("method_not_allowed", {"allowed": allowed[0]}, headers=headers)
        self._start()
        knowledge = self.follower.knowledge()
        if knowledge is None:
            raise Problem("snapshot_too_old", retry_after=5)
        exchange.caller = caller = self._caller(exchange)
        if is_list:
            await self._models(exchange, knowledge, caller, path.removeprefix("/v1/models").lstrip("/"))
            return
        if wait := self._paces.take(caller):
            raise Problem("too_many_requests", {"count": self._paces.count}, retry_after=wait)
        self.exchanges.add(exchange)
        size = 0
        try:
            body = await self._body(exchange)
            self._held += (size := len(body))
            if self._held > MOST_HELD:
                raise Problem("busy", retry_after=2)
            asked = asking.read(operation or "", body)
            exchange.task, exchange.begun_at = asyncio.current_task(), time.time()
            exchange.watched_from = time.monotonic() + WATCHED_AFTER
            if asked.model.startswith(PREFIX):
                await self._ask_assistant(exchange, caller, asked)
            else:
                await self._ask_model(exchange, knowledge, caller, asked)
        finally:
            self._held -= size

    def _caller(self, exchange: Exchange) -> Caller:
        scheme, _space, token = exchange.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        exchange.token = token.strip() if scheme.lower() == "bearer" and len(token) < 200 else ""
        caller = self.follower.caller(exchange.token)
        if caller is None:
            raise Problem("invalid_api_key")
        return caller

    async def _body(self, exchange: Exchange) -> bytes:
        headers = exchange.headers
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Problem("compressed")
        message = await exchange.receive()
        if not message.get("more_body"):
            return _within(message.get("body", b""))
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _rest_of_body(exchange.receive, message.get("body", b""))
        except TimeoutError:
            raise Problem("too_slow") from None

    # Models

    async def _models(self, exchange: Exchange, knowledge: Knowledge, caller: Caller, wanted: str) -> None:
        if not caller.holds(SCOPE_OF_LISTS) and not caller.holds(SCOPE_OF_MODELS):
            raise Problem("insufficient_scope")
        rows = {one.model.alias: _row(one) for one in reversed(usable_now(knowledge, caller))}
        listed = sorted(rows.values(), key=lambda row: str(row["id"]))
        if caller.holds(SCOPE_OF_LISTS) and (not wanted or wanted.startswith(PREFIX)):
            listed += await assistants(self.console, exchange.token, exchange.language)
        if not wanted:
            await exchange.whole(200, msgspec.json.encode({"object": "list", "data": listed}))
            return
        found = next((row for row in listed if row["id"] == wanted), None)
        if found is None:
            raise Problem("model_not_found", {"model": wanted[:200]}, param="model")
        await exchange.whole(200, msgspec.json.encode(found))

    async def _ask_model(self, exchange: Exchange, knowledge: Knowledge, caller: Caller, asked: Asked) -> None:
        if not caller.holds(SCOPE_OF_MODELS):
            raise Problem("insufficient_scope")
        exchange.asked = asked
        sent = await self.admission.send(knowledge, caller, asked, exchange.request_id)
        exchange.sent = sent
        try:
            if asked.stream:
                await self._relay_stream(exchange, asked, sent)
            else:
                await self._relay_whole(exchange, asked, sent)
        except BaseException as error:
            self.admission.end(sent, error)
            raise
        self.admission.end(sent)

    async def _relay_whole(self, exchange: Exchange, asked: Asked, sent: Sent) -> None:
        try:
            content = await sent.answer.whole(self.pool.limits.longest)
            read_whole(content, sent.meter)
            if sent.names:
                content = await self.pseudonymiser.whole(sent.names, content)
            if asked.operation == EMBEDDINGS:
                content = embeddings_as(content, base64=asked.base64, request_id=exchange.request_id)
        except UpstreamError as error:
            await exchange.problem(problem_of(error))
            raise
        measured = self.metering.measured(sent.held, sent.meter)
        await exchange.whole(200, content, _zone(sent), *_costs(measured.amounts, measured.carbon))
        sent.meter.sent = len(content)

    async def _relay_stream(self, exchange: Exchange, asked: Asked, sent: Sent) -> None:
        """Its head comes before anybody knows what it costs: it says the most that it may."""
        answer, meter = sent.answer, sent.meter
        head = (_zone(sent), *_costs(sent.held.worst, sent.held.usage.carbon, b"-max"))
        shows = shown_of(asked, counts_as_it_goes=sent.known.model.counts_as_it_goes)
        events = sent.names.events(meter, shows=shows) if sent.names else Events(meter, shows=shows)
        try:
            if not answer.headers.get(b"content-type", b"").startswith(b"text/event-stream"):
                raise UpstreamError("garbage")
            exchange.streams, send = True, exchange.send
            while piece := await answer.read():
                if passed := events.push(piece):
                    if not exchange.started:
                        await exchange.start(200, b"text/event-stream; charset=utf-8", *head)
                    await send({"type": "http.response.body", "body": passed, "more_body": True})
                    meter.sent += len(passed)
            passed = events.close()
        except UpstreamError as error:
            if exchange.started and (held := events.held()):
                await exchange.body(held, more=True)
            await exchange.problem(problem_of(error))
            raise
        if not exchange.started:
            await exchange.start(200, b"text/event-stream; charset=utf-8", *head)
        await exchange.body(passed)

    # Assistants

    async def _ask_assistant(self, exchange: Exchange, caller: Caller, asked: Asked) -> None:
        if not caller.holds(SCOPE_OF_ASSISTANTS):
            raise Problem("insufficient_scope")
        if asked.operation != CHAT:
            raise Problem("unsupported_capability", {"model": asked.model, "capability": asked.operation}, param="model")
        exchange.streams = asked.stream
        async with self.console.asked(CHAT, exchange.token, exchange.language, asked.body) as reply:
            if reply.status != 200:
                raise await refusal(reply, asked.model)
            await exchange.start(200, reply.content_type, *reply.kept)
            async for piece in reply.pieces:
                await exchange.body(piece, more=True)
        await exchange.body(b"")

    # What is no longer allowed ends, also when it has begun

    def _end_what_is_over(self) -> None:
        if knowledge := self.follower.knowledge():
            self.pseudonymiser.keep(knowledge.institutions)
        for exchange in list(self.exchanges):
            if exchange.caller is None:
                continue
            caller = self.follower.same(exchange.caller)
            if caller is None:
                exchange.stop("key_revoked")
            elif (caller.institution.id, exchange.request_id) in self.follower.stopped:
                exchange.stop("stopped")
            elif exchange.sent and not self._is_still_allowed(caller, exchange.sent.known.model.id):
                exchange.stop("model_withdrawn")

    def _is_still_allowed(self, caller: Caller, model_id: str) -> bool:
        knowledge = self.follower.knowledge()
        return knowledge is None or any(one.model.id == model_id for one in usable_now(knowledge, caller))


def shown_of(asked: Asked, *, counts_as_it_goes: bool) -> Shown:
    """Of the counts that the provider was asked for, those that the client asked for too."""
    if asked.operation != CHAT or asked.wants_each_count:
        return Shown.ALL
    if counts_as_it_goes:
        return Shown.LAST_ONLY if asked.wants_usage else Shown.NONE
    return Shown.ALL if asked.wants_usage else Shown.NOT_LAST


def _zone(sent: Sent) -> tuple[bytes, bytes]:
    return (b"x-parvis-zone", sent.known.provider.zone.encode())


def _costs(spent: Amounts, carbon: Carbon | None, suffix: bytes = b"") -> list[tuple[bytes, bytes]]:
    """Euros before tax, and grams of CO₂ equivalent as a range; not there where nobody knows."""
    found = []
    if spent.nano_euro is not None:
        found.append((b"x-parvis-cost" + suffix, b"%d.%09d" % divmod(spent.nano_euro, NANO)))
    if carbon is not None:
        grams = (*divmod(carbon.low_ug, MICROGRAMS), *divmod(carbon.high_ug, MICROGRAMS))
        found.append((b"x-parvis-carbon" + suffix, b"%d.%06d-%d.%06d" % grams))
    return found


def _row(known: Known) -> dict[str, object]:
    """As OpenAI lists a model; with what Mistral's client wants of one, and where it computes."""
    model, provider = known.model, known.provider
    can = frozenset(model.capabilities)
    row: dict[str, object] = {
        "id": model.alias,
        "object": "model",
        "created": int(model.attested_at or 0),
        "owned_by": provider.processor or provider.zone,
        "type": "base",
        "capabilities": {"completion_chat": "chat" in can, "function_calling": "tools" in can, "vision": "images" in can},
        "parvis": {"zone": provider.zone, "capabilities": sorted(can)},
    }
    return row | ({"max_context_length": model.context_tokens} if model.context_tokens else {})


def _within(body: bytes) -> bytes:
    if len(body) > LONGEST_BODY:
        raise Problem("too_large", {"megabytes": LONGEST_BODY >> 20})
    return body


async def _rest_of_body(receive: Receive, first: bytes) -> bytes:
    """What is too large is read to its end and thrown away: else the client sees a broken connection, and not why."""
    pieces, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("too_slow")
        piece, more = message.get("body", b""), message.get("more_body", False)
        size += len(piece)
        if size <= LONGEST_BODY:
            pieces.append(piece)
        elif size > 8 * LONGEST_BODY:
            break
        else:
            pieces = []
    if size > LONGEST_BODY:
        raise Problem("too_large", {"megabytes": LONGEST_BODY >> 20})
    return b"".join(pieces)
