from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.corpora.parsing.document import BlockKind, DocumentHead, Unit, UnitKind
from parvis.corpora.parsing.encoding import decode
from parvis.corpora.parsing.reading import Limits, read
from parvis.corpora.parsing.sections import LONGEST_SECTION
from parvis.corpora.parsing.subtitles import cues, groups


def parts(path: Path, content: bytes | str) -> tuple[DocumentHead, list[Unit]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    head, *others = read(path, name=path.name, limits=Limits(), ocr=False)
    assert isinstance(head, DocumentHead)
    return head, [part for part in others if isinstance(part, Unit)]


def blocks(unit: Unit) -> list[tuple[BlockKind, str]]:
    return [(block.kind, unit.text[block.start : block.end]) for block in unit.blocks]


def test_markdown(tmp_path: Path) -> None:
    source = (
        "# Cours\n\nUn *mot* et un [lien](http://x).\n\n## Tableau\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- un\n- deux\n\n"
        "```python\nx = 1\n\ny = 2\n```\n\n$$E = mc^2$$\n"
    )
    head, units = parts(tmp_path / "c.md", source)
    assert (head.media_type, head.title) == ("text/markdown", "Cours")
    assert blocks(units[0]) == [(BlockKind.HEADING, "Cours"), (BlockKind.PARAGRAPH, "Un mot et un lien.")]
    assert units[1].heading_path == ("Cours",)
    assert blocks(units[1]) == [
        (BlockKind.HEADING, "Tableau"),
        (BlockKind.TABLE_ROW, "a | b"),
        (BlockKind.TABLE_ROW, "1 | 2"),
        (BlockKind.LIST_ITEM, "un"),
        (BlockKind.LIST_ITEM, "deux"),
        (BlockKind.CODE, "x = 1\ny = 2"),
        (BlockKind.FORMULA, "$$E = mc^2$$"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_plain_text_in_the_encodings_people_use(tmp_path: Path, encoding: str) -> None:
    source = "Le règlement des études, l’œuvre du conseil.\r\n\r\nL’été suivant, la note passa à 12 €.\r\n"
    head, (unit,) = parts(tmp_path / "r.txt", source.encode(encoding))
    assert head.media_type == "text/plain"
    assert unit.text == "Le règlement des études, l’œuvre du conseil.\n\nL’été suivant, la note passa à 12 €."


def test_plain_text_with_underlined_and_numbered_headings(tmp_path: Path) -> None:
    source = "Bourses\n=======\n\nTexte.\n\n1.2 Montants de la bourse\n\n- premier\n- second\n"
    _, units = parts(tmp_path / "r.txt", source)
    assert [unit.label for unit in units] == ["Bourses", "1.2 Montants de la bourse"]
    assert blocks(units[1])[1:] == [(BlockKind.LIST_ITEM, "- premier"), (BlockKind.LIST_ITEM, "- second")]


def test_a_long_text_without_headings_is_several_units(tmp_path: Path) -> None:
    _, units = parts(tmp_path / "r.txt", "Une phrase assez ordinaire. " * 4000)
    assert len(units) > 4
    assert all(len(unit.text) <= LONGEST_SECTION for unit in units)
    assert "".join(unit.text for unit in units).count("phrase") == 4000


def test_html_without_what_is_not_read(tmp_path: Path) -> None:
    source = """<!DOCTYPE html><html><head><title>Aide</title><style>p{}</style></head><body>
      <nav><a href="/">Accueil</a></nav><script>alert(1)</script><h1>Inscription</h1><p>Le <b>dos</b>sier<br>complet.</p>
      <h2>Pièces</h2><ul><li>Carte</li><li><p>Avis</p></li></ul>
      <table><caption>Tarifs</caption><tr><th>Cas</th><td>12 €</td></tr></table>
      <pre>a = 1\n\nb = 2</pre><p style="display:none">caché</p>
      <figure><img alt="Plan du campus"><figcaption>Le plan</figcaption></figure>
      <p><math><mfrac><mi>a</mi><mi>b</mi></mfrac></math></p></body></html>"""
    head, units = parts(tmp_path / "a.html", source)
    assert (head.media_type, head.title) == ("text/html", "Aide")
    assert blocks(units[0]) == [(BlockKind.HEADING, "Inscription"), (BlockKind.PARAGRAPH, "Le dossier complet.")]
    assert blocks(units[1]) == [
        (BlockKind.HEADING, "Pièces"),
        (BlockKind.LIST_ITEM, "Carte"),
        (BlockKind.LIST_ITEM, "Avis"),
        (BlockKind.CAPTION, "Tarifs"),
        (BlockKind.TABLE_ROW, "Cas | 12 €"),
        (BlockKind.CODE, "a = 1\nb = 2"),
        (BlockKind.CAPTION, "Plan du campus"),
        (BlockKind.CAPTION, "Le plan"),
        (BlockKind.PARAGRAPH, "a/b"),
    ]


def test_html_in_an_old_encoding(tmp_path: Path) -> None:
    _, (unit,) = parts(
        tmp_path / "a.html", '<html><meta charset="iso-8859-15"><body><p>Été à 5 €</p></body></html>'.encode("iso-8859-15")
    )
    assert unit.text == "Été à 5 €"


def test_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Régression\n", "\n", "On ajuste une droite."]},
        {
            "cell_type": "code",
            "source": "print(a)",
            "outputs": [
                {"output_type": "stream", "text": ["0.5\n"]},
                {"output_type": "execute_result", "data": {"text/plain": "42", "image/png": "iVBOR"}},
                {"output_type": "error", "ename": "NameError", "evalue": "b", "traceback": ["…"]},
            ],
        },
    ]
    head, (unit,) = parts(tmp_path / "n.ipynb", json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}))
    assert head.title == "Régression"
    assert blocks(unit) == [
        (BlockKind.HEADING, "Régression"),
        (BlockKind.PARAGRAPH, "On ajuste une droite."),
        (BlockKind.CODE, "print(a)"),
        (BlockKind.CODE, "0.5"),
        (BlockKind.CODE, "42"),
        (BlockKind.CODE, "NameError: b"),
    ]


