"""A statement to take away: PDF, CSV, ODS. In French: they are read by the accounting services of the institution. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from parvis.delimited import FORMULA_SIGNS, printable
from parvis.ledger.pricing import PARIS
from parvis.ledger.rounding import shown_grams
from parvis.ledger.statement import Line, estimated, payable, total, unvalued
from parvis.ledger.usage import MICROGRAMS, NANO
from parvis.web.french import MONTHS

NATURES = {
    "statement": "Relevé de consommation",
    "supplement": "Relevé de consommation complémentaire",
    "credit": "Avoir sur relevé de consommation",
}
NO_PRICE = "non valorisé"
UNITS = {
    "input": ("Jetons d’entrée", "million"),
    "cached": ("Jetons d’entrée en cache", "million"),
    "output": ("Jetons de sortie", "million"),
    "embedding": ("Jetons de plongement", "million"),
    "image": ("Images", "image"),
    "request": ("Requêtes", "requête"),
    "hour": ("Temps de calcul", "heure"),
}
HEADINGS = (
    "Composante",
    "Application",
    "Modèle",
    "Convention",
    "Barème",
    "Appels",
    "Jetons d’entrée",
    "Jetons en cache",
    "Jetons de sortie",
    "Jetons de plongement",
    "Images",
    "Secondes de calcul",
    "Montant HT exact (€)",
    "Montant HT arrondi (€)",
    "CO₂e bas (g)",
    "CO₂e haut (g)",
    "Méthode CO₂e",
    "Appels au CO₂e connu",
    "Dont appels estimés",
    "Dont montant HT estimé (€)",
)


@dataclass(frozen=True, slots=True)
class Document:
    reference: str
    nature: str
    institution: str
    month_date: date
    component: str
    app: str
    completes: str  # the reference of what it completes; "" for the first
    made_at: datetime
    digest: str
    lines: tuple[Line, ...]
    is_invented: bool = False

    @property
    def title(self) -> str:
        return NATURES[self.nature]

    @property
    def month(self) -> str:
        return f"{MONTHS[self.month_date.month - 1]} {self.month_date.year}"

    @property
    def name(self) -> str:
        """Of the file."""
        return f"{'avoir' if self.nature == 'credit' else 'releve'}-{self.reference}"


def statement_csv(document: Document) -> bytes:
    """As French spreadsheets open it. A negative amount is a number; a text that would begin a formula does not."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for line in document.lines:
        writer.writerow([_written(value) for value in cells(line)])
    return text.getvalue().encode("utf-8-sig")


def statement_ods(document: Document) -> bytes:
    from odf.opendocument import OpenDocumentSpreadsheet
    from odf.table import Table, TableCell, TableRow
    from odf.text import P

    book = OpenDocumentSpreadsheet()
    for name, rows in (("Relevé", [HEADINGS, *map(cells, document.lines)]), ("Document", list(_facts(document)))):
        table = Table(name=name)
        for row in rows:
            drawn = TableRow()
            for value in row:
                if isinstance(value, int | Decimal):
                    cell = TableCell(valuetype="float", value=str(value))
                    cell.addElement(P(text=_written(value)))
                else:
                    cell = TableCell(valuetype="string")
                    cell.addElement(P(text=printable(value)))
                drawn.addElement(cell)
            table.addElement(drawn)
        book.spreadsheet.addElement(table)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def statement_pdf(document: Document, *, is_archival: bool = False) -> bytes:
    """Tagged (PDF/UA-1); archival, PDF/A-3, into which an invoice can be put. Texts reach Typst as JSON, never as code."""
    import typst

    data = {
        "title": document.title,
        "reference": document.reference,
        "institution": _drawable(document.institution),
        "month": document.month,
        "scope": _drawable(_scope(document)),
        "completes": document.completes,
        "made": f"{document.made_at.astimezone(PARIS):%d/%m/%Y à %H h %M}",
        "digest": document.digest[:16],
        "is_invented": document.is_invented,
        "rows": [[_drawable(cell) for cell in _row(line)] for line in document.lines],
        "parts": [[_drawable(cell) for cell in row] for row in _part_rows(document.lines)],
        "total": euros(payable(document.lines)),
        "exact": exact_euros(total(document.lines)),
        "unvalued": _count(unvalued(document.lines)) if unvalued(document.lines) else "",
        "estimated": estimated_sentence(document.lines),
        "carbon": carbon_sentence(document.lines),
    }
    compiler = typst.Compiler(
        _layout(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"statement": json.dumps(data, ensure_ascii=False)},
    )
    content = compiler.compile(
        format="pdf", pdf_standards="a-3b" if is_archival else "ua-1", timestamp=int(document.made_at.timestamp())
    )
    if not isinstance(content, bytes):
        raise TypeError("a PDF is one file")
    return content


def cells(line: Line) -> list[str | int | Decimal]:
    """A row of the CSV and of the spreadsheet."""
    has_carbon = bool(line.carbon_calls)
    return [
        line.component,
        line.app,
        line.model_name,
        "" if line.agreement_id is None else line.agreement_id,
        line.price_version or NO_PRICE,
        line.calls,
        line.input_tokens,
        line.cached_tokens,
        line.output_tokens,
        line.embedding_tokens,
        line.images,
        Decimal(line.milliseconds) / 1_000,
        Decimal(line.amount_nano) / NANO if line.is_valued else NO_PRICE,
        Decimal(line.cents) / 100 if line.is_valued else NO_PRICE,
        Decimal(line.carbon_low_ug) / MICROGRAMS if has_carbon else "",
        Decimal(line.carbon_high_ug) / MICROGRAMS if has_carbon else "",
        line.carbon_method,
        line.carbon_calls,
        line.estimated_calls,
        Decimal(line.estimated_nano) / NANO if line.is_valued else "",
    ]


