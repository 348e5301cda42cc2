"""API keys from the command line: for a program that runs where nobody opens a page."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from parvis.cli.terminal import migrate, out, start, stop
from parvis.cli.words import gettext as _

if TYPE_CHECKING:
    from parvis.institutions.models import Profile

app = typer.Typer(no_args_is_help=True)

ACTOR = "system:command-line"
Institution = Annotated[str, typer.Option(help=_("Short name of the institution."))]


@app.command("create", help=_("Make a key for a person or an application, and print it: it is shown this once."))
def create(
    name: Annotated[str, typer.Argument(help=_("What the key is for."))],
    institution: Institution,
    person: Annotated[str, typer.Option(help=_("Identifier of the person, as parvis person list shows it."))] = "",
    application: Annotated[str, typer.Option("--app", help=_("Name of the application; made if it is new."))] = "",
    scope: Annotated[list[str] | None, typer.Option(help=_("list, ask or models; several times for several."))] = None,
    days: Annotated[int, typer.Option(help=_("For how many days it opens anything."))] = 90,
) -> None:
    start()
    migrate()
    from parvis.access.keys import actions
    from parvis.access.keys.models import Scope

    wanted = scope or list(Scope.values)
    if unknown := [one for one in wanted if one not in Scope.values]:
        names = {"scope": unknown[0], "scopes": ", ".join(Scope.values)}
        stop(_("“%(scope)s” is not a scope. Choose one of: %(scopes)s.") % names)
    if not 1 <= days <= actions.MOST_DAYS:
        stop(_("A key is valid for 1 to %d days.") % actions.MOST_DAYS)
    if bool(person) == bool(application):
        stop(_("Say whose key it is: --person or --app."))
    holder = _person(institution, person) if person else _app(institution, application)
    try:
        _key, token = actions.create_key(holder, name=name[:80], scopes=wanted, days=days, by=None, actor=ACTOR)
    except actions.KeyRefusedError:
        stop(_("The rules of this institution do not allow such a key, or not for so long."))
    except actions.SameNameError:
        stop(_("An active key has this name already: revoke it first, or name this one otherwise."))
    except actions.TooManyKeysError:
        stop(_("There are %d active keys already: revoke one first.") % actions.MOST_KEYS)
    typer.echo(token)


@app.command("list", help=_("List keys: whose, for what, until when, last used. None is shown whole."))
def list_keys(
    institution: Annotated[str, typer.Option(help=_("Short name of one institution; all if left out."))] = "",
    json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    start()
    migrate()
    from django.utils import timezone

    from parvis.access.keys.actions import all_keys

    now = timezone.now()
    rows = [
        {
            "id": key.id,
            "key": f"{key.hint}…",
            "name": key.name,
            "holder": key.profile.person.display_name,
            "institution": key.institution.slug,
            "scopes": key.scopes,
            "state": key.state_at(now).value,
            "expires": key.expires_at.date().isoformat(),
            "last_used": key.last_used_at.isoformat(timespec="minutes") if key.last_used_at else None,
        }
        for key in all_keys(institution)
    ]
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("N°", Column(_("Key"), no_wrap=True), _("Name"), _("Holder"), _("Institution"), _("State"), _("Until"))
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("id", "key", "name", "holder", "institution", "state", "expires")))
    out.print(table)


@app.command("revoke", help=_("Revoke a key: it opens nothing from the next request on."))
def revoke(number: Annotated[int, typer.Argument(help=_("Its number, as parvis key list shows it."))]) -> None:
    start()
    migrate()
    from parvis.access.keys.actions import all_keys, revoke_key

    key = all_keys().filter(id=number).first()
    if key is None:
        stop(_("There is no key number %d.") % number)
    revoke_key(key, actor=ACTOR)
    out.print(_("Revoked: %s") % key.name, markup=False)


def _person(institution: str, identifier: str) -> Profile:
    from parvis.institutions.models import Profile, Role

    rows = Profile.objects.filter(institution__slug=institution, ended_at=None, person__key__endswith=f":{identifier}")
    found = [one for one in rows.select_related("person") if one.person.key.partition(":")[2] == identifier]
    holders = [one for one in found if one.role != Role.APP]
    if not holders:
        stop(_("There is no person “%s” in this institution.") % identifier)
    return holders[0]


def _app(institution: str, name: str) -> Profile:
    from parvis.access.keys.actions import create_app
    from parvis.institutions.models import Institution, Profile, Role

    here = Institution.objects.filter(slug=institution).first()
    if here is None:
        stop(_("There is no institution “%s”. See: parvis institution list.") % institution)
    apps = Profile.objects.filter(institution=here, role=Role.APP, ended_at=None)
    if known := apps.filter(person__display_name=name).first():
        return known
    return create_app(here.id, name=name[:120], detail="", groups=[], actor=ACTOR)
