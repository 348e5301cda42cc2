"""What the page of a workshop shows: needs not attached yet, brought together by their texts, and a map of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from parvis.access.principal import Principal
from parvis.needs.clusters import Cell, Cluster, WorkshopMap, workshop_map
from parvis.needs.engine import group_of_harmonised, group_of_need, key_of_text, key_of_version
from parvis.needs.minutes import Line, Minutes
from parvis.needs.models import Answer, Attachment, HarmonisedNeed, Judgement, RawNeed, RawNeedText, Workshop
from parvis.needs.models.expressions import RawNeedQuerySet
from parvis.needs.models.harmonised import OPEN, HarmonisedNeedQuerySet
from parvis.needs.presentation import NeedView, need_view, person_words
from parvis.needs.similarity import Facets, Known

STEP = 44  # of the map's grid, in its own units
LETTER = 6.6  # mean width of a letter of a label


@dataclass(frozen=True, slots=True)
class Target:
    """A harmonised need that needs are brought to: institutions that accepted, proposals that wait."""

    id: int
    code: str
    title: str
    url: str
    accepted: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Card:
    number: int  # the need's own: it stays when another need leaves the map
    need: NeedView


@dataclass(frozen=True, slots=True)
class Part:
    """A suggested cluster, or the needs close to none (no label)."""

    label: str
    close_to: str  # code of a harmonised need, "" where none
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    x: int
    y: int
    words: str  # a number, or a code
    title: str
    url: str
    is_harmonised: bool


@dataclass(frozen=True, slots=True)
class Label:
    x: int
    y: int
    words: str


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    grounds: tuple[tuple[int, int], ...]  # cells of the clusters
    tiles: tuple[Tile, ...]
    labels: tuple[Label, ...]
    step: int = STEP


@dataclass(frozen=True, slots=True)
class Board:
    parts: tuple[Part, ...]
    targets: tuple[Target, ...]
    drawing: Drawing | None
    count: int
    domains: tuple[str, ...]


def board(principal: Principal, workshop: Workshop, domain: str = "") -> Board:
    """Raises clusters.TooManyTexts: a domain is then to be chosen."""
    targets = _targets(principal, workshop)
    free = _free(principal, targets)
    domains = free.exclude(current__domain="").order_by("current__domain").values_list("current__domain", flat=True).distinct()
    if domain:
        free = free.filter(current__domain=domain)
    needs = {key_of_text(need.wording.id): need for need in free.select_related("current", "institution", "author__person")}
    known = [_known(text.wording, group_of_need(text.id)) for text in needs.values()]
    found = workshop_map(known, _confirmed(principal, targets), different=_different(principal, needs.values()))
    parts = _parts(principal, found, needs, targets)
    return Board(
        parts=parts,
        targets=tuple(_target(need) for need in targets),
        drawing=_drawing(found, needs, targets) if needs else None,
        count=len(needs),
        domains=tuple(domains),
    )


def minutes_of(workshop: Workshop) -> Minutes:
    rows = list(workshop.minutes.select_related("profile__person", "profile__institution"))
    with override("fr"):
        people = dict.fromkeys(f"{person_words(row.profile)} ({row.profile.institution.short_name})" for row in rows)
        return Minutes(
            title=workshop.title,
            group=workshop.working_group.name,
            opened_at=timezone.localtime(workshop.opened_at),
            closed_at=timezone.localtime(workshop.closed_at) if workshop.closed_at else None,
            people=tuple(people),
            lines=tuple(Line(timezone.localtime(row.at), row.kind, row.profile.person.display_name, row.text) for row in rows),
        )


def _targets(principal: Principal, workshop: Workshop) -> list[HarmonisedNeed]:
    rows: HarmonisedNeedQuerySet = HarmonisedNeed.objects.visible_to(principal)
    return list(rows.living().filter(working_group=workshop.working_group_id).prefetch_related("versions", "attachments"))


def _free(principal: Principal, targets: Sequence[HarmonisedNeed]) -> RawNeedQuerySet:
    """Needs attached nowhere, and not proposed to this group's needs already."""
    waiting = Attachment.objects.visible_to(principal).filter(state__in=OPEN, harmonised__in=targets)
    rows: RawNeedQuerySet = RawNeed.objects.visible_to(principal)
    return rows.unattached().exclude(id__in=waiting.values("text__need")).order_by("id")


