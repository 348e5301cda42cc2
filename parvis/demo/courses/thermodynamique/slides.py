"""The slides of the thermodynamics course: native text, tables, charts and drawn figures, with speaker notes."""

# ruff: noqa: E501, SLF001 — the text of a slide is read best on one line, and python-pptx has no public way to a connector's
# arrow head, a raised run or a layout's shapes.

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.chart.data import XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
from pptx.enum.shapes import MSO_CONNECTOR, MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Emu, Inches, Pt


def _colour(red: int, green: int, blue: int) -> RGBColor:
    return RGBColor(red, green, blue)  # type: ignore[no-untyped-call]


INK, BLUE, PALE, WARM, GREY = (
    _colour(0x1D, 0x24, 0x33),
    _colour(0x1F, 0x4E, 0x79),
    _colour(0xE8, 0xEF, 0xF7),
    _colour(0xB0, 0x3A, 0x2E),
    _colour(0x6B, 0x75, 0x86),
)
TEXT_FONT, FORMULA_FONT = "Liberation Sans", "DejaVu Serif"
R = 8.314

DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"

Row = Sequence[str]


def build(target: Path) -> None:
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(13.333), Inches(7.5)
    deck.core_properties.title = "Thermodynamique — du gaz parfait aux machines thermiques"
    deck.core_properties.author = "Karim Benali"
    deck.core_properties.language = "fr-FR"
    _cover(deck)
    for make in SLIDES:
        make(deck)
    _footer_on_layout(deck.slides[1])
    deck.save(str(target))


# --- the pieces a slide is made of -------------------------------------------------------------------------------


def _cover(deck: Any) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    _fill(slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, 0, 0, Inches(0.45), deck.slide_height), BLUE)
    title, sub = slide.shapes.title, slide.placeholders[1]
    _place(title, 1.1, 1.7, 11, 1.4)
    _place(sub, 1.1, 3.3, 11, 2.6)
    _write(title.text_frame, ["Thermodynamique"], 48, bold=True, color=BLUE)
    _write(
        sub.text_frame,
        [
            "Du gaz parfait aux machines thermiques",
            "Karim Benali — licence de physique, deuxième année",
            "Faculté de démonstration. Cours écrit pour la démonstration de Parvis ; l’enseignant et la faculté sont inventés.",
        ],
        20,
    )
    _notes(
        slide,
        "Bienvenue. Ce cours compte 24 heures de cours, 24 heures de travaux dirigés et 12 heures de travaux pratiques. "
        "Les notes rédigées qui accompagnent ces diapositives contiennent les démonstrations et les exercices corrigés.",
    )


def _slide(deck: Any, title: str, notes: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    _place(slide.shapes.title, 0.6, 0.35, 12.1, 0.95)
    _write(slide.shapes.title.text_frame, [title], 30, bold=True, color=BLUE)
    slide.shapes.title.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    _fill(slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Inches(0.6), Inches(1.3), Inches(12.1), Emu(22000)), BLUE)
    _notes(slide, notes)
    return slide


def _footer_on_layout(slide: Any) -> None:
    """Moves a footer with the slide's number to the layout, where it is seen on every slide and is part of the text of none."""
    foot = slide.shapes.add_textbox(Inches(0.6), Inches(7.02), Inches(12.1), Inches(0.35))
    _write(foot.text_frame, ["Thermodynamique — Karim Benali — démonstration de Parvis — "], 10, color=GREY)
    paragraph = foot.text_frame.paragraphs[0]._p
    field = paragraph.makeelement(f"{{{DRAWING}}}fld", {"id": "{00000000-1234-1234-1234-123412341234}", "type": "slidenum"})
    properties = field.makeelement(f"{{{DRAWING}}}rPr", {"lang": "fr-FR", "sz": "1000"})
    words = field.makeelement(f"{{{DRAWING}}}t", {})
    words.text = "‹N°›"
    field.extend([properties, words])
    paragraph.append(field)
    slide.slide_layout.shapes._spTree.append(foot._element)


def _notes(slide: Any, text: str) -> None:
    slide.notes_slide.notes_text_frame.text = text


def _place(shape: Any, x: float, y: float, width: float, height: float) -> None:
    shape.left, shape.top, shape.width, shape.height = Inches(x), Inches(y), Inches(width), Inches(height)


def _write(
    frame: Any,
    lines: Sequence[str],
    size: float,
    *,
    bold: bool = False,
    color: RGBColor = INK,
    centre: bool = False,
    font: str = TEXT_FONT,
) -> None:
    """Lines of text; `**…**` is bold, a line starting with `- ` is a bullet, one starting with `= ` a formula."""
    frame.word_wrap = True
    for n, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.CENTER if centre or line.startswith("= ") else PP_ALIGN.LEFT
        paragraph.space_after = Pt(size * 0.38)
        formula = line.startswith("= ")
        text = line[2:] if formula else ("•\u00a0" + line[2:] if line.startswith("- ") else line)
        for part, strong in _bold_parts(text):
            for words, shift in _shifted(part.replace("'", "’")):
                run = paragraph.add_run()
                run.text = words
                run.font.size, run.font.bold, run.font.color.rgb = (
                    Pt(size * 1.12 if formula else size),
                    bold or strong,
                    WARM if formula else color,
                )
                run.font.name = FORMULA_FONT if formula else font
                if shift:
                    run._r.get_or_add_rPr().set("baseline", str(shift))


def _shifted(text: str) -> list[tuple[str, int]]:
    """Pieces of `text` and their height above the line, in thousandths of a percent: `T_c`, `V^γ`, `a^(1−γ)`."""
    pieces, at = [], 0
    for found in re.finditer(r"(?<=[\w)])([_^])(\([^)]*\)|\w+)", text):
        pieces += [(text[at : found.start()], 0), (found[2].strip("()"), -25000 if found[1] == "_" else 30000)]
        at = found.end()
    return [piece for piece in [*pieces, (text[at:], 0)] if piece[0]]


def _bold_parts(text: str) -> list[tuple[str, bool]]:
    return [(part, n % 2 == 1) for n, part in enumerate(text.split("**")) if part]


def _text(
    slide: Any,
    lines: Sequence[str],
    x: float = 0.6,
    y: float = 1.5,
    width: float = 12.1,
    height: float = 5.3,
    size: float = 20,
    **style: Any,
) -> None:
    _write(slide.shapes.add_textbox(Inches(x), Inches(y), Inches(width), Inches(height)).text_frame, lines, size, **style)


def _table(
    slide: Any,
    rows: Sequence[Row],
    x: float = 0.6,
    y: float = 1.6,
    width: float = 12.1,
    widths: Sequence[float] = (),
    size: float = 16,
) -> None:
    table = slide.shapes.add_table(
        len(rows), len(rows[0]), Inches(x), Inches(y), Inches(width), Inches(0.42 * len(rows))
    ).table
    total = sum(widths) or len(rows[0])
    for n, column in enumerate(table.columns):
        column.width = Inches(width * (widths[n] if widths else 1) / total)
    for i, row in enumerate(rows):
        for j, words in enumerate(row):
            cell = table.cell(i, j)
            cell.margin_top = cell.margin_bottom = Inches(0.05)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            cell.fill.solid()
            cell.fill.fore_color.rgb = BLUE if i == 0 else (PALE if i % 2 else _colour(255, 255, 255))
            _write(cell.text_frame, [words], size, bold=i == 0, color=_colour(255, 255, 255) if i == 0 else INK)
            cell.text_frame.paragraphs[0].space_after = Pt(0)


