"""What members of the demonstration make of the answers, each alone, and what they are made to pay already: all invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from parvis.access.principal import Principal
from parvis.demo.cast import Cast
from parvis.demo.clock import Clock
from parvis.institutions.models import Role
from parvis.needs.models import HarmonisedNeed
from parvis.offers.actions import agreements, choices, portfolio, references
from parvis.offers.actions.agreements import Terms
from parvis.offers.actions.choices import Decision
from parvis.offers.actions.portfolio import Cover, Facts, Measures
from parvis.offers.actions.references import Opinion
from parvis.offers.models import Choice, ChoiceState, Offer, Tool, UsageReference, Vehicle


@dataclass(frozen=True)
class Decided:
    member: str
    vendor: str  # "" is about the need as a whole
    state: ChoiceState
    reason: str = ""
    is_shared: bool = False


DECIDED = (
    Decided("sorbonne", "griffon", ChoiceState.CHOSEN, "Hébergement en France et export hebdomadaire.", is_shared=True),
    Decided("ul", "chimere", ChoiceState.CHOSEN, "Nous avons les serveurs et l’équipe ; rien ne sort de chez nous."),
    Decided("um", "chimere", ChoiceState.CHOSEN, "Licence libre et assistance à la demande.", is_shared=True),
    Decided("tours", "griffon", ChoiceState.TRIED, "Un semestre, en première année seulement."),
    Decided("upec", "griffon", ChoiceState.DECLINED, "Deux critères d’accessibilité restent à corriger."),
    Decided("upec", "chimere", ChoiceState.STUDIED),
    Decided("cnam", "", ChoiceState.STUDIED),
    Decided("nimes", "", ChoiceState.NOT_CONCERNED),
    Decided("ut2j", "griffon", ChoiceState.CHOSEN, "Même prix pour tous, et l’export convient à nos services."),
    Decided("upjv", "griffon", ChoiceState.CHOSEN, "Prêt pour la rentrée sans installer quoi que ce soit."),
)
PREPARED = Decided("rennes", "griffon", ChoiceState.CHOSEN, "Moins cher que l’outil actuel, et cite ses sources.")
AGREED = {
    "sorbonne": (Vehicle.OWN, 48_000),
    "ul": (Vehicle.GROUPED, 25_000),
    "um": (Vehicle.GROUPED, 25_000),
    "ut2j": (Vehicle.GROUPED, 12_000),
    "upjv": (Vehicle.GROUPED, 10_000),
}
MEASURED = {  # of the tool that follows the agreement
    "sorbonne": Measures(quantity=18_000, spared_hours=60),
    "ut2j": Measures(quantity=9_500, is_quantity_counted=True, spared_hours=45, are_hours_counted=True),
    "upjv": Measures(quantity=8_000),
}


@dataclass(frozen=True)
class Paid:
    """A tool, with the themes it covers: (how, whether its use was confirmed)."""

    member: str
    name: str
    vendor: str
    service: str
    euros: int | None
    covers: Mapping[str, tuple[str, bool]]


PAID = (
    Paid("rennes", "Triton Réponses", "Triton (invention)", "Scolarité", 21_000, {"chatbot_scolarite": ("DS", True)}),
    Paid(
        "rennes",
        "Suite Argo",
        "Argo (invention)",
        "Direction du numérique",
        34_000,
        {"chatbot_scolarite": ("ST", False), "qcm": ("ST", True), "transcription": ("DS", True)},
    ),
    Paid("rennes", "Quiz Nérée", "Nérée (invention)", "Appui à la pédagogie", 6_500, {"qcm": ("ST", False)}),
    Paid("rennes", "Verbatim Protée", "Protée (invention)", "Audiovisuel", 9_800, {"transcription": ("ST", True)}),
    Paid("ul", "Suite Argo", "Argo (invention)", "Direction du numérique", 29_000, {"qcm": ("ST", True)}),
    Paid("ul", "Quiz Nérée", "Nérée (invention)", "Appui à la pédagogie", 5_200, {"qcm": ("ST", False)}),
    Paid("sorbonne", "Verbatim Protée", "Protée (invention)", "Audiovisuel", None, {"transcription": ("ST", True)}),
    Paid("tours", "Verbatim Protée", "Protée (invention)", "Audiovisuel", 8_100, {"transcription": ("DS", True)}),
    Paid("um", "Triton Réponses", "Triton (invention)", "Scolarité", 15_000, {"chatbot_scolarite": ("DS", True)}),
)


def decide(cast: Cast, clock: Clock, need: HarmonisedNeed) -> None:
    need = HarmonisedNeed.objects.visible_to(cast.coordinator).get(id=need.id)
    found = Offer.objects.visible_to(cast.coordinator).filter(request__need=need).select_related("institution")
    offers = {offer.institution.slug: offer for offer in found}
    for number, one in enumerate(DECIDED):
        clock.go_to(-25 + number)
        decision = Decision(one.state, one.reason, one.is_shared)
        choice = choices.decide(cast.signatory(one.member), need, offers.get(one.vendor), decision)
        if one.member in AGREED:
            tool = _agree(cast.signatory(one.member), clock, choice, offers[one.vendor], *AGREED[one.member])
            if one.member in MEASURED:
                portfolio.measure(cast.signatory(one.member), tool, MEASURED[one.member])
    clock.go_to(-4)
    decision = Decision(PREPARED.state, PREPARED.reason)
    choices.prepare(cast.referent(PREPARED.member), need, offers[PREPARED.vendor], decision)
    _refer(cast, clock, offers)


def _agree(signatory: Principal, clock: Clock, choice: Choice, offer: Offer, vehicle: Vehicle, euros: int) -> Tool:
    """A year from the first of next month, with three months' notice."""
    today = clock.now.date()
    start = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    end = start + timedelta(days=364)
    terms = Terms(
        product=offer.product,
        vehicle=vehicle,
        start_date=start,
        end_date=end,
        zone=offer.zone,
        reference=f"DEMO-{start.year}-{choice.id:03}",
        notice_date=end - timedelta(days=90),
        no_training_date=offer.no_training_date,
        no_training_document=offer.no_training_document,
        users_quota=20_000,
        yearly_euros=euros,
    )
    agreement = agreements.draft_agreement(signatory, choice, terms)
    agreements.activate_agreement(signatory, agreement, today=today)
    tool: Tool = Tool.objects.visible_to(signatory).get(agreement=agreement)
    return tool


