"""PDF through pdfium: text in reading order with a box for every word, and pages as images.

pdfium's C functions are called directly: its Python wrapper costs more than the parsing. Two calls give a word's box (its
first and its last character), where a call for each character would double the time of a page.
"""

from __future__ import annotations

import ctypes
import io
import math
import re
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from statistics import median

import pypdfium2.raw as pdfium

from . import ocr as recognition
from .document import BlockKind, Box, DocumentHead, DocumentTail, Unit, UnitKind
from .layout import Paragraph, compose, letters_by_size, lines_of, paragraphs_of
from .limits import Limits
from .lines import Line, PageLines, Token
from .refusals import Unreadable
from .repair import MARKS, clean, is_garbage
from .repair import compose as composed

MEDIA_TYPE = "application/pdf"
LARGEST_IMAGE = 16_000_000  # pixels of a rendered page

# pdfium keeps global state: one call at a time in a process.
_lock = threading.RLock()


def read_pdf(path: Path, *, name: str, limits: Limits, ocr: bool) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with _Document(path) as document:
        if document.page_count > limits.pages:
            raise Unreadable("too_many_pages", {"pages": str(document.page_count), "limit": str(limits.pages)})
        yield DocumentHead(MEDIA_TYPE, document.title() or Path(name).stem, document.page_count)
        reader = _Reader(document, limits, ocr)
        yield from reader.units()
        if reader.readable_pages == 0:
            raise Unreadable(
                "garbage" if reader.garbage_pages else "no_text", {"pages": str(document.page_count), "found": MEDIA_TYPE}
            )
        yield DocumentTail(document.page_count, tuple(reader.pages_without_text))


def page_count(path: Path) -> int:
    with _Document(path) as document:
        return document.page_count


def page_size(path: Path, number: int) -> tuple[float, float]:
    """Width and height in points of page `number` (from 1) as displayed."""
    with _Document(path) as document, document.page(number - 1) as page:
        return page.width, page.height


def render_page(path: Path, number: int, *, scale: float) -> bytes:
    """Page `number` (from 1) as PNG, `scale` pixels a point, or fewer where the page is too large for that."""
    with _Document(path) as document, document.page(number - 1) as page:
        return page.png(scale)


class _Document:
    """An open PDF. Every call into pdfium holds the lock."""

    def __init__(self, path: Path) -> None:
        with _lock:
            _start_pdfium()
            self._handle = pdfium.FPDF_LoadDocument(str(path).encode(), None)
            if not self._handle:
                raise _why_not(pdfium.FPDF_GetLastError())
            self.page_count: int = pdfium.FPDF_GetPageCount(self._handle)
        if self.page_count < 1:
            self.close()
            raise Unreadable("corrupt")

    def __enter__(self) -> _Document:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with _lock:
            pdfium.FPDF_CloseDocument(self._handle)

    def page(self, index: int) -> _Page:
        if not 0 <= index < self.page_count:
            raise Unreadable("corrupt", {"page": str(index + 1)})
        return _Page(self._handle, index)

    def title(self) -> str:
        with _lock:
            size = pdfium.FPDF_GetMetaText(self._handle, b"Title", None, 0)
            buffer = ctypes.create_string_buffer(min(size, 4096))
            pdfium.FPDF_GetMetaText(self._handle, b"Title", buffer, len(buffer))
        title = " ".join(clean(_utf16(buffer.raw)).split())
        return "" if _NO_TITLE.search(title) else title[:300]

    def label(self, index: int) -> str:
        with _lock:
            size = pdfium.FPDF_GetPageLabel(self._handle, index, None, 0)
            buffer = ctypes.create_string_buffer(min(size, 256))
            pdfium.FPDF_GetPageLabel(self._handle, index, buffer, len(buffer))
        return " ".join(clean(_utf16(buffer.raw)).split())[:40] or str(index + 1)

    def outline(self, most: int = 5000) -> dict[int, list[tuple[str, int]]]:
        """Titles of the table of contents and their depth from 1, by page index."""
        entries: dict[int, list[tuple[str, int]]] = {}
        with _lock:
            todo = [(pdfium.FPDFBookmark_GetFirstChild(self._handle, None), 1)]
            seen: set[int] = set()
            while todo and most:
                bookmark, depth = todo.pop()
                address = ctypes.cast(bookmark, ctypes.c_void_p).value
                if not bookmark or address is None or address in seen or depth > 12:
                    continue
                most -= 1
                seen.add(address)
                todo.append((pdfium.FPDFBookmark_GetNextSibling(self._handle, bookmark), depth))
                todo.append((pdfium.FPDFBookmark_GetFirstChild(self._handle, bookmark), depth + 1))
                index = self._target(bookmark)
                title = clean(_bookmark_title(bookmark))
                if index >= 0 and title:
                    entries.setdefault(index, []).append((_folded(title), depth))
        return entries

    def _target(self, bookmark: object) -> int:
        target = pdfium.FPDFBookmark_GetDest(self._handle, bookmark)
        if not target:
            action = pdfium.FPDFBookmark_GetAction(bookmark)
            target = pdfium.FPDFAction_GetDest(self._handle, action) if action else None
        return int(pdfium.FPDFDest_GetDestPageIndex(self._handle, target)) if target else -1


