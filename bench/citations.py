"""Citations that open the right page with the right words highlighted: on generated PDFs, and on manuals as Debian ships them.

    python -m bench.citations [--quick] [--json FILE]

On the generated ones a sentence is looked for by its letters, then its boxes are compared with those of the words as set. On
the manuals poppler is the judge: sentences are drawn from what it reads on a page, and must be found on that page.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.generated_pdfs import GoldSentence, Rectangle, fold, folded, generate
from bench.report import Report
from parvis.corpora.parsing.document import Unit
from parvis.corpora.parsing.locate import boxes_for
from parvis.corpora.parsing.reading import Limits, Unreadable, read, read_bounded

QUESTIONS, QUICK_QUESTIONS = 200, 60
MANUALS = (
    "/usr/share/debian-reference/debian-reference.fr.pdf",
    "/usr/share/doc/maint-guide-fr/maint-guide.fr.pdf",
    "/usr/share/developers-reference/fr/developers-reference.pdf",
)
PAGES_OF_WEB = ("/usr/share/doc/debian-handbook/html/fr-FR", "/usr/share/doc/maint-guide-fr/html")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    questions = QUICK_QUESTIONS if arguments.quick else QUESTIONS
    report = Report("Citations")
    measure_generated(report, questions)
    measure_manuals(report, questions)
    return report.finish(arguments.json)


def measure_generated(report: Report, questions: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pdfs = generate(Path(folder))
        chance = random.Random(7)
        outcomes: dict[str, list[tuple[bool, bool, float, float]]] = defaultdict(list)
        for place, gold in enumerate(pdfs):
            units = units_of(gold.path)
            asked = [sentence for sentence in gold.sentences if len(sentence.pages) == 1 and sentence.words]
            count = questions * (place + 1) // len(pdfs) - questions * place // len(pdfs)
            for sentence in chance.sample(asked, min(count, len(asked))):
                outcomes[gold.layout].append(_asked(sentence, units))
    everything = [outcome for layout in outcomes.values() for outcome in layout]
    asked_count = len(everything)
    report.row("generated PDFs", len(pdfs), note=", ".join(outcomes))
    report.row("sentences located", _mean(o[0] for o in everything), ">= 0.96", note=f"{asked_count} sentences")
    report.row("page right", _mean(o[1] for o in everything), ">= 0.98", note=f"{asked_count} sentences")
    found = [outcome for outcome in everything if outcome[1]]
    report.row(
        "highlight covers the words", _mean(o[2] for o in found), ">= 0.8", note="share of the area of the words as set"
    )
    report.row("highlight over union with the words", _mean(o[3] for o in found), ">= 0.8", note="intersection over union")
    report.row("sentences whose highlight covers ≥ 0.8", _mean(o[2] >= 0.8 for o in found), ">= 0.98")
    worst = min(outcomes, key=lambda layout: _mean(o[3] for o in outcomes[layout]))
    report.row("worst layout, highlight over union", _mean(o[3] for o in outcomes[worst]), note=worst)


def measure_manuals(report: Report, questions: int) -> None:
    manuals = [Path(path) for path in MANUALS if Path(path).exists()]
    if not manuals or not shutil.which("pdftotext"):
        report.row(
            "Debian manuals",
            0,
            note="not installed: apt-get install maint-guide-fr debian-reference-fr developers-reference-fr",
        )
        return
    located = right = asked = pages = 0
    chance = random.Random(11)
    for manual in manuals:
        units = units_of(manual)
        pages += len(units)
        letters = [fold(unit.text) for unit in units]
        judged = _poppler_pages(manual)
        sentences = [(number, sentence) for number, text in enumerate(judged, 1) for sentence in _sentences(text)]
        for number, sentence in chance.sample(sentences, min(len(sentences), questions // len(manuals) + 1)):
            wanted = fold(sentence)
            places = [place + 1 for place, text in enumerate(letters) if wanted in text]
            asked += 1
            located += bool(places)
            right += number in places
    report.row("Debian manuals, pages read", pages, note=", ".join(manual.name for manual in manuals))
    report.row(
        "Debian manuals, sentences located", located / asked, ">= 0.96", note=f"{asked} sentences as poppler reads them"
    )
    report.row("Debian manuals, on the page poppler says", right / max(1, located), ">= 0.98")
    _measure_web(report)


def _measure_web(report: Report) -> None:
    files = [file for folder in PAGES_OF_WEB for file in sorted(Path(folder).glob("*.htm*"))]
    files += [Path("/usr/share/developers-reference/fr/developers-reference.epub")]
    refused, words = 0, 0
    for file in filter(Path.exists, files):
        try:
            for part in read(file, name=file.name, limits=Limits(), ocr=False):
                words += len(part.text.split()) if isinstance(part, Unit) else 0
        except Unreadable:
            refused += 1
    report.row("Debian manuals in HTML and EPUB, files refused", refused, "<= 0", note=f"{len(files)} files, {words:,} words")
    original = Path("/usr/share/doc/maint-guide-fr/maint-guide.fr.txt.gz")
    if original.exists():
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder) / "guide.txt"
            plain.write_bytes(gzip.decompress(original.read_bytes()))
            units = sum(isinstance(part, Unit) for part in read(plain, name=plain.name, limits=Limits(), ocr=False))
        report.row("a manual as plain text, sections", units)


def units_of(path: Path) -> list[Unit]:
    parts = read_bounded(path, name=path.name, limits=Limits(), ocr=False)
    return [part for part in parts if isinstance(part, Unit)]


def _asked(sentence: GoldSentence, units: Sequence[Unit]) -> tuple[bool, bool, float, float]:
    """Found anywhere; found on its page; the share of its words' area highlighted; intersection over union."""
    page = next(iter(sentence.pages))
    wanted = fold(sentence.text)
    found = False
    for unit in units:
        letters = folded(unit.text)
        start = "".join(char for char, _ in letters).find(wanted)
        if start < 0:
            continue
        found = True
        if unit.number == page:
            begin, end = letters[start][1], letters[start + len(wanted) - 1][1] + 1
            boxes = [(box.x0, box.y0, box.x1, box.y1) for box in boxes_for(unit.words, begin, end)]
            return True, True, *_overlap(boxes, _lines(sentence))
    return found, False, 0.0, 0.0


