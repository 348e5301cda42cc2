"""The process that reads one document and ends: `python -m parvis.corpora.parsing.child`, a job on its standard input.

It lowers itself before it touches the file, and ends as soon as whoever started it closes the pipe or dies.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import sys
import threading

from .limits import Limits
from .reading import EXIT_OUT_OF_MEMORY, frame_of, job_from, read
from .refusals import Unreadable


def main() -> int:
    source, sink = sys.stdin.buffer, os.dup(1)
    os.dup2(2, 1)  # whatever a library prints does not reach the pipe
    path, name, limits, ocr = job_from(source.read(int.from_bytes(source.read(4), "little")))
    _lower(limits)
    gc.set_threshold(100_000, 50, 50)  # a page is thousands of small objects and no cycle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        for part in read(path, name=name, limits=limits, ocr=ocr):
            _send(sink, frame_of(part))
    except Unreadable as refusal:
        _send(sink, frame_of(refusal))
    except MemoryError:
        return EXIT_OUT_OF_MEMORY
    except BrokenPipeError:
        return 1
    return 0


def _lower(limits: Limits) -> None:
    os.nice(10)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, int(limits.seconds) + 1)
    _limit(resource.RLIMIT_FSIZE, 100_000_000)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(what: int, value: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # a lower limit is already in force
        resource.setrlimit(what, (value, value))


def _end_with_parent() -> None:
    """The pipe of orders closes when the parent dies, by whatever means."""
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def _send(sink: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]


if __name__ == "__main__":
    sys.exit(main())
