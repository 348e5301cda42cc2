"""What was used: the institution's, told of five people at least; and one's own."""

from __future__ import annotations

from datetime import date

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from parvis.access.doors import requires
from parvis.access.http import SignedInRequest
from parvis.delimited import written
from parvis.ledger.actions import figures as actions
from parvis.ledger.actions.figures import AXES, Figures
from parvis.ledger.crowd import K
from parvis.ledger.forms import month_choices
from parvis.ledger.presentation import (
    chart_of_days,
    highest,
    label_of,
    month_name,
    rows_of,
    shown,
    today_in_paris,
)
from parvis.ledger.usage import MICROGRAMS, NANO


@requires("expense:view")
@require_GET
def institution(request: SignedInRequest) -> HttpResponse:
    months = actions.months_of(request.principal.institution_id, today_in_paris(timezone.now()))
    month, axis = _month(request, months), _axis(request)
    told = actions.told_by(request.principal, month, axis)
    total = actions.total_figures(request.principal, month)
    days = {row.label: Figures.of(row.values) for row in told.shown} if axis == "day" else {}
    by_amount = total.amount_nano > 0
    context = {
        "months": month_choices(months),
        "month": f"{month:%Y-%m}",
        "month_name": month_name(month),
        "axes": [(code, label) for code, label in _axis_names().items()],
        "axis": axis,
        "axis_name": _axis_names()[axis],
        "total": shown("", total),
        "has_calls": bool(total.calls),
        "rows": rows_of(told, axis),
        "is_withheld": told.is_withheld,
        "least": K,
        "chart": chart_of_days(days, month, by_amount=by_amount) if days else None,
        "by_amount": by_amount,
        "highest": highest(list(days.values()), by_amount=by_amount),
    }
    return render(request, "ledger/usage.html", context)


@requires("expense:view")
@require_GET
def table(request: SignedInRequest) -> HttpResponse:
    """The same rows, and no others."""
    months = actions.months_of(request.principal.institution_id, today_in_paris(timezone.now()))
    month, axis = _month(request, months), _axis(request)
    told = actions.told_by(request.principal, month, axis)
    rows = [[_axis_names()[axis], *_headings()]]
    rows += [[label_of(row.label, axis), *_cells(Figures.of(row.values))] for row in told.shown]
    if told.together:
        rows.append([_("told together"), *_cells(Figures.of(told.together.values))])
    return _file(written(rows), f"usages-{month:%Y-%m}-{axis}.csv")


@requires("usage:view")
@require_GET
def own(request: SignedInRequest) -> HttpResponse:
    months = actions.months_of(request.principal.institution_id, today_in_paris(timezone.now()))
    month = _month(request, months)
    total, days = actions.own_figures(request.principal, month)
    by_amount = total.amount_nano > 0
    context = {
        "months": month_choices(months),
        "month": f"{month:%Y-%m}",
        "month_name": month_name(month),
        "total": shown("", total),
        "has_calls": bool(total.calls),
        "rows": [shown(label_of(day, "day"), figures) for day, figures in days.items()],
        "chart": chart_of_days(days, month, by_amount=by_amount) if days else None,
        "by_amount": by_amount,
        "highest": highest(list(days.values()), by_amount=by_amount),
        "may_see_institution": request.principal.may("expense:view"),
    }
    return render(request, "ledger/own.html", context)


def _month(request: SignedInRequest, months: list[date]) -> date:
    asked = request.GET.get("mois", "")
    return next((month for month in months if f"{month:%Y-%m}" == asked), months[0])


def _axis(request: SignedInRequest) -> str:
    asked = request.GET.get("par", "")
    return asked if asked in AXES else AXES[0]


def _axis_names() -> dict[str, str]:
    return {
        "day": _("Day"),
        "app": _("Application"),
        "model": _("Model"),
        "component": _("Component"),
        "group": _("Group of people"),
    }


def _headings() -> list[str]:
    return [
        _("Calls"),
        _("Calls without a price"),
        _("Tokens"),
        _("Amount before tax (€)"),
        _("CO₂e, low (g)"),
        _("CO₂e, high (g)"),
        _("Calls of known emissions"),
        _("Estimated calls"),
        _("Estimated amount before tax (€)"),
    ]


def _cells(figures: Figures) -> list[str]:
    known = bool(figures.carbon_calls)
    has_price = figures.calls > figures.unvalued
    return [
        str(figures.calls),
        str(figures.unvalued),
        str(figures.tokens),
        _decimal(figures.amount_nano, NANO) if has_price else _("not valued"),
        _decimal(figures.carbon_low_ug, MICROGRAMS) if known else "",
        _decimal(figures.carbon_high_ug, MICROGRAMS) if known else "",
        str(figures.carbon_calls),
        str(figures.estimated_calls),
        _decimal(figures.estimated_nano, NANO) if has_price else "",
    ]


def _decimal(value: int, unit: int) -> str:
    digits = len(str(unit)) - 1
    return f"{value // unit},{value % unit:0{digits}d}"


def _file(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
