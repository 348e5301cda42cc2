"""Factur-X for internal re-invoicing: a statement of a component as an invoice (profile EN 16931), in a PDF/A-3. Pure.

It is for invoices between services of an institution, which a vendor's never passes by; no VAT is added within one body, and
the invoice says why. The lines are grouped by model, and add up to what the statement says is to be paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from parvis.ledger.files import Document, statement_pdf
from parvis.ledger.statement import Line

EXEMPTION = "Opération interne, hors du champ de la TVA"
_RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
_UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
_QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
_NAMES = {"rsm": _RSM, "ram": _RAM, "udt": _UDT, "qdt": _QDT}
INVOICE, CREDIT_NOTE = "380", "381"


@dataclass(frozen=True, slots=True)
class InvoiceParty:
    legal_name: str
    siret: str
    vat_number: str
    street: str
    postcode: str
    city: str


def factur_x(document: Document, seller: InvoiceParty, buyer: InvoiceParty) -> bytes:
    """The PDF, its XML inside. Raises ValueError for a document that asks for nothing, and if the XML is not valid by the
    schema of Factur-X."""
    from facturx import generate_from_binary

    is_credit = document.nature == "credit"
    metadata = {
        "author": seller.legal_name,
        "keywords": "Factur-X",
        "title": f"{document.title} {document.reference}",
        "subject": document.month,
    }
    content = generate_from_binary(
        statement_pdf(document, is_archival=True),
        invoice_xml(document, seller, buyer),
        flavor="factur-x",
        level="en16931",
        check_xsd=True,
        pdf_metadata=metadata,
        lang="fr-FR",
        afrelationship="data" if is_credit else "alternative",
    )
    if not isinstance(content, bytes):
        raise TypeError("a PDF is one file")
    return content


def invoice_xml(document: Document, seller: InvoiceParty, buyer: InvoiceParty) -> bytes:
    """Raises ValueError for a document without anything to pay."""
    sums = _by_model(document.lines)
    if not sums:
        raise ValueError("nothing is to be paid")
    sign = -1 if document.nature == "credit" else 1  # a credit note says what it gives back, without a sign
    root = etree.Element(f"{{{_RSM}}}CrossIndustryInvoice", nsmap=_NAMES)
    context = _into(root, "rsm:ExchangedDocumentContext")
    _text(_into(context, "ram:GuidelineSpecifiedDocumentContextParameter"), "ram:ID", "urn:cen.eu:en16931:2017")
    head = _into(root, "rsm:ExchangedDocument")
    _text(head, "ram:ID", document.reference)
    _text(head, "ram:TypeCode", CREDIT_NOTE if sign < 0 else INVOICE)
    _day(_into(head, "ram:IssueDateTime"), document.made_at.date())
    _text(_into(head, "ram:IncludedNote"), "ram:Content", f"Consommation de modèles d’IA, {document.month}.")
    trade = _into(root, "rsm:SupplyChainTradeTransaction")
    for number, (model, cents) in enumerate(sums, 1):
        _trade_line(trade, number, f"{model}, {document.month}", sign * cents)
    _agreement(trade, seller, buyer)
    delivery = _into(trade, "ram:ApplicableHeaderTradeDelivery")
    _day(
        _into(_into(delivery, "ram:ActualDeliverySupplyChainEvent"), "ram:OccurrenceDateTime"), _last_day(document.month_date)
    )
    _settlement(trade, document, sign * sum(cents for _model, cents in sums))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _by_model(lines: Sequence[Line]) -> list[tuple[str, int]]:
    """Cents, as the lines of the statement show them."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.model_name] = sums.get(line.model_name, 0) + line.cents
    return [(model, cents) for model, cents in sorted(sums.items()) if cents]


