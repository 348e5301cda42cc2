"""Rules as a table: who, by what. What most administrators see of them; it is written as policies that Cedar reads.

A column is a tool ("model:7"), or every tool of a kind ("model") but those that have a column of their own. A row is
everyone, an affiliation or a group. A tool may be used by who is allowed in one row at least, and refused in none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from parvis.access.engine import ACTIONS, Rule, read
from parvis.access.sensitivity import DATA_CLASSES

EVERYONE = "everyone"
COLUMN = re.compile(r"(assistant|model|corpus|key|budget)(:[a-z0-9]{1,20})?")
ROW = re.compile(r"everyone|affiliation:[a-z]{1,20}|group:[0-9]{1,18}")
KINDS = {"assistant": "Assistant", "model": "Model", "corpus": "Corpus", "key": "Key", "budget": "Budget"}
# The conditions that a cell may set, by kind, beside a last day: a key computes nothing, and only a key has an age.
CONDITIONS: dict[str, tuple[str, ...]] = {kind: ("on_prem", "course", "up_to") for kind in KINDS}
CONDITIONS |= {"key": ("days",), "budget": ()}


@dataclass(frozen=True, slots=True)
class Cell:
    allowed: bool
    until: date | None = None  # that day included
    on_prem: bool = False  # only what is computed on the institution's own servers
    course: bool = False  # only for courses
    up_to: str = ""  # only data of this class or of a less sensitive one
    days: int | None = None  # of a key: at most so many from its creation to its end


Column = Mapping[str, Cell]
Matrix = Mapping[str, Column]

# What holds where nothing was decided: the doors as they are.
OPEN: Matrix = {kind: {EVERYONE: Cell(allowed=True)} for kind in KINDS}


def to_json(matrix: Matrix) -> dict[str, Any]:
    return {
        column: {row: {**asdict(cell), "until": cell.until and cell.until.isoformat()} for row, cell in cells.items()}
        for column, cells in matrix.items()
    }


def from_json(stored: Mapping[str, Any]) -> Matrix:
    """Raises ValueError, TypeError or KeyError for what `to_json` never gave."""
    return {
        _checked(COLUMN, column): {
            _checked(ROW, row): Cell(**{**cell, "until": date.fromisoformat(cell["until"]) if cell["until"] else None})
            for row, cell in cells.items()
        }
        for column, cells in stored.items()
    }


def _checked(pattern: re.Pattern[str], name: str) -> str:
    if not pattern.fullmatch(name):
        raise ValueError(name)
    return name


def replaced(matrix: Matrix, column: str, cells: Column | None) -> Matrix:
    """The matrix with another column; None takes a tool's own column away: it follows those of its kind again."""
    others = {name: kept for name, kept in matrix.items() if name != column}
    return others if cells is None else {**others, column: cells}


def policies(matrix: Matrix, *, zone: tzinfo, titles: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Each cell as its identifier and the policy that says it. `titles` are the names of rows and columns, for people."""
    titles = titles or {}
    written = []
    for column, cells in sorted(matrix.items()):
        own = sorted(name.partition(":")[2] for name in matrix if name.startswith(f"{column}:"))
        for row, cell in sorted(cells.items()):
            title = " · ".join(" ".join(titles.get(name, name).split()) for name in (row, column))
            written.append((f"{column} {row}", f"// {title}\n{_policy(column, row, cell, own, zone)}"))
    return written


def text(matrix: Matrix, others: Sequence[str] = (), **kwargs: Any) -> str:
    """The whole matrix as policies, then the rules that it does not hold."""
    return "\n\n".join([source for _, source in policies(matrix, **kwargs)] + list(others)) + "\n"


def split(matrix: Matrix, rules: Sequence[Rule], *, zone: tzinfo) -> tuple[Matrix, list[Rule]]:
    """The cells that are still in these rules, and the rules that are no cell: written or changed as text."""
    written = policies(matrix, zone=zone)
    meanings = dict(zip((name for name, _ in written), read("\n".join(source for _, source in written)), strict=True))
    found: set[str] = set()
    others = []
    for rule in rules:
        if rule.name in meanings and rule.name not in found and meanings[rule.name].meaning == rule.meaning:
            found.add(rule.name)
        else:
            others.append(rule)
    kept = {
        column: {row: cell for row, cell in cells.items() if f"{column} {row}" in found} for column, cells in matrix.items()
    }
    return kept, others


def _policy(column: str, row: str, cell: Cell, own: Sequence[str], zone: tzinfo) -> str:
    kind, _, identifier = column.partition(":")
    entity = KINDS[kind]
    resource = f'resource == {entity}::"{identifier}"' if identifier else f"resource is {entity}"
    lines = [
        f'@id("{column} {row}")',
        f'{"permit" if cell.allowed else "forbid"} ({_principal(row)}, action == Action::"{ACTIONS[entity]}", {resource})',
    ]
    if conditions := _conditions(entity, cell, zone):
        lines.append(f"when {{ {' && '.join(conditions)} }}")
    if own:
        names = ", ".join(f'{entity}::"{one}"' for one in own)
        lines.append(f"unless {{ [{names}].contains(resource) }}")
    return "\n".join(lines) + ";"


def _principal(row: str) -> str:
    kind, _, identifier = row.partition(":")
    return "principal" if kind == EVERYONE else f'principal in {kind.capitalize()}::"{identifier}"'


def _conditions(entity: str, cell: Cell, zone: tzinfo) -> list[str]:
    conditions = []
    if cell.until:
        end = datetime.combine(cell.until + timedelta(days=1), time(), zone)
        conditions.append(f'context.now < datetime("{end:%Y-%m-%dT%H:%M:%S%z}")')
    meant = CONDITIONS[entity.lower()]
    if cell.on_prem and "on_prem" in meant:
        conditions.append(f'{"resource" if entity == "Model" else "context"}.zone == Zone::"on_prem"')
    if cell.course and "course" in meant:
        conditions.append(f'{"context" if entity == "Model" else "resource"}.purpose == Purpose::"course"')
    if cell.up_to and "up_to" in meant:
        named = ", ".join(f'DataClass::"{one}"' for one in DATA_CLASSES[: DATA_CLASSES.index(cell.up_to) + 1])
        conditions.append(f"[{named}].contains(context.data_class)")
    if cell.days is not None and "days" in meant:
        conditions.append(f"context.days <= {cell.days:d}")
    return conditions
