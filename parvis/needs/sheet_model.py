"""The XLSX model in which a service lists its needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from .typography import typeset
from .workbooks import MOST_ROWS, font, height_of, put, workbook_bytes


def template(choices: Mapping[str, Sequence[str]] | None = None) -> bytes:
    """The XLSX model to fill. `choices` proposes values per field, such as the domains of the alliance; none is forced."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Besoins"
    lists = book.create_sheet("Listes")
    lists.sheet_state = "hidden"
    for number, (name, heading, width, _hint) in enumerate(_MODEL, start=1):
        _head(sheet, number, heading, width)
        values = {**_CHOICES, **(choices or {})}.get(name, ())
        if values:
            _propose(sheet, lists, number, values)
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    _explain(book.create_sheet("Mode d’emploi"))
    return workbook_bytes(book, title="Modèle de recueil des besoins")


def _head(sheet: Worksheet, column: int, heading: str, width: int) -> None:
    cell = put(sheet, 1, column, heading)
    cell.font = font(bold=True, color="FFFFFF")
    cell.fill = PatternFill("solid", fgColor="1F3A5F")
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    dimension = sheet.column_dimensions[get_column_letter(column)]
    dimension.width = width
    dimension.font = font()
    dimension.alignment = Alignment(wrap_text=True, vertical="top")
    dimension.border = _HAIRLINES
    dimension.number_format = "@"  # a reference such as 3-1 must not become the third of January
    sheet.row_dimensions[1].height = 34


def _propose(sheet: Worksheet, lists: Worksheet, column: int, values: Sequence[str]) -> None:
    letter = get_column_letter(column)
    for row, value in enumerate(values, start=1):
        put(lists, row, column, value)
    rule = DataValidation("list", formula1=f"Listes!${letter}$1:${letter}${len(values)}", allow_blank=True)
    rule.showErrorMessage = False  # proposed, never forced
    rule.promptTitle, rule.prompt, rule.showInputMessage = "Proposition", "Choisissez, ou écrivez autre chose.", True
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{MOST_ROWS + 1}")


def _explain(sheet: Worksheet) -> None:
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 92
    put(sheet, 1, 1, typeset("Recueil des besoins : mode d’emploi")).font = font(bold=True, size=16, color="1F3A5F")
    for row, (name, said) in enumerate([*_NOTES, *((heading, hint) for _, heading, _, hint in _MODEL)], start=3):
        put(sheet, row, 1, typeset(name)).font = font(bold=True)
        put(sheet, row, 2, typeset(said)).font = font()
        for cell in (sheet.cell(row, 1), sheet.cell(row, 2)):
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = height_of((name, said), (28, 92))
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.protection.sheet = True


_HAIRLINES = Border(bottom=Side("hair", color="B8C2CC"), right=Side("hair", color="B8C2CC"))

# Field, heading, width, explanation.
_MODEL = (
    (
        "reference",
        "Référence",
        13,
        "Facultatif. Votre propre numéro : il permet de reprendre le fichier sans rien importer deux fois.",
    ),
    ("title", "Besoin", 34, "En quelques mots : de quoi s’agit-il ?"),
    (
        "text",
        "Description",
        60,
        "Ce qu’il faut pouvoir faire, avec vos mots. Ce texte est gardé tel quel. À défaut, l’intitulé suffit.",
    ),
    (
        "audience",
        "Pour qui",
        24,
        "Les personnes concernées : étudiantes et étudiants de licence, gestionnaires de scolarité…",
    ),
    ("frequency", "Fréquence", 16, "Tous les jours, à la rentrée, une fois par semestre…"),
    ("data_used", "Données", 26, "Les données utilisées : cours, règlements, dossiers d’inscription…"),
    ("insufficient_tool", "Outil actuel insuffisant", 28, "L’outil utilisé aujourd’hui, et ce qui manque."),
    ("service", "Service", 22, "Le service, la composante ou le laboratoire qui exprime le besoin."),
    ("domain", "Domaine", 20, "Pédagogie, scolarité, ressources humaines…"),
    ("public", "Public", 18, "Étudiants, enseignants, personnels, grand public…"),
    ("activity", "Activité", 20, "Rédiger, rechercher, traduire, résumer, répondre…"),
    ("data_class", "Niveau de sensibilité", 20, "Publiques, internes, personnelles ou sensibles."),
)
_CHOICES: Mapping[str, Sequence[str]] = {
    "frequency": (
        "Tous les jours",
        "Toutes les semaines",
        "Tous les mois",
        "Une fois par semestre",
        "À la rentrée",
        "Une fois par an",
    ),
    "public": ("Étudiants", "Enseignants", "Chercheurs", "Personnels administratifs", "Candidats", "Grand public"),
    "data_class": ("Publiques", "Internes", "Personnelles", "Sensibles"),
}
_NOTES = (
    (
        "En deux minutes",
        "Une ligne par besoin, dans la feuille « Besoins ». Seul l’intitulé ou la description est obligatoire ; le reste "
        "aide à rapprocher les besoins semblables.",
    ),
    ("Listes", "Les listes proposent, elles n’obligent pas : écrivez autre chose si rien ne convient."),
    ("À éviter", "Pas de cellules fusionnées, pas de formules, pas de données personnelles dans les textes."),
    ("Recommencer", "Importer deux fois le même fichier n’ajoute rien. Une ligne en erreur n’empêche pas les autres."),
    (
        "Exemple",
        "Besoin : « Répondre aux questions d’inscription le soir ». Pour qui : « néo-bacheliers ». Fréquence : « à la "
        "rentrée ». Outil actuel insuffisant : « la foire aux questions n’est pas à jour ».",
    ),
)
