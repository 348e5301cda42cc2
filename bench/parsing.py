"""What is read of documents, and how fast, beside the parsing libraries on the same files in the same run.

    python -m bench.parsing [--quick] [--json FILE]

Order and accents on the generated PDFs, whose words are known. Speed in processor time, which does not depend on what else the
machine does: the library alone takes the text of a page and the box of each character, as it must to tell where words are.
"""

from __future__ import annotations

import argparse
import ctypes
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from bench.citations import MANUALS
from bench.generated_pdfs import GoldPdf, fold, generate
from bench.report import Report
from parvis.corpora.parsing.document import Unit
from parvis.corpora.parsing.reading import Limits, read, read_bounded

Reader = Callable[[Path], str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Parsing")
    with tempfile.TemporaryDirectory() as folder:
        pdfs = generate(Path(folder), copies=1 if arguments.quick else 2)
        measure_order(report, pdfs)
        files = [Path(path) for path in MANUALS if Path(path).exists()] or [gold.path for gold in pdfs]
        measure_speed(report, files[:1] if arguments.quick else files)
        measure_memory(report, max(files, key=lambda file: file.stat().st_size))
    return report.finish(arguments.json)


def measure_order(report: Report, pdfs: list[GoldPdf]) -> None:
    """Words found in the order they are read in, whole, over all words; each layout against the better of two libraries."""
    readers: dict[str, Reader] = {"ours": _ours, "pdfium": _pdfium}
    if shutil.which("pdftotext"):
        readers["poppler"] = _poppler
    in_order: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    accents: dict[str, list[float]] = defaultdict(list)
    for gold in pdfs:
        words = [fold(word) for sentence in gold.sentences for word in sentence.text.split() if fold(word)]
        for name, reader in readers.items():
            text = reader(gold.path)
            in_order[gold.layout][name].append(_share_in_order(words, [fold(word) for word in text.split() if fold(word)]))
            if name == "ours":
                accents[gold.layout].append(_accented_share(gold, text))
    for layout, by_reader in in_order.items():
        ours = _mean(by_reader["ours"])
        others = {name: _mean(values) for name, values in by_reader.items() if name != "ours"}
        best = max(others, key=lambda name: others[name])
        note = ", ".join(f"{name} {value:.3f}" for name, value in others.items())
        report.row(
            f"words in order, {layout}: ours / best library", ours / others[best], ">= 0.998", note=f"ours {ours:.3f}, {note}"
        )
    report.row("words in order, all layouts", _mean(value for by in in_order.values() for value in by["ours"]), ">= 0.99")
    for layout, target in (("latex-t1", ">= 0.997"), ("latex-ot1", ">= 0.98")):
        if layout in accents:
            report.row(f"accented words right, {layout}", _mean(accents[layout]), target)
    report.row("accented words right, all layouts", _mean(value for values in accents.values() for value in values), ">= 0.99")


def measure_speed(report: Report, files: list[Path]) -> None:
    pages = ours = alone = text_only = 0.0
    for file in files:
        pages += len(pypdfium2.PdfDocument(file))
        ours += min(_seconds(lambda file=file: _ours(file)) for _ in range(2))  # type: ignore[misc]
        alone += min(_seconds(lambda file=file: _library(file, boxes=True)) for _ in range(2))  # type: ignore[misc]
        text_only += min(_seconds(lambda file=file: _library(file, boxes=False)) for _ in range(2))  # type: ignore[misc]
    note = (
        f"{pages / ours:.0f} and {pages / alone:.0f} pages a second of processor time; {len(files)} manuals, {pages:.0f} pages"
    )
    report.row("pages a second: ours / pdfium alone with boxes", alone / ours, ">= 0.7", note=note)
    report.row("pages a second: ours / pdfium alone, text only", text_only / ours, note="it gives no place to highlight")


def measure_memory(report: Report, file: Path) -> None:
    """The process that asks, while a child reads: what it holds after four readings over what one left."""
    _drain(file)
    first = _resident()
    for _ in range(3):
        _drain(file)
    report.row("memory of the parent after 3 more documents, over after 1", _resident() / first, "<= 1.05", note=file.name)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    report.row("largest child", peak, unit="MB", note="resident, at its most")


def _drain(file: Path) -> None:
    for _ in read_bounded(file, name=file.name, limits=Limits(), ocr=False):
        pass


def _ours(file: Path) -> str:
    parts = read(file, name=file.name, limits=Limits(), ocr=False)
    return "\n".join(part.text for part in parts if isinstance(part, Unit))


def _pdfium(file: Path) -> str:
    text = "\n".join(_library(file, boxes=False))
    return text.replace("\ufffe", "").replace("\x02", "")  # its own marks of a hyphen at the end of a line


def _poppler(file: Path) -> str:
    done = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def _library(file: Path, *, boxes: bool) -> list[str]:
    """pdfium through its C functions, without the wrapper, as we call it: neither side pays for what the other does not."""
    return list(_library_pages(file, boxes=boxes))


def _library_pages(file: Path, *, boxes: bool) -> Iterator[str]:
    document = pdfium.FPDF_LoadDocument(str(file).encode(), None)
    sides = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = map(ctypes.byref, sides)
    box = pdfium.FPDFText_GetCharBox
    for index in range(pdfium.FPDF_GetPageCount(document)):
        page = pdfium.FPDF_LoadPage(document, index)
        text = pdfium.FPDFText_LoadPage(page)
        count = pdfium.FPDFText_CountChars(text)
        buffer = (ctypes.c_ushort * (2 * count + 2))()
        written = pdfium.FPDFText_GetText(text, 0, count, buffer) - 1
        yield bytes(buffer)[: 2 * max(0, written)].decode("utf-16-le", "replace")
        if boxes:
            for place in range(count):
                box(text, place, left, right, bottom, top)
                _ = sides[0].value, sides[1].value, sides[2].value, sides[3].value
        pdfium.FPDFText_ClosePage(text)
        pdfium.FPDF_ClosePage(page)
    pdfium.FPDF_CloseDocument(document)


def _share_in_order(gold: list[str], found: list[str]) -> float:
    blocks = SequenceMatcher(None, gold, found, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(1, len(gold))


def _accented_share(gold: GoldPdf, text: str) -> float:
    wanted = Counter(word for sentence in gold.sentences for word in _words(sentence.text) if not word.isascii())
    return (wanted & Counter(_words(text))).total() / max(1, wanted.total())


def _words(text: str) -> list[str]:
    return [word.strip(".,;:").lower() for word in text.replace("’", "'").replace("'", " ").split()]


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _resident() -> float:
    return float(
        next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]
    )


def _mean(values: object) -> float:
    numbers = [float(value) for value in values]  # type: ignore[attr-defined]
    return sum(numbers) / len(numbers) if numbers else float("nan")


if __name__ == "__main__":
    sys.exit(main())
