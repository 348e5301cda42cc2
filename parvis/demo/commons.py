"""The needs commons of the demonstration: 141 needs, a dozen harmonised, three requests for information.

Everything passes through the actions of the pages, as the people who would have done it, on the days they would have.
"""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from parvis.demo.cast import Cast
from parvis.demo.clock import Clock, turned_back
from parvis.demo.decisions import decide, pay
from parvis.institutions.models import Profile, Role, WorkingGroup
from parvis.needs.actions import cosignatures, expressions, harmonised, workshops
from parvis.needs.actions.cosignatures import Word
from parvis.needs.actions.expressions import Words
from parvis.needs.models import Answer, HarmonisedNeed, RawNeed
from parvis.offers.actions import answers, openings, requests
from parvis.offers.actions.requests import Terms
from parvis.offers.answer import NANO, Company, Grid, Line, Price
from parvis.offers.models import KeyHolder, RequestForInformation
from parvis.offers.sealing import Cost

HERE = Path(__file__).parent
PASSPHRASE = "phrase secrète de démonstration"  # noqa: S105 - everybody's: the page where one signs in says so
QUICK = Cost(memory=13, passes=1)  # everybody knows the passphrase: a slower key would protect nothing more
PER_THEME = 5  # as many needs of each theme, one more of the first

# By which day, from today, each thing was done.
EXPRESSED, PROPOSED, ATTACHED, VOTED, OPENED, SIGNED, REVISED = -150, -100, -95, -75, -70, -65, -12
STAGES = ("proposed", "discussed", "voting", "stabilised", "cosigning", "revised", "asked", "awaited", "choosing")

# Who sits where: referents of these members, by the slug of their institution.
GROUPS = {
    "pedagogie": ("rennes", "ul", "sorbonne", "ut2j", "tours", "upec", "nimes"),
    "systemes-d-information": ("rennes", "um", "mines-paris", "cnam", "paris-saclay", "upjv"),
    "securite-des-donnees": ("ul", "sorbonne", "paris-saclay", "uha", "um"),
    "modele-economique": ("rennes", "cnam", "bordeaux-montaigne", "tours", "nimes"),
}
HOLDERS = ("rennes", "ul", "tours")  # of the keys


def load_commons(profiles: Mapping[str, Profile]) -> None:
    """All of it or nothing: within the caller's transaction, and only where no harmonised need is."""
    cast = Cast(list(profiles.values()))
    _seat(cast)
    if HarmonisedNeed.objects.visible_to(cast.coordinator).exists():
        return
    facts = tomllib.loads((HERE / "commons.toml").read_text(encoding="utf-8"))
    with turned_back() as clock:
        raw = _express(cast, clock, facts["themes"])
        _judge(cast, clock, raw)
        _gather(cast, clock)
        needs = _harmonise(cast, clock, facts["need"], raw)
        pay(cast, clock, needs)
        _ask(cast, clock, needs, facts["answer"])
        decide(cast, clock, needs["chatbot_scolarite"])
        _revise(cast, clock, needs["qcm"])
        _meet(cast, clock, raw)


def _seat(cast: Cast) -> None:
    for slug, members in GROUPS.items():
        group = WorkingGroup.objects.get(slug=slug)
        group.profiles.add(*(cast.profile(member, Role.REFERENT) for member in members))


