"""Bytes of a text file into text."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding_of(data: bytes) -> str | None:
    """UTF-8, UTF-16 with or without its mark, else Windows-1252; None when these bytes, or this beginning, are no text."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if b"\0" in data:
        return _utf16_without_mark(data)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        encoding = "cp1252"
    else:
        encoding = "utf-8"
    controls = sum(data.count(bytes([byte])) for byte in (*range(1, 9), *range(14, 27), 28, 29, 30, 31))
    return None if controls > 0.01 * len(data) else encoding


def decode(data: bytes) -> str:
    """The whole text, line ends made \\n; what cannot be decoded becomes U+FFFD."""
    text = data.decode(encoding_of(data[:65536]) or "utf-8", "replace")
    if "\ufffd" in text and not data.startswith(tuple(mark for mark, _ in _MARKS)) and b"\0" not in data:
        text = data.decode("cp1252", "replace")  # valid UTF-8 at first, not to the end
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _utf16_without_mark(data: bytes) -> str | None:
    even, odd = data[0:4096:2].count(0), data[1:4096:2].count(0)
    half = max(1, min(len(data), 4096) // 2)
    if odd > 0.7 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None
