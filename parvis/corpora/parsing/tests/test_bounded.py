"""What the child may not do to the machine, whatever the document."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from parvis.corpora.parsing.document import Unit
from parvis.corpora.parsing.reading import Limits, Unreadable, read_bounded

from .making import PROSE, pdf, write


def refusal_of(path: Path, limits: Limits) -> str:
    with pytest.raises(Unreadable) as refusal:
        list(read_bounded(path, name=path.name, limits=limits, ocr=False))
    return refusal.value.code


def long_pdf(path: Path, pages: int) -> Path:
    def draw(canvas: Canvas) -> None:
        for number in range(pages):
            write(canvas, f"Page {number}. {PROSE}")
            canvas.showPage()

    return pdf(path, draw)


def long_text(path: Path) -> Path:
    """Several times what the pipe holds: whoever reads it is not done before its reader is."""
    path.write_text("Une phrase assez ordinaire. " * 200_000)
    return path


def test_too_much_memory_is_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "gros.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        row = "<w:p><w:r><w:t>x</w:t></w:r></w:p>" * 200_000
        archive.writestr("word/document.xml", f'<w:document xmlns:w="w"><w:body>{row}</w:body></w:document>')
    assert refusal_of(path, Limits(memory_bytes=110_000_000)) == "too_much_memory"


def test_too_much_time_is_a_refusal_and_the_child_is_gone(tmp_path: Path) -> None:
    path = long_pdf(tmp_path / "long.pdf", 60)
    before = time.monotonic()
    assert refusal_of(path, Limits(seconds=0.02)) == "too_slow"
    assert time.monotonic() - before < 5
    assert not children()


def test_a_reader_that_takes_its_time_is_not_the_fault_of_the_document(tmp_path: Path) -> None:
    path = long_pdf(tmp_path / "long.pdf", 3)
    for part in read_bounded(path, name="long.pdf", limits=Limits(seconds=3), ocr=False):
        time.sleep(1.1 if isinstance(part, Unit) else 0)


def test_a_crash_of_the_parser_is_a_refusal(tmp_path: Path) -> None:
    path = long_text(tmp_path / "long.txt")

    def kill_on_first(number: int, count: int | None) -> None:
        if number == 1:
            (child,) = children()
            os.kill(child, signal.SIGSEGV)

    with pytest.raises(Unreadable) as refusal:
        list(read_bounded(path, name="long.txt", limits=Limits(), ocr=False, on_unit=kill_on_first))
    assert refusal.value.code == "parser_crashed"


def test_leaving_the_iteration_ends_the_child(tmp_path: Path) -> None:
    parts = read_bounded(long_text(tmp_path / "long.txt"), name="long.txt", limits=Limits(), ocr=False)
    next(parts)
    assert children()
    end(parts)
    assert not children()


def test_the_child_waits_for_its_reader(tmp_path: Path) -> None:
    """The pipe holds a mebibyte: the child is not further ahead than that and one unit, however long its reader sleeps."""
    parts = read_bounded(long_text(tmp_path / "long.txt"), name="long.txt", limits=Limits(), ocr=False)
    next(parts)
    (child,) = children()
    wait_for(lambda: state(child) == "S" and processor_time(child) > 0)
    time.sleep(0.5)
    used = processor_time(child)
    time.sleep(0.3)
    assert processor_time(child) - used <= 2
    assert state(child) == "S"
    end(parts)


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    path = long_text(tmp_path / "long.txt")
    program = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from parvis.corpora.parsing.reading import Limits, read_bounded
        parts = read_bounded(Path({str(path)!r}), name="long.txt", limits=Limits(), ocr=False)
        next(parts)
        print("ready", flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (child,) = children(parent.pid)
        parent.kill()
    wait_for(lambda: state(child) in ("", "Z"))


def end(parts: Iterator[object]) -> None:
    assert isinstance(parts, Generator)
    parts.close()


def children(parent: int | None = None) -> list[int]:
    """Processes reading documents, children of this one or of `parent`."""
    listing = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(parent or os.getpid())], capture_output=True, text=True, check=False
    ).stdout
    return [int(line.split()[0]) for line in listing.splitlines() if "parvis.corpora.parsing.child" in line]


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


def processor_time(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)
