"""A published need, key holders in three institutions, two vendors, and a request about it at any stage of its life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions import harmonised
from parvis.needs.models import HarmonisedNeed
from parvis.needs.tests.conftest import Commons
from parvis.needs.tests.conftest import commons as commons
from parvis.offers import passphrases
from parvis.offers.actions import answers, openings, requests
from parvis.offers.actions.requests import Terms
from parvis.offers.answer import Company, Grid, Line, Price
from parvis.offers.models import KeyHolder, RequestForInformation, SealedAnswer
from parvis.offers.sealing import Cost

CHEAP = Cost(memory=1, passes=1)
MARKER = "zygomorphe"  # a word of a sealed answer, which nothing may show before the opening
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Market:
    commons: Commons
    need: HarmonisedNeed
    holders: Sequence[Profile]  # of three institutions
    vendor: Profile
    rival: Profile
    now: datetime

    def principal(self, profile: Profile) -> Principal:
        return self.commons.house.principal(profile)

    @property
    def after(self) -> datetime:
        return self.now + 11 * DAY

    def terms(self, needed: int = 2) -> Terms:
        return Terms(
            "Assistants de scolarité", "Un même besoin.", self.now + 5 * DAY, self.now + 10 * DAY, self.holders, needed
        )

    def prepared(self, needed: int = 2) -> RequestForInformation:
        return requests.prepare(self.commons.coordinator, self.need, self.terms(needed), now=self.now)

    def published(self, needed: int = 2) -> RequestForInformation:
        request = self.prepared(needed)
        for profile in self.holders:
            requests.enrol(self.principal(profile), self.holder(request, profile), passphrase_of(profile))
        return requests.publish(self.commons.coordinator, request, now=self.now, write=plain_documents)

    def holder(self, request: RequestForInformation, profile: Profile) -> KeyHolder:
        return KeyHolder.unscoped.select_related("request").get(request=request, profile=profile)

    def sent(self, request: RequestForInformation, vendor: Profile, grid: Grid | None = None) -> SealedAnswer:
        principal = self.principal(vendor)
        frame = answers.frame_of(request)
        key = answers.start(principal, request, passphrase_of(vendor))
        answers.write(principal, request, key, lambda _empty: grid or an_answer(vendor), frame=frame)
        return answers.submit(principal, request, key, frame=frame, now=self.now + DAY)

    def give(self, request: RequestForInformation, profile: Profile) -> bool:
        return openings.contribute(
            self.principal(profile), self.holder(request, profile), passphrase_of(profile), now=self.after
        )

    def opened(self) -> RequestForInformation:
        request = self.published()
        self.sent(request, self.vendor)
        self.sent(request, self.rival)
        for profile in self.holders[:2]:
            self.give(request, profile)
        return RequestForInformation.unscoped.get(id=request.id)


def passphrase_of(profile: Profile) -> str:
    return f"la phrase secrète du profil {profile.id}"


def an_answer(vendor: Profile) -> Grid:
    return Grid(
        lines=(
            Line("EX-001", "ST", proof=f"https://{MARKER}.example/preuve", comment=f"Page {MARKER} de {vendor.institution}"),
        ),
        prices=(Price("Abonnement", "utilisateur et par an", 12_340_000_000, tier_from=100),),
        company=Company(product=f"Produit {MARKER} {vendor.institution}", zone="eu", processor=MARKER),
    )


def plain_documents(request: RequestForInformation, now: datetime, ordinary: Sequence[str]) -> Mapping[str, bytes]:
    return {"expression-fonctionnelle.pdf": b"%PDF-1.7 le besoin", "cadre-de-reponse.xlsx": b"PK le cadre"}


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrases, "COST", CHEAP)


@pytest.fixture
def market(commons: Commons) -> Market:
    third = Institution.objects.create(slug="ailleurs", name="Université d’ailleurs", short_name="Ailleurs")
    neighbouring = Profile.objects.get(id=commons.neighbour.profile_id)
    need = commons.need()
    harmonised.add_requirement(commons.coordinator, need, level="P", text="Citer la page")
    harmonised.add_requirement(commons.coordinator, need, level="S", text="Répondre en breton")
    commons.stable(need)
    harmonised.open_cosignature(commons.coordinator, need)
    return Market(
        commons=commons,
        need=HarmonisedNeed.unscoped.get(id=need.id),
        holders=[commons.representing, neighbouring, a_profile(third, Role.SIGNATORY)],
        vendor=a_vendor("Atelier Vega"),
        rival=a_vendor("Comptoir Altaïr"),
        now=timezone.now(),
    )


def a_vendor(name: str) -> Profile:
    firm = Institution.objects.create(slug=name.replace(" ", "-"), name=name, short_name=name, nature=Nature.VENDOR)
    return a_profile(firm, Role.VENDOR)


def a_profile(institution: Institution, role: Role) -> Profile:
    key = f"local:{institution.slug}:{role}"
    person = Person.objects.create(key=key, source=Source.LOCAL, display_name=f"{role} de {institution.short_name}")
    return Profile.objects.create(institution=institution, person=person, role=role)
