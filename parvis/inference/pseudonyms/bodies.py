"""Requests of OpenAI's API, whole: everything in them that is read as words is pseudonymised, and what answers is restored.

Left alone: the model's parameters, the tools it may call and the JSON schema of its answer, which developers wrote. Refused:
what cannot be read here, as images, sounds, files and numbers of tokens. Anything unknown is read as words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.detection import LONGEST_TEXT, Detector, Reading
from parvis.inference.pseudonyms.names import Named
from parvis.inference.pseudonyms.restoration import Restorer, restored
from parvis.inference.pseudonyms.vault import CLOSING, OPENING, Vault

DEEPEST = 40

_CUT = re.compile(f"({OPENING}[A-Z]+_[0-9]+[A-Z]{CLOSING})")

_LEFT_ALONE = frozenset(
    """model temperature top_p n stream stream_options max_tokens max_completion_tokens max_output_tokens presence_penalty
    frequency_penalty logit_bias logprobs top_logprobs seed tools functions tool_choice function_call parallel_tool_calls
    response_format text_format reasoning reasoning_effort service_tier store modalities truncation include background
    encoding_format dimensions safe_prompt random_seed prompt_mode previous_response_id verbosity""".split()
)
_REMOVED = frozenset({"user", "safety_identifier", "prompt_cache_key"})  # who asks: nothing that the model needs
_UNREADABLE = frozenset(
    """image_url input_image image input_audio audio file input_file video_url document_url input_video""".split()
)
_NOT_WORDS = frozenset({"role", "type", "id", "tool_call_id", "call_id", "status", "prefix", "detail"})
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
        self._detector = detector
        self.vault = Vault(key)

    def body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The request as it may be sent. Raises PseudonymsUnavailableError, and then nothing may be."""
        sent: dict[str, Any] = _safely(self._body, body)
        return sent

    def messages(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The same of messages alone, with the notice that tells the model what placeholders are."""
        sent: list[dict[str, Any]] = self.body({"messages": list(messages)})["messages"]
        return sent

    def texts(self, texts: Sequence[str]) -> list[str]:
        sent: list[str] = _safely(self._replaced, list(texts))
        return sent

    def answer(self, answer: Mapping[str, Any], *, is_json: bool = False) -> dict[str, Any]:
        """An answer that came in one piece. `is_json`: its content was asked to be a JSON document."""
        restoring: dict[str, Any] = _safely(self._restored, dict(answer), is_json)
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

    def _body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in body.items() if name not in _REMOVED}
        words = {name: value for name, value in kept.items() if name not in _LEFT_ALONE}
        if _is_tokens(words.get("input")) or _is_tokens(words.get("prompt")):
            raise PseudonymsUnavailableError("pseudonyms_unreadable")
        words = self._replaced(words)
        sent = {name: words.get(name, value) for name, value in kept.items()}
        if len(self.vault) and isinstance(sent.get("messages"), list):
            sent["messages"] = _with_notice(sent["messages"])
        return sent

    def _replaced(self, words: Any) -> Any:
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
        replaced = {(label, text): self._text(reading, len(label), named) for (label, text), reading in readings.items()}
        return _rewritten(words, "", replaced)

    def _text(self, reading: Reading, skipped: int, named: Named) -> str:
        text, pieces, place = reading.text, [], skipped
        for span in reading.settled(named):
            start = max(span.start, skipped)
            if span.end > start:
                pieces += [text[place:start], self.vault.placeholder(span.kind, text[start : span.end])]
                place = span.end
        return "".join([*pieces, text[place:]])

    def _restored(self, answer: dict[str, Any], is_json: bool) -> dict[str, Any]:
        restored: dict[str, Any] = _put_back(answer, "", self.vault, is_json)
        return restored


class StreamedAnswer:
    """The events of one streamed answer. Each gives one event; `close` gives what was still held if it was cut."""

    def __init__(self, vault: Vault, *, is_json: bool = False) -> None:
        self._vault = vault
        self._is_json = is_json
        self._restorers: dict[tuple[int, str, int], Restorer] = {}

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
            is_json = name == "arguments" or (name in ("content", "text") and self._is_json)
            restorer = self._restorers[index, name, call] = Restorer(self._vault, json=is_json)
        return restorer.push(value)

    def _part(self, index: int, part: Any) -> Any:
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            return {**part, "text": self._push(index, "content", 0, part["text"])}
        return part

    def _call(self, index: int, place: int, call: Any) -> Any:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
            return call
        number: int = call["index"] if isinstance(call.get("index"), int) else place
        return {**call, "function": {**function, "arguments": self._push(index, "arguments", number, function["arguments"])}}

    def _rest(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        """`delta` with what is held for this choice added."""
        for one, name, call in [key for key in self._restorers if key[0] == index]:
            rest = self._restorers.pop((one, name, call)).close()
            if not rest:
                continue
            if name == "arguments":
                calls = delta.setdefault("tool_calls", [])
                mine = next((row for place, row in enumerate(calls) if row.get("index", place) == call), None)
                if mine and isinstance(mine.get("function"), dict):
                    mine["function"]["arguments"] = mine["function"].get("arguments", "") + rest
                else:
                    calls.append({"index": call, "function": {"arguments": rest}})
            elif name == "content" and isinstance(delta.get(name), list):
                delta[name] = [*delta[name], {"type": "text", "text": rest}]
            else:
                delta[name] = (delta.get(name) or "") + rest
        return delta


def _safely(work: Any, *given: Any) -> Any:
    """A fault refuses. It is not chained: its frames hold the text."""
    failure = PseudonymsUnavailableError()
    try:
        return work(*given)
    except PseudonymsUnavailableError as error:
        failure = PseudonymsUnavailableError(error.code)
    except Exception:  # noqa: BLE001, S110 - whatever it is, nothing leaves
        pass
    raise failure


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


def _put_back(value: Any, key: str, vault: Vault, is_json: bool) -> Any:
    if isinstance(value, str):
        return (
            value if key in _NOT_WORDS else restored(value, vault, json=key in _JSON_TEXTS or (is_json and key == "content"))
        )
    if isinstance(value, list):
        return [_put_back(one, key, vault, is_json) for one in value]
    if isinstance(value, dict):
        return {name: _put_back(one, name, vault, is_json) for name, one in value.items() if name != "logprobs"}
    return value


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