def _lines(sentence: GoldSentence) -> list[Rectangle]:
    """The words as set, with the white between two on one line: a highlight is drawn line by line."""
    long = [word.boxes[0] for word in sentence.words if len(word.text) >= 4]
    runs_down = 2 * sum(y1 - y0 > x1 - x0 for x0, y0, x1, y1 in long) > len(long)
    lines: list[Rectangle] = []
    for box in (box for word in sentence.words for box in word.boxes):
        if lines and _on_one_line(lines[-1], box, runs_down):
            before = lines.pop()
            box = min(before[0], box[0]), min(before[1], box[1]), max(before[2], box[2]), max(before[3], box[3])
        lines.append(box)
    return lines


def _on_one_line(before: Rectangle, box: Rectangle, runs_down: bool) -> bool:
    along, across = (1, 0) if runs_down else (0, 1)
    thickness = min(before[across + 2] - before[across], box[across + 2] - box[across])
    overlap = min(before[across + 2], box[across + 2]) - max(before[across], box[across])
    gap = max(box[along] - before[along + 2], before[along] - box[along + 2])
    return overlap > 0.7 * thickness and gap < 1.5 * thickness


def _overlap(boxes: Sequence[Rectangle], gold: Sequence[Rectangle]) -> tuple[float, float]:
    seen, known = _cells(boxes), _cells(gold)
    common = len(seen & known)
    return common / max(1, len(known)), common / max(1, len(seen | known))


def _cells(boxes: Sequence[Rectangle]) -> set[tuple[int, int]]:
    """Half-point squares."""
    return {
        (x, y)
        for x0, y0, x1, y1 in boxes
        for x in range(round(2 * x0), round(2 * x1))
        for y in range(round(2 * y0), round(2 * y1))
    }


def _poppler_pages(path: Path) -> list[str]:
    done = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace").split("\f")[:-1]


def _sentences(text: str) -> list[str]:
    """Prose only: from a capital to a full stop, 8 to 40 words, over lines that end where words do."""
    joined = re.sub(r"[-‐]\n(?=[a-zéèêàç])", "", text).replace("\n", " ")
    found = re.findall(r"(?<=[.!?] )[A-ZÉÈÀÇ][^.!?|]{40,400}\.(?= [A-ZÉÈÀÇ])", joined)
    return [sentence for sentence in found if 8 <= len(sentence.split()) <= 40]


def _mean(values: object) -> float:
    numbers = [float(value) for value in values]  # type: ignore[attr-defined]
    return sum(numbers) / len(numbers) if numbers else float("nan")


if __name__ == "__main__":
    sys.exit(main())
