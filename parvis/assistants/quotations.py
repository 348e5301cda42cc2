"""How a quotation is shown: the document's words, laid out as what they are (prose, rows of a table, a listing).

Only what is not the sentence's is left out: note calls, the bars that stand between cells. An ellipsis says that a sentence
goes on before or after. What is stored, verified and highlighted is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from parvis.retrieval.listing import is_listing


@dataclass(frozen=True, slots=True)
class Part:
    kind: str  # "prose", "item", "rows" or "listing"
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def head(self) -> tuple[str, ...]:
        """What the columns are called, where the first row says it."""
        named = len(self.rows) > 1 and not any(character.isdigit() for cell in self.rows[0] for character in cell)
        return self.rows[0] if named else ()

    @property
    def body(self) -> tuple[tuple[str, ...], ...]:
        return self.rows[1:] if self.head else self.rows


def parts(quotation: str) -> list[Part]:
    return list(_parts(quotation))


def plain(quotation: str) -> str:
    """On lines, for a terminal or a file: cells are set apart by a middle dot."""
    lines = []
    for part in _parts(quotation):
        lines += [" · ".join(filter(None, row)) for row in part.rows] or [part.text]
    return "\n".join(lines)


_BETWEEN_BLOCKS = re.compile(r"\n[^\S\n]*\n\s*|\n(?=[^\S\n]*(?:[-–—•‣▪●○◦]|\d{1,2}[.)])\s)")
_ITEM = re.compile(r"\s*(?:[-–—•‣▪●○◦]|\d{1,2}[.)])\s")
_BAR = re.compile(r"[^\S\n]*\|[^\S\n]*")


def _parts(quotation: str) -> Iterator[Part]:
    blocks = [block for block in _BETWEEN_BLOCKS.split(quotation.strip()) if block.strip()]
    for kind, group in groupby(blocks, key=_kind):
        if kind == "rows":
            lines = [line for block in group for line in block.splitlines() if line.strip()]
            yield Part(kind, rows=tuple(tuple(_tidy(cell) for cell in _BAR.split(line)) for line in lines))
        elif kind == "listing":
            yield Part(kind, "\n".join(group))
        else:
            yield from (Part(kind, _with_ellipses(_tidy(block)) if kind == "prose" else _tidy(block)) for block in group)


def _kind(block: str) -> str:
    if is_listing(block):
        return "listing"
    if " | " in block and all(_BAR.search(line) for line in block.splitlines()):
        return "rows"
    return "item" if _ITEM.match(block) else "prose"


# "public ²⁷ ." and "public²⁷.", not "10 m²."
_NOTE_CALL = re.compile(r"(?:\s+|(?<=[^\W\d_]{4})|(?<=[.»”)]))[⁰¹²³⁴-⁹]{1,3}(?=\s?[.,;:!?»”)]|\s|$)")
_LOST_POINT = re.compile(r"[^\S\n]+(?=[.,](?:\s|$))")


def _tidy(text: str) -> str:
    without_calls = _NOTE_CALL.sub("", text)
    return " ".join((_LOST_POINT.sub("", without_calls) if without_calls != text else text).split(" ")).strip()


_BEGINS_WITHIN = re.compile(r"[a-zà-öø-ÿ][\w’'-]* ")
_ENDS_WHOLE = re.compile(r"[.!?…:;,][»”\")\]\s\u00a0\u202f\d\[]*$")
FEWEST_WORDS = 8  # a shorter line may well be whole


def _with_ellipses(text: str) -> str:
    if len(text.split()) < FEWEST_WORDS:
        return text
    before = "… " if _BEGINS_WITHIN.match(text) else ""
    return before + text + ("" if _ENDS_WHOLE.search(text) else " …")
