"""Office files and e-books are ZIP files of XML: opened within limits, parsed without entities, fetching nothing."""

from __future__ import annotations

import posixpath
import zipfile
from pathlib import Path
from typing import Self

from lxml import etree

from .limits import Limits
from .refusals import ZIP_FAILURES, Unreadable

MOST_PARTS = 20_000
# Markup compresses well, prose 3 to 10 times; nothing honest that is large does so 200 times.
HIGHEST_RATIO = 200
RATIO_COUNTS_FROM = 50_000_000


class Container:
    """An open ZIP container. Parts are named by their path inside it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except ZIP_FAILURES as error:
            raise Unreadable("corrupt") from error
        try:
            self._parts = {info.filename: info for info in self._archive.infolist()}
            refuse_bomb(self._archive.infolist(), path.stat().st_size, limits)
            if any(info.flag_bits & 1 for info in self._parts.values()) or self._says_encrypted():
                raise Unreadable("encrypted")
        except BaseException:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def bytes_of(self, part: str) -> bytes:
        """The part's content, or nothing when there is no such part."""
        info = self._parts.get(part)
        if info is None:
            return b""
        try:
            return self._archive.read(info)
        except ZIP_FAILURES as error:
            raise Unreadable("corrupt", {"part": part[-100:]}) from error

    def xml(self, part: str) -> etree._Element | None:
        data = self.bytes_of(part)
        return parse_xml(data) if data else None

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """OOXML relations of a part: id → (last word of its type, target as a path inside the container)."""
        folder, file = posixpath.split(part)
        root = self.xml(f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels")
        found: dict[str, tuple[str, str]] = {}
        for relation in root.iterchildren("{*}Relationship") if root is not None else ():
            if relation.get("TargetMode") != "External":
                target = relation.get("Target", "")
                kind = relation.get("Type", "").rsplit("/", 1)[-1]
                resolved = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
                found[relation.get("Id", "")] = kind, posixpath.normpath(resolved)
        return found

    def _says_encrypted(self) -> bool:
        """OpenDocument encrypts its parts one by one and says so in its manifest."""
        return b"encryption-data" in self.bytes_of("META-INF/manifest.xml") and "content.xml" in self


def refuse_bomb(parts: list[zipfile.ZipInfo], compressed: int, limits: Limits) -> None:
    """Sizes are as the archive declares them: unpacking never goes beyond them."""
    total = sum(info.file_size for info in parts)
    if len(parts) > MOST_PARTS:
        raise Unreadable("too_many_members", {"members": str(len(parts)), "limit": str(MOST_PARTS)})
    if total > limits.decompressed_bytes or (total > RATIO_COUNTS_FROM and total > HIGHEST_RATIO * compressed):
        raise Unreadable("decompression_bomb", {"bytes": str(total), "limit": str(limits.decompressed_bytes)})


def parse_xml(data: bytes) -> etree._Element:
    """XML without a document type: office formats have none, and entities are the way to make a small file huge."""
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable("too_much_memory" if getattr(error, "code", 0) == _NO_MEMORY else "corrupt") from error
    internal = root.getroottree().docinfo.internalDTD
    if internal is not None and any(True for _ in internal.iterentities()):  # type: ignore[union-attr]  # not in the stubs
        raise Unreadable("corrupt", {"detail": "entities"})
    return root


def local(element: etree._Element) -> str:
    """The element's name without its namespace; nothing for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: etree._Element, name: str) -> str:
    """An attribute by its name without its namespace."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return ""


_NO_MEMORY = etree.ErrorTypes.ERR_NO_MEMORY