def test_an_ebook_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    path = tmp_path / "livre.epub"
    container = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    package = """<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Le manuel</dc:title>
      </metadata><manifest>
      <item id="b" href="deux.xhtml" media-type="application/xhtml+xml"/>
      <item id="a" href="un%20.xhtml" media-type="application/xhtml+xml"/>
      <item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/></manifest>
      <spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OPS/book.opf", package)
        archive.writestr("OPS/nav.xhtml", "<html><body><p>Sommaire</p></body></html>")
        archive.writestr("OPS/un .xhtml", '<html><head><title/></head><body><h1>Un<a id="x"/></h1><p>Début.</p></body></html>')
        archive.writestr("OPS/deux.xhtml", "<html><body><h1>Deux</h1><p>Fin.</p></body></html>")
    head, units = parts(path, path.read_bytes())
    assert head.title == "Le manuel"
    assert [unit.text for unit in units] == ["Un\n\nDébut.", "Deux\n\nFin."]


def test_subtitles_are_grouped_and_located_by_time(tmp_path: Path) -> None:
    source = "\ufeffWEBVTT\r\n\r\nNOTE rien\r\n\r\n" + "".join(
        f"{i}\r\n00:{i // 6:02d}:{i % 6 * 10:02d}.000 --> 00:{i // 6:02d}:{i % 6 * 10 + 9:02d}.500 align:start\r\n"
        f"<v Anne>Phrase <i>numéro</i> {i}.\r\n\r\n"
        for i in range(12)
    )
    head, units = parts(tmp_path / "c.vtt", source)
    assert head.media_type == "text/vtt"
    assert [(unit.kind, unit.label, unit.start_seconds, unit.end_seconds) for unit in units] == [
        (UnitKind.CUE, "00:00:00", 0.0, 49.5),
        (UnitKind.CUE, "00:00:50", 50.0, 99.5),
        (UnitKind.CUE, "00:01:40", 100.0, 119.5),
    ]
    assert units[2].text == "Anne : Phrase numéro 10. Phrase numéro 11."


def test_srt_without_blank_lines_and_with_any_line_end(tmp_path: Path) -> None:
    source = "1\r00:00:01,000 --> 00:00:02,000\rBonjour\r2\r01:02:03,5 --> 01:02:04,000\r{\\an8}à tous &amp; toutes"
    head, units = parts(tmp_path / "c.srt", source)
    assert head.media_type == "application/x-subrip"
    assert [(unit.label, unit.text) for unit in units] == [("00:00:01", "Bonjour"), ("01:02:03", "à tous & toutes")]


def test_rolling_captions_say_each_line_once() -> None:
    found = cues("00:01 --> 00:02\nOn définit la limite\n\n00:02 --> 00:04\nOn définit la limite d’une suite\n")
    assert [cue.text for cue in found] == ["On définit la limite", "d’une suite"]


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.text("abé à.!?", min_size=1, max_size=30)), max_size=40),
    st.sampled_from(["\n", "\r\n"]),
)
def test_no_cue_is_lost(spoken: list[tuple[int, str]], newline: str) -> None:
    spoken = [(start, text) for start, text in spoken if text.strip()]
    source = "".join(f"{s // 3600}:{s // 60 % 60:02d}:{s % 60:02d},000 --> 9:59:59,000\n{t}\n\n" for s, t in spoken)
    found = cues(source.replace("\n", newline))
    grouped = [cue for group in groups(found) for cue in group]
    assert grouped == found
    expected = [text for _, text in spoken]
    repeats = sum(
        len(b) > 8 and a.startswith(b) for b, a in zip(map(str.strip, expected), map(str.strip, expected[1:]), strict=False)
    )
    assert len(found) >= len(expected) - repeats


@given(st.text(max_size=300))
def test_any_text_survives_any_writing_of_it(text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    assert decode(text.encode("utf-8-sig")) == text
    assert decode(text.encode("utf-16")) == text


@given(st.binary(max_size=400))
def test_cues_of_any_bytes(data: bytes) -> None:
    cues(decode(data + b"\n00:01 --> 00:02\n" + data))
