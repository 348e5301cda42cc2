"""A conversation as a file to keep: Markdown or PDF, each source named, and marked as what it is for people and machines.

The text of questions, documents and models is quoted so that no reader of the file makes a link, an image or HTML of it.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import reportlab
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from parvis.assistants.models import Mode

# The IPTC's word for "made by a trained model", as the AI Act's marking asks for one that machines read.
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
EXTRACTED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"


@dataclass(frozen=True, slots=True)
class Source:
    number: int
    document: str
    place: str
    quotation: str
    problem: str = ""  # why its words do not prove the sentence; "" when they do


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph of an answer. `quoted`: the words are a document's own."""

    text: str
    numbers: tuple[int, ...] = ()
    quoted: bool = False
    problem: str = ""  # why it is not verified; "" when it is


@dataclass(frozen=True, slots=True)
class ExportedTurn:
    question: str
    pieces: tuple[Piece, ...]
    sources: tuple[Source, ...]
    remark: str  # why there is no answer, or not all of it; "" otherwise
    mode: str
    model_name: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Exported:
    title: str
    assistant: str
    institution: str
    turns: tuple[ExportedTurn, ...]

    @property
    def is_generated(self) -> bool:
        return any(turn.mode == Mode.GENERATIVE for turn in self.turns)

    @property
    def source_type(self) -> str:
        return GENERATED if self.is_generated else EXTRACTED


def to_markdown(conversation: Exported) -> str:
    front = {
        "title": conversation.title,
        "assistant": conversation.assistant,
        "institution": conversation.institution,
        "lang": get_language() or "fr",
        "ai_generated": conversation.is_generated,
        "digital_source_type": conversation.source_type,
        "notice": _notice(conversation),
    }
    # JSON strings are YAML strings: nothing in a title can close the front matter.
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += [f"# {inert_line(conversation.title)}", "", f"*{_notice(conversation)}*", ""]
    for turn in conversation.turns:
        lines += _markdown_turn(turn)
    return "\n".join(lines).rstrip() + "\n"


def to_pdf(conversation: Exported) -> bytes:
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=24 * mm,
        rightMargin=24 * mm,
        topMargin=22 * mm,
        bottomMargin=22 * mm,
        title=conversation.title,
        author=conversation.institution,
        subject=_notice(conversation),
        keywords=f"ai_generated={str(conversation.is_generated).lower()}, digital_source_type={conversation.source_type}",
        creator="Parvis",
        lang=get_language() or "fr",
    )
    document.build(list(_flow(conversation)))
    return buffer.getvalue()


def _markdown_turn(turn: ExportedTurn) -> Iterator[str]:
    yield from (f"## {inert_line(turn.question)}", "", f"*{inert_line(_origin(turn))}*", "")
    for piece in turn.pieces:
        marks = "".join(f" [{number}]" for number in piece.numbers)
        text = f"{_inert(piece.text + _unsourced(piece))}{marks}"
        yield from (re.sub(r"^", "> ", text, flags=re.M) if piece.quoted else text, "")
    if turn.remark:
        yield from (_inert(turn.remark), "")
    if turn.sources:
        yield from (f"### {_('Sources')}", "")
        for source in turn.sources:
            quotation = _("“%(text)s”") % {"text": inert_line(source.quotation)}
            place = f"{inert_line(source.document)}, {inert_line(source.place)}"
            yield f"{source.number}. {place} — {quotation} ({inert_line(_verdict(source))})"
        yield ""


def _flow(conversation: Exported) -> Iterator[Flowable]:
    styles = _styles()
    yield Paragraph(_markup(conversation.title), styles["title"])
    yield Paragraph(_markup(f"{conversation.assistant} · {conversation.institution}"), styles["soft"])
    yield Paragraph(_markup(_notice(conversation)), styles["soft"])
    for turn in conversation.turns:
        yield Spacer(1, 6 * mm)
        yield Paragraph(_markup(turn.question), styles["question"])
        yield Paragraph(_markup(_origin(turn)), styles["soft"])
        for piece in turn.pieces:
            marks = "".join(f" [{number}]" for number in piece.numbers)
            quoted = _("“%(text)s”") % {"text": piece.text} if piece.quoted else piece.text
            yield Paragraph(_markup(f"{quoted}{_unsourced(piece)}{marks}"), styles["quotation" if piece.quoted else "text"])
        if turn.remark:
            yield Paragraph(_markup(turn.remark), styles["text"])
        if turn.sources:
            yield Paragraph(_markup(_("Sources")), styles["heading"])
        for source in turn.sources:
            quotation = _("“%(text)s”") % {"text": source.quotation}
            line = f"[{source.number}] {source.document}, {source.place} — {quotation} ({_verdict(source)})"
            yield Paragraph(_markup(line), styles["source"])


