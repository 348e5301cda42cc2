from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml import parse_xml
from odf import draw, table, text
from odf.namespaces import PRESENTATIONNS
from odf.opendocument import OpenDocumentPresentation, OpenDocumentText
from odf.presentation import Notes
from odf.style import MasterPage, PageLayout
from pptx import Presentation
from pptx.util import Inches

from parvis.corpora.parsing.document import BlockKind, DocumentHead, Unit, UnitKind
from parvis.corpora.parsing.reading import Limits, Unreadable, read

MATHS = "http://schemas.openxmlformats.org/officeDocument/2006/math"


def test_word_headings_open_sections_with_their_path(tmp_path: Path) -> None:
    document = Document()
    document.core_properties.title = "Règlement des études"
    document.add_paragraph("Préambule du règlement.")
    document.add_heading("Évaluation", 1)
    document.add_heading("Rattrapage", 3)  # a level is skipped
    document.add_paragraph("La session a lieu en juin.")
    head, units = _read(document, tmp_path / "r.docx")
    assert head.title == "Règlement des études"
    assert [(unit.label, unit.heading_path, unit.kind) for unit in units] == [
        ("Règlement des études", (), UnitKind.SECTION),
        ("Évaluation", (), UnitKind.SECTION),
        ("Rattrapage", ("Évaluation",), UnitKind.SECTION),
    ]
    assert units[2].text == "Rattrapage\n\nLa session a lieu en juin."
    assert [(block.kind, block.level) for block in units[2].blocks] == [(BlockKind.HEADING, 2), (BlockKind.PARAGRAPH, 0)]


def test_word_tables_lists_and_formulas(tmp_path: Path) -> None:
    document = Document()
    grid = document.add_table(rows=2, cols=2)
    for cell, content in zip((c for row in grid.rows for c in row.cells), ["UE", "Crédits", "Algèbre", "6"], strict=True):
        cell.text = content
    document.add_paragraph("Apporter sa carte", style="List Bullet")
    formula = document.add_paragraph()
    formula._p.append(
        parse_xml(
            f'<m:oMath xmlns:m="{MATHS}"><m:r><m:t>x=</m:t></m:r><m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num>'
            "<m:den><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:den></m:f></m:oMath>"
        )
    )
    _, (unit,) = _read(document, tmp_path / "r.docx")
    assert [(block.kind, unit.text[block.start : block.end]) for block in unit.blocks] == [
        (BlockKind.TABLE_ROW, "UE | Crédits"),
        (BlockKind.TABLE_ROW, "Algèbre | 6"),
        (BlockKind.LIST_ITEM, "Apporter sa carte"),
        (BlockKind.FORMULA, "x=(a+b)/(c^2)"),
    ]


def test_word_leaves_out_deleted_text(tmp_path: Path) -> None:
    document = Document()
    paragraph = document.add_paragraph("La note est ")
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    paragraph._p.append(parse_xml(f'<w:del xmlns:w="{w}" w:id="1"><w:r><w:delText>abolie</w:delText></w:r></w:del>'))
    paragraph._p.append(parse_xml(f'<w:ins xmlns:w="{w}" w:id="2"><w:r><w:t>maintenue</w:t></w:r></w:ins>'))
    _, (unit,) = _read(document, tmp_path / "r.docx")
    assert unit.text == "La note est maintenue"