def _known(text: RawNeedText, group: int) -> Known:
    facets = Facets(text.domain, text.public, text.activity, text.data_class)
    return Known(key_of_text(text.id), group, text.title, text.text, facets)


def _confirmed(principal: Principal, targets: Sequence[HarmonisedNeed]) -> list[Known]:
    """Accepted excerpts of each need of the group; where it has none, its own words."""
    rows = Attachment.objects.visible_to(principal).accepted().filter(harmonised__in=targets).select_related("text")
    known = {(row.text_id, row.harmonised_id): _known(row.text, group_of_harmonised(row.harmonised_id)) for row in rows}
    spoken = {harmonised for _text, harmonised in known}
    words = []
    for need in targets:
        version = need.in_force or need.draft
        if version and need.id not in spoken:
            group = group_of_harmonised(need.id)
            words.append(Known(key_of_version(version.id), group, version.title, version.description))
    return [*known.values(), *words]


def _different(principal: Principal, needs: Iterable[RawNeed]) -> list[tuple[int, int]]:
    ids = [need.id for need in needs]
    said = Judgement.objects.visible_to(principal).filter(answer=Answer.DIFFERENT).filter(Q(need__in=ids))
    return [
        (group_of_need(one), group_of_harmonised(harmonised) if harmonised else group_of_need(other))
        for one, other, harmonised in said.values_list("need", "other_need", "harmonised")
    ]


def _target(need: HarmonisedNeed) -> Target:
    rows = list(need.attachments.all())
    return Target(
        id=need.id,
        code=need.code,
        title=need.title,
        url=reverse("needs:harmonised", args=[need.id]),
        accepted=len({row.institution_id for row in rows if row.state == "accepted"}),
        waiting=sum(row.state in OPEN for row in rows),
    )


def _parts(
    principal: Principal, found: WorkshopMap, needs: Mapping[int, RawNeed], targets: Sequence[HarmonisedNeed]
) -> tuple[Part, ...]:
    codes = {group_of_harmonised(need.id): need.code for need in targets}
    groups: list[tuple[str, str, Sequence[int]]] = [
        (_label(one), codes.get(one.group, "") if one.group is not None else "", one.keys) for one in found.clusters
    ]
    if found.alone:
        groups.append(("", "", found.alone))
    return tuple(
        Part(label, code, tuple(Card(needs[key].id, need_view(principal, needs[key])) for key in keys))
        for label, code, keys in groups
    )


def _label(cluster: Cluster) -> str:
    return ", ".join(cluster.label)


def _drawing(found: WorkshopMap, needs: Mapping[int, RawNeed], targets: Sequence[HarmonisedNeed]) -> Drawing:
    cells = [*found.cells.values(), *found.group_cells.values()]
    left, top = min(x for x, _y in cells), min(y for _x, y in cells)

    def place(cell: Cell) -> tuple[int, int]:
        return (cell[0] - left) * STEP, (cell[1] - top + 1) * STEP

    tiles = [
        Tile(*place(cell), str(needs[key].id), str(needs[key]), f"#need-{needs[key].id}", False)
        for key, cell in sorted(found.cells.items(), key=lambda item: item[1][::-1])
    ]
    for need in targets:
        if (cell := found.group_cells.get(group_of_harmonised(need.id))) is not None:
            tiles.append(Tile(*place(cell), need.code, need.title, reverse("needs:harmonised", args=[need.id]), True))
    grounds, labels = [], []
    for cluster in found.clusters:
        inside = [found.cells[key] for key in cluster.keys]
        if cluster.group is not None and cluster.group in found.group_cells:
            inside.append(found.group_cells[cluster.group])
        grounds += [place(cell) for cell in inside]
        labels.append(_placed_label(_label(cluster), [place(cell) for cell in inside]))
    width = max(x for x, _y in cells) - left + 1
    height = max(y for _x, y in cells) - top + 2
    return Drawing(width * STEP, height * STEP, tuple(grounds), tuple(tiles), tuple(labels))


def _placed_label(words: str, cells: Collection[tuple[int, int]]) -> Label:
    """Above the highest row of the cluster, cut to the cells that nothing else may take: one around it."""
    rows = defaultdict(list)
    for x, y in cells:
        rows[y].append(x)
    highest = min(rows)
    room = int((max(rows[highest]) - min(rows[highest]) + 2 * STEP) / LETTER) - 1
    short = words if len(words) <= room else words[: room - 1].rstrip(" ,") + "…"
    return Label(min(rows[highest]) + 4, highest - 6, short)
