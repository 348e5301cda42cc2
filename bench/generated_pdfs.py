"""Twenty-two French PDFs of which every word is known: its page, and its box as the page is displayed.

Eleven layouts, each set twice from different prose: one column; two columns, drawn one after the other or row by row; tables;
pages turned by /Rotate; text drawn sideways; ligature characters; running headers; boxes drawn before the text above them;
and, where pdflatex is installed, LaTeX in two columns with OT1 and T1 fonts (accents as separate marks in the first). What
LaTeX placed is read by poppler, which is not what is measured.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1, from the top left

WIDTH, HEIGHT = 595.0, 842.0


@dataclass(slots=True)
class GoldWord:
    """A word as it is spelled, with a box for each of its parts."""

    text: str
    page: int
    boxes: list[Rectangle]


@dataclass(slots=True)
class GoldSentence:
    text: str
    words: list[GoldWord] = field(default_factory=list)

    @property
    def pages(self) -> set[int]:
        return {word.page for word in self.words}


@dataclass(slots=True)
class GoldPdf:
    layout: str
    path: Path
    sentences: list[GoldSentence]


def generate(folder: Path, copies: int = 2) -> list[GoldPdf]:
    made = [
        make(folder / f"{name}-{copy}.pdf", name, copy)
        for copy in range(copies)
        for name, make in LAYOUTS.items()
        if name not in LATEX or (shutil.which("pdflatex") and shutil.which("pdftotext"))
    ]
    return made


def prose(chance: random.Random, count: int) -> list[str]:
    """Sentences of 12 to 30 words, none twice. They mean what a regulation means, give or take."""
    said: dict[str, None] = {}
    while len(said) < count:
        number = chance.randrange(2, 400)
        sentence = chance.choice(_FRAMES).format(
            who=chance.choice(_WHO),
            does=chance.choice(_DOES),
            what=chance.choice(_WHAT),
            when=chance.choice(_WHEN),
            why=chance.choice(_WHY),
            number=number,
            other=chance.choice(_WHO),
        )
        said[sentence[0].upper() + sentence[1:]] = None
    return list(said)


_FRAMES = [
    "{when}, {who} {does} {what} dans un délai de {number} jours, {why}.",
    "l’article {number} prévoit que {who} {does} {what} {when}, {why}.",
    "{who} {does} {what} {when} ; toutefois, {other} peut s’y opposer {why}.",
    "selon la délibération n° {number}, {who} {does} {what}, {why}, et {other} en est informé {when}.",
    "{why}, {who} {does} {what} ; il en résulte {number} décisions affichées {when}.",
]
_WHO = [
    "le jury de la mention",
    "la commission pédagogique",
    "l’étudiante déléguée",
    "le conseil académique",
    "la directrice des études",
    "le service de la scolarité",
    "l’équipe enseignante",
    "la présidente de l’université",
    "le référent handicap",
    "l’œuvre universitaire",
    "le coordonnateur du réseau",
    "la médiatrice de l’établissement",
]
_DOES = [
    "vérifie",
    "réexamine",
    "publie",
    "homologue",
    "transmet",
    "modifie",
    "complète",
    "approuve",
    "conserve",
    "authentifie",
    "reconsidère",
    "diffuse",
]
_WHAT = [
    "les modalités de contrôle des connaissances",
    "le relevé définitif des résultats",
    "la convention d’aménagement des épreuves",
    "les procès-verbaux de délibération",
    "la difficulté relevée lors de l’affichage officiel",
    "le calendrier différencié des évaluations",
    "l’inventaire des œuvres numérisées",
    "les justificatifs d’assiduité",
    "la fiche synthétique du parcours",
    "les crédits européens capitalisés",
    "le coefficient affecté à chaque matière",
    "la réinscription administrative des redoublants",
]
_WHEN = [
    "au début du semestre",
    "avant la session de rattrapage",
    "dès la rentrée solennelle",
    "à l’issue des délibérations",
    "pendant la période d’inscription",
    "au plus tard en février",
    "après l’affichage des notes",
    "lors de la réunion plénière",
    "quinze jours avant les épreuves",
    "chaque année à l’automne",
]
_WHY = [
    "afin de garantir l’égalité des candidats",
    "sauf dérogation expressément accordée",
    "conformément à l’arrêté ministériel",
    "sous réserve d’un motif légitime",
    "pour que chacun puisse être entendu",
    "à défaut d’accord amiable",
    "compte tenu des effectifs prévisionnels",
    "dans le respect de la confidentialité",
    "en cas d’empêchement dûment justifié",
    "même lorsque l’affluence est exceptionnelle",
]


# --- setting


@dataclass(slots=True)
class _Piece:
    """What stands on a line of one word: the whole of it, or a part with its hyphen."""

    word: GoldWord
    text: str


class _Setter:
    """Sets words in lines of a width, keeps where it put them. `place` turns a box as set into one as displayed."""

    def __init__(
        self, path: Path, layout: str, *, ligatures: bool = False, size: tuple[float, float] = (WIDTH, HEIGHT)
    ) -> None:
        self.canvas = Canvas(str(path), pagesize=size)
        self.gold = GoldPdf(layout, path, [])
        self.page = 1
        self.font, self.size = _font(), 10.0
        self.ligatures = ligatures
        self.place: Callable[[Rectangle], Rectangle] = lambda box: box

    def sentences(self, texts: list[str]) -> list[GoldWord]:
        words: list[GoldWord] = []
        for text in texts:
            sentence = GoldSentence(text, [GoldWord(word, 0, []) for word in text.split()])
            self.gold.sentences.append(sentence)
            words.extend(sentence.words)
        return words

    def lines(self, words: list[GoldWord], width: float) -> list[list[_Piece]]:
        lines: list[list[_Piece]] = [[]]
        used = 0.0
        space = self.width(" ")
        for word in words:
            text = word.text
            needed = self.width(text) + (space if lines[-1] else 0)
            if used + needed > width and lines[-1]:
                room = width - used - space
                head, tail = self._broken(text, room)
                if head:
                    lines[-1].append(_Piece(word, head + "-"))
                lines.append([])
                used, needed, text = 0.0, self.width(tail), tail
            lines[-1].append(_Piece(word, text))
            used += needed
        return lines

    def draw(self, line: list[_Piece], x: float, y: float, width: float | None) -> None:
        """One line with its baseline at `y` from the bottom, justified to `width` if given."""
        gap = self.width(" ")
        if width is not None and len(line) > 1:
            gap = (width - sum(self.width(piece.text) for piece in line)) / (len(line) - 1)
        self.canvas.setFont(self.font, self.size)
        ascent, descent = pdfmetrics.getAscentDescent(self.font, self.size)
        for piece in line:
            advance = self.width(piece.text)
            self.canvas.drawString(x, y, self._shown(piece.text))
            piece.word.page = piece.word.page or self.page
            top = HEIGHT - y - ascent
            piece.word.boxes.append(self.place((x, top, x + advance, HEIGHT - y - descent)))
            x += advance + gap

    def block(self, words: list[GoldWord], x: float, y: float, width: float) -> float:
        """A justified paragraph from `y` down; gives where it ends."""
        lines = self.lines(words, width)
        for number, line in enumerate(lines):
            self.draw(line, x, y, width if number < len(lines) - 1 else None)
            y -= 1.3 * self.size
        return y

    def turn_page(self) -> None:
        self.canvas.showPage()
        self.page += 1

    def done(self) -> GoldPdf:
        self.canvas.save()
        return self.gold

    def width(self, text: str) -> float:
        return float(pdfmetrics.stringWidth(self._shown(text), self.font, self.size))

    def _shown(self, text: str) -> str:
        return text.replace("ffi", "ﬃ").replace("ff", "ﬀ").replace("fi", "ﬁ").replace("fl", "ﬂ") if self.ligatures else text

    def _broken(self, text: str, room: float) -> tuple[str, str]:
        """The word cut after a syllable that leaves three letters on each side, as far right as the room allows."""
        for found in reversed(list(_SYLLABLE.finditer(text))):
            place = found.end() - 1
            if 3 <= place <= len(text) - 4 and self.width(text[:place] + "-") <= room:
                return text[:place], text[place:]
        return "", text


_SYLLABLE = re.compile("[aeiouyéèêœàâ][bcdfgjklmnpqrstvz](?=[aeiouyéèêœàâ])")


def _font() -> str:
    for name in ("DejaVuSerif", "LiberationSerif-Regular"):
        for folder in ("/usr/share/fonts/truetype/dejavu", "/usr/share/fonts/truetype/liberation"):
            if (path := Path(folder) / f"{name}.ttf").exists():
                if name not in pdfmetrics.getRegisteredFontNames():
                    pdfmetrics.registerFont(TTFont(name, str(path)))
                return name
    return "Times-Roman"


def _paragraphs(seed: str, pages: int, per_page: int, length: int = 3) -> Iterator[list[list[str]]]:
    """Pages of paragraphs of `length` sentences."""
    texts = prose(random.Random(seed), pages * per_page * length)
    for page in range(pages):
        start = page * per_page * length
        yield [texts[start + place * length : start + (place + 1) * length] for place in range(per_page)]


def _one_column(path: Path, layout: str, copy: int) -> GoldPdf:
    setter = _Setter(path, layout, ligatures=layout == "ligatures")
    for number, page in enumerate(_paragraphs(f"{layout}{copy}", 4, 5)):
        if layout == "headers":
            setter.canvas.setFont(setter.font, 8)
            setter.canvas.drawString(70, 805, "Règlement des études")
            setter.canvas.drawRightString(525, 805, f"Chapitre {number // 2 + 1}")
            setter.canvas.drawCentredString(297, 40, str(number + 1))
        setter.canvas.setFont(setter.font, 15)
        setter.canvas.drawString(70, 760, f"{number + 1}. Dispositions générales")
        y = 730.0
        for paragraph in page:
            y = setter.block(setter.sentences(paragraph), 70, y, 455) - 8
        setter.turn_page()
    return setter.done()


def _two_columns(path: Path, layout: str, copy: int) -> GoldPdf:
    setter = _Setter(path, layout)
    setter.size = 9.5
    for page in _paragraphs(f"{layout}{copy}", 4, 6):
        for column in (0, 1):
            y = 770.0
            for paragraph in page[3 * column : 3 * column + 3]:
                y = setter.block(setter.sentences(paragraph), 60 + 250 * column, y, 225) - 8
        setter.turn_page()
    return setter.done()


def _row_by_row(path: Path, layout: str, copy: int) -> GoldPdf:
    setter = _Setter(path, layout)
    setter.size = 9.5
    for page in _paragraphs(f"{layout}{copy}", 4, 2, 9):
        columns = [setter.lines(setter.sentences(texts), 225) for texts in page]
        for row in range(max(map(len, columns))):
            for column, lines in enumerate(columns):
                if row < len(lines):
                    setter.draw(lines[row], 60 + 250 * column, 770 - 12.4 * row, 225 if row < len(lines) - 1 else None)
        setter.turn_page()
    return setter.done()


def _tables(path: Path, layout: str, copy: int) -> GoldPdf:
    """Between paragraphs, a table whose last column is a sentence over two or three lines."""
    setter = _Setter(path, layout)
    chance = random.Random(f"{layout}{copy}")
    for page in _paragraphs(f"{layout}{copy}", 4, 3):
        y = setter.block(setter.sentences(page[0]), 70, 770, 455) - 12
        for text in page[1]:
            setter.canvas.setFont(setter.font, setter.size)
            setter.canvas.drawString(70, y, f"UE {chance.randrange(10, 99)}")
            setter.canvas.drawString(130, y, f"{chance.randrange(2, 12)} crédits")
            y = setter.block(setter.sentences([text]), 210, y, 315) - 6
        setter.block(setter.sentences(page[2]), 70, y - 12, 455)
        setter.turn_page()
    return setter.done()


def _turned_pages(path: Path, layout: str, copy: int) -> GoldPdf:
    """/Rotate 90, 180, 270: reportlab lays the sheet down for 90 and 270."""
    setter = _Setter(path, layout)
    for number, page in enumerate(_paragraphs(f"{layout}{copy}", 3, 2)):
        rotation = (90, 180, 270)[number]
        setter.canvas.setPageRotation(rotation)
        setter.place = {90: _quarter, 180: _half, 270: _three_quarters}[rotation]
        y = 500.0
        for paragraph in page:
            y = setter.block(setter.sentences(paragraph), 70, y, 455) - 8
        setter.turn_page()
    return setter.done()


def _quarter(box: Rectangle) -> Rectangle:
    """As set, boxes count from the top of an upright page; the sheet lies, 842 × 595, and is then turned clockwise."""
    x0, y0, x1, y1 = box
    return HEIGHT - y1, x0, HEIGHT - y0, x1


def _half(box: Rectangle) -> Rectangle:
    x0, y0, x1, y1 = box
    return WIDTH - x1, HEIGHT - y1, WIDTH - x0, HEIGHT - y0


def _three_quarters(box: Rectangle) -> Rectangle:
    x0, y0, x1, y1 = box
    return WIDTH - (HEIGHT - y0), HEIGHT - x1, WIDTH - (HEIGHT - y1), HEIGHT - x0


def _sideways(path: Path, layout: str, copy: int) -> GoldPdf:
    """A landscape page put on an upright sheet: the text runs upwards."""
    setter = _Setter(path, layout)
    for page in _paragraphs(f"{layout}{copy}", 3, 2):
        setter.canvas.translate(WIDTH, 0)
        setter.canvas.rotate(90)
        setter.place = _upwards
        y = 500.0
        for paragraph in page:
            y = setter.block(setter.sentences(paragraph), 70, y, 700) - 8
        setter.turn_page()
    return setter.done()


def _upwards(box: Rectangle) -> Rectangle:
    """A point (x, y from the bottom) is drawn at (595 − y, x from the bottom)."""
    x0, y0, x1, y1 = box
    return WIDTH - (HEIGHT - y0), HEIGHT - x1, WIDTH - (HEIGHT - y1), HEIGHT - x0


def _boxes_first(path: Path, layout: str, copy: int) -> GoldPdf:
    """What must not break over pages is drawn before the text it stands in."""
    setter = _Setter(path, layout)
    for page in _paragraphs(f"{layout}{copy}", 4, 4):
        words = [setter.sentences(paragraph) for paragraph in page]
        setter.block(words[2], 90, 520, 415)
        setter.block(words[0], 70, 770, 455)
        setter.block(words[1], 70, 650, 455)
        setter.block(words[3], 70, 390, 455)
        setter.turn_page()
    return setter.done()


def _latex(path: Path, layout: str, copy: int) -> GoldPdf:
    texts = [paragraph for page in _paragraphs(f"{layout}{copy}", 3, 9) for paragraph in page]
    fonts = r"\usepackage[T1]{fontenc}\usepackage{mathptmx}" if layout == "latex-t1" else r"\usepackage[OT1]{fontenc}"
    body = "\n\n".join(" ".join(paragraph) for paragraph in texts).replace("œ", r"\oe{}").replace("’", "'").replace("n°", "no")
    source = (
        r"\documentclass[twocolumn,a4paper]{article}\usepackage[utf8]{inputenc}"
        + fonts
        + r"\usepackage[french]{babel}\begin{document}"
        + body
        + r"\end{document}"
    )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.tex").write_text(source)
        command = ["pdflatex", "-interaction=batchmode", "a.tex"]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False, timeout=120)
        path.write_bytes((Path(folder) / "a.pdf").read_bytes())
    sentences = [GoldSentence(text.replace("’", "'").replace("n°", "no")) for paragraph in texts for text in paragraph]
    _place_by_poppler(path, sentences)
    return GoldPdf(layout, path, [sentence for sentence in sentences if sentence.words])


def _place_by_poppler(path: Path, sentences: list[GoldSentence]) -> None:
    """LaTeX does not say where it puts words: poppler does. Sentences it does not find in order are not asked."""
    listing = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True).stdout.decode()
    found: list[GoldWord] = []
    page = 0
    for match in re.finditer(
        r'<page |<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>', listing
    ):
        if match.group(5) is None:
            page += 1
        else:
            box = float(match[1]), float(match[2]), float(match[3]), float(match[4])
            found.append(GoldWord(unescape(match[5]), page, [box]))
    letters = [(char, place) for place, word in enumerate(found) for char in fold(word.text)]
    text = "".join(char for char, _ in letters)
    for sentence in sentences:
        wanted = fold(sentence.text)
        start = text.find(wanted)
        if start >= 0:
            places = sorted({place for _, place in letters[start : start + len(wanted)]})
            sentence.words = [found[place] for place in places]


def fold(text: str) -> str:
    """Letters and digits only, without accents or case: what does not depend on how a page is set."""
    return "".join(char for char, _ in folded(text))


def folded(text: str) -> list[tuple[str, int]]:
    """The same, each with the offset it comes from."""
    import unicodedata

    pairs: list[tuple[str, int]] = []
    for place, char in enumerate(text):
        for part in unicodedata.normalize("NFKD", char.lower().replace("œ", "oe").replace("æ", "ae").replace("°", "o")):
            if part.isalnum():
                pairs.append((part, place))
    return pairs


LATEX = ("latex-ot1", "latex-t1")
LAYOUTS: dict[str, Callable[[Path, str, int], GoldPdf]] = {
    "one-column": _one_column,
    "two-columns": _two_columns,
    "row-by-row": _row_by_row,
    "tables": _tables,
    "turned-pages": _turned_pages,
    "sideways": _sideways,
    "ligatures": _one_column,
    "headers": _one_column,
    "boxes-first": _boxes_first,
    "latex-ot1": _latex,
    "latex-t1": _latex,
}
