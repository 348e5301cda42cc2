"""A canary: somebody whose every trace bears one rare word, and a search for it wherever Parvis writes."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from conftest import House
from parvis.access.keys.models import ApiKey
from parvis.access.middleware import principal_of
from parvis.access.principal import Principal
from parvis.assistants.actions import ask, create_course, signal
from parvis.assistants.answering import Text
from parvis.assistants.models import EventKind, SignalKind, TurnEvent
from parvis.assistants.statements.models import Statement
from parvis.corpora import actions as corpora
from parvis.corpora import jobs
from parvis.corpora.engine import index
from parvis.corpora.models import Document
from parvis.corpora.parsing.reading import read
from parvis.federation.actions import arrive, remember_session
from parvis.federation.attributes import Correspondence, Identity
from parvis.federation.models import Kind, SignInSource
from parvis.identity.models import Person
from parvis.institutions.actions import notify
from parvis.institutions.models import Profile, Role
from parvis.isolation.ownership import as_owner
from parvis.needs.actions.expressions import Words, publish_need, validate_need, write_need
from parvis.needs.models import ImportedFile
from parvis.offers.models import PortfolioFile, ToolSource

WORD = "zyxcanari"
REFUSED_WORD = "wvucanari"  # of a document that could not be read


@pytest.fixture(autouse=True)
def data_folder(settings: Settings, tmp_path: Path) -> Path:
    """What the installation writes beside its database."""
    settings.DATA_DIR = tmp_path
    settings.FILES_DIR = tmp_path / "files"
    settings.KEYRING = tmp_path / "secrets.keys"
    return tmp_path


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "read_bounded", read)


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield
    index().delete(Document.unscoped.values_list("id", flat=True))


def needles(word: str) -> dict[str, bytes]:
    """How a word may be written: as it is, in base64 wherever it begins in three bytes, in hexadecimal, in an address."""
    raw = word.encode()
    written = {"raw": raw, "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode(), "reversed": raw[::-1]}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw + b"\0\0")
        written[f"base64 +{shift}"] = whole[(shift * 8 + 5) // 6 : (shift * 8 + len(raw) * 8) // 6]
    written["URL"] = "".join(f"%{byte:02X}" for byte in raw).encode()
    written["url"] = "".join(f"%{byte:02x}" for byte in raw).encode()
    written["quoted"], written["plus"] = quote(word).encode(), quote_plus(word).encode()
    written["UTF-16"] = word.encode("utf-16-le")
    return written


def stores(data_folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that is on disk: the files of the data folder, and the database's own, its journals included."""
    for path in sorted(data_folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(data_folder)), path.read_bytes()
    if connection.vendor == "sqlite":
        base = Path(connection.settings_dict["NAME"])
        for path in base.parent.glob(f"{base.name}*"):
            yield path.name, path.read_bytes()
    else:
        with as_owner(), connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT string_agg(row_to_json(one)::text, chr(10)) FROM "{table}" AS one')
                yield f"rows of {table}", (cursor.fetchone()[0] or "").encode()
            cursor.execute("CHECKPOINT")
            cursor.execute(
                "SELECT relname, pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class"
                " WHERE relkind IN ('r', 't', 'i') AND relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)"
            )
            yield from ((f"file of {name}", bytes(content)) for name, content in cursor.fetchall())


def hits(found: Iterable[tuple[str, bytes]], *words: str) -> list[str]:
    wanted = [(word, how, needle) for word in words for how, needle in needles(word).items()]
    return [f"{place}: {word} ({how})" for place, content in found for word, how, needle in wanted if needle in content]


@dataclass(frozen=True)
class Canary:
    """A teacher, also referent, of one institution, who came by its CAS server and did a little of everything."""

    person: Person
    teacher: Profile
    referent: Profile
    client: Client
    private: Document
    shared: Document

    def principal(self, profile: Profile | None = None) -> Principal:
        return principal_of(profile or self.teacher)


