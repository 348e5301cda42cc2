"""An outline as a tagged PDF (PDF/UA-1), by Typst: no network, no font but its own, nothing read but its layout."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from functools import cache
from pathlib import Path

import typst

from .outline import Document


def pdf(document: Document) -> bytes:
    """Equal documents give equal bytes. Texts reach Typst as JSON and are never code."""
    data = {
        **{name: getattr(document, name) for name in ("kind", "title", "identity", "fingerprint", "full_title")},
        "is_landscape": document.is_landscape,
        "is_compact": document.is_compact,
        "short_title": textwrap.shorten(document.title, 80, placeholder="…"),
        "blocks": [{"type": type(block).__name__, **dataclasses.asdict(block)} for block in document.blocks],
    }
    compiler = typst.Compiler(
        _layout(),
        root=_HERE,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"document": _drawable(json.dumps(data, ensure_ascii=False))},
    )
    content = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=_INSTANT)
    if not isinstance(content, bytes):
        raise TypeError("a PDF is one file")
    return content


@cache
def _layout() -> bytes:
    return (_HERE / "layout.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


def _drawable(text: str) -> str:
    """What the embedded fonts cannot draw becomes a square: a PDF/UA with a letter missing is no PDF/UA."""
    return "".join(char if any(first <= char <= last for first, last in _COVERED) else "□" for char in text)


_HERE = Path(__file__).parent
_INSTANT = 946_684_800  # the first of January 2000: the documents say themselves when they were issued
_COVERED = (
    ("\n", "\n"),
    (" ", "~"),
    ("\u00a0", "\u024f"),  # Latin
    ("\u0370", "\u04ff"),  # Greek, Cyrillic
    ("\u1e00", "\u1eff"),
    ("\u2010", "\u2027"),  # punctuation, without direction marks
    ("\u202f", "\u2040"),
    ("\u2044", "\u2052"),
    ("\u20a0", "\u20bf"),
    ("\u2190", "\u22ff"),  # arrows, mathematics
    ("\u2500", "\u25ff"),
    ("\u2610", "\u2612"),
)