class _Page:
    """An open page: its words in displayed coordinates, and its image."""

    def __init__(self, document: object, index: int) -> None:
        with _lock:
            self._page = pdfium.FPDF_LoadPage(document, index)
            if not self._page:
                raise Unreadable("corrupt", {"page": str(index + 1)})
            self._text = pdfium.FPDFText_LoadPage(self._page)
            self.width = float(pdfium.FPDF_GetPageWidthF(self._page))
            self.height = float(pdfium.FPDF_GetPageHeightF(self._page))
            self._font_buffer, self._font_flags = ctypes.create_string_buffer(128), ctypes.c_int()
            self._rotation = pdfium.FPDFPage_GetRotation(self._page) % 4
            bounds = pdfium.FS_RECTF()
            pdfium.FPDF_GetPageBoundingBox(self._page, bounds)
            self._bounds = bounds.left, bounds.bottom, bounds.right, bounds.top

    def __enter__(self) -> _Page:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            pdfium.FPDFText_ClosePage(self._text)
            pdfium.FPDF_ClosePage(self._page)

    @property
    def is_blank(self) -> bool:
        return int(pdfium.FPDFPage_CountObjects(self._page)) <= 0

    def tokens(self, most: int) -> list[Token]:
        """The words as drawn, accents composed, with their boxes as displayed."""
        with _lock:
            count = pdfium.FPDFText_CountChars(self._text) if self._text else 0
            if count > most:
                raise Unreadable("too_large", {"characters": str(count)})
            text = _LEADERS.sub(lambda found: " " * len(found.group()), self._characters(count))
            return list(self._words(self._composed(text) if MARKS.intersection(text) else text))

    def font(self, index: int) -> _Font:
        buffer, flags = self._font_buffer, self._font_flags
        pdfium.FPDFText_GetFontInfo(self._text, index, buffer, len(buffer), flags)
        return _font(buffer.value, flags.value)

    def is_upside_down(self, index: int) -> bool:
        """As displayed. pdfium then gives the words of a line from its end."""
        with _lock:
            angle = pdfium.FPDFText_GetCharAngle(self._text, index)
        return math.cos(angle + self._rotation * math.pi / 2) < -0.9

    def png(self, scale: float) -> bytes:
        from PIL import Image

        with _lock:
            scale = min(scale, (LARGEST_IMAGE / max(1.0, self.width * self.height)) ** 0.5)
            width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
            bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGRx, None, 0)
            try:
                pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
                pdfium.FPDF_RenderPageBitmap(bitmap, self._page, 0, 0, width, height, 0, pdfium.FPDF_ANNOT)
                stride = pdfium.FPDFBitmap_GetStride(bitmap)
                pixels = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
            finally:
                pdfium.FPDFBitmap_Destroy(bitmap)
        out = io.BytesIO()
        Image.frombuffer("RGB", (width, height), pixels, "raw", "BGRX", stride, 1).save(out, "PNG", compress_level=3)
        return out.getvalue()

    def _characters(self, count: int) -> str:
        """One character of the string for each of pdfium's, so that positions are its indices."""
        buffer = (ctypes.c_ushort * (2 * count + 2))()
        written = pdfium.FPDFText_GetText(self._text, 0, count, buffer) - 1
        text = bytes(buffer)[: 2 * max(0, written)].decode("utf-16-le", "replace")
        if len(text) == count:
            return text
        points = (pdfium.FPDFText_GetUnicode(self._text, index) for index in range(count))
        return "".join(chr(point) if 0 < point < 0x110000 and not 0xD800 <= point < 0xE000 else "\ufffd" for point in points)

    def _composed(self, text: str) -> str:
        """An accent drawn over a letter becomes that letter; what it leaves is a character that is dropped later."""
        chars = list(text)
        for found in _MARK_THEN_LETTER.finditer(text):
            mark, letter = found.start(1), found.start(2)
            accented = composed(text[mark], text[letter])
            if accented and self._overlap(mark, letter):
                chars[mark : letter + 1] = _DROPPED * (letter - mark) + accented
        for found in _LETTER_THEN_MARK.finditer(text):
            letter, mark = found.start(1), found.start(2)
            accented = composed(text[mark], text[letter])
            if accented and chars[mark] == text[mark] and chars[letter] == text[letter] and self._overlap(mark, letter):
                chars[letter : mark + 1] = accented + _DROPPED * (mark - letter)
        joined = "".join(chars)
        return joined

    def _overlap(self, mark: int, letter: int) -> bool:
        above, below = self._tight(mark), self._tight(letter)
        middle = (above[0] + above[2]) / 2
        return below[0] - 1 <= middle <= below[2] + 1

    def _tight(self, index: int) -> tuple[float, float, float, float]:
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        pdfium.FPDFText_GetCharBox(self._text, index, left, right, bottom, top)
        return left.value, bottom.value, right.value, top.value

    def _words(self, text: str) -> Iterator[Token]:
        loose, handle, rect = pdfium.FPDFText_GetLooseCharBox, self._text, pdfium.FS_RECTF()
        pointer = ctypes.byref(rect)
        left, bottom, right, top = self._bounds
        rotation = self._rotation
        previous_end = 0
        for found in _WORD.finditer(text):
            start, end = found.span()
            word = found.group()
            hyphen = word[-1] in _HYPHENS or (word[-1] == _TYPOGRAPHIC_HYPHEN and text[end : end + 1] in ("\r", "\n"))
            loose(handle, start, pointer)
            x0, y0, x1, y1 = rect.left, rect.bottom, rect.right, rect.top
            if end - start > 1:
                loose(handle, end - 1, pointer)
                other = rect.left, rect.bottom, rect.right, rect.top
                x0 = other[0] if other[0] < x0 else x0
                y0 = other[1] if other[1] < y0 else y0
                x1 = other[2] if other[2] > x1 else x1
                y1 = other[3] if other[3] > y1 else y1
            if x1 - x0 <= 0 or y1 - y0 <= 0:
                x0, y0, x1, y1 = _union(self._tight(start), self._tight(end - 1))
            if rotation == 0:
                box = x0 - left, top - y1, x1 - left, top - y0
            elif rotation == 1:
                box = y0 - bottom, x0 - left, y1 - bottom, x1 - left
            elif rotation == 2:
                box = right - x1, y0 - bottom, right - x0, y1 - bottom
            else:
                box = top - y1, right - x1, top - y0, right - x0
            if not word.isascii():
                word = clean(word.replace(_DROPPED, ""))
            word = word.rstrip(_HYPHENS + _TYPOGRAPHIC_HYPHEN) if hyphen else word
            if word:
                token = Token(word, *box, start, hyphen, "\n" in text[previous_end:start])
                if word.isalpha() or (note := _MAYBE_A_NOTE.search(word)) is None:
                    yield token
                elif len(word) == end - start and self._runs_across(start):
                    yield from self._without_note(token, note)
                else:
                    yield token
            previous_end = end

    def _without_note(self, token: Token, found: re.Match[str]) -> Iterator[Token]:
        """A raised number is the call of a note or an exponent: 2001¹⁷ is no date, m² is one word."""
        last = found.end(1)
        base = self._height(token.index)
        first = last
        while first > max(found.start(1), 1) and self._height(token.index + first - 1) < 0.85 * base:
            first -= 1
        if first == last:
            yield token
            return
        raised = token.text[first:last].translate(_RAISED)
        before, after = token.text[:first], token.text[last:]
        if raised in ("²", "³") and before[-1].isalpha():
            yield replace(token, text=before + raised + after)
            return
        part = (token.x1 - token.x0) / len(token.text)
        yield replace(token, text=before + after, x1=token.x0 + part * first, hyphen=False)
        yield replace(token, text=raised, x0=token.x0 + part * first, new_line=False)

    def _runs_across(self, index: int) -> bool:
        return abs(math.sin(pdfium.FPDFText_GetCharAngle(self._text, index))) < 0.1

    def _height(self, index: int) -> float:
        rect = pdfium.FS_RECTF()
        pdfium.FPDFText_GetLooseCharBox(self._text, index, rect)
        return abs(float(rect.top - rect.bottom))


