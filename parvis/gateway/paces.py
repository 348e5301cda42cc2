"""How often each key, and each holder, asks: of all workers of a machine together.

They share a file of instants, one for each key and one for each holder: until when what was asked is more than a steady pace
would have let through. Each is eight bytes, written at once; of two workers at the same instant one may be forgotten, which lets
one request more pass. The clock is the machine's, which nobody sets; an instant of before it was started again says nothing.
"""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

from parvis.gateway.knowledge import Caller

FILE = "paces"
PLACES = 1 << 20  # of keys, and as many of holders: the file holds only those that were written
WINDOW = 60.0  # seconds, of which all may be asked at once


class Paces:
    """`count` a minute."""

    def __init__(self, count: int, folder: Path) -> None:
        self.count = count
        self._each = WINDOW / count
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = 2 * PLACES * 8
        file = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(file).st_size != size:
                os.ftruncate(file, size)
            self._until = memoryview(mmap.mmap(file, size)).cast("d")
        finally:
            os.close(file)

    def take(self, caller: Caller) -> float:
        """0, or after how many seconds it may be asked again."""
        now = time.monotonic()
        return self._take(PLACES + caller.holder.id % PLACES, now) or self._take(caller.key.id % PLACES, now)

    def _take(self, place: int, now: float) -> float:
        until = self._until[place]
        if not now <= until <= now + WINDOW + self._each:  # it is over, or of another life of the machine
            until = now
        if (after := until + self._each) > now + WINDOW + 1e-6:
            return after - now - WINDOW
        self._until[place] = after
        return 0.0
