"""Each institution chooses for itself: who decides, what others read, what an agreement needs to come into force."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import pytest
from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.translation import override

from parvis.access.agenda import agenda
from parvis.access.principal import Principal
from parvis.inference import door
from parvis.institutions.models import Institution, Profile, Role
from parvis.ledger.actions.calls import worsts
from parvis.ledger.actions.settlement import settle
from parvis.ledger.models import Transfer
from parvis.ledger.tests.calls import call
from parvis.ledger.usage import Quantities
from parvis.needs.models import HarmonisedNeed, HarmonisedState
from parvis.offers.actions import agreements, choices, portfolio, references
from parvis.offers.actions.agreements import Terms
from parvis.offers.actions.choices import Decision
from parvis.offers.actions.portfolio import Cover, Facts, Measures
from parvis.offers.actions.references import Opinion
from parvis.offers.models import (
    Agreement,
    AgreementPrice,
    Choice,
    ChoiceState,
    ConformityLine,
    Coverage,
    Offer,
    PriceLine,
    SealedAnswer,
    Tool,
    UsageReference,
)
from parvis.offers.portfolio_presentation import money
from parvis.offers.refusals import Impossible
from parvis.offers.tests.conftest import Market, a_profile

SignIn = Callable[[Profile], Client]
CHANCE = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|<[a-z]+ class="suggested">.*?</code>', re.DOTALL)
MADE_FILES = ("zip/", "pdf/", "xlsx/", "modele/", "dossier/")
OF_THE_NEED = ("besoins/accueil/", "besoins-harmonises/", "besoins-harmonises/<int:need_id>/", "alliance/", "public/besoins/")
SECRET = "xylophage"  # in all that one institution writes and shares with nobody


@dataclass(frozen=True)
class Choosing:
    """A need with two opened offers; each institution has a signatory, the first a referent too."""

    market: Market
    need: HarmonisedNeed
    offer: Offer
    other_offer: Offer
    referent: Profile
    signatory: Profile
    neighbour: Profile  # the neighbour institution's signatory
    neighbour_referent: Profile

    def principal(self, profile: Profile) -> Principal:
        return self.market.principal(profile)

    def chosen(self, profile: Profile, offer: Offer | None = None, *, is_shared: bool = False) -> Choice:
        decision = Decision(ChoiceState.CHOSEN, f"{SECRET} {profile.institution.slug}", is_shared=is_shared)
        return choices.decide(self.principal(profile), self.need, offer or self.offer, decision)

    def agreement(self, profile: Profile, **changes: object) -> Agreement:
        terms = {**TERMS, "product": f"Produit {SECRET}", "reference": SECRET, "yearly_euros": 12_345, **changes}
        choice = Choice.unscoped.filter(institution_id=profile.institution_id, state=ChoiceState.CHOSEN).first()
        return agreements.draft_agreement(self.principal(profile), choice or self.chosen(profile), Terms(**terms))  # type: ignore[arg-type]


TERMS = {
    "product": "Assistant",
    "vehicle": "own",
    "start_date": date(2026, 1, 1),
    "end_date": date(2030, 12, 31),
    "zone": "eu",
    "no_training_document": "Attestation du 3 mars",
    "no_training_date": date(2026, 3, 3),
}


@pytest.fixture
def choosing(market: Market) -> Choosing:
    """Offers are written as an opening leaves them: sealing has tests of its own."""
    request = market.prepared()
    now = timezone.now()
    type(request).unscoped.filter(id=request.id).update(
        published_at=now - timedelta(days=40),
        questions_until=now - timedelta(days=30),
        deadline_at=now - timedelta(days=20),
        opened_at=now,
    )
    HarmonisedNeed.unscoped.filter(id=market.need.id).update(state=HarmonisedState.ANSWERED)
    request.refresh_from_db()
    offers = []
    for vendor in (market.vendor, market.rival):
        sealed = SealedAnswer.unscoped.create(
            institution=vendor.institution, request=request, revision=1, blob=b"1", sha256="1", submitted_by=vendor
        )
        offer = Offer.unscoped.create(
            institution=vendor.institution,
            request=request,
            sealed=sealed,
            product=f"Produit de {vendor.institution.name}",
            zone="eu",
            no_training=True,
            no_training_date=date(2026, 3, 3),
            no_training_document="Attestation",
            opened_at=now,
        )
        PriceLine.objects.create(offer=offer, label="Abonnement", unit="an", amount_nano=12_340_000_000)
        for requirement in request.version.requirement_texts.all():
            ConformityLine.objects.create(offer=offer, requirement=requirement, code="ST")
        offers.append(offer)
    return Choosing(
        market=market,
        need=HarmonisedNeed.unscoped.get(id=market.need.id),
        offer=offers[0],
        other_offer=offers[1],
        referent=market.commons.representing,
        signatory=a_profile(market.commons.house.institution, Role.SIGNATORY),
        neighbour=a_profile(market.commons.house.neighbour_institution, Role.SIGNATORY),
        neighbour_referent=Profile.objects.get(id=market.commons.neighbour.profile_id),
    )


def test_a_referent_prepares_a_signatory_decides_and_nobody_else(choosing: Choosing, sign_in: SignIn) -> None:
    address = reverse("offers:offer_decision", args=[choosing.need.id, choosing.offer.id])
    word = {"state": "chosen", "reason": "Le plus simple"}
    refused = sign_in(choosing.referent).post(address, {**word, "decide": "1"})
    assert refused.status_code == 403
    assert "Seul le signataire" in refused.content.decode()
    sign_in(choosing.signatory).post(address, {"state": "studied"})
    sign_in(choosing.referent).post(address, word)
    assert (Choice.unscoped.get().decided_at, Choice.unscoped.get().prepared_by) == (None, choosing.referent)
    house = choosing.market.commons.house
    for profile in (house.teacher, house.administrator, choosing.market.commons.coordinating):
        assert sign_in(profile).post(address, word).status_code == 403, profile
    for profile in (house.student, choosing.market.vendor):
        assert sign_in(profile).post(address, word).status_code == 404, profile
    listed = sign_in(choosing.signatory).get(reverse("offers:choices")).content.decode()
    assert "attend le signataire" in listed
    page = sign_in(choosing.signatory).post(address, {**word, "decide": "1"}, follow=True).content.decode()
    row = Choice.unscoped.get()
    assert (row.decided_by, row.prepared_by) == (choosing.signatory, choosing.referent)
    assert "Rédiger la convention" in page
    assert HarmonisedNeed.unscoped.get(id=choosing.need.id).state == HarmonisedState.CHOOSING
    late = sign_in(choosing.referent).post(address, {"state": "declined", "reason": "Trop cher"})
    assert late.status_code == 422
    assert "votre établissement a déjà décidé" in late.content.decode().lower()
    assert Choice.unscoped.get().state == ChoiceState.CHOSEN


def test_choices_and_notices_wait_for_who_decides_them(choosing: Choosing, sign_in: SignIn) -> None:
    def waiting(profile: Profile) -> set[tuple[str, str]]:
        return {(one.heading, one.act) for one in agenda(choosing.principal(profile)) if one.heading != "Dates of requests"}

    referent, signatory = choosing.referent, choosing.signatory
    with override("en"):
        assert ("To choose", "Prepare") in waiting(referent)
        assert ("To choose", "Decide") in waiting(signatory)
        choices.prepare(choosing.principal(referent), choosing.need, choosing.offer, Decision("chosen", SECRET))
        assert ("Choices to decide", "Read and decide") in waiting(signatory)
        assert not any(heading in ("To choose", "Choices to decide") for heading, _act in waiting(referent))
        choosing.chosen(signatory)
        today = timezone.localdate()
        days = {"notice_date": today + timedelta(days=30), "end_date": today + timedelta(days=120)}
        agreement = choosing.agreement(signatory, start_date=today - timedelta(days=300), **days)
        assert ("Agreements to bring into force", "Read and sign") in waiting(signatory)
        agreements.activate_agreement(choosing.principal(signatory), agreement, today=today)
        assert waiting(signatory) == {("Agreements to renew or end", "Decide"), ("Dates of agreements", "")}
        assert waiting(choosing.neighbour) == {("To choose", "Decide")}
    client = sign_in(signatory)
    client.post("/avis/calendrier/", {"renew": "1"})
    signatory.refresh_from_db()
    feed = Client().get(f"/calendrier/{signatory.calendar_key}.ics").content.decode()
    assert feed.count("UID:") == len(set(re.findall("UID:.*", feed))) == 2
    assert all(f"DTSTART;VALUE=DATE:{day:%Y%m%d}" in feed for day in days.values())


def test_declining_takes_a_reason_and_what_is_used_is_not_set_aside(choosing: Choosing, sign_in: SignIn) -> None:
    whole = reverse("offers:decision", args=[choosing.need.id])
    client = sign_in(choosing.signatory)
    refused = client.post(whole, {"state": "declined", "reason": " ", "decide": "1"})
    assert refused.status_code == 422
    assert not Choice.unscoped.exists()
    assert client.post(whole, {"state": "chosen", "decide": "1"}).status_code == 422
    choosing.chosen(choosing.signatory)
    refused = client.post(whole, {"state": "not_concerned", "decide": "1"})
    assert refused.status_code == 422
    assert Choice.unscoped.get().state == ChoiceState.CHOSEN


def test_two_institutions_choose_different_offers_for_one_need(choosing: Choosing) -> None:
    choosing.chosen(choosing.signatory, choosing.offer)
    choosing.chosen(choosing.neighbour, choosing.other_offer)
    found = Choice.unscoped.filter(state=ChoiceState.CHOSEN).values_list("institution__slug", "offer_id")
    assert set(found) == {("ici", choosing.offer.id), ("la-bas", choosing.other_offer.id)}


def test_a_choice_is_read_elsewhere_while_it_is_shared(choosing: Choosing, sign_in: SignIn) -> None:
    choice = choosing.chosen(choosing.signatory)
    address, page = reverse("offers:sharing", args=[choice.id]), reverse("offers:choice", args=[choosing.need.id])
    neighbour, own = sign_in(choosing.neighbour), sign_in(choosing.signatory)
    assert SECRET not in neighbour.get(page).content.decode()
    assert neighbour.post(address, {"shared": "yes"}).status_code == 404
    own.post(address, {"shared": "yes"})
    assert f"{SECRET} ici" in neighbour.get(page).content.decode()
    assert neighbour.post(address, {"shared": "no"}).status_code == 403
    assert sign_in(choosing.referent).post(address, {"shared": "no"}).status_code == 403
    own.post(address, {"shared": "no"})
    assert SECRET not in neighbour.get(page).content.decode()


def test_what_is_prepared_is_for_those_who_represent(choosing: Choosing, sign_in: SignIn) -> None:
    choices.prepare(choosing.principal(choosing.referent), choosing.need, choosing.offer, Decision("chosen", SECRET, True))
    page = reverse("offers:choice", args=[choosing.need.id])
    assert SECRET in sign_in(choosing.signatory).get(page).content.decode()
    for profile in (choosing.market.commons.house.teacher, choosing.neighbour, choosing.market.commons.coordinating):
        assert SECRET not in sign_in(profile).get(page).content.decode(), profile


def test_counts_begin_at_three_and_leave_out_who_is_named(choosing: Choosing) -> None:
    everyone = [choosing.signatory, choosing.neighbour, choosing.market.holders[2]]
    everyone += [_member(f"m{number}") for number in range(4)]
    for profile in everyone[:2]:
        choosing.chosen(profile)
    counted = choices.aggregate(choosing.need)
    assert counted["chosen"] is None
    assert counted["none"] is None, "seven institutions, five say nothing: two would be told by a subtraction"
    for profile in everyone[2:4]:
        choosing.chosen(profile)
    counted = choices.aggregate(choosing.need)
    assert counted["chosen"] == 4
    assert set(counted.values()) == {4, None}, "the three that say nothing would tell that nobody tries, with a subtraction"
    choosing.chosen(everyone[0], is_shared=True)
    choosing.chosen(everyone[1], is_shared=True)
    assert choices.aggregate(choosing.need)["chosen"] is None, "two are left, whose choices are theirs"


def test_where_an_institution_stands_is_its_most_engaged_decision(choosing: Choosing) -> None:
    principal = choosing.principal(choosing.signatory)

    def standing() -> str:
        return choices.standing(Choice.unscoped.filter(institution=choosing.signatory.institution))

    assert standing() == choices.NOT_SAID
    choices.decide(principal, choosing.need, choosing.offer, Decision("declined", "Trop loin"))
    assert standing() == ChoiceState.STUDIED, "one offer declined is not the need declined"
    choices.decide(principal, choosing.need, None, Decision("declined", "Rien ne convient"))
    assert standing() == ChoiceState.DECLINED
    choices.decide(principal, choosing.need, choosing.other_offer, Decision("tried"))
    assert standing() == ChoiceState.TRIED


def test_an_agreement_from_draft_to_end(choosing: Choosing, sign_in: SignIn) -> None:
    choice, client = choosing.chosen(choosing.signatory), sign_in(choosing.signatory)
    address = reverse("offers:agreement_new", args=[choice.id])
    assert 'value="2026-03-03"' in client.get(address).content.decode(), "the attestation of the offer"
    form = {name: str(value) for name, value in TERMS.items()} | {"vehicle": "grouped", "yearly_euros": "24000"}
    wrong = client.post(address, {**form, "end_date": "2025-01-01"})
    assert wrong.status_code == 422
    client.post(address, {**form, "no_training_date": ""})
    agreement = Agreement.unscoped.get()
    page = reverse("offers:agreement", args=[agreement.id])
    assert "12,34" in client.get(page).content.decode()
    prices = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "1", "form-0-label": "Abonnement", "form-0-unit": "an"}
    prices |= {"form-0-euros": "9,99", "form-1-label": "Mise en place", "form-1-unit": "forfait", "form-1-euros": "100"}
    client.post(reverse("offers:agreement_prices", args=[agreement.id]), prices)
    assert list(agreement.prices.values_list("label", "amount_nano")) == [
        ("Abonnement", 9_990_000_000),
        ("Mise en place", 100_000_000_000),
    ]
    assert choosing.offer.prices.get().amount_nano == 12_340_000_000
    activation = reverse("offers:activation", args=[agreement.id])
    assert "Aucune attestation datée" in client.post(activation, follow=True).content.decode()
    assert not Tool.unscoped.exists()
    client.post(reverse("offers:agreement_edit", args=[agreement.id]), form)
    client.post(activation)
    tool = Tool.unscoped.get()
    assert (tool.yearly_cents, tool.end_date) == (2_400_000, date(2030, 12, 31))
    assert Coverage.unscoped.get().need == choosing.need
    whole = reverse("offers:offer_decision", args=[choosing.need.id, choosing.offer.id])
    assert client.post(whole, {"state": "declined", "reason": "Non", "decide": "1"}).status_code == 422
    client.post(reverse("offers:agreement_edit", args=[agreement.id]), {**form, "yearly_euros": "1"})
    assert Agreement.unscoped.get().yearly_euros == 24_000
    client.post(reverse("offers:ending", args=[agreement.id]))
    assert Tool.unscoped.get().end_date == timezone.localdate()
    assert client.post(whole, {"state": "declined", "reason": "Non", "decide": "1"}).status_code == 302


def test_an_agreement_to_begin_is_not_paid_yet_and_never_if_it_is_ended_before(choosing: Choosing, sign_in: SignIn) -> None:
    today, signatory = timezone.localdate(), choosing.signatory
    principal = choosing.principal(signatory)
    agreement = choosing.agreement(signatory, start_date=today + timedelta(days=40))
    agreements.activate_agreement(principal, agreement, today=today)

    def pages() -> tuple[object, ...]:
        context = sign_in(signatory).get(reverse("offers:portfolio")).context
        return context["total"], len(context["to_come"]), len(context["over"])

    paid = portfolio.overlap_of(portfolio.tools_of(principal), today).selection
    assert (paid.yearly_cost, paid.kept, pages()) == (0, (), (money(0), 1, 0))
    assert [one.amount_euro_cents > 1_234_500 for one in portfolio.purchases(principal)] == [True]
    agreements.end_agreement(principal, agreement, today=today)
    assert (portfolio.purchases(principal), pages()) == ([], (money(0), 0, 1))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"zone": "world"}, "zone_farther"),
        ({"end_date": date(2026, 1, 2)}, "agreement_over"),
        ({"notice_date": date(2031, 1, 1)}, "notice_after_end"),
        ({"no_training_document": " "}, "no_attestation"),
        ({"no_training_date": date(2999, 1, 1)}, "no_attestation"),
    ],
)
def test_what_stops_an_agreement_from_coming_into_force(choosing: Choosing, changes: dict[str, object], code: str) -> None:
    agreement = choosing.agreement(choosing.signatory, **changes)
    with pytest.raises(Impossible, match=code):
        agreements.activate_agreement(choosing.principal(choosing.signatory), agreement, today=timezone.localdate())
    assert Agreement.unscoped.get().activated_at is None


def test_an_agreement_is_its_institutions_and_written_by_its_signatory(choosing: Choosing, sign_in: SignIn) -> None:
    agreement = choosing.agreement(choosing.signatory)
    house = choosing.market.commons.house
    for name in ("agreement_edit", "agreement_prices", "activation", "ending", "discarding"):
        address = reverse(f"offers:{name}", args=[agreement.id])
        for profile in (choosing.referent, house.administrator):
            assert sign_in(profile).post(address).status_code == 403, name
        for profile in (house.teacher, choosing.neighbour, choosing.market.vendor, choosing.market.commons.coordinating):
            assert sign_in(profile).post(address).status_code == 404, name
    assert Agreement.unscoped.get().activated_at is None


def test_nothing_holds_a_choice_of_the_alliance() -> None:
    """A row that refers to an offer or a choice belongs to an institution, or is a part of a row that does."""
    parts = {ConformityLine: Offer, PriceLine: Offer, AgreementPrice: Agreement}
    found = set()
    for model in apps.get_models():
        fields = {field.name: field for field in model._meta.get_fields() if field.many_to_one or field.one_to_one}
        targets = {field.related_model for field in fields.values() if not field.auto_created}
        if targets & {Offer, Choice, Agreement}:
            found.add(model)
            owner = fields.get("institution")
            assert model in parts or owner is not None, model
            assert not getattr(model, "alliance_wide", False), model
            assert owner is None or not owner.null or model is UsageReference, "only a withdrawn opinion has no owner"
    assert {Choice, Agreement, UsageReference, Tool} <= found
    of_a_need = {field.related_model for field in HarmonisedNeed._meta.get_fields() if not field.auto_created}
    assert not of_a_need & {Offer, Choice, Agreement}


def test_no_page_nor_export_tells_who_chose_what_nor_at_which_price(
    choosing: Choosing, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every address of the site that can be read, as the neighbours, the coordination and the vendors: the same before and
    after an institution has decided, signed and filled in its portfolio."""
    for status in (403, 404):  # most addresses are refused: their page is not read
        monkeypatch.setattr(f"parvis.urls.handler{status}", partial(_refusal, status))
    market = choosing.market
    HarmonisedNeed.unscoped.filter(id=choosing.need.id).update(state=HarmonisedState.CHOOSING)
    readers = [choosing.neighbour, market.commons.coordinating, market.vendor]
    before = {profile.id: _everything(sign_in(profile), choosing) for profile in readers[:2]}
    principal = choosing.principal(choosing.signatory)
    agreement = choosing.agreement(choosing.signatory)
    agreements.activate_agreement(principal, agreement, today=timezone.localdate())
    tool = portfolio.add_tool(principal, Facts(f"Outil {SECRET}", f"Éditeur {SECRET}", SECRET, 1_234_500, reference=SECRET))
    portfolio.cover(principal, tool, choosing.need, Cover("ST", True, SECRET))
    own = _everything(sign_in(choosing.signatory), choosing)
    assert sum(SECRET in page for page in own.values()) >= 8, "its own pages show it"
    for profile in readers:
        after = _everything(sign_in(profile), choosing)
        assert not any(SECRET in page or "12 345" in page or "12345" in page for page in after.values()), profile
        if profile.id in before:
            assert {name: page for name, page in after.items() if page != before[profile.id].get(name)} == {}, profile


