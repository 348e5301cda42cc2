"""Makes the files of the three demonstration courses from their sources.

    SOURCE_DATE_EPOCH=1735689600 python -m parvis.demo.courses.build [law|physics|rules]

The PDF files need the `weasyprint` command (footnotes, running headers, page numbers in the table of contents) and the
URW base 35 fonts; the built files are committed, so nobody who only runs Parvis needs either.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from parvis.demo.courses import odt, word
from parvis.demo.courses.typeset import Book, body, contents, index_of_articles

HERE = Path(__file__).parent
EPOCH = "1735689600"  # 1 January 2025: the same sources give the same files


def main() -> None:
    wanted = sys.argv[1:] or ["law", "physics", "rules"]
    for name in wanted:
        {"law": law, "physics": physics, "rules": rules}[name]()


def law() -> None:
    folder = HERE / "droit-des-contrats"
    book = Book(figures=_module(folder / "figures.py").all_figures())
    *sources, last = (path.read_text("utf-8") for path in sorted((folder / "source").glob("*.md")))
    chapters = [body(source, book) for source in sources]
    book.annex = True
    annexes = f'<div class="long">{body(last, book)}</div>'
    index = (
        _heading("Index des articles", "index")
        + "<p>Articles du Code civil ; les renvois sont aux numéros des paragraphes.</p>"
    )
    book.outline.append((1, "index", "Index des articles"))
    toc = _heading("Table des matières", "contents") + contents(book)
    pages = [COVER, toc, *chapters, annexes, index + index_of_articles(book)]
    to_pdf(
        _page("Introduction au droit des contrats", "Claire Delmas", "".join(pages)),
        folder / "style.css",
        folder / "introduction-au-droit-des-contrats.pdf",
    )


def physics() -> None:
    folder = HERE / "thermodynamique"
    slides = folder / "thermodynamique-diapositives.pptx"
    _module(folder / "slides.py").build(slides)
    word.freeze(slides)
    word.build(
        (folder / "source" / "notes.md").read_text("utf-8"), folder / "thermodynamique-notes.docx", author="Karim Benali"
    )


def rules() -> None:
    folder, author = HERE / "reglement-des-etudes", "Scolarité — Faculté de démonstration"
    book = Book(figures={}, chapter_name="Titre")
    text = body((folder / "source" / "reglement.md").read_text("utf-8"), book)
    to_pdf(
        _page("Règlement des études 2026-2027", author, RULES_FRONT + contents(book) + text),
        folder / "style.css",
        folder / "reglement-des-etudes.pdf",
    )
    word.build(
        (folder / "source" / "inscription.md").read_text("utf-8"), folder / "procedure-d-inscription.docx", author=author
    )
    odt.build((folder / "source" / "amenagements.md").read_text("utf-8"), folder / "amenagements-et-cesure.odt", author=author)


def _page(title: str, author: str, body: str) -> str:
    head = f'<meta charset="utf-8"><title>{title}</title><meta name="author" content="{author}">'
    return f'<html lang="fr"><head>{head}</head><body>{body}</body></html>'


def to_pdf(html: str, style: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.html"
        source.write_text(html, "utf-8")
        command = [
            os.environ.get("WEASYPRINT", "weasyprint"),
            "-q",
            "-s",
            str(style),
            "--pdf-variant",
            "pdf/ua-1",
            str(source),
            str(target),
        ]
        subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})  # noqa: S603


def _heading(title: str, anchor: str) -> str:
    return f'<h1 id="{anchor}" data-running="{title}"><span class="title">{title}</span></h1>'


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RULES_FRONT = """<section class="front">
<p class="name">Règlement des études 2026-2027</p>
<p class="below">Licence et master — scolarité, contrôle des connaissances, progression</p>
<p class="below">Scolarité — Faculté de démonstration</p>
<p class="notice">Document écrit pour la démonstration de Parvis. La Faculté de démonstration est inventée ;
ce règlement n’est celui d’aucun établissement.</p>
</section>"""

COVER = """<section class="cover">
<p class="above">Faculté de démonstration — Licence de droit, deuxième année</p>
<p class="name">Introduction au<br>droit des contrats</p>
<p class="below">Formation, validité, effets, inexécution, prescription</p>
<p class="below">Claire Delmas</p>
<p class="notice">Cours écrit pour la démonstration de Parvis. L’enseignante, la faculté, les personnes et les sociétés
des exemples sont inventées ; les textes, les dates et les décisions cités sont réels. État du droit au 1er janvier 2025.</p>
</section>"""

if __name__ == "__main__":
    main()