def euros(cents: int) -> str:
    """ "1 234,57 €" """
    sign = "−" if cents < 0 else ""
    return f"{sign}{_count(abs(cents) // 100)},{abs(cents) % 100:02d} €"


def exact_euros(nano: int) -> str:
    sign = "−" if nano < 0 else ""
    return f"{sign}{_count(abs(nano) // NANO)},{abs(nano) % NANO:09d} €"


def estimated_sentence(lines: Sequence[Line]) -> str:
    """ "" where providers counted everything to its end."""
    calls, nano = estimated(lines)
    if not calls:
        return ""
    return (
        f"Dont estimé : {_count(calls)} appels, pour {exact_euros(nano)}. Le fournisseur n’a pas compté jusqu’au bout ces"
        " réponses, coupées, quittées ou arrêtées ; sa facture peut corriger cette part."
    )


def carbon_sentence(lines: Sequence[Line]) -> str:
    """ "" where nothing is known."""
    low, high = sum(line.carbon_low_ug for line in lines), sum(line.carbon_high_ug for line in lines)
    known = sum(line.carbon_calls for line in lines)
    if known <= 0:
        return ""
    methods = ", ".join(sorted({line.carbon_method for line in lines if line.carbon_method}))
    methods = methods.replace("measured", "mesure")
    return (
        f"Estimation des émissions : entre {grams(low)} et {grams(high)} de CO₂ équivalent, pour {_count(known)} appels"
        f" (méthode : {methods})."
    )


def grams(micrograms: int) -> str:
    value, unit = shown_grams(micrograms)
    return f"{value} {unit}".replace(".", ",")


def _facts(document: Document) -> Iterator[list[str | int | Decimal]]:
    yield ["Document", document.title]
    yield ["Numéro", document.reference]
    yield ["Établissement", document.institution]
    yield ["Mois", document.month]
    yield ["Périmètre", _scope(document)]
    if document.completes:
        yield ["Complète", document.completes]
    yield ["Établi le", f"{document.made_at.astimezone(PARIS):%d/%m/%Y %H:%M}"]
    yield ["Total HT à payer (€)", Decimal(payable(document.lines)) / 100]
    yield ["Total HT exact (€)", Decimal(total(document.lines)) / NANO]
    yield ["Appels non valorisés", unvalued(document.lines)]
    yield ["Dont appels estimés", estimated(document.lines)[0]]
    yield ["Dont montant HT estimé (€)", Decimal(estimated(document.lines)[1]) / NANO]
    yield ["Empreinte", document.digest]


def _scope(document: Document) -> str:
    if document.component:
        return f"Composante : {document.component}"
    return f"Application : {_app(document.app)}" if document.app else "Tout l’établissement"


_APPS = {
    "api": "API",
    "trial": "Essai d’un modèle",
    "search": "Recherche par le sens",
    "documents": "Plongements de documents",
    "needs": "Plongements de besoins",
    "ask": "Ligne de commande",
}


def _app(app: str) -> str:
    kind, _colon, number = app.partition(":")
    return f"Assistant n° {number}" if kind == "assistant" and number.isdigit() else _APPS.get(app, app)


def _row(line: Line) -> list[str]:
    where = " · ".join(part for part in (line.component, _app(line.app)) if part) or "–"
    tokens = line.input_tokens + line.cached_tokens + line.output_tokens + line.embedding_tokens
    amount = euros(line.cents) if line.is_valued else NO_PRICE
    return [where, line.model_name, _count(line.calls), _count(tokens), amount]


def _part_rows(lines: Sequence[Line]) -> list[list[str]]:
    """Each price that was applied, with what it was applied to."""
    sums: dict[tuple[str, str, str, int], int] = {}
    for line in lines:
        for part in line.parts:
            key = (line.model_name, line.price_version, part.unit, part.rate_nano)
            sums[key] = sums.get(key, 0) + part.quantity
    found = []
    for (model, version, unit, rate), quantity in sorted(sums.items()):
        name, per = UNITS[unit]
        shown = f"{Decimal(quantity) / 3_600_000:.3f}".replace(".", ",") + " h" if unit == "hour" else _count(quantity)
        found.append([model, version.replace("book:", "n° "), name, shown, f"{_price(rate)} / {per}"])
    return found


def _price(nano: int) -> str:
    text = f"{Decimal(nano) / NANO:f}"
    whole, _point, decimals = text.partition(".")
    return f"{_count(int(whole))},{(decimals.rstrip('0') or '0').ljust(2, '0')} €"


def _count(number: int) -> str:
    sign = "−" if number < 0 else ""
    return sign + f"{abs(number):,}".replace(",", "\N{NO-BREAK SPACE}")  # the narrow one is in no font of the PDF


def _written(value: str | int | Decimal) -> str:
    if isinstance(value, int | Decimal):
        return f"{value:f}".replace(".", ",") if isinstance(value, Decimal) else str(value)
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


NO_BREAK = "\N{NO-BREAK SPACE}"  # it has a width and no drawing


def _drawable(text: str) -> str:
    """What the embedded fonts cannot draw becomes a square."""
    return "".join(char if char == NO_BREAK or (char < "\u2600" and char.isprintable()) else "□" for char in printable(text))


@cache
def _layout() -> bytes:
    return Path(__file__).with_name("statement.typ").read_bytes()


@cache
def _fonts() -> Any:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
