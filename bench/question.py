"""A question over real HTTP: what Parvis adds before the first words, and what twenty people asking at once wait for.

    python -m bench.question [--quick] [--json FILE]

The server is uvicorn, the client a browser's two requests: the question is posted, then its stream is read until the first
block of the answer. Beside it, in the same run: the bare retrieval call in a process of its own, and the scripted model server
asked directly with the very messages that Parvis composes. Then the same while a worker reads a document of 500 pages.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from bench.report import Report

if TYPE_CHECKING:
    from parvis.access.principal import Principal
    from parvis.assistants.models import Assistant
    from parvis.corpora.models import Corpus
    from parvis.institutions.models import Profile

ROOT = Path(__file__).parent.parent
COURSE = ROOT / "parvis/demo/courses/droit-des-contrats/introduction-au-droit-des-contrats.pdf"
PEOPLE = 20
LONG_DOCUMENT = 500  # pages
QUESTIONS = (
    "Quel est le délai de la prescription de droit commun ?",
    "Qu’est-ce que la violence économique ?",
    "Quand le contrat est-il formé ?",
    "Quelles sont les conditions de validité du contrat ?",
    "Qu’est-ce que la force majeure ?",
    "Que peut demander le créancier en cas d’inexécution ?",
    "Qu’est-ce que l’imprévision ?",
    "À quoi sert la mise en demeure ?",
    "Quelle différence entre nullité relative et nullité absolue ?",
    "Que devient l’offre à la mort de son auteur ?",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("A question")
    with tempfile.TemporaryDirectory(prefix="parvis-bench-") as folder, _model_server() as model_url:
        _start_django(Path(folder), model_url)
        place = _make_course()
        with _server() as port:
            _first_words(report, place, port, model_url, count=10 if arguments.quick else 30)
            _twenty_people(report, place, port, rounds=3 if arguments.quick else 6)
    return report.finish(arguments.json)


@dataclass(frozen=True)
class Place:
    """A course with its two assistants, and the people who ask them."""

    principal: Principal
    corpus: Corpus
    quoting: Assistant
    writing: Assistant
    people: tuple[Profile, ...]


# One person


def _first_words(report: Report, place: Place, port: int, model_url: str, count: int) -> None:
    questions = [QUESTIONS[number % len(QUESTIONS)] for number in range(count)]
    retrieval = [_seconds(lambda question=question: _retrieve(place, question)) for question in questions]  # type: ignore[misc]
    quoted, written, direct = asyncio.run(_alone(place, port, model_url, questions))
    report.row("Bare retrieval, p50", _ms(retrieval, 50), unit="ms")
    report.row("First words quoted, over HTTP, p50", _ms(quoted, 50), unit="ms")
    report.row("… added by Parvis over bare retrieval, p50", _ms(quoted, 50) - _ms(retrieval, 50), unit="ms")
    report.row("Scripted model asked directly, first sentence, p50", _ms(direct, 50), unit="ms")
    report.row("First verified sentence of that model, over HTTP, p50", _ms(written, 50), unit="ms")
    added = _ms(written, 50) - _ms(direct, 50)
    report.row("… added by Parvis, retrieval and verification included, p50", added, unit="ms")


async def _alone(
    place: Place, port: int, model_url: str, questions: Sequence[str]
) -> tuple[list[float], list[float], list[float]]:
    async with _person(place.people[0], port) as asker:
        for assistant in (place.quoting, place.writing):  # everything is loaded
            await asker.ask(assistant, QUESTIONS[0])
        quoted = [await asker.ask(place.quoting, question) for question in questions]
        written = [await asker.ask(place.writing, question) for question in questions]
    messages = [await asyncio.to_thread(_messages, place, question) for question in questions]
    async with aiohttp.ClientSession() as session:
        direct = [await _asked_directly(session, model_url, one) for one in messages]
    return quoted, written, direct


async def _asked_directly(session: aiohttp.ClientSession, model_url: str, messages: list[dict[str, str]]) -> float:
    """Seconds to the end of the first sentence with its proof, as anyone would read it."""
    began, text = time.perf_counter(), ""
    body = {"model": "banc", "messages": messages, "stream": True}
    async with session.post(f"{model_url}/v1/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {") and (choices := json.loads(line[6:])["choices"]):
                text += choices[0]["delta"].get("content") or ""
            if '"]' in text:
                break
    return time.perf_counter() - began


def _retrieve(place: Place, question: str) -> None:
    from parvis.corpora.actions import search_corpora
    from parvis.retrieval.extraction import best_sentences

    best_sentences(search_corpora(place.principal, question, [place.corpus.id], limit=8), limit=3)


def _messages(place: Place, question: str) -> list[dict[str, str]]:
    from django.db import connection

    from parvis.assistants.prompt import Evidence, compose
    from parvis.corpora.actions import search_corpora

    found = search_corpora(place.principal, question, [place.corpus.id], limit=8)
    connection.close()
    evidence = [Evidence(number, hit.passage) for number, hit in enumerate(found.hits, 1)]
    return compose(question, evidence, nonce="0", context_characters=12_000)


# Twenty people


def _twenty_people(report: Report, place: Place, port: int, rounds: int) -> None:
    idle = asyncio.run(_rounds(place, port, rounds))
    with _worker():
        busy, pages = asyncio.run(_rounds_while_reading(place, port, rounds))
    assert pages, "nothing was being read"
    report.row(f"{PEOPLE} people at once, nothing being read: p50", _ms(idle, 50), unit="ms")
    report.row(f"{PEOPLE} people at once, nothing being read: p95", _ms(idle, 95), unit="ms")
    note = f"{pages} pages read meanwhile"
    report.row(f"… while {LONG_DOCUMENT} pages are being read: p95", _ms(busy, 95), unit="ms", note=note)
    report.row("p95 while reading / p95 idle", _ms(busy, 95) / _ms(idle, 95), "<= 3", note=f"{len(busy)} questions")


async def _rounds_while_reading(place: Place, port: int, rounds: int) -> tuple[list[float], int]:
    """Documents are given one after the other, so that one is being read all the while."""
    waits: list[float] = []
    first = await asyncio.to_thread(_pages_read)
    for number in range(rounds):
        await asyncio.to_thread(_keep_worker_busy, place, number)
        waits += await _rounds(place, port, 1)
    return waits, await asyncio.to_thread(_pages_read) - first


async def _rounds(place: Place, port: int, count: int) -> list[float]:
    """Each round, everybody asks at the same instant."""
    waits: list[float] = []
    for number in range(count):
        async with _everybody(place, port) as askers:
            asked = [asker.ask(place.quoting, QUESTIONS[(number + who) % len(QUESTIONS)]) for who, asker in enumerate(askers)]
            waits += await asyncio.gather(*asked)
    return waits


def _keep_worker_busy(place: Place, number: int) -> None:
    from django.db import connection

    from parvis.corpora.actions import add_upload
    from parvis.corpora.models import WAITING, Document

    if Document.unscoped.filter(state__in=WAITING).count() < 2:
        long = io.BytesIO(_pdf(LONG_DOCUMENT, seed=number))
        add_upload(place.corpus, place.principal, f"long-{number}.pdf", long)
    _until(lambda: Document.unscoped.filter(state="reading", pages_done__gt=0).exists())
    connection.close()


def _pages_read() -> int:
    from django.db import connection

    from parvis.corpora.models import Page

    count = Page.unscoped.count()
    connection.close()
    return count


# People


@asynccontextmanager
async def _everybody(place: Place, port: int) -> AsyncIterator[list[_Asker]]:
    sessions = [_person(profile, port) for profile in place.people]
    askers = [await session.__aenter__() for session in sessions]
    try:
        yield askers
    finally:
        for session in sessions:
            await session.__aexit__(None, None, None)


@asynccontextmanager
async def _person(profile: Profile, port: int) -> AsyncIterator[_Asker]:
    headers = await asyncio.to_thread(_signed_in, profile)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        yield _Asker(session)


@dataclass(frozen=True)
class _Asker:
    session: aiohttp.ClientSession

    async def ask(self, assistant: Assistant, question: str) -> float:
        """Seconds from the question sent to the first words received; the rest of the answer is then read."""
        began = time.perf_counter()
        form = {"question": question}
        address = f"/assistants/{assistant.id}/"
        async with self.session.post(address, data=form, headers={"HX-Request": "true"}, allow_redirects=False) as posted:
            turn = re.search(r"#turn-(\d+)", posted.headers["HX-Redirect"])
        assert turn
        first = 0.0
        async with self.session.get(f"/echanges/{turn[1]}/flux/") as stream:
            async for line in stream.content:
                if line.startswith((b"event: block", b"event: done")) and not first:
                    first = time.perf_counter() - began
        assert first
        return first


def _signed_in(profile: Profile) -> dict[str, str]:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection

    session = SessionStore()
    session[SESSION_KEY] = str(profile.person_id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = profile.person.get_session_auth_hash()
    session.save()
    connection.close()
    token = "a" * 32
    return {"Cookie": f"parvis_session={session.session_key}; parvis_csrf={token}", "X-CSRFToken": token}


# What runs


def _start_django(folder: Path, model_url: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "parvis.settings",
        "PARVIS_DATA_DIR": str(folder),
        "PARVIS_DATABASE_URL": "",
        "PARVIS_OCR": "0",
        "PARVIS_SECRET_KEY": "only for this bench",
        "PARVIS_MODEL_URL": f"{model_url}/v1",
        "PARVIS_MODEL_NAME": "banc",
    }
    import django
    from django.core.management import call_command

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    call_command("migrate", verbosity=0)


def _make_course() -> Place:
    from parvis.access.middleware import principal_of
    from parvis.assistants.actions import create_assistant, create_course
    from parvis.assistants.models import Assistant
    from parvis.corpora.actions import add_upload, share_corpus
    from parvis.corpora.jobs import run_worker
    from parvis.corpora.models import Document
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role

    institution = Institution.objects.create(slug="banc", name="Banc d’essai", short_name="Banc")

    def profile(name: str, role: Role) -> Profile:
        person = Person.objects.create(key=f"local:{name}", source=Source.LOCAL, display_name=name)
        return Profile.objects.create(institution=institution, person=person, role=role)

    principal = principal_of(profile("Enseignante", Role.TEACHER))
    corpus, writing = create_course(principal, name="Droit des contrats")
    quoting = create_assistant(principal, name="Extraits", corpora=[corpus])
    Assistant.unscoped.filter(id=quoting.id).update(quotes_only=True)
    share_corpus(principal, corpus, groups=[], with_institution=True)
    with COURSE.open("rb") as file:
        add_upload(corpus, principal, COURSE.name, file)
    run_worker(until_idle=True)
    assert Document.unscoped.get().state == "indexed"
    people = tuple(profile(f"Étudiant {number}", Role.STUDENT) for number in range(PEOPLE))
    return Place(principal, corpus, quoting, writing, people)


@contextmanager
def _server() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "uvicorn", "parvis.asgi:application", "--port", str(port), "--log-level", "warning"]
    with _process(command):
        _until(lambda: _answers(port))
        yield port


@contextmanager
def _worker() -> Iterator[None]:
    begun = "import django; django.setup(); from parvis.isolation import scope; scope.begin('command line');"
    code = f"{begun} from parvis.corpora.jobs import run_worker; run_worker()"
    with _process([sys.executable, "-c", code]):
        yield


@contextmanager
def _model_server() -> Iterator[str]:
    command = [sys.executable, "-m", "parvis.inference.tests.model_server", "honest"]
    with _process(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        yield server.stdout.readline().decode().strip()


@contextmanager
def _process(command: Sequence[str], *, stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=stdout)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


_WORDS = "le contrat une règle mot après étude pour loi cours élève thèse où énergie chaleur bilan selon partie juge".split()


def _pdf(pages: int, *, seed: int) -> bytes:
    """Full pages of French-looking text, no two alike."""
    buffer, chance = io.BytesIO(), random.Random(seed)
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for page in range(pages):
        text = canvas.beginText(72, 770)
        for line in range(42):
            text.textLine(f"Mot {' '.join(chance.choice(_WORDS) for _ in range(12))} {seed}.{page}.{line}.")
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _ms(seconds: Sequence[float], percentile: int) -> float:
    return 1000 * statistics.quantiles(seconds, n=100, method="inclusive")[percentile - 1]


def _until(what: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
