"""How long documents are, each in the unit that its readers know: pages, slides, minutes, sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import Max
from django.utils.formats import number_format
from django.utils.translation import ngettext

from parvis.corpora.models import Document
from parvis.corpora.parsing import media_types

KINDS = {
    media_types.PDF: "pdf",
    media_types.PPTX: "slides",
    media_types.ODP: "slides",
    media_types.WEBVTT: "recording",
    media_types.SRT: "recording",
    media_types.ZIP: "archive",
}  # any other is "text"


def length_words(documents: Iterable[Document]) -> str:
    """ "42 pages, 37 slides"; "" for none. They must have been read."""
    counts = Counter[str]()
    for document in documents:
        kind = KINDS.get(document.media_type, "text")
        counts[kind] += _minutes(document) if kind == "recording" else document.pages_total or 0
    return ", ".join(_words(kind, counts[kind]) for kind in ("pdf", "slides", "recording", "text") if counts[kind])


def _minutes(document: Document) -> int:
    """Up to the last word said, a minute at least."""
    seconds = document.pages.aggregate(latest=Max("end_seconds"))["latest"] or 0
    return max(1, round(seconds / 60))


def _words(kind: str, count: int) -> str:
    match kind:
        case "pdf":
            words = ngettext("%(count)s page", "%(count)s pages", count)
        case "slides":
            words = ngettext("%(count)s slide", "%(count)s slides", count)
        case "recording":
            words = ngettext("%(count)s minute", "%(count)s minutes", count)
        case _:
            words = ngettext("%(count)s section", "%(count)s sections", count)
    return words % {"count": number_format(count, force_grouping=True)}