@dataclass(frozen=True, slots=True)
class _Font:
    bold: bool
    monospace: bool


@lru_cache(maxsize=512)
def _font(name: bytes, flags: int) -> _Font:
    text = name.decode("utf-8", "replace")
    return _Font(bool(flags & _FORCE_BOLD or _BOLD.search(text)), bool(flags & 1 or _MONOSPACE.search(text)))


@dataclass(slots=True)
class _RawPage:
    index: int
    page: PageLines
    to_page: Callable[[Token], Box]
    width: float
    height: float
    ocr: bool
    label: str
    edges: dict[str, list[float]]  # lines near the top or the bottom: what they say, numbers aside, and how high
    numbered: list[float]  # how high those of them stand that bear the number of the page


class _Reader:
    """Pages through a sliding window: furniture, the body's size and the vocabulary need the neighbours of a page."""

    WINDOW = 12
    LARGEST_VOCABULARY = 300_000

    def __init__(self, document: _Document, limits: Limits, ocr: bool) -> None:
        self._document = document
        self._limits = limits
        self._ocr = ocr and recognition.is_available()
        self._outline = document.outline()
        self._characters = 0
        self._sizes: Counter[float] = Counter()
        self._lines = self._bold_lines = 0
        self._vocabulary: set[str] = set()
        self._headings: list[tuple[float, int, str]] = []
        self.pages_without_text: list[int] = []
        self.readable_pages = 0
        self.garbage_pages = 0

    def units(self) -> Iterator[Unit]:
        window: deque[_RawPage] = deque()
        pending = 0  # position in the window of the next page to give out
        for index in range(self._document.page_count):
            window.append(self._raw(index))
            self._learn(window[-1])
            if len(window) - pending > self.WINDOW // 2:
                yield self._unit(window[pending], window)
                pending += 1
            if len(window) > self.WINDOW:
                window.popleft()
                pending -= 1
        for raw in list(window)[pending:]:
            yield self._unit(raw, window)

    def _raw(self, index: int) -> _RawPage:
        with self._document.page(index) as page:
            tokens = page.tokens(self._limits.characters - self._characters)
            text = " ".join(token.text for token in tokens)
            self._characters += len(text)
            recognised = False
            if not tokens or is_garbage(text):
                garbage, blank = bool(tokens), page.is_blank
                tokens = recognition.words(page.png, page.width, page.height) if self._ocr and not blank else []
                recognised = bool(tokens)
                self.garbage_pages += garbage and not recognised
                if not recognised and not blank:
                    self.pages_without_text.append(index + 1)
            self.readable_pages += bool(tokens)
            return _laid_out(index, page, tokens, recognised, self._document.label(index))

    def _learn(self, raw: _RawPage) -> None:
        """What pages tell about the others: the size of the body, and words that decide on hyphens."""
        lines = raw.page.lines
        self._sizes.update(letters_by_size(lines))
        self._lines += len(lines)
        self._bold_lines += sum(line.bold for line in lines)
        if len(self._vocabulary) < self.LARGEST_VOCABULARY:
            text = " ".join(line.text for line in lines).lower().replace("’", "'").replace("'", " ")
            self._vocabulary.update(_VOCABULARY_WORD.findall(text))

    def _unit(self, raw: _RawPage, window: deque[_RawPage]) -> Unit:
        kept = [line for line in raw.page.lines if not _is_furniture(line, raw, window)]
        path = tuple(text for _, _, text in self._headings)
        body = self._sizes.most_common(1)[0][0] if self._sizes else 10.0
        paragraphs = paragraphs_of(kept, body, 2 * self._bold_lines > self._lines)
        for paragraph in paragraphs:
            self._place_heading(paragraph, raw.index)
        text, blocks, words = compose(paragraphs, self._vocabulary, raw.to_page)
        return Unit(
            number=raw.index + 1,
            kind=UnitKind.PAGE,
            label=raw.label,
            text=text,
            blocks=blocks,
            heading_path=path,
            words=words,
            width=raw.width,
            height=raw.height,
            ocr=raw.ocr,
        )

    def _place_heading(self, paragraph: Paragraph, index: int) -> None:
        """A heading closes those of its size and below; the outline, where there is one, knows better."""
        if paragraph.kind not in (BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.LIST_ITEM):
            return
        text = " ".join(paragraph.text.split())
        depth = self._outlined(text, index)
        if depth is None and paragraph.kind is not BlockKind.HEADING:
            return
        size = max(line.size for line in paragraph.lines)
        paragraph.kind = BlockKind.HEADING
        if depth is not None:
            while self._headings and self._headings[-1][1] >= depth:
                self._headings.pop()
        else:
            while self._headings and self._headings[-1][0] <= size * 1.03:
                self._headings.pop()
            depth = self._headings[-1][1] + 1 if self._headings else 1
        paragraph.level = len(self._headings) + 1
        self._headings.append((size, depth, text[:200]))

    def _outlined(self, text: str, index: int) -> int | None:
        if len(text) > 250:
            return None
        folded = _folded(text)
        for title, depth in self._outline.get(index, ()):
            if folded == title or (len(title) > 3 and folded.endswith(title) and len(folded) - len(title) < 14):
                return depth
        return None


