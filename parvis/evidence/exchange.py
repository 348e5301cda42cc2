"""What is asked of another member's log, and what the answers prove. No database, no Django."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from parvis.audit.verifier import Head, Key, Note, Unreadable, accepted_keys, consistent

# Asks for a path below the address of the log. None for what is not there; raises when nothing answers.
Get = Callable[[str], Awaitable[bytes | None]]


class Unsigned(Exception):
    """The head is not signed by the key that is pinned, nor by one that it names."""


class Shrunk(Exception):
    """The log is shorter than it was."""


class Forked(Exception):
    """Two histories are signed by one key: `note` contradicts what was seen before."""

    def __init__(self, note: str) -> None:
        super().__init__()
        self.note = note


@dataclass(frozen=True)
class Seen:
    """A head of the other log, consistent with the one before."""

    note: str
    head: Head
    key: Key  # that signs there now


def digest_of(origin: str) -> str:
    """How a log is named in the address of a countersignature."""
    return sha256(origin.encode()).hexdigest()


async def look(get: Get, *, pinned: Key, before: str = "") -> Seen:
    """The other log's head now. `before`: the note of the one seen before, if any."""
    note = await _text(get, "tete")
    read = Note.read(note)
    keys = await _keys(get, pinned)
    signing = next((key for key in keys if read.is_signed_by(key)), None)
    if signing is None:
        raise Unsigned
    head = Head.read(read.text)
    if before:
        await _compare(get, note, head, Head.read(Note.read(before).text))
    return Seen(note, head, keys[-1])


async def _compare(get: Get, note: str, head: Head, former: Head) -> None:
    if head.origin != former.origin:
        raise Unsigned
    if head.size < former.size:
        raise Shrunk
    if head.size == former.size:
        if head.root != former.root:
            raise Forked(note)
        return
    written = json.loads(await _text(get, f"coherence?de={former.size}&a={head.size}"))
    try:
        path = [bytes.fromhex(one) for one in written["path"]]
    except (TypeError, KeyError, ValueError):
        raise Unreadable("this is no proof of consistency") from None
    if not consistent(former.size, former.root, head.size, head.root, path):
        raise Forked(note)


@dataclass(frozen=True)
class Countersigned:
    """A head of ours that the other member saw, and when, in seconds since 1970."""

    note: str
    head: Head
    seconds: int


async def countersignature(get: Get, *, origin: str, ours: Sequence[Key], theirs: Key) -> Countersigned | None:
    """None where the other member does not watch this log yet. What is not signed by both is nothing."""
    raw = await get(f"temoignages/{digest_of(origin)}")
    if raw is None:
        return None
    written = _decoded(raw)
    note = Note.read(written)
    seconds, head = note.seen_at(theirs), Head.read(note.text)
    if seconds is None or head.origin != origin or not any(note.is_signed_by(key) for key in ours):
        return None
    return Countersigned(written, head, seconds)


async def _keys(get: Get, pinned: Key) -> list[Key]:
    """Those that follow the pinned one, each named by the one before."""
    try:
        rows = json.loads(await _text(get, "cles"))["keys"]
        return accepted_keys(rows, pinned)
    except (TypeError, KeyError, ValueError):
        return [pinned]


async def _text(get: Get, path: str) -> str:
    raw = await get(path)
    if raw is None:
        raise Unreadable("there is no log at this address")
    return _decoded(raw)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Unreadable("this is no text") from None
