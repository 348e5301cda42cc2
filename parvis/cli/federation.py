"""Federations of identity providers, and the keys of this service in them."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer
from rich.table import Column, Table

from parvis.cli.terminal import Exit, migrate, out, start, stop
from parvis.cli.words import gettext as _

app = typer.Typer(no_args_is_help=True)
keys = typer.Typer(no_args_is_help=True)
app.add_typer(keys, name="key", help=_("Keys with which this service signs and is written to: list, new, use, retire."))

Number = Annotated[int, typer.Argument(help=_("Number, as “list” gives it."))]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON."))]


@app.command("list", help=_("List the federations, how many providers each has, and when it was read."))
def list_federations(json: Json = False) -> None:
    start()
    migrate()
    from parvis.federation.saml.inventory import federations

    rows = federations()
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("id", _("Institution"), _("Federation"), _("Providers"), _("Read"), _("Valid until"), _("Problem"))
    for row in rows:
        table.add_row(*map(str, row.values()))
    out.print(table)


@app.command(
    "refresh", help=_("Read a federation now, or all of them. The worker does it every hour. Exit code 1: one cannot be.")
)
def refresh(number: Annotated[int, typer.Argument(help=_("Number of one federation; all if left out."))] = 0) -> None:
    start()
    migrate()
    from parvis.federation.saml.inventory import refresh_now

    results = refresh_now(number)
    if number and not results:
        stop(_("There is no federation %d. See: parvis federation list.") % number)
    for name, providers, problem in results:
        line = problem or _("%d providers") % providers
        out.print(f"{name}: {line}", markup=False)
    if any(problem for _name, _providers, problem in results):
        raise typer.Exit(Exit.FAILED)


@keys.command("list", help=_("List the keys of this service: all are announced in its metadata, one signs."))
def list_keys(json: Json = False) -> None:
    start()
    migrate()
    from parvis.federation.saml.actions import service_keys

    rows = [
        {"id": key.id, "made": key.made_at.date().isoformat(), "signs": key.is_in_use, "fingerprint": key.fingerprint}
        for key in service_keys()
    ]
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("id", _("Made"), _("Signs"), Column("SHA-256", overflow="fold"))
    for row in rows:
        table.add_row(str(row["id"]), str(row["made"]), _("yes") if row["signs"] else "", str(row["fingerprint"]))
    out.print(table)


@keys.command("new", help=_("Announce a new key. Wait until federations have read the metadata, some days, before it signs."))
def new_key() -> None:
    start()
    migrate()
    from parvis.federation.saml.actions import announce_key, service_keys

    key = announce_key(in_use=not service_keys())
    out.print(_("Key %(number)d is announced. To sign with it: parvis federation key use %(number)d") % {"number": key.id})


@keys.command("use", help=_("Sign with a key from now on; the one before stays announced."))
def use(number: Number) -> None:
    start()
    migrate()
    from parvis.federation.saml.actions import use_key

    if not use_key(number):
        stop(_("There is no key %d. See: parvis federation key list.") % number)
    out.print(_("Key %d signs from now on.") % number)


@keys.command("retire", help=_("Announce a key no more: nothing written for it is read from now on."))
def retire(number: Number) -> None:
    start()
    migrate()
    from parvis.federation.saml.actions import retire_key

    if not retire_key(number):
        stop(_("Key %d does not exist, or is the one that signs.") % number)
    out.print(_("Key %d is retired.") % number)