def _laid_out(index: int, page: _Page, tokens: list[Token], recognised: bool, label: str) -> _RawPage:
    turn = 0 if recognised else _turn(page, tokens)
    framed = [_turned(token, turn, page.width, page.height) for token in tokens] if turn else tokens
    width, height = (page.height, page.width) if turn % 2 else (page.width, page.height)
    lines = lines_of(framed, width, height, drawn_in_order=turn != 2)
    if recognised:
        _even_out(lines)
    else:
        _note_fonts(lines, page)

    def turned_back(token: Token) -> Box:
        return _box(_turned(token, 4 - turn, width, height))

    raw = _RawPage(
        index,
        PageLines(lines, width, height),
        turned_back if turn else _box,
        page.width,
        page.height,
        recognised,
        label,
        {},
        [],
    )
    for line in lines:
        if _is_near_an_edge(line, height):
            for key in _furniture_keys(line):
                raw.edges.setdefault(key, []).append(line.y0)
            if _bears_its_number(line, raw):
                raw.numbered.append(line.y0)
    return raw


def _box(token: Token) -> Box:
    return Box(token.x0, token.y0, token.x1, token.y1)


def _turn(page: _Page, tokens: list[Token]) -> int:
    """Quarter turns that bring most of the text of the page to run from left to right."""
    long = [token for token in tokens if len(token.text) >= 4]
    tall = [token for token in long if token.y1 - token.y0 > 1.3 * (token.x1 - token.x0)]
    if not long:
        return 0
    if 2 * len(tall) > len(long):
        downwards = sum(a.y0 < b.y0 for a, b in pairwise(tall) if abs(a.x0 - b.x0) < 2)
        return 3 if 2 * downwards > len(tall) - 1 else 1
    sample = long[:: 1 + len(long) // 7]
    return 2 if 2 * sum(page.is_upside_down(token.index) for token in sample) > len(sample) else 0


def _turned(token: Token, turn: int, width: float, height: float) -> Token:
    """The token in a page turned clockwise by `turn` quarters; `width` and `height` are those before turning."""
    x0, y0, x1, y1 = token.x0, token.y0, token.x1, token.y1
    if turn == 1:
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
    elif turn == 2:
        x0, y0, x1, y1 = width - x1, height - y1, width - x0, height - y0
    elif turn == 3:
        x0, y0, x1, y1 = y0, width - x1, y1, width - x0
    return replace(token, x0=x0, y0=y0, x1=x1, y1=y1)


def _even_out(lines: list[Line]) -> None:
    """A recognised line is as high as its letters: nearly equal heights are one size."""
    usual = median(line.size for line in lines) if lines else 0.0
    for line in lines:
        if abs(line.size - usual) < 0.35 * usual:
            line.size = usual


def _note_fonts(lines: list[Line], page: _Page) -> None:
    """Most lines begin in a plain font: the others' words are asked too, for a line may only begin in bold."""
    with _lock:
        for line in lines:
            first = page.font(line.cells[0][0].index)
            if first.bold or first.monospace:
                fonts = [page.font(token.index) for cell in line.cells for token in cell if len(token.text) > 1] or [first]
                line.bold = sum(font.bold for font in fonts) >= 0.9 * len(fonts)
                line.monospace = sum(font.monospace for font in fonts) >= 0.9 * len(fonts)


def _is_furniture(line: Line, raw: _RawPage, window: deque[_RawPage]) -> bool:
    """A running header, a footer or a page number: near an edge, and again on other pages or numbering them."""
    if not _is_near_an_edge(line, raw.page.height) or len(line.text) > 160:
        return False
    others = [other for other in window if other is not raw and other.page.lines]
    if _bears_its_number(line, raw) and any(abs(y0 - line.y0) < 4 for other in others for y0 in other.numbered):
        return True
    for key in _furniture_keys(line):
        alike = sum(any(abs(y0 - line.y0) < 4 for y0 in other.edges.get(key, ())) for other in others)
        if alike >= 3 or (alike >= 2 and alike >= 0.5 * len(others)):
            return True
    return False


def _bears_its_number(line: Line, raw: _RawPage) -> bool:
    """A line that begins or ends with the number of its page."""
    words = line.text.split()
    return not {words[0].strip("–-. "), words[-1].strip("–-. ")}.isdisjoint((raw.label, str(raw.index + 1)))


def _is_near_an_edge(line: Line, height: float) -> bool:
    return line.y1 < 0.13 * height or line.y0 > 0.87 * height


def _furniture_keys(line: Line) -> set[str]:
    """What the line says, and each of its parts: the title of a chapter changes beside that of the course."""
    texts = {line.text, *(" ".join([token.text for token in cell]) for cell in line.cells)}
    return {_NUMBER.sub("#", text.lower()) for text in texts}


def _start_pdfium() -> None:
    global _started
    if not _started:
        pdfium.FPDF_InitLibrary()
        _started = True


def _why_not(error: int) -> Unreadable:
    return Unreadable("encrypted" if error in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY) else "corrupt")


