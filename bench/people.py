"""People of an institution, by list and by SCIM: how long, and how long somebody else who writes waits meanwhile.

    python -m bench.people [--quick] [--json FILE]

On the product's own SQLite settings, in a throw-away folder. Another thread opens a transaction and writes one row again and
again; what is told is the longest it waited. Requests of SCIM go through the whole of Django, without a network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.report import Report

PEOPLE, USERS = 40_000, 5_000
QUICK = 100  # times fewer
YEARS = 40  # groups of the list
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the people")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    report = Report("People of an institution")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"PARVIS_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "parvis.settings", "PARVIS_HOSTS": "testserver"}
        _start()
        measure(report, PEOPLE // QUICK if arguments.quick else PEOPLE, USERS // QUICK if arguments.quick else USERS)
    return report.finish(arguments.json)


def _start() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    call_command("migrate", verbosity=0)


def measure(report: Report, people: int, users: int) -> None:
    """In a database that is there and empty."""
    from parvis.access.middleware import principal_of
    from parvis.federation.models import SignInSource
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role

    institution = Institution.objects.create(slug="bench", name="Bench", short_name="Bench")
    person = Person.objects.create(key="local:bench", source=Source.LOCAL, display_name="Bench")
    administrator = Profile.objects.create(institution=institution, person=person, role=Role.ADMINISTRATOR)
    source = SignInSource.unscoped.create(institution=institution, kind="cas", name="CAS", settings={})
    _lists(report, institution, source, people)
    _pages(report, principal_of(administrator))
    _scim(report, principal_of(administrator), users)


def _lists(report: Report, institution: Any, source: Any, people: int) -> None:
    from django.utils import timezone

    from parvis.federation.provisioning.actions.lists import Target, import_people, preview
    from parvis.institutions.models import Profile

    target = Target(institution, "Étudiants", source)
    rows = [
        f"etu{number};Prénom {number};Nom {number};étudiant;L{number % 3 + 1};Année {number % YEARS}"
        for number in range(people)
    ]
    content = "\n".join(["identifiant;prénom;nom;rôle;précision;groupes", *rows]).encode()

    def done(content: bytes, *, ends_absent: bool = False) -> Any:
        return import_people(target, content, ends_absent=ends_absent, actor="bench", now=timezone.now())

    begun = time.perf_counter()
    preview(target, content)
    report.row(f"preview of a list of {people:,}", time.perf_counter() - begun, "<= 10", unit="s")
    with _another_writer() as waits:
        begun = time.perf_counter()
        done(content)
        seconds = time.perf_counter() - begun
    report.row(
        f"import of {people:,} people, each in a group", seconds, "<= 120", unit="s", note=f"{people / seconds:.0f} a second"
    )
    report.row("longest wait of another writer meanwhile", max(waits), "< 1.5", unit="s", note=f"{len(waits)} writes")
    report.row("profiles after it", Profile.objects.filter(institution=institution, ended_at=None).count(), f">= {people}")
    begun = time.perf_counter()
    again = done(content)
    report.row("the same list again", time.perf_counter() - begun, "<= 15", unit="s")
    report.row("people it changes", again.added + again.changed + again.ended, "== 0")
    with _another_writer() as waits:
        begun = time.perf_counter()
        done(content[: len(content) // 2].rpartition(b"\n")[0], ends_absent=True)
        report.row("ending the half that is no longer in it", time.perf_counter() - begun, "<= 120", unit="s")
    report.row("longest wait of another writer meanwhile, ending", max(waits), "< 1.5", unit="s")


def _pages(report: Report, principal: Any) -> None:
    from parvis.federation.provisioning.presentation import Wanted, found_ids, shown

    for name, wanted in (("everybody", Wanted()), ("a name", Wanted(query="prenom 123"))):
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            shown(principal, found_ids(principal, wanted)[:50])
            times.append(time.perf_counter() - begun)
        report.row(f"page of people: {name}", statistics.median(times) * 1000, "<= 1000", unit="ms")


def _scim(report: Report, principal: Any, users: int) -> None:
    from django.test import Client
    from django.utils import timezone

    from parvis.federation.provisioning.actions.tokens import create_token

    token = create_token(principal, "bench", now=timezone.now())[1]
    client = Client(headers={"authorization": f"Bearer {token}"})

    def send(method: str, path: str, body: Any = None) -> Any:
        response = client.generic(method, f"/scim/v2{path}", json.dumps(body), content_type="application/scim+json")
        if response.status_code >= 400:
            raise RuntimeError(response.content)
        return json.loads(response.content)

    times, ids = [], []
    with _another_writer() as waits:
        for number in range(users):
            begun = time.perf_counter()
            name = f"scim{number}"
            ids.append(send("POST", "/Users", {"schemas": [USER], "userName": name, "userType": "student"})["id"])
            times.append(time.perf_counter() - begun)
        report.row(
            f"creating {users:,} users by SCIM",
            sum(times),
            "<= 300",
            unit="s",
            note=f"{1000 * sum(times) / users:.1f} ms each",
        )
        begun = time.perf_counter()
        send("POST", "/Groups", {"schemas": [GROUP], "displayName": "SCIM", "members": [{"value": one} for one in ids]})
        report.row(f"a group of {users:,} in one request", time.perf_counter() - begun, "<= 30", unit="s")
    report.row("longest wait of another writer meanwhile, SCIM", max(waits), "< 1.5", unit="s", note=f"{len(waits)} writes")
    begun = time.perf_counter()
    send("GET", f'/Users?filter=userName eq "SCIM{users - 1}"')
    report.row("looking for one user by SCIM", (time.perf_counter() - begun) * 1000, "<= 200", unit="ms")


@contextmanager
def _another_writer() -> Iterator[list[float]]:
    """Seconds that each of its writes took."""
    from django.db import connection

    from parvis.audit.models import record

    waits: list[float] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set() or not waits:
            begun = time.perf_counter()
            record(institution_id=None, actor="bench", action="bench.write", subject="bench")
            waits.append(time.perf_counter() - begun)
            stop.wait(0.02)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