def _trade_line(trade: Any, number: int, name: str, cents: int) -> None:
    """A price has no sign: what is given back on an invoice has a negative quantity."""
    line = _into(trade, "ram:IncludedSupplyChainTradeLineItem")
    _text(_into(line, "ram:AssociatedDocumentLineDocument"), "ram:LineID", str(number))
    _text(_into(line, "ram:SpecifiedTradeProduct"), "ram:Name", name)
    price = _into(_into(line, "ram:SpecifiedLineTradeAgreement"), "ram:NetPriceProductTradePrice")
    _text(price, "ram:ChargeAmount", _amount(abs(cents)))
    quantity = _text(_into(line, "ram:SpecifiedLineTradeDelivery"), "ram:BilledQuantity", "1" if cents >= 0 else "-1")
    quantity.set("unitCode", "C62")
    settlement = _into(line, "ram:SpecifiedLineTradeSettlement")
    tax = _into(settlement, "ram:ApplicableTradeTax")
    _text(tax, "ram:TypeCode", "VAT")
    _text(tax, "ram:CategoryCode", "O")
    summation = _into(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _text(summation, "ram:LineTotalAmount", _amount(cents))


def _agreement(trade: Any, seller: InvoiceParty, buyer: InvoiceParty) -> None:
    agreement = _into(trade, "ram:ApplicableHeaderTradeAgreement")
    for tag, party in (("ram:SellerTradeParty", seller), ("ram:BuyerTradeParty", buyer)):
        node = _into(agreement, tag)
        _text(node, "ram:Name", party.legal_name)
        if party.siret:
            identifier = _text(_into(node, "ram:SpecifiedLegalOrganization"), "ram:ID", party.siret)
            identifier.set("schemeID", "0009")  # SIRET
        address = _into(node, "ram:PostalTradeAddress")
        _text(address, "ram:PostcodeCode", party.postcode)
        _text(address, "ram:LineOne", party.street)
        _text(address, "ram:CityName", party.city)
        _text(address, "ram:CountryID", "FR")


def _settlement(trade: Any, document: Document, cents: int) -> None:
    settlement = _into(trade, "ram:ApplicableHeaderTradeSettlement")
    _text(settlement, "ram:InvoiceCurrencyCode", "EUR")
    tax = _into(settlement, "ram:ApplicableTradeTax")
    _text(tax, "ram:CalculatedAmount", "0.00")
    _text(tax, "ram:TypeCode", "VAT")
    _text(tax, "ram:ExemptionReason", EXEMPTION)
    _text(tax, "ram:BasisAmount", _amount(cents))
    _text(tax, "ram:CategoryCode", "O")
    _text(tax, "ram:ExemptionReasonCode", "VATEX-EU-O")
    terms = _into(settlement, "ram:SpecifiedTradePaymentTerms")
    _text(terms, "ram:Description", "Règlement interne selon les règles comptables de l’établissement.")
    summation = _into(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _text(summation, "ram:LineTotalAmount", _amount(cents))
    _text(summation, "ram:TaxBasisTotalAmount", _amount(cents))
    _text(summation, "ram:TaxTotalAmount", "0.00").set("currencyID", "EUR")
    _text(summation, "ram:GrandTotalAmount", _amount(cents))
    _text(summation, "ram:DuePayableAmount", _amount(cents))
    if document.completes:
        _text(_into(settlement, "ram:InvoiceReferencedDocument"), "ram:IssuerAssignedID", document.completes)


def _into(parent: Any, tag: str) -> Any:
    prefix, _colon, name = tag.partition(":")
    return etree.SubElement(parent, f"{{{_NAMES[prefix]}}}{name}")


def _text(parent: Any, tag: str, text: str) -> Any:
    node = _into(parent, tag)
    node.text = text
    return node


def _day(parent: Any, day: date) -> None:
    _text(parent, "udt:DateTimeString", f"{day:%Y%m%d}").set("format", "102")


def _last_day(month: date) -> date:
    from calendar import monthrange

    return month.replace(day=monthrange(month.year, month.month)[1])


def _amount(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
