"""The whole dossier, from one version of a need: every document bears the same requirement numbers and the same hash."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping

from parvis.needs.workbooks import csv_bytes
from parvis.offers.conformity_book import grid_csv, write_grid

from . import documents
from .content import Dossier, refuse_vendor_names
from .opendocument import odt
from .portable import pdf
from .word import docx

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def write_all(
    dossier: Dossier, *, vendors: Iterable[str], ordinary: Iterable[str] = (), frozen: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """File name → content. Equal dossiers give equal bytes. Raises `VendorNamed` when the specification names a vendor.

    What a request froze is handed over as it is: its names were looked for then, and a text made anew would be another.
    """
    if frozen:
        return {**frozen, **{name: write() for name, write in _writers(dossier).items() if name not in frozen}}
    refuse_vendor_names(dossier, vendors, ordinary=ordinary)
    return {name: write() for name, write in _writers(dossier).items()}


def register_csv(dossier: Dossier) -> bytes:
    said = dossier.specification
    head = ["instant", "document_ou_echange", "destinataire", "sha256", "sondage", "besoin", "version", "empreinte"]
    which = [dossier.request, said.reference, str(said.version), said.fingerprint]
    rows = [[line.at.isoformat(), line.what, line.recipient, line.sha256, *which] for line in dossier.register]
    return csv_bytes([head, *rows])


def zipped(dossier: Dossier, files: Mapping[str, bytes]) -> bytes:
    """One ZIP, in one folder named after the need and its version."""
    said = dossier.specification
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{said.reference}-v{said.version}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return content.getvalue()


def _writers(dossier: Dossier) -> dict[str, Callable[[], bytes]]:
    expression = documents.functional_expression(dossier)
    note = documents.note(dossier)
    return {
        "expression-fonctionnelle.docx": lambda: docx(expression),
        "expression-fonctionnelle.odt": lambda: odt(expression),
        "expression-fonctionnelle.pdf": lambda: pdf(expression),
        "cadre-de-reponse.docx": lambda: docx(documents.answer_frame(dossier)),
        "cadre-de-reponse.xlsx": lambda: write_grid(dossier.frame),
        "grille-de-conformite.xlsx": lambda: write_grid(dossier.frame, with_offer=False),
        "grille-de-conformite.csv": lambda: grid_csv(dossier.frame),
        "note.docx": lambda: docx(note),
        "note.pdf": lambda: pdf(note),
        "registre.pdf": lambda: pdf(documents.register(dossier)),
        "registre.csv": lambda: register_csv(dossier),
    }
