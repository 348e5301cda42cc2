"""What the pages of requests and offers show, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.access.principal import Principal
from parvis.needs.models import Level
from parvis.offers.answer import CODES, Frame, Grid, Line, Price
from parvis.offers.conformity import euros
from parvis.offers.models import (
    ConformityLine,
    Offer,
    PriceLine,
    Question,
    RequestForInformation,
    RequestState,
    Zone,
)

CODE_WORDS = {
    "ST": gettext_lazy("standard"),
    "DS": gettext_lazy("by settings"),
    "DEV": gettext_lazy("specific development"),
    "SP": gettext_lazy("not covered"),
    "HP": gettext_lazy("out of scope"),
    "": gettext_lazy("no answer"),
}
CODE_TAGS = {"ST": "tag-good", "DS": "tag-good", "DEV": "tag-warn", "SP": "tag-bad", "HP": "tag-bad", "": "tag-none"}
STATE_TAGS = {
    RequestState.PUBLISHED: "tag-good",
    RequestState.QUESTIONS_CLOSED: "tag-good",
    RequestState.AWAITED: "tag-warn",
}


@dataclass(frozen=True, slots=True)
class RequestView:
    id: int
    code: str
    title: str
    introduction: str
    url: str
    need_code: str
    need_title: str
    need_url: str
    version: int
    state: str
    state_words: str
    state_tag: str
    is_published: bool
    is_opened: bool
    questions_until: datetime
    deadline_at: datetime
    published_at: datetime | None
    opened_at: datetime | None
    fingerprint: str
    key_fingerprint: str


def request_view(row: RequestForInformation, now: datetime) -> RequestView:
    """The need and the version must be loaded."""
    state = row.state_at(now)
    return RequestView(
        id=row.id,
        code=row.code,
        title=row.title,
        introduction=row.introduction,
        url=reverse("offers:request", args=[row.id]),
        need_code=row.need.code,
        need_title=row.version.title,
        need_url=reverse("needs:harmonised_version", args=[row.need_id, row.version.number]),
        version=row.version.number,
        state=state.value,
        state_words=str(state.label),
        state_tag=STATE_TAGS.get(state, ""),
        is_published=row.published_at is not None,
        is_opened=row.opened_at is not None,
        questions_until=row.questions_until,
        deadline_at=row.deadline_at,
        published_at=row.published_at,
        opened_at=row.opened_at,
        fingerprint=row.fingerprint,
        key_fingerprint=bytes(row.public_key).hex(),
    )


@dataclass(frozen=True, slots=True)
class HolderView:
    institution: str
    name: str
    is_invented: bool
    is_enrolled: bool
    has_contributed: bool


def holder_views(row: RequestForInformation) -> list[HolderView]:
    return [
        HolderView(
            institution=holder.institution.short_name,
            name=holder.profile.person.display_name,
            is_invented=holder.profile.person.is_invented,
            is_enrolled=holder.enrolled_at is not None,
            has_contributed=holder.contributed_at is not None,
        )
        for holder in row.holders.select_related("institution", "profile__person")
    ]


@dataclass(frozen=True, slots=True)
class QuestionView:
    id: int
    text: str
    answer: str
    published_at: datetime | None
    asked_at: datetime
    asker: str  # "" but for the coordination
    is_own: bool


def question_views(rows: Iterable[Question], principal: Principal) -> list[QuestionView]:
    """Who asked is shown to the coordination alone; a vendor knows its own."""
    knows = principal.may("request:edit")
    return [
        QuestionView(
            id=row.id,
            text=row.published_text or row.text,
            answer=row.answer,
            published_at=row.published_at,
            asked_at=row.asked_at,
            asker=row.institution.short_name if knows else "",
            is_own=row.institution_id == principal.institution_id,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class DraftView:
    answered: int
    asked: int
    by_code: tuple[tuple[str, str, str, int], ...]  # code, words, tag, how many
    prices: int
    product: str
    zone: str
    has_attestation: bool


def draft_view(frame: Frame, grid: Grid) -> DraftView:
    codes = Counter(grid.line(one.code).code or "" for one in frame.requirements)
    return DraftView(
        answered=len(frame.requirements) - codes[""],
        asked=len(frame.requirements),
        by_code=tuple((code, str(CODE_WORDS[code]), CODE_TAGS[code], codes[code]) for code in (*CODES, "") if codes[code]),
        prices=len(grid.prices),
        product=grid.company.product,
        zone=grid.company.zone or "",
        has_attestation=bool(grid.company.no_training),
    )


@dataclass(frozen=True, slots=True)
class Cell:
    vendor: str
    code: str
    words: str
    tag: str
    proof: str
    proof_url: str
    available_date: date | None
    comment: str


@dataclass(frozen=True, slots=True)
class ComparedRequirement:
    code: str
    level: str
    text: str
    institutions: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ComparedOffer:
    id: int
    vendor: str
    is_invented: bool
    product: str
    summary: str
    zone: str
    processor: str
    attestation: str
    has_attestation: bool
    accessibility: str
    reversibility: str
    prices: tuple[tuple[str, str, str, str, str], ...]  # label, unit, euros, from, validity
    totals: tuple[tuple[str, tuple[tuple[str, str, str, int], ...]], ...]  # level, then code, words, tag, how many


@dataclass(frozen=True, slots=True)
class Comparison:
    """Offers in the order of their vendors' names: nothing here ranks them."""

    offers: tuple[ComparedOffer, ...]
    requirements: tuple[ComparedRequirement, ...]


