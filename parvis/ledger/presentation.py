"""Figures in words, for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.ledger.actions.figures import Figures
from parvis.ledger.chart import Chart, bars
from parvis.ledger.crowd import Told
from parvis.ledger.models import PriceBook
from parvis.ledger.pricing import PARIS, Unit
from parvis.ledger.reconciliation import Gap, UnreadableInvoice
from parvis.ledger.rounding import decimals_of, shown_euros, shown_grams
from parvis.ledger.statement import CENT, Line, to_cents
from parvis.ledger.usage import NANO
from parvis.web.templatetags.interface import date as day_name

MINUS = "\N{MINUS SIGN}"


def unit_name(unit: str) -> str:
    return {
        Unit.INPUT: _("Input"),
        Unit.CACHED: _("Input kept by the provider"),
        Unit.OUTPUT: _("Output"),
        Unit.EMBEDDING: _("Embeddings"),
        Unit.IMAGE: _("Image"),
        Unit.REQUEST: _("Request"),
        Unit.HOUR: _("Hour of machine"),
    }[Unit(unit)]


def per_unit(unit: str) -> str:
    """What a rate is for."""
    tokens = _("per million tokens")
    return {Unit.IMAGE: _("each"), Unit.REQUEST: _("each"), Unit.HOUR: _("per hour")}.get(Unit(unit), tokens)


def euros(nano: int) -> str:
    """As `rounding` says."""
    value = shown_euros(nano)
    text = number_format(abs(value), decimal_pos=decimals_of(value), force_grouping=True)
    return f"{MINUS if nano < 0 else ''}{text}\N{NO-BREAK SPACE}€"


def price(nano: int) -> str:
    """A rate, exactly."""
    value = Decimal(nano) / NANO
    digits = max(2, -int(value.normalize().as_tuple().exponent))
    return f"{number_format(value, decimal_pos=digits, force_grouping=True)}\N{NO-BREAK SPACE}€"


def grams(micrograms: int) -> str:
    value, unit = shown_grams(micrograms)
    return f"{number_format(value, decimal_pos=decimals_of(value), force_grouping=True)}\N{NO-BREAK SPACE}{unit}"


def count(number: int) -> str:
    return number_format(number, force_grouping=True)


def carbon(low_ug: int, high_ug: int, calls: int) -> str:
    """A range; "" where nothing is known."""
    if not calls:
        return ""
    low, high = grams(low_ug), grams(high_ug)
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def amount(nano: int, calls: int, unvalued: int) -> str:
    """Never 0 for what has no price."""
    if unvalued and unvalued >= calls:
        return _("not valued")
    return euros(nano)


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the table of uses."""

    label: str
    calls: str
    tokens: str
    amount: str
    unvalued: int
    carbon: str
    is_together: bool = False
    estimated: str = ""
    carbon_unknown: str = ""


def shown(label: str, figures: Figures, *, is_together: bool = False) -> Shown:
    return Shown(
        label,
        count(figures.calls),
        count(figures.tokens),
        amount(figures.amount_nano, figures.calls, figures.unvalued),
        figures.unvalued if figures.unvalued < figures.calls else 0,
        carbon(figures.carbon_low_ug, figures.carbon_high_ug, figures.carbon_calls),
        is_together,
        estimated(figures.estimated_calls, figures.estimated_nano),
        carbon_unknown(figures.calls, figures.carbon_calls),
    )


def carbon_unknown(calls: int, known: int) -> str:
    """The part whose emissions nobody knows, which is not in the range; "" where it is all or nothing."""
    if not 0 < known < calls:
        return ""
    missing = calls - known
    said = ngettext("without %(count)s call not estimated", "without %(count)s calls not estimated", missing)
    return said % {"count": count(missing)}


def estimated(calls: int, nano: int) -> str:
    """The part that no provider counted to its end; "" where there is none."""
    if not calls:
        return ""
    said = ngettext("%(count)s call, %(amount)s", "%(count)s calls, %(amount)s", calls)
    return _("of which estimated: %(what)s") % {"what": said % {"count": count(calls), "amount": euros(nano)}}


def rows_of(told: Told[Any], axis: str, names: Mapping[str, str]) -> list[Shown]:
    """`names`: of what asks, by how calls name it."""
    found = [shown(label_of(row.label, axis, names), Figures.of(row.values)) for row in told.shown]
    if told.together:
        label = ngettext("%(count)d other, told together", "%(count)d others, told together", told.together.label) % {
            "count": told.together.label
        }
        found.append(shown(label, Figures.of(told.together.values), is_together=True))
    return found


def label_of(value: Any, axis: str, names: Mapping[str, str] | None = None) -> str:
    if isinstance(value, date):
        return day_name(value, "j F")
    if not value:
        return {"component": _("without a component"), "app": _("without an application")}.get(axis, "–")
    return app_name(str(value), names) if axis == "app" else str(value)


