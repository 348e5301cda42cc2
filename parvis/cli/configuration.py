"""What is wrong with the configuration, in the language of the terminal: Django is not started, or cannot be."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from parvis.cli.words import gettext as _


def sentence(problem: ImproperlyConfigured, data_variable: str = "PARVIS_DATA_DIR") -> str:
    """The codes of `settings.Misconfigured`; what Django itself says of other faults is left as it is."""
    sentences = {
        "data_folder": _(
            "The data folder %(folder)s cannot be made or written. Give it to the account that runs Parvis, or name another"
            " with %(variable)s."
        ),
        "key_file": _("The key %(path)s cannot be read or made. Give it to the account that runs Parvis."),
        "unreadable_file": _("%(name)s names the file %(path)s, which cannot be read."),
        "not_a_number": _("%(name)s must be a whole number: “%(value)s” is not."),
        "bad_address": _("%(name)s is not a right address. It looks like this: %(example)s"),
        "open_demo": _("The demonstration serves this machine only: remove %(names)s from PARVIS_HOSTS."),
        "time_zone": _("PARVIS_TIME_ZONE: there is no time zone “%(value)s”. An example: Europe/Paris."),
        "unknown_variable": _("There is no setting %(name)s. Is it %(near)s? The settings are in docs/configuration.md."),
    }
    known = sentences.get(getattr(problem, "code", ""))
    return known % (problem.params | {"variable": data_variable}) if known else str(problem)  # type: ignore[attr-defined]


def unknown_variable(name: str) -> str:
    return _("%s is not a setting of Parvis: it changes nothing. The settings are in docs/configuration.md.") % name


def probe() -> None:
    """Raises OperationalError, with the server's own words, when the database does not answer: the pool would wait, and say
    only that it waited."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return
    import psycopg

    with connection.wrap_database_errors:
        psycopg.connect(**connection.get_connection_params() | {"connect_timeout": 5}).close()


def database_sentence(problem: Error) -> str:
    """For a database that does not answer, or not as it should."""
    from django.db import connection

    if connection.vendor == "sqlite":
        path = connection.settings_dict["NAME"]
        return _("The database %(path)s cannot be used (%(reason)s). Run: parvis doctor") % {"path": path, "reason": problem}
    return _("PostgreSQL cannot be used (%s). Check PARVIS_DATABASE_URL, and that the server is running.") % reason(problem)


def reason(problem: Error) -> str:
    """The fault alone: libpq names the server and the account first, on as many lines as it made attempts."""
    lines = [line for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    return lines[0].rpartition("failed: ")[2].removeprefix("FATAL: ").strip()
