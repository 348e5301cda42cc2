"""An administrator writes rules; doors obey them at the next request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.engine import AFFILIATIONS, HIGH_RISK
from parvis.access.matrix import Cell
from parvis.access.rules import actions
from parvis.access.rules.doors import decision, tools_of
from parvis.access.rules.models import CoursePeriod, RuleCheck, RuleSet
from parvis.assistants.actions import PurposeRefusedError, ask, create_assistant, create_course, prepare
from parvis.assistants.models import Assistant
from parvis.assistants.tests.conftest import add_document
from parvis.audit.models import Entry
from parvis.corpora.actions import Campus as Reach
from parvis.corpora.actions import share_corpus
from parvis.corpora.models import Corpus
from parvis.inference.door import NoRouteError, admit
from parvis.inference.models import LanguageModel, Provider, Zone
from parvis.inference.tests.conftest import attest
from parvis.institutions.models import Group, Institution, Profile, Role

SignIn = Callable[[Profile], Client]


@dataclass(frozen=True)
class Campus:
    house: House
    assistant: Assistant
    model: LanguageModel
    sign_in: SignIn

    @property
    def group_row(self) -> str:
        return f"group:{self.house.group.id}"

    def save(self, page: str, values: Mapping[str, str], status: int = 302) -> str:
        """Through the dry run, as a browser would. What the dry run says."""
        client = self.sign_in(self.house.administrator)
        shown = client.post(page, values)
        assert shown.status_code == 200, shown.content.decode()
        kept = shown.context["form"].initial
        sent = {"text": kept["text"], "matrix": json.dumps(kept["matrix"]), "number": kept["number"]}
        saved = client.post("/regles/versions/", {**sent, "reason": "Conseil du 12"})
        assert saved.status_code == status, saved.content.decode()
        return shown.content.decode()

    def refuse_group(self) -> str:
        page = f"/regles/outils/assistant:{self.assistant.id}/"
        return self.save(page, {"everyone-state": "allowed", f"{self.group_row}-state": "refused"})

    def opens(self, profile: Profile) -> bool:
        return self.sign_in(profile).get(f"/assistants/{self.assistant.id}/").status_code == 200

    def text(self) -> str:
        return actions.current(self.house.institution.id).text


@pytest.fixture
def campus(house: House, sign_in: SignIn) -> Campus:
    teacher = house.principal(house.teacher)
    corpus, assistant = create_course(teacher, name="Droit des obligations")
    share_corpus(teacher, corpus, groups=[], with_institution=True)
    provider = attest(Provider.unscoped.create(institution=house.institution, name="Nuage", base_url="http://n", zone=Zone.EU))
    model = LanguageModel.unscoped.create(
        institution=house.institution, provider=provider, name="grand", display_name="Grand modèle"
    )
    return Campus(house, assistant, model, sign_in)


def test_an_institution_of_a_thousand_groups_writes_a_rule_for_one_of_them(campus: Campus) -> None:
    here = campus.house.institution
    Group.objects.bulk_create(Group(institution=here, name=f"Étape {number}") for number in range(1_000))
    one = Group.objects.get(institution=here, name="Étape 707")
    client = campus.sign_in(campus.house.administrator)
    page = f"/regles/outils/assistant:{campus.assistant.id}/"
    assert len(client.get(page).context["forms"]) < 12
    shown = client.post(page, {"everyone-state": "allowed", "add_group": "1", "group": f"group:{one.id}"})
    assert shown.context["added"] == f"group:{one.id}"
    assert b'value="allowed" selected' in shown.content  # what was chosen before is kept
    assert client.post(page, {"add_group": "1", "group": "group:0"}).context["added"] == ""
    campus.save(page, {"everyone-state": "allowed", f"group:{one.id}-state": "refused"})
    assert [form.prefix for form in client.get(page).context["forms"]][-1] == f"group:{one.id}"
    campus.save(page, {"everyone-state": "allowed", "affiliation:staff-state": "refused"})
    assert set(actions.current(here.id).matrix[f"assistant:{campus.assistant.id}"]) == {
        "everyone",
        "affiliation:staff",
        f"group:{one.id}",
    }


def test_rules_for_every_group_are_read_and_changed_page_by_page(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parvis.access.rules.views.GROUPS_A_PAGE", 4)
    here = campus.house.institution
    made = Group.objects.bulk_create(Group(institution=here, name=f"Étape {number:02}") for number in range(12))
    rows = [f"group:{group.id}" for group in made]
    administrator = campus.house.principal(campus.house.administrator)
    every = actions.with_column(
        actions.current(here.id), "model", {"everyone": Cell(allowed=True)} | dict.fromkeys(rows, Cell(allowed=False)), {}
    )
    actions.publish(administrator, every, reason="Rentrée")
    client = campus.sign_in(campus.house.administrator)

    def sent(shown: Any, **changed: str) -> dict[str, str]:
        """What a browser sends of the forms of a page."""
        values = {"shown": str(shown.context["page"].number)}
        for form in shown.context["forms"]:
            values |= {field.html_name: str(field.value() or "") for field in form if field.value() not in (None, False)}
        return values | {f"{row}-state": state for row, state in changed.items()}

    first = client.get("/regles/outils/model/")
    assert rows[0] in [form.prefix for form in first.context["forms"]]
    assert rows[11] not in [form.prefix for form in first.context["forms"]]
    last = client.post("/regles/outils/model/", sent(first, **{rows[0]: "allowed"}) | {"page": "3"})
    assert {rows[0], rows[11]} <= {form.prefix for form in last.context["forms"]}
    assert rows[1] not in [form.prefix for form in last.context["forms"]]  # as it was: nothing to keep
    campus.save("/regles/outils/model/", sent(last, **{rows[11]: ""}))
    cells = actions.current(here.id).matrix["model"]
    assert cells == {"everyone": Cell(allowed=True), rows[0]: Cell(allowed=True)} | dict.fromkeys(
        rows[1:11], Cell(allowed=False)
    )


def test_a_form_of_two_hundred_rows_is_received_whole(campus: Campus) -> None:
    made = Group.objects.bulk_create(Group(institution=campus.house.institution, name=f"Étape {n}") for n in range(200))
    fields = {f"group:{group.id}-{name}": "" for group in made for name in ("period", "until", "up_to", "on_prem", "course")}
    values = fields | {f"group:{group.id}-state": "allowed" for group in made}
    campus.save("/regles/outils/model/", values)
    assert len(actions.current(campus.house.institution.id).matrix["model"]) == 200


def test_a_rule_saved_in_the_table_holds_at_the_next_request_and_a_refusal_is_recorded(campus: Campus) -> None:
    house = campus.house
    assert campus.opens(house.student)
    dry = campus.refuse_group()
    assert "1 personne n’y accède plus" in dry
    assert "Étudiante d’ici" in dry
    assert "Autre étudiant" not in dry
    assert not campus.opens(house.student)
    assert campus.opens(house.other_student)
    [refused] = Entry.objects.filter(action="access.refuse")
    assert (refused.actor, refused.subject) == (f"person:{house.student.person_id}", f"assistant:{campus.assistant.id}")
    assert refused.details["rules"] == [f"assistant:{campus.assistant.id} {campus.group_row}"]
    house.group.profiles.remove(house.student)
    assert campus.opens(house.student)


def test_one_click_brings_a_version_back(campus: Campus) -> None:
    everyone = {"everyone-state": "allowed"}
    campus.save("/regles/outils/model/", everyone)
    campus.refuse_group()
    campus.sign_in(campus.house.administrator).post("/regles/versions/1/")
    assert campus.opens(campus.house.student)
    latest = RuleSet.unscoped.filter(institution=campus.house.institution).first()
    assert latest is not None
    assert (latest.number, latest.restored, latest.author) == (3, 1, campus.house.administrator)


def test_the_text_is_refused_with_its_line_and_kept_beside_the_table_when_it_is_no_cell(campus: Campus) -> None:
    client = campus.sign_in(campus.house.administrator)
    corpus = Corpus.unscoped.get()
    bad = campus.text() + 'forbid (principal,\n action, resource == Corpus::"404");\n'
    refused = client.post("/regles/texte/", {"text": bad})
    line = len(campus.text().splitlines()) + 2
    assert refused.status_code == 422
    assert f"Ligne {line}\xa0: il n’y a pas de Corpus «\xa0404\xa0»" in refused.content.decode()
    as_typed = client.post("/regles/texte/", {"text": bad}, headers={"hx-request": "true"}).content.decode()
    assert f"Ligne {line}\xa0:" in as_typed
    assert "<html" not in as_typed

    own = f'forbid (principal in Group::"{campus.house.group.id}", action, resource == Corpus::"{corpus.id}");'
    campus.save("/regles/texte/", {"text": campus.text() + own})
    assert not campus.opens(campus.house.student)  # it answers from nothing else
    campus.save("/regles/outils/model/", {"everyone-state": "allowed", "everyone-on_prem": "on"})
    assert own in campus.text()
    assert not campus.opens(campus.house.student)
    assert own in client.get("/regles/").content.decode().replace("&quot;", '"')


def test_a_model_is_refused_by_its_zone_and_no_other_takes_its_place(campus: Campus) -> None:
    student = campus.house.student
    campus.save("/regles/outils/model/", {"everyone-state": "allowed", "everyone-on_prem": "on"})
    student.refresh_from_db()
    principal = campus.house.principal(Profile.objects.get(id=student.id))
    with pytest.raises(NoRouteError) as refused:
        admit(principal, model=campus.model, inputs=(), purpose="course")
    assert refused.value.code == "model_refused"
    Provider.unscoped.update(zone=Zone.ON_PREM)
    attest(Provider.unscoped.get())
    campus.model.refresh_from_db()
    assert admit(principal, model=campus.model, inputs=(), purpose="course") is not None


def test_an_assistant_allowed_only_on_the_premises_is_open_and_its_distant_model_is_not(campus: Campus) -> None:
    add_document(
        campus.assistant.corpora.get(), "Contrats", ["Le contrat est un accord de volontés entre plusieurs personnes."]
    )
    campus.save(f"/regles/outils/assistant:{campus.assistant.id}/", {"everyone-state": "allowed", "everyone-on_prem": "on"})
    student = Profile.objects.get(id=campus.house.student.id)
    assert campus.opens(student)
    turn = ask(campus.house.principal(student), campus.assistant, "Qu’est-ce qu’un contrat ?")
    work = prepare(turn.id)
    assert work is not None
    assert (work.route, work.notices) == (None, ("model_refused",))


def test_a_rule_ends_with_its_semester(campus: Campus) -> None:
    today = timezone.localdate()
    client = campus.sign_in(campus.house.administrator)
    dates = {"starts_date": today - timedelta(days=30), "ends_date": today - timedelta(days=1)}
    client.post("/regles/semestres/", {"name": "Semestre 1", **dates})
    period = CoursePeriod.unscoped.get()
    page = f"/regles/outils/assistant:{campus.assistant.id}/"
    values = {"affiliation:teacher-state": "allowed", "everyone-state": "allowed"}
    campus.save(page, values | {"everyone-period": str(period.id)})
    assert not campus.opens(campus.house.student)
    assert campus.opens(campus.house.teacher)
    client.post("/regles/semestres/", {"name": "Semestre 1", **dates, "ends_date": today})
    campus.save(page, values | {"everyone-period": str(period.id)})
    assert campus.opens(campus.house.student)


def test_rules_that_break_what_must_hold_are_not_saved(campus: Campus) -> None:
    client = campus.sign_in(campus.house.administrator)
    check = {"affiliation": "student", "group": campus.house.group.id, "tool": f"model:{campus.model.id}", "allowed": "0"}
    client.post("/regles/verifications/", check)
    assert "fausse avec les règles en vigueur" in client.get("/regles/verifications/").content.decode()
    dry = campus.save("/regles/outils/assistant/", {"everyone-state": "allowed"}, status=422)
    assert "L1 Droit\xa0: ne se sert pas de Grand modèle" in dry
    assert not RuleSet.unscoped.exists()
    campus.save(f"/regles/outils/model:{campus.model.id}/", {"affiliation:teacher-state": "allowed"})
    assert RuleCheck.unscoped.count() == RuleSet.unscoped.count() == 1


def test_who_saves_last_does_not_undo_who_saved_before(campus: Campus) -> None:
    client = campus.sign_in(campus.house.administrator)
    kept = client.post("/regles/outils/model/", {"everyone-state": "refused"}).context["form"].initial
    campus.refuse_group()
    sent = {"text": kept["text"], "matrix": json.dumps(kept["matrix"]), "number": kept["number"], "reason": "Tard"}
    assert "entre-temps" in client.post("/regles/versions/", sent, follow=True).content.decode()
    assert RuleSet.unscoped.count() == 1


def test_why_and_who(campus: Campus) -> None:
    campus.refuse_group()
    client = campus.sign_in(campus.house.administrator)
    tool = f"assistant:{campus.assistant.id}"
    asked = client.get("/regles/pourquoi/", {"q": "Étudiante d’ici", "outil": tool})
    assert asked.context["why"].sentence.endswith("une règle le refuse.")
    assert asked.context["why"].rules[0].words == "L1 Droit · Droit des obligations (assistant)\xa0: refusé"
    other = client.get("/regles/pourquoi/", {"q": "Autre étudiant", "outil": tool}).context["why"]
    assert other.allowed
    assert other.rules[0].words == "Tout le monde · Droit des obligations (assistant)\xa0: autorisé"
    assert len(client.get("/regles/pourquoi/", {"q": "d’ici", "outil": tool}).context["people"]) == 3
    may = client.get("/regles/qui/", {"outil": tool}).context
    assert may["count"] == 4
    assert "Étudiante d’ici" not in [str(profile.person) for profile, _ in may["people"]]


def test_who_reaches_documents_is_who_sees_them(campus: Campus) -> None:
    house = campus.house
    own, _ = create_course(house.principal(house.teacher), name="Procédure civile")
    share_corpus(house.principal(house.teacher), own, groups=[house.group], with_institution=False)
    readers = Reach(house.institution.id)
    for corpus in Corpus.unscoped.all():
        seen = {one.id for one in Profile.objects.all() if Corpus.objects.visible_to(house.principal(one)).contains(corpus)}
        assert readers.readers_of(corpus) == seen
    assert len(readers.readers_of(own)) == 2


def test_rules_are_the_affair_of_the_institution_s_administrators(campus: Campus) -> None:
    campus.refuse_group()
    pages = ("/regles/", "/regles/texte/", "/regles/versions/", "/regles/versions/1/", "/regles/qui/", "/regles/pourquoi/")
    for profile in (campus.house.student, campus.house.teacher, campus.house.neighbour_teacher):
        client = campus.sign_in(profile)
        assert {client.get(page).status_code for page in pages} == {404}
    neighbour = campus.house.neighbour_student
    neighbour.role = "administrator"
    neighbour.save()
    client = campus.sign_in(neighbour)
    assert client.get("/regles/versions/1/").status_code == 404
    assert client.post("/regles/versions/1/").status_code == 404
    assert "Droit des obligations" not in client.get("/regles/").content.decode()


@pytest.mark.parametrize("purpose", HIGH_RISK)
def test_high_risk_uses_are_refused_to_every_role_with_rules_and_without(campus: Campus, purpose: str) -> None:
    tools = [one.tool for one in tools_of(campus.house.institution.id)]
    assert {tool.kind for tool in tools} == {"Assistant", "Model", "Corpus", "Key", "Budget"}
    everyone = [replace(campus.house.principal(campus.house.student), role=role) for role in Role.values]
    for key in ("", "published"):
        if key:
            everything = "permit (principal, action, resource);"
            campus.save("/regles/texte/", {"text": everything})
            everyone = [replace(one, rules_key=Institution.objects.get(slug="ici").rules_key) for one in everyone]
        for principal in everyone:
            for tool in tools:
                assert decision(principal, tool).allowed or principal.role not in AFFILIATIONS
                assert decision(principal, tool, purpose=purpose).by_charter


def test_an_assistant_is_given_a_purpose_of_the_list_by_the_form_the_action_and_the_table(campus: Campus) -> None:
    client, page = campus.sign_in(campus.house.teacher), f"/assistants/{campus.assistant.id}/reglages/"
    assert client.post(page, {"name": "Droit", "purpose": "documentation"}).status_code == 302
    for purpose in HIGH_RISK:
        refused = client.post(page, {"name": "Droit", "purpose": purpose})
        assert refused.status_code == 422
        assert "annexe III, 3" in refused.content.decode()
        with pytest.raises(PurposeRefusedError):
            create_assistant(campus.house.principal(campus.house.teacher), name="Jury", corpora=[], purpose=purpose)
        with pytest.raises(IntegrityError), transaction.atomic():
            Assistant.unscoped.update(purpose=purpose)
    shown = campus.sign_in(campus.house.student).get(f"/assistants/{campus.assistant.id}/").content.decode()
    assert "À quoi sert cet assistant" in shown
    assert "se repérer dans des documents" in shown


def test_why_names_the_annex_for_a_high_risk_use(campus: Campus) -> None:
    client = campus.sign_in(campus.house.administrator)
    asked = {"q": "Étudiante d’ici", "outil": f"assistant:{campus.assistant.id}"}
    assert client.get("/regles/pourquoi/", {**asked, "usage": "research"}).context["why"].allowed
    why = client.get("/regles/pourquoi/", {**asked, "usage": "grading"}).context["why"]
    assert not why.allowed
    assert "annexe III, 3" in why.sentence
    assert client.get("/regles/pourquoi/", {**asked, "usage": "n’importe quoi"}).context["why"].allowed


def test_a_model_reads_data_up_to_a_class_and_the_answer_is_of_the_highest_of_its_documents(campus: Campus) -> None:
    house, page = campus.house, f"/regles/outils/model:{campus.model.id}/"
    campus.save(page, {"everyone-state": "allowed", "everyone-up_to": "internal"})
    student = campus.house.principal(Profile.objects.get(id=house.student.id))
    add_document(
        campus.assistant.corpora.get(), "Contrats", ["Le contrat est un accord de volontés entre plusieurs personnes."]
    )

    def route() -> tuple[str, ...]:
        work = prepare(ask(student, campus.assistant, "Qu’est-ce qu’un contrat ?").id)
        assert work is not None
        return work.notices

    assert route() == ()
    client = campus.sign_in(house.teacher)
    corpus = campus.assistant.corpora.get()
    client.post(f"/cours/{corpus.id}/modifier/", {"name": corpus.name, "kind": "course", "data_class": "personal"})
    assert route() == ("model_refused",)
    campus.save(page, {"everyone-state": "allowed", "everyone-up_to": "personal"})
    student = campus.house.principal(Profile.objects.get(id=house.student.id))
    assert route() == ()


def test_keys_are_columns_of_the_table_with_their_own_condition(campus: Campus) -> None:
    campus.save("/regles/outils/key:ask/", {"affiliation:teacher-state": "allowed", "affiliation:teacher-days": "30"})
    house = campus.house
    teacher, student = Profile.objects.get(id=house.teacher.id), Profile.objects.get(id=house.student.id)
    form = {"name": "Carnet", "scopes": ["ask"], "days": "90"}
    refused = campus.sign_in(teacher).post("/cles/", form)
    assert refused.status_code == 422
    assert "n’autorisent pas une telle clé" in refused.content.decode()
    assert campus.sign_in(teacher).post("/cles/", {**form, "days": "30"}).status_code == 200
    assert campus.sign_in(student).post("/cles/", {**form, "days": "7"}).status_code == 422
    assert campus.sign_in(student).post("/cles/", {**form, "scopes": ["list"]}).status_code == 200
    shown = campus.sign_in(house.administrator).get("/regles/").content.decode()
    assert "autorisé, pour 30 jours au plus" in shown


def test_nothing_keeps_a_score_of_a_person() -> None:
    """Parvis evaluates nobody: no table has a place for it."""
    scoring = re.compile(r"score|grade|mark_|_mark$|^mark$|rating|ranking|points|percentile|aptitude|proficiency")
    names = [f"{m._meta.label}.{f.name}" for m in apps.get_models() for f in m._meta.get_fields() if scoring.search(f.name)]
    assert names == []
