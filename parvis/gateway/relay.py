"""An answer on its way: what it used, where it ends, and whether it is one at all."""

from __future__ import annotations

import base64
import struct
from enum import StrEnum

import msgspec
from msgspec import Raw, Struct

from parvis.inference.completion import UpstreamError
from parvis.ledger.estimating import Heard

LONGEST_EVENT = 4 << 20


class _Details(Struct):
    cached_tokens: int | None = None


class Usage(Struct):
    """As chat completions and embeddings count, or as responses do."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None

    @property
    def taken_in(self) -> int | None:
        return self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens

    @property
    def given_out(self) -> int:
        return self.completion_tokens or self.output_tokens or 0

    @property
    def cached(self) -> int:
        """Of those taken in."""
        details = self.prompt_tokens_details or self.input_tokens_details
        return (details.cached_tokens or 0) if details else 0


class Meter(Struct, eq=False):
    """`heard` is what the provider counted and what it wrote. `events` are the pieces of the answer that were passed on."""

    heard: Heard = msgspec.field(default_factory=Heard)
    events: int = 0
    sent: int = 0  # bytes passed on

    def count(self, usage: Usage) -> None:
        if (taken_in := usage.taken_in) is not None:
            self.heard.count(taken_in, usage.given_out, usage.cached)


class Shown(StrEnum):
    """Which counts of a stream its client is shown. The last event of a provider that is asked for them has no choices."""

    ALL = "all"
    NOT_LAST = "not_last"  # what is in other events was not asked for by us: it is the provider's way
    LAST_ONLY = "last_only"
    NONE = "none"


class _Inner(Struct):
    usage: Usage | None = None


class _Written(Struct, gc=False):
    """What a model writes: each of these is something that it is paid for."""

    content: Raw = Raw()
    tool_calls: Raw = Raw()
    reasoning_content: Raw = Raw()
    reasoning: Raw = Raw()
    refusal: Raw = Raw()

    @property
    def size(self) -> int:
        """In bytes, as JSON writes it."""
        return sum(map(_size, (self.content, self.tool_calls, self.reasoning_content, self.reasoning, self.refusal)))


def _size(written: Raw) -> int:
    """Without its marks."""
    size = len(written) - 2
    return size if size > 0 and (size != 2 or bytes(written) != b"null") else 0


class _Choice(Struct, gc=False):
    delta: _Written | None = None


class _Event(Struct, gc=False):
    choices: list[_Choice | None] | None = None
    usage: Usage | None = None
    error: Raw = Raw()
    response: _Inner | None = None
    type: str | None = None
    delta: Raw = Raw()  # of responses


_event, _fields = msgspec.json.Decoder(_Event), msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()
_NOTHING = (b"", b"null")


class Events:
    """Server-sent events, passed on whole: what is cut in the middle of one never reaches the client, and more may be said."""

    def __init__(self, meter: Meter, *, shows: Shown) -> None:
        self.meter = meter
        self.failed = ""  # what the provider said went wrong, as a code
        self._hides_last = shows in (Shown.NOT_LAST, Shown.NONE)
        self._hides_others = shows in (Shown.LAST_ONLY, Shown.NONE)
        self._hidden: dict[str, Raw] | None = None  # the latest event whose counts were, where the client asked for the last
        self._rest = b""

    def push(self, piece: bytes) -> bytes:
        """What can be passed on. Raises UpstreamError for what is not a stream of events."""
        if self._rest:
            piece = self._rest + piece
        if piece.endswith(b"\n\n"):  # nearly always
            self._rest = b""
            return self._passed(piece if b"\r" not in piece else piece.replace(b"\r\n", b"\n"))
        end = piece.rfind(b"\n\n")
        if (other := piece.rfind(b"\r\n\r\n")) > end:
            end = other + 2
        if end < 0:
            self._keep(piece)
            return b""
        end += 2
        self._keep(piece[end:])
        return self._passed(piece[:end].replace(b"\r\n", b"\n"))

    def held(self) -> bytes:
        """What can still be passed on of a stream that is broken off."""
        return b""

    def close(self) -> bytes:
        """The last event, of a server that forgets the blank line that ends it: whole, or cut. Raises UpstreamError where the
        end did not come."""
        rest, self._rest = self._rest, b""
        passed = b""
        if rest.strip():
            try:
                passed = self._passed(rest.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n\n")
            except UpstreamError:
                raise UpstreamError("cut") from None
        if not self.meter.heard.is_whole:
            raise UpstreamError("cut")
        return passed

    def _keep(self, rest: bytes) -> None:
        if len(rest) > LONGEST_EVENT:
            raise UpstreamError("too_large")
        self._rest = rest

    def _passed(self, events: bytes) -> bytes:
        if events.find(b"\n\n") == len(events) - 2:  # one, nearly always
            return self._shown(events)
        return b"".join(self._shown(one + b"\n\n") for one in events.split(b"\n\n") if one.strip(b"\n"))

    def _shown(self, event: bytes) -> bytes:
        data = event[6:] if event.startswith(b"data: ") else data_of(event)
        if not data:
            return event
        heard = self.meter.heard
        if data.startswith(b"[DONE]"):
            heard.is_whole = True
            return self._last_counts() + event
        try:
            read = _event.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise UpstreamError("garbage") from None
        meter = self.meter
        if len(read.error) and bytes(read.error) not in _NOTHING:
            raise UpstreamError("overloaded", reported=1)
        if read.choices:
            for choice in read.choices:
                if choice is not None and (delta := choice.delta) is not None:
                    size = len(delta.content) - 2  # nearly always, and alone
                    if size > 2 or (size := delta.size):
                        heard.pieces += 1
                        heard.said += size
        elif size := _size(read.delta):
            heard.hear(size)
        if read.usage is not None:
            meter.count(read.usage)
            if read.choices:
                event = self._without_counts(event, data) if self._hides_others else event
            elif read.choices is not None:
                self._hidden = None
                if self._hides_last:
                    return b""
        elif read.response and read.response.usage:
            meter.count(read.response.usage)
        if read.type in _LAST:
            heard.is_whole = True
        elif read.type in ("response.failed", "error"):
            raise UpstreamError("overloaded", reported=1)
        meter.events += 1
        return event

    def _without_counts(self, event: bytes, data: bytes) -> bytes:
        fields = _fields.decode(data)
        if not self._hides_last:
            self._hidden = dict(fields)
        del fields["usage"]
        return b"data: %b\n\n" % _encoder.encode(fields)

    def _last_counts(self) -> bytes:
        """Of a provider that gives them with each piece only, to a client that asked for them."""
        if self._hidden is None:
            return b""
        fields, self._hidden = {**self._hidden, "choices": Raw(b"[]")}, None
        return b"data: %b\n\n" % _encoder.encode(fields)


_LAST = frozenset({"response.completed", "response.incomplete"})


def data_of(event: bytes) -> bytes:
    """Raises UpstreamError for lines that no stream of events has."""
    found = []
    for line in event.split(b"\n"):
        if line.startswith(b"data:"):
            found.append(line[5:].removeprefix(b" "))
        elif line and not line.startswith((b":", b"event", b"id", b"retry")):
            raise UpstreamError("garbage")
    return b"\n".join(found)


# Answers that come at once


class _Whole(Struct):
    usage: Usage | None = None
    error: Raw = Raw()


class _Row(Struct):
    embedding: list[float] | str
    index: int = 0
    object: str = "embedding"


class _Rows(Struct):
    data: list[_Row]
    id: str = ""
    model: str = ""
    usage: Raw = Raw(b"null")
    object: str = "list"


_whole, _rows = msgspec.json.Decoder(_Whole), msgspec.json.Decoder(_Rows)


def read_whole(body: bytes, meter: Meter) -> None:
    """Raises UpstreamError for what is not an answer."""
    try:
        read = _whole.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UpstreamError("garbage") from None
    if bytes(read.error) not in _NOTHING:
        raise UpstreamError("overloaded", reported=1)
    if read.usage is not None:
        meter.count(read.usage)
    else:
        meter.heard.hear(len(body))
    meter.heard.is_whole, meter.events = True, 1


def embeddings_as(body: bytes, *, base64: bool, request_id: str) -> bytes:
    """Written as the client asked, where the provider writes them otherwise; with an identifier, which Mistral's client wants
    and OpenAI does not give. Raises UpstreamError."""
    if b'"id"' not in body:
        body = b'{"id":"%b",' % request_id.encode() + body.lstrip()[1:]
    has_numbers = b'"embedding":[' in body or b'"embedding": [' in body
    if has_numbers != base64 and (has_numbers or b'"embedding"' in body):
        return body
    try:
        rows = _rows.decode(body)
        for row in rows.data:
            row.embedding = _written(row.embedding, base64=base64)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, struct.error, OverflowError):
        raise UpstreamError("garbage") from None
    return msgspec.json.encode(rows)


def _written(embedding: list[float] | str, *, base64: bool) -> list[float] | str:
    """Base64 of little-endian 32-bit floats, or numbers."""
    if isinstance(embedding, str) == base64:
        return embedding
    if isinstance(embedding, str):
        raw = _b64decode(embedding)
        return list(struct.unpack(f"<{len(raw) // 4}f", raw))
    return _b64encode(struct.pack(f"<{len(embedding)}f", *embedding))


def _b64decode(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _b64encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
