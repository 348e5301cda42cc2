"""What the pages of choices and agreements show, as plain values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.access.principal import Principal
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions.choices import NOT_SAID, aggregate, standing
from parvis.offers.actions.references import uses
from parvis.offers.conformity import euros
from parvis.offers.models import Agreement, Choice, ChoiceState, Offer, UsageReference

STATE_TAGS = {
    ChoiceState.CHOSEN: "tag-good",
    ChoiceState.TRIED: "tag-good",
    ChoiceState.STUDIED: "tag-warn",
    ChoiceState.DECLINED: "tag-bad",
}


@dataclass(frozen=True, slots=True)
class ChoiceView:
    id: int
    state: str
    words: str
    tag: str
    reason: str
    is_decided: bool
    is_shared: bool
    decided_at: datetime | None
    decided_by: str
    is_invented: bool


def choice_view(row: Choice) -> ChoiceView:
    """Who prepared and who decided must be loaded."""
    who = row.decided_by or row.prepared_by
    return ChoiceView(
        id=row.id,
        state=row.state,
        words=row.get_state_display(),
        tag=STATE_TAGS.get(ChoiceState(row.state), ""),
        reason=row.reason,
        is_decided=row.decided_at is not None,
        is_shared=row.is_shared,
        decided_at=row.decided_at,
        decided_by=who.person.display_name,
        is_invented=who.person.is_invented,
    )


@dataclass(frozen=True, slots=True)
class NeedLine:
    """One published need in the list: where the institution stands, and how many decisions wait for its signatory."""

    code: str
    title: str
    url: str
    words: str
    tag: str
    products: str
    waiting: int
    offers: int
    runs: bool


def need_lines(
    needs: Iterable[HarmonisedNeed], choices: Iterable[Choice], offers: Sequence[Offer], agreements: Iterable[Agreement]
) -> list[NeedLine]:
    """`choices` and `agreements` of one institution, with their offers and choices. What waits comes first."""
    of_need: dict[int, list[Choice]] = {}
    for row in choices:
        of_need.setdefault(row.need_id, []).append(row)
    running = {row.choice.need_id for row in agreements if row.activated_at and not row.ended_at}
    lines = [
        _need_line(need, of_need.get(need.id, []), sum(one.request.need_id == need.id for one in offers), need.id in running)
        for need in needs
    ]
    return sorted(lines, key=lambda line: (not line.waiting, line.code))


def _need_line(need: HarmonisedNeed, rows: list[Choice], offers: int, runs: bool) -> NeedLine:
    decided = [row for row in rows if row.decided_at]
    state = standing(decided)
    used = [row.offer.product for row in decided if row.offer and row.state == state and state != ChoiceState.STUDIED]
    return NeedLine(
        code=need.code,
        title=need.title,
        url=reverse("offers:choice", args=[need.id]),
        words=state_words(state),
        tag="tag-none" if state == NOT_SAID else STATE_TAGS.get(ChoiceState(state), ""),
        products=", ".join(used),
        waiting=sum(not row.decided_at for row in rows),
        offers=offers,
        runs=runs,
    )


def chosen_together(own: Iterable[Choice]) -> str:
    """The products that one institution has chosen for one need, where it has chosen several."""
    chosen = [row.offer.product for row in own if row.offer and row.decided_at and row.state == ChoiceState.CHOSEN]
    return ", ".join(chosen) if len(chosen) > 1 else ""


def state_words(state: str) -> str:
    return _("nothing decided") if state == NOT_SAID else str(ChoiceState(state).label)


@dataclass(frozen=True, slots=True)
class OfferLine:
    id: int
    vendor: str
    is_invented: bool
    product: str
    zone: str
    attested: bool
    compare_url: str
    decision_url: str
    references_url: str
    references: int
    choice: ChoiceView | None
    agreement_url: str  # where to draft one, "" where it makes no sense
    may_say: bool  # an opinion


def offer_lines(
    principal: Principal, offers: Iterable[Offer], choices: Iterable[Choice], agreements: Iterable[Agreement]
) -> list[OfferLine]:
    """In the order of the vendors' names: nothing ranks them. The institution and the request must be loaded.
    One agreement at a time rests on a choice."""
    own = {row.offer_id: row for row in choices}
    counted: dict[int, int] = {}
    for offer_id in UsageReference.objects.visible_to(principal).values_list("offer_id", flat=True):
        counted[offer_id] = counted.get(offer_id, 0) + 1
    held = {row.choice_id for row in agreements if not row.ended_at}
    return [_offer_line(principal, one, own.get(one.id), counted.get(one.id, 0), held) for one in offers]


def _offer_line(principal: Principal, offer: Offer, row: Choice | None, references: int, held: Container[int]) -> OfferLine:
    chosen = row and row.state == ChoiceState.CHOSEN and row.decided_at and principal.may("agreement:edit")
    return OfferLine(
        id=offer.id,
        vendor=offer.institution.short_name,
        is_invented=offer.institution.is_invented,
        product=offer.product,
        zone=offer.get_zone_display() if offer.zone else "",
        attested=bool(offer.no_training and offer.no_training_date),
        compare_url=reverse("offers:compare", args=[offer.request_id]),
        decision_url=reverse("offers:offer_decision", args=[offer.request.need_id, offer.id]),
        references_url=reverse("offers:references", args=[offer.id]),
        references=references,
        choice=choice_view(row) if row else None,
        agreement_url=reverse("offers:agreement_new", args=[row.id]) if row and chosen and row.id not in held else "",
        may_say=bool(row) and principal.may("reference:edit") and uses(principal, offer),
    )


@dataclass(frozen=True, slots=True)
class SharedLine:
    institution: str
    is_invented: bool
    product: str  # "" for the need as a whole
    choice: ChoiceView


def shared_lines(rows: Iterable[Choice]) -> list[SharedLine]:
    return [
        SharedLine(
            institution=row.institution.short_name,
            is_invented=row.institution.is_invented or choice_view(row).is_invented,
            product=row.offer.product if row.offer else "",
            choice=choice_view(row),
        )
        for row in rows
    ]


def aggregate_lines(need: HarmonisedNeed) -> list[tuple[str, int | None]]:
    return [(state_words(state), count) for state, count in aggregate(need).items()]


@dataclass(frozen=True, slots=True)
class AgreementLine:
    id: int
    url: str
    product: str
    vendor: str
    is_invented: bool
    need_code: str
    need_title: str
    need_url: str
    vehicle: str
    start_date: date
    end_date: date
    notice_date: date | None
    state_words: str
    tag: str


def agreement_line(row: Agreement, today: date) -> AgreementLine:
    """The vendor and the choice's need must be loaded."""
    words, tag = _agreement_state(row, today)
    need = row.choice.need
    return AgreementLine(
        id=row.id,
        url=reverse("offers:agreement", args=[row.id]),
        product=row.product,
        vendor=row.vendor.name,
        is_invented=row.vendor.is_invented or row.created_by.person.is_invented,
        need_code=need.code,
        need_title=need.title,
        need_url=reverse("offers:choice", args=[need.id]),
        vehicle=row.get_vehicle_display(),
        start_date=row.start_date,
        end_date=row.end_date,
        notice_date=row.notice_date,
        state_words=words,
        tag=tag,
    )


