"""A table of measured figures beside their targets, and the same as JSON.

report = Report("Retrieval")
report.row("nDCG@10, PIAF own: ours / best BM25", 1.031, ">= 1.02", note="tantivy .802")
report.finish(args.json)        # exit status: 0, all targets met; 1, some missed
"""

from __future__ import annotations

import json
import math
import operator
import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_TARGET = re.compile(r"\s*(>=|<=|==|<|>)?\s*(-?[\d.]+)\s*$")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `met` is None for a figure without a target, which is there to be read."""

    name: str
    value: float
    target: str
    unit: str
    note: str
    met: bool | None


@dataclass(slots=True)
class Report:
    title: str
    rows: list[Row] = field(default_factory=list)

    def row(self, name: str, value: float, target: str | float | None = None, unit: str = "", note: str = "") -> Row:
        """Adds a figure and says it at once on standard error. `target` reads ">= 1.02", "<= 3"; a bare number is
        a least value; a figure that is not a number misses its target."""
        text = "" if target is None else str(target)
        row = Row(name, float(value), text, unit, note, _met(float(value), text))
        self.rows.append(row)
        print(f"  {name}: {_figure(row.value)} {unit} {f'(target {text})' if text else ''} {note}", file=sys.stderr)
        return row

    def print(self) -> None:
        table = Table(title=self.title, title_justify="left", caption=f"{platform.python_version()}, {_cores()} cores")
        for heading in ("Figure", "Measured", "Target", "", "Note"):
            table.add_column(heading, justify="right" if heading in ("Measured", "Target") else "left")
        for row in self.rows:
            said = {True: "[green]met[/]", False: "[bold red]missed[/]", None: ""}[row.met]
            table.add_row(row.name, f"{_figure(row.value)} {row.unit}".strip(), row.target, said, row.note)
        Console(width=None if sys.stdout.isatty() else 160).print(table)

    def finish(self, json_path: Path | str | None = None) -> int:
        """Prints the table, writes the JSON where asked, and gives the exit status."""
        self.print()
        if json_path:
            content = {"title": self.title, "cores": _cores(), "rows": [asdict(row) for row in self.rows]}
            Path(json_path).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return int(any(row.met is False for row in self.rows))


def _met(value: float, target: str) -> bool | None:
    if not target:
        return None
    match = _TARGET.match(target)
    if match is None:
        raise ValueError(f"unreadable target {target!r}")
    return _COMPARISONS[match[1] or ">="](value, float(match[2]))


def _figure(value: float) -> str:
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value)}"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
