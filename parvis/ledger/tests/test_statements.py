"""Statements add up to the ledger, leave as files that others read, and are compared with invoices."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest
from facturx import get_facturx_xml_from_pdf, xml_check_xsd
from lxml import etree
from pypdfium2 import PdfDocument

from conftest import House
from parvis.ledger import focus
from parvis.ledger.actions.settlement import balances, correct, settle, value
from parvis.ledger.actions.statements import (
    NothingToStateError,
    OverlappingScopeError,
    Scope,
    billing_of,
    document_of,
    ledger_lines,
    make_statement,
    reconcile,
)
from parvis.ledger.files import Document, statement_csv, statement_ods, statement_pdf
from parvis.ledger.focus import COLUMNS, focus_csv
from parvis.ledger.invoice import InvoiceParty, factur_x, invoice_xml
from parvis.ledger.models import ExpenseStatement, Nature, Transfer
from parvis.ledger.reconciliation import Gap, Invoiced, UnreadableInvoice, compare, read_invoice
from parvis.ledger.statement import Line, payable, to_cents, total
from parvis.ledger.tests.calls import EURO, NOON, book_in_force, call
from parvis.ledger.usage import Carbon, Quantities

OCTOBER = date(2026, 10, 1)
SELLER = InvoiceParty("Université d’ici", "19350936100013", "", "1 rue du Thabor", "35000", "Rennes")
BUYER = InvoiceParty("UFR Droit", "19350936100021", "", "9 rue Jean-Macé", "35000", "Rennes")


@pytest.fixture
def month(house: House) -> House:
    """A month of two components and two apps, and a neighbour's."""
    here, random = house.institution.id, Random(5)
    book_in_force(None, date(2026, 1, 1), input_euros=2.1, output_euros=6.3)
    batch = [
        call(
            here,
            number,
            component=random.choice(("UFR Droit", "IUT")),
            app=random.choice(("assistant:1", "api")),
            quantities=Quantities(random.randrange(90_000), random.randrange(9_000), random.randrange(9_000)),
            carbon=Carbon(1_500, 4_500, "ecologits 0.11.3"),
        )
        for number in range(40)
    ]
    batch.append(call(here, 40, model_id=8, model_name="grand"))
    batch.append(call(here, 41, occurred_at=datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC)))
    batch.append(call(here, 42, occurred_at=datetime(2026, 10, 31, 23, tzinfo=UTC)))
    batch.append(call(house.neighbour_institution.id, 43))
    settle(batch)
    return house


def make(house: House, scope: Scope = Scope()) -> ExpenseStatement:  # noqa: B008 - frozen
    return make_statement(house.principal(house.administrator), OCTOBER, scope)


def stated(house: House) -> int:
    return sum(ExpenseStatement.unscoped.filter(institution=house.institution).values_list("total_nano", flat=True))


def test_the_lines_are_the_ledger_to_the_nano_euro(month: House) -> None:
    lines = ledger_lines(month.institution.id, OCTOBER)
    november = Transfer.unscoped.get(call__sequence=42).amount_nano
    used = sum(amount for account, amount in balances(month.institution.id).items() if account.startswith("use/"))
    assert total(lines) == used - november
    assert sum(line.calls for line in lines) == 42
    assert [line.calls for line in lines if not line.is_valued] == [1]
    for line in lines:
        exact = sum(Decimal(part.quantity * part.rate_nano) / 10**6 for part in line.parts)
        assert abs(line.amount_nano - Decimal(exact)) <= Decimal(line.calls) / 2