def _chart(
    slide: Any,
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    x_title: str,
    y_title: str,
    *,
    x: float = 0.6,
    width: float = 7.4,
    y_max: float | None = None,
    x_min: float | None = None,
) -> None:
    data: Any = XyChartData()  # type: ignore[no-untyped-call]
    for name, points in series:
        line = data.add_series(name)
        for point in points:
            line.add_data_point(*point)
    chart = slide.shapes.add_chart(
        XL_CHART_TYPE.XY_SCATTER_SMOOTH_NO_MARKERS, Inches(x), Inches(1.5), Inches(width), Inches(5.3), data
    ).chart
    chart.has_legend, chart.has_title = True, False
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.font.size = Pt(14)
    for axis, title in ((chart.category_axis, x_title), (chart.value_axis, y_title)):
        axis.has_title = True
        axis.axis_title.text_frame.text = title
        axis.major_gridlines.format.line.color.rgb = _colour(0xDD, 0xE1, 0xE8)
    chart.value_axis.minimum_scale = 0
    if y_max is not None:
        chart.value_axis.maximum_scale = y_max
    if x_min is not None:
        chart.category_axis.minimum_scale = x_min


def _fill(shape: Any, color: RGBColor) -> Any:
    shape.fill.solid()
    shape.fill.fore_color.rgb = color
    shape.line.fill.background()
    return shape


def _shape(
    slide: Any,
    kind: Any,
    x: float,
    y: float,
    width: float,
    height: float,
    words: str,
    *,
    color: RGBColor = PALE,
    ink: RGBColor = INK,
    size: float = 16,
) -> Any:
    shape = slide.shapes.add_shape(kind, Inches(x), Inches(y), Inches(width), Inches(height))
    shape.fill.solid()
    shape.fill.fore_color.rgb = color
    shape.line.color.rgb = BLUE
    shape.shadow.inherit = False
    shape.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    _write(shape.text_frame, words.split("\n"), size, color=ink, centre=True)
    for paragraph in shape.text_frame.paragraphs:
        paragraph.space_after = Pt(0)
    return shape


def _arrow(slide: Any, x0: float, y0: float, x1: float, y1: float, color: RGBColor = INK) -> None:
    line = slide.shapes.add_connector(MSO_CONNECTOR.STRAIGHT, Inches(x0), Inches(y0), Inches(x1), Inches(y1))
    line.line.width, line.line.color.rgb = Pt(2.25), color
    end = line.line._get_or_add_ln()
    end.append(end.makeelement(f"{{{DRAWING}}}tailEnd", {"type": "triangle"}))


def _curve(slide: Any, points: Sequence[tuple[float, float]], color: RGBColor, width: float = 2.5) -> None:
    """An open line through `points`, in inches."""
    path = slide.shapes.build_freeform(int(points[0][0] * 914400), int(points[0][1] * 914400))
    path.add_line_segments([(int(x * 914400), int(y * 914400)) for x, y in points[1:]], close=False)
    shape = path.convert_to_shape()
    shape.fill.background()
    shape.line.color.rgb, shape.line.width = color, Pt(width)
    shape.shadow.inherit = False


# --- the slides ----------------------------------------------------------------------------------------------------


def plan(deck: Any) -> None:
    slide = _slide(
        deck,
        "Plan du cours et évaluation",
        "Rappeler que le contrôle continu compte pour 40 % et l'examen terminal pour 60 %. La calculatrice non programmable est autorisée. "
        "Un formulaire d'une page, rédigé à la main, est admis à l'examen terminal de deux heures.",
    )
    _text(
        slide,
        [
            "**1.** Systèmes, états, transformations",
            "**2.** Le gaz parfait et les gaz réels",
            "**3.** Travail, chaleur, premier principe",
            "**4.** Calorimétrie et changements d'état",
            "**5.** Entropie et second principe",
            "**6.** Machines thermiques",
            "**7.** Potentiels thermodynamiques",
        ],
        width=6.6,
    )
    _table(
        slide,
        [
            ("Épreuve", "Durée", "Part de la note"),
            ("Contrôle continu (2 devoirs)", "1 h chacun", "25 %"),
            ("Travaux pratiques (4 comptes rendus)", "3 h par séance", "15 %"),
            ("Examen terminal", "2 h", "60 %"),
        ],
        x=7.0,
        width=5.7,
        widths=(2.6, 1.4, 1.4),
        size=14,
    )
    _text(
        slide,
        ["Prérequis : dérivées, différentielles, intégrales simples, force et énergie mécanique."],
        x=7.0,
        y=4.0,
        width=5.7,
        size=16,
    )


def system(deck: Any) -> None:
    slide = _slide(
        deck,
        "Système, frontière, milieu extérieur",
        "Insister sur le choix du système : c'est nous qui le découpons. Un même problème peut se traiter avec deux systèmes différents. "
        "La bouteille isotherme fermée est une bonne approximation d'un système isolé pendant quelques heures.",
    )
    _shape(slide, MSO_SHAPE.RECTANGLE, 0.8, 1.7, 4.6, 3.6, "", color=_colour(0xFB, 0xF6, 0xEE))
    _shape(slide, MSO_SHAPE.OVAL, 1.7, 2.4, 2.8, 2.1, "Système\n(U, V, n)")
    _text(slide, ["Milieu extérieur"], x=1.0, y=1.75, width=3, size=14, color=GREY)
    _arrow(slide, 5.6, 2.9, 4.6, 3.2, WARM)
    _text(slide, ["énergie : travail W, chaleur Q"], x=5.5, y=2.35, width=3.2, size=13, color=WARM)
    _arrow(slide, 5.6, 4.4, 4.4, 4.0)
    _text(slide, ["matière"], x=5.65, y=4.2, width=1.6, size=13)
    _table(
        slide,
        [
            ("Système", "Énergie", "Matière", "Exemple"),
            ("Ouvert", "oui", "oui", "Casserole d'eau qui bout"),
            ("Fermé", "oui", "non", "Gaz dans un cylindre"),
            ("Isolé", "non", "non", "Vase Dewar idéal"),
        ],
        x=7.0,
        y=3.0,
        width=5.8,
        widths=(1, 1, 1, 2.3),
        size=14,
    )
    _text(
        slide,
        ["**Convention de signe :** ce que le système **reçoit** est compté **positivement** (convention du banquier)."],
        y=5.7,
        size=18,
    )


