"""What went wrong with a document, for the person who gave it: what happened, what was kept, what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.corpora.parsing import media_types


def failure_sentence(code: str, params: Mapping[str, Any]) -> str:
    """The sentence for a code of `parsing.refusals`; a code from a later version still gets a true one."""
    return _SENTENCES.get(code, _unknown)(params)


def duplicate_sentence(name: str) -> str:
    return _("“%(name)s” is already in this course: the file is the same, so nothing was added.") % {"name": name}


def refused_sentence(name: str, code: str, params: Mapping[str, Any]) -> str:
    """A file that was not taken at all."""
    return _("“%(name)s” was not added. %(reason)s") % {"name": name, "reason": failure_sentence(code, params)}


def size_words(size: int) -> str:
    """In decimal units, as people and their computers say it: "470 kB", "1.4 MB"."""
    if size < 1_000:
        return ngettext("%(count)d byte", "%(count)d bytes", size) % {"count": size}
    if size < 999_500:
        return _("%(size)s kB") % {"size": round(size / 1_000)}
    megabytes = size / 1_000_000
    return _("%(size)s MB") % {"size": number_format(megabytes, decimal_pos=1 if megabytes < 9.95 and size % 1_000_000 else 0)}


def _empty(params: Mapping[str, Any]) -> str:
    return _("The file is empty. Check it on your computer, then send it again.")


def _encrypted(params: Mapping[str, Any]) -> str:
    return _("The file is protected by a password. Save a copy without the password, then send that copy.")


def _corrupt(params: Mapping[str, Any]) -> str:
    return _("The file is damaged and cannot be opened. Open it in its application, save it again, then send the new file.")


def _mislabelled(params: Mapping[str, Any]) -> str:
    if known := _to_save_as(params):
        return known
    return _(
        "The content of the file does not match its name: it announces %(claimed)s and holds %(found)s."
        " Save it again from its application."
    ) % {"claimed": _type_name(params.get("claimed")), "found": _type_name(params.get("found"))}


def _unsupported(params: Mapping[str, Any]) -> str:
    if known := _to_save_as(params):
        return known
    return _(
        "This kind of file (%(found)s) is not read. Give a PDF, a Word, PowerPoint or LibreOffice document, a web page, a"
        " text, a notebook, an EPUB book or subtitles."
    ) % {"found": _type_name(params.get("found"))}


def _to_save_as(params: Mapping[str, Any]) -> str:
    """For what its own application can save in a format that is read."""
    sentences = {
        media_types.DOC: _("This file is in Word’s old format (.doc). Open it, save it as .docx, then send the new file."),
        media_types.PPT: _(
            "This file is in PowerPoint’s old format (.ppt). Open it, save it as .pptx, then send the new file."
        ),
        media_types.XLS: _("This file is a spreadsheet (.xls), which is not read. Export it as PDF, then send the PDF."),
        media_types.XLSX: _("This file is a spreadsheet (.xlsx), which is not read. Export it as PDF, then send the PDF."),
        media_types.ODS: _("This file is a spreadsheet (.ods), which is not read. Export it as PDF, then send the PDF."),
        "application/x-ole-storage": _(
            "This file is in an old Office format. Open it, save it as .docx, as .pptx or as PDF, then send the new file."
        ),
        "application/rtf": _(
            "This file is in RTF, which is not read. Open it, save it as .docx or .odt, then send the new file."
        ),
    }
    return sentences.get(str(params.get("found")), "")


def _archive(params: Mapping[str, Any]) -> str:
    return _("The archive cannot be opened. Send its documents one by one, or make the ZIP file again.")


def _too_large(params: Mapping[str, Any]) -> str:
    if str(params.get("limit", "")).isdigit():
        return _("The file is larger than the limit of %(limit)s. Split it, or reduce the size of its images.") % {
            "limit": size_words(int(params["limit"]))
        }
    return _("The document holds more text than can be read. Split it into several files.")


def _too_many_pages(params: Mapping[str, Any]) -> str:
    limit = params.get("limit", "")
    if not str(limit).isdigit():
        return _("The document has too many pages. Split it into several files.")
    return ngettext(
        "The document has more than %(limit)s page. Split it into several files.",
        "The document has more than %(limit)s pages. Split it into several files.",
        int(limit),
    ) % {"limit": limit}


def _too_many_members(params: Mapping[str, Any]) -> str:
    return _("The archive holds too many files. Make several smaller archives.")


def _decompression_bomb(params: Mapping[str, Any]) -> str:
    return _("Once unpacked, the file would be far larger than it seems: it was not opened. Send its documents one by one.")


def _too_slow(params: Mapping[str, Any]) -> str:
    return _("Reading the document took too long and was stopped. Split it into several files, then send them again.")


def _too_much_memory(params: Mapping[str, Any]) -> str:
    return _("Reading the document needs more memory than is allowed. Split it, or save it again as a simpler PDF.")


def _parser_crashed(params: Mapping[str, Any]) -> str:
    return _("Reading the document stopped several times without finishing. Save it again from its application, then retry.")


def _no_text(params: Mapping[str, Any]) -> str:
    found = params.get("found")
    if found == media_types.NOTEBOOK:
        return _(
            "The notebook holds no text: none of its cells can be read. Save it again from Jupyter, then send the new file."
        )
    if found in _WITH_IMAGES:
        return _("No text was found in the document. If it is made of images, export it as PDF, then send the PDF.")
    if found and found != media_types.PDF:
        return _("The file holds only blanks: there is nothing to read in it. Check it on your computer, then send it again.")
    return _(
        "No text was found in the document: its pages are probably images."
        " Send a version with text, or ask for text recognition to be installed."
    )


def _garbage(params: Mapping[str, Any]) -> str:
    return _("The text of the document is unreadable: its fonts do not say which letters they draw. Export it again as PDF.")


def _unsafe_name(params: Mapping[str, Any]) -> str:
    return _(
        "The name of this file inside the archive leads outside it: the file was left out. Rename it, then send it alone."
    )


def _archive_in_archive(params: Mapping[str, Any]) -> str:
    return _("An archive inside an archive is not opened. Unpack it, then send its documents.")


def _unknown(params: Mapping[str, Any]) -> str:
    return _("The document could not be read. Save it again from its application, then send the new file.")


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "empty": _empty,
    "encrypted": _encrypted,
    "corrupt": _corrupt,
    "mislabelled": _mislabelled,
    "unsupported": _unsupported,
    "archive": _archive,
    "too_large": _too_large,
    "too_many_pages": _too_many_pages,
    "too_many_members": _too_many_members,
    "decompression_bomb": _decompression_bomb,
    "too_slow": _too_slow,
    "too_much_memory": _too_much_memory,
    "parser_crashed": _parser_crashed,
    "no_text": _no_text,
    "garbage": _garbage,
    "unsafe_name": _unsafe_name,
    "archive_in_archive": _archive_in_archive,
}

_WITH_IMAGES = {media_types.DOCX, media_types.PPTX, media_types.ODT, media_types.ODP, media_types.EPUB, media_types.HTML}
_TYPE_NAMES = {
    media_types.PDF: "PDF",
    media_types.DOCX: "DOCX",
    media_types.PPTX: "PPTX",
    media_types.ODT: "ODT",
    media_types.ODP: "ODP",
    media_types.EPUB: "EPUB",
    media_types.ZIP: "ZIP",
    media_types.NOTEBOOK: "Jupyter",
    media_types.SRT: "SRT",
    media_types.HTML: "HTML",
    media_types.MARKDOWN: "Markdown",
    media_types.WEBVTT: "WebVTT",
}


def _type_name(media_type: object) -> str:
    name = str(media_type)
    if name == "text/plain":
        return _("plain text")
    if name == "application/x-executable":
        return _("a program")
    if name == "application/vnd.sqlite3":
        return _("a database")
    if name.startswith("audio/") or name == "application/x-riff":
        return _("a recording or an image")
    family, _slash, kind = name.rpartition("/")
    kind = kind.removeprefix("x-").upper()
    if family == "image":
        return _("a %(kind)s image") % {"kind": kind}
    # A file may declare any type: only a short word of letters is worth repeating.
    short = kind.removeprefix("VND.")
    is_word = short.isascii() and short.isalnum() and len(short) <= 10
    return _TYPE_NAMES.get(name) or (short if is_word else _("something unknown"))
