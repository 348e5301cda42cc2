"""An answer on its way: what it used, where it ends, and whether it is one at all."""

from __future__ import annotations

import base64
import struct

import msgspec
from msgspec import Raw, Struct

from parvis.inference.completion import UpstreamError

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
    """`usage` is what the provider says it counted, None as long as it has said nothing. `events` are the pieces of the answer
    that were passed on."""

    usage: Usage | None = None
    events: int = 0
    sent: int = 0  # bytes passed on
    complete: bool = False


class _Inner(Struct):
    usage: Usage | None = None


class _Event(Struct):
    choices: list[Raw] | None = None
    usage: Usage | None = None
    error: Raw = Raw()
    response: _Inner | None = None
    type: str | None = None


_event = msgspec.json.Decoder(_Event)
_NOTHING = (b"", b"null")


class Events:
    """Server-sent events, passed on whole: what is cut in the middle of one never reaches the client, and more may be said.

    `hides_usage`: the client did not ask for the last chunk, which holds nothing but the counts.
    """

    def __init__(self, meter: Meter, *, hides_usage: bool) -> None:
        self.meter = meter
        self.failed = ""  # what the provider said went wrong, as a code
        self._hides_usage = hides_usage
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
        if not self.meter.complete:
            raise UpstreamError("cut")
        return passed

    def _keep(self, rest: bytes) -> None:
        if len(rest) > LONGEST_EVENT:
            raise UpstreamError("too_large")
        self._rest = rest

    def _passed(self, events: bytes) -> bytes:
        if events.find(b"\n\n") == len(events) - 2:  # one, nearly always
            return events if self._is_passed(events) else b""
        return b"".join(one + b"\n\n" for one in events.split(b"\n\n") if one.strip(b"\n") and self._is_passed(one))

    def _is_passed(self, event: bytes) -> bool:
        data = event[6:] if event.startswith(b"data: ") else data_of(event)
        if not data:
            return True
        if data.startswith(b"[DONE]"):
            self.meter.complete = True
            return True
        try:
            read = _event.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise UpstreamError("garbage") from None
        meter = self.meter
        if bytes(read.error) not in _NOTHING:
            raise UpstreamError("overloaded", reported=1)
        if read.usage is not None:
            meter.usage = read.usage
            if self._hides_usage and not read.choices and read.choices is not None:
                return False
        elif read.response and read.response.usage:
            meter.usage = read.response.usage
        if read.type in _LAST:
            meter.complete = True
        elif read.type in ("response.failed", "error"):
            raise UpstreamError("overloaded", reported=1)
        meter.events += 1
        return True


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
    meter.usage, meter.complete, meter.events = read.usage, True, 1


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