def test_what_comes_later_is_stated_later_and_all_adds_up(month: House) -> None:
    first = make(month)
    assert (first.number, first.nature, first.unvalued) == (1, Nature.STATEMENT, 1)
    with pytest.raises(NothingToStateError):
        make(month)
    book_in_force(month.institution.id, date(2026, 1, 1), model_id=8)
    value(month.institution.id)
    settle([call(month.institution.id, 50)])
    second = make(month)
    assert (second.number, second.nature, second.completes_id) == (2, Nature.SUPPLEMENT, first.id)
    assert [line["calls"] for line in second.lines if not line["price_version"]] == [-1], "it has a price by now"
    charge = Transfer.unscoped.filter(call__sequence=1).get()
    correct(charge, actor="person:1", reason="counted twice", amount_nano=charge.amount_nano // 2)
    third = make(month)
    assert (third.nature, third.total_nano) == (Nature.CREDIT, charge.amount_nano // 2 - charge.amount_nano)
    assert stated(month) == total(ledger_lines(month.institution.id, OCTOBER))
    with pytest.raises(NothingToStateError):
        make(month)


def test_a_month_is_stated_in_one_way(month: House) -> None:
    droit, iut = make(month, Scope(component="UFR Droit")), make(month, Scope(component="IUT"))
    assert droit.total_nano + iut.total_nano == total(ledger_lines(month.institution.id, OCTOBER))
    for scope in (Scope(), Scope(app="api")):
        with pytest.raises(OverlappingScopeError):
            make(month, scope)


def test_half_a_cent_is_given_back_as_it_was_asked() -> None:
    for nano in (0, 4_999_999, 5_000_000, 14_999_999, 15_000_000, 123_456_789_012):
        assert to_cents(-nano) == -to_cents(nano)
    assert [to_cents(nano) for nano in (4_999_999, 5_000_000, 15_000_000)] == [0, 1, 2]


def document(house: House) -> Document:
    return document_of(make(house))


def test_it_leaves_as_csv(month: House) -> None:
    settle([call(month.institution.id, 60, component="=1+1")])
    said = document(month)
    rows = list(csv.DictReader(io.StringIO(statement_csv(said).decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == len(said.lines)
    exact = sum(Decimal(row["Montant HT exact (€)"].replace(",", ".")) for row in rows if row["Barème"] != "non valorisé")
    assert exact == Decimal(total(said.lines)) / EURO
    assert [row["Montant HT exact (€)"] for row in rows if row["Modèle"] == "grand"] == ["non valorisé"]
    assert "'=1+1" in {row["Composante"] for row in rows}


def test_it_leaves_as_a_spreadsheet_of_numbers(month: House) -> None:
    said = document(month)
    book = etree.fromstring(zipfile.ZipFile(io.BytesIO(statement_ods(said))).read("content.xml"))
    office = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    rows = book.findall(f".//{table}table")[0].findall(f"{table}table-row")[1:]
    exact = [row.findall(f"{table}table-cell")[12] for row in rows]
    numbers = [cell.get(f"{office}value", "") for cell in exact if cell.get(f"{office}value-type") == "float"]
    assert sum(map(Decimal, numbers), Decimal(0)) == Decimal(total(said.lines)) / EURO


def test_it_leaves_as_a_tagged_pdf(month: House) -> None:
    said = replace(document(month), institution="Université ☃ \x00 d’ici")
    content = statement_pdf(said)
    text = "".join(page.get_textpage().get_text_range() for page in PdfDocument(content))
    assert "Appels non valorisés" in text
    assert "n° 1" in text.replace("\u202f", " ") or "n°" in text
    assert said.reference in text
    assert b"/StructTreeRoot" in content
    assert statement_pdf(said) == content, "the same document is the same file"


# FOCUS

MANDATORY = {
    "BilledCost": False,
    "BillingAccountId": False,
    "BillingAccountName": True,
    "BillingCurrency": False,
    "BillingPeriodEnd": False,
    "BillingPeriodStart": False,
    "ChargeCategory": False,
    "ChargeClass": True,
    "ChargeDescription": True,
    "ChargePeriodEnd": False,
    "ChargePeriodStart": False,
    "ContractedCost": False,
    "EffectiveCost": False,
    "InvoiceIssuerName": False,
    "ListCost": False,
    "PricingQuantity": True,
    "PricingUnit": True,
    "ProviderName": False,
    "PublisherName": False,
    "ServiceCategory": False,
    "ServiceName": False,
}  # of FOCUS 1.2, and whether each may be null


def rows_of(statement: ExpenseStatement) -> list[dict[str, str]]:
    content = focus_csv([Line.from_plain(line) for line in statement.lines], billing_of(statement))
    return list(csv.DictReader(io.StringIO(content.decode())))


def check(rows: list[dict[str, str]]) -> None:
    """Each requirement of the specification that its rows can break."""
    for row in rows:
        assert set(MANDATORY) <= set(row)
        assert [name for name, may_be_null in MANDATORY.items() if not may_be_null and not row[name]] == []
        for name in (*(name for name in COLUMNS if name.endswith(("Cost", "Price", "Quantity"))),):
            assert row[name] == "" or (Decimal(row[name]).is_finite() and not set(row[name]) & set("+Ee,"))
        assert row["ChargeCategory"] in {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
        assert row["ChargeClass"] in {"", "Correction"}
        assert row["ChargeFrequency"] in {"One-Time", "Recurring", "Usage-Based"}
        assert (row["ServiceCategory"], row["ServiceSubcategory"]) == ("AI and Machine Learning", "Generative AI")
        assert row["BillingCurrency"] == "EUR"
        assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")
        assert bool(row["PricingQuantity"]) == bool(row["PricingUnit"])
        assert bool(row["SubAccountId"]) == bool(row["SubAccountType"])
        assert not row["Tags"] or isinstance(json.loads(row["Tags"]), dict)
        if row["ChargeCategory"] == "Usage":
            needed = ("ConsumedQuantity", "ConsumedUnit", "SkuId", "SkuPriceId", "PricingCategory", "ContractedUnitPrice")
            assert all(row[name] for name in (*needed, "PricingQuantity"))
            assert row["PricingCategory"] in {"Standard", "Dynamic", "Committed", "Other"}
            cost = Decimal(row["PricingQuantity"]) * Decimal(row["ContractedUnitPrice"])
            assert cost == Decimal(row["ContractedCost"])
        else:
            assert not row["ConsumedQuantity"]
            assert not row["PricingCategory"]


def test_focus_rows_obey_the_specification_and_add_up_to_what_is_paid(month: House) -> None:
    statement = make(month)
    rows = rows_of(statement)
    check(rows)
    lines = [Line.from_plain(line) for line in statement.lines]
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(payable(lines)) / 100
    assert {row["InvoiceId"] for row in rows} == {statement.reference}
    assert "grand" not in {row["ResourceName"] for row in rows}, "a call without a price is not free"
    assert COLUMNS[: COLUMNS.index("x_CarbonHighGrams")] == tuple(sorted(COLUMNS[: COLUMNS.index("x_CarbonHighGrams")]))
    correct(Transfer.unscoped.all()[0], actor="person:1", reason="no")
    credit = rows_of(make(month))
    check(credit)
    assert {row["ChargeClass"] for row in credit} == {"Correction"}


def test_focus_hours_are_exact_but_for_the_adjustment(house: House) -> None:
    from parvis.ledger.pricing import Unit
    from parvis.ledger.statement import Counted, lines_of

    counted = Counted("", "", None, "local", None, "book:1", 7, Quantities(milliseconds=1_234_567), 857_338_194)
    (line,) = lines_of([counted], {("book:1", None): {Unit.HOUR: 2_500_000_000}})
    billing = focus.Billing("ici", "Ici", "Parvis", "2026-10-0001", NOON, NOON, False, {})
    rows = list(focus.rows([line], billing))
    assert [row["ChargeCategory"] for row in rows] == ["Usage", "Adjustment"]
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("0.86")


# Factur-X


def test_an_internal_invoice_is_factur_x(month: House) -> None:
    said = document_of(make(month, Scope(component="UFR Droit")))
    content = factur_x(said, SELLER, BUYER)
    name, xml = get_facturx_xml_from_pdf(io.BytesIO(content), check_xsd=True)
    assert name == "factur-x.xml"
    assert xml_check_xsd(xml, flavor="factur-x", level="en16931")
    root = etree.fromstring(xml)
    ram = {"ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"}
    paid = Decimal(root.findtext(".//ram:DuePayableAmount", "", ram))
    assert paid == Decimal(payable(said.lines)) / 100
    amounts = root.iterfind(".//ram:SpecifiedLineTradeSettlement//ram:LineTotalAmount", ram)
    assert paid == sum((Decimal(node.text or "") for node in amounts), Decimal(0))
    read = read_invoice(content)
    assert sum(line.amount_nano for line in read) == payable(said.lines) * 10**7


def test_a_credit_note_gives_back_without_a_sign(month: House) -> None:
    make(month)
    correct(Transfer.unscoped.order_by("-amount_nano")[0], actor="person:1", reason="no")
    said = document_of(make(month))
    assert said.nature == Nature.CREDIT
    xml = invoice_xml(said, SELLER, BUYER)
    assert xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert b">381<" in xml
    assert b"<ram:DuePayableAmount>-" not in xml
    assert said.completes.encode() in xml
    assert sum(line.amount_nano for line in read_invoice(xml)) == payable(said.lines) * 10**7


# Invoices of vendors


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ("Modèle;Montant HT\npetit;1 234,56 €\nTotal;1 234,56\n", [("petit", 1_234_560_000_000)]),
        ("model,amount\npetit,1.5\ngrand,-0.25\n", [("petit", 1_500_000_000), ("grand", -250_000_000)]),
        ('Facture n° 12\n\nDésignation\tTotal HT\npetit entrée\t"1.234,5"\n', [("petit entrée", 1_234_500_000_000)]),
    ],
)
def test_an_invoice_is_read_as_vendors_write_it(content: str, read: list[tuple[str, int]]) -> None:
    assert read_invoice(content.encode()) == [Invoiced(*one) for one in read]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_columns"),
        (b"\x89PNG\r\n", "not_an_invoice"),
        (b"a;b\n1;2\n", "no_columns"),
        (b"Mod\xc3\xa8le;Montant\n", "no_line"),
        (b"model;amount\npetit;beaucoup\n", "bad_amount"),
        (b"model;amount\npetit;1e999\n", "bad_amount"),
        (b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>", "not_an_invoice"),
        (b"<x", "not_an_invoice"),
        (b"%PDF-1.4 nothing", "not_an_invoice"),
    ],
)
def test_what_is_no_invoice_says_why(content: bytes, code: str) -> None:
    with pytest.raises(UnreadableInvoice) as refused:
        read_invoice(content)
    assert refused.value.code == code


@pytest.mark.parametrize(("invoiced", "is_flagged"), [(100_000, False), (101_000, False), (101_001, True), (98_999, True)])
def test_a_gap_above_one_in_a_hundred_is_flagged(invoiced: int, is_flagged: bool) -> None:
    (gap,) = compare([Invoiced("Petit, jetons de sortie", invoiced)], {"petit": 100_000})
    assert gap.is_flagged is is_flagged


def test_what_one_side_alone_knows_is_flagged() -> None:
    gaps = compare(
        [Invoiced("support", 5), Invoiced("petit", 7), Invoiced("petit-2", 9)], {"petit": 7, "petit-2": 9, "grand": 1}
    )
    assert gaps == [Gap("grand", None, 1), Gap("petit", 7, 7), Gap("petit-2", 9, 9), Gap("support", 5, None)]
    assert [gap.label for gap in gaps if gap.is_flagged] == ["grand", "support"]


def test_an_invoice_is_kept_beside_the_ledger(month: House) -> None:
    counted = total(ledger_lines(month.institution.id, OCTOBER))
    row = reconcile(
        month.principal(month.administrator),
        month=OCTOBER,
        agreement_id=None,
        file_name="facture.csv",
        data=b"x",
        invoice=[Invoiced("petit", counted + counted // 50)],
    )
    assert (row.is_flagged, row.counted_nano, row.unvalued) == (True, counted, 1)
