"""The log of one worker: for each account, what counts as spent if the worker dies now.

A file mapped in memory. What is written there outlives the process, whatever ends it, without a system call for each call; it
does not outlive the machine, which is why the start of the machine is written in it: after another start nothing here is
believed, and the whole lease counts as spent. The lock of the file says whether its worker lives: the kernel releases it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".slate"
_HEAD = 64  # bytes: the start of the machine
_SLOT = 16  # bytes: an account, an amount
_SLOTS = 256


def machine_start() -> bytes:
    """Another after each start of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()[:_HEAD]
    except OSError:
        return b""


class Slate:
    """Of the worker that lives. Only its own process writes it."""

    def __init__(self, folder: Path, epoch: str) -> None:
        self.path = folder / f"{epoch}{SUFFIX}"
        unlocked = folder / f"{epoch}.new"
        self._file = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(self._file, machine_start(), 0)
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._count = 0
        self._map(_SLOTS)
        unlocked.rename(self.path)  # by that name it is always locked while its worker lives

    def write(self, account: int, committed: int) -> None:
        """One aligned store: it is there whole, or not at all."""
        slot = self._slots.get(account)
        if slot is None:
            slot = self._slots[account] = self._take()
            self._words[slot + 1] = committed
            self._words[slot] = account
        else:
            self._words[slot + 1] = committed

    def clear(self, account: int) -> None:
        """When the database knows all that was spent."""
        if (slot := self._slots.pop(account, None)) is not None:
            self._words[slot] = 0
            self._free.append(slot)

    def close(self) -> None:
        """The settler reads it then, and removes it."""
        self._unmap()
        os.close(self._file)

    def remove(self) -> None:
        """When nothing in it is to be read."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _take(self) -> int:
        if not self._free:
            self._unmap()
            self._map(self._count * 2)
        return self._free.pop()

    def _map(self, count: int) -> None:
        os.ftruncate(self._file, _HEAD + count * _SLOT)
        self._bytes = mmap.mmap(self._file, _HEAD + count * _SLOT)
        self._words = memoryview(self._bytes).cast("q")
        self._free.extend(_HEAD // 8 + 2 * slot for slot in reversed(range(self._count, count)))
        self._count = count

    def _unmap(self) -> None:
        self._words.release()
        self._bytes.close()


@dataclass(frozen=True, slots=True)
class Found:
    """`committed`: what counts as spent of each account, None where the file is not to be believed."""

    epoch: str
    path: Path
    is_alive: bool
    committed: dict[int, int] | None = None


def slates(folder: Path) -> Iterator[Found]:
    """Those whose worker lives, and what is written on those of the dead, which stay locked until the next is asked for."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        epoch = path.name.removesuffix(SUFFIX)
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # its call has ended meanwhile
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield Found(epoch, path, is_alive=True)
        else:
            yield Found(epoch, path, is_alive=False, committed=_committed(file))
        finally:
            os.close(file)


def _committed(file: int) -> dict[int, int] | None:
    content = os.pread(file, os.fstat(file).st_size, 0)
    start = machine_start()
    if not start or content[:_HEAD].rstrip(b"\0") != start or len(content) % 8:
        return None
    words = memoryview(content[_HEAD:]).cast("q")
    return {words[slot]: words[slot + 1] for slot in range(0, len(words), 2) if words[slot]}
