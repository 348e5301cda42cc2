"""The key that encrypts stored secrets."""

from __future__ import annotations

import typer

from parvis.cli.terminal import Exit, err, migrate, out, start, stop
from parvis.cli.words import gettext as _
from parvis.cli.words import ngettext

app = typer.Typer(no_args_is_help=True)


@app.command("rotate", help=_("Make a new key and seal every stored secret again under it. The server may go on meanwhile."))
def rotate() -> None:
    start()
    migrate()
    from parvis.access.secrets import actions
    from parvis.access.secrets.keyring import KeyringError, RotatingError

    try:
        rotated = actions.rotate()
    except RotatingError:
        stop(_("Another process rotates the keys."), Exit.FAILED)
    except KeyringError:
        stop(_("The file of keys cannot be read or written: nothing was changed."), Exit.FAILED)
    if rotated.was_interrupted:
        out.print(_("A rotation had been interrupted: it is ended."), markup=False)
    count = rotated.sealed_again
    out.print(ngettext("%d secret sealed again.", "%d secrets sealed again.", count) % count, markup=False)
    for place in rotated.unreadable:
        err.print(_("No key opens the secret of %s: type it again in its page.") % place, style="yellow", markup=False)


@app.callback()
def secrets() -> None:
    """One verb for now; the noun stays."""
