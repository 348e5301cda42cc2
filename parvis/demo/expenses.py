"""Invented weeks of use at the university where most invented people are: prices, calls, budgets, statements, an invoice.

No model was ever asked: the models are switched off, and what they would have been charged is settled by the ledger as any
call is. Everything that has a name says that it is invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from django.utils import timezone

from parvis.access.keys.actions import create_app, create_key
from parvis.access.middleware import principal_of
from parvis.access.principal import Principal
from parvis.identity.models import Person, Source
from parvis.inference.actions import ModelValues, ProviderValues, add_model, enable_model
from parvis.inference.models import LanguageModel, Provider
from parvis.institutions.models import Group, Institution, Profile, Role
from parvis.ledger.actions import statements
from parvis.ledger.actions.books import BookValues, RateValues, publish_book, write_book
from parvis.ledger.actions.settlement import BATCH, correct, settle
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.resolution import resolve
from parvis.ledger.budgets.actions.tree import add_place, alliance, place_of_institution, place_of_profile, places_of
from parvis.ledger.budgets.models import Node, NodeKind
from parvis.ledger.carbon import estimated
from parvis.ledger.invoice import InvoiceParty
from parvis.ledger.listed import apps_of
from parvis.ledger.models import PriceBook, Transfer
from parvis.ledger.pricing import Unit, paris_date
from parvis.ledger.reconciliation import Invoiced
from parvis.ledger.usage import NANO, EventId, Outcome, Quantities, Usage

PARIS = ZoneInfo("Europe/Paris")
EPOCH = 1  # of calls that no process counted
DAYS, STUDENTS = 75, 24
BOOK = "Barème de démonstration"
APP = "Forum Moodle (démonstration)"
TREE = ("UFR Droit", "Licence 2 Droit"), ("UFR Sciences", "Licence 2 Physique")


@dataclass(frozen=True)
class Priced:
    name: str
    shown: str
    euros: Mapping[Unit, str]  # of a million tokens: invented


MODELS = (
    Priced(
        "mistral-small-latest",
        "Petit modèle (démonstration)",
        {Unit.INPUT: "0.35", Unit.CACHED: "0.0875", Unit.OUTPUT: "1.05"},
    ),
    Priced("mistral-large-latest", "Grand modèle (démonstration)", {Unit.INPUT: "2.25", Unit.OUTPUT: "6.75"}),
)


@dataclass(frozen=True)
class Use:
    """How often something is asked on a day of work, by whom."""

    app: str
    model: LanguageModel
    people: Sequence[int]
    a_day: int
    key_id: int | None = None


def load_expenses(profiles: Mapping[str, Profile]) -> None:
    """Once: what is there already is left alone. Within the caller's transaction."""
    administrator, coordinator = principal_of(profiles["ferrand"]), principal_of(profiles["roussel"])
    here = profiles["ferrand"].institution
    if PriceBook.objects.visible_to(administrator).filter(name=BOOK).exists():
        return
    models = _models(administrator)
    _prices(administrator, models)
    groups = _students(here)
    nodes = _components(here, administrator)
    now = timezone.now()
    components = {one.person_id: component for component, group in TREE for one in groups[group]}
    calls = list(_calls(here, _uses(here, models, profiles, groups), components, now))
    for first in range(0, len(calls), BATCH):
        settle(calls[first : first + BATCH], now=now)
    _budgets(nodes, administrator, coordinator, now)
    shown = [profiles[key] for key in ("martin", "tanguy", "delmas")]
    resolve([(place_of_profile(profile).id, *places_of(profile).chain) for profile in shown], now)  # their pages show it
    _state(administrator, now)


def _models(administrator: Principal) -> list[LanguageModel]:
    """Switched off, at an address where nothing can answer (RFC 2606)."""
    values = ProviderValues("Fournisseur imaginaire", "openai", "https://modeles.invalid/v1", "eu", None)
    provider: Provider | None = None
    found = []
    for one in MODELS:
        model_values = ModelValues(one.name, one.shown, "chat", is_default=False, alias=one.name)
        model = add_model(administrator, model_values, provider=provider, provider_values=None if provider else values)
        enable_model(administrator, model, enabled=False)
        provider = model.provider
        found.append(model)
    return found


