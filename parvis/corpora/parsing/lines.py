"""What a page gives before its layout is understood: placed words, and lines of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Token:
    """A placed run of characters without a space. `index` is the parser's own, to ask for its font later."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    index: int = 0
    hyphen: bool = False  # ends with a hyphen (already taken off) where its line ends
    new_line: bool = False  # the parser saw a line break before it


@dataclass(slots=True)
class Line:
    """Words on one baseline, in cells where wide gaps part them."""

    cells: list[list[Token]]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    text: str
    bold: bool = False
    monospace: bool = False


@dataclass(slots=True)
class PageLines:
    """A page before its furniture is known. `width` and `height` belong to the same frame as the lines."""

    lines: list[Line]
    width: float
    height: float