@dataclass(frozen=True, slots=True)
class SentView:
    requirements: tuple[ComparedRequirement, ...]  # each with one cell
    prices: tuple[tuple[str, str, str, str, str], ...]
    about: tuple[tuple[str, str], ...]  # label, what is said or ""


def sent_view(frame: Frame, grid: Grid) -> SentView:
    company = grid.company
    attested = {True: _("yes"), False: _("no"), None: ""}[company.no_training]
    day = f"{company.no_training_date:%d/%m/%Y}" if company.no_training_date else ""
    return SentView(
        requirements=tuple(
            ComparedRequirement(
                code=one.code,
                level=str(Level(one.level).label),
                text=one.text,
                institutions=one.institutions,
                cells=(_cell("", grid.line(one.code)),),
            )
            for one in frame.requirements
        ),
        prices=tuple(_price(price) for price in grid.prices),
        about=(
            (_("Product"), company.product),
            (_("In a few lines"), company.summary),
            (_("Hosting zone"), str(Zone(company.zone).label) if company.zone else ""),
            (_("Who processes the data"), company.processor),
            (
                _("Data never used for training"),
                ", ".join(part for part in (attested, day, company.no_training_document) if part),
            ),
            (_("Accessibility"), company.accessibility),
            (_("Reversibility"), company.reversibility),
        ),
    )


def comparison(row: RequestForInformation, offers: Sequence[Offer]) -> Comparison:
    """`offers` with their institution, lines and prices loaded."""
    lines = {(line.offer_id, line.requirement_id): line for offer in offers for line in offer.lines.all()}
    asked = list(row.version.requirement_texts.select_related("requirement").prefetch_related("institutions"))
    requirements = tuple(
        ComparedRequirement(
            code=one.requirement.code,
            level=one.get_level_display(),
            text=one.text,
            institutions=tuple(institution.short_name for institution in one.institutions.all()),
            cells=tuple(_cell(offer.institution.short_name, lines.get((offer.id, one.id))) for offer in offers),
        )
        for one in asked
    )
    level_of = {one.id: one.level for one in asked}
    return Comparison(tuple(_compared(offer, level_of) for offer in offers), requirements)


def _cell(vendor: str, line: ConformityLine | Line | None) -> Cell:
    code = (line.code if line else "") or ""
    proof = line.proof if line else ""
    return Cell(
        vendor=vendor,
        code=code,
        words=str(CODE_WORDS[code]),
        tag=CODE_TAGS[code],
        proof=proof,
        proof_url=proof if proof.startswith(("https://", "http://")) and " " not in proof else "",
        available_date=line.available_date if line else None,
        comment=line.comment if line else "",
    )


def _price(price: Price | PriceLine) -> tuple[str, str, str, str, str]:
    validity = _validity(price.valid_from, price.valid_until)
    return (price.label, price.unit, euros(price.amount_nano), str(price.tier_from or ""), validity)


def _compared(offer: Offer, level_of: dict[int, str]) -> ComparedOffer:
    counts = {level: Counter[str]() for level in Level.values}
    for line in offer.lines.all():
        counts[level_of[line.requirement_id]][line.code] += 1
    return ComparedOffer(
        id=offer.id,
        vendor=offer.institution.name,
        is_invented=offer.institution.is_invented,
        product=offer.product,
        summary=offer.summary,
        zone=offer.get_zone_display() if offer.zone else "",
        processor=offer.processor,
        attestation=_attestation(offer),
        has_attestation=bool(offer.no_training),
        accessibility=offer.accessibility,
        reversibility=offer.reversibility,
        prices=tuple(_price(price) for price in offer.prices.all()),
        totals=tuple(
            (
                str(Level(level).label),
                tuple((code, str(CODE_WORDS[code]), CODE_TAGS[code], count[code]) for code in (*CODES, "") if count[code]),
            )
            for level, count in counts.items()
            if count
        ),
    )


def _attestation(offer: Offer) -> str:
    if offer.no_training is None:
        return _("no answer")
    if not offer.no_training:
        return _("the vendor answers no")
    day = offer.no_training_date
    words = _("attested on %(day)s, %(document)s")
    return words % {"day": f"{day:%d/%m/%Y}" if day else "–", "document": offer.no_training_document}


def _validity(first: date | None, last: date | None) -> str:
    return " → ".join(f"{day:%d/%m/%Y}" if day else "…" for day in (first, last)) if first or last else ""
