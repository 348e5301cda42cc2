"""The conformity grid as a workbook: what is asked is locked, what is to be answered is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from parvis.needs.specification import Requirement
from parvis.needs.typography import typeset
from parvis.needs.workbooks import csv_bytes, font, height_of, put, workbook_bytes

from .answer import CODES, NANO, Frame, Grid, Price

FORMAT = "parvis-grid/1"
GRID, PRICES, COMPANY, MARKS, NOTE = "Conformité", "Barème", "Éditeur", "Parvis", "Mode d’emploi"
LEVELS = {"P": "P – primordiale", "I": "I – importante", "S": "S – souhaitable"}
CODE_LABELS = {
    "ST": "standard : l’offre le fait telle quelle",
    "DS": "adaptation : l’offre le fait après paramétrage, sans développement",
    "DEV": "développement spécifique : à écrire pour ce besoin",
    "SP": "sans prise en charge : l’offre ne le fait pas",
    "HP": "hors périmètre ou irréalisable : à expliquer en commentaire",
}
ZONE_LABELS = {
    "on-prem": "Dans l’établissement",
    "fr": "En France",
    "eu": "Dans l’Union européenne",
    "world": "Hors de l’Union européenne",
}
GRID_HEADINGS = (
    "Exigence",
    "Niveau",
    "Texte de l’exigence",
    "Vérification",
    "Établissements",
    "Réponse",
    "Preuve (texte ou adresse)",
    "Disponible le",
    "Commentaire",
    "Marque",
)
PRICE_HEADINGS = ("Libellé", "Unité", "Prix unitaire HT (€)", "À partir de (quantité)", "Valable du", "Valable jusqu’au")
COMPANY_LABELS = {
    "product": "Produit proposé",
    "summary": "Présentation en quelques lignes",
    "processor": "Qui traite les données (sous-traitants compris)",
    "zone": "Zone d’hébergement et de traitement",
    "no_training": "Les données ne servent à aucun entraînement",
    "no_training_date": "Date de l’attestation",
    "no_training_document": "Référence de l’attestation",
    "accessibility": "Déclaration d’accessibilité (RGAA)",
    "reversibility": "Réversibilité",
}
ALL = "Tous"


def write_grid(frame: Frame, grid: Grid | None = None, *, with_offer: bool = True) -> bytes:
    """The workbook to answer in, already filled with `grid` when there is one. Without the offer, the requirements alone."""
    book = Workbook()
    _add_styles(book)
    _requirements(book.worksheets[0], frame, grid or Grid())
    if with_offer:
        _prices(book.create_sheet(PRICES), (grid or Grid()).prices)
        _company(book.create_sheet(COMPANY), grid or Grid())
    _note(book.create_sheet(NOTE), frame, with_offer)
    _marks(book.create_sheet(MARKS), frame)
    return workbook_bytes(book, title=f"Grille de conformité {frame.specification.reference}")


def grid_csv(frame: Frame, grid: Grid | None = None) -> bytes:
    """The same rows, to be read by any tool: not meant to be filled."""
    said = frame.specification
    head = [
        ["Demande", frame.request],
        ["Besoin", f"{said.reference} version {said.version}"],
        ["Empreinte", said.fingerprint],
        [],
        [*GRID_HEADINGS[:-1]],
    ]
    return csv_bytes([*head, *(_row(frame, one, grid or Grid()) for one in frame.requirements)])


def institutions_of(requirement: Requirement) -> str:
    return "; ".join(requirement.institutions) or ALL


def euros(amount_nano: int) -> str:
    """1234567890 → "1,23456789": exact, with at least two decimals."""
    whole, rest = divmod(amount_nano, NANO)
    return f"{whole},{f'{rest:09}'.rstrip('0'):0<2}"


def _row(frame: Frame, requirement: Requirement, grid: Grid) -> list[str]:
    line = grid.line(requirement.code)
    day = line.available_date.isoformat() if line.available_date else ""
    asked = [requirement.code, LEVELS[requirement.level], requirement.text, requirement.verification]
    return [*asked, institutions_of(requirement), line.code or "", line.proof, day, line.comment]


def _requirements(sheet: Worksheet, frame: Frame, grid: Grid) -> None:
    sheet.title = GRID
    said = frame.specification
    _title(sheet, f"{said.reference} · {said.title}")
    put(sheet, 2, 1, _identity(frame)).font = _SMALL
    put(sheet, 3, 1, typeset(_HOW_TO_ANSWER)).font = _SMALL
    _headings(sheet, 5, GRID_HEADINGS, (11, 16, 48, 28, 17, 10, 32, 13, 34, 4))
    marks = frame.marks()
    for row, requirement in enumerate(frame.requirements, start=6):
        line = grid.line(requirement.code)
        asked = (requirement.code, LEVELS[requirement.level], requirement.text, requirement.verification)
        for column, text in enumerate((*asked, institutions_of(requirement)), start=1):
            _asked(sheet, row, column, text)
        for column, value in enumerate((line.code, line.proof or None, line.available_date, line.comment or None), start=6):
            _to_fill(sheet, row, column, value, "jour" if column == 8 else "texte")
        sheet.cell(row, 1).font = font(bold=True)
        put(sheet, row, 10, marks[requirement.code])
        texts = (requirement.text, requirement.verification, institutions_of(requirement), line.proof, line.comment)
        sheet.row_dimensions[row].height = height_of(texts, (48, 28, 17, 32, 34))
    last = 5 + max(1, len(frame.requirements))
    _only(sheet, f"F6:F{last}", CODES, "Réponse", "ST, DS, DEV, SP ou HP. Laissez vide si vous ne répondez pas.")
    _days(sheet, f"H6:H{last}")
    sheet.column_dimensions["J"].hidden = True
    sheet.freeze_panes = "B6"
    sheet.auto_filter.ref = f"A5:I{last}"
    _to_print(sheet, "5:5")
    _protect(sheet)


def _prices(sheet: Worksheet, prices: Sequence[Price]) -> None:
    _title(sheet, "Barème, hors taxes")
    put(sheet, 2, 1, typeset(_HOW_TO_PRICE)).font = _SMALL
    _headings(sheet, 4, PRICE_HEADINGS, (52, 30, 22, 20, 16, 16))
    rows = max(_PRICE_ROWS, len(prices))
    for row in range(5, 5 + rows):
        price = prices[row - 5] if row - 5 < len(prices) else None
        tier = price.tier_from or None if price else None
        values = (price.label, price.unit, _amount(price), tier, price.valid_from, price.valid_until) if price else (None,) * 6
        for column, value in enumerate(values, start=1):
            _to_fill(sheet, row, column, value, _PRICE_KINDS[column - 1])
    _days(sheet, f"E5:F{4 + rows}")
    rule = DataValidation(type="decimal", operator="greaterThanOrEqual", formula1="0", allow_blank=True)
    _say(rule, "Prix", "Un nombre positif, hors taxes, au plus neuf décimales.")
    sheet.add_data_validation(rule)
    rule.add(f"C5:D{4 + rows}")
    sheet.freeze_panes = "A5"
    _to_print(sheet, "4:4")
    _protect(sheet)


def _company(sheet: Worksheet, grid: Grid) -> None:
    _title(sheet, "L’éditeur et son offre")
    _headings(sheet, 3, ("Question", "Réponse", "Aide"), (46, 64, 60))
    for row, (name, label) in enumerate(COMPANY_LABELS.items(), start=4):
        _asked(sheet, row, 1, typeset(label)).font = font(bold=True)
        _to_fill(sheet, row, 2, _shown(getattr(grid.company, name)), "jour" if name == "no_training_date" else "texte")
        _asked(sheet, row, 3, typeset(_HELP[name]))
        sheet.row_dimensions[row].height = 64 if name in ("summary", "accessibility", "reversibility") else 32
    rows = {name: row for row, name in enumerate(COMPANY_LABELS, start=4)}
    _only(sheet, f"B{rows['zone']}", tuple(ZONE_LABELS.values()), "Zone", "Choisissez dans la liste.")
    _only(sheet, f"B{rows['no_training']}", ("oui", "non"), "Attestation", "oui ou non")
    _days(sheet, f"B{rows['no_training_date']}")
    _to_print(sheet, "3:3")
    _protect(sheet)


def _note(sheet: Worksheet, frame: Frame, with_offer: bool) -> None:
    sheet.sheet_view.showGridLines = False
    _title(sheet, "Mode d’emploi")
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 96
    offer = [(PRICES, "Les prix, hors taxes, avec leurs dates."), (COMPANY, _ABOUT_THE_COMPANY)]
    notes = [("Document", _identity(frame)), *_NOTES, *(offer if with_offer else []), *CODE_LABELS.items()]
    for row, (name, text) in enumerate(notes, start=3):
        put(sheet, row, 1, name).font = font(bold=True)
        put(sheet, row, 2, typeset(text)).font = font()
        sheet.row_dimensions[row].height = height_of((name, text), (24, 96))
        for cell in (sheet.cell(row, 1), sheet.cell(row, 2)):
            cell.alignment = _WRAPPED
    _to_print(sheet, "1:1")
    _protect(sheet)


def _marks(sheet: Worksheet, frame: Frame) -> None:
    """What tells on return which request and which version the workbook belongs to."""
    said = frame.specification
    rows = [("format", FORMAT), ("request", frame.request), ("reference", said.reference)]
    for row, (name, value) in enumerate([*rows, ("version", str(said.version)), ("fingerprint", said.fingerprint)], start=1):
        put(sheet, row, 1, name)
        put(sheet, row, 2, value)
    sheet.sheet_state = "hidden"
    _protect(sheet)


def _identity(frame: Frame) -> str:
    said = frame.specification
    request = f"Demande {frame.request} · " if frame.request else ""
    return f"{request}besoin {said.reference}, version {said.version} · empreinte {said.fingerprint}"


def _amount(price: Price) -> float | str:
    """A number when a spreadsheet keeps it exactly (15 digits), else its digits as text."""
    digits = str(price.amount_nano).rstrip("0")
    return price.amount_nano / NANO if len(digits) <= 15 else euros(price.amount_nano)


def _shown(value: str | bool | date | None) -> str | date | None:
    if isinstance(value, bool):
        return "oui" if value else "non"
    return ZONE_LABELS.get(value, value) or None if isinstance(value, str) else value


def _title(sheet: Worksheet, text: str) -> None:
    put(sheet, 1, 1, typeset(text)).font = font(bold=True, size=15, color=_INK)
    sheet.row_dimensions[1].height = 26


def _headings(sheet: Worksheet, row: int, headings: Sequence[str], widths: Sequence[int]) -> None:
    for column, (heading, width) in enumerate(zip(headings, widths, strict=True), start=1):
        cell = put(sheet, row, column, heading)
        cell.font = font(bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", fgColor=_INK)
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.row_dimensions[row].height = 32


def _asked(sheet: Worksheet, row: int, column: int, value: str) -> Cell:
    sheet.cell(row, column).style = "Demandé"
    return put(sheet, row, column, value)


def _to_fill(sheet: Worksheet, row: int, column: int, value: str | float | date | None, kind: str = "texte") -> Cell:
    sheet.cell(row, column).style = f"À remplir : {kind}"
    return put(sheet, row, column, value)


def _add_styles(book: Workbook) -> None:
    """Named, because styling cells one by one takes longer than all the rest."""
    asked = NamedStyle("Demandé", font=font(), alignment=_WRAPPED, border=_LINES, protection=Protection(locked=True))
    book.add_named_style(asked)
    for kind, number_format in _FORMATS.items():
        style = NamedStyle(f"À remplir : {kind}", font=font(), alignment=_WRAPPED, border=_LINES, fill=_TO_FILL)
        style.protection, style.number_format = Protection(locked=False), number_format
        book.add_named_style(style)


def _only(sheet: Worksheet, cells: str, values: Sequence[str], title: str, words: str) -> None:
    rule = DataValidation(type="list", formula1=f'"{",".join(values)}"', allow_blank=True)
    _say(rule, title, words)
    sheet.add_data_validation(rule)
    rule.add(cells)


def _days(sheet: Worksheet, cells: str) -> None:
    rule = DataValidation(
        type="date", operator="between", formula1="36526", formula2="73415", allow_blank=True
    )  # 2000 to 2100
    _say(rule, "Date", "Une date : jj/mm/aaaa.")
    sheet.add_data_validation(rule)
    rule.add(cells)


def _say(rule: DataValidation, title: str, words: str) -> None:
    rule.errorTitle, rule.error, rule.showErrorMessage = title, words, True
    rule.promptTitle, rule.prompt, rule.showInputMessage = title, words, True


def _protect(sheet: Worksheet) -> None:
    """Without a password: it prevents slips, the marks find what was changed on purpose."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = sheet.protection.autoFilter = False


