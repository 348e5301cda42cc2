"""A vendor's invoice beside what was counted. Pure.

An invoice is a CSV file (a column of models, one of amounts before tax), or a Factur-X one, PDF or XML, whose lines name
models. What is compared is money, model by model, and the whole: a gap above 1 % is flagged.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

from parvis.delimited import NotText, Record, decoded, heading_key, records
from parvis.ledger.usage import NANO

FLAGGED = Decimal("0.01")
MOST_BYTES = 10_000_000
MOST_LINES = 5_000
_MODEL = {"modele", "model", "designation", "libelle", "produit", "service", "description", "reference", "sku", "article"}
_AMOUNT = {
    "montant",
    "montant ht",
    "total",
    "total ht",
    "amount",
    "cost",
    "cout",
    "cout ht",
    "net amount",
    "prix total",
    "prix total ht",
    "billedcost",
}
_CII = {
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
}


class UnreadableInvoice(Exception):
    """`code`: too_large, no_columns, no_line, bad_amount (row, found), not_euro (found), not_an_invoice, too_many_lines."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True, slots=True)
class Invoiced:
    label: str
    amount_nano: int


@dataclass(frozen=True, slots=True)
class Gap:
    """`label` is the invoice's, or the ledger's where the invoice has no such line. `estimated_nano` is the part of what the
    ledger has that no provider counted: there the invoice may well be right."""

    label: str
    invoiced_nano: int | None
    counted_nano: int | None
    estimated_nano: int = 0

    @property
    def difference_nano(self) -> int:
        return (self.invoiced_nano or 0) - (self.counted_nano or 0)

    @property
    def share(self) -> Decimal | None:
        """Of what was counted; None where nothing was."""
        return Decimal(self.difference_nano) / self.counted_nano if self.counted_nano else None

    @property
    def is_flagged(self) -> bool:
        return self.difference_nano != 0 and (self.share is None or abs(self.share) > FLAGGED)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def read_invoice(data: bytes) -> list[Invoiced]:
    """Raises UnreadableInvoice."""
    if len(data) > MOST_BYTES:
        raise UnreadableInvoice("too_large")
    if data.startswith(b"%PDF-"):
        return _of_cii(_attached(data))
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _of_cii(data)
    return _of_csv(data)


def compare(invoice: Iterable[Invoiced], counted: Mapping[str, int], estimated: Mapping[str, int] | None = None) -> list[Gap]:
    """`counted` and, of it, `estimated`: model → nano-euro. A line of the invoice is about the model whose name it holds, the
    longest first."""
    names = sorted(counted, key=lambda name: (-len(name), name))
    invoiced: dict[str, int] = {}
    others: dict[str, int] = {}
    for line in invoice:
        found = next((name for name in names if name and name.casefold() in line.label.casefold()), None)
        where = others if found is None else invoiced
        label = line.label if found is None else found
        where[label] = where.get(label, 0) + line.amount_nano
    gaps = [Gap(name, invoiced.get(name), counted[name], (estimated or {}).get(name, 0)) for name in sorted(counted)]
    return gaps + [Gap(label, amount, None) for label, amount in others.items()]


def whole(gaps: Iterable[Gap]) -> Gap:
    gaps = list(gaps)
    invoiced, counted = sum(gap.invoiced_nano or 0 for gap in gaps), sum(gap.counted_nano or 0 for gap in gaps)
    return Gap("", invoiced, counted, sum(gap.estimated_nano for gap in gaps))


def _of_csv(data: bytes) -> list[Invoiced]:
    table = [(row.number, row.cells) for row in _records(data)]
    for place, (_row, headings) in enumerate(table[:20]):
        keys = [heading_key(cell) for cell in headings]
        model = next((at for at, key in enumerate(keys) if key in _MODEL), None)
        amount = next((at for at, key in enumerate(keys) if key in _AMOUNT), None)
        if model is not None and amount is not None:
            found = [
                Invoiced(cells[model].strip(), _nano(cells[amount], str(number)))
                for number, cells in table[place + 1 :]
                if max(model, amount) < len(cells) and cells[amount].strip() and not _is_total(cells[model])
            ]
            if not found:
                raise UnreadableInvoice("no_line")
            if len(found) > MOST_LINES:
                raise UnreadableInvoice("too_many_lines")
            return found
    raise UnreadableInvoice("no_columns")


def _records(data: bytes) -> list[Record]:
    try:
        lines = decoded(data).splitlines(keepends=True)
    except NotText as error:
        raise UnreadableInvoice("not_an_invoice") from error
    delimiter = max(";,\t", key=lambda mark: sum(line.count(mark) for line in lines[:20]))
    return list(records(lines, delimiter))


def _is_total(label: str) -> bool:
    return heading_key(label).startswith("total") or not label.strip()


def _nano(written: str, row: str) -> int:
    """ "1 234,56 €", "1,234.56", "-3.5". The last mark is the decimal one."""
    text = "".join(written.split()).replace("€", "").replace("EUR", "").replace("\u202f", "")
    whole_part, mark, decimals = text.rpartition("," if text.rfind(",") > text.rfind(".") else ".")
    if mark:
        text = f"{whole_part.replace(',', '').replace('.', '')}.{decimals}"
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise UnreadableInvoice("bad_amount", row=row, found=written[:40]) from error
    if not value.is_finite() or abs(value) > 10**9:
        raise UnreadableInvoice("bad_amount", row=row, found=written[:40])
    return int((value * NANO).to_integral_value())


def _attached(data: bytes) -> bytes:
    from facturx import get_facturx_xml_from_pdf

    try:
        name, content = get_facturx_xml_from_pdf(io.BytesIO(data), check_xsd=False)
    except Exception as error:  # a PDF may break its reader in any way, and is then no invoice
        raise UnreadableInvoice("not_an_invoice") from error
    if not name or not isinstance(content, bytes):
        raise UnreadableInvoice("not_an_invoice")
    return content


def _of_cii(data: bytes) -> list[Invoiced]:
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableInvoice("not_an_invoice") from error
    currency = root.findtext(".//ram:InvoiceCurrencyCode", namespaces=_CII)
    if currency is None:
        raise UnreadableInvoice("not_an_invoice")
    if currency != "EUR":
        raise UnreadableInvoice("not_euro", found=currency[:10])
    sign = -1 if root.findtext(".//rsm:ExchangedDocument/ram:TypeCode", namespaces=_CII) == "381" else 1
    found = []
    for number, line in enumerate(root.iterfind(".//ram:IncludedSupplyChainTradeLineItem", _CII), 1):
        label = line.findtext(".//ram:SpecifiedTradeProduct/ram:Name", "", _CII)
        amount = line.findtext(".//ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount", "", _CII)
        found.append(Invoiced(label.strip(), sign * _nano(amount, str(number))))
    if not found:
        raise UnreadableInvoice("no_line")
    return found