def app_name(app: str, names: Mapping[str, str] | None = None) -> str:
    """ "assistant:12" in words: by its name where it still has one."""
    if names and app in names:
        return names[app]
    kind, _colon, number = app.partition(":")
    if kind == "assistant" and number.isdigit():
        return _("assistant no. %(number)s") % {"number": number}
    known = {
        "api": _("API"),
        "trial": _("Trial of a model"),
        "search": _("Search by meaning"),
        "documents": _("Vectors of documents"),
        "needs": _("Vectors of needs"),
        "ask": _("Command line"),
    }
    return known.get(app, app)


def chart_of_days(days: dict[date, Figures], month: date, *, by_amount: bool) -> Chart:
    """A bar a day, the days without any included."""
    after = month.replace(year=month.year + 1, month=1) if month.month == 12 else month.replace(month=month.month + 1)
    values = []
    for number in range((after - month).days):
        one = month.replace(day=number + 1)
        figures = days.get(one, Figures())
        said = euros(figures.amount_nano) if by_amount else count(figures.calls)
        values.append((f"{day_name(one, 'j F')}: {said}", figures.amount_nano if by_amount else figures.calls))
    return bars(values)


def highest(days: Sequence[Figures], *, by_amount: bool) -> str:
    """What the tallest bar is of."""
    if by_amount:
        return euros(max((figures.amount_nano for figures in days), default=0))
    return count(max((figures.calls for figures in days), default=0))


def month_name(month: date) -> str:
    return date_format(month, "F Y")


def today_in_paris(now: datetime) -> date:
    return now.astimezone(PARIS).date()


@dataclass(frozen=True, slots=True)
class LineShown:
    where: str
    model: str
    agreement: str
    calls: str
    tokens: str
    amount: str
    carbon: str
    estimated: str


def line_shown(line: Line, names: Mapping[str, str]) -> LineShown:
    where = " · ".join(part for part in (line.component, app_name(line.app, names) if line.app else "") if part) or "–"
    tokens = line.input_tokens + line.cached_tokens + line.output_tokens + line.embedding_tokens
    cents = euros(line.cents * CENT)
    return LineShown(
        where,
        line.model_name,
        "" if line.agreement_id is None else _("agreement no. %(number)s") % {"number": line.agreement_id},
        count(line.calls),
        count(tokens),
        cents if line.is_valued else _("not valued"),
        carbon(line.carbon_low_ug, line.carbon_high_ug, line.carbon_calls),
        estimated(line.estimated_calls, line.estimated_nano),
    )


@dataclass(frozen=True, slots=True)
class GapShown:
    label: str
    invoiced: str
    counted: str
    difference: str
    share: str
    is_flagged: bool
    estimated: str


def gap_shown(gap: Gap) -> GapShown:
    share = gap.share
    sign = MINUS if share is not None and share < 0 else ""
    said = f"{sign}{number_format(abs(share * 100), decimal_pos=2)}\N{NO-BREAK SPACE}%" if share is not None else "–"
    return GapShown(
        gap.label or _("The whole"),
        _("not on the invoice") if gap.invoiced_nano is None else euros(gap.invoiced_nano),
        _("not in the ledger") if gap.counted_nano is None else euros(gap.counted_nano),
        euros(_shown_difference(gap)),
        said,
        gap.is_flagged,
        _("of which estimated: %(what)s") % {"what": euros(gap.estimated_nano)} if gap.estimated_nano else "",
    )


def _shown_difference(gap: Gap) -> int:
    """Of the two amounts as they are shown: who subtracts one from the other finds it."""
    return (to_cents(gap.invoiced_nano or 0) - to_cents(gap.counted_nano or 0)) * CENT


@dataclass(frozen=True, slots=True)
class RatesShown:
    """The prices of one model: (unit, price, for what)."""

    model: str
    prices: tuple[tuple[str, str, str], ...]


def rates_shown(book: PriceBook) -> list[RatesShown]:
    order = list(Unit)
    by_model: dict[tuple[str, int | None], list[Any]] = {}
    for rate in book.rates.all():
        by_model.setdefault((rate.model_name, rate.model_id), []).append(rate)
    return [
        RatesShown(
            name,
            tuple(
                (unit_name(rate.unit), price(rate.amount_nano), per_unit(rate.unit))
                for rate in sorted(rates, key=lambda rate: order.index(Unit(rate.unit)))
            ),
        )
        for (name, _id), rates in by_model.items()
    ]


def unreadable(error: UnreadableInvoice) -> str:
    return {
        "too_large": _("This file is too large for an invoice: 10 MB at most."),
        "no_columns": _("No columns were found. A CSV file needs one headed “model” and one headed “amount”."),
        "no_line": _("The file has no line with an amount."),
        "too_many_lines": _("The file has more than 5,000 lines."),
        "bad_amount": _("Row %(row)s: “%(found)s” is no amount."),
        "not_euro": _("The invoice is in %(found)s, and the ledger in euros."),
        "not_an_invoice": _("This file is neither a table (CSV) nor a Factur-X invoice (PDF or XML)."),
    }[error.code] % error.params
