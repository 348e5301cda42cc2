"""Which reader reads what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from . import media_types
from .document import DocumentHead, DocumentTail, Unit
from .limits import Limits
from .refusals import Unreadable

Parts = Iterator[DocumentHead | Unit | DocumentTail]


def parts(path: Path, *, name: str, limits: Limits, ocr: bool) -> Parts:
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
    if media_type in _FROM_PATH:
        return _FROM_PATH[media_type](path, name, limits)
    return _FROM_BYTES[media_type](path.read_bytes(), name)


def _word(path: Path, name: str, limits: Limits) -> Parts:
    from .word import read_word

    return read_word(path, name=name, limits=limits)


def _slides(path: Path, name: str, limits: Limits) -> Parts:
    from .slides import read_slides

    return read_slides(path, name=name, limits=limits)


def _odt(path: Path, name: str, limits: Limits) -> Parts:
    from .opendocument import read_odt

    return read_odt(path, name=name, limits=limits)


def _odp(path: Path, name: str, limits: Limits) -> Parts:
    from .opendocument import read_odp

    return read_odp(path, name=name, limits=limits)


def _epub(path: Path, name: str, limits: Limits) -> Parts:
    from .web import read_epub

    return read_epub(path, name=name, limits=limits)


def _html(data: bytes, name: str) -> Parts:
    from .web import read_html

    return read_html(data, name=name)


def _markdown(data: bytes, name: str) -> Parts:
    from .markup import read_markdown

    return read_markdown(data, name=name)


def _text(data: bytes, name: str) -> Parts:
    from .markup import read_text

    return read_text(data, name=name)


def _notebook(data: bytes, name: str) -> Parts:
    from .notebook import read_notebook

    return read_notebook(data, name=name)


def _webvtt(data: bytes, name: str) -> Parts:
    from .subtitles import read_subtitles

    return read_subtitles(data, name=name, media_type=media_types.WEBVTT)


def _srt(data: bytes, name: str) -> Parts:
    from .subtitles import read_subtitles

    return read_subtitles(data, name=name, media_type=media_types.SRT)


_FROM_PATH: dict[str, Callable[[Path, str, Limits], Parts]] = {
    media_types.DOCX: _word,
    media_types.PPTX: _slides,
    media_types.ODT: _odt,
    media_types.ODP: _odp,
    media_types.EPUB: _epub,
}
_FROM_BYTES: dict[str, Callable[[bytes, str], Parts]] = {
    media_types.HTML: _html,
    media_types.MARKDOWN: _markdown,
    media_types.PLAIN: _text,
    media_types.NOTEBOOK: _notebook,
    media_types.WEBVTT: _webvtt,
    media_types.SRT: _srt,
}
