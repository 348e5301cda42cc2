"""Pseudonyms, where the institution of a key asks for them: given before anything is sent, taken back in what answers.

Names are read from the folder of snapshots, when a request first needs them and again where they changed; then they are in the
memory of this worker only. What goes wrong refuses.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from msgspec import Raw

from parvis.access.sealing import Keyring
from parvis.gateway.asking import EMBEDDINGS, RESPONSES, Asked, Fields, written
from parvis.gateway.knowledge import Settings
from parvis.gateway.problems import Problem
from parvis.gateway.relay import Events, Meter, Shown, data_of
from parvis.inference.completion import UpstreamError
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.bodies import (
    LEFT_ALONE,
    LEFT_ALONE_IN_RESPONSES,
    REMOVED,
    Pseudonyms,
    StreamedAnswer,
    StreamedResponse,
    safely,
)
from parvis.inference.pseudonyms.detection import Detector, detector_of
from parvis.inference.pseudonyms.keys import VECTORS, key_of
from parvis.inference.pseudonyms.vault import OPENING
from parvis.inference.snapshots import Institution, read_hidden

log = logging.getLogger("parvis.gateway")

THREADS = 2  # tokens of other answers pass meanwhile
SHARE = 0.1  # of the time, at most, spent on reading the names of one institution again


class Names:
    """Of one request: what its pseudonyms stood for."""

    def __init__(self, pseudonyms: Pseudonyms, operation: str, *, is_json: bool) -> None:
        self._pseudonyms, self._is_response, self._is_json = pseudonyms, operation == RESPONSES, is_json

    def whole(self, content: bytes) -> bytes:
        """An answer that came at once, with the names. Raises UpstreamError."""
        try:
            return safely(self._whole, content)
        except PseudonymsUnavailableError:
            raise UpstreamError("garbage") from None

    def events(self, meter: Meter, *, shows: Shown) -> Events:
        if self._is_response:
            return NamedEvents(meter, Responding(self._pseudonyms.response_stream(is_json=self._is_json)), shows)
        return NamedEvents(meter, Chatting(self._pseudonyms.stream(is_json=self._is_json)), shows)

    def _whole(self, content: bytes) -> bytes:
        return msgspec.json.encode(self._pseudonyms.answer(msgspec.json.decode(content), is_json=self._is_json))


@dataclass(slots=True)
class Told:
    """What may be sent of a request; `names` None where no answer could repeat any."""

    asked: Asked
    names: Names | None


@dataclass(slots=True)
class _Read:
    """The names of one institution, as they were; others are not looked for before `due_at`."""

    version: str
    detector: Detector = field(repr=False)
    due_at: float


class Pseudonymiser:
    """Of one worker."""

    def __init__(self, settings: Settings, ring: Callable[[], Keyring]) -> None:
        self._settings, self._ring = settings, ring
        self._threads = ThreadPoolExecutor(THREADS, "pseudonyms")
        self._lock = threading.Lock()
        self._read: dict[int, _Read] = {}

    async def told(self, institution: Institution, asked: Asked) -> Told:
        """Raises Problem, and then nothing may be sent."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, safely, self._told, institution, asked)
        except PseudonymsUnavailableError as error:
            if error.code == "pseudonyms_unavailable":
                log.error("Pseudonyms of institution %s could not be given", institution.id)
            raise Problem(error.code) from None

    async def whole(self, names: Names, content: bytes) -> bytes:
        """Raises UpstreamError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, names.whole, content)

    def keep(self, institutions: Mapping[int, Institution]) -> None:
        """Of those that ask for pseudonyms no more, no name stays."""
        for number in list(self._read):
            if number not in institutions or institutions[number].pseudonyms is None:
                self._read.pop(number, None)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._read.clear()

    def _told(self, institution: Institution, asked: Asked) -> Told:
        if "images" in asked.capabilities:
            raise PseudonymsUnavailableError("pseudonyms_unreadable")
        detector, master = self._detector(institution), self._settings.master
        if asked.operation == EMBEDDINGS:
            return Told(_compared(asked, Pseudonyms(detector, key_of(institution.id, VECTORS, master=master))), None)
        pseudonyms = Pseudonyms(detector, key_of(institution.id, "", master=master))
        is_response = asked.operation == RESPONSES
        words = _words(asked, LEFT_ALONE_IN_RESPONSES if is_response else LEFT_ALONE)
        sent = _with(asked, words, pseudonyms.body(words, is_response=is_response))
        names = Names(pseudonyms, asked.operation, is_json=_is_json(asked)) if len(pseudonyms.vault) else None
        return Told(sent, names)

    def _detector(self, institution: Institution) -> Detector:
        """Raises PseudonymsUnavailableError."""
        wanted = institution.pseudonyms.version if institution.pseudonyms else ""
        if not wanted:
            raise PseudonymsUnavailableError
        with self._lock:
            known, begun = self._read.get(institution.id), time.monotonic()
            if known and (known.version == wanted or begun < known.due_at):
                return known.detector
            try:
                version, hidden = read_hidden(
                    self._settings.snapshots, institution.id, master=self._settings.master, ring=self._ring()
                )
                detector = detector_of(hidden.names, terms=hidden.terms, student_numbers=hidden.student_numbers)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing leaves
                log.error("Names of institution %s: %s", institution.id, type(error).__name__)
                raise PseudonymsUnavailableError from None
            now = time.monotonic()
            self._read[institution.id] = _Read(version, detector, now + (now - begun) / SHARE)
            return detector


def _compared(asked: Asked, pseudonyms: Pseudonyms) -> Asked:
    words = _words(asked, LEFT_ALONE)
    given = words.pop("input")
    texts = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        raise PseudonymsUnavailableError("pseudonyms_unreadable")
    compared = pseudonyms.compared(texts)
    return _with(
        asked, {"input": given, **words}, {"input": compared if texts is given else compared[0], **pseudonyms.body(words)}
    )


def _words(asked: Asked, left_alone: frozenset[str]) -> dict[str, Any]:
    """The fields that are read. The others go on as the bytes they came in, but those that tell who asks."""
    skipped = left_alone | REMOVED
    return {name: msgspec.json.decode(raw) for name, raw in asked.fields.items() if name not in skipped}


def _with(asked: Asked, words: Mapping[str, Any], sent: Mapping[str, Any]) -> Asked:
    """The worst that it may cost is of what is sent: its size is."""
    kept = {name: raw for name, raw in asked.fields.items() if name not in words and name not in REMOVED}
    fields: Fields = {**kept, **{name: Raw(msgspec.json.encode(value)) for name, value in sent.items()}}
    return replace(asked, fields=fields, body=written(fields))


class _Format(msgspec.Struct):
    type: str = ""


class _Text(msgspec.Struct):
    format: _Format | None = None


def _is_json(asked: Asked) -> bool:
    """Whether the answer was asked to be a JSON document."""
    if asked.operation == RESPONSES:
        text = msgspec.json.decode(asked.fields.get("text", b"{}"), type=_Text | None)
        found = text.format if text else None
    else:
        found = msgspec.json.decode(asked.fields.get("response_format", b"null"), type=_Format | None)
    return found is not None and found.type.startswith("json")


# Streams


class Chatting:
    """The events of a chat completion."""

    def __init__(self, stream: StreamedAnswer) -> None:
        self._stream = stream
        self._latest: dict[str, Any] = {}

    @property
    def holds(self) -> bool:
        return self._stream.holds

    def restored(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        self._latest = event
        return [self._stream.event(event)]

    def rest(self) -> list[dict[str, Any]]:
        choices = self._stream.close()
        return [{**self._latest, "choices": choices}] if choices else []


class Responding:
    """Those of an answer of /v1/responses."""

    def __init__(self, stream: StreamedResponse) -> None:
        self._stream = stream

    @property
    def holds(self) -> bool:
        return self._stream.holds

    def restored(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return self._stream.events(event)

    def rest(self) -> list[dict[str, Any]]:
        return self._stream.close()


class NamedEvents(Events):
    """Events passed on with the names: as they came as long as they hold nothing that may be a placeholder."""

    def __init__(self, meter: Meter, answer: Chatting | Responding, shows: Shown) -> None:
        super().__init__(meter, shows=shows)
        self._answer = answer

    def close(self) -> bytes:
        return super().close() + self.held()

    def held(self) -> bytes:
        return b"".join(map(_event, self._answer.rest()))

    def _passed(self, events: bytes) -> bytes:
        passed = super()._passed(events)
        if not self._answer.holds and _OPENING not in passed and b"\\" not in passed:
            return passed
        return b"".join(self._restored(one) for one in passed.split(b"\n\n") if one.strip(b"\n"))

    def _restored(self, event: bytes) -> bytes:
        data = data_of(event)
        if not data:
            return event + b"\n\n"
        if data.startswith(b"[DONE]"):
            return self.held() + event + b"\n\n"
        try:
            return b"".join(map(_event, safely(self._answer.restored, msgspec.json.decode(data))))
        except (PseudonymsUnavailableError, msgspec.MsgspecError):
            raise UpstreamError("garbage") from None


_OPENING = OPENING.encode()


def _event(event: dict[str, Any]) -> bytes:
    kind = event.get("type")
    head = b"event: %b\n" % kind.encode() if isinstance(kind, str) else b""
    return b"%bdata: %b\n\n" % (head, msgspec.json.encode(event))
