"""What every command shares: two consoles, exit codes, and starting Django on the right data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from parvis.cli.words import gettext as _
from parvis.cli.words import language

if TYPE_CHECKING:
    from parvis.corpora.models import Document

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)


class Exit(IntEnum):
    """Exit codes, the same for every command; documented in docs/command-line.md."""

    DONE = 0
    FAILED = 1  # something is wrong with this installation
    BAD_INPUT = 2
    ABSTAINED = 3  # the documents do not answer


def stop(sentence: str, code: Exit = Exit.BAD_INPUT) -> NoReturn:
    """Ends the command with one sentence on the error stream."""
    err.print(sentence, style="red", markup=False)
    raise typer.Exit(code)


def start(
    *,
    data_dir: Path | None = None,
    demo: bool = False,
    variable: str = "PARVIS_DATA_DIR",
    with_database: bool = True,
) -> None:
    """Starts Django, once, on `data_dir`, which `variable` moves elsewhere, or else on what the environment says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
    if data_dir is not None:
        os.environ["PARVIS_DATA_DIR"] = str(data_dir)
    if demo:
        os.environ["PARVIS_DEMO"] = "1"
    # Imported here: the settings are read from the environment at this instant.
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.utils import translation

    from parvis.cli.configuration import probe, sentence, unknown_variable
    from parvis.isolation.scope import begin

    try:
        django.setup()
    except ImproperlyConfigured as problem:
        stop(sentence(problem, variable))
    begin("command line")
    translation.activate(language())
    for name in settings.UNKNOWN_VARIABLES:
        err.print(unknown_variable(name), style="yellow", markup=False)
    if with_database:
        probe()


def demo_data() -> Path:
    """Where the demonstration keeps its data."""
    return Path(os.environ.get("PARVIS_DATA_DIR", "var/demo")).resolve()


def migrate() -> bool:
    """Brings the database to this version, as the owner of its tables. True when there was something to do."""
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    connection = connections[_owner_alias()]
    if connection.vendor == "sqlite":
        _keep_to_oneself(Path(connection.settings_dict["NAME"]))
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    bring_up_to_date()
    return True


def bring_up_to_date() -> None:
    """Applies what waits, and makes the policies again even if nothing does: the secret key may have changed."""
    from django.core.management import call_command
    from django.db import connections

    alias = _owner_alias()
    if connections[alias].vendor == "postgresql":
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')")
            if not cursor.fetchone()[0]:
                stop(
                    _(
                        "This role of PostgreSQL owns no table. Name their owner with PARVIS_DATABASE_OWNER_URL, then run:"
                        " parvis migrate"
                    )
                )
    call_command("migrate", database=alias, verbosity=0, interactive=False)


def _owner_alias() -> str:
    from django.db import connections

    return "owner" if "owner" in connections else "default"


def as_owner() -> None:
    """From here on this command is the owner of the tables, where that is another role: only an owner rewrites their files."""
    from django.db import connection, connections

    if "owner" in connections:
        connection.close()
        connection.settings_dict.update(connections["owner"].settings_dict)


def _keep_to_oneself(database: Path) -> None:
    """Its journals take the rights of the file they belong to."""
    database.touch(mode=0o600)
    for path in (database, *database.parent.glob(f"{database.name}-*")):
        with suppress(OSError):  # of another owner, who decides
            path.chmod(0o600)


@contextmanager
def reading_progress(console: Console) -> Iterator[Callable[[Document, int, int | None], None]]:
    """One bar a document, by page, for `corpora.jobs.run_worker`."""
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    tasks: dict[int, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def on_progress(document: Document, page: int, pages: int | None) -> None:
            if document.id not in tasks:
                name = document.name if len(document.name) < 48 else document.name[:45] + "…"
                tasks[document.id] = progress.add_task(name.replace("[", "\\["), total=pages)
            progress.update(tasks[document.id], completed=page, total=pages)

        yield on_progress
