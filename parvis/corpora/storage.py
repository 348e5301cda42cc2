"""Original files, named after their content: what a person calls a file is never a path here.

A file is `ab/cd/<sha256>` under settings.FILES_DIR; what is drawn from it (page images) lives in `ab/cd/<sha256>.drawn/`
and goes with it. A file is put in place whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

ABANDONED_SECONDS = 24 * 3600
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TooLarge(Exception):
    """A file is larger than settings.DOCUMENT_MAX_BYTES."""

    code = "too_large"

    def __init__(self) -> None:
        super().__init__(self.code)
        self.params = {"limit": str(settings.DOCUMENT_MAX_BYTES)}


@dataclass(frozen=True, slots=True)
class Received:
    """A file that is on disk, not yet in its place."""

    path: Path
    sha256: str
    size: int

    def keep(self) -> None:
        """Puts it in its place. Call it in the transaction that refers to it, once `actions` holds the lock on its name."""
        target = path_of(self.sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.path, target)
        _sync_folder(target.parent)


@contextmanager
def receive(chunks: Iterable[bytes]) -> Iterator[Received]:
    """Writes `chunks` to disk for good; what was not kept at the end is thrown away. Raises TooLarge."""
    incoming = _incoming()
    digest, size = hashlib.sha256(), 0
    with NamedTemporaryFile(dir=incoming, delete=False) as file:
        path = Path(file.name)
        try:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.DOCUMENT_MAX_BYTES:
                    raise TooLarge
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            yield Received(path, digest.hexdigest(), size)
        finally:
            path.unlink(missing_ok=True)


def path_of(sha256: str) -> Path:
    if not _SHA256.fullmatch(sha256):
        raise ValueError("not the name of a stored file")
    folder: Path = settings.FILES_DIR / sha256[:2] / sha256[2:4]
    return folder / sha256


def drawn(sha256: str, name: str) -> Path:
    """Where something drawn from a file is kept; `name` is ours, never a person's."""
    return path_of(sha256).with_suffix(".drawn") / name


def write_drawn(path: Path, content: bytes) -> None:
    """Keeps a drawing, unless its original went meanwhile."""
    with suppress(FileNotFoundError):
        if not path.parent.with_suffix("").exists():
            return
        path.parent.mkdir(exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(content)
        os.replace(file.name, path)


def discard(sha256: str) -> None:
    path = path_of(sha256)
    path.unlink(missing_ok=True)
    shutil.rmtree(path.with_suffix(".drawn"), ignore_errors=True)


def stored() -> Iterator[str]:
    """The names of all stored files, drawings whose original is gone included."""
    for path in settings.FILES_DIR.glob("??/??/*"):
        if _SHA256.fullmatch(path.stem):
            yield path.stem


def discard_abandoned() -> None:
    """What an upload left when its process was killed."""
    for path in _incoming().iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def _incoming() -> Path:
    folder: Path = settings.FILES_DIR / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sync_folder(folder: Path) -> None:
    """A new name survives a power cut only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
