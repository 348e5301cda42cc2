"""Damaged files give units or a refusal, never another exception, never a hang."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docx import Document

from parvis.corpora.parsing.media_types import PLAIN, detect
from parvis.corpora.parsing.reading import Limits, Unreadable, read

from .making import PROSE, pdf, write

MUTATIONS = 300


@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_mutated_documents(tmp_path: Path, kind: str) -> None:
    """In this process: a crash of the parser would end the test run, and be seen."""
    original = _original(tmp_path, kind)
    outcomes = {"read": 0, "refused": 0}
    for data in _mutations(original.read_bytes(), random.Random(20)):
        path = tmp_path / f"mutated.{kind}"
        path.write_bytes(data)
        try:
            list(read(path, name=path.name, limits=Limits(), ocr=False))
            outcomes["read"] += 1
        except Unreadable:
            outcomes["refused"] += 1
    assert sum(outcomes.values()) == MUTATIONS
    assert min(outcomes.values()) > 10


def test_what_a_text_is_takes_no_longer_for_its_brackets(tmp_path: Path) -> None:
    path = tmp_path / "brackets.md"
    path.write_bytes(b"[" * 60_000)
    before = time.process_time()
    assert detect(path, name=path.name) == PLAIN
    assert time.process_time() - before < 2  # each bracket once; each with all that follow it took a minute


def _original(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"original.{kind}"
    if kind == "pdf":
        return pdf(path, lambda canvas: (write(canvas, PROSE), canvas.showPage(), write(canvas, PROSE)))
    document = Document()
    document.add_heading("Titre", 1)
    document.add_paragraph(PROSE)
    document.save(str(path))
    return path


def _mutations(data: bytes, chance: random.Random) -> Iterator[bytes]:
    for _ in range(MUTATIONS):
        mutated = bytearray(data)
        for _ in range(chance.choice((1, 1, 3, 20))):
            place = chance.randrange(len(mutated))
            match chance.randrange(4):
                case 0:
                    mutated[place] ^= 1 << chance.randrange(8)
                case 1:
                    mutated[place : place + chance.randrange(1, 60)] = b""
                case 2:
                    mutated[place:place] = chance.randbytes(chance.randrange(1, 30))
                case _:
                    mutated[place : place + 8] = b"99999999"
        yield bytes(mutated if chance.random() < 0.9 else mutated[: chance.randrange(len(mutated))])
