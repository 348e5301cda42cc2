"""What an institution pays today: tools, the needs they cover, files imported twice without harm."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.models import Institution, Nature
from parvis.isolation.scope import everywhere
from parvis.needs.models import HarmonisedNeed
from parvis.offers import overlap
from parvis.offers.aggregates import SMALLEST, published
from parvis.offers.decp import Contract as PublicContract
from parvis.offers.models import Agreement, Coverage, PortfolioFile, Tool, ToolSource, Vehicle
from parvis.offers.overlap import SERVING, Move, Period, PriceTier, ProcedureAvoided, TierEffect
from parvis.offers.refusals import Impossible
from parvis.offers.thresholds import Purchase

KEPT = timedelta(days=1)  # a file that nobody confirms
YEAR = timedelta(days=365)
DAY = timedelta(days=1)
CENT = overlap.EURO // 100  # in nano-euro
BOUGHT_BY_OTHERS = (Vehicle.GROUPED, Vehicle.PURCHASING_BODY)  # one buyer, or a body that answers for its clients' duties


@dataclass(frozen=True, slots=True)
class Facts:
    """Of a tool, as its form or a file gives them. No cost is an unknown cost."""

    name: str
    vendor_name: str = ""
    service: str = ""
    yearly_cents: int | None = None
    start_date: date | None = None
    end_date: date | None = None
    notice_date: date | None = None
    reference: str | None = None
    cpv: str = ""
    innovative: bool = False


@dataclass(frozen=True, slots=True)
class Cover:
    level: str
    is_used: bool = False
    evidence: str = ""
    moved_to_id: int | None = None
    moved_date: date | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """What the institution alone knows of a tool, counted or guessed. None is not known, which is not zero."""

    quantity: int | None = None  # per year, in the unit of the tiers
    is_quantity_counted: bool = False
    spared_hours: int | None = None
    are_hours_counted: bool = False


def add_tool(principal: Principal, facts: Facts) -> Tool:
    with transaction.atomic():
        _must_be_new(principal, facts.reference)
        tool = Tool.unscoped.create(**_columns(principal, facts, ToolSource.FORM))
        _record(principal, "tool.add", tool)
    return tool


def edit_tool(principal: Principal, tool: Tool, facts: Facts) -> None:
    with transaction.atomic():
        held = Tool.unscoped.select_for_update(of=("self",)).get(id=tool.id)
        if held.agreement_id:
            raise Impossible("tool_of_agreement")
        _must_be_new(principal, facts.reference, but=held)
        for name, value in _columns(principal, facts, ToolSource(held.source)).items():
            if name not in ("created_by_id", "details"):
                setattr(held, name, value)
        if _term_changes(tool, facts):
            held.details.pop("amount_cents", None)  # published, for terms that somebody has corrected
        held.details = {**held.details, "innovative": facts.innovative}
        held.save()
        _record(principal, "tool.edit", held)


def remove_tool(principal: Principal, tool: Tool) -> None:
    with transaction.atomic():
        if tool.agreement_id:
            raise Impossible("tool_of_agreement")
        _record(principal, "tool.remove", tool)
        tool.delete()


def measure(principal: Principal, tool: Tool, measures: Measures) -> None:
    """An agreement's tool too: its terms are the agreement's, what is done with it is the institution's to say."""
    with transaction.atomic():
        Tool.unscoped.filter(id=tool.id).update(**asdict(measures))
        _record(principal, "tool.measure", tool)


def cover(principal: Principal, tool: Tool, need: HarmonisedNeed, said: Cover) -> Coverage:
    """Says, or says anew, how a tool answers a need."""
    if (said.is_used or said.moved_to_id) and not said.evidence.strip():
        raise Impossible("no_evidence")
    if said.moved_to_id and (said.moved_to_id == tool.id or not said.moved_date):
        raise Impossible("moved_where")
    with transaction.atomic():
        row, _created = Coverage.unscoped.update_or_create(
            tool=tool, need=need, defaults={**asdict(said), "institution_id": principal.institution_id}
        )
        _record(principal, "tool.cover", tool, need=need.id, used=said.is_used)
    return row


