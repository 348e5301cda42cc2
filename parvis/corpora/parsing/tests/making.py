"""Small real files, made by the tests that read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

PROSE = (
    "Le jury se réunit à la fin de chaque semestre et délibère souverainement sur les résultats des étudiants. "
    "Une note inférieure à sept sur vingt est éliminatoire dans les unités fondamentales de la mention. "
    "Les candidats absents pour un motif reconnu composent à nouveau lors de la session de rattrapage."
)


def pdf(path: Path, draw: Callable[[Canvas], object], *, password: str = "", size: tuple[float, float] = (595, 842)) -> Path:
    """A PDF drawn by `draw`; positions are from the bottom left."""
    from reportlab.lib.pdfencrypt import StandardEncryption

    canvas = Canvas(str(path), pagesize=size, encrypt=StandardEncryption(password) if password else None)
    draw(canvas)
    canvas.save()
    return path


def wrap(text: str, width: float, font: str = "Helvetica", size: float = 11) -> list[str]:
    lines, current = list[str](), ""
    for word in text.split():
        longer = f"{current} {word}".strip()
        if pdfmetrics.stringWidth(longer, font, size) > width and current:
            lines.append(current)
            current = word
        else:
            current = longer
    return [*lines, current]


def write(
    canvas: Canvas,
    text: str,
    *,
    x: float = 72,
    y: float = 770,
    width: float = 450,
    font: str = "Helvetica",
    size: float = 11,
) -> float:
    """A paragraph set in lines; gives the height where the next may begin."""
    canvas.setFont(font, size)
    for line in wrap(text, width, font, size):
        canvas.drawString(x, y, line)
        y -= 1.25 * size
    return y - 0.8 * size


def zipped(members: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()
