"""A statement as FinOps tools read it: CSV of the FOCUS specification, version 1.2. Pure.

One row for each unit of a line, whose quantity times its price is its cost, exactly; then, where lines were rounded to the
cent or corrected, a row of adjustment, so that the rows of a statement add up to what is paid. Calls without a price have no
row: FOCUS knows no cost that is not a number, and 0 would say that they were free.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext

from parvis.ledger.pricing import PER, Unit
from parvis.ledger.statement import CENT, Line, Part
from parvis.ledger.usage import MICROGRAMS, NANO

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_CarbonHighGrams",
    "x_CarbonLowGrams",
    "x_CarbonMethod",
    "x_EstimatedCost",
)
UNITS = {
    Unit.INPUT: ("Input tokens", "Tokens", "1000000 Tokens"),
    Unit.CACHED: ("Cached input tokens", "Tokens", "1000000 Tokens"),
    Unit.OUTPUT: ("Output tokens", "Tokens", "1000000 Tokens"),
    Unit.EMBEDDING: ("Embedding tokens", "Tokens", "1000000 Tokens"),
    Unit.IMAGE: ("Images", "Images", "Images"),
    Unit.REQUEST: ("Requests", "Requests", "Requests"),
    Unit.HOUR: ("Machine time", "Hours", "Hours"),
}


@dataclass(frozen=True, slots=True)
class Billing:
    """Whose statement it is. `vendors`: agreement → whom it is paid to; the issuer where it is not known."""

    account_id: str
    account_name: str
    issuer: str
    invoice_id: str
    starts_at: datetime
    ends_at: datetime
    is_correction: bool
    vendors: dict[int, str]


def focus_csv(lines: Sequence[Line], billing: Billing) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows(lines, billing):
        writer.writerow(row)
    return text.getvalue().encode()


def rows(lines: Sequence[Line], billing: Billing) -> Iterator[dict[str, str]]:
    for line in lines:
        if line.is_valued:
            yield from _rows(line, billing)


def _rows(line: Line, billing: Billing) -> Iterator[dict[str, str]]:
    told = Decimal(0)
    for place, part in enumerate(line.parts):
        quantity, price = _quantity(part), Decimal(part.rate_nano) / NANO
        cost = _product(quantity, price)
        told += cost
        yield _common(line, billing) | _costs(cost) | _unit(line, part, quantity, price, billing, with_carbon=not place)
    paid = Decimal(line.cents * CENT) / NANO
    if paid != told:
        yield _common(line, billing) | _costs(paid - told) | _adjustment(billing)


def _common(line: Line, billing: Billing) -> dict[str, str]:
    vendor = billing.vendors.get(line.agreement_id or 0, billing.issuer)
    values = {
        "BillingAccountId": billing.account_id,
        "BillingAccountName": billing.account_name,
        "BillingAccountType": "Institution",
        "BillingCurrency": "EUR",
        "BillingPeriodStart": _instant(billing.starts_at),
        "BillingPeriodEnd": _instant(billing.ends_at),
        "ChargePeriodStart": _instant(billing.starts_at),
        "ChargePeriodEnd": _instant(billing.ends_at),
        "ChargeClass": "Correction" if billing.is_correction else "",
        "InvoiceId": billing.invoice_id,
        "InvoiceIssuerName": billing.issuer,
        "ProviderName": billing.issuer,
        "PublisherName": vendor,
        "ResourceId": _model(line),
        "ResourceName": line.model_name,
        "ResourceType": "Language model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Parvis",
        "ServiceSubcategory": "Generative AI",
        "Tags": json.dumps({"parvis/app": line.app}, ensure_ascii=False) if line.app else "",
    }
    if line.component:
        values |= {"SubAccountId": line.component, "SubAccountName": line.component, "SubAccountType": "Component"}
    return values


def _costs(cost: Decimal) -> dict[str, str]:
    return dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), _number(cost))


def _unit(line: Line, part: Part, quantity: Decimal, price: Decimal, billing: Billing, *, with_carbon: bool) -> dict[str, str]:
    meter, consumed_unit, pricing_unit = UNITS[Unit(part.unit)]
    consumed = quantity if part.unit == Unit.HOUR else Decimal(part.quantity)
    values = {
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{line.model_name}: {meter.lower()}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": _number(consumed),
        "ConsumedUnit": consumed_unit,
        "ContractedUnitPrice": _number(price),
        "PricingCategory": "Standard",
        "PricingQuantity": _number(quantity),
        "PricingUnit": pricing_unit,
        "SkuId": f"{_model(line)}/{part.unit}",
        "SkuMeter": meter,
        "SkuPriceId": f"{line.price_version}/{_model(line)}/{part.unit}",
    }
    if with_carbon and line.carbon_calls:
        values |= {
            "x_CarbonLowGrams": _number(Decimal(line.carbon_low_ug) / MICROGRAMS),
            "x_CarbonHighGrams": _number(Decimal(line.carbon_high_ug) / MICROGRAMS),
            "x_CarbonMethod": line.carbon_method,
        }
    if with_carbon and line.estimated_calls:
        values["x_EstimatedCost"] = _number(Decimal(line.estimated_nano) / NANO)
    return values


def _adjustment(billing: Billing) -> dict[str, str]:
    described = "Correction and rounding to the cent" if billing.is_correction else "Rounding to the cent"
    return {"ChargeCategory": "Adjustment", "ChargeDescription": described, "ChargeFrequency": "One-Time"}


def _quantity(part: Part) -> Decimal:
    """In the unit that is priced. Hours are not exact in decimals: what is left is in the adjustment."""
    exact = Decimal(part.quantity) / PER[Unit(part.unit)]
    return exact.quantize(Decimal("1e-9")) if part.unit == Unit.HOUR else exact


def _product(one: Decimal, other: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return one * other


def _model(line: Line) -> str:
    return f"model:{line.model_id}" if line.model_id is not None else "model:environment"


def _number(value: Decimal) -> str:
    """Without a sign for what is positive, nor zeros for nothing."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