def uncover(principal: Principal, coverage: Coverage) -> None:
    with transaction.atomic():
        _record(principal, "tool.uncover", coverage.tool, need=coverage.need_id)
        coverage.delete()


def receive_file(
    principal: Principal, name: str, rows: Sequence[Mapping[str, Any]], problems: Sequence[Any], source: ToolSource
) -> PortfolioFile:
    """Keeps what a file holds for its preview; the one this person had before is forgotten."""
    with transaction.atomic():
        PortfolioFile.unscoped.filter(profile_id=principal.profile_id).delete()
        PortfolioFile.unscoped.filter(received_at__lt=timezone.now() - KEPT).delete()
        return PortfolioFile.unscoped.create(
            institution_id=principal.institution_id,
            profile_id=principal.profile_id,
            source=source,
            name=name[:200],
            rows=list(rows),
            problems=list(problems),
        )


def known_keys(principal: Principal) -> set[str]:
    """Of the tools that are here: what a file's rows are compared with."""
    rows = Tool.unscoped.filter(institution_id=principal.institution_id)
    keys = set()
    for row in rows.values_list("reference", "name", "vendor_name", "service", "start_date"):
        reference, *words = row
        keys.add(key_of(reference, *words))
        keys.add(key_of(None, *words))
    return keys


def key_of(reference: str | None, name: str, vendor_name: str, service: str, start_date: date | None) -> str:
    """The same whenever the same contract comes again: by its reference if it has one, else by its words."""
    if reference:
        return f"reference {reference.casefold()}"
    day = start_date.isoformat() if start_date else ""
    return " ".join(["words", *("|".join((name, vendor_name, service, day)).casefold().split())])


def import_rows(principal: Principal, file: PortfolioFile, chosen: Collection[int]) -> int:
    """Adds the rows of those numbers that are not here yet. The file is forgotten."""
    with transaction.atomic():
        Institution.objects.select_for_update().get(id=principal.institution_id)  # two colleagues import one after the other
        known = known_keys(principal)
        added = 0
        for number, row in enumerate(file.rows):
            facts, details = facts_of(row)
            key = key_of(facts.reference, facts.name, facts.vendor_name, facts.service, facts.start_date)
            if number in chosen and key not in known:
                columns = _columns(principal, facts, ToolSource(file.source))
                Tool.unscoped.create(**{**columns, "details": {**columns["details"], **details}})
                known.add(key)
                added += 1
        PortfolioFile.unscoped.filter(id=file.id).delete()
        record(
            institution_id=principal.institution_id,
            actor=principal.actor,
            action="tool.import",
            subject=f"portfolio-file:{file.id}",
            tools=added,
        )
    return added