def _prices(administrator: Principal, models: Sequence[LanguageModel]) -> None:
    first = (paris_date(timezone.now()) - timedelta(days=DAYS)).replace(day=1)
    values = BookValues(
        BOOK,
        None,
        first,
        None,
        "Prix inventés pour la démonstration : aucun fournisseur ne les pratique",
        first,
    )
    rates = [
        RateValues(model.id, model.display_name, unit, round(float(euros) * NANO))
        for model, one in zip(models, MODELS, strict=True)
        for unit, euros in one.euros.items()
    ]
    publish_book(write_book(administrator, None, values, rates), actor=administrator.actor)


def _students(here: Institution) -> dict[str, list[Profile]]:
    """More people than those with a card: figures are told of five at least."""
    found: dict[str, list[Profile]] = {}
    for place, (_component, name) in enumerate(TREE):
        group = Group.objects.get_or_create(institution=here, name=name)[0]
        for number in range(STUDENTS * place + 1, STUDENTS * (place + 1) + 1):
            person, _created = Person.objects.get_or_create(
                key=f"{Source.DEMO}:personne-{number}",
                defaults={"source": Source.DEMO, "display_name": f"Personne inventée n° {number}"},
            )
            profile, _created = Profile.objects.get_or_create(
                institution=here, person=person, role=Role.STUDENT, defaults={"detail": name}
            )
            group.profiles.add(profile)
        found[name] = list(group.profiles.all())
    return found


def _components(here: Institution, administrator: Principal) -> list[Node]:
    root, actor = place_of_institution(here.id), administrator.actor
    groups = [Group.objects.get(institution=here, name=group) for _name, group in TREE]
    return [
        add_place(root, NodeKind.COMPONENT, name=name, group=group, actor=actor)
        for (name, _group), group in zip(TREE, groups, strict=True)
    ]


def _uses(
    here: Institution,
    models: Sequence[LanguageModel],
    profiles: Mapping[str, Profile],
    groups: Mapping[str, Sequence[Profile]],
) -> list[Use]:
    small, large = models
    law, physics = ([one.person_id for one in groups[group]] for _component, group in TREE)
    staff = [profiles[key].person_id for key in ("delmas", "benali", "le-goff", "ferrand", "morvan", "kerjean")]
    app = create_app(here.id, name=APP, detail="Service d’appui à la pédagogie", groups=[], actor="system:demo")
    key, _token = create_key(app, name="Production", scopes=("models",), days=180, by=None, actor="system:demo")
    subjects = sorted(apps_of(here.id), key=lambda name: int(name.partition(":")[2]))
    uses = [
        Use(subject, model, people, a_day)
        for subject, model, people, a_day in zip(
            subjects,
            (small, small, large),
            (law, physics, [*law, *physics]),
            (46, 34, 18),
            strict=False,
        )
    ]
    return [
        *uses,
        Use("api", large, physics[:9], 9),
        Use("api", small, law[:9], 6),
        Use("api", large, staff, 8),
        Use("api", small, [app.person_id], 22, key.id),
    ]


def _calls(here: Institution, uses: Sequence[Use], components: Mapping[int, str], now: datetime) -> Iterator[Usage]:
    """Fewer at week-ends, more as the weeks go; the same whenever it is loaded on a day."""
    chance, sequence = Random(2026), 0  # noqa: S311 - nothing is kept secret by it
    today = paris_date(now)
    for back in range(DAYS, -1, -1):
        day = today - timedelta(days=back)
        share = (0.15 if day.weekday() > 4 else 1.0) * (0.5 + 0.5 * (DAYS - back) / DAYS)
        for use in uses:
            for _call in range(round(use.a_day * share * chance.uniform(0.7, 1.3))):
                sequence += 1
                at = datetime(day.year, day.month, day.day, chance.randint(8, 19), chance.randrange(60), tzinfo=PARIS)
                if at < now - timedelta(minutes=5):
                    yield _call_of(here, use, components, at, sequence, chance)