def _to_print(sheet: Worksheet, repeated: str) -> None:
    sheet.print_title_rows = repeated
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9  # A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.oddFooter.center.text = "&A · page &P sur &N"  # type: ignore[union-attr]  # a sheet has a footer from the start


_INK = "1F3A5F"
_SMALL = font(size=9, color="5B6B7B")
_TO_FILL = PatternFill("solid", fgColor="FFF9DB")
_WRAPPED = Alignment(horizontal="left", vertical="top", wrap_text=True)
_EDGE = Side("thin", color="C9D2DC")
_LINES = Border(_EDGE, _EDGE, _EDGE, _EDGE)
_FORMATS = {"texte": "@", "prix": "#,##0.00#######", "quantité": "#,##0", "jour": "dd/mm/yyyy"}
_PRICE_ROWS = 60
_PRICE_KINDS = ("texte", "texte", "prix", "quantité", "jour", "jour")
_HOW_TO_ANSWER = (
    "Répondez dans les cellules jaunes : ST, DS, DEV, SP ou HP (voir le mode d’emploi). Une réponse laissée vide est lue "
    "« sans réponse »."
)
_HOW_TO_PRICE = (
    "Une ligne par prix et par palier de quantité. Unité : utilisateur et par an, million de jetons en entrée, forfait… "
    "Au plus neuf décimales."
)
_ABOUT_THE_COMPANY = "Produit, hébergement, entraînement, accessibilité, réversibilité."
_NOTES = [
    (
        GRID,
        "Une réponse par exigence, pour tous les établissements à la fois. Les textes sont verrouillés : une exigence "
        "modifiée est refusée.",
    ),
    ("Sans réponse", "Une cellule vide n’est jamais lue comme une conformité."),
    ("Preuve", "Une adresse, une page de documentation, une démonstration : ce qui permet de vérifier sans vous."),
    ("Formules", "Aucune formule : ce qui est calculé est refusé."),
]
_HELP = {
    "product": "Le nom commercial de ce que vous proposez.",
    "summary": "En quelques lignes, pour une personne qui ne connaît pas votre offre.",
    "processor": "Chaque société qui voit ou calcule sur les données, et son pays.",
    "zone": "La plus lointaine des zones où les données sont conservées ou traitées.",
    "no_training": "oui : aucune donnée de l’établissement n’entraîne un modèle, chez vous ni chez un tiers.",
    "no_training_date": "La date du document qui l’atteste. Obligatoire avec « oui ».",
    "no_training_document": "La référence du document qui l’atteste. Obligatoire avec « oui ».",
    "accessibility": "Niveau de conformité, date de l’audit et adresse de la déclaration.",
    "reversibility": "Ce qui est rendu en fin de convention, sous quel format, en combien de temps, à quel prix.",
}
