"""What a file is, from its bytes. Its name is only asked what it claims."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePath

from .encoding import decode, encoding_of
from .refusals import ZIP_FAILURES, Unreadable

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
EPUB = "application/epub+zip"
ZIP = "application/zip"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
NOTEBOOK = "application/x-ipynb+json"
WEBVTT = "text/vtt"
SRT = "application/x-subrip"

# Not read, and named so that the sentence says what to do.
DOC = "application/msword"
XLS = "application/vnd.ms-excel"
PPT = "application/vnd.ms-powerpoint"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODS = "application/vnd.oasis.opendocument.spreadsheet"

SUPPORTED = frozenset({PDF, DOCX, PPTX, ODT, ODP, EPUB, ZIP, HTML, MARKDOWN, PLAIN, NOTEBOOK, WEBVTT, SRT})
EXTENSIONS = {
    ".pdf": PDF,
    ".docx": DOCX,
    ".pptx": PPTX,
    ".odt": ODT,
    ".odp": ODP,
    ".epub": EPUB,
    ".zip": ZIP,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN,
    ".ipynb": NOTEBOOK,
    ".vtt": WEBVTT,
    ".srt": SRT,
}
"""Names a chooser of files offers. A file of another name is read all the same if its bytes are of a supported kind."""


def detect(path: Path, *, name: str) -> str:
    """The media type of the file. Raises `Unreadable`: empty, encrypted, corrupt, mislabelled or unsupported."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("empty", {"name": name})
    with path.open("rb") as file:
        start = file.read(65536)
    found = _from_bytes(path, start)
    claimed = EXTENSIONS.get(PurePath(name).suffix.lower())
    if found in SUPPORTED and not _is_something_else(claimed, found):
        return found
    if claimed is None:
        raise Unreadable("unsupported", {"name": name, "found": found})
    raise Unreadable("mislabelled", {"name": name, "claimed": claimed, "found": found})


def _is_something_else(claimed: str | None, found: str) -> bool:
    """A ZIP that is no Word document is not to be unpacked for being named .docx; nor is any text a notebook."""
    return (found == ZIP and claimed in _ZIPPED) or (claimed == NOTEBOOK and found in (PLAIN, MARKDOWN))


def _from_bytes(path: Path, start: bytes) -> str:
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_based(path)  # before PDF: an archive may hold one, stored as it is
    if b"%PDF-" in start[:1024]:
        return PDF
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound_file(path)
    for signature, media_type in _SIGNATURES:
        if start.startswith(signature):
            return media_type
    if encoding_of(start) is None:
        return "application/octet-stream"
    return _text_based(decode(start[: len(start) // 4 * 4]))


def _zip_based(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                declared = archive.read("mimetype").decode("ascii", "replace").strip()
                return _TEMPLATES.get(declared, declared)
    except ZIP_FAILURES as error:
        raise Unreadable("corrupt", {"found": ZIP}) from error
    if "[Content_Types].xml" in names:
        for part, media_type in (("word/document.xml", DOCX), ("ppt/presentation.xml", PPTX), ("xl/workbook.xml", XLSX)):
            if part in names:
                return media_type
        return "application/vnd.openxmlformats-officedocument"
    if "META-INF/container.xml" in names:
        return EPUB
    return ZIP


def _compound_file(path: Path) -> str:
    """Word, Excel and PowerPoint before 2007, and any later one under a password."""
    with path.open("rb") as file:
        data = file.read(4_000_000)
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise Unreadable("encrypted")
    streams = (("WordDocument", DOC), ("PowerPoint Document", PPT), ("Workbook", XLS), ("Book", XLS))
    return next((kind for stream, kind in streams if stream.encode("utf-16-le") in data), "application/x-ole-storage")


def _text_based(text: str) -> str:
    text = text.lstrip("\ufeff")
    head = text.lstrip()[:4000]
    if text.startswith("WEBVTT"):
        return WEBVTT
    if _HTML.search(head[:2000]) or (head.startswith("<?xml") and "<html" in head):
        return HTML
    if head.startswith("{") and re.search(r'"(?:cells|nbformat|worksheets)"\s*:', text):
        return NOTEBOOK
    if _SRT.search(text[:4000]):
        return SRT
    if head.startswith("{\\rtf"):
        return "application/rtf"
    if head.startswith("<?xml"):
        return "application/xml"
    if head.startswith("%!PS"):
        return "application/postscript"
    return MARKDOWN if len(_MARKDOWN.findall(text)) >= 1 else PLAIN


_HTML = re.compile(r"^(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SRT = re.compile(r"^\s*(?:\d+\s*\n\s*)?(?:\d+:)?\d{1,2}:\d{2}[,.]\d{1,3}\s*-->\s*(?:\d+:)?\d{1,2}:\d{2}[,.]\d{1,3}")
_MARKDOWN = re.compile(
    r"^(?:#{1,6} +\S|```|~~~|\|.+\|[ \t]*\n\|[ :|-]+\|)|\[[^\[\]\n]+\]\(\S+\)|\*\*\S[^*\n]*\*\*",
    re.MULTILINE,
)
_ZIPPED = frozenset({DOCX, PPTX, ODT, ODP, EPUB})
_TEMPLATES = {
    "application/vnd.oasis.opendocument.text-template": ODT,
    "application/vnd.oasis.opendocument.presentation-template": ODP,
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "application/x-riff"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/x-executable"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)
