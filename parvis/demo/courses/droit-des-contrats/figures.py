"""The five diagrams of the contract-law course, drawn as SVG."""

# ruff: noqa: E501 — a shape and its words are read best on one line.

from __future__ import annotations

from html import escape

INK, SOFT, LINE, ACCENT = "#1d2433", "#eef1f7", "#8b95a8", "#7a2e2e"


def all_figures() -> dict[str, str]:
    return {
        "chronologie": chronology(),
        "formation": formation(),
        "nullite": nullity(),
        "imprevision": hardship(),
        "stipulation": third_party(),
        "sanctions": remedies(),
        "prescription": limitation(),
    }


def chronology() -> str:
    events = [
        (1804, "Code civil", "21 mars", 0),
        (1876, "Canal de Craponne", "6 mars", 1),
        (1916, "Gaz de Bordeaux", "30 mars", 0),
        (1978, "Loi sur les", "clauses abusives", 1),
        (1996, "Chronopost", "22 octobre", 0),
        (2008, "Prescription", "17 juin", 1),
        (2016, "Ordonnance", "10 février", 0),
        (2018, "Ratification", "20 avril", 1),
    ]
    parts = [_line(20, 80, 660, 80, 2)]
    for n, (year, name, date, below) in enumerate(events):
        x = 55 + n * 81
        y = 80
        parts.append(f'<circle cx="{x}" cy="{y}" r="5" fill="{ACCENT}"/>')
        text_y = 112 if below else 30
        parts.append(_line(x, y + (5 if below else -5), x, text_y - 12 if below else text_y + 24, 0.8))
        parts.append(_text(x, text_y, str(year), 13, bold=True))
        parts.append(
            _text(x, text_y + 14, name, 9.5) + _text(x, text_y + (26 if below else 0) + (0 if below else -14), date, 9.5)
        )
    return _svg(680, 145, parts)


def formation() -> str:
    steps = [
        ("Pourparlers", "libres, de bonne foi", "1112"),
        ("Avant-contrat", "préférence, promesse", "1123, 1124"),
        ("Offre", "précise et ferme", "1114"),
        ("Acceptation", "pure et simple", "1118"),
        ("Contrat", "à la réception", "1121"),
    ]
    parts = []
    for n, (name, note, article) in enumerate(steps):
        x = 8 + n * 134
        parts.append(_box(x, 20, 114, 62, [name, note, f"art. {article}"], strong=n == 4))
        if n < 4:
            parts.append(_arrow(x + 114, 51, x + 133, 51))
    parts.append(_text(65, 104, "faute : frais seulement", 9.5, color=ACCENT))
    parts.append(_text(199, 104, "contrat préparatoire", 9.5, color=ACCENT))
    parts.append(_text(333, 104, "rétractation : art. 1116", 9.5, color=ACCENT))
    parts.append(_text(467, 104, "silence : art. 1120", 9.5, color=ACCENT))
    parts.append(_text(601, 104, "force obligatoire", 9.5, color=ACCENT))
    return _svg(680, 116, parts)


def nullity() -> str:
    parts = [
        _box(190, 8, 300, 40, ["Une condition de validité manque (art. 1178)"]),
        _arrow(340, 48, 340, 70),
        _box(190, 70, 300, 40, ["Quel intérêt la règle violée protège-t-elle ?"]),
        _arrow(250, 110, 150, 140),
        _arrow(430, 110, 530, 140),
        _text(160, 124, "intérêt général", 10, color=ACCENT),
        _text(520, 124, "intérêt privé seul", 10, color=ACCENT),
        _box(
            20,
            140,
            270,
            84,
            ["Nullité absolue (art. 1180)", "tout intéressé, ministère public", "pas de confirmation", "cinq ans"],
            strong=True,
        ),
        _box(
            390,
            140,
            270,
            84,
            ["Nullité relative (art. 1181)", "la partie protégée", "confirmation possible (art. 1182)", "cinq ans"],
            strong=True,
        ),
    ]
    return _svg(680, 232, parts)


