"""Evidence from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from parvis.cli.terminal import Exit, migrate, out, start, stop
from parvis.cli.words import gettext as _
from parvis.cli.words import language

app = typer.Typer(no_args_is_help=True)


@app.command("verify", help=_("Verify an export of the log, or a proof. Exit code 1: something does not hold."))
def verify(
    file: Annotated[Path, typer.Argument(help=_("An export of the log, or a proof."))],
    key: Annotated[str, typer.Option(help=_("The public key that the institution published."))] = "",
    head: Annotated[list[Path] | None, typer.Option(help=_("A signed head got from elsewhere."))] = None,
) -> None:
    # Nothing of Django, and no database: what is verified may be another installation's.
    from parvis.audit import verifier

    try:
        pinned = verifier.Key.read(key) if key else None
        known = [path.read_text(encoding="utf-8") for path in head or ()]
        with file.open("rb") as content:
            result = verifier.verify(content, pinned, known)
    except OSError as problem:
        stop(_("There is nothing to read at %s.") % (problem.filename or file))
    except ValueError as problem:
        stop(_("This is no file of evidence: %s") % problem)
    typer.echo(verifier.report(result, french=language() == "fr"))
    raise typer.Exit(Exit.DONE if result.holds else Exit.FAILED)


@app.command("sign", help=_("Number the entries that wait and sign the heads. The worker does it too."))
def sign() -> None:
    start()
    migrate()
    from parvis.audit.actions import integrate_all

    out.print(_("Entries numbered: %d") % integrate_all(), markup=False)


@app.command("rotate-key", help=_("Sign with another key from now on. The former one names it."))
def rotate_key() -> None:
    start()
    migrate()
    from parvis.audit.actions import KeyMissingError
    from parvis.audit.actions import rotate_key as rotate

    try:
        key = rotate()
    except KeyMissingError as problem:
        sentence = _("The private key is missing from the data folder: %s. Restore it from a backup.")
        stop(sentence % problem, Exit.FAILED)
    typer.echo(_("New public key, to give to the members who watch your logs: %s") % key)