def variables(deck: Any) -> None:
    slide = _slide(
        deck,
        "Variables d'état : extensives et intensives",
        "Test simple : on coupe le système en deux moitiés identiques. Ce qui est divisé par deux est extensif, ce qui ne change pas est intensif. "
        "Le quotient de deux grandeurs extensives est intensif : masse volumique, volume molaire.",
    )
    _text(
        slide,
        [
            "- **Extensive** : proportionnelle à la quantité de matière ; elle s'ajoute quand on réunit deux systèmes.",
            "- **Intensive** : définie en chaque point ; elle ne dépend pas de la taille du système.",
            "- **Fonction d'état** : sa variation ne dépend que de l'état initial et de l'état final. W et Q n'en sont **pas**.",
        ],
        size=19,
        height=2.0,
    )
    _table(
        slide,
        [
            ("Grandeur", "Symbole", "Unité SI", "Nature"),
            ("Volume", "V", "m³", "extensive"),
            ("Quantité de matière", "n", "mol", "extensive"),
            ("Énergie interne", "U", "J", "extensive"),
            ("Entropie", "S", "J·K⁻¹", "extensive"),
            ("Pression", "P", "Pa", "intensive"),
            ("Température", "T", "K", "intensive"),
            ("Masse volumique", "ρ", "kg·m⁻³", "intensive"),
        ],
        y=3.55,
        widths=(2, 1, 1, 1.2),
        size=15,
    )


def transformations(deck: Any) -> None:
    slide = _slide(
        deck,
        "Équilibre et transformations",
        "Une transformation quasi statique est une suite d'états d'équilibre. Réversible demande davantage : quasi statique et sans phénomène dissipatif. "
        "Toute transformation réversible est quasi statique ; la réciproque est fausse.",
    )
    _text(
        slide,
        ["**Équilibre thermodynamique** : équilibre mécanique, thermique et chimique, sans flux à l'intérieur du système."],
        size=19,
        height=0.8,
    )
    _table(
        slide,
        [
            ("Transformation", "Ce qui est constant", "Réalisation"),
            ("Isotherme", "Température T du système", "Lente, au contact d'un thermostat"),
            ("Isobare", "Pression P du système", "Piston libre, évolution lente"),
            ("Isochore", "Volume V", "Récipient rigide"),
            ("Monotherme", "Température extérieure", "Un seul thermostat"),
            ("Monobare", "Pression extérieure", "À l'air libre"),
            ("Adiabatique", "Aucun échange de chaleur : Q = 0", "Parois calorifugées, ou rapide"),
            ("Cyclique", "État final = état initial", "Machines thermiques"),
        ],
        y=2.4,
        widths=(1.2, 2.2, 2.2),
        size=16,
    )


def temperature(deck: Any) -> None:
    slide = _slide(
        deck,
        "Température et principe zéro",
        "Depuis le 20 mai 2019, le kelvin est défini par la valeur fixée de la constante de Boltzmann, et non plus par le point triple de l'eau. "
        "Dans toutes les formules du cours, T est en kelvins ; seules les différences peuvent se lire en degrés Celsius.",
    )
    _text(
        slide,
        [
            "**Principe zéro** : deux systèmes en équilibre thermique avec un même troisième sont en équilibre thermique entre eux.",
            "= T (K) = θ (°C) + 273,15",
            "- Le kelvin est défini par k_B = 1,380 649 × 10⁻²³ J·K⁻¹ (exacte), depuis le 20 mai 2019.",
            "- Un écart de 1 K est un écart de 1 °C.",
        ],
        size=20,
        height=2.8,
    )
    _table(
        slide,
        [
            ("Repère", "T (K)", "θ (°C)"),
            ("Ébullition de l'azote sous 1 atm", "77,36", "−195,79"),
            ("Point triple de l'eau", "273,16", "0,01"),
            ("Corps humain", "310", "37"),
            ("Ébullition de l'eau sous 1 atm", "373,12", "99,97"),
            ("Surface du Soleil", "5 772", "5 499"),
        ],
        y=4.2,
        x=2.2,
        width=9,
        widths=(2.4, 1, 1),
        size=15,
    )


def pressure(deck: Any) -> None:
    slide = _slide(
        deck,
        "Pression : définition et unités",
        "Faire calculer la force exercée par l'atmosphère sur une vitre d'un mètre carré : environ cent mille newtons, soit le poids de dix tonnes.",
    )
    _text(
        slide,
        ["= dF = P dS", "La pression est la force normale exercée par unité de surface : 1 Pa = 1 N·m⁻²."],
        size=20,
        height=1.4,
    )
    _table(
        slide,
        [
            ("Unité", "Symbole", "Valeur en pascals"),
            ("Pascal", "Pa", "1"),
            ("Hectopascal", "hPa", "100"),
            ("Bar", "bar", "100 000"),
            ("Atmosphère normale", "atm", "101 325"),
            ("Millimètre de mercure", "mmHg", "133,322"),
        ],
        y=3.1,
        x=2.2,
        width=9,
        widths=(2, 1, 2),
        size=17,
    )
    _text(slide, ["**Exemple.** Un pneu gonflé à 2,2 bar (relatif) contient de l'air à 3,2 bar (absolu)."], y=6.0, size=18)


def ideal_gas(deck: Any) -> None:
    slide = _slide(
        deck,
        "Le gaz parfait",
        "Le volume molaire de 22,4 litres vaut à 0 °C et une atmosphère. À 20 °C et une atmosphère, il vaut 24,1 litres. "
        "Demander aux étudiants de retrouver la constante R à partir de ces nombres.",
    )
    _text(
        slide,
        [
            "Modèle : particules **ponctuelles**, **sans interaction** à distance, en agitation désordonnée.",
            "= P V = n R T",
            "- P en pascals, V en mètres cubes, n en moles, T en kelvins",
            "- R = 8,314 462 6 J·K⁻¹·mol⁻¹ = N_A k_B, avec N_A = 6,022 140 76 × 10²³ mol⁻¹",
            "- Forme massique : P = ρ r T, avec r = R / M ; pour l'air, M = 29,0 g·mol⁻¹ et r = 287 J·K⁻¹·kg⁻¹",
        ],
        size=20,
        height=3.0,
    )
    _table(
        slide,
        [
            ("Conditions", "Volume molaire"),
            ("0 °C, 101 325 Pa", "22,4 L·mol⁻¹"),
            ("0 °C, 100 000 Pa", "22,7 L·mol⁻¹"),
            ("20 °C, 101 325 Pa", "24,1 L·mol⁻¹"),
            ("25 °C, 100 000 Pa", "24,8 L·mol⁻¹"),
        ],
        y=4.6,
        x=3.2,
        width=7,
        size=16,
    )


def isotherms(deck: Any) -> None:
    slide = _slide(
        deck,
        "Isothermes du gaz parfait (diagramme de Clapeyron)",
        "Chaque isotherme est une hyperbole équilatère. Plus la température est élevée, plus l'hyperbole est loin des axes. "
        "L'aire sous la courbe représente, au signe près, le travail reçu dans une transformation quasi statique.",
    )
    volumes = [5 + k for k in range(0, 46, 3)]
    _chart(
        slide,
        [(f"T = {t} K", [(v, R * t / v / 100) for v in volumes]) for t in (300, 400, 500)],
        "Volume V (L)",
        "Pression P (bar)",
    )
    _text(
        slide,
        [
            "Pour **n = 1 mol** :",
            "= P = n R T / V",
            "- à 300 K et 10 L : P = 2,49 bar",
            "- à 500 K et 10 L : P = 4,16 bar",
            "- le produit P V est constant le long d'une isotherme : loi de **Boyle-Mariotte**",
        ],
        x=8.3,
        width=4.5,
        size=18,
    )