def hardship() -> str:
    parts = [
        _box(8, 10, 200, 66, ["Trois conditions", "imprévisible", "excessivement onéreux", "risque non accepté"]),
        _arrow(208, 43, 236, 43),
        _box(236, 10, 190, 66, ["Renégociation", "demandée au cocontractant", "l’exécution continue"]),
        _arrow(426, 43, 454, 43),
        _box(454, 10, 216, 66, ["Refus ou échec", "résolution amiable, ou", "adaptation demandée ensemble"]),
        _arrow(562, 76, 562, 104),
        _text(610, 95, "délai raisonnable", 9.5, color=ACCENT),
        _box(454, 104, 216, 48, ["Le juge, saisi par une partie", "révise ou met fin au contrat"], strong=True),
    ]
    return _svg(680, 160, parts)


def third_party() -> str:
    parts = [
        _box(30, 20, 170, 44, ["Stipulant"]),
        _box(480, 20, 170, 44, ["Promettant"]),
        _box(255, 120, 170, 44, ["Bénéficiaire"], strong=True),
        _arrow(200, 42, 480, 42),
        _text(340, 34, "contrat (art. 1205)", 10),
        _arrow(540, 64, 425, 128),
        _text(530, 112, "prestation, droit direct (art. 1206)", 10, color=ACCENT),
        _arrow(140, 64, 255, 128),
        _text(142, 112, "libéralité ou dette", 10, color=ACCENT),
    ]
    return _svg(680, 172, parts)


def remedies() -> str:
    names = [
        ("Exception", "d’inexécution", "1219, 1220"),
        ("Exécution forcée", "ou remplacement", "1221, 1222"),
        ("Réduction", "du prix", "1223"),
        ("Résolution", "trois voies", "1224 à 1230"),
        ("Réparation", "dommages et intérêts", "1231 à 1231-7"),
    ]
    parts = [_box(240, 6, 200, 34, ["Inexécution du contrat"], strong=True)]
    for n, (name, note, articles) in enumerate(names):
        x = 6 + n * 135
        parts.append(_arrow(340, 40, x + 62, 72))
        parts.append(_box(x, 72, 126, 64, [name, note, f"art. {articles}"]))
    parts.append(
        _text(340, 156, "La réparation peut toujours s’ajouter aux autres sanctions (art. 1217, al. 2).", 10.5, color=ACCENT)
    )
    return _svg(680, 164, parts)


def limitation() -> str:
    def bar(y: int, spans: list[tuple[int, int, str, str]], label: str) -> str:
        drawn = [_text(10, y - 8, label, 10.5, bold=True, anchor="start")]
        for x, width, fill, words in spans:
            drawn.append(f'<rect x="{x}" y="{y}" width="{width}" height="24" fill="{fill}" stroke="{LINE}"/>')
            drawn.append(_text(x + width / 2, y + 16, words, 10))
        return "".join(drawn)

    parts = [
        bar(24, [(10, 470, SOFT, "5 ans")], "Sans incident"),
        bar(
            78,
            [(10, 188, SOFT, "2 ans"), (198, 141, "#f5dfd3", "suspension : 18 mois"), (339, 282, SOFT, "3 ans restants")],
            "Suspension (art. 2230) : le délai couru est gardé",
        ),
        bar(
            132,
            [(10, 188, SOFT, "2 ans effacés"), (198, 470, "#dfe9da", "5 ans nouveaux")],
            "Interruption (art. 2231) : le délai couru est effacé",
        ),
        _text(198, 172, "demande en justice", 9.5, color=ACCENT),
    ]
    return _svg(680, 180, parts)


def _svg(width: int, height: int, parts: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="Nimbus Sans, Liberation Sans, sans-serif">'
    marker = f'<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{INK}"/></marker></defs>'
    return head + marker + "".join(parts) + "</svg>"


def _text(x: float, y: float, words: str, size: float, *, bold: bool = False, color: str = INK, anchor: str = "middle") -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{color}"{weight}>{escape(words)}</text>'


def _line(x0: float, y0: float, x1: float, y1: float, width: float) -> str:
    return f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{LINE}" stroke-width="{width}"/>'


def _arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{INK}" stroke-width="1.2" marker-end="url(#head)"/>'


def _box(x: float, y: float, width: float, height: float, lines: list[str], *, strong: bool = False) -> str:
    stroke, thick = (ACCENT, 1.6) if strong else (LINE, 1)
    drawn = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{SOFT}" stroke="{stroke}" stroke-width="{thick}"/>'
    ]
    first = y + height / 2 - (len(lines) - 1) * 7.5 + 4
    for n, line in enumerate(lines):
        drawn.append(_text(x + width / 2, first + n * 15, line, 11.5 if n == 0 else 10, bold=n == 0))
    return "".join(drawn)
