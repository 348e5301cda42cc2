"""The log as a data protection officer reads it."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from conftest import House
from parvis.audit.models import Entry, record
from parvis.audit.verifier import ERASURE, Unreadable, verify
from parvis.evidence.sentences import ACTIONS, SUBJECTS, action_name, subject_name
from parvis.institutions.models import Institution, Nature, Profile, Role

SignIn = Callable[[Profile], Client]
ROOT = Path(__file__).parents[2]
PAGE = "/preuves/"


@pytest.fixture
def entries(house: House) -> list[Entry]:
    here = house.institution.id
    for actor, action, subject in (
        (f"person:{house.teacher.person_id}", "corpus.create", "corpus:1"),
        (f"person:{house.administrator.person_id}", "rules.publish", "rules:1"),
        ("system:ingestion", "document.index", "document:7"),
    ):
        record(institution_id=here, actor=actor, action=action, subject=subject, reason="=1+1")
    record(institution_id=house.neighbour_institution.id, actor="person:99", action="corpus.delete", subject="corpus:2")
    return list(Entry.objects.filter(institution_id=here))


def rows(page: str) -> list[str]:
    return re.findall(r'<h2 class="row-title"><a [^>]*>([^<]*)</a>', page)


def test_who_did_what_is_said_in_words(house: House, entries: list[Entry], officer: Profile, sign_in: SignIn) -> None:
    page = sign_in(officer).get(PAGE).content.decode()
    with override("fr"):
        assert rows(page) == [action_name(entry.action) for entry in reversed(entries)]
    assert "Enseignante d’ici" in page
    assert "nº\N{NO-BREAK SPACE}99" not in page, "the neighbour’s"


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"person": "enseignante"}, ["corpus.create"]),
        ({"action": "rules.publish"}, ["rules.publish"]),
        ({"subject": "document"}, ["document.index"]),
        ({"subject": "document:7"}, ["document.index"]),
        ({"subject": "document:77"}, []),
        ({"first": "2030-01-01"}, []),
        ({"latest": "2020-01-01"}, []),
        ({"person": "personne de ce nom"}, []),
        ({"first": "not a day"}, []),
    ],
)
def test_filters(house: House, entries: list[Entry], sign_in: SignIn, query: dict[str, str], actions: list[str]) -> None:
    page = sign_in(house.administrator).get(PAGE, query).content.decode()
    with override("fr"):
        assert rows(page) == [action_name(one) for one in actions]


def test_a_period_holds_its_own_days(house: House, entries: list[Entry], sign_in: SignIn) -> None:
    today = timezone.localdate().isoformat()
    page = sign_in(house.administrator).get(PAGE, {"first": today, "latest": today}).content.decode()
    assert len(rows(page)) == 3


def test_who_may_not_read_the_log_finds_nothing(
    house: House, entries: list[Entry], sign_in: SignIn, neighbour_administrator: Profile
) -> None:
    addresses = [PAGE, reverse("evidence:entry", args=[entries[0].id]), reverse("evidence:witnesses")]
    for profile in (house.student, house.teacher, house.neighbour_teacher):
        assert {sign_in(profile).get(one).status_code for one in addresses} == {404}
    neighbour = sign_in(neighbour_administrator)
    assert neighbour.get(addresses[1]).status_code == 404
    assert neighbour.post(reverse("evidence:proof", args=[entries[0].id])).status_code == 404
    assert len(rows(neighbour.get(PAGE).content.decode())) == 1
    assert sign_in(house.administrator).get(addresses[1]).status_code == 200


def test_the_export_is_verified_without_parvis_and_is_an_entry(
    house: House, entries: list[Entry], officer: Profile, sign_in: SignIn
) -> None:
    response = sign_in(officer).post(reverse("evidence:export"))
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    result = verify(io.BytesIO(content))
    assert result.holds
    assert result.entries == 4
    assert Entry.objects.latest("id").action == "evidence.export"
    assert json.loads(content.splitlines()[1])["n"] == 0


def test_a_proof_is_verified_without_parvis(house: House, entries: list[Entry], sign_in: SignIn) -> None:
    response = sign_in(house.administrator).post(reverse("evidence:proof", args=[entries[1].id]))
    on_one_line = json.dumps(json.loads(response.content)).encode()
    for written in (response.content, on_one_line):
        assert verify(io.BytesIO(written)).holds
        altered = written.replace(b"rules:1", b"rules:2")
        assert [one.code for one in verify(io.BytesIO(altered)).findings] == ["altered"]
        with pytest.raises(Unreadable):
            verify(io.BytesIO(written[:-4]))


def test_the_table_holds_what_is_shown_and_no_formula(house: House, entries: list[Entry], sign_in: SignIn) -> None:
    response = sign_in(house.administrator).post(reverse("evidence:table"), {"action": "corpus.create"})
    content = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = list(csv.reader(io.StringIO(content), delimiter=";"))
    assert len(lines) == 2
    assert lines[1][2] == "Enseignante d’ici"
    assert not any(cell[:1] in "=+-@" for cell in lines[1] if cell)


def test_nothing_is_written_by_reading(house: House, entries: list[Entry], sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    count = Entry.objects.count()
    for address in (PAGE, reverse("evidence:entry", args=[entries[0].id]), reverse("evidence:witnesses")):
        client.get(address)
    for address in (reverse("evidence:export"), reverse("evidence:table"), reverse("evidence:proof", args=[entries[0].id])):
        assert client.get(address).status_code == 405
    assert Entry.objects.count() == count


def test_the_coordination_reads_the_log_of_the_alliance_and_nobody_else_does(house: House, sign_in: SignIn) -> None:
    record(institution_id=None, actor="system:maintenance", action="corpora.erase", subject="corpora")
    coordination = Institution.objects.create(slug="coord", name="Coordination", short_name="C", nature=Nature.COORDINATION)
    coordinator = Profile.objects.create(institution=coordination, person=house.teacher.person, role=Role.COORDINATOR)
    with override("fr"):
        words = action_name("corpora.erase")
    page = sign_in(coordinator).get(PAGE, {"journal": "alliance"}).content.decode()
    assert rows(page) == [words]
    assert words not in rows(sign_in(house.administrator).get(PAGE, {"journal": "alliance"}).content.decode())


def recorded() -> set[str]:
    """Every code that the packages may record, read from their sources."""
    found = {f"harmonised.{state}" for state in ("asked", "answered", "choosing")}  # written with the state
    for path in ROOT.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if {"tests", "migrations"} & set(path.parts) or not re.search(r"import .*\brecord\b", source):
            continue
        texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
        found |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z_]+(\.[a-z_]+){1,2}", text)}
    return {text for text in found if not text.startswith("parvis.")} - {"mistral.ai", "content.xml"} | {ERASURE}


def test_every_action_recorded_has_its_words_and_no_words_are_left_over() -> None:
    where = "its words go in parvis/evidence/sentences.py"
    assert sorted(recorded() - set(ACTIONS)) == [], where
    assert sorted(set(ACTIONS) - recorded()) == [], where


def test_every_subject_has_its_words() -> None:
    sources = [path for path in ROOT.rglob("*.py") if not {"tests", "migrations"} & set(path.parts)]
    found = {kind for path in sources for kind in re.findall(r'\bsubject=f"([a-z_-]+):', path.read_text(encoding="utf-8"))}
    assert len(found) > 10
    assert sorted(found - set(SUBJECTS)) == []


def test_words_are_in_french_and_a_later_code_is_shown_as_it_is() -> None:
    with override("fr"):
        untranslated = [
            code for code, words in {**ACTIONS, **SUBJECTS}.items() if str(words).isascii() and " of " in str(words)
        ]
        assert untranslated == []
        assert subject_name("document:7") == "document nº\N{NO-BREAK SPACE}7"
        assert action_name("later.thing") == "later.thing"
        assert subject_name("list:Inscrits") == "liste de personnes «\N{NO-BREAK SPACE}Inscrits\N{NO-BREAK SPACE}»"
        assert subject_name("later-thing:3") == "later-thing nº\N{NO-BREAK SPACE}3"