def test_a_slide_is_a_unit_with_its_title_body_table_picture_and_notes(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(_png())
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Loi normale"
    slide.placeholders[1].text = "Moyenne\nÉcart type"
    grid = slide.shapes.add_table(1, 2, Inches(1), Inches(4), Inches(4), Inches(1)).table
    grid.cell(0, 0).text, grid.cell(0, 1).text = "z", "1,96"
    drawn = slide.shapes.add_picture(str(picture), 0, 0)
    drawn._element.nvPicPr.cNvPr.set("descr", "Courbe en cloche")
    slide.notes_slide.notes_text_frame.text = "Rappeler la règle des trois sigmas."
    show.slides.add_slide(show.slide_layouts[6])
    show.save(str(tmp_path / "s.pptx"))
    head, units = _parts(tmp_path / "s.pptx")
    assert head.unit_count == 2
    assert (units[0].kind, units[0].label, units[0].number) == (UnitKind.SLIDE, "Diapositive 1", 1)
    assert [(block.kind, units[0].text[block.start : block.end]) for block in units[0].blocks] == [
        (BlockKind.HEADING, "Loi normale"),
        (BlockKind.LIST_ITEM, "Moyenne"),
        (BlockKind.LIST_ITEM, "Écart type"),
        (BlockKind.TABLE_ROW, "z | 1,96"),
        (BlockKind.CAPTION, "Courbe en cloche"),
        (BlockKind.PARAGRAPH, "Rappeler la règle des trois sigmas."),
    ]
    assert units[1].text == ""


def test_opendocument_text(tmp_path: Path) -> None:
    document = OpenDocumentText()
    document.text.addElement(text.H(outlinelevel=1, text="Bourses"))
    paragraph = text.P(text="Le dossier")
    paragraph.addElement(text.S(c=1))
    paragraph.addText("est annuel.")
    note = text.Note(noteclass="footnote", id="n1")
    note.addElement(text.NoteCitation(text="1"))
    body = text.NoteBody()
    body.addElement(text.P(text="Sauf dérogation."))
    note.addElement(body)
    paragraph.addElement(note)
    document.text.addElement(paragraph)
    items = text.List()
    item = text.ListItem()
    item.addElement(text.P(text="Avis fiscal"))
    items.addElement(item)
    document.text.addElement(items)
    grid = table.Table()
    line = table.TableRow()
    for content in ("Échelon", "Montant"):
        cell = table.TableCell()
        cell.addElement(text.P(text=content))
        line.addElement(cell)
    grid.addElement(line)
    document.text.addElement(grid)
    document.save(str(tmp_path / "b.odt"))
    head, (unit,) = _parts(tmp_path / "b.odt")
    assert head.title == "Bourses"
    assert [(block.kind, unit.text[block.start : block.end]) for block in unit.blocks] == [
        (BlockKind.HEADING, "Bourses"),
        (BlockKind.PARAGRAPH, "Le dossier est annuel."),
        (BlockKind.PARAGRAPH, "Sauf dérogation."),
        (BlockKind.LIST_ITEM, "Avis fiscal"),
        (BlockKind.TABLE_ROW, "Échelon | Montant"),
    ]


def test_opendocument_slides(tmp_path: Path) -> None:
    show = OpenDocumentPresentation()
    layout = PageLayout(name="L")
    show.automaticstyles.addElement(layout)
    master = MasterPage(name="M", pagelayoutname=layout)
    show.masterstyles.addElement(master)
    page = draw.Page(masterpagename=master)
    for role, content in (("outline", "Énergie cinétique"), ("title", "Mécanique")):
        frame = _frame(role)
        box = draw.TextBox()
        box.addElement(text.P(text=content))
        frame.addElement(box)
        page.addElement(frame)
    notes = Notes()
    frame = _frame("notes")
    box = draw.TextBox()
    box.addElement(text.P(text="Faire la démonstration."))
    frame.addElement(box)
    notes.addElement(frame)
    page.addElement(notes)
    show.presentation.addElement(page)
    show.save(str(tmp_path / "m.odp"))
    _, (unit,) = _parts(tmp_path / "m.odp")
    assert unit.label == "Diapositive 1"
    assert unit.text == "Mécanique\n\nÉnergie cinétique\n\nFaire la démonstration."


@pytest.mark.parametrize(
    "entity", ['<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">', '<!ENTITY b SYSTEM "file:///etc/passwd">']
)
def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path, entity: str) -> None:
    path = tmp_path / "e.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'<!DOCTYPE d [{entity}]><w:document xmlns:w="w"><w:body>'
            "<w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>",
        )
    with pytest.raises(Unreadable) as refusal:
        _parts(path)
    assert refusal.value.code == "corrupt"


def test_a_container_that_unpacks_to_more_than_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bombe.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", " " * 5_000_000)
    with pytest.raises(Unreadable) as refusal:
        list(read(path, name=path.name, limits=Limits(decompressed_bytes=4_000_000), ocr=False))
    assert refusal.value.code == "decompression_bomb"


def test_an_office_file_under_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.docx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(100))
    with pytest.raises(Unreadable) as refusal:
        _parts(path)
    assert refusal.value.code == "encrypted"


def _read(document: Any, path: Path) -> tuple[DocumentHead, list[Unit]]:
    document.save(str(path))
    return _parts(path)


def _parts(path: Path) -> tuple[DocumentHead, list[Unit]]:
    head, *others = read(path, name=path.name, limits=Limits(), ocr=False)
    assert isinstance(head, DocumentHead)
    return head, [part for part in others if isinstance(part, Unit)]


def _frame(role: str) -> Any:
    frame = draw.Frame(width="10cm", height="2cm")
    frame.setAttrNS(PRESENTATIONNS, "class", role)
    return frame


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