def _express(cast: Cast, clock: Clock, themes: Mapping[str, Sequence[str]]) -> dict[str, list[RawNeed]]:
    """Each theme's needs come from as many institutions, which do not know of each other yet."""
    with (HERE / "needs.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    members = cycle(cast.members)
    needs: dict[str, list[RawNeed]] = defaultdict(list)
    for number, (theme, text) in enumerate(rows):
        domain, public, activity, data_class, service = themes[theme]
        words = Words(title_of(text), text, domain=domain, public=public, activity=activity, data_class=data_class)
        author = cast.referent(next(members))
        clock.go_to(EXPRESSED + number // 4, minutes=number % 4 * 97)
        need = expressions.write_need(author, words, service=service)
        expressions.validate_need(author, need)
        expressions.publish_need(author, need)
        needs[theme].append(RawNeed.objects.visible_to(author).select_related("institution", "current").get(id=need.id))
    return needs


def title_of(text: str) -> str:
    """The first words, as one would have named it: up to a colon, a bracket or a comma, whole where it is short."""
    title = text
    for mark in (" : ", " (", ", "):
        head, found, _rest = title.partition(mark)
        if found and len(title) > 60 and len(head) > 12:
            title = head
    if len(title) > 90:
        title = title[:90].rpartition(" ")[0] + "…"
    return title[0].upper() + title[1:]


def _judge(cast: Cast, clock: Clock, needs: Mapping[str, Sequence[RawNeed]]) -> None:
    """A few answers to "is this the same?", of the institution that wrote the first of the two."""
    clock.go_to(PROPOSED - 3)
    said = (
        ("qcm", 0, "qcm", 3, Answer.SAME),
        ("tuteur", 0, "tuteur", 3, Answer.SAME),
        ("moodle", 1, "pegase", 1, Answer.LINKED),
    )
    for theme, number, other, other_number, answer in (*said, ("transcription", 0, "compte_rendu", 2, Answer.DIFFERENT)):
        need = needs[theme][number]
        expressions.judge(cast.referent(need.institution.slug), need, needs[other][other_number], answer)


def _harmonise(
    cast: Cast, clock: Clock, facts: Sequence[Mapping[str, Any]], raw: Mapping[str, Sequence[RawNeed]]
) -> dict[str, HarmonisedNeed]:
    needs: dict[str, HarmonisedNeed] = {}
    for number, fact in enumerate(facts):
        clock.go_to(PROPOSED, minutes=number * 11)
        needs[fact["theme"]] = _propose(cast, fact)
    for number, fact in enumerate(facts):
        clock.go_to(ATTACHED + number)
        _attach(cast, needs[fact["theme"]], raw[fact["theme"]], only_begun=fact["stage"] == "proposed")
    for day, step in ((ATTACHED + 13, _discuss), (VOTED, _vote), (OPENED, _open)):
        for number, fact in enumerate(facts):
            clock.go_to(day, minutes=number * 11)
            step(cast, needs[fact["theme"]], fact)
    for number, fact in enumerate(facts):
        if _reached(fact, "cosigning"):
            _cosign(cast, clock, needs[fact["theme"]], number)
    return needs


def _reached(fact: Mapping[str, Any], stage: str) -> bool:
    return STAGES.index(fact["stage"]) >= STAGES.index(stage)


def _propose(cast: Cast, fact: Mapping[str, Any]) -> HarmonisedNeed:
    need = harmonised.propose(
        cast.coordinator,
        working_group=WorkingGroup.objects.get(slug=fact["group"]),
        title=fact["title"],
        description=fact["description"],
        scope=fact["scope"],
        out_of_scope=fact["out_of_scope"],
    )
    for level, text, verification in fact["requirements"]:
        harmonised.add_requirement(cast.coordinator, need, level=level, text=text, verification=verification)
    return need


def _attach(cast: Cast, need: HarmonisedNeed, raw: Sequence[RawNeed], *, only_begun: bool) -> None:
    """Each institution answers for its own: most accept, one has not answered yet, and once one refuses."""
    for number, one in enumerate(raw):
        text = one.wording
        first_clause = text.text.find(",") if len(text.text) > 80 else -1
        end = first_clause if first_clause > 40 else None
        attachment = harmonised.propose_attachment(cast.coordinator, text, need, end=end)
        owner = cast.referent(one.institution.slug)
        if number == PER_THEME - 1 and need.number % 4 == 0:
            reason = "Notre besoin porte aussi sur les agents, et pas seulement sur les étudiants."
            harmonised.refuse_attachment(owner, attachment, reason=reason)
        elif number != PER_THEME - 2 and not (only_begun and number):
            harmonised.accept_attachment(owner, attachment)


def _discuss(cast: Cast, need: HarmonisedNeed, fact: Mapping[str, Any]) -> None:
    if _reached(fact, "discussed"):
        harmonised.discuss(cast.coordinator, need)


def _vote(cast: Cast, need: HarmonisedNeed, fact: Mapping[str, Any]) -> None:
    if not _reached(fact, "voting"):
        return
    seats = GROUPS[fact["group"]]
    draft = harmonised.start_version(cast.coordinator, need)
    for number, member in enumerate(seats if _reached(fact, "stabilised") else seats[:2]):
        against = number == len(seats) - 1
        comment = "Il manque un engagement sur les délais de correction." if against else ""
        harmonised.vote(cast.referent(member), draft, in_favour=not against, comment=comment)
    if _reached(fact, "stabilised"):
        harmonised.stabilise(cast.coordinator, need)


def _open(cast: Cast, need: HarmonisedNeed, fact: Mapping[str, Any]) -> None:
    if _reached(fact, "cosigning"):
        harmonised.open_cosignature(cast.coordinator, need)


def _cosign(cast: Cast, clock: Clock, need: HarmonisedNeed, number: int) -> None:
    """Five to nine members, not the same for each need; Rennes has prepared some and signed others."""
    members = [*cast.members[number:], *cast.members[:number]][: 5 + number % 5]
    for rank, member in enumerate(members):
        clock.go_to(SIGNED + rank * 2, minutes=number * 11)
        word = Word(
            "pilot" if rank == 0 else "interested" if rank % 4 == 3 else "cosignatory",
            students=(2 + (rank * 7 + number) % 19) * 1_000,
            users=(1 + (rank * 3 + number) % 9) * 500,
            envelope_euros=None if rank % 3 == 2 else (8 + (rank * 5 + number * 3) % 30) * 1_000,
            horizon_date=date(clock.at(0).year + 1, 9, 1),
        )
        if member == "rennes" and number % 2:
            cosignatures.prepare(cast.referent(member), need, word)
        else:
            cosignatures.sign(cast.signatory(member), need, word)


@dataclass(frozen=True)
class Asked:
    """A request, by days from today."""

    theme: str
    title: str
    published: int
    answered: int
    deadline: int
    opened: int | None = None


REQUESTS = (
    Asked("chatbot_scolarite", "Assistants de scolarité pour les étudiants", -55, -40, -33, -32),
    Asked("transcription", "Transcription des cours enregistrés", -30, -10, -1),
    Asked("tuteur", "Tuteurs adossés aux cours", -8, -2, 24),
)
INTRODUCTION = (
    "Sondage d’une alliance de démonstration : le besoin, les éditeurs et leurs réponses sont inventés.\n\n"
    "Répondez une fois, pour tous les établissements. Chaque établissement choisira ensuite seul, ou ne choisira pas."
)


def _ask(cast: Cast, clock: Clock, needs: Mapping[str, HarmonisedNeed], given: Sequence[Mapping[str, Any]]) -> None:
    for asked in REQUESTS:
        need = HarmonisedNeed.objects.visible_to(cast.coordinator).get(id=needs[asked.theme].id)
        request = _publish(cast, clock, need, asked)
        _question(cast, clock, request, asked)
        for answer in given:
            if answer["theme"] == asked.theme:
                _answer(cast, clock, request, asked, answer)
        if asked.opened is not None:
            for rank, slug in enumerate(HOLDERS[: request.holders_needed]):
                now = clock.go_to(asked.opened, minutes=rank * 9)
                openings.contribute(cast.referent(slug), _holder(cast, request, slug), PASSPHRASE, now=now)


def _publish(cast: Cast, clock: Clock, need: HarmonisedNeed, asked: Asked) -> RequestForInformation:
    now = clock.go_to(asked.published - 3)
    noon = clock.at(asked.deadline, hour=12)
    holders = [cast.profile(slug, Role.REFERENT) for slug in HOLDERS]
    terms = Terms(asked.title, INTRODUCTION, noon - timedelta(days=4), noon, holders, 2)
    request = requests.prepare(cast.coordinator, need, terms, now=now)
    for slug in HOLDERS:
        requests.enrol(cast.referent(slug), _holder(cast, request, slug), PASSPHRASE, cost=QUICK)
    return requests.publish(cast.coordinator, request, now=clock.go_to(asked.published))


def _holder(cast: Cast, request: RequestForInformation, slug: str) -> KeyHolder:
    rows = KeyHolder.objects.editable_by(cast.referent(slug)).select_related("request")
    holder: KeyHolder = rows.get(request=request)
    return holder


def _question(cast: Cast, clock: Clock, request: RequestForInformation, asked: Asked) -> None:
    for vendor in ("griffon", "chimere"):
        requests.receive(cast.principal(vendor, Role.VENDOR), request, list(request.documents.all()))
    now = clock.go_to(asked.published + 2)
    text = "Les volumes sont-ils ceux de tous les établissements, ou de ceux qui ont cosigné ?"
    question = requests.ask(cast.principal("chimere", Role.VENDOR), request, text, now=now)
    now = clock.go_to(asked.published + 3)
    answer = "De ceux qui ont cosigné, à titre indicatif : aucun établissement ne s’engage par ce sondage."
    requests.publish_answer(cast.coordinator, question, published_text=text, answer=answer, now=now)


def _answer(cast: Cast, clock: Clock, request: RequestForInformation, asked: Asked, given: Mapping[str, Any]) -> None:
    vendor = cast.principal(given["vendor"], Role.VENDOR)
    now = clock.go_to(asked.answered)
    frame = answers.frame_of(request)
    key = answers.start(vendor, request, PASSPHRASE, cost=QUICK)
    answers.write(vendor, request, key, lambda _empty: grid_of(given, now.date()), frame=frame)
    answers.submit(vendor, request, key, frame=frame, now=now)


def grid_of(given: Mapping[str, Any], today: date) -> Grid:
    lines = (
        Line(f"EX-{number:03}", code, proof, today + timedelta(days=90) if code == "DEV" else None, comment)
        for number, (code, proof, comment) in enumerate(given["lines"], start=1)
    )
    prices = (Price(label, unit, round(euros * 100) * NANO // 100, tier) for label, unit, euros, tier in given["prices"])
    company = Company(
        product=given["product"],
        summary=given["summary"],
        processor=given["processor"],
        zone=given["zone"],
        no_training=True,
        no_training_date=today - timedelta(days=30),
        no_training_document="Attestation fictive",
        accessibility=given["accessibility"],
        reversibility=given["reversibility"],
    )
    return Grid(tuple(lines), tuple(prices), company)


def _revise(cast: Cast, clock: Clock, need: HarmonisedNeed) -> None:
    """A second version of a need that was co-signed: each word is to be confirmed, and one already is."""
    clock.go_to(REVISED)
    harmonised.edit_version(
        cast.coordinator,
        need,
        scope="Entraînement et auto-évaluation, de la première année au doctorat, en français et en anglais.",
    )
    text = "Les questions sont proposées dans la langue du support."
    harmonised.add_requirement(cast.coordinator, need, level="I", text=text, verification="Dix supports en anglais.")
    draft = harmonised.start_version(cast.coordinator, need)
    for member in GROUPS[need.working_group.slug][:5]:
        harmonised.vote(cast.referent(member), draft, in_favour=True)
    harmonised.stabilise(cast.coordinator, need)
    clock.go_to(REVISED + 2)
    confirmed = "upec"
    said = need.versions.get(number=1).cosignatures.filter(institution__slug=confirmed).first()
    if said:
        word = Word(said.engagement, said.students, said.users, said.envelope_euros, said.horizon_date)
        cosignatures.sign(cast.signatory(confirmed), need, word)


def _gather(cast: Cast, clock: Clock) -> None:
    """The session from which the first harmonised needs came, with its minutes."""
    clock.go_to(PROPOSED - 1)
    group = WorkingGroup.objects.get(slug="pedagogie")
    workshop = workshops.open_workshop(cast.coordinator, group, "Premier atelier : ce que nous avons en commun")
    lines = (
        ("roussel", "note", "Sept établissements présents. La carte rapproche vingt-huit thèmes ; le groupe en retient cinq."),
        ("rennes", "note", "Rennes et Lorraine ont écrit presque le même besoin de tuteur, sans s’être parlé."),
        ("upec", "note", "Le handicap doit être dans chaque besoin, et pas seulement dans le sien."),
        ("roussel", "decision", "Une exigence d’accessibilité de niveau primordial dans chaque besoin publié."),
        ("roussel", "decision", "La coordination propose ; chaque établissement accepte ou refuse pour lui-même."),
    )
    for number, (who, kind, text) in enumerate(lines):
        clock.go_to(PROPOSED - 1, minutes=10 + number * 13)
        principal = cast.coordinator if who == "roussel" else cast.referent(who)
        workshops.write(principal, workshop, kind=kind, text=text)
    clock.go_to(PROPOSED - 1, minutes=110)
    workshops.close(cast.coordinator, workshop)


def _meet(cast: Cast, clock: Clock, raw: Mapping[str, Sequence[RawNeed]]) -> None:
    """A session still open, in which a thirteenth need has just been proposed."""
    clock.go_to(-1)
    group = WorkingGroup.objects.get(slug="pedagogie")
    workshop = workshops.open_workshop(cast.coordinator, group, "Deuxième atelier : orientation et réussite")
    workshops.write(cast.coordinator, workshop, kind="note", text="Le groupe reprend les besoins rattachés à rien.")
    clock.go_to(-1, minutes=20)
    workshops.gather(
        cast.coordinator,
        workshop,
        raw["orientation"][:4],
        title="Conseiller sur l’orientation et l’insertion",
        description="Aider chacun à connaître ses possibilités, sans classer ni décider à sa place.",
    )
