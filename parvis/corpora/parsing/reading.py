"""Reading one document: in this process, or in a child that cannot take more of the machine than its limits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from .document import DocumentHead, DocumentTail, Unit
from .limits import Limits
from .refusals import Unreadable

__all__ = ["Limits", "Unreadable", "read", "read_bounded"]

Part = DocumentHead | Unit | DocumentTail
OnUnit = Callable[[int, int | None], None]


def read(path: Path, *, name: str, limits: Limits, ocr: bool) -> Iterator[Part]:
    """The head, each unit in order, then the tail. `name` is what people call the file: it titles, it decides nothing.

    Raises `Unreadable`, and nothing else, whatever the bytes are. `ocr` allows the recognition of pages without text.
    """
    from .formats import parts

    characters, units, media_type = 0, 0, ""
    try:
        for part in parts(path, name=name, limits=limits, ocr=ocr):
            if isinstance(part, DocumentHead):
                media_type = part.media_type
            elif isinstance(part, Unit):
                characters += len(part.text)
                units += bool(part.text)
                if characters > limits.characters:
                    raise Unreadable("too_large", {"characters": str(limits.characters)})
            elif isinstance(part, DocumentTail) and not units:
                raise Unreadable("no_text", {"name": name, "found": media_type})
            yield part
    except Unreadable as refusal:
        refusal.params.setdefault("name", name)
        raise
    except MemoryError as error:
        raise Unreadable("too_much_memory", {"name": name}) from error
    except Exception as error:
        # Parsers of other people's formats fail in every way there is: what makes them fail is a corrupt file.
        raise Unreadable("corrupt", {"name": name, "detail": type(error).__name__}) from error


def read_bounded(path: Path, *, name: str, limits: Limits, ocr: bool, on_unit: OnUnit | None = None) -> Iterator[Part]:
    """The same as `read`, in a process of its own, bounded in memory and time, that dies with this one.

    Units come one by one as they are asked for: the child waits meanwhile, so that memory here does not grow with the
    document. `on_unit(number, count)` is called at each one. Leaving the iteration ends the child.
    """
    job = _Job(str(path), name, limits, ocr)
    with _child(job) as (process, descriptor):
        count: int | None = None
        for part in _parts_of(process, descriptor, job):
            if isinstance(part, DocumentHead):
                count = part.unit_count
            elif isinstance(part, Unit) and on_unit is not None:
                on_unit(part.number, count)
            yield part


class _Job(msgspec.Struct, frozen=True):
    path: str
    name: str
    limits: Limits
    ocr: bool


class _Refusal(msgspec.Struct, tag="refusal", frozen=True):
    code: str
    params: dict[str, str]


class _Head(msgspec.Struct, tag="head", frozen=True):
    body: DocumentHead


class _Unit(msgspec.Struct, tag="unit", frozen=True):
    body: Unit


class _Tail(msgspec.Struct, tag="tail", frozen=True):
    body: DocumentTail


Frame = _Head | _Unit | _Tail | _Refusal

LARGEST_FRAME = 64_000_000  # a unit with its words: two orders above any honest page
_LENGTH = struct.Struct("<I")


def frame_of(part: Part | Unreadable) -> bytes:
    """A part as it crosses the pipe, its length first."""
    frame: Frame
    if isinstance(part, Unreadable):
        frame = _Refusal(part.code, part.params)
    elif isinstance(part, Unit):
        frame = _Unit(part)
    else:
        frame = _Head(part) if isinstance(part, DocumentHead) else _Tail(part)
    encoded = msgspec.msgpack.encode(frame)
    return _LENGTH.pack(len(encoded)) + encoded


def job_from(data: bytes) -> tuple[Path, str, Limits, bool]:
    job = msgspec.msgpack.decode(data, type=_Job)
    return Path(job.path), job.name, job.limits, job.ocr


@contextlib.contextmanager
def _child(job: _Job) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    process = subprocess.Popen(
        [sys.executable, "-X", "utf8", "-m", "parvis.corpora.parsing.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=1 << 20,  # so that the child reads on while its pages are stored
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # a group of its own: what the child starts ends with it
    )
    orders, answers = process.stdin, process.stdout
    if orders is None or answers is None:
        raise RuntimeError("a child without pipes")
    try:
        data = msgspec.msgpack.encode(job)
        with contextlib.suppress(BrokenPipeError):
            orders.write(_LENGTH.pack(len(data)) + data)
            orders.flush()
        yield process, answers.fileno()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            orders.close()
        answers.close()


def _environment() -> dict[str, str]:
    """Nothing of this process's secrets goes to the one that reads strangers' files."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR", "TESSDATA_PREFIX") if key in os.environ}
    package_root = str(Path(__file__).resolve().parents[3])
    search_path = [package_root, *(entry for entry in sys.path if entry)]
    return {**kept, "PYTHONPATH": os.pathsep.join(search_path), "PYTHONNOUSERSITE": "1", "OMP_THREAD_LIMIT": "1"}


def _parts_of(process: subprocess.Popen[bytes], descriptor: int, job: _Job) -> Iterator[Part]:
    clock = _Clock(job.limits.seconds)
    while True:
        header = _exactly(descriptor, _LENGTH.size, clock, job)
        if len(header) < _LENGTH.size:
            raise _death(process, job, clock)
        (length,) = _LENGTH.unpack(header)
        if length > LARGEST_FRAME:
            raise Unreadable("too_large", {"name": job.name})
        body = _exactly(descriptor, length, clock, job)
        if len(body) < length:
            raise _death(process, job, clock)
        try:
            frame = msgspec.msgpack.decode(body, type=Frame)
        except msgspec.MsgspecError as error:
            raise Unreadable("parser_crashed", {"name": job.name}) from error
        if isinstance(frame, _Refusal):
            raise Unreadable(frame.code, {"name": job.name} | frame.params)
        yield frame.body
        if isinstance(frame, _Tail):
            return


class _Clock:
    """Time spent waiting for the child, not the time its reader takes with what it gave."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def wait(self, descriptor: int) -> bool:
        began = time.monotonic()
        ready, _, _ = select.select([descriptor], [], [], max(0.0, self.left))
        self.left -= time.monotonic() - began
        return bool(ready)


def _exactly(descriptor: int, count: int, clock: _Clock, job: _Job) -> bytes:
    """`count` bytes, fewer only when the child has gone."""
    pieces, missing = list[bytes](), count
    while missing:
        if not clock.wait(descriptor):
            raise Unreadable("too_slow", {"name": job.name, "seconds": f"{job.limits.seconds:.0f}"})
        piece = os.read(descriptor, min(missing, 1 << 20))
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _death(process: subprocess.Popen[bytes], job: _Job, clock: _Clock) -> Unreadable:
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        code = 0
    if code == -signal.SIGXCPU or (code == -signal.SIGKILL and clock.left < 1):
        return Unreadable("too_slow", {"name": job.name, "seconds": f"{job.limits.seconds:.0f}"})
    if code in (-signal.SIGKILL, EXIT_OUT_OF_MEMORY):  # the kernel kills nothing else for memory
        return Unreadable("too_much_memory", {"name": job.name})
    return Unreadable("parser_crashed", {"name": job.name})


EXIT_OUT_OF_MEMORY = 77
