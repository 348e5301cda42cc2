"""Why a document could not be read: a code, never a sentence. The edge turns it into one, in French and in English."""

from __future__ import annotations

import lzma
import zipfile
import zlib

CODES = frozenset(
    {
        "empty",
        "encrypted",
        "corrupt",
        "mislabelled",
        "unsupported",
        "archive",
        "too_large",
        "too_many_pages",
        "too_many_members",
        "decompression_bomb",
        "too_slow",
        "too_much_memory",
        "parser_crashed",
        "no_text",
        "garbage",
        "unsafe_name",
        "archive_in_archive",
    }
)


class Unreadable(Exception):
    """A document (or one member of an archive) that cannot be read; `params` are what its sentence needs."""

    def __init__(self, code: str, params: dict[str, str] | None = None) -> None:
        if code not in CODES:
            raise ValueError(f"no such refusal: {code}")
        super().__init__(code)
        self.code = code
        self.params = params or {}

    def __reduce__(self) -> tuple[type[Unreadable], tuple[str, dict[str, str]]]:
        return type(self), (self.code, self.params)


# All that zipfile raises on damaged or hostile bytes. RuntimeError is a password; its subclass for what Python lacks is a
# method of compression or a version of the format.
ZIP_FAILURES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
