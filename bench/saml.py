"""SAML: is anything read that was not signed, and what does a whole federation cost?

    python -m bench.saml [--quick] [--json FILE]

Ten thousand responses changed at random, each in what is signed or in its signature, and the known ways of wrapping one; then
a federation of six thousand providers, as large as the real ones: verified and cut up in a process of its own, whose memory is
told beside that of an empty one; then read into tables twice, on the product's own SQLite settings.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

from bench.report import Report
from parvis.federation.failure import SignInError
from parvis.federation.saml import responses
from parvis.federation.saml.metadata import read_alone
from parvis.federation.saml.responses import Service
from parvis.federation.saml.tests import made
from parvis.federation.saml.tests.forgeries import encode, genuine, mutations, tricks, wrappings

MUTATED, QUICK_MUTATED = 10_000, 1_000
PROVIDERS, QUICK_PROVIDERS = 6_000, 600
READS = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        return _measure(Path(arguments.measure))
    report = Report("SAML")
    _forgeries(report, QUICK_MUTATED if arguments.quick else MUTATED)
    with tempfile.TemporaryDirectory() as folder:
        _federation(report, Path(folder), QUICK_PROVIDERS if arguments.quick else PROVIDERS)
    return report.finish(arguments.json)


def _forgeries(report: Report, count: int) -> None:
    provider, _ = read_alone(made.descriptor().encode())
    service = Service(made.SERVICE, made.LANDING, (made.pair("parvis").private,))

    def is_read(encoded: str) -> bool:
        try:
            responses.read(encoded, provider, service, now=made.NOW)
        except SignInError:
            return False
        return True

    good = [encode(one) for one in genuine().values()]
    report.row("genuine responses read", sum(map(is_read, good)), f">= {len(good)}", note=", ".join(genuine()))
    wrapped = [encode(one) for _, one in wrappings()]
    report.row(
        "wrapped responses read", sum(map(is_read, wrapped)), "== 0", note=f"{len(wrapped)}: XSW1 to 8 and their variants"
    )
    tricked = [encode(one) for _, one in tricks()]
    note = f"{len(tricked)}: comments, duplicates, name spaces, keys, transforms, encryption"
    report.row("responses with a trick read", sum(map(is_read, tricked)), "== 0", note=note)
    begun = time.perf_counter()
    read = sum(is_read(one) for one in mutations(Random(20_26), count))
    note = f"{count:,} of them, in {time.perf_counter() - begun:.0f} s"
    report.row("mutated responses read", read, "== 0", note=note)
    for name, one in (("signed", good[0]), ("encrypted", good[3])):
        begun = time.thread_time()
        for _ in range(READS):
            is_read(one)
        report.row(f"one response, {name}", (time.thread_time() - begun) / READS * 1000, unit="ms")


def _federation(report: Report, folder: Path, count: int) -> None:
    path = folder / "all.xml"
    with path.open("wb") as file:
        made.write_federation(file, count)
    (folder / "key.pem").write_text(made.pair("federation").pem)
    command = [sys.executable, "-m", "bench.saml", "--measure", str(folder)]
    figures: Mapping[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    size = f"{count:,} providers, {path.stat().st_size / 1e6:.0f} MB"
    report.row("verified", figures["verify"], "< 5", unit="s", note=f"{size}; xmlsec1, which holds it whole, took 0.8 to 1.1")
    report.row("cut up", figures["split"], "< 5", unit="s", note=f"{figures['found']:.0f} providers")
    report.row("memory that both took", figures["memory"], "< 30", unit="MiB", note="at most, beyond the same process before")
    report.row("read into tables, first time", figures["first"], "< 60", unit="s")
    report.row("read again, nothing changed", figures["again"], "< 20", unit="s")
    report.row("one provider, as a sign-in reads it", figures["one"], "< 10", unit="ms", note="of all that the table holds")
    report.row("memory of all of this", figures["tables"], "< 120", unit="MiB", note="at most, beyond the same process before")


def _measure(folder: Path) -> int:
    """In a process of its own: its greatest memory is nobody else's."""
    os.environ |= {"PARVIS_DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "parvis.settings"}
    import django

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    from django.core.management import call_command
    from django.utils import timezone

    from parvis.federation.models import SignInSource
    from parvis.federation.saml import actions, metadata
    from parvis.federation.saml.models import Entity, Federation
    from parvis.federation.saml.signatures import key_of_pem, pem
    from parvis.institutions.models import Institution

    key = key_of_pem((folder / "key.pem").read_text())
    call_command("migrate", verbosity=0)
    before = _memory()
    figures: dict[str, float] = {}
    begun = time.perf_counter()
    with (folder / "all.xml").open("rb") as document, (folder / "verified.xml").open("wb") as out:
        metadata.verify(document, out, [key])
    figures["verify"] = time.perf_counter() - begun
    begun = time.perf_counter()
    with (folder / "verified.xml").open("rb") as document:
        figures["found"] = sum(1 for _ in metadata.split(document))
    figures["split"] = time.perf_counter() - begun
    figures["memory"] = _memory() - before

    federation = Federation(institution=Institution.objects.create(slug="i", name="I", short_name="I"), name="F")
    federation.kind, federation.address, federation.keys = "aggregate", "https://f.example", [pem(key)]
    federation.save()
    for name in ("first", "again"):
        begun = time.perf_counter()
        with (folder / "all.xml").open("rb") as document:
            actions.take_in(federation, document, now=timezone.now(), limit=False)
        figures[name] = time.perf_counter() - begun
    source = SignInSource(institution=federation.institution, kind="saml", name="S")
    source.settings = {"entity_id": Entity.unscoped.order_by("-id")[0].entity_id, "federation": federation.id}
    actions.provider_of(source)
    begun = time.perf_counter()
    for _ in range(READS):
        actions.provider_of(source)
    figures["one"] = (time.perf_counter() - begun) / READS * 1000
    figures["tables"] = _memory() - before
    print(json.dumps(figures))
    return 0


def _memory() -> float:
    """MiB, at most so far: `VmHWM` of this process, which what started it has no part in."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