def _bookmark_title(bookmark: object) -> str:
    size = pdfium.FPDFBookmark_GetTitle(bookmark, None, 0)
    buffer = ctypes.create_string_buffer(min(size, 1024))
    pdfium.FPDFBookmark_GetTitle(bookmark, buffer, len(buffer))
    return _utf16(buffer.raw)


def _utf16(raw: bytes) -> str:
    return raw.decode("utf-16-le", "ignore").split("\0")[0].strip()


def _folded(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _union(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


_started = False
# Rows of dots that lead to a page number; blanks to fill in.
_LEADERS = re.compile("(?:[.…·_][ \u00a0]?){5,}")
_DROPPED = "\ufffc"
_HYPHENS = "\ufffe\x02\u00ad"
_TYPOGRAPHIC_HYPHEN = "‐"  # what browsers print where they cut a word; pdfium leaves it as it is
_MAYBE_A_NOTE = re.compile(r"(?<=[\w)»])(\d{1,3})[.,;:!?»)]*$")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_FORCE_BOLD = 1 << 18
_WORD = re.compile("[^\\s\ufffe\x02\u00ad]+[\ufffe\x02\u00ad]?")
_marks = "".join(re.escape(mark) for mark in sorted(MARKS))
_MARK_THEN_LETTER = re.compile(f"([{_marks}])[ \r\n]{{0,2}}([A-Za-zıȷ])")
_LETTER_THEN_MARK = re.compile(f"([A-Za-zıȷ])[ \r\n]{{0,2}}([{_marks}])")
_BOLD = re.compile("bold|black|heavy|demi|cmb|sfbx|sfsx|ecbx|ecsx|medi", re.IGNORECASE)
_MONOSPACE = re.compile("mono|courier|cmtt|sftt|ectt|consol|typewriter|cour|Nimbus.?Mon", re.IGNORECASE)
_VOCABULARY_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*(?=[\s.,;:!?)»])")
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_NO_TITLE = re.compile(
    r"^(?:|\(anonymous\)|untitled|sans titre|title|document\d*|microsoft word - .*"
    r"|.*\.(?:docx?|odt|tex|dvi|indd|pptx?|pdf))$",
    re.I,
)
