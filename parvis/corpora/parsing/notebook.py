"""Jupyter notebooks: prose, code, and what the code printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .document import BlockKind, DocumentHead, DocumentTail, Unit
from .encoding import decode
from .markup import document, markdown_pieces
from .media_types import NOTEBOOK
from .refusals import Unreadable
from .sections import Piece, lines

LONGEST_OUTPUT = 4_000  # characters: what is printed beyond is data, not a course


def read_notebook(data: bytes, *, name: str) -> Iterator[DocumentHead | Unit | DocumentTail]:
    try:
        notebook = msgspec.json.decode(decode(data).lstrip("\ufeff"))
    except msgspec.DecodeError as error:
        raise Unreadable("corrupt") from error
    pieces = [piece for cell in _cells(notebook) for piece in _cell(cell)]
    metadata = notebook.get("metadata")
    title = metadata.get("title") if isinstance(metadata, dict) else None
    title = (
        title
        if isinstance(title, str) and title.strip()
        else next((p.text for p in pieces if p.kind is BlockKind.HEADING), "")
    )
    yield from document(NOTEBOOK, title[:300] or Path(name).stem, pieces)


# A notebook is whatever its JSON holds: each step checks the shape it needs.
def _cells(notebook: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(notebook, dict):
        raise Unreadable("corrupt")
    sheets = notebook.get("worksheets")  # before version 4
    holders = sheets if isinstance(sheets, list) else [notebook]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else ()) if isinstance(cell, dict))


def _cell(cell: dict[str, Any]) -> Iterator[Piece]:
    source = _joined(cell.get("source", cell.get("input", "")))
    kind = cell.get("cell_type")
    if kind == "markdown":
        yield from markdown_pieces(source)
    elif kind == "heading":
        level = cell.get("level")
        yield Piece(BlockKind.HEADING, source, level if isinstance(level, int) else 1)
    elif kind == "code":
        yield Piece(BlockKind.CODE, lines(source))
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                yield Piece(BlockKind.CODE, lines(_printed(output)[:LONGEST_OUTPUT]))


def _printed(output: dict[str, Any]) -> str:
    data = output.get("data")
    if isinstance(data, dict):
        return _joined(data.get("text/plain", ""))
    if output.get("output_type") in ("error", "pyerr"):
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    return _joined(output.get("text", ""))


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(piece for piece in value if isinstance(piece, str))
    return value if isinstance(value, str) else ""
