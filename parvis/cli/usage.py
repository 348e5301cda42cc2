"""The words of the command line itself, in the language of the terminal: Typer speaks English only.

Its own sentences come as finished strings, so they are recognised and said again; one that is not is shown as it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer

from parvis.cli.terminal import Exit, err
from parvis.cli.words import gettext as _

# Typer keeps them to itself, and carries its own copy of click since 0.20.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_Context: Any = typer.Context.__mro__[1]


def run(app: typer.Typer) -> None:
    """The application, its words ours from the first to the last."""
    _Context.formatter_class = _Formatter
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except UsageError as error:
        sys.exit(show(error))
    except typer.Abort:
        typer.echo(_("Stopped."), err=True)
        sys.exit(1)
    except Exception as error:
        if not (sentence := _database_sentence(error)):
            raise
        err.print(sentence, style="red", markup=False)
        sys.exit(Exit.BAD_INPUT)


def show(error: Any) -> int:
    """Says what is wrong with a command, and returns its exit code."""
    message = error.format_message()
    context = error.ctx
    if context is not None and message == context.get_help():  # nothing was asked: the help is the answer
        typer.echo(message, err=True)
        return int(error.exit_code)
    if context is not None:
        typer.echo(context.get_usage(), err=True)
        typer.echo(_("For help: %s --help") % context.command_path + "\n", err=True)
    typer.echo(_("Error: %s") % _said(message), err=True)
    return int(error.exit_code)


def _database_sentence(error: Exception) -> str:
    """ "" for any other fault; Django is not loaded to find out."""
    database = sys.modules.get("django.db")
    if database is None or not isinstance(error, database.OperationalError):
        return ""
    from parvis.cli.configuration import database_sentence

    return database_sentence(error)


class _Formatter(_Context.formatter_class):  # type: ignore[misc]  # whichever click this Typer carries
    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args.replace("COMMAND [ARGS]...", _("COMMAND [ARGUMENTS]…")), _("Usage: "))

    def write_heading(self, heading: str) -> None:
        headings = {"Options": _("Options:"), "Arguments": _("Arguments:"), "Commands": _("Commands:")}
        self.write(f"{'':>{self.current_indent}}{headings.get(heading, heading + ':')}\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().write_dl([(name, _described(text)) for name, text in rows], *args, **kwargs)


def _described(text: str) -> str:
    if text == "Show this message and exit.":
        return _("Show this message and stop.")
    text = re.sub(r"\[default: (.*?)(?=[];])", lambda match: "[" + _("default: %s") % match[1], text)
    return re.sub(r"\brequired\]", _("required") + "]", text)


def _said(message: str) -> str:
    for pattern, sentence in _sentences():
        if match := re.fullmatch(pattern, message, re.DOTALL):
            return sentence % match.groups() if match.groups() else sentence
    return message


def _sentences() -> list[tuple[str, str]]:
    return [
        (r"Missing argument '(.+)'\..*", _("“%s” is missing.")),
        (r"Missing option '(.+)'\..*", _("The option %s is missing.")),
        (r"Missing command\.", _("A command is missing.")),
        (r"No such command '(.+?)'\..*", _("There is no command “%s”.")),
        (r"No such option: (\S+).*", _("There is no option %s.")),
        (r"Option '(.+)' requires an argument\.", _("The option %s needs a value.")),
        (r"Option '(.+)' does not take a value\.", _("The option %s takes no value.")),
        (r"Got unexpected extra argument\S* \((.+)\)", _("This is too much: %s")),
        (r"Invalid value for '(.+)': .*valid integer.*", _("“%s” must be a whole number.")),
        (r"Invalid value for '(.+)': .*greater than or equal to (\S+).*", _("“%s” must be at least %s.")),
        (r"Invalid value for '(.+)': .*less than or equal to (\S+).*", _("“%s” must be at most %s.")),
        (r"Invalid value for '(.+)': .*", _("The value of “%s” does not fit.")),
    ]
