"""The one executable: noun, then verb. Each file holds one noun."""

from __future__ import annotations

import atexit
import gc
from typing import Annotated

import typer

from parvis import __version__
from parvis.cli import ask, audit, corpus, doctor, federation, gateway, keys, migrate, notices, people, secrets, serve, usage
from parvis.cli.words import gettext as _

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=_("Parvis answers questions from documents, with the page. Exit codes: 0 done, 1 failed, 2 bad input, 3 no answer."),
)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help=_("Print the version and stop."), is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"parvis {__version__}")
        raise typer.Exit


app.command("ask", help=_("Answer a question from a file or a folder, with quotations and pages. No server is needed."))(
    ask.ask
)
app.command("demo", help=_("Load the demonstration alliance and serve it on this machine."))(serve.demo)
app.command("serve", help=_("Serve pages and answers, and read documents in the background."))(serve.serve)
app.command("gateway", help=_("Serve /v1 alone, in processes of its own, beside a server of pages."))(gateway.gateway)
app.command("worker", help=_("Read documents waiting in the queue, without serving pages."))(serve.worker)
app.command("settler", help=_("Answer the budget requests of this machine’s gateway workers, without serving pages."))(
    serve.settler
)
app.command("migrate", help=_("Bring the database to this version, by the role that owns its tables."))(migrate.migrate)
app.command("doctor", help=_("Check this installation, and say how to mend what is wrong."))(doctor.doctor)
app.add_typer(corpus.app, name="corpus", help=_("Documents of a corpus: ingest, list, evaluate."))
app.add_typer(people.institutions, name="institution", help=_("Member institutions: add, list."))
app.add_typer(people.people, name="person", help=_("People: add, list, and give a one-time link to sign in."))
app.add_typer(keys.app, name="key", help=_("API keys of people and applications: create, list, revoke."))

app.add_typer(audit.app, name="audit", help=_("Evidence: verify an export, change the key that signs."))
app.add_typer(secrets.app, name="secrets", help=_("Stored secrets: change the key that encrypts them."))
app.add_typer(
    federation.app, name="federation", help=_("SAML: federations and when they were read, the keys of this service.")
)
app.add_typer(notices.app, name="notices", help=_("Notices to people: mail those that wait."))


def main() -> None:
    atexit.register(gc.freeze)  # the interpreter would look through all that was read, to forget it: a fifth of most commands
    usage.run(app)
