"""HTML, and the e-books made of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree, html

from .container import Container, attribute, local
from .document import BlockKind, DocumentHead, DocumentTail, Unit
from .encoding import encoding_of
from .formulas import linear
from .limits import Limits
from .markup import document
from .media_types import EPUB, HTML
from .refusals import Unreadable
from .sections import Piece, lines, one_line, row


def read_html(data: bytes, *, name: str) -> Iterator[DocumentHead | Unit | DocumentTail]:
    root = _html(data)
    pieces = list(html_pieces(root))
    title = one_line(root.findtext(".//title") or "")
    title = title or next((piece.text for piece in pieces if piece.kind is BlockKind.HEADING), "") or Path(name).stem
    yield from document(HTML, title[:300], pieces)


def read_epub(path: Path, *, name: str, limits: Limits) -> Iterator[DocumentHead | Unit | DocumentTail]:
    with Container(path, limits) as container:
        package_path, package = _package(container)
        title = one_line(next((element.text or "" for element in package.iter("{http://purl.org/dc/elements/1.1/}title")), ""))
        yield from document(EPUB, title[:300] or Path(name).stem, _chapters(container, package_path, package))


def html_pieces(root: etree._Element) -> Iterator[Piece]:
    """What a reader of the page reads: no script, no style, no navigation."""
    mains = [element for element in root.iter() if local(element) == "main" or attribute(element, "role") == "main"]
    start = mains[0] if len(mains) == 1 else next((child for child in root.iter() if local(child) == "body"), root)
    yield from _Walk().blocks(start)


def _html(data: bytes) -> etree._Element:
    encoding = encoding_of(data[:65536]) or "utf-8"
    if encoding == "cp1252" and (declared := _DECLARED.search(data[:2048])):
        encoding = declared.group(1).decode("ascii")
    try:
        parser = html.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True, no_network=True)
    except LookupError:
        parser = html.HTMLParser(encoding="cp1252", remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = html.document_fromstring(data, parser=parser)
    except etree.LxmlError as error:
        raise Unreadable("corrupt") from error
    return root


class _Walk:
    """Text gathers while elements are inline; an element that stands as a block closes what was gathered."""

    def __init__(self) -> None:
        self._gathered: list[str] = []

    def blocks(self, element: etree._Element, kind: BlockKind = BlockKind.PARAGRAPH) -> Iterator[Piece]:
        self._gathered.append(element.text or "")
        for child in element:
            yield from self._child(child, kind)
            self._gathered.append(child.tail or "")
        yield from self._close(kind)

    def _child(self, child: etree._Element, kind: BlockKind) -> Iterator[Piece]:
        name = local(child)
        if name in _DROPPED or _is_hidden(child):
            return
        if name == "br":
            self._gathered.append(" ")
        elif name == "math":
            self._gathered.append(f" {linear(child)} ")
        elif name == "img":
            yield from self._picture(child, kind)
        elif name in _INLINE:
            yield from self._inline(child, kind)
        else:
            yield from self._close(kind)
            yield from self._block(child, name, kind)

    def _inline(self, child: etree._Element, kind: BlockKind) -> Iterator[Piece]:
        self._gathered.append(child.text or "")
        for grandchild in child:
            yield from self._child(grandchild, kind)
            self._gathered.append(grandchild.tail or "")

    def _block(self, child: etree._Element, name: str, kind: BlockKind) -> Iterator[Piece]:
        if len(name) == 2 and name[0] == "h" and name[1] in "123456":
            yield Piece(BlockKind.HEADING, one_line(_flat(child)), int(name[1]))
        elif name == "pre":
            yield Piece(BlockKind.CODE, lines(_flat(child)))
        elif name == "table" and not _is_layout(child):
            yield from _rows(child)
        elif name in ("li", "dd"):
            yield from self.blocks(child, BlockKind.LIST_ITEM)
        elif name in ("figcaption", "caption"):
            yield from self.blocks(child, BlockKind.CAPTION)
        elif name in ("p", "dt", "div") and kind is not BlockKind.LIST_ITEM:
            yield from self.blocks(child)
        else:
            yield from self.blocks(child, kind)

    def _picture(self, picture: etree._Element, kind: BlockKind) -> Iterator[Piece]:
        description = one_line(picture.get("alt", ""))
        if " " in description:
            yield from self._close(kind)
            yield Piece(BlockKind.CAPTION, description)

    def _close(self, kind: BlockKind) -> Iterator[Piece]:
        text = one_line("".join(self._gathered))
        self._gathered = []
        if text:
            yield Piece(kind, text)


def _rows(table: etree._Element) -> Iterator[Piece]:
    for element in table.iter():
        name = local(element)
        if name == "caption":
            yield Piece(BlockKind.CAPTION, one_line(_flat(element)))
        elif name == "tr":
            yield Piece(BlockKind.TABLE_ROW, row(_flat(cell) for cell in element if local(cell) in ("td", "th")))


def _is_layout(table: etree._Element) -> bool:
    """A table that only places things: it holds headings, code or other tables, or whole paragraphs in a cell."""
    if attribute(table, "role") == "presentation":
        return True
    inside = {local(element) for element in table.iter()} if len(table) else set()
    nested = any(local(element) == "table" for element in table.iterdescendants())
    cells = (cell for cell in table.iter() if local(cell) == "td")
    return nested or bool(inside & {"h1", "h2", "h3", "h4", "pre"}) or any(len(_flat(cell)) > 600 for cell in cells)


def _flat(element: etree._Element) -> str:
    pieces = [element.text or ""]
    for child in element:
        name = local(child)
        if name == "math":
            pieces.append(f" {linear(child)} ")
        elif name not in _DROPPED and not _is_hidden(child):
            pieces.append(" " if name == "br" else _flat(child))
            pieces.append("" if name in _INLINE else " ")
        pieces.append(child.tail or "")
    return "".join(pieces)


def _is_hidden(element: etree._Element) -> bool:
    if "hidden" in element.attrib or attribute(element, "aria-hidden") == "true" or attribute(element, "role") == "navigation":
        return True
    if _INVISIBLE.search(attribute(element, "style")):
        return True
    return not _CHROME.isdisjoint(attribute(element, "class").split())


def _package(container: Container) -> tuple[str, etree._Element]:
    listing = container.xml("META-INF/container.xml")
    path = next((attribute(file, "full-path") for file in listing.iter("{*}rootfile")), "") if listing is not None else ""
    package = container.xml(path)
    if package is None:
        raise Unreadable("corrupt")
    return path, package


def _chapters(container: Container, package_path: str, package: etree._Element) -> Iterator[Piece]:
    """Chapters in the order of the spine, without the page that is only the table of contents."""
    items = {attribute(item, "id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(attribute(reference, "idref"))
        if item is None or "nav" in attribute(item, "properties").split():
            continue
        target = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), unquote(attribute(item, "href"))))
        data = container.bytes_of(target)
        if data and "html" in attribute(item, "media-type"):
            yield from html_pieces(_html(_closed(data)))


def _closed(data: bytes) -> bytes:
    """XHTML closes empty elements in a way HTML does not read: `<a id="x"/>`, `<script/>`, `<title/>`."""
    return _SELF_CLOSED.sub(rb"<\1\2></\1>", data)


_DECLARED = re.compile(rb"charset\s*=\s*[\"']?([\w.:-]{3,40})", re.IGNORECASE)
_SELF_CLOSED = re.compile(rb"<(a|script|style|title|div|span|p|td|th|i|b|em|strong|iframe)((?:\s[^<>]*)?)/>", re.IGNORECASE)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DROPPED = frozenset(
    "script style nav template noscript svg iframe object embed canvas audio video form button select input textarea head"
    " link meta map area".split()
) | {""}
_CHROME = frozenset("navheader navfooter sphinxsidebar related breadcrumb breadcrumbs headerlink sr-only".split())
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small span strike"
    " strong sub sup time tt u var wbr".split()
)
