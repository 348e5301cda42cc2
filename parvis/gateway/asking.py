"""What a request asks, read no further than needed, and the body that a provider is sent.

Each field of the body goes on as the bytes it came in; only those that are ours to say are written anew. A field given twice
is one, the last, so that nobody after us reads another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from parvis.gateway.problems import Problem

CHAT, EMBEDDINGS, RESPONSES = "chat/completions", "embeddings", "responses"
LONGEST_NAME = 200
MOST_CHOICES = 128

T = TypeVar("T")
Fields = dict[str, Raw]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
Choices = Annotated[int, msgspec.Meta(ge=1, le=MOST_CHOICES)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]


@dataclass(slots=True)
class Asked:
    """`capabilities` are those that a model needs to answer it; `max_tokens` what the client accepts at most, for each of the
    `choices` it wants. `size` is that of the body: no tokenizer makes more tokens of it than it has bytes."""

    operation: str
    body: bytes = field(repr=False)
    fields: Fields = field(repr=False)
    model: str
    stream: bool
    wants_usage: bool
    capabilities: frozenset[str]
    max_tokens: int | None
    choices: int
    base64: bool = False  # how embeddings are to be written
    wants_each_count: bool = False  # the usage with each piece, as some servers give it

    @property
    def size(self) -> int:
        return len(self.body)


def read(operation: str, body: bytes) -> Asked:
    """Raises Problem."""
    try:
        if not body.isascii():
            body.decode()
    except UnicodeDecodeError as error:
        raise Problem("not_json", {"reason": str(error)[:200]}) from None
    return _READERS[operation](body, _decoded(_fields, body))


def body_for(
    asked: Asked, name: str, *, max_tokens: int | None, counts_unasked: bool, counts_as_it_goes: bool = False
) -> bytes:
    """What the provider is sent for its model of that name, held to so many tokens."""
    fields = asked.fields
    written: dict[str, bytes] = {"model": _json(name)}
    if asked.operation == CHAT and asked.stream and not counts_unasked:
        written["stream_options"] = _counting(fields.get("stream_options"), _EACH_PIECE if counts_as_it_goes else _AT_THE_END)
    if max_tokens is not None and asked.operation != EMBEDDINGS:
        limit = max_tokens if asked.max_tokens is None else min(max_tokens, asked.max_tokens)
        written[_limit_name(asked, fields)] = b"%d" % limit
    if asked.operation == RESPONSES or "store" in fields:  # nothing is left at the provider for another to find
        written["store"] = b"false"
    return _object(fields, written)


def written(fields: Fields) -> bytes:
    return _object(fields, {})


def _counting(options: Raw | None, wanted: dict[str, bytes]) -> bytes:
    if options is None or bytes(options) == b"null":
        return _object({}, wanted)
    return _object(_fields.decode(options), wanted)


_AT_THE_END = {"include_usage": b"true"}
_EACH_PIECE = {**_AT_THE_END, "continuous_usage_stats": b"true"}  # vLLM's and SGLang's name for it


def _limit_name(asked: Asked, fields: Fields) -> str:
    if asked.operation == RESPONSES:
        return "max_output_tokens"
    return "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"


def _object(fields: Fields, written: dict[str, bytes]) -> bytes:
    parts = [b"%b:%b" % (_json(name), value) for name, value in written.items()]
    parts += [b"%b:%b" % (_json(name), value) for name, value in fields.items() if name not in written]
    return b"{" + b",".join(parts) + b"}"


# Reading


class _Typed(Struct):
    type: str = ""


class _Options(Struct):
    include_usage: bool | None = None
    continuous_usage_stats: bool | None = None


class _Message(Struct):
    content: str | list[Fields] | None = None


class _Chat(Struct):
    model: Name
    messages: list[_Message]
    stream: bool | None = None
    stream_options: _Options | None = None
    tools: list[_Typed] | None = None
    functions: list[Raw] | None = None
    web_search_options: Raw = Raw()
    response_format: _Typed | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Choices | None = None


class _Embeddings(Struct):
    model: Name
    input: str | list[str | int | list[int]]
    encoding_format: str | None = None


class _Responses(Struct):
    model: Name
    input: str | list[Any]
    stream: bool | None = None
    tools: list[_Typed] | None = None
    max_output_tokens: Count | None = None
    previous_response_id: Raw = Raw()
    conversation: Raw = Raw()
    background: Raw = Raw()
    prompt: Raw = Raw()


_fields = msgspec.json.Decoder(Fields)
_chat_decoder, _embeddings_decoder = msgspec.json.Decoder(_Chat), msgspec.json.Decoder(_Embeddings)
_responses_decoder = msgspec.json.Decoder(_Responses)
_json = msgspec.json.Encoder().encode


def _chat(body: bytes, fields: Fields) -> Asked:
    given = _decoded(_chat_decoder, body)
    needed = {"chat"}
    if given.stream:
        needed.add("stream")
    if given.tools or given.functions:
        needed.add("tools")
    _refuse_distant(given.tools)
    if bytes(given.web_search_options) not in _NOTHING:
        raise Problem("unsupported_field", {"field": "web_search_options"}, param="web_search_options")
    if given.response_format and given.response_format.type == "json_schema":
        needed.add("json_schema")
    for message in given.messages:
        if type(message.content) is list and any([_is_media(part) for part in message.content]):
            needed.add("images")
    return Asked(
        CHAT,
        body,
        fields,
        given.model,
        stream=bool(given.stream),
        wants_usage=bool(given.stream_options and given.stream_options.include_usage),
        capabilities=frozenset(needed),
        max_tokens=_least(given.max_tokens, given.max_completion_tokens),
        choices=given.n or 1,
        wants_each_count=bool(given.stream_options and given.stream_options.continuous_usage_stats),
    )


def _least(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)


def _embeddings(body: bytes, fields: Fields) -> Asked:
    given = _decoded(_embeddings_decoder, body)
    form = given.encoding_format or "float"
    if form not in ("float", "base64"):
        raise Problem("wrong_field", {"field": "encoding_format"}, param="encoding_format")
    return Asked(EMBEDDINGS, body, fields, given.model, False, False, frozenset({"embeddings"}), 0, 1, base64=form == "base64")


def _responses(body: bytes, fields: Fields) -> Asked:
    given = _decoded(_responses_decoder, body)
    for name in ("previous_response_id", "conversation", "background", "prompt"):
        if bytes(getattr(given, name)) not in _NOTHING:  # what another key left at the provider
            raise Problem("unsupported_field", {"field": name}, param=name)
    needed = {"responses"} | ({"stream"} if given.stream else set())
    if given.tools:
        needed.add("tools")
    _refuse_distant(given.tools)
    if _brings_media(given.input, "input"):
        needed.add("images")
    return Asked(RESPONSES, body, fields, given.model, bool(given.stream), True, frozenset(needed), given.max_output_tokens, 1)


def _refuse_distant(tools: list[_Typed] | None) -> None:
    """Tools of the provider's go where we know nothing of. One without a type is a function."""
    for tool in tools or ():
        if tool.type not in ("", "function", "custom"):
            raise Problem("unsupported_field", {"field": f"tools: {tool.type[:40]}"}, param="tools")


