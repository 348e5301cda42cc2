"""ZIP files of documents: what is in them, under names fit to show. A name inside an archive never becomes a path."""

from __future__ import annotations

import contextlib
import io
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .container import refuse_bomb
from .limits import Limits
from .refusals import ZIP_FAILURES, Unreadable

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. `refusal` says why it is not to be opened; `open` then raises it."""

    name: str  # cleaned, folders kept, for people only
    size: int
    open: Callable[[], IO[bytes]]
    refusal: Unreadable | None = None


def members(path: Path, limits: Limits) -> Iterator[Member]:
    """The files of the archive, hidden and system ones left out.

    Raises `Unreadable` when the archive as a whole is refused: corrupt, too_many_members, decompression_bomb.
    """
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_FAILURES as error:
        raise Unreadable("corrupt") from error
    with archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        if len(files) > limits.members:
            raise Unreadable("too_many_members", {"members": str(len(files)), "limit": str(limits.members)})
        refuse_bomb(files, path.stat().st_size, limits)
        for info in files:
            name = _name(info)
            if not _is_system_file(name):
                yield _member(archive, info, name, limits)


def display_name(name: str) -> str:
    """A file name fit to show and to store: no control or direction character, no path out, at most 200 characters."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/"))
    text = "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE)
    steps = [step.strip() for step in text.split("/")]
    text = "/".join(step for step in steps if step and step not in (".", ".."))
    if len(text) > LONGEST_NAME:
        stem, dot, extension = text.rpartition(".")
        tail = dot + extension if stem and len(extension) <= 10 else ""
        text = text[: LONGEST_NAME - len(tail) - 1].rstrip() + "…" + tail
    return text or "document"


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, limits: Limits) -> Member:
    shown = display_name(name)
    refusal = _refusal(archive, info, name, shown, limits)

    def open_member() -> IO[bytes]:
        if refusal is not None:
            raise refusal
        with _refusing(shown):
            return io.BufferedReader(_Unpacking(archive.open(info), shown))

    return Member(shown, info.file_size, open_member, refusal)


def _refusal(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, shown: str, limits: Limits) -> Unreadable | None:
    params = {"name": shown}
    if _leads_out(name) or stat.S_ISLNK(info.external_attr >> 16):
        return Unreadable("unsafe_name", params)
    if info.flag_bits & 1:
        return Unreadable("encrypted", params)
    if info.file_size == 0:
        return Unreadable("empty", params)
    if info.file_size > limits.bytes:
        return Unreadable("too_large", {**params, "bytes": str(info.file_size), "limit": str(limits.bytes)})
    try:
        with archive.open(info) as file:
            start = file.read(300)
    except ZIP_FAILURES:
        return Unreadable("corrupt", params)
    return Unreadable("archive_in_archive", params) if _is_archive(start, shown) else None


@contextlib.contextmanager
def _refusing(shown: str) -> Iterator[None]:
    try:
        yield
    except ZIP_FAILURES as error:
        raise Unreadable("corrupt", {"name": shown}) from error


class _Unpacking(io.RawIOBase):
    """A member's bytes; whatever goes wrong while unpacking is a refusal of that member."""

    def __init__(self, file: IO[bytes], shown: str) -> None:
        self._file = file
        self._shown = shown

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # the buffer protocol has no type before Python 3.12
        with _refusing(self._shown):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _name(info: zipfile.ZipInfo) -> str:
    """The name as its maker wrote it: archivers that do not say UTF-8 use it all the same, or the old code page."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.orig_filename
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp850", "replace")


def _leads_out(name: str) -> bool:
    steps = name.replace("\\", "/").split("/")
    return ".." in [step.strip() for step in steps] or steps[0] == "" or bool(re.match(r"[A-Za-z]:", name)) or "\0" in name


def _is_system_file(name: str) -> bool:
    steps = name.replace("\\", "/").split("/")
    hidden = any(step.startswith(".") and step.strip() not in (".", "..") for step in steps)
    return hidden or "__MACOSX" in steps or steps[-1].lower() in ("thumbs.db", "desktop.ini", "")


def _is_archive(start: bytes, shown: str) -> bool:
    if start.startswith(_OTHER_ARCHIVES) or start[257:262] == b"ustar":
        return True
    if not start.startswith(b"PK\x03\x04"):
        return start.startswith(b"PK\x05\x06")
    first = start[30 : 30 + int.from_bytes(start[26:28], "little")]
    return not first.startswith(_FIRST_PARTS) and Path(shown).suffix.lower() not in _DOCUMENTS


_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_OTHER_ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_FIRST_PARTS = (b"[Content_Types].xml", b"mimetype", b"_rels/", b"word/", b"ppt/", b"docProps/", b"META-INF/", b"xl/")
_DOCUMENTS = frozenset({".docx", ".pptx", ".odt", ".odp", ".epub"})