def kinetic(deck: Any) -> None:
    slide = _slide(
        deck,
        "Théorie cinétique : pression et agitation",
        "La température mesure l'énergie cinétique moyenne de translation. L'hélium va assez vite pour quitter lentement l'atmosphère terrestre, l'azote non.",
    )
    _text(
        slide,
        [
            "Énergie cinétique moyenne de translation d'une particule :",
            "= ½ m u² = (3/2) k_B T",
            "Vitesse quadratique moyenne :",
            "= u = √(3 R T / M)",
        ],
        size=20,
        width=6,
        height=3,
    )
    _table(
        slide,
        [
            ("Gaz", "M (g·mol⁻¹)", "u à 300 K (m·s⁻¹)"),
            ("Dihydrogène", "2,016", "1 927"),
            ("Hélium", "4,003", "1 367"),
            ("Diazote", "28,0", "517"),
            ("Dioxygène", "32,0", "484"),
            ("Dioxyde de carbone", "44,0", "412"),
        ],
        x=6.6,
        width=6.1,
        widths=(1.8, 1.2, 1.6),
        size=16,
    )
    _text(
        slide,
        ["Gaz parfait monoatomique : U = (3/2) n R T. Gaz parfait diatomique à température ordinaire : U = (5/2) n R T."],
        y=5.3,
        size=19,
    )


def real_gas(deck: Any) -> None:
    slide = _slide(
        deck,
        "Gaz réels : l'équation de van der Waals",
        "Le terme a corrige les attractions entre molécules, le terme b le volume qu'elles occupent. Le modèle date de 1873. "
        "Il prédit un point critique, mais la portion décroissante des isothermes doit être remplacée par un palier de Maxwell.",
    )
    _text(
        slide,
        [
            "= (P + n² a / V²) (V − n b) = n R T",
            "- **a** : attraction entre molécules (Pa·m⁶·mol⁻²)",
            "- **b** : covolume, volume propre des molécules (m³·mol⁻¹)",
            "- Le gaz réel tend vers le gaz parfait quand la pression tend vers zéro.",
        ],
        size=20,
        height=2.6,
    )
    _table(
        slide,
        [
            ("Gaz", "a (Pa·m⁶·mol⁻²)", "b (10⁻⁵ m³·mol⁻¹)"),
            ("Hélium", "0,00346", "2,38"),
            ("Diazote", "0,137", "3,87"),
            ("Dioxyde de carbone", "0,366", "4,29"),
            ("Eau", "0,554", "3,05"),
        ],
        y=4.2,
        x=2.2,
        width=9,
        size=17,
    )


def work(deck: Any) -> None:
    slide = _slide(
        deck,
        "Travail des forces de pression",
        "Le signe moins est celui de la convention du banquier : en se comprimant, le gaz reçoit du travail. Attention, c'est la pression extérieure qui figure dans la définition.",
    )
    _shape(slide, MSO_SHAPE.RECTANGLE, 0.9, 1.9, 3.4, 1.5, "gaz : P, V, T")
    _shape(slide, MSO_SHAPE.RECTANGLE, 4.3, 1.8, 0.3, 1.7, "", color=GREY)
    _arrow(slide, 6.0, 2.65, 4.7, 2.65, WARM)
    _text(slide, ["P_ext"], x=5.2, y=2.15, width=1.2, size=16, color=WARM)
    _text(
        slide,
        ["= δW = − P_ext dV", "= W = − ∫ P_ext dV", "Compression : dV < 0, donc W > 0."],
        x=7.2,
        y=1.7,
        width=5.5,
        size=19,
    )
    _table(
        slide,
        [
            ("Transformation d'un gaz parfait", "Travail reçu"),
            ("Isochore", "W = 0"),
            ("Monobare", "W = − P_ext (V₂ − V₁)"),
            ("Isotherme réversible", "W = − n R T ln(V₂ / V₁)"),
            ("Adiabatique réversible", "W = (P₂V₂ − P₁V₁) / (γ − 1)"),
            ("Détente dans le vide", "W = 0"),
        ],
        y=4.0,
        x=1.6,
        width=10,
        size=16,
    )


def heat(deck: Any) -> None:
    slide = _slide(
        deck,
        "Transferts thermiques : trois modes",
        "Bien distinguer chaleur et température. Un bain à 40 °C contient plus d'énergie interne qu'une étincelle à 1 500 °C.",
    )
    for k, (name, words) in enumerate(
        [
            ("Conduction", "de proche en proche,\nsans déplacement de matière\nΦ = λ S ΔT / e"),
            ("Convection", "par déplacement d'un fluide\nΦ = h S (T_p − T_f)"),
            ("Rayonnement", "ondes électromagnétiques,\nmême dans le vide\nM = σ T⁴"),
        ]
    ):
        _shape(slide, MSO_SHAPE.ROUNDED_RECTANGLE, 0.7 + k * 4.1, 1.6, 3.7, 1.9, f"**{name}**\n{words}", size=16)
    _table(
        slide,
        [
            ("Matériau", "Conductivité λ (W·m⁻¹·K⁻¹)"),
            ("Cuivre", "401"),
            ("Acier inoxydable", "15 environ"),
            ("Verre", "1 environ"),
            ("Eau liquide (20 °C)", "0,60"),
            ("Laine de verre", "0,04 environ"),
            ("Air (20 °C)", "0,026"),
        ],
        y=3.65,
        x=2.6,
        width=8,
        size=13,
    )
    _text(slide, ["σ = 5,670 × 10⁻⁸ W·m⁻²·K⁻⁴ (constante de Stefan-Boltzmann)"], y=6.62, size=13, color=GREY)


def capacities(deck: Any) -> None:
    slide = _slide(
        deck,
        "Capacités thermiques",
        "L'eau a une capacité massique exceptionnelle : elle règle le climat des côtes. Comparer avec le cuivre, onze fois moindre.",
    )
    _text(
        slide,
        ["= C_V = (∂U/∂T)_V      C_P = (∂H/∂T)_P", "Pour une phase condensée, C_P ≈ C_V et Q = m c ΔT."],
        size=20,
        height=1.4,
    )
    _table(
        slide,
        [
            ("Corps", "c (J·K⁻¹·kg⁻¹)", "Pour chauffer 1 kg de 10 °C"),
            ("Eau liquide", "4 185", "41,9 kJ"),
            ("Glace (0 °C)", "2 100", "21,0 kJ"),
            ("Aluminium", "897", "8,97 kJ"),
            ("Fer", "449", "4,49 kJ"),
            ("Cuivre", "385", "3,85 kJ"),
            ("Air (à pression constante)", "1 005", "10,1 kJ"),
        ],
        y=3.1,
        x=1.8,
        width=9.8,
        widths=(2, 1.4, 1.9),
        size=17,
    )