def row_of(facts: Facts, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """As it is kept between a preview and its confirmation."""
    days = {name: value.isoformat() for name, value in asdict(facts).items() if isinstance(value, date)}
    return {**asdict(facts), **days, "details": dict(details or {})}


def facts_of(row: Mapping[str, Any]) -> tuple[Facts, Mapping[str, Any]]:
    values: dict[str, Any] = {name: row[name] for name in Facts.__dataclass_fields__}
    for name in ("start_date", "end_date", "notice_date"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return Facts(**values), row["details"]


def facts_of_contract(contract: PublicContract) -> tuple[Facts, dict[str, Any]]:
    """What open data says of a contract, for a portfolio: a first guess, to be confirmed."""
    now = contract.as_modified()
    last_day = now.end_date - DAY if now.end_date else None
    facts = Facts(
        name=contract.subject[:200],
        vendor_name=", ".join(one.name or f"{one.kind} {one.id}" for one in now.suppliers)[:200],
        yearly_cents=None if now.yearly_amount is None else now.yearly_amount // CENT,
        start_date=contract.notified,
        end_date=last_day,
        reference=contract.uid[:120],
        cpv=contract.cpv,
        innovative=bool(contract.innovative),
    )
    details = {
        "subject": contract.subject[:2_000],
        "months": now.months,
        "amount_cents": None if now.amount is None else now.amount // CENT,
        "offers_received": contract.offers_received,
        "is_framework": contract.is_framework,
        "procedure": contract.procedure[:200],
    }
    return facts, details


def tools_of(principal: Principal) -> list[Tool]:
    """With their coverages and the needs they are about."""
    rows = Tool.objects.visible_to(principal).select_related("agreement__choice")
    return list(rows.prefetch_related("coverages__need__versions", "coverages__moved_to", "agreement__prices"))


def purchases(principal: Principal) -> list[Purchase]:
    """What this institution buys itself, by computed need: a harmonised need it covers, or else what a same CPV code names.
    A tool that answers several needs counts whole in each: the law adds up, and does not share out."""
    found = []
    for tool in tools_of(principal):
        amount = whole_amount(tool)
        if amount is None or tool.details.get("vehicle") in BOUGHT_BY_OTHERS:
            continue
        needs = sorted({row.need.code for row in tool.coverages.all() if row.level in SERVING})
        for need in needs or ([f"CPV {tool.cpv}"] if tool.cpv else []):
            found.append(
                Purchase(str(tool.institution_id), tool.service or "", need, amount, bool(tool.details.get("innovative")))
            )
    return found


def whole_amount(tool: Tool) -> int | None:
    """Cents over the whole term where it is known, otherwise over a year; rounded up, as a threshold is reached sooner."""
    if tool.yearly_cents is None or (tool.is_void and tool.agreement_id):
        return None
    published_cents: int | None = tool.details.get("amount_cents")
    if published_cents is not None:
        return published_cents
    if not tool.start_date or not tool.end_date or tool.end_date < tool.start_date:
        return tool.yearly_cents
    days = (tool.end_date - tool.start_date).days + 1
    years, rest = divmod(days, 365)
    leap_days = (tool.end_date.year - tool.start_date.year) // 4 + 1
    if years and rest <= leap_days:  # whole years are counted as such, leap years or not
        rest = 0
    return tool.yearly_cents * years + -(-tool.yearly_cents * rest // 365)


@dataclass(frozen=True, slots=True)
class Overlap:
    """`tiers` and `procedures` are what its savings of these kinds were reckoned from."""

    containments: list[overlap.Containment]
    selection: overlap.Selection
    savings: overlap.Savings
    tiers: Sequence[TierEffect]
    procedures: Sequence[ProcedureAvoided]
    period: Period


def overlap_of(tools: Iterable[Tool], today: date) -> Overlap:
    """Solutions and contracts are named by the tool's id. What has ended is paid no more: it counts only as a saving. What is
    to begin is not paid yet."""
    tools = [tool for tool in tools if tool.has_begun_by(today)]
    paid = [tool for tool in tools if tool.is_paid_on(today)]
    contracts = [_contract(tool, today) for tool in tools]
    running = [one for one in contracts if one.ended_date is None]
    coverages = [_coverage(row) for tool in tools for row in tool.coverages.all()]
    living = [_coverage(row) for tool in paid for row in tool.coverages.all()]
    moves = [
        Move(str(tool.id), row.need.code, str(row.moved_to_id), row.moved_date)
        for tool in tools
        for row in tool.coverages.all()
        if row.moved_to_id and row.moved_date
    ]
    tiers = list(_tier_effects(paid, today))
    procedures = [
        ProcedureAvoided(str(tool.id), tool.spared_hours, measured=tool.are_hours_counted)
        for tool in paid
        if tool.spared_hours is not None
    ]
    period = Period(today, today + YEAR)
    return Overlap(
        containments=overlap.containments(living),
        selection=overlap.cheapest(running, living),
        savings=overlap.savings(
            contracts, coverages, moves=moves, tiers=tiers, procedures=procedures, period=period, today=today
        ),
        tiers=tiers,
        procedures=procedures,
        period=period,
    )


def tiered_unit(agreement: Agreement, today: date) -> tuple[str, tuple[PriceTier, ...]] | None:
    """What its price book prices by quantity, and how; None unless one thing is, for one quantity cannot be of two."""
    day = max(today, agreement.start_date)
    groups: dict[tuple[str, str], list[PriceTier]] = defaultdict(list)
    for line in agreement.prices.all():
        if (line.valid_from or day) <= day <= (line.valid_until or day):
            groups[line.label, line.unit].append(PriceTier(line.tier_from, line.amount_nano))
    tiered = [(f"{label}, {unit}", tuple(tiers)) for (label, unit), tiers in groups.items() if len(tiers) > 1]
    return tiered[0] if len(tiered) == 1 else None


def _tier_effects(tools: Iterable[Tool], today: date) -> Iterator[TierEffect]:
    for tool in tools:
        if tool.agreement is None or tool.quantity is None or not _runs(tool.agreement, today):
            continue
        tiered, together = tiered_unit(tool.agreement, today), _quantity_together(tool.agreement, today)
        if tiered and together is not None:
            counted = tool.is_quantity_counted
            yield TierEffect(str(tool.id), tool.quantity, together, tiered[1], signed=True, metered=counted)


@everywhere("aggregates")
def _quantity_together(agreement: Agreement, today: date) -> int | None:
    """Of all who signed for the same offer; None unless they are enough for the sum to tell nobody's quantity."""
    rows = Tool.unscoped.filter(agreement__choice__offer=agreement.choice.offer_id, quantity__isnull=False)
    signed = [tool for tool in rows.select_related("agreement") if tool.agreement and _runs(tool.agreement, today)]
    return sum(tool.quantity or 0 for tool in signed) if len({tool.institution_id for tool in signed}) >= SMALLEST else None


def _runs(agreement: Agreement, today: date) -> bool:
    return bool(agreement.activated_at) and not agreement.ended_at and agreement.end_date >= today


@everywhere("aggregates")
def overlap_aggregate() -> dict[int, dict[str, int | None]]:
    """For each published need, how many members have no tool recorded for it, one, several; None where it is not said.
    No amount and no name: two figures of different days may be subtracted too."""
    today = timezone.localdate()
    tools: dict[int, Counter[int]] = defaultdict(Counter)
    rows = Coverage.unscoped.filter(level__in=SERVING).select_related("tool")
    for row in rows:
        if row.tool.is_paid_on(today):
            tools[row.need_id][row.institution_id] += 1
    members = list(Institution.objects.filter(nature=Nature.MEMBER, left_date=None).values_list("id", flat=True))
    found = {}
    for need_id in HarmonisedNeed.unscoped.published().values_list("id", flat=True):
        counted = Counter(min(tools[need_id][member], 2) for member in members)
        found[need_id] = published({"none": counted[0], "one": counted[1], "several": counted[2]})
    return found


def _contract(tool: Tool, today: date) -> overlap.Contract:
    ended = tool.end_date + DAY if tool.end_date and tool.end_date < today else None
    cost = None if tool.yearly_cents is None else tool.yearly_cents * CENT
    return overlap.Contract(str(tool.id), frozenset({str(tool.id)}), cost, free_date(tool, today), ended_date=ended)


def free_date(tool: Tool, today: date) -> date:
    """The first day it need not be paid. If the last day to give notice is past, it is held to renew for a year."""
    if not tool.end_date:
        return max(today, tool.notice_date or today)
    return tool.end_date + DAY + (YEAR if tool.notice_date and tool.notice_date < today <= tool.end_date else timedelta())


def _coverage(row: Coverage) -> overlap.Coverage:
    return overlap.Coverage(str(row.tool_id), row.need.code, row.level, row.is_used)


def _columns(principal: Principal, facts: Facts, source: ToolSource) -> dict[str, Any]:
    values = asdict(facts)
    innovative = values.pop("innovative")
    return {
        **values,
        "reference": facts.reference or None,
        "institution_id": principal.institution_id,
        "source": source,
        "details": {"innovative": innovative},
        "created_by_id": principal.profile_id,
    }


def _term_changes(tool: Tool, facts: Facts) -> bool:
    return any(getattr(tool, name) != getattr(facts, name) for name in ("yearly_cents", "start_date", "end_date"))


def _must_be_new(principal: Principal, reference: str | None, but: Tool | None = None) -> None:
    rows = Tool.unscoped.filter(institution_id=principal.institution_id, reference=reference or None)
    if reference and rows.exclude(id=but.id if but else None).exists():
        raise Impossible("reference_known", reference=reference)


def _record(principal: Principal, action: str, tool: Tool, **details: Any) -> None:
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=f"tool:{tool.id}", **details)
