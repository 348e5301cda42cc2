"""From a file to passages that are found: how fast, at what memory, and what is left when processes are killed.

    python -m bench.ingestion [--quick] [--json FILE]

The PDFs are the French manuals that Debian ships where they are installed, and one that is generated. Speed is given against
the parsing library on the same files in the same run, the database being written as in production. The kills are SIGKILL, at
moments drawn at random over the reading of a document, of the worker or of the process that parses for it.
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bench.report import Report
from parvis.corpora.parsing.limits import Limits
from parvis.corpora.parsing.reading import read

if TYPE_CHECKING:
    from parvis.access.principal import Principal
    from parvis.corpora.models import Corpus, Document
    from parvis.institutions.models import Profile

ROOT = Path(__file__).parent.parent
MANUALS = (
    "/usr/share/debian-reference/debian-reference.fr.pdf",
    "/usr/share/doc/maint-guide-fr/maint-guide.fr.pdf",
    "/usr/share/developers-reference/developers-reference.fr.pdf",
)
KILLS, QUICK_KILLS = 50, 8
LEASE_SECONDS = 1.0
MEGABYTE = 1 << 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("Ingestion")
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as folder:
        _start_django(Path(folder))
        files = [Path(name) for name in MANUALS if Path(name).exists()]
        files.append(_generated(Path(folder) / "generated.pdf", pages=60 if arguments.quick else 250))
        _speed(report, files)
        _serving_memory(report, quick=arguments.quick)
        _kills(report, QUICK_KILLS if arguments.quick else KILLS)
    return report.finish(arguments.json)


def _start_django(folder: Path) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "parvis.settings",
        "PARVIS_DATA_DIR": str(folder),
        "PARVIS_DATABASE_URL": "",
        "PARVIS_OCR": "0",
        "PARVIS_SECRET_KEY": "only for this bench",
    }
    import django
    from django.core.management import call_command

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    call_command("migrate", verbosity=0)


# Speed


def _speed(report: Report, files: list[Path]) -> None:
    """File by file, one way after the other, so that whatever else the machine does weighs on all alike."""
    from parvis.corpora import jobs
    from parvis.corpora.models import Page

    principal, corpus, _profile = _course("Vitesse")
    seconds: defaultdict[str, float] = defaultdict(float)
    pages = 0
    for file in files:
        _add(principal, corpus, file.name, file.read_bytes())
        seconds["ingestion"] += _seconds(jobs.read_next)
        seconds["parsing"] += _seconds(partial(_parse, file))
        seconds["boxes"] += _seconds(partial(_library, file, boxes=True))
        seconds["text"] += _seconds(partial(_library, file, boxes=False))
        pages += len(pypdfium2.PdfDocument(file))
    assert Page.unscoped.filter(document__corpus=corpus).count() == pages, "every page of every file is stored, once"
    ingestion = seconds["ingestion"]
    note = f"{pages} pages: {', '.join(file.name for file in files)}"
    report.row("Pages stored and indexed a second", pages / ingestion, unit="pages/s", note=note)
    report.row("Ingestion / parsing alone (layout, headings, word boxes)", seconds["parsing"] / ingestion, ">= 0.7")
    report.row(
        "Ingestion / bare pdfium, text and letter boxes", seconds["boxes"] / ingestion, note="no reading order, no heading"
    )
    report.row("Ingestion / bare pdfium, text only", seconds["text"] / ingestion, note="could show no page")


def _parse(file: Path) -> None:
    for _part in read(file, name=file.name, limits=Limits(), ocr=False):
        pass


def _library(file: Path, *, boxes: bool) -> None:
    """What any program must ask pdfium for: the text of each page and, to highlight it, where each letter is."""
    document = pypdfium2.PdfDocument(file)
    for number in range(len(document)):
        text = document[number].get_textpage()
        text.get_text_range()
        if boxes:
            for letter in range(text.count_chars()):
                text.get_charbox(letter)


# Memory of the process that serves


def _serving_memory(report: Report, *, quick: bool) -> None:
    """Sends a small file, then large ones, then fetches them back, while looking at the server's memory."""
    _principal, corpus, profile = _course("Mémoire")
    sizes = (1, 20, 60) if quick else (1, 50, 190)
    peaks = []
    with _server() as (process, port):
        client = _Client(port, profile)
        client.get(f"/cours/{corpus.id}/")  # everything is loaded
        client.upload(corpus.id, _filler(1 * MEGABYTE, 0))
        for number, size in enumerate(sizes, start=1):
            with _Peak(process) as peak:
                client.upload(corpus.id, _filler(size * MEGABYTE, number))
                client.get(f"/documents/{_latest(corpus).id}/original/")
            peaks.append(peak.bytes)
    growth = (max(peaks) - peaks[0]) / MEGABYTE
    report.row(
        f"Serving process: peak with {sizes[-1]} MB sent and fetched, over 1 MB", growth, "<= 16", "MB",
        note=f"peak {max(peaks) / MEGABYTE:.0f} MB",
    )  # fmt: skip


