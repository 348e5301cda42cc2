"""The pages of expenses, for those who may open them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.audit.models import Entry
from parvis.identity.models import Person, Source
from parvis.institutions.models import Group, Profile, Role
from parvis.ledger.actions.figures import own_figures, told_by, total_figures
from parvis.ledger.actions.settlement import correct, settle
from parvis.ledger.files import carbon_sentence
from parvis.ledger.models import Call, ExpenseStatement, PriceBook, Reconciliation, Transfer
from parvis.ledger.pricing import paris_date
from parvis.ledger.statement import Line
from parvis.ledger.tests.calls import book_in_force, call
from parvis.ledger.usage import Carbon, Outcome, Quantities

SignIn = Callable[[Profile], Client]
MONTH = date(2026, 10, 1)


@pytest.fixture
def administrator(house: House, sign_in: SignIn) -> Client:
    return sign_in(house.administrator)


def people(house: House, count: int) -> list[Profile]:
    made = []
    for number in range(count):
        person = Person.objects.create(key=f"local:p{number}", source=Source.LOCAL, display_name=f"Personne {number}")
        made.append(Profile.objects.create(institution=house.institution, person=person, role=Role.STUDENT))
    return made


def test_a_book_is_written_put_in_force_and_then_only_replaced(house: House, administrator: Client) -> None:
    providers, models = (apps.get_model("inference", name).unscoped for name in ("Provider", "LanguageModel"))
    provider = providers.create(institution=house.institution, name="Interne", base_url="http://127.0.0.1:9/v1")
    model = models.create(institution=house.institution, provider=provider, name="m", display_name="Petit")
    settle([call(house.institution.id, 1, model_id=model.id)])
    assert "1 appel n’est pas valorisé" in administrator.get(reverse("ledger:books")).content.decode()
    values = {
        "name": "Tarifs d’automne",
        "starts_date": "2026-10-01",
        "source": "annexe 2 de la convention",
        "source_date": "2026-09-15",
        f"rate-{model.id}-input": "0,1",
        f"rate-{model.id}-output": "0,0375",
    }
    refused = administrator.post(reverse("ledger:book_new"), {**values, "source": "", f"rate-{model.id}-image": "beaucoup"})
    assert refused.status_code == 422
    made = administrator.post(reverse("ledger:book_new"), values, follow=True)
    book = PriceBook.unscoped.get()
    assert sorted(book.rates.values_list("unit", "amount_nano")) == [("input", 100_000_000), ("output", 37_500_000)]
    assert "0,0375" in made.content.decode()
    assert "brouillon" in made.content.decode()

    edited = reverse("ledger:book_edit", args=[book.id])
    assert 'value="0,0375"' in administrator.get(edited).content.decode()
    administrator.post(edited, {**values, f"rate-{model.id}-output": "0,3"})
    administrator.post(reverse("ledger:book_publication", args=[book.id]))
    for name in ("book_edit", "book_deletion", "book_publication"):
        assert administrator.post(reverse(f"ledger:{name}", args=[book.id]), values).status_code == 404
    administrator.post(reverse("ledger:valuation"))
    assert Transfer.unscoped.get().amount_nano == 130_000
    copied = administrator.get(reverse("ledger:book_new") + f"?copie={book.id}").content.decode()
    assert "annexe 2 de la convention" in copied
    assert administrator.post(reverse("ledger:book_new"), values, follow=True).status_code == 200
    draft = PriceBook.unscoped.get(published_at=None)
    administrator.post(reverse("ledger:book_deletion", args=[draft.id]))
    assert PriceBook.unscoped.count() == 1


def used_by(house: House, profiles: list[Profile], *, app: str, first: int) -> None:
    settle(
        call(house.institution.id, first + number, app=app, person_id=profile.person_id, carbon=Carbon(100, 300, "m"))
        for number, profile in enumerate(profiles)
    )


def test_no_figure_is_of_fewer_than_five_people(house: House, administrator: Client) -> None:
    book_in_force(house.institution.id, date(2026, 1, 1))
    crowd = people(house, 9)
    used_by(house, crowd[:6], app="assistant:1", first=0)
    used_by(house, crowd[:3], app="assistant:2", first=10)
    used_by(house, crowd[5:9], app="assistant:3", first=20)
    large, small = (
        Group.objects.create(institution=house.institution, name=name) for name in ("Grand groupe", "Petit groupe")
    )
    large.profiles.set(crowd)
    small.profiles.set(crowd[:3])
    principal = house.principal(house.administrator)

    told = told_by(principal, MONTH, "app")
    assert [row.label for row in told.shown] == ["assistant:1"]
    assert told.together is not None
    assert told.together.values[0] == 7
    assert [row.label for row in told_by(principal, MONTH, "group").shown] == ["Grand groupe"]
    page = administrator.get(reverse("ledger:usage"), {"mois": "2026-10", "par": "app"}).content.decode()
    assert "assistant n°\xa01" in page
    assert "assistant n°\xa02" not in page
    groups = administrator.get(reverse("ledger:usage"), {"mois": "2026-10", "par": "group"}).content.decode()
    assert "Grand groupe" in groups
    assert "Petit groupe" not in groups
    table = administrator.get(reverse("ledger:usage_table"), {"mois": "2026-10", "par": "app"}).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(table), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["assistant n°\xa01", "regroupés"]
    assert Entry.objects.get(action="file.export").details == {"what": "usage by app", "format": "csv"}


def test_days_are_drawn_and_said(house: House, administrator: Client) -> None:
    book_in_force(house.institution.id, date(2026, 1, 1))
    crowd = people(house, 5)
    used_by(house, crowd, app="api", first=0)
    night = datetime(2026, 10, 20, 22, 30, tzinfo=UTC)
    settle(call(house.institution.id, 50 + n, occurred_at=night, person_id=p.person_id) for n, p in enumerate(crowd))
    correct(Transfer.unscoped.all()[0], actor="person:1", reason="no", amount_nano=30_000)
    page = administrator.get(reverse("ledger:usage"), {"mois": "2026-10"}).content.decode()
    assert page.count("<rect") == 31
    assert "15 octobre" in page
    assert "21 octobre" in page, "it was past midnight in Paris"
    total = total_figures(house.principal(house.administrator), MONTH)
    assert (total.calls, total.unvalued, total.amount_nano) == (10, 0, 9 * 130_000 + 30_000)


def test_one_sees_ones_own_use_and_no_others(house: House, sign_in: SignIn) -> None:
    now = timezone.now()
    here, me = house.institution.id, house.student.person_id
    settle([call(here, 1, person_id=me, occurred_at=now), call(here, 2, person_id=me + 999, occurred_at=now)])
    settle([call(house.neighbour_institution.id, 3, person_id=me, occurred_at=now)])
    figures, days = own_figures(house.principal(house.student), paris_date(now).replace(day=1))
    assert (figures.calls, figures.unvalued, list(days)) == (1, 1, [paris_date(now)])
    client = sign_in(house.student)
    page = client.get(reverse("ledger:own")).content.decode()
    assert "non valorisé" in page
    assert "Ce que j’utilise" in client.get("/mon-profil/").content.decode()
    for name in ("usage", "usage_table", "books", "statements", "reconciliations", "parties"):
        assert client.get(reverse(f"ledger:{name}")).status_code == 404


def test_a_statement_is_made_read_and_taken_away(house: House, administrator: Client, sign_in: SignIn) -> None:
    here = house.institution.id
    book_in_force(here, date(2026, 1, 1), input_euros=500)
    settle([call(here, 1), call(here, 2, quantities=Quantities(50, 0, 50))])
    address = reverse("ledger:statements")
    assert administrator.post(address, {"month": "2031-01"}).status_code == 422
    page = administrator.post(address, {"month": "2026-10", "scope": "component:UFR Droit"}, follow=True).content.decode()
    row = ExpenseStatement.unscoped.get()
    assert row.reference in page
    again = administrator.post(address, {"month": "2026-10", "scope": "component:UFR Droit"}, follow=True).content.decode()
    assert "rien à établir" in again
    otherwise = administrator.post(address, {"month": "2026-10", "scope": ""}, follow=True).content.decode()
    assert row.reference in otherwise
    assert ExpenseStatement.unscoped.count() == 1

    kinds = {"pdf": b"%PDF", "ods": b"PK", "csv": b"\xef\xbb\xbf", "focus": b"BilledCost"}
    for kind, start in kinds.items():
        answer = administrator.get(reverse("ledger:statement_file", args=[row.id, kind]))
        assert answer.content.startswith(start)
        assert "attachment" in answer["Content-Disposition"]
    taken = Entry.objects.filter(action="file.export", subject=f"expense_statement:{row.id}").order_by("id")
    assert [entry.details["format"] for entry in taken] == list(kinds)
    invoice = reverse("ledger:statement_file", args=[row.id, "facture"])
    assert administrator.get(invoice).status_code == 404
    party = {"legal_name": "Ici", "siret": "19350936100013", "street": "1 rue", "postcode": "35000", "city": "Rennes"}
    assert administrator.post(reverse("ledger:parties"), {**party, "siret": "12"}).status_code == 422
    for component in ("", "UFR Droit"):
        administrator.post(reverse("ledger:parties"), {**party, "component": component})
    assert administrator.get(invoice).content.startswith(b"%PDF")
    assert invoice in administrator.get(reverse("ledger:statement", args=[row.id])).content.decode()
    assert administrator.get(reverse("ledger:statement_file", args=[row.id, "exe"])).status_code == 404

    signatory = Profile.objects.create(institution=house.institution, person=house.other_teacher.person, role=Role.SIGNATORY)
    reader = sign_in(signatory)
    assert reader.get(address).status_code == 200
    assert reader.post(address, {"month": "2026-10"}).status_code == 404
    assert reader.get(reverse("ledger:parties")).status_code == 404


def test_an_invoice_is_offered_for_a_component_only(house: House, administrator: Client) -> None:
    book_in_force(house.institution.id, date(2026, 1, 1), input_euros=500)
    settle([call(house.institution.id, 1)])
    party = {"legal_name": "Ici", "siret": "19350936100013", "street": "1 rue", "postcode": "35000", "city": "Rennes"}
    administrator.post(reverse("ledger:parties"), {**party, "component": ""})
    page = administrator.post(reverse("ledger:statements"), {"month": "2026-10", "scope": ""}, follow=True).content.decode()
    invoice = reverse("ledger:statement_file", args=[ExpenseStatement.unscoped.get().id, "facture"])
    assert invoice not in page
    assert administrator.get(invoice).status_code == 404


def test_emissions_nobody_knows_are_said_and_rounded_alike_everywhere(house: House, administrator: Client) -> None:
    here, crowd = house.institution.id, people(house, 5)
    book_in_force(here, date(2026, 1, 1), input_euros=500)
    known = Carbon(1_725_900, 2_725_900, "ecologits 1")
    settle(call(here, n, person_id=one.person_id, carbon=known if n else None) for n, one in enumerate(crowd))
    usage = administrator.get(reverse("ledger:usage"), {"mois": "2026-10", "par": "app"}).content.decode()
    assert usage.count("hors 1 appel non estimé") == 2, "of the month, and of the application"
    page = administrator.post(reverse("ledger:statements"), {"month": "2026-10"}, follow=True).content.decode()
    assert "hors 1 appel non estimé" in page
    shown = "6,90\N{NO-BREAK SPACE}g à 10,90\N{NO-BREAK SPACE}g"
    assert shown in page
    assert shown in usage
    row = ExpenseStatement.unscoped.get()
    sentence = carbon_sentence([Line.from_plain(line) for line in row.lines])
    assert "entre 6,90 g et 10,90 g de CO₂ équivalent, pour 4 appels" in sentence.replace("\N{NO-BREAK SPACE}", " ")


def test_an_invoice_is_compared(house: House, administrator: Client) -> None:
    here = house.institution.id
    book_in_force(here, date(2026, 1, 1), input_euros=500)
    settle([call(here, 1)])
    address = reverse("ledger:reconciliations")

    def send(content: bytes) -> str:
        file = SimpleUploadedFile("facture.csv", content)
        return administrator.post(address, {"month": "2026-10", "file": file}, follow=True).content.decode()

    assert "n’est pas un montant" in send("Modèle;Montant\npetit;cent\n".encode())
    assert not Reconciliation.unscoped.exists()
    assert "concordent" in send("Modèle;Montant\npetit;0,50\n".encode())
    assert "écart" in send("Modèle;Montant\npetit;0,60\n".encode())
    assert list(Reconciliation.unscoped.order_by("id").values_list("is_flagged", flat=True)) == [False, True]
    assert Call.unscoped.count() == 1


def test_what_was_estimated_is_told_apart_wherever_it_is_counted(house: House, administrator: Client) -> None:
    here = house.institution.id
    book_in_force(here, date(2026, 1, 1), input_euros=500)
    crowd = people(house, 5)
    used_by(house, crowd, app="api", first=0)
    guess = call(here, 90, is_estimated=True, person_id=crowd[0].person_id, outcome=Outcome.CUT, app="api")
    refused = call(here, 91, is_estimated=True, outcome=Outcome.REFUSED, quantities=Quantities())
    settle([guess, refused])
    paid = Transfer.unscoped.get(call__sequence=90).amount_nano
    figures = total_figures(house.principal(house.administrator), MONTH)
    assert (figures.estimated_calls, figures.estimated_nano) == (1, paid)
    usage = administrator.get(reverse("ledger:usage"), {"mois": "2026-10", "par": "app"}).content.decode()
    assert usage.count("dont estimé") == 2, "of the month, and of the application"
    table = administrator.get(reverse("ledger:usage_table"), {"mois": "2026-10", "par": "app"}).content.decode("utf-8-sig")
    assert table.splitlines()[0].split(";")[-2:] == ["Appels estimés", "Montant HT estimé (€)"]
    page = administrator.post(reverse("ledger:statements"), {"month": "2026-10"}, follow=True).content.decode()
    assert "dont estimé" in page
    row = ExpenseStatement.unscoped.get()
    assert sum(line["estimated_nano"] for line in row.lines) == paid
    csv = administrator.get(reverse("ledger:statement_file", args=[row.id, "csv"])).content.decode("utf-8-sig")
    assert csv.splitlines()[0].endswith("Dont appels estimés;Dont montant HT estimé (€)")
    assert "x_EstimatedCost" in administrator.get(reverse("ledger:statement_file", args=[row.id, "focus"])).content.decode()
    file = SimpleUploadedFile("facture.csv", "Modèle;Montant\npetit;3,00\n".encode())
    compared = administrator.post(reverse("ledger:reconciliations"), {"month": "2026-10", "file": file}, follow=True)
    assert compared.content.decode().count("dont estimé") == 2