def _notice(conversation: Exported) -> str:
    if conversation.is_generated:
        return _("Generated by an AI, with the passages it quotes. Check the pages before you rely on it.")
    return _("Answers extracted from the documents, word for word, by a program. No text was generated.")


def _origin(turn: ExportedTurn) -> str:
    asked = date_format(localtime(turn.asked_at), "DATETIME_FORMAT")
    if turn.mode == Mode.GENERATIVE:
        return _("%(date)s · generated by an AI (%(model)s)") % {"date": asked, "model": turn.model_name}
    return _("%(date)s · extracted answer") % {"date": asked}


def _verdict(source: Source) -> str:
    return source.problem or _("quotation verified")


def _unsourced(piece: Piece) -> str:
    return f" ({piece.problem})" if piece.problem else ""


_LEADING = re.compile(r"^(\s*)(#{1,6}\s|>|[-*+]\s|={3,}|-{3,}|~{3,}|`{3,})", re.M)


def _inert(text: str) -> str:
    """Text that no Markdown reader takes for HTML, a link, an image or a heading."""
    text = text.replace("\\", "\\\\").replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]").replace("`", "\\`")
    return _LEADING.sub(r"\1\\\2", text)


def inert_line(text: str) -> str:
    return _inert(" ".join(text.split()))


def _markup(text: str) -> str:
    """For reportlab, which reads a little HTML: all of it escaped, and the glyphs the font lacks replaced."""
    glyphs = _fonts()
    drawn = "".join(character if glyphs(character) else _nearest(character) for character in text)
    return escape(drawn).replace("\n", "<br/>")


def _nearest(character: str) -> str:
    if character in "\n\t":
        return character
    if character == "\u202f":
        return "\u00a0"
    plain = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    return plain if plain and plain.isascii() and plain.isprintable() else "□" if _fonts()("□") else "?"


@cache
def _fonts() -> Glyphs:
    """DejaVu where the machine has it, for its mathematics and Greek; else the Vera fonts that come with reportlab."""
    system = Path("/usr/share/fonts/truetype/dejavu")
    own = Path(reportlab.__file__).parent / "fonts"
    pair = (system / "DejaVuSans.ttf", system / "DejaVuSans-Bold.ttf")
    regular, bold = pair if all(path.exists() for path in pair) else (own / "Vera.ttf", own / "VeraBd.ttf")
    pdfmetrics.registerFont(TTFont("Parvis", str(regular)))
    pdfmetrics.registerFont(TTFont("Parvis-Bold", str(bold)))
    pdfmetrics.registerFontFamily("Parvis", normal="Parvis", bold="Parvis-Bold", italic="Parvis", boldItalic="Parvis-Bold")
    return Glyphs(frozenset(pdfmetrics.getFont("Parvis").face.charToGlyph))


@dataclass(frozen=True, slots=True)
class Glyphs:
    known: frozenset[int]

    def __call__(self, character: str) -> bool:
        return ord(character) in self.known


def _styles() -> dict[str, ParagraphStyle]:
    _fonts()
    base = ParagraphStyle("text", fontName="Parvis", fontSize=10, leading=15, spaceAfter=5, alignment=TA_LEFT)
    soft = {"parent": base, "fontSize": 8.5, "leading": 12, "textColor": "#555555"}
    return {
        "text": base,
        "title": ParagraphStyle("title", parent=base, fontName="Parvis-Bold", fontSize=17, leading=22),
        "question": ParagraphStyle(
            "question", parent=base, fontName="Parvis-Bold", fontSize=12, leading=16, spaceAfter=2, keepWithNext=1
        ),
        "heading": ParagraphStyle("heading", parent=base, fontName="Parvis-Bold", spaceBefore=4, keepWithNext=1),
        "quotation": ParagraphStyle("quotation", parent=base, leftIndent=10, borderPadding=0),
        "source": ParagraphStyle("source", leftIndent=14, firstLineIndent=-14, **{**soft, "textColor": "#222222"}),
        "soft": ParagraphStyle("soft", **soft),
    }


def file_name(title: str, extension: str) -> str:
    """A plain name that every system accepts."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words: Sequence[str] = re.findall(r"[A-Za-z0-9]+", plain)
    return f"{'-'.join(words)[:60].strip('-').lower() or 'conversation'}.{extension}"
