from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parvis.corpora.parsing.document import DocumentHead, DocumentTail, Unit
from parvis.corpora.parsing.reading import Limits, Unreadable, read, read_bounded

from .making import PROSE, pdf, write, zipped

PAYLOAD = zipped({"notes.txt": "Rien de Word."})


def test_the_child_gives_what_reading_here_gives(tmp_path: Path) -> None:
    path = pdf(tmp_path / "cours.pdf", lambda canvas: write(canvas, PROSE))
    seen: list[tuple[int, int | None]] = []
    there = list(read_bounded(path, name="cours.pdf", limits=Limits(), ocr=False, on_unit=lambda n, c: seen.append((n, c))))
    assert there == list(read(path, name="cours.pdf", limits=Limits(), ocr=False))
    assert seen == [(1, 1)]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "vide.pdf", "empty"),
        (b"%PDF-1.7\nnothing that follows", "cours.pdf", "corrupt"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "cours.pdf", "mislabelled"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "photo.png", "unsupported"),
        (b"PK\x03\x04" + bytes(60), "cours.docx", "corrupt"),
        (b" \n \n", "blanc.txt", "no_text"),
        (b"ceci n'est pas un carnet", "carnet.ipynb", "mislabelled"),
        (b'{"cells": 3}', "carnet.ipynb", "no_text"),
        (PAYLOAD, "cours.docx", "mislabelled"),
    ],
)
def test_bad_input_is_refused_with_a_code_here_and_in_the_child(tmp_path: Path, content: bytes, name: str, code: str) -> None:
    path = tmp_path / "stored"
    path.write_bytes(content)
    for reader in (read, read_bounded):
        with pytest.raises(Unreadable) as refusal:
            list(reader(path, name=name, limits=Limits(), ocr=False))
        assert refusal.value.code == code
        assert refusal.value.params["name"] == name


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("mot " * 1000)
    with pytest.raises(Unreadable) as refusal:
        list(read(path, name="long.txt", limits=Limits(bytes=1000), ocr=False))
    assert refusal.value.code == "too_large"


def test_parsing_does_not_load_django() -> None:
    code = (
        "import sys, parvis.corpora.parsing.reading, parvis.corpora.parsing.pdf, parvis.corpora.parsing.formats; "
        "sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_parts_come_in_order(tmp_path: Path) -> None:
    path = tmp_path / "cours.md"
    path.write_text("# Un\n\ntexte\n\n# Deux\n\nsuite\n")
    kinds = [type(part) for part in read(path, name="cours.md", limits=Limits(), ocr=False)]
    assert kinds == [DocumentHead, Unit, Unit, DocumentTail]
