"""Which reader reads what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import media_types
from .document import DocumentHead, DocumentTail, Unit
from .limits import Limits
from .refusals import Unreadable


def parts(path: Path, *, name: str, limits: Limits, ocr: bool) -> Iterator[DocumentHead | Unit | DocumentTail]:
    """The parts of the document by the reader for its bytes. Readers are imported here: a child loads the one it needs."""
    size = path.stat().st_size
    if size > limits.bytes:
        raise Unreadable("too_large", {"bytes": str(size), "limit": str(limits.bytes)})
    media_type = media_types.detect(path, name=name)
    if media_type == media_types.ZIP:
        raise Unreadable("archive")
    if media_type == media_types.PDF:
        from .pdf import read_pdf

        return read_pdf(path, name=name, limits=limits, ocr=ocr)
    if media_type in (media_types.MARKDOWN, media_types.PLAIN):
        from . import markup

        reader = markup.read_markdown if media_type == media_types.MARKDOWN else markup.read_text
        return reader(path.read_bytes(), name=name)
    raise Unreadable("unsupported", {"found": media_type})
