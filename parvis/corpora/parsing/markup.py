"""Markdown and plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .document import BlockKind, DocumentHead, DocumentTail, Unit
from .encoding import decode
from .sections import Piece, lines, one_line, row, sections

if TYPE_CHECKING:
    from markdown_it.token import Token

MARKDOWN = "text/markdown"
PLAIN = "text/plain"


def read_markdown(data: bytes, *, name: str) -> Iterator[DocumentHead | Unit | DocumentTail]:
    pieces = list(markdown_pieces(decode(data)))
    title = next((piece.text for piece in pieces if piece.kind is BlockKind.HEADING), Path(name).stem)
    yield from document(MARKDOWN, title, pieces)


def read_text(data: bytes, *, name: str) -> Iterator[DocumentHead | Unit | DocumentTail]:
    yield from document(PLAIN, Path(name).stem, text_pieces(decode(data)))


def document(
    media_type: str, title: str, pieces: Iterator[Piece] | list[Piece]
) -> Iterator[DocumentHead | Unit | DocumentTail]:
    """The whole stream of a document without pages."""
    yield DocumentHead(media_type, title, None)
    count = 0
    for unit in sections(pieces, start_label=title):
        count += 1
        yield unit
    yield DocumentTail(count)


def text_pieces(text: str) -> Iterator[Piece]:
    """Paragraphs parted by blank lines. A short line underlined, or numbered and alone, is a heading."""
    for chunk in re.split(r"\n[ \t\f]*\n+", text):
        chunk_lines = [line for line in chunk.splitlines() if line.strip()]
        if len(chunk_lines) >= 2 and _UNDERLINE.match(chunk_lines[1]) and len(chunk_lines[0]) <= 120:
            yield Piece(BlockKind.HEADING, one_line(chunk_lines[0]), 1 if chunk_lines[1].strip()[0] == "=" else 2)
            chunk_lines = chunk_lines[2:]
        elif len(chunk_lines) == 1 and (numbered := _NUMBERED_HEADING.match(chunk_lines[0].strip())):
            yield Piece(BlockKind.HEADING, one_line(chunk_lines[0]), numbered.group(1).rstrip(".").count(".") + 1)
            continue
        yield from _paragraphs(chunk_lines)


def markdown_pieces(text: str) -> Iterator[Piece]:
    from markdown_it import MarkdownIt

    tokens: list[Token] = MarkdownIt("commonmark", {"html": False}).enable("table").parse(_FRONT_MATTER.sub("", text))
    depth_of_list, cells, heading, in_row = 0, list[str](), 0, False
    for token in tokens:
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type in ("list_item_open", "list_item_close"):
            depth_of_list += token.nesting
        elif token.type == "tr_open":
            cells, in_row = [], True
        elif token.type == "tr_close":
            in_row = False
            yield Piece(BlockKind.TABLE_ROW, row(cells))
        elif token.type in ("fence", "code_block"):
            yield Piece(BlockKind.CODE, lines(token.content))
        elif token.type == "inline":
            inline = one_line(_inline(token))
            if in_row:
                cells.append(inline)
            elif heading:
                yield Piece(BlockKind.HEADING, inline, heading)
                heading = 0
            else:
                yield Piece(_kind(inline, depth_of_list), inline)


_UNDERLINE = re.compile(r"^\s*(={3,}|-{3,})\s*$")
_NUMBERED_HEADING = re.compile(r"^((?:\d+\.)+\d*|\d+(?:\.\d+)+)\s+[^\W\d_].{1,100}[^.;,:]$")
_BULLET = re.compile(r"^\s*(?:[-*•–—]|\d{1,2}[.)]|[a-z]\))\s+\S")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_DISPLAY_FORMULA = re.compile(r"^\$\$.*\$\$$|^\\\[.*\\\]$", re.DOTALL)


def _paragraphs(chunk_lines: list[str]) -> Iterator[Piece]:
    gathered: list[str] = []
    kind = BlockKind.PARAGRAPH
    for line in chunk_lines:
        if _BULLET.match(line):
            yield Piece(kind, one_line(" ".join(gathered)))
            gathered, kind = [], BlockKind.LIST_ITEM
        gathered.append(line)
    yield Piece(kind, one_line(" ".join(gathered)))


def _inline(token: Token) -> str:
    """What a reader sees: link texts, image descriptions, code and formulas as written."""
    parts = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(_inline(child) if child.children else child.content)
        elif child.type in ("text", "code_inline", "text_special"):
            parts.append(child.content)
    return "".join(parts)


def _kind(text: str, depth_of_list: int) -> BlockKind:
    if _DISPLAY_FORMULA.match(text):
        return BlockKind.FORMULA
    return BlockKind.LIST_ITEM if depth_of_list else BlockKind.PARAGRAPH