_READERS = {CHAT: _chat, EMBEDDINGS: _embeddings, RESPONSES: _responses}
_NOTHING = (b"", b"null", b"false")


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        if found := _PLACE.search(str(error)):
            name = found[1] or found[2]
            raise Problem("wrong_field", {"field": name}, param=name) from None
        raise Problem("not_json", {"reason": str(error)[:200]}) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("not_json", {"reason": str(error)[:200]}) from None


_PLACE = re.compile(r"at `\$\.(\w+)|required field `(\w+)`")


# Images and files

_TEXT_KEYS = frozenset({"type", "text", "refusal", "cache_control"})
_REMOTE_IDS = frozenset({"file_id", "container_id"})


def _is_media(part: Fields) -> bool:
    """Whether a part of a message is more than text. Raises Problem where somebody else would have to fetch it."""
    if part.keys() <= _TEXT_KEYS:
        return False
    try:
        return any([_brings_media({name: msgspec.json.decode(raw)}, "messages") for name, raw in part.items()])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem("wrong_field", {"field": "messages"}, param="messages") from None


def _brings_media(tree: Any, param: str) -> bool:
    found = False
    for key, value in _strings(tree):
        if key in _REMOTE_IDS or (key.endswith("url") and not value.startswith("data:")):
            raise Problem("remote_content", param=param)
        found = found or key.endswith(("url", "data", "audio", "image", "file"))
    return found


def _strings(tree: Any) -> Iterator[tuple[str, str]]:
    """Every text with the key it is under."""
    left = [("", tree)]
    while left:
        key, value = left.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            left.extend(value.items())
        elif isinstance(value, list):
            left.extend((key, one) for one in value)
