"""The installation's master keys, in one file that only its owner reads. It is a file and never a variable: environments are
printed, inherited and kept in the descriptions of containers.

A line is "name key"; the first key seals, the others still open what was sealed before them, until a rotation ends.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from parvis.access.sealing import KEY_BYTES, Key, Keyring, parse


class KeyringError(Exception):
    """The file of keys cannot be used. The command line has a sentence for it."""

    code = "keyring"


class RotatingError(Exception):
    """Another process rotates the keys."""

    code = "rotating"


_read: dict[Path, tuple[tuple[int, int, int], Keyring]] = {}


def keyring() -> Keyring:
    """As the file is now: a rotation by another process takes effect here at the next secret. Raises KeyringError."""
    path: Path = settings.KEYRING
    try:
        if not path.exists():
            _make(path)
        found = path.stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if path not in _read or _read[path][0] != stamp:
            _read[path] = (stamp, parse(path.read_text(encoding="ascii")))
    except (OSError, ValueError) as error:
        raise KeyringError from error
    return _read[path][1]


def with_new_key(ring: Keyring) -> Keyring:
    return Keyring((_new_key(), *ring.keys))


def write(ring: Keyring) -> None:
    """Whole or not at all, on disk when it returns."""
    path: Path = settings.KEYRING
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    _write_new(temporary, ring)
    os.replace(temporary, path)
    _sync(path.parent)


def is_private() -> bool:
    """Whether nobody but its owner reads it."""
    path: Path = settings.KEYRING
    return path.exists() and path.stat().st_mode & 0o077 == 0


@contextmanager
def alone() -> Iterator[None]:
    """No other process of this machine rotates meanwhile. Raises RotatingError."""
    path: Path = settings.KEYRING
    with open(os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotatingError from None
        yield


def _make(path: Path) -> None:
    """At first use. Of two processes that make it, one is first, and the other reads what that one wrote."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    _write_new(temporary, Keyring((_new_key(),)))
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    _sync(path.parent)


def _write_new(path: Path, ring: Keyring) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{key.name} {base64.b64encode(key.value).decode()}\n" for key in ring.keys)
        file.flush()
        os.fsync(file.fileno())


def _new_key() -> Key:
    return Key(secrets.token_hex(4), secrets.token_bytes(KEY_BYTES))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
