"""What is searched and what is found, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """60 to 100 words on sentence borders, inside one unit (page, slide, section, group of cues) of one document.

    `text` is exactly `unit.text[start:end]`; `heading_path` is indexed with it, once.
    """

    id: int
    corpus_id: int
    document_id: int
    unit_number: int
    start: int
    end: int
    text: str
    document_title: str
    unit_label: str
    heading_path: tuple[str, ...] = ()

    def indexed_text(self) -> str:
        """What is indexed and compared: the title and headings, each once, then the text."""
        return "\n".join([*dict.fromkeys((self.document_title, *self.heading_path)), self.text])


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage and its score. `score` is comparable inside one result only."""

    passage: Passage
    score: float
