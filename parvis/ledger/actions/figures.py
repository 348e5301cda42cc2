"""What was used, for the pages: one's own; and the institution's, told of five people at least."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce, TruncDate

from parvis.access.principal import Principal
from parvis.institutions.models import Group
from parvis.ledger.crowd import Row, Told, told, told_groups
from parvis.ledger.models import Call, Kind, Transfer
from parvis.ledger.pricing import PARIS, paris_month
from parvis.ledger.usage import Outcome

BY = {"app": "app", "model": "model_name", "component": "component"}
AXES = ("day", "app", "model", "component", "group")
_NONE = Value(0, output_field=BigIntegerField())
_SIGNED = Case(When(kind=Kind.REVERSAL, then=-F("amount_nano")), default=F("amount_nano"), output_field=BigIntegerField())
_NET = Coalesce(Sum(_SIGNED), _NONE)  # of transfers


@dataclass(frozen=True, slots=True)
class Figures:
    """`amount_nano` is that of calls that have a price; `unvalued` counts the others; `estimated_nano` is the part of it that
    comes from tokens nobody counted. Carbon is a range, of `carbon_calls`."""

    calls: int = 0
    unvalued: int = 0
    tokens: int = 0
    amount_nano: int = 0
    carbon_low_ug: int = 0
    carbon_high_ug: int = 0
    carbon_calls: int = 0
    estimated_calls: int = 0
    estimated_nano: int = 0

    @classmethod
    def of(cls, values: tuple[int, ...]) -> Figures:
        return cls(*values)

    def values(self) -> tuple[int, ...]:
        return (
            self.calls,
            self.unvalued,
            self.tokens,
            self.amount_nano,
            self.carbon_low_ug,
            self.carbon_high_ug,
            self.carbon_calls,
            self.estimated_calls,
            self.estimated_nano,
        )


def has_used(principal: Principal) -> bool:
    return bool(_here(principal).filter(person_id=principal.person_id).exists())


def own_figures(principal: Principal, month: date) -> tuple[Figures, dict[date, Figures]]:
    """What this person used, altogether and by day."""
    rows = Call.objects.visible_to(principal)
    by_day = _by(
        _of_month(rows, month), _of_month_transfers(principal.institution_id, month, person=principal.person_id), "day"
    )
    return _sum(by_day.values()), {day: figures for (day,), figures in sorted(by_day.items())}


def total_figures(principal: Principal, month: date) -> Figures:
    rows = _of_month(_here(principal), month)
    return _sum(_by(rows, _of_month_transfers(principal.institution_id, month), None).values())


def told_by(principal: Principal, month: date, axis: str) -> Told[Any]:
    """The institution's, by one axis at a time: crossing two would single people out."""
    rows, transfers = _of_month(_here(principal), month), _of_month_transfers(principal.institution_id, month)
    if axis == "group":
        return _told_groups(principal.institution_id, rows, transfers)
    people: dict[Any, set[int]] = defaultdict(set)
    column = BY.get(axis, "day")
    named = rows.exclude(person_id=None)
    if column == "day":
        named = named.annotate(day=TruncDate("occurred_at", tzinfo=PARIS))
    for value, person_id in named.values_list(column, "person_id").distinct():
        people[value].add(person_id)
    found = _by(rows, transfers, column)
    listed = sorted(found.items(), key=lambda one: one[0] if column == "day" else (-one[1].amount_nano, -one[1].calls, one[0]))
    return told(Row(value, frozenset(people[value]), figures.values()) for (value,), figures in listed)


def _told_groups(institution_id: int, rows: Any, transfers: Any) -> Told[str]:
    by_person = {person: figures for (person,), figures in _by(rows, transfers, "person_id").items() if person is not None}
    members: dict[str, set[int]] = defaultdict(set)
    groups = Group.objects.filter(institution=institution_id, profiles__person_id__in=by_person)
    for name, person_id in groups.values_list("name", "profiles__person_id"):
        if person_id in by_person:
            members[name].add(person_id)
    listed = [
        Row(name, frozenset(people), _sum(by_person[person] for person in people).values())
        for name, people in sorted(members.items())
    ]
    return told_groups(listed, frozenset(by_person))


