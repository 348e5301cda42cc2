"""Checks of this installation: what is right, what is not, and how to mend it."""

from __future__ import annotations

import json as json_module
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from parvis.cli.terminal import Exit, demo_data, out, start
from parvis.cli.words import gettext as _
from parvis.cli.words import ngettext

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """One check: its verdict, what was seen, and what to do about it ("" when nothing)."""

    check: str
    verdict: Verdict
    seen: str
    mend: str = ""


def doctor(
    demo: Annotated[bool, typer.Option("--demo", help=_("Check the demonstration instead."))] = False,
    json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    start(data_dir=demo_data() if demo else None, demo=demo, with_database=False)
    findings = list(_findings())
    if json:
        typer.echo(json_module.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        out.print(_table(findings))
    if any(finding.verdict == "failed" for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _findings() -> Iterator[Finding]:
    yield _disk()
    database = _database()
    yield database
    if database.verdict != "failed":
        tables = _migrations()
        yield tables
        if tables.verdict == "ok":
            yield _isolation()
            yield _engine()
            yield _documents()
            yield _models()
            yield _secrets()
    yield _recognition()


def _disk() -> Finding:
    from django.conf import settings

    folder: Path = settings.DATA_DIR
    name = _("Disk")
    if not os.access(folder, os.W_OK):
        return Finding(name, "failed", _("%s cannot be written.") % folder, _("Give it to the account that runs Parvis."))
    free = shutil.disk_usage(folder).free
    seen = _("%(free).1f GB free in %(folder)s") % {"free": free / 1e9, "folder": folder}
    if free < 1e9:
        return Finding(name, "failed", seen, _("Make room: at least 1 GB, or set PARVIS_DATA_DIR elsewhere."))
    return Finding(name, "warning" if free < 5e9 else "ok", seen, _("Plan for more room.") if free < 5e9 else "")


def _database() -> Finding:
    from django.db import DatabaseError, connection

    from parvis.cli.configuration import probe, reason

    name = _("Database")
    if connection.vendor == "sqlite" and not _is_made(path := Path(connection.settings_dict["NAME"])):
        return Finding(name, "failed", _("There is none yet in %s") % path.parent, _how_to_make_it())
    try:
        probe()
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA quick_check(1)")
                if (verdict := cursor.fetchone()[0]) != "ok":
                    return Finding(name, "failed", f"SQLite: {verdict}", _("Restore the latest backup of parvis.sqlite3."))
                return Finding(name, "ok", f"SQLite {sqlite3.sqlite_version}, {connection.settings_dict['NAME']}")
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
    except DatabaseError as problem:
        if connection.vendor == "sqlite":
            return Finding(name, "failed", f"SQLite: {problem}", _("Restore the latest backup of parvis.sqlite3."))
        return Finding(name, "failed", reason(problem), _("Check PARVIS_DATABASE_URL and that the server is running."))
    old = int(version.split(".")[0]) < 15
    return Finding(name, "failed" if old else "ok", f"PostgreSQL {version}", _("Use PostgreSQL 15 or newer.") if old else "")


def _is_made(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _how_to_make_it() -> str:
    if _is_made(demo_data() / "parvis.sqlite3"):
        return _("The demonstration is in %s. To check it: parvis doctor --demo") % demo_data()
    return _("Run: parvis serve, which makes it, or name another folder with PARVIS_DATA_DIR.")


def _migrations() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    name = _("Tables")
    if waiting:
        return Finding(
            name,
            "failed",
            ngettext("%d migration is waiting.", "%d migrations are waiting.", waiting) % waiting,
            _("Run: parvis serve, which applies them."),
        )
    return Finding(name, "ok", _("up to date"))


def _isolation() -> Finding:
    from parvis.access.isolation import BROKEN, standing

    found = standing()
    return Finding(_("Isolation"), "failed" if found.state == BROKEN else "ok", found.text, found.mend)


def _engine() -> Finding:
    from django.db import DatabaseError

    from parvis.corpora.inventory import passage_counts

    name = _("Search engine")
    try:
        passages, indexed = passage_counts()
    except DatabaseError as problem:
        return Finding(name, "failed", str(problem).splitlines()[0], _("Run: parvis serve, which makes the tables."))
    seen = _("%(indexed)d of %(passages)d passages indexed") % {"indexed": indexed, "passages": passages}
    if passages != indexed:
        return Finding(name, "failed", seen, _("Stop the server, then run: parvis corpus reindex"))
    return Finding(name, "ok", seen)


def _documents() -> Finding:
    from parvis.corpora.inventory import document_counts
    from parvis.corpora.models import DocumentState

    counts = document_counts()
    states = [_("%(state)s: %(count)d") % {"state": state, "count": count} for state, count in sorted(counts.items())]
    seen = ", ".join(states) or _("none yet")
    failed = counts.get(str(DocumentState.FAILED.label), 0)
    return Finding(_("Documents"), "warning" if failed else "ok", seen, _("See each failure in its course.") if failed else "")


def _models() -> Finding:
    from parvis.inference.inventory import usable_model_count

    count = usable_model_count()
    if not count:
        return Finding(_("Models"), "ok", _("none: answers are made of quotations"), "")
    return Finding(
        _("Models"),
        "ok",
        ngettext("%d configured; try it in the page Models", "%d configured; try each in the page Models", count) % count,
    )


def _secrets() -> Finding:
    from parvis.access.secrets.actions import inspect
    from parvis.access.secrets.keyring import KeyringError, is_private

    name = _("Stored secrets")
    try:
        found = inspect()
    except KeyringError:
        mend = _("Restore the file of keys (PARVIS_KEYRING) from a backup.")
        return Finding(name, "failed", _("the file of keys cannot be read"), mend)
    if found.sealed and not is_private():
        return Finding(
            name, "failed", _("others can read the file of keys"), _("Run: chmod 600 on the file PARVIS_KEYRING names.")
        )
    seen = ngettext("%d sealed", "%d sealed", found.sealed) % found.sealed
    if count := len(found.unreadable):
        seen += ", " + ngettext("%d does not open", "%d do not open", count) % count
        return Finding(name, "warning", seen, _("Type them again in their pages, or restore the file of keys they need."))
    return Finding(name, "ok", seen)


def _recognition() -> Finding:
    name = _("Text recognition (OCR)")
    if shutil.which("tesseract") is None:
        mend = _("To read scanned pages: apt install tesseract-ocr tesseract-ocr-fra")
        return Finding(name, "warning", _("tesseract is not installed"), mend)
    import subprocess

    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=False, timeout=20)  # noqa: S607
    if "fra" not in listed.stdout.split():
        return Finding(name, "warning", _("tesseract has no French"), _("Run: apt install tesseract-ocr-fra"))
    return Finding(name, "ok", _("tesseract with French"))


def file_system_of(path: Path) -> str:
    """The type of the file system that holds `path`, as the kernel names it; "" where there is no /proc/mounts."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    rows = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    resolved = path.resolve()
    holding = [row for row in rows if resolved.is_relative_to(row[1].replace("\\040", " "))]
    return max(holding, key=lambda row: len(row[1]))[2] if holding else ""


def _table(findings: list[Finding]) -> Table:
    marks = {"ok": "[green]✓[/]", "warning": "[yellow]![/]", "failed": "[red]✗[/]"}
    table = Table("", _("Check"), _("Seen"), _("What to do"))
    for finding in findings:
        table.add_row(marks[finding.verdict], finding.check, finding.seen, finding.mend)
    return table
