"""What an institution pays: files imported without harm, overlaps and thresholds told honestly, figures of the alliance."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from parvis.institutions.models import Institution, Profile, Role
from parvis.needs.workbooks import Refused
from parvis.offers import portfolio_sheet
from parvis.offers.actions import portfolio
from parvis.offers.actions.portfolio import CENT, Cover, Facts, Overlap
from parvis.offers.models import Coverage, ThresholdParameter, Tool, ToolSource
from parvis.offers.overlap import Period, Saving, Savings, Selection, Status
from parvis.offers.portfolio_presentation import overlap_view
from parvis.offers.tests.conftest import Market, a_profile
from parvis.offers.thresholds import read_table

SignIn = Callable[[Profile], Client]
SIRET = "19350000000012"


@pytest.fixture
def holder(market: Market) -> Profile:
    return market.commons.representing


def add(market: Market, holder: Profile, name: str, euros: int | None, *needs: Any, **facts: Any) -> Tool:
    """A tool that covers needs as standard, its use confirmed."""
    principal = market.principal(holder)
    tool = portfolio.add_tool(principal, Facts(name, yearly_cents=None if euros is None else euros * 100, **facts))
    for need in needs:
        portfolio.cover(principal, tool, need, Cover("ST", is_used=True, evidence="Enquête de mai"))
    return tool


def upload(client: Client, name: str, content: bytes, **data: str) -> Any:
    return client.post(reverse(f"offers:{name}"), {"file": SimpleUploadedFile("liste.csv", content), **data}, follow=True)


def confirm(client: Client, response: Any, *rows: int) -> None:
    client.post(response.redirect_chain[-1][0], {"row": list(rows)})


def test_a_list_is_imported_once_and_its_faulty_rows_are_told(market: Market, holder: Profile, sign_in: SignIn) -> None:
    lines = [
        "Outil;Éditeur;Coût annuel HT (€);Début;Fin;Référence",
        "Wooclap;Wooclap SA;12 340,50 €;01/09/2025;31/08/2026;M-1",
    ]
    lines += ["Trop;X;beaucoup;;;", ";Y;10;;;", "Dates;Z;10;02/02/2026;01/02/2026;", "Inconnu;;;;;", "Encore;X;1;;;M-1"]
    content = "\r\n".join(lines).encode("cp1252")
    client = sign_in(holder)
    seen = upload(client, "portfolio_sheet", content)
    page = plain(seen.content.decode())
    for words in ("« beaucoup »", "ne nomme pas d’outil", "précède le premier", "la même chose que la ligne 2"):
        assert words in page
    confirm(client, seen, 0, 1)
    assert list(Tool.unscoped.values_list("name", "yearly_cents", "end_date")) == [
        ("Inconnu", None, None),
        ("Wooclap", 1_234_050, date(2026, 8, 31)),
    ]
    again = upload(client, "portfolio_sheet", content)
    confirm(client, again, 0, 1)
    assert Tool.unscoped.count() == 2
    exported = client.get(reverse("offers:portfolio_export")).content
    back = portfolio_sheet.read(exported)
    assert {one.values["name"]: one.values.get("yearly_cents") for one in back.tools} == {
        "Inconnu": None,
        "Wooclap": 1_234_050,
    }


def test_a_workbook_reads_as_the_same_list_and_what_is_no_list_is_refused() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Logiciel", "Montant annuel", "Date de fin"])
    sheet.append(["Wooclap", 12340.5, date(2026, 8, 31)])
    sheet.append(["Somme", "=1+1", None])
    stream = io.BytesIO()
    book.save(stream)
    found = portfolio_sheet.read(stream.getvalue())
    assert [one.values for one in found.tools] == [
        {"name": "Wooclap", "yearly_cents": 1_234_050, "end_date": date(2026, 8, 31)}
    ]
    assert [error.code for error in found.errors] == ["formula"]
    for content, code in (
        (b"", "empty"),
        (b"%PDF-1.7", "not_a_spreadsheet"),
        (b"a;b\n1;2", "no_header"),
        (b"a\0b", "nul_bytes"),
    ):
        with pytest.raises(Refused, match=code):
            portfolio_sheet.read(content)


def contract(**changes: Any) -> dict[str, Any]:
    return {
        "id": "2024S0042",
        "acheteur": {"id": SIRET},
        "nature": "Marché",
        "objet": "Transcription des cours",
        "codeCPV": "72000000-5",
        "dureeMois": 36,
        "dateNotification": "2025-03-01",
        "montant": 100_000,
        "titulaires": [{"titulaire": {"typeIdentifiant": "SIRET", "id": "11122233300011"}}],
        **changes,
    }


def test_open_data_gives_ones_own_contracts_once(market: Market, holder: Profile, sign_in: SignIn) -> None:
    rows = [
        contract(),
        contract(id="2", objet="Nettoyage", codeCPV="90910000"),
        contract(id="3", acheteur={"id": "13000000000017"}),
    ]
    content = json.dumps({"marches": {"marche": rows}}).encode()
    client = sign_in(holder)
    seen = upload(client, "portfolio_contracts", content, buyers=SIRET)
    page = seen.content.decode()
    assert page.count("checked") == 1
    assert "Nettoyage" in page
    assert "2024S0042" in page
    assert not Tool.unscoped.exists(), "nothing before it is confirmed"
    confirm(client, seen, 0)
    tool = Tool.unscoped.get()
    assert (tool.source, tool.yearly_cents, tool.end_date) == (ToolSource.DECP, 3_333_333, date(2028, 2, 29))
    assert portfolio.whole_amount(tool) == 10_000_000, "the amount published, not what rounding left of it"
    again = upload(client, "portfolio_contracts", content, buyers=SIRET[:9])
    confirm(client, again, 0, 1)
    assert sorted(Tool.unscoped.values_list("name", flat=True)) == ["Nettoyage", "Transcription des cours"]
    for data, buyers, words in ((b"[", SIRET, "pas du JSON"), (content, "12", "ni neuf ni quatorze")):
        refused = upload(client, "portfolio_contracts", data, buyers=buyers)
        assert refused.status_code == 422
        assert words in refused.content.decode()


@pytest.mark.parametrize(
    ("euros", "day", "words"),
    [
        (59_999, "2026-03-31", "Le seuil de 40 000 € est atteint"),
        (60_000, "2026-03-31", "Le seuil de 40 000 € est atteint"),
        (59_999, "2026-04-01", "au-dessous de 60 000 €"),
        (60_000, "2026-04-01", "Le seuil de 60 000 € est atteint"),
    ],
)
def test_the_amount_and_the_day_decide(
    market: Market, holder: Profile, sign_in: SignIn, euros: int, day: str, words: str
) -> None:
    add(market, holder, "Transcription", euros, market.need)
    page = plain(sign_in(holder).get(reverse("offers:portfolio_thresholds"), {"jour": day}).content.decode())
    assert words in page
    assert "R. 2122-8" in page


def test_services_that_buy_for_one_need_are_added_up(market: Market, holder: Profile, sign_in: SignIn) -> None:
    add(market, holder, "Un", 35_000, market.need, service="Formation")
    add(market, holder, "Deux", 35_000, market.need, service="Bibliothèque")
    add(market, market.holders[2], "Ailleurs", 90_000, market.need, service="DSI")
    for name, arguments in (("portfolio_thresholds", []), ("choice", [market.need.id])):
        page = plain(sign_in(holder).get(reverse(f"offers:{name}", args=arguments), {"jour": "2026-05-01"}).content.decode())
        assert "Seul le total atteint 60 000 €" in page, name
        assert "Bibliothèque, Formation" in page
        assert "70 000 €" in page
        assert "90 000 €" not in page


def test_the_term_makes_the_amount() -> None:
    def amount(cents: int, start: date | None, end: date | None) -> int | None:
        return portfolio.whole_amount(Tool(yearly_cents=cents, start_date=start, end_date=end, details={}))

    assert amount(1_500_000, date(2025, 1, 1), date(2028, 12, 31)) == 6_000_000, "four years, one of them a leap year"
    assert amount(6_000_000, date(2028, 1, 1), date(2028, 12, 31)) == 6_000_000
    assert amount(3_650, date(2026, 1, 1), date(2026, 1, 10)) == 100
    assert amount(5_000, None, date(2026, 1, 10)) == 5_000


def test_the_law_is_rows_that_the_coordination_adds(market: Market, holder: Profile, sign_in: SignIn) -> None:
    assert ThresholdParameter.objects.count() == len(read_table())
    row = {"code": "exempt", "amount_euros": "80000", "valid_from": "2028-01-01", "legal_reference": "Décret à venir"}
    address = reverse("offers:threshold_new")
    assert sign_in(holder).post(address, row).status_code == 403
    assert sign_in(market.vendor).post(address, row).status_code == 404
    coordination = sign_in(market.commons.coordinating)
    assert "Décret à venir" in coordination.post(address, row, follow=True).content.decode()
    assert ThresholdParameter.objects.get(code="exempt", valid_from="2026-04-01").valid_until == date(2027, 12, 31)
    assert coordination.post(address, {**row, "valid_from": "2026-05-01"}).status_code == 422
    add(market, holder, "Transcription", 70_000, market.need)
    page = sign_in(holder).get(reverse("offers:portfolio_thresholds"), {"jour": "2028-01-01"}).content.decode()
    assert "au-dessous de 80 000 €" in plain(page)


def test_overlap_tells_three_savings_apart(market: Market, holder: Profile, sign_in: SignIn) -> None:
    principal, today = market.principal(holder), timezone.localdate()
    day = timedelta(days=1)
    new = add(market, holder, "Nouveau", 9_000, market.need)
    ended = add(market, holder, "Fini", 3_650, market.need, end_date=today - day)
    moving = add(market, holder, "Quitté", 7_300, market.need, end_date=today + 364 * day, notice_date=today + 30 * day)
    add(market, holder, "Supposé", 10_950, market.need)
    for tool in (ended, moving):
        said = Cover("ST", evidence="Journaux", moved_to_id=new.id, moved_date=today - 30 * day)
        portfolio.cover(principal, tool, market.need, said)
    tools = portfolio.tools_of(principal)
    found = portfolio.overlap_of(tools, today)
    by_name = {str(tool.id): tool.name for tool in tools}
    assert {(by_name[line.contract], line.status, line.amount // 10**9) for line in found.savings.lines} == {
        ("Fini", "observed", 3_650),
        ("Quitté", "estimated", 0),
        ("Supposé", "assumed", 10_950),
    }
    assert [by_name[one] for one in found.selection.kept] == ["Quitté"], "the cheapest that serves the need"
    page = plain(sign_in(holder).get(reverse("offers:overlaps")).content.decode())
    for words in ("Constaté", "Estimé", "Hypothèse", "10 950 €", "entièrement"):
        assert words in page
    assert plain("14 600 €") not in page, "nothing is added up"


@pytest.mark.django_db
def test_savings_shown_add_up_to_the_total_shown() -> None:
    lines = [
        Saving(str(n), "redundancy", Status.ASSUMED, cents * CENT, None)
        for n, cents in enumerate((416_660, 1_748_960, 534_260))
    ]
    found = Overlap(
        [],
        Selection((), (), 0, 0, True),
        Savings(tuple(lines), {status: 0 for status in Status}),
        (),
        (),
        Period(date.min, date.max),
    )
    (assumed,) = [
        one for one in overlap_view(found, [Tool(id=n, name="x", details={}) for n in range(3)], date.max).savings if one.lines
    ]
    figures = [int("".join(filter(str.isdigit, amount))) for _name, amount, _day, _counted in assumed.lines]
    assert int("".join(filter(str.isdigit, assumed.total))) == sum(figures) == 27_000


def test_what_is_confirmed_has_its_evidence(market: Market, holder: Profile, sign_in: SignIn) -> None:
    tool = add(market, holder, "Transcription", None)
    client, address = sign_in(holder), reverse("offers:coverages", args=[tool.id])
    said = {"need": market.need.id, "level": "DS", "is_used": "on"}
    assert client.post(address, said).status_code == 422
    assert not Coverage.unscoped.exists()
    client.post(address, {**said, "evidence": "Journaux de mai"})
    assert Coverage.unscoped.get().is_used
    elsewhere = add(market, market.holders[2], "Ailleurs", 1)
    moved = {**said, "evidence": "Journaux", "moved_to": elsewhere.id, "moved_date": "2026-01-01"}
    assert client.post(address, moved).status_code == 422, "to another institution's tool"


def test_a_portfolio_is_its_institutions_alone(market: Market, holder: Profile, sign_in: SignIn) -> None:
    house = market.commons.house
    tool = add(market, holder, "Transcription", 1_000, market.need)
    coverage = Coverage.unscoped.get()
    seen = upload(sign_in(holder), "portfolio_sheet", b"Outil;Service\nAutre;DSI").redirect_chain[-1][0]
    addresses = [reverse(f"offers:{name}", args=[tool.id]) for name in ("tool", "tool_edit", "tool_removal", "coverages")]
    addresses += [reverse("offers:coverage_removal", args=[coverage.id]), seen]
    for profile in (house.teacher, market.vendor, market.commons.coordinating):
        client = sign_in(profile)
        for address in addresses:
            assert client.get(address).status_code in (404, 405), (profile, address)
            assert client.post(address).status_code in (404, 405), (profile, address)
    for profile in (house.teacher, market.vendor, market.commons.coordinating):
        for name in ("portfolio", "portfolio_export", "overlaps", "portfolio_thresholds", "portfolio_sheet"):
            assert sign_in(profile).get(reverse(f"offers:{name}")).status_code == 404, (profile, name)
    assert sign_in(house.administrator).get(addresses[0]).status_code == 200
    assert Tool.unscoped.count() == 1


def test_the_alliance_reads_counts_from_three_institutions_on(market: Market, holder: Profile, sign_in: SignIn) -> None:
    members = [holder, *market.holders[1:]]
    for number in range(5):
        institution = Institution.objects.create(slug=f"m{number}", name=f"M{number}", short_name=f"M{number}")
        members.append(a_profile(institution, Role.REFERENT))
    for profile in members[:2]:
        add(market, profile, "Un outil", 1_000, market.need)
    assert set(portfolio.overlap_aggregate()[market.need.id].values()) == {None}
    for profile in members[2:5]:
        add(market, profile, "Un outil", 1_000, market.need)
        add(market, profile, "Un autre", 1_000, market.need)
    add(market, members[5], "Un outil", 1_000, market.need)
    counted = portfolio.overlap_aggregate()[market.need.id]
    assert counted == {"none": None, "one": None, "several": 3}, "two record nothing: with their figure goes another"
    page = sign_in(market.commons.coordinating).get(reverse("offers:alliance_overlaps")).content.decode()
    assert "Un outil<" not in page.split("<tbody>")[1]


def plain(page: str) -> str:
    """With ordinary spaces, however numbers are grouped."""
    return page.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
