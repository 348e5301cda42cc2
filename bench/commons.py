"""The needs commons as an alliance uses it at once: 500 people reading, 50 writing needs, the real server on loopback.

    python -m bench.commons [--json FILE] [--quick]

On the demonstration's commons. Each of those who read opens a page every 20 to 40 seconds; each of those who write asks for
close needs as they type, then keeps a draft, every 30 seconds or so. Nothing is lost: every draft that was acknowledged is in
the database afterwards, as it was written.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from bench.question import _answers, _ms, _process, _signed_in, _until
from bench.report import Report

if TYPE_CHECKING:
    from parvis.institutions.models import Profile

READING, WRITING = 500, 50
PAGES = (
    "/besoins/",
    "/besoins/?q=transcription",
    "/besoins/1/",
    "/besoins/70/",
    "/besoins/accueil/",
    "/besoins-harmonises/",
    "/besoins-harmonises/1/",
    "/sondages/",
    "/sondages/1/offres/",
    "/public/besoins/",
)
TEXT = "Retrouver vite la procédure qui s’applique à une demande d’étudiant et préparer la réponse, essai numéro {}."


@dataclass
class Seen:
    pages: list[float] = field(default_factory=list)  # seconds
    close: list[float] = field(default_factory=list)
    drafts: list[float] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # texts that the server acknowledged
    faults: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true", help="30 seconds instead of 90")
    arguments = parser.parse_args()
    report = Report("The needs commons: 500 people reading, 50 writing")
    with tempfile.TemporaryDirectory() as folder:
        profiles = _prepare(Path(folder))
        port = 8900 + os.getpid() % 90
        command = [sys.executable, "-m", "uvicorn", "parvis.asgi:application", "--port", str(port), "--workers", "2"]
        with _process([*command, "--log-level", "critical"]):
            _until(lambda: _answers(port))
            asyncio.run(_warm(profiles[0], port))
            seen = asyncio.run(_everybody(profiles, port, 30 if arguments.quick else 90))
        lost = _lost(seen)
    report.row("pages read", len(seen.pages))
    report.row("a page, p50", _ms(seen.pages, 50), unit="ms")
    report.row("a page, p95", _ms(seen.pages, 95), "< 300", unit="ms")
    report.row("close needs while typing, p95", _ms(seen.close, 95), unit="ms")
    report.row("a draft kept, p95", _ms(seen.drafts, 95), unit="ms")
    report.row("drafts acknowledged", len(seen.kept), ">= 1")
    report.row("drafts lost", lost, "== 0")
    report.row("pages or drafts refused", len(seen.faults), "== 0", note="; ".join(sorted(set(seen.faults))[:3]))
    return report.finish(arguments.json)


def _prepare(folder: Path) -> list[Profile]:
    """The people of the demonstration who read needs."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "parvis.settings",
        "PARVIS_DATA_DIR": str(folder),
        "PARVIS_DATABASE_URL": "",
        "PARVIS_SECRET_KEY": "only for this bench",
        "PARVIS_DEMO": "1",  # nobody else may act as its people
    }
    import django
    from django.core.management import call_command
    from django.db import transaction

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    call_command("migrate", verbosity=0)
    from parvis.demo.commons import load_commons
    from parvis.demo.loader import load_people

    with transaction.atomic():
        profiles = load_people()
        load_commons(profiles)
    return [one for one in profiles.values() if one.role == "referent"]


async def _warm(profile: Profile, port: int) -> None:
    """Both workers have met each page before anything is measured."""
    headers = await asyncio.to_thread(_signed_in, profile)
    for _again in range(6):
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
            for page in PAGES:
                async with session.get(page) as response:
                    await response.read()


async def _everybody(profiles: list[Profile], port: int, seconds: int) -> Seen:
    seen = Seen()
    people = [profiles[number % len(profiles)] for number in range(READING + WRITING)]
    headers = await asyncio.to_thread(lambda: [_signed_in(one) for one in people])
    until = time.perf_counter() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.DummyCookieJar()  # each of them brings their own
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, cookie_jar=jar) as session:
        readers = [_read(session, one, seen, until) for one in headers[:READING]]
        writers = [_write(session, one, seen, until, number) for number, one in enumerate(headers[READING:])]
        await asyncio.gather(*readers, *writers)
    return seen


async def _read(session: aiohttp.ClientSession, headers: dict[str, str], seen: Seen, until: float) -> None:
    chance = random.Random(headers["Cookie"])
    await asyncio.sleep(chance.uniform(0, 30))
    while time.perf_counter() < until:
        page = chance.choice(PAGES)
        began = time.perf_counter()
        async with session.get(page, headers=headers, allow_redirects=False) as response:
            await response.read()
            if response.status != 200:
                seen.faults.append(f"{page} {response.status}")
        seen.pages.append(time.perf_counter() - began)
        await asyncio.sleep(chance.uniform(20, 40))


async def _write(session: aiohttp.ClientSession, headers: dict[str, str], seen: Seen, until: float, number: int) -> None:
    chance = random.Random(number)
    await asyncio.sleep(chance.uniform(0, 20))
    rank = 0
    while time.perf_counter() < until:
        rank += 1
        text = TEXT.format(number * 1_000 + rank)
        form = {"title": f"Procédure {number}-{rank}", "text": text, "csrfmiddlewaretoken": headers["X-CSRFToken"]}
        for typed in (60, 90):
            began = time.perf_counter()
            async with session.post("/besoins/proches/", data={**form, "text": text[:typed]}, headers=headers) as response:
                await response.read()
                if response.status != 200:
                    seen.faults.append(f"close needs {response.status}")
            seen.close.append(time.perf_counter() - began)
            await asyncio.sleep(chance.uniform(4, 8))
        began = time.perf_counter()
        with suppress(aiohttp.ClientError):
            async with session.post("/besoins/nouveau/", data=form, headers=headers, allow_redirects=False) as response:
                seen.drafts.append(time.perf_counter() - began)
                seen.kept += [text] if response.status == 302 else []
                seen.faults += [f"draft {response.status}"] if response.status != 302 else []
        await asyncio.sleep(chance.uniform(10, 20))


def _lost(seen: Seen) -> int:
    from parvis.needs.models import RawNeedText

    found = set(RawNeedText.unscoped.filter(text__in=seen.kept).values_list("text", flat=True))
    return len(set(seen.kept) - found)


if __name__ == "__main__":
    sys.exit(main())
