"""Budgets are set, changed and ended by those who may, and each person sees what is left to them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from conftest import House
from parvis.access.engine import RulesError, read
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Nature, Notice, Profile, Role
from parvis.institutions.notices import sentence
from parvis.ledger.actions.settlement import settle
from parvis.ledger.budgets.actions import holds
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import alliance, place_of_institution, place_of_profile, places_of
from parvis.ledger.budgets.messages import Amounts, Code, Measure, Refused
from parvis.ledger.budgets.models import Budget, Node, Spending, Term
from parvis.ledger.budgets.presentation import EURO, amount, refusal
from parvis.ledger.tests.calls import call

SignIn = Callable[[Profile], Client]
FORM = {"place": "", "each": "", "amount": "100", "measure": "money", "period": "month", "way_down": ["extractive"]}


def spend(profile: Profile, nano_euro: int) -> None:
    held = holds.reserve(places_of(profile).chain, Amounts(nano_euro, 0, 0))
    assert isinstance(held, holds.Hold)
    holds.settle(held, Amounts(nano_euro, 0, 0))


def test_a_budget_is_set_changed_and_ended_and_each_is_in_the_evidence(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    assert "Aucun budget" in client.get("/budgets/").content.decode()
    assert client.post("/budgets/nouveau/", FORM).status_code == 302
    budget = Budget.unscoped.get()
    assert (budget.limit, budget.node.kind, budget.way_down) == (100 * EURO, "institution", ["extractive"])
    spend(house.student, 85 * EURO)
    page = client.get("/budgets/").content.decode()
    assert "85,00\xa0€ sur 100,00\xa0€ ce mois-ci" in page
    assert "1 près de son plafond" in page
    assert 'value="100"' in client.get(f"/budgets/{budget.id}/").content.decode()
    assert client.post(f"/budgets/{budget.id}/", {"amount": "50", "way_down": []}).status_code == 302
    assert Spending.unscoped.get().limit == 50 * EURO
    assert client.post(f"/budgets/{budget.id}/fin/").status_code == 302
    assert client.get(f"/budgets/{budget.id}/").status_code == 404
    actions = Entry.objects.filter(action__startswith="budget.").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["budget.set", "budget.change", "budget.end"]


def test_rules_say_who_sees_budgets_and_who_sets_them(house: House, sign_in: SignIn) -> None:
    """In the table, its dry run, "who" and "why", like any tool; the page and what tells of it obey at the next request."""
    signatory = Profile.objects.create(institution=house.institution, person=house.other_teacher.person, role=Role.SIGNATORY)
    client, signing = sign_in(house.administrator), sign_in(signatory)
    assert signing.get("/budgets/nouveau/").status_code == 200
    assert client.post("/budgets/nouveau/", FORM).status_code == 302

    def save(column: str, **values: str) -> str:
        shown = client.post(f"/regles/outils/{column}/", {f"{row}-state": state for row, state in values.items()})
        kept = shown.context["form"].initial
        sent = {
            "text": kept["text"],
            "matrix": json.dumps(kept["matrix"]),
            "number": kept["number"],
            "reason": "Conseil du 12",
        }
        assert client.post("/regles/versions/", sent).status_code == 302
        return shown.content.decode()

    changed = save("budget:set", **{"affiliation:administrator": "allowed"})
    assert "1 personne n’y accède plus" in changed
    assert str(signatory.person) in changed
    assert str(house.student.person) not in changed, "whose role never opened it"
    page = signing.get("/budgets/").content.decode()
    assert "100,00\xa0€" in page
    assert "/budgets/nouveau/" not in page
    assert "/budgets/nouveau/" in client.get("/budgets/").content.decode()
    for address in (
        "/budgets/nouveau/",
        f"/budgets/{Budget.unscoped.get().id}/",
        "/budgets/personnes/",
        "/budgets/semestres/",
    ):
        assert signing.get(address).status_code == 404
        assert client.get(address).status_code == 200
    assert signing.post("/budgets/nouveau/", FORM).status_code == 404
    refused = Entry.objects.filter(action="access.refuse", subject="budget:set")
    assert refused.latest("id").actor == f"person:{signatory.person_id}"
    assert client.get("/regles/qui/", {"outil": "budget:set"}).context["count"] == 1

    def why(profile: Profile, tool: str) -> str:
        asked = {"outil": tool, "personne": str(profile.id)}
        return str(client.get("/regles/pourquoi/", asked).context["why"].sentence)

    assert "aucune règle ne l’autorise" in why(signatory, "budget:set")
    assert "son rôle ne l’ouvre pas" in why(house.student, "budget:set")

    save("budget:view", **{"affiliation:administrator": "allowed"})
    assert signing.get("/budgets/").status_code == 404
    assert "/budgets/" not in signing.get("/administration/").content.decode().partition("<main")[2]
    spend(house.student, 85 * EURO)
    assert [one.profile for one in Notice.objects.filter(code="budget_reached").distinct()] == [house.administrator]
    with pytest.raises(RulesError, match="unknown_name"):
        read('permit (principal, action == Action::"use", resource == Budget::"12");', {"Budget": {"view", "set"}})


def test_a_form_does_not_name_everybody_who_asked(house: House, sign_in: SignIn) -> None:
    """On a campus they are forty thousand."""
    own = place_of_profile(house.student)
    place_of_profile(house.teacher)
    client = sign_in(house.administrator)
    assert str(house.student.person) not in client.get("/budgets/nouveau/").content.decode()
    page = client.get("/budgets/nouveau/", {"place": own.id}).content.decode()
    assert str(house.student.person) in page
    assert str(house.teacher.person) not in page
    assert client.post("/budgets/nouveau/", {**FORM, "place": own.id}).status_code == 302
    assert Budget.unscoped.get().node == own


def test_a_person_sees_what_is_left_to_them_before_their_first_question_and_after(house: House, sign_in: SignIn) -> None:
    node = place_of_institution(house.institution.id)
    set_budget(node, measure="money", period="month", limit=2 * EURO, each="person", actor="system:test")
    client = sign_in(house.student)
    assert "Il reste 2,00\xa0€" in client.get("/budgets/moi/").content.decode()
    spend(house.student, EURO // 2)
    assert "Il reste 1,50\xa0€" in client.get("/budgets/moi/").content.decode()
    assert "1,50\xa0€ ce mois-ci" in client.get("/mon-profil/").content.decode()
    assert client.get("/budgets/").status_code == 404


def test_a_component_counts_its_people_and_a_person_may_have_a_budget_of_their_own(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    answer = client.post(
        "/budgets/places/nouvelle/", {"kind": "component", "name": "Droit", "group": house.group.id, "parent": ""}
    )
    component = Node.unscoped.get(kind="component")
    assert answer["Location"] == f"/budgets/nouveau/?place={component.id}"
    client.post("/budgets/nouveau/", {**FORM, "place": component.id})
    spend(house.student, EURO)
    spend(house.other_student, EURO)
    assert Spending.unscoped.get().spent == EURO
    assert "Étudiante d’ici" in client.get("/budgets/personnes/?q=tudiante").content.decode()
    answer = client.post("/budgets/personnes/", {"profile": house.student.id})
    place = Node.unscoped.get(profile=house.student)
    assert answer["Location"] == f"/budgets/nouveau/?place={place.id}"
    assert client.post("/budgets/personnes/", {"profile": house.neighbour_student.id}).status_code == 404


def test_semesters_begin_on_the_days_that_were_chosen(house: House, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    days = {f"day{number}": f"{2025 + number // 2}-{('09-14', '01-18')[number % 2]}" for number in range(6)}
    assert client.post("/budgets/semestres/", days).status_code == 302
    assert Term.unscoped.filter(institution=house.institution).count() == 6
    assert client.post("/budgets/semestres/", {**days, "day0": "jamais"}).status_code == 422


def test_the_alliance_allots_to_each_institution(house: House, sign_in: SignIn) -> None:
    coordination = Institution.objects.create(
        slug="coordination", name="Coordination", short_name="Coordination", nature=Nature.COORDINATION
    )
    coordinator = Profile.objects.create(institution=coordination, person=house.other_teacher.person, role=Role.COORDINATOR)
    client = sign_in(coordinator)
    client.post("/budgets/nouveau/", {**FORM, "each": "institution", "amount": "10"})
    client.post("/budgets/nouveau/", {**FORM, "amount": "15"})
    spend(house.student, 9 * EURO)
    page = client.get("/budgets/").content.decode()
    assert "9,00\xa0€ sur 15,00\xa0€" in page
    assert "Université d’ici" in client.get("/budgets/proches/").content.decode()
    page = sign_in(house.administrator).get("/budgets/").content.decode()
    assert "9,00\xa0€ sur 10,00\xa0€" in page
    assert "sur 15,00" not in page
    refused = holds.reserve(places_of(house.student).chain, Amounts(2 * EURO, 0, 0))
    assert isinstance(refused, Refused)
    assert isinstance(holds.reserve(places_of(house.neighbour_student).chain, Amounts(6 * EURO, 0, 0)), holds.Hold)
    refused = holds.reserve(places_of(house.neighbour_student).chain, Amounts(EURO, 0, 0))
    assert isinstance(refused, Refused)
    assert refused.budget_id == Budget.unscoped.get(node=alliance(), each="").id


@pytest.mark.parametrize(
    ("value", "measure", "words"),
    [
        (12_400_000_000, "money", "12,40\xa0€"),
        (4_200_000, "money", "0,0042\xa0€"),
        (3_000, "tokens", "3\xa0000\xa0jetons"),
        (1_250_000, "carbon", "1,2\xa0kg CO₂e"),
        (5_000, "carbon", "5\xa0g CO₂e"),
    ],
)
def test_amounts_are_written_for_people(value: int, measure: str, words: str) -> None:
    assert amount(value, measure) == words


def test_each_refusal_and_alert_has_its_sentence(house: House) -> None:
    for code in Code:
        assert refusal(Refused(code, 1, EURO, 1_800_000_000.0, Measure.MONEY)).endswith(".")
    set_budget(
        place_of_institution(house.institution.id),
        measure="money",
        period="day",
        limit=EURO,
        each="person",
        actor="system:test",
    )
    spend(house.student, EURO)
    assert [sentence(notice) for notice in Notice.objects.all()] == ["Votre budget pour interroger des modèles est épuisé."]


def test_of_a_limit_for_each_person_only_how_many_are_near_is_told(house: House, sign_in: SignIn) -> None:
    root = place_of_institution(house.institution.id)
    set_budget(root, measure="money", period="month", limit=EURO, each="person", actor="system:test")
    set_budget(place_of_profile(house.teacher), measure="money", period="month", limit=EURO, actor="system:test")
    crowd = [house.student, house.other_student, house.teacher]
    for profile in crowd:
        spend(profile, EURO)
    client = sign_in(house.administrator)
    page = client.get("/budgets/proches/").content.decode()
    assert "Moins de 5 personnes" in page
    assert str(house.teacher.person) in page, "a limit was set for them by name"
    assert str(house.student.person) not in page
    for number in range(2):
        person = Person.objects.create(key=f"local:p{number}", source=Source.LOCAL, display_name=f"Personne {number}")
        spend(Profile.objects.create(institution=house.institution, person=person, role=Role.STUDENT), EURO)
    page = client.get("/budgets/proches/").content.decode()
    assert "5 personnes sont près de ce plafond" in page
    assert "Personne 1" not in page


def test_what_was_spent_before_is_said(house: House, sign_in: SignIn) -> None:
    settle([call(house.institution.id, 1, occurred_at=timezone.now(), price_version="test", amount_nano=123 * EURO)])
    client = sign_in(house.administrator)
    page = client.post(
        "/budgets/nouveau/", {**FORM, "amount": "2 000,50", "counts_earlier": "on"}, follow=True
    ).content.decode()
    assert page.count("Dont 123,00\xa0€ dépensés ce mois-ci avant que ce budget soit fixé.") == 2
    assert "123,00\xa0€ sur 2\xa0000,50\xa0€ ce mois-ci" in page
