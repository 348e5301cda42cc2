"""What the pages of a portfolio show, as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.offers import thresholds
from parvis.offers.actions.portfolio import CENT, Overlap
from parvis.offers.conformity import euros
from parvis.offers.models import Coverage, Tool, ToolSource
from parvis.offers.overlap import EURO, PriceTier, Status, tier_of
from parvis.offers.presentation import CODE_TAGS, CODE_WORDS
from parvis.offers.thresholds import Purchase, Threshold

STATUS_WORDS = {
    Status.OBSERVED: gettext_lazy("Observed"),
    Status.ESTIMATED: gettext_lazy("Estimated"),
    Status.ASSUMED: gettext_lazy("Assumed"),
}
STATUS_NOTES = {
    Status.OBSERVED: gettext_lazy("Money no longer paid: the contract has ended, and its use was confirmed elsewhere."),
    Status.ESTIMATED: gettext_lazy(
        "Use has moved elsewhere, as confirmed, and the contract still runs: from the day it is free."
    ),
    Status.ASSUMED: gettext_lazy("What coverages alone suggest. Nobody has shown that use has moved, or can."),
}
THRESHOLD_WORDS = {
    "exempt": gettext_lazy("Neither publicity nor competition below"),
    "exempt_if_innovative": gettext_lazy("The same for an innovative purchase, below"),
    "formal_procedure": gettext_lazy("Formal procedure from"),
}
CAUTION_WORDS = {
    "to_verify": gettext_lazy("to be verified: the amount may have changed"),
    "category_to_confirm": gettext_lazy("to be confirmed by your legal department: it depends on the category of the buyer"),
}
WARNING_WORDS = {
    "exempt": gettext_lazy("Neither publicity nor competition is required below %(amount)s."),
    "exempt_if_innovative": gettext_lazy(
        "Neither publicity nor competition is required below %(amount)s, only because every purchase is innovative."
    ),
    "competition_required": gettext_lazy("%(amount)s is reached: an adapted procedure, with competition, is required."),
    "formal_procedure": gettext_lazy("%(amount)s is reached: a formal procedure is required."),
    "split": gettext_lazy(
        "Only the total reaches %(amount)s: each purchase alone stays below it. They are one need, and are added up."
    ),
    "threshold_unknown": gettext_lazy("The table has no threshold of this kind for that day: ask your legal department."),
}
WARNING_TAGS = {"exempt": "tag-good", "exempt_if_innovative": "tag-good", "split": "tag-bad", "formal_procedure": "tag-bad"}


def money(cents: int | None) -> str:
    """ "12 340 €", with cents where there are some; an unknown amount is said to be so."""
    if cents is None:
        return _("unknown")
    decimals = 2 if cents % 100 else 0
    return f"{number_format(Decimal(cents) / 100, decimal_pos=decimals, force_grouping=True)}\N{NO-BREAK SPACE}€"


def money_of_nano(amount: int) -> str:
    return money(_in_euros(amount) * 100)


def _in_euros(amount: int) -> int:
    return round(amount / EURO)


@dataclass(frozen=True, slots=True)
class CoverageView:
    id: int
    need_id: int
    need_code: str
    need_title: str
    need_url: str
    code: str
    words: str
    tag: str
    is_used: bool
    evidence: str
    moved_to: str
    moved_date: date | None


def coverage_view(row: Coverage) -> CoverageView:
    """The need, its versions and the tool it moved to must be loaded."""
    return CoverageView(
        id=row.id,
        need_id=row.need_id,
        need_code=row.need.code,
        need_title=row.need.title,
        need_url=reverse("offers:choice", args=[row.need_id]),
        code=row.level,
        words=str(CODE_WORDS.get(row.level, "")),
        tag=CODE_TAGS.get(row.level, ""),
        is_used=row.is_used,
        evidence=row.evidence,
        moved_to=row.moved_to.name if row.moved_to else "",
        moved_date=row.moved_date,
    )


@dataclass(frozen=True, slots=True)
class ToolView:
    id: int
    url: str
    name: str
    vendor: str
    service: str
    yearly: str
    has_cost: bool
    start_date: date | None
    end_date: date | None
    notice_date: date | None
    reference: str
    cpv: str
    source: str
    source_words: str
    is_innovative: bool
    is_framework: bool
    is_over: bool
    is_to_come: bool
    is_void: bool
    is_invented: bool
    coverages: tuple[CoverageView, ...]
    agreement_url: str


def tool_view(row: Tool, today: date, *, is_invented: bool = False) -> ToolView:
    return ToolView(
        id=row.id,
        url=reverse("offers:tool", args=[row.id]),
        name=row.name,
        vendor=row.vendor_name,
        service=row.service,
        yearly=money(row.yearly_cents),
        has_cost=row.yearly_cents is not None,
        start_date=row.start_date,
        end_date=row.end_date,
        notice_date=row.notice_date,
        reference=row.reference or "",
        cpv=row.cpv,
        source=row.source,
        source_words=str(ToolSource(row.source).label),
        is_innovative=bool(row.details.get("innovative")),
        is_framework=bool(row.details.get("is_framework")),
        is_over=row.is_void or (row.end_date is not None and row.end_date < today),
        is_to_come=not row.is_void and not row.has_begun_by(today),
        is_void=row.is_void,
        is_invented=is_invented,
        coverages=tuple(coverage_view(one) for one in row.coverages.all()),
        agreement_url=reverse("offers:agreement", args=[row.agreement_id]) if row.agreement_id else "",
    )


@dataclass(frozen=True, slots=True)
class WarningView:
    """`services`: those that buy, where there are several. `purchases`: how many are added up."""

    code: str
    need: str
    need_title: str
    amount: str
    purchases: int
    services: str
    sentence: str
    tag: str
    reference: str
    caution: str


def warning_views(
    purchases: Sequence[Purchase], table: Sequence[Threshold], on: date, titles: Mapping[str, str] | None = None
) -> list[WarningView]:
    counted: dict[str, int] = {}
    for one in purchases:
        counted[one.need] = counted.get(one.need, 0) + 1
    return [
        WarningView(
            code=warning.code,
            need=warning.need,
            need_title=(titles or {}).get(warning.need, ""),
            amount=money(warning.amount_euro_cents),
            purchases=counted[warning.need],
            services=", ".join(service or _("service not said") for service in warning.services),
            sentence=WARNING_WORDS[warning.code]
            % {"amount": money(warning.threshold.amount_euro_cents) if warning.threshold else ""},
            tag=WARNING_TAGS.get(warning.code, "tag-warn"),
            reference=warning.threshold.legal_reference if warning.threshold else "",
            caution=str(CAUTION_WORDS.get(warning.threshold.caution, "")) if warning.threshold else "",
        )
        for warning in thresholds.warnings(purchases, table, on)
    ]


@dataclass(frozen=True, slots=True)
class ContainmentView:
    inner: str
    outer: str
    is_complete: bool
    shared: str
    confirmed: int
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class SavingView:
    status: str
    note: str
    total: str
    lines: tuple[tuple[str, str, date | None, bool], ...]  # tool, amount, from which day, counted


@dataclass(frozen=True, slots=True)
class TierView:
    """`alone` and `together`: from which quantity, and the price of one."""

    name: str
    alone: tuple[int, str]
    together: tuple[int, str]
    amount: str
    status: str
    counted: bool


@dataclass(frozen=True, slots=True)
class HoursView:
    status: str
    hours: int
    tools: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OverlapView:
    containments: tuple[ContainmentView, ...]
    kept: tuple[ToolView, ...]
    dropped: tuple[ToolView, ...]
    yearly_cost: str
    yearly_difference: str
    proved: bool
    unknown_costs: int
    savings: tuple[SavingView, ...]
    tiers: tuple[TierView, ...]
    hours: tuple[HoursView, ...]
    first: date
    until: date


def overlap_view(found: Overlap, tools: Iterable[Tool], today: date) -> OverlapView:
    views = {str(tool.id): tool_view(tool, today) for tool in tools}
    selection, savings = found.selection, found.savings
    by_status = {
        status: [line for line in savings.lines if (line.kind, line.status) == ("redundancy", status)] for status in Status
    }
    return OverlapView(
        containments=tuple(
            ContainmentView(
                inner=views[pair.inner].name,
                outer=views[pair.outer].name,
                is_complete=pair.is_complete,
                shared=", ".join(sorted(pair.shared)),
                confirmed=len(pair.confirmed),
                count=len(pair.shared),
                of=pair.needs_of_inner,
            )
            for pair in found.containments
        ),
        kept=tuple(views[one] for one in selection.kept),
        dropped=tuple(views[one] for one in selection.dropped),
        yearly_cost=money(selection.yearly_cost // CENT),
        yearly_difference=money(selection.yearly_difference // CENT),
        proved=selection.proved,
        unknown_costs=sum(not views[one].has_cost for one in selection.kept),
        savings=tuple(
            SavingView(
                status=str(STATUS_WORDS[status]),
                note=str(STATUS_NOTES[status]),
                # Of the amounts as they are shown: a reader adds them up.
                total=money(sum(_in_euros(line.amount) for line in lines if line.counted) * 100),
                lines=tuple(
                    (views[line.contract].name, money_of_nano(line.amount), line.from_date, line.counted) for line in lines
                ),
            )
            for status, lines in by_status.items()
        ),
        tiers=tuple(_tier_views(found, {one: view.name for one, view in views.items()})),
        hours=tuple(
            HoursView(
                status=str(STATUS_WORDS[status]),
                hours=savings.hours[status],
                tools=tuple(
                    (views[one.contract].name, one.hours)
                    for one in found.procedures
                    if one.measured == (status == Status.ESTIMATED)
                ),
            )
            for status in (Status.ESTIMATED, Status.ASSUMED)
            if savings.hours[status]
        ),
        first=found.period.first,
        until=found.period.until,
    )


def _tier_views(found: Overlap, names: Mapping[str, str]) -> Iterator[TierView]:
    effects = {one.contract: one for one in found.tiers}
    for line in found.savings.lines:
        effect = effects.get(line.contract)
        if line.kind != "price_tier" or effect is None:
            continue
        alone, together = tier_of(effect.tiers, effect.quantity), tier_of(effect.tiers, effect.quantity_together)
        if alone and together:
            amount, status = money_of_nano(line.amount), str(STATUS_WORDS[line.status])
            yield TierView(names[line.contract], _tier(alone), _tier(together), amount, status, line.counted)


def _tier(tier: PriceTier) -> tuple[int, str]:
    return tier.from_quantity, f"{euros(tier.unit_price)}\N{NO-BREAK SPACE}€"