def make_canary(house: House, word: str = WORD, *, reads: bool = True) -> Canary:
    source = SignInSource.unscoped.create(institution=house.institution, kind=Kind.CAS, name="CAS", is_active=True)
    source.correspondence = Correspondence(key="user", keeps_mail=True)
    source.save()
    who = Identity(
        f"{word}-7", f"Camille {word}", f"{word}@example.org", ((Role.TEACHER, f"Chaire {word}"),), ("Enseignants",)
    )
    arrived = arrive(source, who, now=timezone.now())
    person, teacher = arrived.person, arrived.profile
    assert teacher is not None
    referent = Profile.objects.create(
        institution=house.institution, person=person, role=Role.REFERENT, detail=f"Mission {word}"
    )
    client = Client(headers={"accept-language": "fr", "user-agent": f"Mozilla/5.0 (X11; Linux) Firefox/128.0 {word}"})
    client.force_login(person)
    session = client.session
    session["profile_id"] = teacher.id
    session["note"] = word
    session.save()
    remember_session(arrived.account, session.session_key or "", f"ST-{word}", now=timezone.now())
    acting, representing = principal_of(teacher), principal_of(referent)

    corpus, assistant = create_course(acting, name=f"Cours privé {word}", description=f"Notes de {word}")
    text = f"# Dossier {word}\n\nLe candidat {word} a obtenu la mention bien, le jury le félicite.\n"
    private = corpora.add_upload(corpus, acting, f"{word}.md", io.BytesIO(text.encode())).document
    corpora.add_upload(corpus, acting, f"{word}.bin", io.BytesIO(b"\0\1\2" + word.encode()))
    common, _ = create_course(acting, name="Droit des contrats")
    corpora.share_corpus(acting, common, groups=[house.group], with_institution=False)
    kept = "# Le contrat\n\nLe contrat est un accord de volontés entre deux ou plusieurs personnes.\n"
    shared = corpora.add_upload(common, acting, "contrats.md", io.BytesIO(kept.encode())).document
    if reads:
        jobs.run_worker(until_idle=True)

    turn = ask(acting, assistant, f"Quel est le délai pour {word} ?")
    TurnEvent.unscoped.create(
        institution=house.institution,
        turn=turn,
        seq=1,
        kind=EventKind.TEXT,
        payload=asdict(Text(f"Pour {word}, deux mois.", "unsourced")),
    )
    signal(acting, turn, SignalKind.QUESTION)
    write_need(representing, Words(title=f"Besoin {word}", text=f"Un brouillon de {word}."), service=f"Service {word}")
    ours = write_need(representing, Words(title="Besoin commun", text="Un relevé des présences."), service="Scolarité")
    validate_need(representing, ours)
    ours.refresh_from_db()
    publish_need(representing, ours)
    ImportedFile.unscoped.create(
        institution=house.institution, profile=referent, name=f"{word}.csv", content=f"titre\n{word}\n".encode()
    )
    PortfolioFile.unscoped.create(
        institution=house.institution, profile=referent, source=ToolSource.CSV, name=f"{word}.csv", rows=[{"name": word}]
    )
    ApiKey.unscoped.create(
        institution=house.institution,
        profile=teacher,
        name=f"Script de {word}",
        hint="parvis_x",
        digest="0" * 64,
        created_by=teacher,
        expires_at=timezone.now() + timedelta(days=30),
    )
    Statement.unscoped.create(
        institution=house.institution,
        profile=teacher,
        number="0000-0000-0000",
        course_name=f"Cours de {word}",
        first_date=timezone.localdate(),
        last_date=timezone.localdate(),
        questions=1,
        fingerprint="0" * 64,
        file_hash="1" * 64,
    )
    notify([teacher], "workshop_opened", "/ateliers/", group=word)
    return Canary(person, teacher, referent, client, private, shared)