class _Peak:
    """The largest resident memory of a process while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self.bytes = 0
        self._process, self._done = process, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.bytes = max(self.bytes, self._process.memory_info().rss)


@contextmanager
def _server() -> Iterator[tuple[psutil.Process, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "parvis.asgi:application", "--port", str(port), "--log-level", "warning"]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        _until(lambda: _answers(port))
        yield psutil.Process(server.pid), port
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


class _Client:
    """Signed in as a profile, sending and fetching in pieces."""

    def __init__(self, port: int, profile: Profile) -> None:
        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        session = SessionStore()
        session[SESSION_KEY] = str(profile.person_id)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = profile.person.get_session_auth_hash()
        session.save()
        token = "a" * 32
        self._port = port
        self._headers = {"Cookie": f"parvis_session={session.session_key}; parvis_csrf={token}", "X-CSRFToken": token}

    def get(self, address: str) -> None:
        self._send("GET", address, None, {})

    def upload(self, corpus_id: int, file: io.BufferedIOBase) -> None:
        head = (
            b'--limit\r\nContent-Disposition: form-data; name="files"; filename="gros.bin"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n"
        )
        tail = b"\r\n--limit--\r\n"
        size = file.seek(0, io.SEEK_END)
        file.seek(0)

        def body() -> Iterator[bytes]:
            yield head
            while piece := file.read(1 << 16):
                yield piece
            yield tail

        headers = {
            "Content-Type": "multipart/form-data; boundary=limit",
            "Content-Length": str(len(head) + size + len(tail)),
            "Origin": f"http://127.0.0.1:{self._port}",
        }
        self._send("POST", f"/cours/{corpus_id}/documents/", body(), headers)

    def _send(self, method: str, address: str, body: Iterator[bytes] | None, headers: dict[str, str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        connection.request(method, address, body=body, headers=self._headers | headers)
        response = connection.getresponse()
        while response.read(1 << 16):
            pass
        if response.status not in (200, 302):
            raise RuntimeError(f"{method} {address}: {response.status}")
        connection.close()


def _filler(size: int, number: int) -> io.BufferedIOBase:
    file = tempfile.TemporaryFile()
    chance = random.Random(number)
    for _ in range(size // MEGABYTE):
        file.write(chance.randbytes(MEGABYTE))
    return file


# Kills


def _kills(report: Report, count: int) -> None:
    from parvis.corpora.engine import index
    from parvis.corpora.models import WAITING, Document, Page, Passage

    principal, corpus, _profile = _course("Coupures")
    Document.unscoped.exclude(corpus=corpus).delete()
    chance, moments = random.Random(2026), list[str]()
    pages = 60
    sample = io.BytesIO()
    for number in range(count):
        document = _add(principal, corpus, f"{number}.pdf", _pdf(sample, pages, seed=number))
        with _worker() as worker:
            moments.append(_kill_at_random(worker, document, pages, chance))
    with _worker():
        _until(lambda: not Document.unscoped.filter(state__in=WAITING).exists(), seconds=600)
    states = list(Document.unscoped.filter(corpus=corpus).values_list("state", "pages_total"))
    lost = sum(state != "indexed" for state, _total in states) + count - len(states)
    half = sum(Page.unscoped.filter(document=row).count() != pages for row in Document.unscoped.filter(corpus=corpus))
    stored = set(Passage.unscoped.filter(corpus=corpus).values_list("id", flat=True))
    found = {passage_id for passage_id, _ in index().candidates(["mot"], frozenset({corpus.id}), 10**6)}
    told = ", ".join(f"{moments.count(moment)} {moment}" for moment in sorted(set(moments)))
    report.row(f"kill −9 of worker or parser, {count} times: documents lost", lost, "== 0", note=told)
    report.row("… documents with a page missing or twice", half, "== 0")
    report.row("… passages stored and not found, or found and not stored", len(stored ^ found), "== 0")


def _kill_at_random(worker: subprocess.Popen[bytes], document: Document, pages: int, chance: random.Random) -> str:
    """Kills once the document is taken, or some pages later, or at its end, and a little after."""
    from parvis.corpora.models import Document as Documents

    rows = Documents.unscoped.filter(id=document.id)
    wanted = chance.choice([0, pages // 3, 2 * pages // 3, pages])
    _until(lambda: rows.filter(attempts__gt=0, pages_done__gte=wanted).exists())
    time.sleep(chance.uniform(0, 0.3 if wanted < pages else 0.05))
    children = psutil.Process(worker.pid).children()
    if children and chance.random() < 0.3:
        with suppress(ProcessLookupError):
            os.kill(children[0].pid, signal.SIGKILL)
            return "of the parser"
    state, done = rows.values_list("state", "pages_done").get()
    worker.kill()
    if state == "reading":
        return "before a page was stored" if not done else "between pages" if done < pages else "at the last page"
    return "once indexed"


@contextmanager
def _worker() -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "import django; django.setup(); from parvis.isolation import scope; scope.begin('command line');"
        " from datetime import timedelta; from parvis.corpora.jobs import run_worker;"
        f" run_worker(lease=timedelta(seconds={LEASE_SECONDS}))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


# A course to work in


def _course(name: str) -> tuple[Principal, Corpus, Profile]:
    from parvis.access.middleware import principal_of
    from parvis.corpora.actions import create_corpus
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role

    institution, _ = Institution.objects.get_or_create(slug="banc", name="Banc d’essai", short_name="Banc")
    person = Person.objects.create(key=f"local:{name}", source=Source.LOCAL, display_name=name)
    profile = Profile.objects.create(institution=institution, person=person, role=Role.TEACHER)
    principal = principal_of(profile)
    return principal, create_corpus(principal, name=name), profile


def _add(principal: Principal, corpus: Corpus, name: str, content: bytes) -> Document:
    from parvis.corpora.actions import add_upload

    return add_upload(corpus, principal, name, io.BytesIO(content)).document


def _latest(corpus: Corpus) -> Document:
    from parvis.corpora.models import Document

    return Document.unscoped.filter(corpus=corpus).latest("id")


def _generated(path: Path, *, pages: int) -> Path:
    path.write_bytes(_pdf(io.BytesIO(), pages, seed=0))
    return path


_WORDS = "le contrat une règle mot après étude pour loi cours élève thèse où énergie chaleur bilan selon partie juge".split()


def _pdf(buffer: io.BytesIO, pages: int, *, seed: int) -> bytes:
    """Full pages of French-looking text, no two alike."""
    buffer.seek(0)
    buffer.truncate()
    chance = random.Random(seed)
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for page in range(pages):
        text = canvas.beginText(72, 770)
        for line in range(42):
            words = " ".join(chance.choice(_WORDS) for _ in range(12))
            text.textLine(f"Mot {words} {seed}.{page}.{line}.")
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _until(what: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