def first_law(deck: Any) -> None:
    slide = _slide(
        deck,
        "Le premier principe",
        "Énoncer lentement. L'énergie interne est une fonction d'état ; le travail et la chaleur n'en sont pas, d'où les symboles delta et d droit. "
        "Joule a établi l'équivalence entre travail et chaleur entre 1843 et 1850.",
    )
    _text(
        slide,
        [
            "Pour tout système **fermé**, il existe une fonction d'état extensive U, l'**énergie interne**, telle que :",
            "= ΔU + ΔE_c + ΔE_p = W + Q",
            "Au repos à l'échelle macroscopique :",
            "= ΔU = W + Q          dU = δW + δQ",
            "- C'est un principe de **conservation** : l'énergie ne peut être ni créée ni détruite.",
            "- Système **isolé** : U est constante.",
            "- **Cycle** : ΔU = 0, donc W = − Q. Le mouvement perpétuel de première espèce est impossible.",
        ],
        size=21,
    )


def enthalpy(deck: Any) -> None:
    slide = _slide(
        deck,
        "L'enthalpie",
        "L'enthalpie est faite pour les transformations à pression constante, celles du chimiste et du cuisinier. Faire démontrer que Q est égal à la variation d'enthalpie dans le cas monobare.",
    )
    _text(
        slide,
        [
            "= H = U + P V",
            "Transformation **monobare** entre deux états d'équilibre mécanique, sans autre travail que celui de la pression :",
            "= ΔH = Q_P",
            "Transformation **isochore** :",
            "= ΔU = Q_V",
            "- H est une fonction d'état extensive, en joules.",
            "- Écoulement permanent (premier principe industriel), par unité de masse :",
            "= Δh + Δe_c + Δe_p = w_u + q",
        ],
        size=20,
    )


def joule_laws(deck: Any) -> None:
    slide = _slide(
        deck,
        "Lois de Joule et relation de Mayer",
        "Les valeurs du tableau valent à température ordinaire. Pour les molécules diatomiques, la vibration ne s'excite qu'à haute température, vers mille kelvins et au-delà.",
    )
    _text(
        slide,
        [
            "**Première loi de Joule** : l'énergie interne d'un gaz parfait ne dépend que de T : dU = C_V dT.",
            "**Seconde loi de Joule** : son enthalpie ne dépend que de T : dH = C_P dT.",
            "= C_P − C_V = n R        γ = C_P / C_V",
            "= C_V = n R / (γ − 1)        C_P = γ n R / (γ − 1)",
        ],
        size=20,
        height=2.6,
    )
    _table(
        slide,
        [
            ("Gaz parfait", "C_V molaire", "C_P molaire", "γ", "Exemples"),
            ("Monoatomique", "3R/2 = 12,5", "5R/2 = 20,8", "5/3 ≈ 1,67", "He, Ne, Ar"),
            ("Diatomique", "5R/2 = 20,8", "7R/2 = 29,1", "7/5 = 1,40", "N₂, O₂, air"),
        ],
        y=4.3,
        widths=(1.4, 1.4, 1.4, 1.2, 1.4),
        size=17,
    )
    _text(slide, ["Capacités en J·K⁻¹·mol⁻¹, à température ordinaire."], y=5.8, size=15, color=GREY)


def laplace(deck: Any) -> None:
    slide = _slide(
        deck,
        "Adiabatique réversible : lois de Laplace",
        "Trois conditions, toutes nécessaires : gaz parfait, adiabatique, réversible, avec gamma constant. C'est l'erreur la plus fréquente aux examens d'appliquer Laplace à une détente brutale.",
    )
    _text(
        slide,
        [
            "Conditions : gaz **parfait**, γ constant, transformation **adiabatique** et **réversible**.",
            "= P V^γ = constante",
            "= T V^(γ−1) = constante",
            "= T^γ P^(1−γ) = constante",
            "**Exemple.** De l'air (γ = 1,40) à 293 K et 1,00 bar est comprimé de façon adiabatique réversible à un volume dix fois plus petit :",
            f"= T₂ = T₁ a^(γ−1) = 293 × 2,51 = {293 * 10**0.4:.0f} K     P₂ = P₁ a^γ = {10**1.4:.1f} bar".replace(".", ","),
            "C'est ainsi que s'enflamme le gazole dans un moteur Diesel.",
        ],
        size=20,
    )


def adiabat(deck: Any) -> None:
    slide = _slide(
        deck,
        "Isotherme et adiabatique comparées",
        "Au point commun, la pente de l'adiabatique est gamma fois celle de l'isotherme. Le faire démontrer en dérivant les logarithmes.",
    )
    volumes = [10 + 2 * k for k in range(21)]
    start = R * 300 / 10 / 100
    _chart(
        slide,
        [
            ("isotherme, 300 K", [(v, start * 10 / v) for v in volumes]),
            ("adiabatique, γ = 1,40", [(v, start * (10 / v) ** 1.4) for v in volumes]),
        ],
        "Volume V (L)",
        "Pression P (bar)",
    )
    _text(
        slide,
        [
            "Au point commun :",
            "= (dP/dV)_S = γ (dP/dV)_T",
            "- La détente adiabatique **refroidit** le gaz.",
            "- De 10 L à 20 L, départ à 300 K :",
            f"= T₂ = T₁ (V₁/V₂)^(γ−1) = {300 * 0.5**0.4:.0f} K",
            "- Dans l'isotherme, le thermostat fournit la chaleur manquante.",
        ],
        x=8.3,
        width=4.6,
        size=17,
    )


def calorimetry(deck: Any) -> None:
    slide = _slide(
        deck,
        "Calorimétrie : méthode des mélanges",
        "Rédiger au tableau les quatre étapes : système, transformation, bilan d'enthalpie, application numérique. La valeur en eau du calorimètre est négligée ici et donnée dans l'exercice trois des notes.",
    )
    final = (0.200 * 4185 * 20 + 0.100 * 385 * 100) / (0.200 * 4185 + 0.100 * 385)
    _text(
        slide,
        [
            "Système {eau + métal} dans un calorimètre, évolution **monobare** et **adiabatique** : ΔH = 0.",
            "= m₁ c₁ (T_f − T₁) + m₂ c₂ (T_f − T₂) = 0",
            "= T_f = (m₁ c₁ T₁ + m₂ c₂ T₂) / (m₁ c₁ + m₂ c₂)",
            "**Application.** On plonge 100 g de cuivre à 100 °C dans 200 g d'eau à 20 °C :",
            f"= T_f = {final:.1f} °C".replace(".", ","),
            "- **Valeur en eau** du calorimètre : masse d'eau μ qui aurait la même capacité thermique que le vase et ses accessoires.",
            "- Précision ordinaire en travaux pratiques : 2 à 5 %.",
        ],
        size=20,
    )