def _refer(cast: Cast, clock: Clock, offers: Mapping[str, Offer]) -> None:
    """Two opinions, one of which its vendor answers."""
    clock.go_to(-3)
    since = clock.now.date() - timedelta(days=14)
    good = "Les citations sont justes et les étudiants les ouvrent. L’export hebdomadaire demande un réglage."
    mixed = "Installation plus longue qu’annoncé, mais tout reste chez nous."
    references.sign(cast.signatory("sorbonne"), offers["griffon"], Opinion(good, since, 1_200))
    references.sign(cast.signatory("um"), offers["chimere"], Opinion(mixed, since, 800))
    clock.go_to(-2)
    vendor = cast.principal("chimere", Role.VENDOR)
    reference: UsageReference = UsageReference.objects.visible_to(vendor).get(offer=offers["chimere"])
    references.reply(vendor, reference, "Le guide d’installation a été repris depuis ; merci de ce retour.")


def pay(cast: Cast, clock: Clock, needs: Mapping[str, HarmonisedNeed]) -> None:
    clock.go_to(-60)
    today = clock.at(0).date()
    for number, one in enumerate(PAID):
        principal = cast.referent(one.member)
        end = today + timedelta(days=60 + number * 35)
        facts = Facts(
            name=one.name,
            vendor_name=one.vendor,
            service=one.service,
            yearly_cents=None if one.euros is None else one.euros * 100,
            start_date=end - timedelta(days=729),
            end_date=end,
            notice_date=end - timedelta(days=90) if number % 2 else None,
        )
        tool: Tool = portfolio.add_tool(principal, facts)
        for theme, (level, is_used) in one.covers.items():
            evidence = "Journaux de connexion du dernier semestre (invention)" if is_used else ""
            portfolio.cover(principal, tool, needs[theme], Cover(level, is_used, evidence))
