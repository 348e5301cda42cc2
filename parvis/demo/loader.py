"""The demonstration alliance: real members as facts; people, groups and courses invented, and marked so on every page.

Loading is idempotent: what is there already is left alone.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from parvis.access.middleware import principal_of
from parvis.assistants.actions import create_course
from parvis.corpora.actions import add_upload, share_corpus
from parvis.corpora.jobs import run_worker
from parvis.corpora.models import Corpus, CorpusKind, Document
from parvis.demo.commons import load_commons
from parvis.demo.expenses import load_expenses
from parvis.demo.people import LEADS, ORGANISATIONS, PERSONAS, Persona
from parvis.identity.models import Person, Source
from parvis.institutions.actions import DIGEST_EVERY
from parvis.institutions.models import Group, Institution, Notice, Profile, WorkingGroup

HERE = Path(__file__).parent
MAILS_AT = "parvis.example"  # reserved (RFC 2606): no mail to an invented person reaches anybody

# The document being read, the page just read, and how many it has (None until known).
Progress = Callable[[Document, int, int | None], None]


@dataclass(frozen=True)
class Course:
    name: str
    description: str
    owner: str  # a persona's key
    kind: CorpusKind
    folder: str
    group: str = ""  # "" shares it with the whole institution
    suggestions: tuple[str, ...] = ()


COURSES = (
    Course(
        "Introduction au droit des contrats",
        "Formation, contenu, exécution et inexécution du contrat, d’après la réforme de 2016. Licence 2.",
        "delmas",
        CorpusKind.COURSE,
        "droit-des-contrats",
        "Licence 2 Droit",
        (
            "Quels sont les vices du consentement ?",
            "Quelle est la différence entre nullité absolue et nullité relative ?",
            "Qu’est-ce que la force majeure ?",
        ),
    ),
    Course(
        "Thermodynamique",
        "Premier et second principes, gaz parfait, machines thermiques. Diapositives et notes de cours. Licence 2.",
        "benali",
        CorpusKind.COURSE,
        "thermodynamique",
        "Licence 2 Physique",
        (
            "Quel est l’énoncé du premier principe ?",
            "Qu’est-ce qu’une transformation réversible ?",
            "Quel est le rendement d’un moteur de Carnot ?",
        ),
    ),
    Course(
        "Règlement des études et démarches",
        "Inscriptions, examens, absences, redoublement, césure, aménagements : les règles de la faculté de démonstration.",
        "le-goff",
        CorpusKind.ADMINISTRATIVE,
        "reglement-des-etudes",
        suggestions=(
            "Que se passe-t-il si je suis absent à un examen ?",
            "Comment demander une année de césure ?",
            "Quand faut-il s’inscrire ?",
        ),
    ),
)
READABLE = {".pdf", ".pptx", ".docx", ".odt", ".odp", ".html", ".md", ".vtt", ".srt", ".epub", ".ipynb", ".txt"}


def load(on_progress: Progress | None = None) -> None:
    """Loads what is missing, then reads the documents in this process."""
    with transaction.atomic():
        profiles = load_people()
        load_commons(profiles)
        # Months of notices are on the pages; mails begin with what is done from now on.
        Notice.objects.filter(mailed_at=None).update(mailed_at=timezone.now() - 2 * DIGEST_EVERY)
    for course in COURSES:
        _load_course(course, profiles[course.owner])
    with transaction.atomic():
        load_expenses(profiles)
    run_worker(until_idle=True, stop=threading.Event(), on_progress=on_progress, embeddings=False)


def load_people() -> dict[str, Profile]:
    """The members, the organisations and everybody in them, by the key of each persona."""
    _load_alliance()
    return {persona.key: _load_persona(persona) for persona in PERSONAS}


def personas() -> list[Profile]:
    """Those to present first."""
    keys = [f"{Source.DEMO}:{persona.key}" for persona in LEADS]
    return list(Profile.objects.filter(person__key__in=keys).select_related("person", "institution"))


def _load_alliance() -> None:
    facts = json.loads((HERE / "alliance.json").read_text(encoding="utf-8"))
    for member in facts["members"]:
        slug = member["short_name"].lower().replace(" ", "-").replace("î", "i")
        details = {"name": member["name"], "short_name": member["short_name"], "kind": member["kind"]}
        details |= {"city": member["city"], "joined_date": date.fromisoformat(member["joined"])}
        Institution.objects.update_or_create(slug=slug, defaults=details)
    for one in ORGANISATIONS:
        details = {"name": one.name, "short_name": one.short_name, "nature": one.nature, "is_invented": True}
        Institution.objects.update_or_create(slug=one.slug, defaults=details)
    for group in facts["working_groups"]:
        WorkingGroup.objects.update_or_create(slug=group["slug"], defaults={"name": group["name"]})


def _load_persona(persona: Persona) -> Profile:
    institution = Institution.objects.get(name=persona.institution)
    person, _created = Person.objects.get_or_create(
        key=f"{Source.DEMO}:{persona.key}",
        defaults={"source": Source.DEMO, "display_name": persona.name, "email": f"{persona.key}@{MAILS_AT}"},
    )
    profile, _created = Profile.objects.get_or_create(
        institution=institution, person=person, role=persona.role, defaults={"detail": persona.detail}
    )
    for name in persona.groups:
        Group.objects.get_or_create(institution=institution, name=name)[0].profiles.add(profile)
    return profile


def _load_course(course: Course, owner: Profile) -> None:
    principal = principal_of(owner)
    if Corpus.objects.visible_to(principal).filter(name=course.name).exists():
        return
    corpus, _assistant = create_course(
        principal,
        name=course.name,
        description=course.description,
        kind=course.kind,
        suggestions="\n".join(course.suggestions),
    )
    groups = Group.objects.filter(institution=owner.institution, name=course.group)
    share_corpus(principal, corpus, groups=list(groups), with_institution=not course.group)
    for path in sorted((HERE / "courses" / course.folder).iterdir()):
        if path.suffix in READABLE:
            with path.open("rb") as file:
                add_upload(corpus, principal, path.name, file)