def _call_of(here: Institution, use: Use, components: Mapping[int, str], at: datetime, sequence: int, chance: Random) -> Usage:
    person_id = chance.choice(use.people)
    read, written = chance.randint(2_500, 14_000), chance.randint(120, 900)
    outcome = Outcome.CUT if chance.random() < 0.01 else Outcome.DONE
    milliseconds = written * 14
    return Usage(
        event=EventId(EPOCH, sequence),
        institution_id=here.id,
        occurred_at=at,
        model_id=use.model.id,
        model_name=use.model.name,
        quantities=Quantities(input_tokens=read, output_tokens=written, milliseconds=milliseconds),
        outcome=outcome,
        component=components.get(person_id, ""),
        app=use.app,
        person_id=person_id,
        key_id=use.key_id,
        carbon=estimated(use.model.name, zone="eu", output_tokens=written, milliseconds=milliseconds),
    )


def _budgets(nodes: Sequence[Node], administrator: Principal, coordinator: Principal, now: datetime) -> None:
    """Set today: what this month has spent is counted."""
    law, sciences = nodes
    root, actor = place_of_institution(administrator.institution_id), administrator.actor
    way_down = ("smaller", "queue", "extractive")
    spent = statements.ledger_lines(administrator.institution_id, paris_date(now).replace(day=1))
    by_component = {name: sum(line.amount_nano for line in spent if line.component == name) for name, _group in TREE}
    set_budget(root, measure="money", period="month", limit=40 * NANO, way_down=way_down, actor=actor)
    set_budget(root, measure="tokens", period="semester", limit=400_000_000, actor=actor)
    set_budget(root, measure="money", period="month", limit=3 * NANO, each=NodeKind.PERSON, way_down=way_down, actor=actor)
    set_budget(law, measure="money", period="month", limit=_rounded(by_component["UFR Droit"], 0.86), actor=actor)
    set_budget(sciences, measure="money", period="month", limit=_rounded(by_component["UFR Sciences"], 0.55), actor=actor)
    set_budget(
        alliance(), measure="money", period="year", limit=4_000 * NANO, each=NodeKind.INSTITUTION, actor=coordinator.actor
    )


def _rounded(spent: int, share: float) -> int:
    """A limit of which so much is spent, in whole euros."""
    return max(1, round(spent / share / NANO)) * NANO


def _state(administrator: Principal, now: datetime) -> None:
    """The last month, by component; then what was found wrong in it; and the vendor's invoice, a little too high."""
    month = (paris_date(now).replace(day=1) - timedelta(days=1)).replace(day=1)
    for name, street in (("", "1 rue imaginaire"), ("UFR Droit", "2 rue imaginaire"), ("UFR Sciences", "3 rue imaginaire")):
        legal = f"{name or 'Service des finances'} (démonstration)"
        party = InvoiceParty(legal, "00000000000000", "", street, "35000", "Rennes")
        statements.write_party(administrator, name, party)
    for name, _group in TREE:
        statements.make_statement(administrator, month, statements.Scope(component=name))
    _correct_one(administrator, month)
    counted: dict[str, int] = {}
    for line in statements.ledger_lines(administrator.institution_id, month):
        counted[line.model_name] = counted.get(line.model_name, 0) + line.amount_nano
    told = [
        Invoiced(f"{one.name}, mois entier", round(counted.get(one.name, 0) * share))
        for one, share in zip(MODELS, (1.0, 1.034), strict=True)
    ]
    statements.reconcile(
        administrator,
        month=month,
        agreement_id=None,
        file_name="facture-imaginaire.csv",
        data=b"facture imaginaire de la demonstration",
        invoice=told,
    )


def _correct_one(administrator: Principal, month: date) -> None:
    """The dearest call of a component is charged half: a credit note says so."""
    begins = datetime(month.year, month.month, 1, tzinfo=PARIS)
    rows = Transfer.objects.visible_to(administrator).filter(call__component="UFR Droit")
    rows = rows.filter(call__occurred_at__gte=begins, call__occurred_at__lt=begins + timedelta(days=28))
    for dearest in rows.order_by("-amount_nano", "id")[:20]:
        correct(dearest, actor=administrator.actor, reason="Appels doublés par un essai (invention)", amount_nano=0)
    statements.make_statement(administrator, month, statements.Scope(component="UFR Droit"))
