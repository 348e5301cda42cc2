"""Requests of OpenAI's API, whole: everything in them that is read as words is pseudonymised, and what answers is restored.

Left alone: the model's parameters, the tools it may call and the JSON schema of its answer, which developers wrote. Refused:
what cannot be read here, as images, sounds, files and numbers of tokens. Anything unknown is read as words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.detection import LONGEST_TEXT, Detector, Reading
from parvis.inference.pseudonyms.names import Named
from parvis.inference.pseudonyms.restoration import Restorer, restored
from parvis.inference.pseudonyms.vault import CLOSING, OPENING, Vault

DEEPEST = 40

P = ParamSpec("P")
T = TypeVar("T")

_CUT = re.compile(f"({OPENING}[A-Z]+_[0-9]+[A-Z]{CLOSING})")

LEFT_ALONE = frozenset(
    """model temperature top_p n stream stream_options max_tokens max_completion_tokens max_output_tokens presence_penalty
    frequency_penalty logit_bias logprobs top_logprobs seed tools functions tool_choice function_call parallel_tool_calls
    response_format text_format reasoning reasoning_effort service_tier store modalities truncation include background
    encoding_format dimensions safe_prompt random_seed prompt_mode previous_response_id verbosity""".split()
)
LEFT_ALONE_IN_RESPONSES = LEFT_ALONE | {"text"}  # how an answer of /v1/responses is written, its schema among it
REMOVED = frozenset({"user", "safety_identifier", "prompt_cache_key"})  # who asks: nothing that the model needs
_UNREADABLE = frozenset(
    """image_url input_image image input_audio audio file input_file video_url document_url input_video""".split()
)
_NOT_WORDS = frozenset(
    {"role", "type", "id", "item_id", "tool_call_id", "call_id", "status", "prefix", "detail", "encrypted_content"}
)
_JSON_TEXTS = frozenset({"arguments"})

NOTICE = {
    "role": "system",
    "content": (
        "Certaines données personnelles sont remplacées par des marques entre ⟦ et ⟧. Recopie une marque telle quelle, "
        "sans rien y changer, là où tu citerais ce qu'elle remplace : même numéro, même personne ou même donnée."
    ),
}


class Pseudonyms:
    """Of one request: pseudonymise it, then restore its answers."""

    def __init__(self, detector: Detector, key: bytes) -> None:
        self._detector, self._key = detector, key
        self.vault = Vault(key)

    def body(self, body: Mapping[str, Any], *, is_response: bool = False) -> dict[str, Any]:
        """The request as it may be sent; `is_response`: one of /v1/responses. Raises PseudonymsUnavailableError, and then
        nothing may be."""
        sent: dict[str, Any] = safely(self._body, body, is_response)
        return sent

    def messages(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The same of messages alone, with the notice that tells the model what placeholders are."""
        sent: list[dict[str, Any]] = self.body({"messages": list(messages)})["messages"]
        return sent

    def texts(self, texts: Sequence[str]) -> list[str]:
        sent: list[str] = safely(self._replaced, list(texts))
        return sent

    def compared(self, texts: Sequence[str]) -> list[str]:
        """Texts of which only vectors come back: what is named has one placeholder in all of them, whatever else is asked at
        the same time, so that their vectors compare with those of other days. There is nothing to restore."""
        sent: list[str] = safely(self._compared, list(texts))
        return sent

    def answer(self, answer: Mapping[str, Any], *, is_json: bool = False) -> dict[str, Any]:
        """An answer that came in one piece. `is_json`: its content was asked to be a JSON document."""
        restoring: dict[str, Any] = safely(self._restored, dict(answer), is_json)
        return restoring

    def restored(self, text: str) -> str:
        return restored(text, self.vault)

    def pieces(self, sent: str) -> Iterator[tuple[str, str]]:
        """What would be sent, cut at its placeholders: each with what it stands for, other words with ""."""
        for piece in _CUT.split(sent):
            if piece:
                yield piece, (self.vault.value(piece[1:-1]) or "") if piece[0] == OPENING else ""

    def stream(self, *, is_json: bool = False) -> StreamedAnswer:
        return StreamedAnswer(self.vault, is_json=is_json)

    def response_stream(self, *, is_json: bool = False) -> StreamedResponse:
        return StreamedResponse(self.vault, is_json=is_json)

    def _body(self, body: Mapping[str, Any], is_response: bool) -> dict[str, Any]:
        left_alone = LEFT_ALONE_IN_RESPONSES if is_response else LEFT_ALONE
        kept = {name: value for name, value in body.items() if name not in REMOVED}
        words = {name: value for name, value in kept.items() if name not in left_alone}
        if _is_tokens(words.get("input")) or _is_tokens(words.get("prompt")):
            raise PseudonymsUnavailableError("pseudonyms_unreadable")
        replaced: dict[str, Any] = self._replaced(words)
        sent = {name: value for name, value in kept.items() if name in left_alone} | replaced
        if len(self.vault) and isinstance(sent.get("messages"), list):
            sent["messages"] = _with_notice(sent["messages"])
        elif len(self.vault) and is_response:
            sent["instructions"] = "\n\n".join(filter(None, [sent.get("instructions"), NOTICE["content"]]))
        return sent

    def _replaced(self, words: Any) -> Any:
        readings, named = self._read(words)
        marked = {place: _marked(reading, len(place[0]), named, self.vault) for place, reading in readings.items()}
        return _rewritten(words, "", marked)

    def _compared(self, texts: list[str]) -> list[str]:
        """Each with a vault of its own: two names that fall on one number are told apart by who came first."""
        readings, named = self._read(texts)
        sent = []
        for text in texts:
            vault = Vault(self._key)
            marked = {place: _marked(readings[place], len(place[0]), named, vault) for place in _texts(text, "", 1)}
            sent.append(_rewritten(text, "", marked))
        return sent

    def _read(self, words: Any) -> tuple[dict[tuple[str, str], Reading], Named]:
        """All texts are read before any is replaced: somebody may be named in full in the last one only."""
        named = Named()
        readings: dict[tuple[str, str], Reading] = {}
        length = 0
        for label, text in _texts(words, "", 0):
            length += len(text)
            if length > LONGEST_TEXT:
                raise PseudonymsUnavailableError("pseudonyms_too_long")
            if (label, text) not in readings:
                readings[label, text] = self._detector.read(label + text, named)
        return readings, named

    def _restored(self, answer: dict[str, Any], is_json: bool) -> dict[str, Any]:
        found: dict[str, Any] = put_back(answer, self.vault, is_json=is_json)
        return found