def phases(deck: Any) -> None:
    slide = _slide(
        deck,
        "Diagramme des phases de l'eau",
        "La courbe de fusion de l'eau penche à gauche, ce qui est rare : la glace flotte. Au-delà du point critique, on passe du liquide au gaz sans changement d'état visible.",
    )
    _arrow(slide, 1.0, 6.5, 7.6, 6.5)
    _arrow(slide, 1.0, 6.5, 1.0, 1.6)
    _text(slide, ["T"], x=7.3, y=6.5, width=0.5, size=16)
    _text(slide, ["P"], x=0.55, y=1.55, width=0.5, size=16)
    _curve(slide, [(1.2, 6.3), (1.9, 6.05), (2.5, 5.7), (3.0, 5.3)], BLUE)
    _curve(slide, [(3.0, 5.3), (4.0, 4.9), (5.0, 4.2), (5.8, 3.4), (6.3, 2.7)], BLUE)
    _curve(slide, [(3.0, 5.3), (2.85, 3.9), (2.7, 1.8)], BLUE)
    for x, y in ((3.0, 5.3), (6.3, 2.7)):
        _fill(slide.shapes.add_shape(MSO_SHAPE.OVAL, Inches(x - 0.08), Inches(y - 0.08), Inches(0.16), Inches(0.16)), WARM)
    for words, x, y in (
        ("solide", 1.5, 3.6),
        ("liquide", 4.0, 3.1),
        ("vapeur", 5.0, 5.3),
        ("point triple", 3.1, 5.3),
        ("point critique", 5.7, 2.2),
    ):
        _text(slide, [words], x=x, y=y, width=1.9, height=0.4, size=15)
    _table(
        slide,
        [
            ("Point", "Température", "Pression"),
            ("Triple", "273,16 K (0,01 °C)", "611,7 Pa"),
            ("Critique", "647,1 K (374 °C)", "22,06 MPa"),
        ],
        x=7.9,
        y=1.8,
        width=4.9,
        widths=(1, 2, 1.2),
        size=14,
    )
    _table(
        slide,
        [
            ("Enthalpie de changement d'état de l'eau", "kJ·kg⁻¹"),
            ("Fusion, 0 °C", "334"),
            ("Vaporisation, 100 °C", "2 257"),
            ("Sublimation, 0 °C", "2 834"),
        ],
        x=7.9,
        y=3.6,
        width=4.9,
        widths=(2.6, 1),
        size=14,
    )
    _text(slide, ["= Q = m ℓ"], x=7.9, y=5.7, width=4.9, size=20)


def why_second(deck: Any) -> None:
    slide = _slide(
        deck,
        "Pourquoi un second principe ?",
        "Le premier principe n'interdit pas qu'un glaçon se forme dans un verre d'eau tiède en réchauffant le reste. Il faut un principe d'évolution.",
    )
    _text(
        slide,
        [
            "Le premier principe autorise des évolutions que l'on n'observe **jamais** :",
            "- la chaleur ne passe pas d'elle-même d'un corps froid à un corps chaud (**Clausius**, 1850) ;",
            "- un gaz détendu dans le vide ne revient pas seul dans sa moitié de récipient ;",
            "- on ne tire pas de travail d'une seule source de chaleur (**Kelvin**, 1851).",
            "**Causes d'irréversibilité** : frottements, différence de température, de pression ou de concentration, effet Joule, réaction chimique.",
            "Le second principe est un principe d'**évolution** : il donne un sens au temps.",
        ],
        size=21,
    )


def second_law(deck: Any) -> None:
    slide = _slide(
        deck,
        "Le second principe",
        "Clausius introduit le mot entropie en 1865. L'entropie échangée peut être négative ; l'entropie créée jamais. Un système peut donc voir son entropie diminuer, s'il en cède assez.",
    )
    _text(
        slide,
        [
            "Il existe une fonction d'état extensive S, l'**entropie** (J·K⁻¹), telle que pour tout système fermé :",
            "= ΔS = S_éch + S_créée",
            "= S_éch = Σ Q_i / T_i        S_créée ≥ 0",
            "- Transformation **réversible** : S_créée = 0.",
            "- Transformation **irréversible** : S_créée > 0.",
            "- Système **isolé** : son entropie ne peut que croître ; elle est maximale à l'équilibre.",
            "T_i est la température de la **source** qui échange la chaleur Q_i, et non celle du système.",
        ],
        size=21,
    )


def entropies(deck: Any) -> None:
    slide = _slide(
        deck,
        "Calculer une variation d'entropie",
        "Identité thermodynamique : dU = T dS − P dV. C'est d'elle que viennent les deux premières lignes. On choisit toujours un chemin réversible imaginaire entre les mêmes états.",
    )
    _text(slide, ["= dU = T dS − P dV"], size=22, height=0.8)
    _table(
        slide,
        [
            ("Système", "Variation d'entropie ΔS"),
            ("Gaz parfait, variables T et V", "C_V ln(T₂/T₁) + n R ln(V₂/V₁)"),
            ("Gaz parfait, variables T et P", "C_P ln(T₂/T₁) − n R ln(P₂/P₁)"),
            ("Phase condensée", "m c ln(T₂/T₁)"),
            ("Changement d'état à T constante", "m ℓ / T"),
            ("Thermostat recevant Q", "Q / T₀"),
        ],
        y=2.4,
        x=1.2,
        width=10.9,
        size=18,
    )
    _text(
        slide,
        [
            f"**Exemples.** Fonte de 1,00 kg de glace à 0 °C : ΔS = 334 000 / 273,15 = {334000 / 273.15:.0f} J·K⁻¹. Doublement du volume de 1 mol de gaz parfait dans le vide : ΔS = R ln 2 = {f'{R * math.log(2):.2f}'.replace('.', ',')} J·K⁻¹, entièrement créée."
        ],
        y=5.4,
        size=18,
    )


def boltzmann(deck: Any) -> None:
    slide = _slide(
        deck,
        "Interprétation statistique : la formule de Boltzmann",
        "Compter les configurations de quatre molécules dans deux moitiés de boîte : seize microétats, six pour la répartition égale. Avec cent molécules, la fluctuation devient invisible.",
    )
    _text(
        slide,
        [
            "= S = k_B ln Ω",
            "Ω est le nombre de **microétats** compatibles avec l'état macroscopique.",
            "Quatre molécules dans deux moitiés de boîte : 2⁴ = 16 microétats.",
        ],
        size=20,
        height=2.0,
    )
    _table(
        slide,
        [
            ("Répartition (gauche – droite)", "Nombre de microétats", "Probabilité"),
            ("4 – 0", "1", "6,25 %"),
            ("3 – 1", "4", "25 %"),
            ("2 – 2", "6", "37,5 %"),
            ("1 – 3", "4", "25 %"),
            ("0 – 4", "1", "6,25 %"),
        ],
        y=3.35,
        x=1.8,
        width=9.8,
        widths=(1.5, 1.2, 1),
        size=16,
    )
    _text(
        slide,
        [
            "**Troisième principe** (Nernst) : l'entropie d'un corps pur cristallisé parfait tend vers zéro quand T tend vers 0 K."
        ],
        y=6.3,
        size=17,
    )