def _agreement_state(row: Agreement, today: date) -> tuple[str, str]:
    if row.ended_at:
        return _("ended"), ""
    if not row.activated_at:
        return _("draft"), "tag-warn"
    if row.end_date < today:
        return _("its term is over"), "tag-warn"
    return (_("in force"), "tag-good") if row.start_date <= today else (_("signed, begins later"), "tag-good")


def price_lines(row: Agreement) -> list[tuple[str, str, str, str, str]]:
    """Label, unit, euros, from which quantity, valid when."""
    return [
        (
            line.label,
            line.unit,
            euros(line.amount_nano),
            str(line.tier_from or ""),
            _validity(line.valid_from, line.valid_until),
        )
        for line in row.prices.all()
    ]


def _validity(first: date | None, last: date | None) -> str:
    return " → ".join(f"{day:%d/%m/%Y}" if day else "…" for day in (first, last)) if first or last else ""


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """A withdrawn one has neither words nor name."""

    id: int
    institution: str
    signed_by: str
    is_invented: bool
    signed_at: datetime
    text: str
    used_since_date: date | None
    users: int | None
    reply: str
    replied_at: datetime | None
    is_before_change: bool  # the reply was written to other words
    is_withdrawn: bool
    may_edit: bool
    may_reply: bool


def reference_view(principal: Principal, row: UsageReference) -> ReferenceView:
    signatory = row.signed_by
    living = row.withdrawn_at is None
    return ReferenceView(
        id=row.id,
        institution=row.institution.name if row.institution else "",
        signed_by=f"{signatory.person.display_name}, {signatory.get_role_display()}" if signatory else "",
        is_invented=bool(signatory and signatory.person.is_invented) or bool(row.institution and row.institution.is_invented),
        signed_at=row.signed_at,
        text=row.text,
        used_since_date=row.used_since_date,
        users=row.users,
        reply=row.reply,
        replied_at=row.replied_at,
        is_before_change=bool(row.replied_at and row.replied_at < row.signed_at),
        is_withdrawn=not living,
        may_edit=living and principal.may("reference:edit") and row.institution_id == principal.institution_id,
        may_reply=living and principal.may("reference:reply"),
    )
