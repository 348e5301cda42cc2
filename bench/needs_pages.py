"""Close needs as a page asks for them: Django, rights, what an institution said, in a throw-away database.

python -m bench.needs_pages COUNT DRAFTS        milliseconds of each call, as JSON: for bench.needs
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parvis.institutions.models import Profile
    from parvis.needs.similarity import Facets

INSTITUTIONS = 14


def whole_call(count: int, drafts: int) -> list[tuple[float, float]]:
    """Milliseconds of each call, by the clock and of processor, in a process of its own: Django is configured once in one."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PARVIS_", "DJANGO_"))}
        environment = {**kept, "PARVIS_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "parvis.settings"}
        command = [sys.executable, "-m", "bench.needs_pages", str(count), str(drafts)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [(wall, used) for wall, used in json.loads(done.stdout)]


def main(count: int, drafts: int) -> None:
    import django

    django.setup()
    from parvis.isolation import scope

    scope.begin("command line")
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from bench.needs_data import NEEDS, generated, load
    from parvis.access.middleware import principal_of
    from parvis.needs.actions.expressions import Words
    from parvis.needs.engine import index
    from parvis.needs.suggestions import close_needs

    writer = generated([text for _, text in load(NEEDS)], random.Random(count))
    author = _fill(writer, count)
    index().maintain()
    principal = principal_of(author)
    measured = []
    for _ in range(drafts):
        _title, text, facets = next(writer)
        words = Words(text[:60], text[: random.Random(text).randint(30, 200)], domain=facets.domain)
        start, used = time.perf_counter(), time.process_time()
        close_needs(principal, words)
        measured.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - used)))
    json.dump(measured, sys.stdout)


def _fill(writer: Iterator[tuple[str, str, Facets]], count: int) -> Profile:
    """`count` published needs of fourteen institutions, one author each; the first author is the one who writes on."""
    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role
    from parvis.needs.actions.indexing import index_needs
    from parvis.needs.models import RawNeed, RawNeedState, RawNeedText

    authors = []
    for number in range(INSTITUTIONS):
        name = f"institution-{number}"
        institution = Institution.objects.create(slug=name, name=name, short_name=name)
        person = Person.objects.create(key=f"local:{name}", source=Source.LOCAL, display_name=name)
        authors.append(Profile.objects.create(institution=institution, person=person, role=Role.STAFF))
    for start in range(0, count, 1_000):
        chosen = [authors[(start + step) % INSTITUTIONS] for step in range(min(1_000, count - start))]
        needs = RawNeed.unscoped.bulk_create(
            RawNeed(institution_id=author.institution_id, author=author, state=RawNeedState.PUBLISHED) for author in chosen
        )
        written = [(need, *next(writer)) for need in needs]
        texts = RawNeedText.unscoped.bulk_create(
            RawNeedText(
                institution_id=need.institution_id,
                need=need,
                title=text[:60],
                text=text,
                domain=facets.domain,
                written_by_id=need.author_id,
            )
            for need, _title, text, facets in written
        )
        for need, text in zip(needs, texts, strict=True):
            need.current = text
        RawNeed.unscoped.bulk_update(needs, ["current"])
        index_needs(need.id for need in needs)
    return authors[0]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