def _refusal(status: int, request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return HttpResponse(status=status)


def _everything(client: Client, choosing: Choosing) -> dict[str, str]:
    """Each page one may read, by its address, without what chance puts in it. The files made from a frozen version (PDF, ZIP,
    XLSX) are left out: they are made of the same rows as the pages and CSV files beside them, and take seconds."""
    known = {
        "need_id": {choosing.need.id},
        "request_id": {choosing.offer.request_id},
        "offer_id": {choosing.offer.id},
        "tool_id": set(Tool.unscoped.values_list("id", flat=True)) | {1},
        "agreement_id": set(Agreement.unscoped.values_list("id", flat=True)) | {1},
        "choice_id": set(Choice.unscoped.values_list("id", flat=True)) | {1},
        "reference_id": {1},
        "file_id": {1},
        "number": {1},
    }
    pages: dict[str, str] = {}
    for pattern in get_resolver().url_patterns:
        for one in getattr(pattern, "url_patterns", ()):
            route = str(pattern.pattern) + str(one.pattern)
            names = re.findall(r"<int:(\w+)>", route)
            package = getattr(one.callback, "__module__", "")
            concerned = package.startswith("parvis.offers") or route in OF_THE_NEED
            if not concerned or not set(names) <= known.keys() or route.endswith(MADE_FILES):
                continue
            for value in known[names[-1]] if names else [0]:
                address = "/" + re.sub(r"<int:(\w+)>", lambda m: str(value if m[1] == names[-1] else min(known[m[1]])), route)  # noqa: B023
                response = client.get(address)
                if response.status_code == 200:
                    text = b"".join(response) if response.streaming else response.content
                    pages[address] = CHANCE.sub("", text.decode("utf-8", "replace"))
    return pages


def test_an_opinion_is_its_institutions_and_its_vendor_only_replies(choosing: Choosing, sign_in: SignIn) -> None:
    address = reverse("offers:opinion", args=[choosing.offer.id])
    opinion = {"text": f"Utile le soir, {SECRET}.", "used_since_date": "2026-01-15", "users": "300"}
    assert sign_in(choosing.referent).post(address, opinion).status_code == 422, "not used yet"
    choosing.chosen(choosing.signatory)
    sign_in(choosing.referent).post(address, opinion)
    row = UsageReference.unscoped.get()
    vendor, rival = sign_in(choosing.market.vendor), sign_in(choosing.market.rival)
    for name in ("reference_edit", "reference_withdrawal"):
        refused = vendor.post(reverse(f"offers:{name}", args=[row.id]), {"text": "Parfait."})
        assert refused.status_code == 403
        assert sign_in(choosing.neighbour).post(reverse(f"offers:{name}", args=[row.id])).status_code == 403
        assert rival.post(reverse(f"offers:{name}", args=[row.id])).status_code == 404
    reply = reverse("offers:reference_reply", args=[row.id])
    assert rival.post(reply, {"reply": "Nous sommes meilleurs."}).status_code == 404
    assert sign_in(choosing.neighbour).post(reply, {"reply": "Et alors ?"}).status_code == 403
    vendor.post(reply, {"reply": "Merci, c’est corrigé."})
    page = sign_in(choosing.neighbour).get(reverse("offers:references", args=[choosing.offer.id])).content.decode()
    assert SECRET in page
    assert "Merci, c’est corrigé." in page
    assert "Université d’ici" in page
    assert UsageReference.unscoped.get().text == opinion["text"]


def test_a_withdrawn_opinion_leaves_a_trace_without_words_nor_name(choosing: Choosing, sign_in: SignIn) -> None:
    choosing.chosen(choosing.signatory)
    principal = choosing.principal(choosing.referent)
    row = references.sign(principal, choosing.offer, Opinion(SECRET, users=3))
    references.reply(choosing.principal(choosing.market.vendor), row, f"À propos de {SECRET}")
    sign_in(choosing.referent).post(reverse("offers:reference_withdrawal", args=[row.id]))
    kept = UsageReference.unscoped.get()
    assert (kept.institution_id, kept.signed_by_id, kept.text, kept.reply, kept.users) == (None, None, "", "", None)
    page = sign_in(choosing.neighbour).get(reverse("offers:references", args=[choosing.offer.id])).content.decode()
    assert "a retiré" in page
    assert "Université d’ici" not in page
    assert references.sign(principal, choosing.offer, Opinion("De nouveau")).id != row.id


def _member(slug: str) -> Profile:
    institution = Institution.objects.create(slug=slug, name=slug, short_name=slug)
    return a_profile(institution, Role.SIGNATORY)


def test_a_tier_reached_together_is_told_from_three_institutions_on_and_apart_from_hours(
    choosing: Choosing, sign_in: SignIn
) -> None:
    PriceLine.objects.create(offer=choosing.offer, label="Abonnement", unit="an", amount_nano=10_000_000_000, tier_from=1_000)
    tools, today = [], timezone.localdate()
    for profile in (choosing.signatory, choosing.neighbour, choosing.market.holders[2]):
        choosing.chosen(profile)
        agreement = choosing.agreement(profile)
        agreements.activate_agreement(choosing.principal(profile), agreement, today=today)
        tools.append(agreement.tool)
    client, pages = sign_in(choosing.signatory), []
    for profile, tool in zip((choosing.neighbour, choosing.market.holders[2]), tools[1:], strict=True):
        portfolio.measure(choosing.principal(profile), tool, Measures(quantity=500))
    for quantity in ("", "400"):
        said = {"quantity": quantity, "is_quantity_counted": "on", "spared_hours": "40"}
        client.post(reverse("offers:tool_measures", args=[tools[0].id]), said)
        pages.append(client.get(reverse("offers:overlaps")).content.decode().replace("\N{NO-BREAK SPACE}", " "))
    assert "ensemble :" not in pages[0], "two others: their sum would tell each the other's"
    assert "936 €" in pages[1], "400 × (12,34 € − 10 €)"
    assert "40&nbsp;h" in pages[1]
    other = reverse("offers:tool_measures", args=[tools[1].id])
    assert client.post(other, {"quantity": "1"}).status_code == 404


def test_a_provider_under_an_agreement_has_the_prices_of_its_book_and_no_others(choosing: Choosing, sign_in: SignIn) -> None:
    """From the agreement to the transfer: what a page of models is given is what calls are charged by."""
    house, principal = choosing.market.commons.house, choosing.principal(choosing.signatory)
    agreement = choosing.agreement(choosing.signatory)
    administrator = sign_in(house.administrator)
    assert agreement.product not in administrator.get("/modeles/nouveau/").content.decode()
    agreements.activate_agreement(principal, agreement, today=timezone.localdate())
    described = {"provider_name": "Nuage", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "zone": "eu"}
    named = {"name": "petit", "display_name": "Petit", "purpose": "chat", "agreement": agreement.id}
    assert administrator.post("/modeles/nouveau/", {**described, **named}).status_code == 302
    model = apps.get_model("inference", "LanguageModel").unscoped.get(name="petit")
    route = door.route_to(model)
    assert route.priced.agreement_id == agreement.id

    def book(euros: str, under: object) -> None:
        values = {"name": f"Barème à {euros}", "agreement": under, "source": "annexe", "source_date": "2026-01-01"}
        rates = {f"rate-{model.id}-input": euros, f"rate-{model.id}-output": euros}
        page = administrator.post("/depenses/baremes/nouveau/", {**values, **rates, "starts_date": "2026-01-01"}, follow=True)
        administrator.post(f"{page.redirect_chain[-1][0]}publication/")

    def charged(number: int) -> int | None:
        usage = call(house.institution.id, number, model_id=model.id, agreement_id=route.priced.agreement_id)
        settle([usage])
        found = Transfer.unscoped.filter(call__sequence=number).first()
        return found.amount_nano if found else None

    million = Quantities(input_tokens=1_000_000)
    book("8", "")
    assert charged(1) is None, "a book of no agreement has no price for it"
    assert [one.nano_euro for one in worsts(house.institution.id, [route.priced], million)] == [None]
    book("2 000,50", agreement.id)
    assert charged(2) == round(2_000.5 * 1_100 * 1_000)
    assert [one.nano_euro for one in worsts(house.institution.id, [route.priced], million)] == [2_000_500_000_000]
