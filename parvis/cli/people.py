"""Institutions and people from the command line: how an installation gets its first administrator."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from parvis.cli.terminal import Exit, migrate, out, start, stop
from parvis.cli.words import gettext as _

if TYPE_CHECKING:
    from parvis.identity.models import Person

institutions = typer.Typer(no_args_is_help=True)
people = typer.Typer(no_args_is_help=True)

Address = Annotated[
    str, typer.Option(help=_("Address at which people open Parvis, as the link begins; PARVIS_SITE_URL if left out."))
]


@institutions.command("add", help=_("Add an institution, for example: parvis institution add rennes 'Université de Rennes'."))
def add_institution(
    slug: Annotated[str, typer.Argument(help=_("Short name for addresses: letters, digits, hyphens."))],
    name: Annotated[str, typer.Argument(help=_("Full name."))],
) -> None:
    start()
    migrate()
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_slug

    from parvis.institutions.models import Institution

    try:
        validate_slug(slug)
    except ValidationError:
        stop(_("A short name holds letters, digits and hyphens only: “%s” does not.") % slug)
    if Institution.objects.filter(slug=slug).exists():
        stop(_("There is already an institution “%s”.") % slug)
    Institution.objects.create(slug=slug, name=name, short_name=name)
    out.print(_("Added: %s") % name, markup=False)


@institutions.command("list", help=_("List the institutions."))
def list_institutions(json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False) -> None:
    start()
    migrate()
    from parvis.institutions.models import Institution

    rows = list(Institution.objects.values("slug", "name", "city"))
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False))
        return
    table = Table(_("Short name"), _("Name"), _("City"))
    for row in rows:
        table.add_row(row["slug"], row["name"], row["city"])
    out.print(table)


@people.command("add", help=_("Add a person and print a one-time link with which they sign in."))
def add_person(
    name: Annotated[str, typer.Argument(help=_("Name shown to others."))],
    institution: Annotated[str, typer.Option(help=_("Short name of the institution."))],
    role: Annotated[str, typer.Option(help=_("student, teacher, staff or administrator."))] = "teacher",
    identifier: Annotated[str, typer.Option(help=_("Stable identifier; the name's letters if left out."))] = "",
    address: Address = "",
) -> None:
    start()
    migrate()
    from django.utils.text import slugify

    from parvis.identity.models import Person, Source
    from parvis.institutions.models import Institution, Profile, Role

    roles = [one for one in Role.values if one != Role.APP]
    if role not in roles:
        stop(_("“%(role)s” is not a role. Choose one of: %(roles)s.") % {"role": role, "roles": ", ".join(roles)})
    found = Institution.objects.filter(slug=institution).first()
    if found is None:
        stop(_("There is no institution “%s”. See: parvis institution list.") % institution)
    key = f"{Source.LOCAL}:{identifier or slugify(name)}"
    person, _created = Person.objects.get_or_create(key=key, defaults={"source": Source.LOCAL, "display_name": name})
    Profile.objects.get_or_create(person=person, institution=found, role=role)
    _print_link(person, address)


@people.command("list", help=_("List the people of this installation, their institutions and their roles."))
def list_people(
    institution: Annotated[str, typer.Option(help=_("Short name of one institution; all if left out."))] = "",
    json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    start()
    migrate()
    from parvis.institutions.models import Institution, Profile

    profiles = (
        Profile.objects.filter(ended_at=None)
        .select_related("person", "institution")
        .order_by("person__display_name", "person_id", "id")
    )
    if institution:
        if not Institution.objects.filter(slug=institution).exists():
            stop(_("There is no institution “%s”. See: parvis institution list.") % institution)
        profiles = profiles.filter(institution__slug=institution)
    rows = [
        {
            "identifier": profile.person.key.partition(":")[2],
            "source": profile.person.source,
            "name": profile.person.display_name,
            "institution": profile.institution.slug,
            "role": profile.role,
        }
        for profile in profiles
    ]
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=1))
        return
    whole = Column(_("Identifier"), overflow="fold")  # to be typed again
    table = Table(whole, _("Source"), _("Name"), _("Institution"), _("Role"))
    for row in rows:
        table.add_row(*row.values())
    out.print(table)


@people.command("import", help=_("Import a list of people from a CSV file, once it has been shown what it would do."))
def import_people(
    file: Annotated[Path, typer.Argument(help=_("CSV file; its first row holds the headings."), exists=True, dir_okay=False)],
    institution: Annotated[str, typer.Option(help=_("Short name of the institution."))],
    list_name: Annotated[str, typer.Option("--list", help=_("Name of the list, under which the next one replaces it."))] = "",
    source: Annotated[str, typer.Option(help=_("Name of the sign-in source whose identifiers these are."))] = "",
    end_absent: Annotated[bool, typer.Option("--end-absent", help=_("End who is no longer in the list."))] = False,
    yes: Annotated[bool, typer.Option("--yes", help=_("Do it without asking."))] = False,
) -> None:
    start()
    migrate()
    from django.utils import timezone

    from parvis.federation.models import SignInSource
    from parvis.federation.provisioning.actions.lists import Target, import_people, preview, sources_of
    from parvis.federation.provisioning.people_sheet import Refused
    from parvis.federation.provisioning.sentences import fault_sentence, refused_sentence
    from parvis.institutions.models import Institution

    found = Institution.objects.filter(slug=institution).first()
    if found is None:
        stop(_("There is no institution “%s”. See: parvis institution list.") % institution)
    chosen: SignInSource | None = sources_of(found).get(source)
    if source and chosen is None:
        stop(_("This institution has no sign-in source “%s”.") % source)
    target = Target(found, list_name or file.stem[:80], chosen)
    content = file.read_bytes()
    try:
        seen = preview(target, content)
    except Refused as refusal:
        stop(refused_sentence(refusal))
    for fault in seen.faults:
        out.print(_("Row %(row)s: %(sentence)s") % {"row": fault.row_number, "sentence": fault_sentence(fault)}, markup=False)
    counts = {"new": len(seen.new), "changed": len(seen.changed), "same": seen.same}
    counts |= {"absent": len(seen.absent), "faults": len(seen.faults)}
    words = _(
        "%(new)s new, %(changed)s to change, %(same)s unchanged, %(absent)s no longer in the list, %(faults)s rows to correct."
    )
    out.print(words % counts, markup=False)
    wanted = seen.new or seen.changed or (end_absent and seen.absent)
    if wanted and (yes or typer.confirm(_("Do it?"))):
        outcome = import_people(target, content, ends_absent=end_absent, actor="system:command-line", now=timezone.now())
        done = {"added": outcome.added, "changed": outcome.changed, "ended": outcome.ended}
        out.print(_("The list is in: %(added)s new, %(changed)s changed, %(ended)s ended.") % done, markup=False)
    raise typer.Exit(Exit.BAD_INPUT if seen.faults else Exit.DONE)


@people.command("link", help=_("Print a one-time link for a person who is already known."))
def link(
    identifier: Annotated[str, typer.Argument(help=_("The identifier given when the person was added."))],
    address: Address = "",
) -> None:
    start()
    migrate()
    from parvis.identity.models import Person, Source

    person = Person.objects.filter(key=f"{Source.LOCAL}:{identifier}").first()
    if person is None:
        stop(_("There is no person “%s”.") % identifier)
    _print_link(person, address)


def _print_link(person: Person, address: str) -> None:
    from django.conf import settings
    from django.urls import reverse

    from parvis.access.sign_in import LINK_SECONDS, make_token

    out.print(_("Open this address within %d minutes; it works once:") % (LINK_SECONDS // 60), markup=False)
    typer.echo((address or settings.SITE_URL).rstrip("/") + reverse("access:sign_in_link", args=[make_token(person)]))