def engines(deck: Any) -> None:
    slide = _slide(
        deck,
        "Machines dithermes : le schéma général",
        "Faire orienter les flèches selon la machine : dans un moteur, la source chaude fournit, la source froide reçoit, le travail sort. Dans un réfrigérateur, tout est renversé.",
    )
    _shape(slide, MSO_SHAPE.RECTANGLE, 0.8, 2.0, 1.9, 3.0, "Source\nchaude\nT_c", color=_colour(0xF6, 0xDD, 0xD8))
    _shape(slide, MSO_SHAPE.OVAL, 3.9, 2.5, 2.0, 2.0, "Machine")
    _shape(slide, MSO_SHAPE.RECTANGLE, 7.1, 2.0, 1.9, 3.0, "Source\nfroide\nT_f", color=_colour(0xDC, 0xE9, 0xF6))
    _arrow(slide, 2.75, 3.5, 3.85, 3.5, WARM)
    _arrow(slide, 7.05, 3.5, 5.95, 3.5, BLUE)
    _arrow(slide, 4.9, 5.6, 4.9, 4.55)
    for words, x, y in (("Q_c", 3.05, 3.05), ("Q_f", 6.25, 3.05), ("W", 5.0, 5.0)):
        _text(slide, [words], x=x, y=y, width=0.8, height=0.4, size=18)
    _text(
        slide,
        [
            "Sur un cycle :",
            "= W + Q_c + Q_f = 0",
            "= Q_c/T_c + Q_f/T_f ≤ 0",
            "Inégalité de **Clausius** ; égalité si le cycle est réversible.",
        ],
        x=9.2,
        y=1.8,
        width=3.8,
        size=18,
    )
    _table(
        slide,
        [
            ("Machine", "W", "Q_c", "Q_f"),
            ("Moteur", "< 0", "> 0", "< 0"),
            ("Réfrigérateur, pompe à chaleur", "> 0", "< 0", "> 0"),
        ],
        x=6.4,
        y=5.35,
        width=6.3,
        widths=(2.4, 0.8, 0.8, 0.8),
        size=15,
    )


def carnot(deck: Any) -> None:
    slide = _slide(
        deck,
        "Rendement d'un moteur et théorème de Carnot",
        "Sadi Carnot publie ses Réflexions sur la puissance motrice du feu en 1824. Le rendement maximal ne dépend que des deux températures, jamais du fluide.",
    )
    _text(
        slide,
        [
            "= η = − W / Q_c = 1 + Q_f / Q_c",
            "= η ≤ η_Carnot = 1 − T_f / T_c",
            "**Théorème de Carnot** (1824) : tous les moteurs réversibles fonctionnant entre deux sources données ont le même rendement, que nul autre ne dépasse.",
        ],
        size=20,
        height=2.7,
    )

    def eta(hot: float, cold: float) -> str:
        return f"{100 * (1 - cold / hot):.0f} %"

    _table(
        slide,
        [
            ("Installation", "T_c (K)", "T_f (K)", "Rendement de Carnot", "Rendement réel"),
            ("Centrale nucléaire à eau sous pression", "560", "300", eta(560, 300), "33 % environ"),
            ("Centrale à gaz à cycle combiné", "1 700", "300", eta(1700, 300), "60 % environ"),
            ("Moteur à essence", "2 300", "350", eta(2300, 350), "25 à 40 %"),
            ("Énergie thermique des mers", "298", "278", eta(298, 278), "2 à 4 %"),
        ],
        y=4.2,
        widths=(2.6, 0.9, 0.9, 1.4, 1.3),
        size=16,
    )


def carnot_curve(deck: Any) -> None:
    slide = _slide(
        deck,
        "Rendement de Carnot selon la température chaude",
        "La courbe sature : gagner cent kelvins rapporte beaucoup à 400 K, peu à 1 500 K. C'est pourquoi l'on travaille aussi la source froide.",
    )
    hot = range(320, 1521, 60)
    _chart(
        slide,
        [
            ("source froide à 290 K", [(t, 100 * (1 - 290 / t)) for t in hot]),
            ("source froide à 310 K", [(t, 100 * (1 - 310 / t)) for t in hot]),
        ],
        "Température de la source chaude (K)",
        "Rendement maximal (%)",
        y_max=100,
        x_min=300,
    )
    _text(
        slide,
        [
            "Avec T_f = 290 K :",
            "- T_c = 400 K : 27,5 %",
            "- T_c = 600 K : 51,7 %",
            "- T_c = 1 000 K : 71,0 %",
            "- T_c = 1 500 K : 80,7 %",
            "Le rendement n'atteint 1 que pour une source froide à 0 K, ce qui est impossible.",
        ],
        x=8.3,
        width=4.5,
        size=18,
    )


def carnot_cycle(deck: Any) -> None:
    slide = _slide(
        deck,
        "Le cycle de Carnot",
        "Deux isothermes, deux adiabatiques, le tout réversible. L'aire du cycle parcouru dans le sens horaire est le travail fourni.",
    )
    gamma, scale_x, scale_y = 1.4, 0.155, 1.12

    def at(volume: float, pressure: float) -> tuple[float, float]:
        return 0.9 + volume * scale_x, 6.6 - pressure * scale_y

    hot, cold, ratio = 32.0, 32.0 / 1.45, 1.45 ** (1 / (gamma - 1))
    va, vb = 8.0, 16.0
    vc, vd = vb * ratio, va * ratio
    steps = [k / 20 for k in range(21)]
    _curve(slide, [at(v, hot / v) for v in (va + (vb - va) * s for s in steps)], WARM)
    _curve(slide, [at(v, hot / vb * (vb / v) ** gamma) for v in (vb + (vc - vb) * s for s in steps)], GREY)
    _curve(slide, [at(v, cold / v) for v in (vc + (vd - vc) * s for s in steps)], BLUE)
    _curve(slide, [at(v, cold / vd * (vd / v) ** gamma) for v in (vd + (va - vd) * s for s in steps)], GREY)
    _arrow(slide, 0.9, 6.6, 7.6, 6.6)
    _arrow(slide, 0.9, 6.6, 0.9, 1.6)
    for words, (x, y) in (
        ("A", at(va, hot / va)),
        ("B", at(vb, hot / vb)),
        ("C", at(vc, cold / vc)),
        ("D", at(vd, cold / vd)),
    ):
        _text(
            slide,
            [f"**{words}**"],
            x=x + (0.05 if words in "BC" else -0.3),
            y=y - 0.42 if words in "ABC" else y,
            width=0.5,
            height=0.4,
            size=18,
        )
    _text(slide, ["V"], x=7.3, y=6.55, width=0.5, size=16)
    _text(slide, ["P"], x=0.45, y=1.5, width=0.5, size=16)
    _text(
        slide,
        [
            "**AB** : détente isotherme à T_c, Q_c > 0",
            "**BC** : détente adiabatique, de T_c à T_f",
            "**CD** : compression isotherme à T_f, Q_f < 0",
            "**DA** : compression adiabatique, de T_f à T_c",
            "Toutes réversibles, donc :",
            "= Q_c/T_c + Q_f/T_f = 0",
            "= η = 1 − T_f/T_c",
        ],
        x=7.9,
        y=1.7,
        width=5.0,
        size=18,
    )


def otto(deck: Any) -> None:
    slide = _slide(
        deck,
        "Moteur à explosion : le cycle de Beau de Rochas (Otto)",
        "Alphonse Beau de Rochas décrit le cycle à quatre temps en 1862 ; Nikolaus Otto construit le moteur en 1876. Le cliquetis limite le taux de compression des moteurs à essence.",
    )
    _text(
        slide,
        [
            "Quatre temps : admission, compression, combustion-détente, échappement.",
            "Cycle idéal : deux **adiabatiques** réversibles et deux **isochores**. Taux de compression a = V_max / V_min.",
            "= η = 1 − a^(1−γ)",
        ],
        size=20,
        height=2.2,
    )
    rows = [("Taux de compression a", "Rendement théorique (γ = 1,40)")] + [
        (str(a), f"{100 * (1 - a**-0.4):.1f} %".replace(".", ",")) for a in (6, 8, 10, 12)
    ]
    _table(slide, rows, y=3.9, x=1.0, width=6.2, size=17)
    _text(
        slide,
        [
            "- Rendement réel : 25 à 40 %, à cause des frottements, des pertes aux parois et de la combustion incomplète.",
            "- Cycle **Diesel** : la combustion est modélisée par une **isobare** ; a vaut 14 à 22.",
            "- Le **cliquetis** limite a, dans un moteur à essence, à 10 ou 13 environ.",
        ],
        x=7.6,
        y=3.8,
        width=5.2,
        size=17,
    )