def months_of(institution_id: int, today: date, most: int = 24) -> list[date]:
    """Those that have calls, the latest first; always the present one."""
    first = (
        Call.unscoped.filter(institution=institution_id).order_by("occurred_at").values_list("occurred_at", flat=True).first()
    )
    begin = min(first.astimezone(PARIS).date(), today).replace(day=1) if first else today.replace(day=1)
    found: list[date] = []
    month = today.replace(day=1)
    while month >= begin and len(found) < most:
        found.append(month)
        month = month.replace(year=month.year - 1, month=12) if month.month == 1 else month.replace(month=month.month - 1)
    return found


def components_and_apps(institution_id: int, month: date) -> tuple[list[str], list[str]]:
    rows = _of_month(Call.unscoped.filter(institution=institution_id), month)
    values = [sorted(set(rows.exclude(**{name: ""}).values_list(name, flat=True).distinct())) for name in ("component", "app")]
    return values[0], values[1]


def _here(principal: Principal) -> Any:
    return Call.unscoped.filter(institution=principal.institution_id)


def _of_month(rows: Any, month: date) -> Any:
    begins, ends = paris_month(month)
    return rows.filter(occurred_at__gte=begins, occurred_at__lt=ends).exclude(outcome=Outcome.REFUSED).order_by()


def _of_month_transfers(institution_id: int, month: date, *, person: int | None = None) -> Any:
    begins, ends = paris_month(month)
    rows = Transfer.unscoped.filter(institution=institution_id, call__occurred_at__gte=begins, call__occurred_at__lt=ends)
    return (rows if person is None else rows.filter(call__person_id=person)).order_by()


def _by(rows: Any, transfers: Any, column: str | None) -> dict[tuple[Any, ...], Figures]:
    """Calls and what they were charged, each asked for once: joined, a call of two transfers would count twice."""
    if column == "day":
        rows = rows.annotate(day=TruncDate("occurred_at", tzinfo=PARIS))
        transfers = transfers.annotate(day=TruncDate("call__occurred_at", tzinfo=PARIS))
    mine = [column or "institution_id"]
    theirs = [f"call__{column}" if column and column != "day" else mine[0]]
    calls = rows.values(*mine).annotate(
        calls=Count("id"),
        tokens=Sum(F("input_tokens") + F("cached_tokens") + F("output_tokens") + F("embedding_tokens")),
        low=Coalesce(Sum("carbon_low_ug"), _NONE),
        high=Coalesce(Sum("carbon_high_ug"), _NONE),
        known=Count("id", filter=Q(carbon_low_ug__isnull=False)),
        estimated=Count("id", filter=Q(is_estimated=True)),
    )
    charges = transfers.values(*theirs).annotate(
        net=_NET,
        charged=Count("id", filter=Q(kind=Kind.CHARGE)),
        estimated=Coalesce(Sum(_SIGNED, filter=Q(call__is_estimated=True)), _NONE),
    )
    paid = {tuple(row[name] for name in theirs): (int(row["net"]), row["charged"], int(row["estimated"])) for row in charges}
    found = {}
    for row in calls:
        key = tuple(row[name] for name in mine)
        net, charged, estimated = paid.get(key, (0, 0, 0))
        numbers = (int(row["tokens"]), net, int(row["low"]), int(row["high"]), row["known"])
        found[key] = Figures(row["calls"], row["calls"] - charged, *numbers, row["estimated"], estimated)
    return found


def _sum(figures: Iterable[Figures]) -> Figures:
    columns = [one.values() for one in figures]
    return Figures(*(sum(column) for column in zip(*columns, strict=True))) if columns else Figures()