class StreamedAnswer:
    """The events of one streamed answer. Each gives one event; `close` gives what was still held if it was cut."""

    def __init__(self, vault: Vault, *, is_json: bool = False) -> None:
        self._vault = vault
        self._is_json = is_json
        self._restorers: dict[tuple[int, str, int], Restorer] = {}

    @property
    def holds(self) -> bool:
        """Whether something waits for what comes next."""
        return any(one.holds for one in self._restorers.values())

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        choices = event.get("choices")
        if not isinstance(choices, list):
            return dict(event)
        return {**event, "choices": [self._choice(choice) if isinstance(choice, dict) else choice for choice in choices]}

    def close(self) -> list[dict[str, Any]]:
        """Choices that end abruptly, each with the rest of its texts."""
        indexes = sorted({index for index, _, _ in self._restorers})
        rests = [(index, self._rest(index, {})) for index in indexes]
        return [{"index": index, "delta": delta} for index, delta in rests if delta]

    def _choice(self, choice: dict[str, Any]) -> dict[str, Any]:
        index: int = choice["index"] if isinstance(choice.get("index"), int) else 0
        delta = choice.get("delta")
        choice = {key: value for key, value in choice.items() if key != "logprobs"}  # words cut into tokens: not restorable
        delta = {**delta} if isinstance(delta, dict) else {}
        for name, value in delta.items():
            if isinstance(value, str) and name != "role":
                delta[name] = self._push(index, name, 0, value)
            elif name == "content" and isinstance(value, list):
                delta[name] = [self._part(index, part) for part in value]
            elif name == "tool_calls" and isinstance(value, list):
                delta[name] = [self._call(index, place, call) for place, call in enumerate(value)]
            elif name == "function_call" and isinstance(value, dict) and isinstance(value.get("arguments"), str):
                delta[name] = {**value, "arguments": self._push(index, name, 0, value["arguments"])}
        if isinstance(choice.get("text"), str):
            choice["text"] = self._push(index, "text", 0, choice["text"])
        if choice.get("finish_reason"):
            rest = self._rest(index, delta)
            if "text" in choice:
                choice["text"] += rest.pop("text", "")
            delta = rest
        return {**choice, "delta": delta} if "delta" in choice or delta else choice

    def _push(self, index: int, name: str, call: int, value: str) -> str:
        restorer = self._restorers.get((index, name, call))
        if restorer is None:
            is_json = name in ("arguments", "function_call") or (name in _CONTENT and self._is_json)
            restorer = self._restorers[index, name, call] = Restorer(self._vault, json=is_json)
        return restorer.push(value)

    def _part(self, index: int, part: Any) -> Any:
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            return {**part, "text": self._push(index, "content", 0, part["text"])}
        return part

    def _call(self, index: int, place: int, call: Any) -> Any:
        if not isinstance(call, dict):
            return call
        number: int = call["index"] if isinstance(call.get("index"), int) else place
        for name, given in _GIVEN_TO.items():
            tool = call.get(name)
            if isinstance(tool, dict) and isinstance(tool.get(given), str):
                call = {**call, name: {**tool, given: self._push(index, given, number, tool[given])}}
        return call

    def _rest(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        """`delta` with what is held for this choice added."""
        for one, name, call in [key for key in self._restorers if key[0] == index]:
            rest = self._restorers.pop((one, name, call)).close()
            if not rest:
                continue
            if tool := _TOOL_OF.get(name):
                calls = delta.setdefault("tool_calls", [])
                mine = next((row for place, row in enumerate(calls) if row.get("index", place) == call), None)
                if mine and isinstance(mine.get(tool), dict):
                    mine[tool][name] = mine[tool].get(name, "") + rest
                else:
                    calls.append({"index": call, tool: {name: rest}})
            elif name == "function_call":
                called = delta.get(name) or {}
                delta[name] = {**called, "arguments": called.get("arguments", "") + rest}
            elif name == "content" and isinstance(delta.get(name), list):
                delta[name] = [*delta[name], {"type": "text", "text": rest}]
            else:
                delta[name] = (delta.get(name) or "") + rest
        return delta


class StreamedResponse:
    """The events of one streamed answer of /v1/responses. Each gives one event, or two: what was held of a text is a delta
    of its own before the event that says that it is done."""

    def __init__(self, vault: Vault, *, is_json: bool = False) -> None:
        self._vault = vault
        self._is_json = is_json
        self._open: dict[tuple[object, ...], tuple[dict[str, Any], Restorer]] = {}  # each with its latest delta
        self._added, self._latest = 0, 0

    @property
    def holds(self) -> bool:
        """Whether something waits for what comes next, or numbers have to follow."""
        return bool(self._added) or any(one.holds for _, one in self._open.values())

    def events(self, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        kind = event.get("type")
        if isinstance(kind, str) and kind.endswith(".delta") and isinstance(event.get("delta"), str):
            return [self._numbered({**event, **self._delta(kind.removesuffix(".delta"), event)})]
        restored: dict[str, Any] = put_back(dict(event), self._vault, is_json=self._is_json)
        return [*self._done(kind, event), self._numbered(restored)]

    def close(self) -> list[dict[str, Any]]:
        """What was still held, if it was cut."""
        return self._rests(list(self._open))

    def _delta(self, kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
        place = (kind, *(event.get(name) for name in _PLACES))
        known = self._open.get(place)
        is_json = kind.endswith("arguments") or (kind.endswith("output_text") and self._is_json)
        restorer = known[1] if known else Restorer(self._vault, json=is_json)
        self._open[place] = (dict(event), restorer)
        return {"delta": restorer.push(event["delta"]), **_uncut(event)}

    def _done(self, kind: object, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What was held of the text that ends here, or of all those of the item or of the answer that does."""
        if kind in _LAST:
            return self.close()
        if kind == "response.output_item.done":
            item = event.get("output_index")
            return self._rests([place for place, (latest, _) in self._open.items() if latest.get("output_index") == item])
        place = (str(kind).removesuffix(".done"), *(event.get(name) for name in _PLACES))
        return self._rests([place] if place in self._open else [])

    def _rests(self, places: Sequence[tuple[object, ...]]) -> list[dict[str, Any]]:
        ended = [self._open.pop(place) for place in places]
        rests = [(latest, rest) for latest, restorer in ended if (rest := restorer.close())]
        return [self._added_one({**latest, "delta": rest, **_uncut(latest)}) for latest, rest in rests]

    def _added_one(self, event: dict[str, Any]) -> dict[str, Any]:
        self._added += 1
        self._latest += 1
        return {**event, "sequence_number": self._latest} if "sequence_number" in event else event

    def _numbered(self, event: dict[str, Any]) -> dict[str, Any]:
        number = event.get("sequence_number")
        if not isinstance(number, int):
            return event
        self._latest = number + self._added
        return {**event, "sequence_number": self._latest} if self._added else event


def _uncut(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"logprobs": []} if "logprobs" in event else {}


_PLACES = ("item_id", "output_index", "content_index", "summary_index")
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})

_GIVEN_TO = {"function": "arguments", "custom": "input"}  # what a tool is given, in each kind of call
_TOOL_OF = {given: tool for tool, given in _GIVEN_TO.items()}


def safely(work: Callable[P, T], *given: P.args, **options: P.kwargs) -> T:
    """A fault refuses. It is not chained: its frames hold the text."""
    failure = PseudonymsUnavailableError()
    try:
        return work(*given, **options)
    except PseudonymsUnavailableError as error:
        failure = PseudonymsUnavailableError(error.code)
    except Exception:  # noqa: BLE001, S110 - whatever it is, nothing leaves
        pass
    raise failure


def _marked(reading: Reading, skipped: int, named: Named, vault: Vault) -> str:
    text, pieces, place = reading.text, [], skipped
    for span in reading.settled(named):
        start = max(span.start, skipped)
        if span.end > start:
            pieces += [text[place:start], vault.placeholder(span.kind, text[start : span.end])]
            place = span.end
    return "".join([*pieces, text[place:]])


def _texts(value: Any, label: str, depth: int) -> Iterator[tuple[str, str]]:
    """Every text with the words that label it, as a key does its value."""
    if depth > DEEPEST:
        raise PseudonymsUnavailableError("pseudonyms_too_long")
    if isinstance(value, str):
        document = _document(value, label)
        if document is None:
            yield label, value
        else:
            yield from _texts(document, label, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield label, _number(value)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, label, depth + 1)
    elif isinstance(value, dict):
        if value.get("type") in _UNREADABLE or any(isinstance(value.get(key), dict) for key in _UNREADABLE):
            raise PseudonymsUnavailableError("pseudonyms_unreadable")
        for key, one in value.items():
            if not _is_not_words(value, key):
                yield "", key
                yield from _texts(one, _label(key), depth + 1)


def _rewritten(value: Any, label: str, replaced: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, str):
        document = _document(value, label)
        if document is None:
            return replaced[label, value]
        return json.dumps(_rewritten(document, label, replaced), ensure_ascii=False)
    if isinstance(value, int | float) and not isinstance(value, bool):
        written = _number(value)
        return value if replaced[label, written] == written else replaced[label, written]
    if isinstance(value, list):
        return [_rewritten(one, label, replaced) for one in value]
    if isinstance(value, dict):
        return dict(pair for key in value for pair in _rewritten_field(value, key, replaced))
    return value


def _rewritten_field(holder: dict[str, Any], key: str, replaced: Mapping[tuple[str, str], str]) -> Iterator[tuple[str, Any]]:
    """One field, or none: the name that a message is signed with may hold no placeholder, and is not needed."""
    if _is_not_words(holder, key):
        yield key, holder[key]
        return
    rewritten = _rewritten(holder[key], _label(key), replaced)
    if key != "name" or "role" not in holder or rewritten == holder[key]:
        yield replaced["", key], rewritten


def put_back(value: Any, vault: Vault, *, is_json: bool, key: str = "") -> Any:
    """What an answer holds, with the names. `is_json`: its content was asked to be a JSON document."""
    if isinstance(value, str):
        if key in _NOT_WORDS:
            return value
        return restored(value, vault, json=key in _JSON_TEXTS or (is_json and key in _CONTENT))
    if isinstance(value, list):
        return [put_back(one, vault, is_json=is_json, key=key) for one in value]
    if isinstance(value, dict):
        fields = ((name, _not_cut(one) if name == "logprobs" else one) for name, one in value.items())
        return {name: put_back(one, vault, is_json=is_json, key=name) for name, one in fields}
    return value


_CONTENT = frozenset({"content", "text"})


def _not_cut(logprobs: Any) -> Any:
    """Words cut into tokens: not restorable."""
    return [] if isinstance(logprobs, list) else None


def _document(value: str, label: str) -> Any:
    """A text that is a JSON document, where it must be read as one: arguments of a tool, and letters written as escapes."""
    if label != _label("arguments") and "\\u" not in value:
        return None
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict | list) else None


def _label(key: str) -> str:
    """A key as a label is written: "numeroSecu" and "date_naissance" as words."""
    if key in _STRUCTURE:
        return ""
    return f"{_CAMEL.sub(' ', key).replace('_', ' ').replace('-', ' ')[:80]} : "


_CAMEL = re.compile(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Ý])")
_STRUCTURE = frozenset({"messages", "content", "text", "input", "prompt", "tool_calls", "function", "output", "parts"})


def _is_not_words(holder: Mapping[str, Any], key: str) -> bool:
    """What the protocol or a developer wrote, among which the name of a tool."""
    is_tool = key == "name" and ("arguments" in holder or holder.get("role") in ("tool", "function"))
    return (is_tool or key in _NOT_WORDS) and isinstance(holder[key], str)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(value)


def _is_tokens(value: Any) -> bool:
    flat: Iterable[Any] = value if isinstance(value, list) else ()
    return any(isinstance(one, int) or (isinstance(one, list) and one and isinstance(one[0], int)) for one in flat)


def _with_notice(messages: list[Any]) -> list[Any]:
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    if first.get("role") in ("system", "developer") and isinstance(first.get("content"), str):
        return [{**first, "content": f"{first['content']}\n\n{NOTICE['content']}"}, *messages[1:]]
    return [dict(NOTICE), *messages]
