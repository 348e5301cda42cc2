"""What each worker of /v1 is answering at this instant, for whoever may look at it and stop it. Pure.

A worker keeps one file of its own, written anew about once a second while something is open and gone when nothing is. It says
who asks which model and how much was passed on; never a word of what is asked or answered. The file is locked as long as its
process lives: the kernel lets go of the lock, however the process ends, and what nobody holds is not shown.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

FOLDER = "open"
SUFFIX, UNFINISHED = ".open", ".new"
WRITTEN_WITHIN = 60.0  # seconds: what is unfinished for longer will never be finished


class OpenStream(msgspec.Struct, frozen=True, array_like=True):
    """`model` is the name it was asked by; `zone` is where it computes, "" as long as no model has taken it. `begun_at` is in
    seconds since 1970; `pieces` and `sent`, in bytes, were passed on."""

    request_id: str
    institution: int
    key: int
    holder: int
    component: str
    operation: str
    model: str
    begun_at: float
    is_streamed: bool = False
    zone: str = ""
    pieces: int = 0
    sent: int = 0


class OpenFile:
    """Of one worker. From any thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FOLDER / f"{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}"
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._content = b""
        self._is_closed = False

    @property
    def is_there(self) -> bool:
        return self._file is not None

    def write(self, streams: Sequence[OpenStream]) -> None:
        """Whole or not at all, and only where it says something else than before. Raises OSError."""
        content = msgspec.msgpack.encode(streams) if streams else b""
        with self._lock:
            if self._is_closed or content == self._content:
                return
            former, self._file = self._file, self._replaced(content) if content else None
            self._content = content
            if former:
                if not content:
                    self._path.unlink(missing_ok=True)
                former.close()

    def close(self) -> None:
        with suppress(OSError):
            self.write(())
        with self._lock:
            self._is_closed = True

    def _replaced(self, content: bytes) -> BinaryIO:
        """By its own name it is always locked while its process lives."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(UNFINISHED)
        file = os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb", 0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if file.write(content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            unfinished.rename(self._path)
        except BaseException:
            file.close()
            raise
        return file


def open_streams(folder: Path, institution: int) -> list[OpenStream]:
    """Those of one institution, the oldest first, on this machine."""
    found = [one for path in _paths(folder, SUFFIX) for one in _read(path) if one.institution == institution]
    return sorted(found, key=lambda one: (one.begun_at, one.request_id))


def sweep(folder: Path) -> None:
    """Removes what dead workers left."""
    for path in _paths(folder, SUFFIX):
        with suppress(OSError), path.open("rb") as file:
            if not _is_held(file):
                path.unlink(missing_ok=True)
    for path in _paths(folder, UNFINISHED):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > WRITTEN_WITHIN:
                path.unlink(missing_ok=True)


def _paths(folder: Path, suffix: str) -> Iterator[Path]:
    return (folder / FOLDER).glob(f"*{suffix}")


def _read(path: Path) -> list[OpenStream]:
    """Nothing of what is no longer there, nor of what another version wrote."""
    try:
        with path.open("rb") as file:
            return _streams.decode(file.read()) if _is_held(file) else []
    except (OSError, msgspec.MsgspecError):
        return []


def _is_held(file: BinaryIO) -> bool:
    """Readers share their lock: none takes another for the worker."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


_streams = msgspec.msgpack.Decoder(list[OpenStream])
