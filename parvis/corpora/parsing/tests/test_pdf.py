from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from parvis.corpora.parsing.document import BlockKind, DocumentHead, DocumentTail, Unit
from parvis.corpora.parsing.ocr import is_available
from parvis.corpora.parsing.pdf import page_size, render_page
from parvis.corpora.parsing.reading import Limits, Unreadable, read
from tests.peers import missing

from .making import PROSE, pdf, write


def units(path: Path, *, ocr: bool = False, limits: Limits | None = None) -> list[Unit]:
    parts = list(read(path, name=path.name, limits=limits or Limits(), ocr=ocr))
    assert isinstance(parts[0], DocumentHead)
    assert isinstance(parts[-1], DocumentTail)
    return [part for part in parts if isinstance(part, Unit)]


def one_page(tmp_path: Path, draw: Callable[[Canvas], object]) -> Unit:
    (unit,) = units(pdf(tmp_path / "page.pdf", draw))
    return unit


def test_each_word_has_its_box(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(100, 700, "Une éliminatoire ici")

    unit = one_page(tmp_path, draw)
    assert unit.text == "Une éliminatoire ici"
    words = {unit.text[word.start : word.end]: word for word in unit.words}
    (box,) = words["éliminatoire"].boxes
    left = 100 + stringWidth("Une ", "Helvetica", 12)
    assert box.x0 == pytest.approx(left, abs=1)
    assert box.x1 == pytest.approx(left + stringWidth("éliminatoire", "Helvetica", 12), abs=1)
    assert box.y0 < 842 - 700 - 8 < 842 - 700 < box.y1


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_boxes_follow_a_rotated_page(tmp_path: Path, rotation: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(rotation)  # reportlab lies the sheet down first: 842 × 595 turned by a quarter
        canvas.setFont("Helvetica", 12)
        canvas.drawString(100, 500, "repère")

    unit = one_page(tmp_path, draw)
    (box,) = unit.words[0].boxes
    across, up = 100 + stringWidth("repère", "Helvetica", 12) / 2, 504
    seen = {90: (up, across), 180: (595 - across, up), 270: (595 - up, 842 - across)}
    assert ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) == pytest.approx(seen[rotation], abs=3)
    assert (unit.width, unit.height) == (595, 842)


def test_text_drawn_sideways_is_read_line_by_line(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.translate(300, 100)
        canvas.rotate(90)
        write(canvas, PROSE, x=0, y=100, width=500)

    assert one_page(tmp_path, draw).text == PROSE


def test_two_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, "Gauche. " + PROSE, x=60, y=700, width=220)
        write(canvas, "Droite. " + PROSE, x=310, y=700, width=220)

    text = one_page(tmp_path, draw).text
    assert text.split() == f"Gauche. {PROSE} Droite. {PROSE}".split()


def test_two_columns_drawn_row_by_row_are_read_one_after_the_other(tmp_path: Path) -> None:
    from .making import wrap

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        left, right = wrap("Gauche. " + PROSE, 220, size=10), wrap("Droite. " + PROSE, 220, size=10)
        for row, (one, other) in enumerate(zip(left, right, strict=True)):
            canvas.drawString(60, 700 - 13 * row, one)
            canvas.drawString(310, 700 - 13 * row, other)

    text = one_page(tmp_path, draw).text
    assert text.split() == f"Gauche. {PROSE} Droite. {PROSE}".split()


def test_a_word_cut_by_a_hyphen_is_one_word_with_two_boxes(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for row, line in enumerate(["Les délibérations sont publi-", "ques et peut-", "être affichées."]):
            canvas.drawString(72, 700 - 14 * row, line)

    unit = one_page(tmp_path, draw)
    assert unit.text == "Les délibérations sont publiques et peut-être affichées."
    boxes = {unit.text[word.start : word.end]: word.boxes for word in unit.words}
    assert len(boxes["publiques"]) == 2
    assert boxes["publiques"][1].y0 > boxes["publiques"][0].y0


def test_headings_are_known_by_their_size_and_open_a_path(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        y = write(canvas, "Règlement des études", size=20)
        y = write(canvas, "Le contrôle continu", size=15, y=y)
        y = write(canvas, PROSE, y=y)
        canvas.showPage()
        write(canvas, "La session de rattrapage", size=15)
        write(canvas, PROSE, y=700)

    first, second = units(pdf(tmp_path / "page.pdf", draw))
    headings = [
        (block.level, first.text[block.start : block.end]) for block in first.blocks if block.kind is BlockKind.HEADING
    ]
    assert headings == [(1, "Règlement des études"), (2, "Le contrôle continu")]
    assert second.heading_path == ("Règlement des études", "Le contrôle continu")
    assert second.blocks[0].level == 2


def test_bold_words_that_fill_a_line_of_a_sentence_are_no_heading(tmp_path: Path) -> None:
    lines = [
        ("Helvetica", "Il y a force majeure en matière contractuelle lorsqu’un événement"),
        ("Helvetica-Bold", "échappant au contrôle du débiteur, et qui ne peut être prévu lors de la"),
        ("Helvetica", "conclusion du contrat, empêche l’exécution de son obligation par le débiteur."),
    ]

    def draw(canvas: Canvas) -> None:
        for number, (font, words) in enumerate(lines):
            canvas.setFont(font, 400 / stringWidth(words, font, 1))
            canvas.drawString(72, 700 - 14 * number, words)

    unit = one_page(tmp_path, draw)
    assert [block.kind for block in unit.blocks] == [BlockKind.PARAGRAPH]
    assert unit.text == " ".join(words for _font, words in lines)


def test_running_headers_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(1, 6):
            canvas.setFont("Helvetica", 9)
            canvas.drawString(72, 810, "Université de l’exemple")
            canvas.drawCentredString(297, 30, f"Page {number} sur 5")
            write(canvas, f"Article {number}. {PROSE}", y=700)
            canvas.showPage()

    for number, unit in enumerate(units(pdf(tmp_path / "page.pdf", draw)), 1):
        assert unit.text == f"Article {number}. {PROSE}"


def test_a_line_near_the_edge_that_comes_once_is_kept(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 30, "Note : la salle peut changer.")
        write(canvas, PROSE, y=700)

    assert "la salle peut changer" in one_page(tmp_path, draw).text


def test_rows_of_a_table_are_lines_of_cells(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for row, cells in enumerate([("UE", "Crédits", "Coefficient"), ("Algèbre", "6", "2"), ("Analyse", "9", "3")]):
            for column, cell in enumerate(cells):
                canvas.drawString(72 + 130 * column, 700 - 16 * row, cell)

    unit = one_page(tmp_path, draw)
    assert [block.kind for block in unit.blocks] == [BlockKind.TABLE_ROW] * 3
    assert unit.text == "UE | Crédits | Coefficient\n\nAlgèbre | 6 | 2\n\nAnalyse | 9 | 3"


def test_accents_set_as_marks_are_composed(tmp_path: Path) -> None:
    """As TeX does with its OT1 fonts: the accent is drawn first, the letter over it."""

    def draw(canvas: Canvas) -> None:
        x = 72.0
        for piece in ["d", "´e", "lib", "´e", "ration"]:
            if piece[0] == "´":
                canvas.drawString(x + 1, 700, "´")
                piece = piece[1]
            canvas.drawString(x, 700, piece)
            x += stringWidth(piece, "Helvetica", 12)

    assert one_page(tmp_path, draw).text == "délibération"


def test_page_labels_are_what_the_reader_sees(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.addPageLabel(0, style="ROMAN_LOWER", start=1)
        canvas.addPageLabel(2, style="ARABIC", start=1)
        for _ in range(4):
            write(canvas, PROSE)
            canvas.showPage()

    assert [unit.label for unit in units(pdf(tmp_path / "page.pdf", draw))] == ["i", "ii", "1", "2"]


def test_a_page_is_rendered_at_its_size(tmp_path: Path) -> None:
    path = pdf(tmp_path / "page.pdf", lambda canvas: canvas.drawString(72, 700, "a"))
    image = render_page(path, 1, scale=1.5)
    assert image.startswith(b"\x89PNG")
    assert int.from_bytes(image[16:20], "big") == round(595 * 1.5)
    assert page_size(path, 1) == (595, 842)


def test_a_giant_page_is_rendered_smaller_than_asked(tmp_path: Path) -> None:
    path = pdf(tmp_path / "page.pdf", lambda canvas: canvas.drawString(72, 700, "a"), size=(14000, 14000))
    image = render_page(path, 1, scale=4)
    assert int.from_bytes(image[16:20], "big") <= 4000


def test_a_page_that_is_an_image_is_reported_without_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, PROSE)
        canvas.showPage()
        canvas.rect(100, 100, 200, 200, fill=1)
        canvas.showPage()

    path = pdf(tmp_path / "page.pdf", draw)
    tail = list(read(path, name="page.pdf", limits=Limits(), ocr=False))[-1]
    assert tail == DocumentTail(2, units_without_text=(2,))


def test_a_document_without_any_text_is_refused(tmp_path: Path) -> None:
    path = pdf(tmp_path / "page.pdf", lambda canvas: canvas.rect(100, 100, 200, 200, fill=1))
    with pytest.raises(Unreadable) as refusal:
        units(path)
    assert refusal.value.code == "no_text"


def test_a_password_is_a_refusal(tmp_path: Path) -> None:
    path = pdf(tmp_path / "page.pdf", lambda canvas: canvas.drawString(72, 700, "secret"), password="1234")
    with pytest.raises(Unreadable) as refusal:
        units(path)
    assert refusal.value.code == "encrypted"


def test_too_many_pages_are_refused_before_reading(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for _ in range(4):
            canvas.drawString(72, 700, "page")
            canvas.showPage()

    with pytest.raises(Unreadable) as refusal:
        units(pdf(tmp_path / "page.pdf", draw), limits=Limits(pages=3))
    assert (refusal.value.code, refusal.value.params["limit"]) == ("too_many_pages", "3")


def test_a_page_drawn_out_of_order_is_read_in_order(tmp_path: Path) -> None:
    """As browsers and WeasyPrint do with boxes that must not break: what stands lower is drawn first."""

    def draw(canvas: Canvas) -> None:
        write(canvas, "Encadré. " + PROSE, y=400)
        write(canvas, "Début. " + PROSE, y=760)
        write(canvas, "Milieu. " + PROSE, y=600)

    text = one_page(tmp_path, draw).text
    assert [paragraph.split()[0] for paragraph in text.split("\n\n")] == ["Début.", "Milieu.", "Encadré."]


def test_a_number_in_the_margin_stays_with_its_paragraph(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(50, 700, "72")
        write(canvas, PROSE, x=72, y=700)

    assert one_page(tmp_path, draw).text == f"72 {PROSE}"


def test_the_call_of_a_note_is_not_part_of_the_number(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        line = canvas.beginText(72, 700)
        for piece, size, rise in [("un arrêt de 2001", 12, 0), ("17", 7, 5), (" sur 20 m", 12, 0), ("2", 7, 5)]:
            line.setFont("Helvetica", size)
            line.setRise(rise)
            line.textOut(piece)
        canvas.drawText(line)

    unit = one_page(tmp_path, draw)
    assert unit.text == "un arrêt de 2001 ¹⁷ sur 20 m²"
    boxes = {unit.text[word.start : word.end]: word.boxes[0] for word in unit.words}
    assert boxes["2001"].x1 <= boxes["¹⁷"].x0 + 1


def test_a_row_goes_on_over_several_lines(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for x, y, cell in [
            (72, 700, "Cas"), (200, 700, "Délai"), (330, 700, "Effet"),
            (72, 670, "Recours"), (200, 676, "deux mois"), (200, 664, "au plus"), (330, 670, "suspensif"),
            (72, 640, "Appel"), (200, 640, "un mois"), (330, 646, "non"), (330, 634, "suspensif"),
        ]:  # fmt: skip
            canvas.drawString(x, y, cell)

    assert one_page(tmp_path, draw).text.split("\n\n") == [
        "Cas | Délai | Effet",
        "Recours | deux mois au plus | suspensif",
        "Appel | un mois | non suspensif",
    ]


def test_a_running_header_whose_chapter_changes_is_left_out(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(1, 7):
            canvas.setFont("Helvetica", 9)
            canvas.drawString(72, 810, "Cours de droit")
            canvas.drawRightString(520, 810, f"Chapitre {'abcdef'[number - 1] * 3}")
            write(canvas, PROSE, y=700)
            canvas.showPage()

    assert {unit.text for unit in units(pdf(tmp_path / "page.pdf", draw))} == {PROSE}


def test_leaders_to_page_numbers_are_left_out(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        for row, title in enumerate(["Définition", "Régime", "Sanction"]):
            canvas.drawString(72, 700 - 15 * row, title + " . . . . . . . . . . . . . . . . . . . . . . . . " + str(row + 3))

    assert "." not in one_page(tmp_path, draw).text


def test_a_page_of_garbage_counts_as_a_page_without_text(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        write(canvas, PROSE)
        canvas.showPage()
        write(canvas, "xkcd bcdf ghjk lmnp qrst vwxz " * 30)
        canvas.showPage()

    path = pdf(tmp_path / "page.pdf", draw)
    parts = list(read(path, name="page.pdf", limits=Limits(), ocr=False))
    assert parts[-1] == DocumentTail(2, units_without_text=(2,))
    assert isinstance(parts[2], Unit)
    assert parts[2].text == ""


def test_a_document_of_garbage_is_refused(tmp_path: Path) -> None:
    path = pdf(tmp_path / "page.pdf", lambda canvas: write(canvas, "xkcd bcdf ghjk lmnp qrst vwxz " * 30))
    with pytest.raises(Unreadable) as refusal:
        units(path)
    assert refusal.value.code == "garbage"


def test_a_scanned_page_is_recognised_with_its_words_in_place(tmp_path: Path) -> None:
    if not is_available():
        missing("tesseract with French data is not installed")
    original = pdf(tmp_path / "original.pdf", lambda canvas: write(canvas, PROSE, size=14))
    (expected,) = units(original)
    (tmp_path / "scan.png").write_bytes(render_page(original, 1, scale=200 / 72))
    scan = pdf(tmp_path / "scan.pdf", lambda canvas: canvas.drawImage(str(tmp_path / "scan.png"), 0, 0, 595, 842))
    (unit,) = units(scan, ocr=True)
    assert unit.ocr
    assert unit.text == PROSE
    for word, seen in zip(expected.words, unit.words, strict=True):
        assert seen.boxes[0].x0 == pytest.approx(word.boxes[0].x0, abs=3)
        assert seen.boxes[0].y1 == pytest.approx(word.boxes[0].y1, abs=5)
