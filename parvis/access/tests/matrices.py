"""Random matrices, people, tools and moments, and what a matrix means, said without Cedar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from parvis.access.engine import AFFILIATIONS, HIGH_RISK, PURPOSES, Context, Person, Tool
from parvis.access.matrix import EVERYONE, KINDS, Cell, Matrix
from parvis.access.sensitivity import DATA_CLASSES, ZONES

PARIS = ZoneInfo("Europe/Paris")
GROUPS = tuple(str(number) for number in range(1, 7))
IDENTIFIERS = ("1", "2", "3", "4")
DAYS = tuple(date(2026, 10, 20) + timedelta(days=number) for number in range(12))  # the clock changes on the 25th


@dataclass(frozen=True)
class Case:
    person: Person
    tool: Tool
    context: Context


def random_matrix(random: Random) -> Matrix:
    columns = [kind for kind in KINDS if random.random() < 0.9]
    columns += [f"{kind}:{one}" for kind in KINDS for one in IDENTIFIERS if random.random() < 0.3]
    rows = [EVERYONE, *(f"affiliation:{one}" for one in AFFILIATIONS[:4]), *(f"group:{one}" for one in GROUPS)]
    return {
        column: {row: _cell(random, column.partition(":")[0]) for row in rows if random.random() < 0.3} for column in columns
    }


def cases(random: Random, count: int) -> Iterator[Case]:
    people = [_person(random, number) for number in range(12)]
    for _ in range(count):
        yield Case(random.choice(people), _tool(random), _context(random))


def expected(matrix: Matrix, case: Case) -> bool:
    """What a matrix means: a line for each sentence of its help."""
    kind = case.tool.kind.lower()
    column = matrix.get(f"{kind}:{case.tool.id}", matrix.get(kind, {}))
    holding = [cell for row, cell in column.items() if _is_of(case.person, row) and _holds(cell, case)]
    return case.context.purpose not in HIGH_RISK and any(c.allowed for c in holding) and all(c.allowed for c in holding)


def _is_of(person: Person, row: str) -> bool:
    kind, _, name = row.partition(":")
    return (
        kind == EVERYONE
        or (kind == "affiliation" and name == person.affiliation)
        or (kind == "group" and name in person.groups)
    )


def _holds(cell: Cell, case: Case) -> bool:
    zone = case.tool.zone if case.tool.kind == "Model" else case.context.zone
    purpose = case.context.purpose if case.tool.kind == "Model" else case.tool.purpose
    in_time = cell.until is None or case.context.now.astimezone(PARIS).date() <= cell.until
    if case.tool.kind == "Budget":
        return in_time
    if case.tool.kind == "Key":
        return in_time and (cell.days is None or case.context.days <= cell.days)
    in_class = not cell.up_to or DATA_CLASSES.index(case.context.data_class) <= DATA_CLASSES.index(cell.up_to)
    return in_time and in_class and (zone == "on_prem" or not cell.on_prem) and (purpose == "course" or not cell.course)


def _cell(random: Random, kind: str) -> Cell:
    until = random.choice(DAYS) if random.random() < 0.3 else None
    if kind == "budget":
        return Cell(random.random() < 0.7, until=until)
    if kind == "key":
        return Cell(random.random() < 0.7, until=until, days=random.choice((None, 7, 90)))
    up_to = random.choice(DATA_CLASSES) if random.random() < 0.2 else ""
    return Cell(random.random() < 0.7, until=until, on_prem=random.random() < 0.2, course=random.random() < 0.2, up_to=up_to)


def _person(random: Random, number: int) -> Person:
    groups = frozenset(group for group in GROUPS if random.random() < 0.3)
    return Person(str(number), random.choice(AFFILIATIONS[:4]), groups, "1")


def _tool(random: Random) -> Tool:
    kind, identifier = random.choice(list(KINDS.values())), random.choice((*IDENTIFIERS, "99"))
    if kind == "Model":
        return Tool(kind, identifier, zone=random.choice(ZONES))
    if kind in ("Key", "Budget"):
        return Tool(kind, identifier)
    return Tool(kind, identifier, purpose=random.choice(PURPOSES))


def _context(random: Random) -> Context:
    midnight = datetime.combine(random.choice(DAYS), time(), PARIS)
    now = midnight + timedelta(seconds=random.choice((-1, 0, 1, 40_000)))
    purpose = random.choice(PURPOSES) if random.random() < 0.95 else random.choice(HIGH_RISK)
    return Context(
        now.astimezone(UTC),
        random.choice(ZONES),
        purpose,
        random.choice(DATA_CLASSES),
        random.random() < 0.5,
        random.choice((1, 7, 8, 90, 91)),
    )