def fridge(deck: Any) -> None:
    slide = _slide(
        deck,
        "Réfrigérateur et pompe à chaleur",
        "Une efficacité supérieure à un n'a rien de choquant : la machine déplace de la chaleur, elle n'en crée pas. Bien identifier l'énergie utile dans chaque cas.",
    )
    _table(
        slide,
        [
            ("Machine", "Énergie utile", "Efficacité", "Maximum de Carnot"),
            ("Réfrigérateur", "Q_f prise au froid", "e = Q_f / W", "T_f / (T_c − T_f)"),
            ("Pompe à chaleur", "− Q_c donnée au chaud", "e = − Q_c / W", "T_c / (T_c − T_f)"),
        ],
        widths=(1.3, 1.6, 1.3, 1.5),
        size=18,
    )
    _text(
        slide,
        [
            "**Réfrigérateur** : intérieur à 5 °C (278 K), cuisine à 25 °C (298 K).",
            f"= e_max = 278 / 20 = {278 / 20:.1f}".replace(".", ","),
            "**Pompe à chaleur** : air extérieur à 5 °C (278 K), eau de chauffage à 35 °C (308 K).",
            f"= e_max = 308 / 30 = {308 / 30:.1f}".replace(".", ","),
            "- Valeurs réelles : 2 à 4 pour un réfrigérateur, 3 à 5 pour une pompe à chaleur.",
            "- Pour une même machine réversible : e_PAC = e_frigo + 1.",
        ],
        y=3.5,
        size=19,
    )


def potentials(deck: Any) -> None:
    slide = _slide(
        deck,
        "Potentiels thermodynamiques",
        "L'enthalpie libre sert au chimiste, l'énergie libre au physicien des transformations à volume constant. Les deux diminuent au cours d'une évolution spontanée dans leurs conditions.",
    )
    _table(
        slide,
        [
            ("Fonction", "Définition", "Différentielle", "Évolution spontanée"),
            ("Énergie interne", "U", "T dS − P dV", "S et V constants : dU ≤ 0"),
            ("Enthalpie", "H = U + P V", "T dS + V dP", "S et P constants : dH ≤ 0"),
            ("Énergie libre (Helmholtz)", "F = U − T S", "− S dT − P dV", "T et V constants : dF ≤ 0"),
            ("Enthalpie libre (Gibbs)", "G = H − T S", "− S dT + V dP", "T et P constants : dG ≤ 0"),
        ],
        widths=(1.7, 1.2, 1.4, 2),
        size=17,
    )
    _text(
        slide,
        [
            "**Relation de Clapeyron**, le long d'une courbe de changement d'état :",
            "= dP/dT = ℓ / [T (v₂ − v₁)]",
            "Pour la fusion de l'eau, v_liquide < v_solide : la pente est **négative**, et la pression fait fondre la glace.",
        ],
        y=4.5,
        size=19,
    )


def magnitudes(deck: Any) -> None:
    slide = _slide(
        deck,
        "Ordres de grandeur à connaître",
        "Un ordre de grandeur faux doit alerter : un rendement de moteur de 95 % ou une entropie créée négative signalent une erreur de calcul.",
    )
    _table(
        slide,
        [
            ("Grandeur", "Valeur"),
            ("Énergie d'agitation k_B T à 300 K", "4,1 × 10⁻²¹ J, soit 26 meV"),
            ("Énergie pour porter 1 L d'eau de 20 °C à 100 °C", "335 kJ, soit 0,093 kWh"),
            ("Énergie pour vaporiser 1 kg d'eau à 100 °C", "2 257 kJ"),
            ("Puissance thermique d'un corps humain au repos", "100 W environ"),
            ("Flux solaire au sommet de l'atmosphère", "1 361 W·m⁻²"),
            ("Pouvoir calorifique de l'essence", "44 MJ·kg⁻¹ environ"),
            ("Libre parcours moyen dans l'air, 1 bar", "70 nm environ"),
        ],
        widths=(2, 1.6),
        size=18,
    )


def mistakes(deck: Any) -> None:
    slide = _slide(
        deck, "Dix erreurs à éviter", "Liste dressée pour le cours de démonstration. À relire la veille de l'examen."
    )
    _text(
        slide,
        [
            "**1.** Oublier de convertir en kelvins.",
            "**2.** Confondre chaleur et température.",
            "**3.** Écrire ΔW ou ΔQ : W et Q ne sont pas des fonctions d'état.",
            "**4.** Appliquer Laplace à une transformation irréversible.",
            "**5.** Mettre P au lieu de P_ext dans le travail.",
        ],
        width=6.0,
        size=19,
    )
    _text(
        slide,
        [
            "**6.** Croire qu'adiabatique veut dire isotherme.",
            "**7.** Croire que l'entropie d'un système ne peut pas diminuer.",
            "**8.** Prendre la température du système au lieu de celle de la source.",
            "**9.** Donner un rendement supérieur à celui de Carnot.",
            "**10.** Oublier les unités, ou mêler bar et pascal.",
        ],
        x=6.8,
        width=6.0,
        size=19,
    )


def glossary(deck: Any) -> None:
    slide = _slide(deck, "Glossaire", "Le glossaire complet est à la fin des notes de cours.")
    _table(
        slide,
        [
            ("Terme", "Définition"),
            ("Adiabatique", "Sans échange de chaleur avec l'extérieur"),
            ("Covolume", "Volume propre des molécules d'un gaz réel, constante b de van der Waals"),
            ("Enthalpie", "H = U + P V ; sa variation est la chaleur reçue à pression constante"),
            ("Entropie", "Fonction d'état qui ne peut que croître dans un système isolé"),
            ("Quasi statique", "Assez lente pour que le système soit toujours en équilibre interne"),
            ("Thermostat", "Source de chaleur de température constante"),
            ("Valeur en eau", "Masse d'eau de même capacité thermique que le calorimètre"),
            ("Zéro absolu", "0 K, soit −273,15 °C"),
        ],
        widths=(1, 3.6),
        size=17,
    )


SLIDES: Sequence[Callable[[Any], None]] = (
    plan,
    system,
    variables,
    transformations,
    temperature,
    pressure,
    ideal_gas,
    isotherms,
    kinetic,
    real_gas,
    work,
    heat,
    capacities,
    first_law,
    enthalpy,
    joule_laws,
    laplace,
    adiabat,
    calorimetry,
    phases,
    why_second,
    second_law,
    entropies,
    boltzmann,
    engines,
    carnot,
    carnot_curve,
    carnot_cycle,
    otto,
    fridge,
    potentials,
    magnitudes,
    mistakes,
    glossary,
)
