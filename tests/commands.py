"""Runs `parvis …` in a process of its own, forked from one that has read the libraries already: a command spends most of its
time on them, and nothing of Parvis, its settings included, is read before the fork."""

from __future__ import annotations

import atexit
import configparser
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

LIBRARIES = [
    "aiohttp",
    "cedarpy",
    "docx",
    "joserfc.jwk",
    "joserfc.jwt",
    "lxml.etree",
    "msgspec",
    "numpy",
    "odf.opendocument",
    "openpyxl",
    "reportlab.platypus",
    "scim2_models",
    "snowballstemmer",
    "typst",
    "typer.main",
    "typer._adapters",
    "rich.progress",
    "rich.table",
    "cryptography.hazmat.primitives.ciphers.aead",
    "django.contrib.admin",
    "django.contrib.auth.apps",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.contenttypes.checks",
    "django.contrib.messages.apps",
    "django.contrib.staticfiles.checks",
    "django.contrib.staticfiles.finders",
    "django.core.mail",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.db.models.sql.compiler",
    "django.forms",
    "django.template.defaulttags",
    "django.template.loader_tags",
    "django.templatetags.i18n",
    "django.urls",
    "django.utils.translation.reloader",
    "django.views.debug",
    "django_htmx",
    "rich._emoji_codes",
    "template_partials.apps",
    "tzdata",
]


def engines() -> list[str]:
    """The modules that know nothing of Django, hence of settings: the import linter holds them to it."""
    contracts = configparser.ConfigParser()
    contracts.read(Path(__file__).parent.parent / ".importlinter", encoding="utf-8")
    return contracts["importlinter:contract:pure"]["source_modules"].split()


class Commands:
    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._parent = subprocess.Popen([sys.executable, "-m", __name__], stdin=pipe, stdout=pipe, text=True)

    def run(self, arguments: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
        """`folder` receives what the command writes."""
        outputs = [folder / "stdout", folder / "stderr"]
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps([arguments, environment, list(map(str, outputs))]) + "\n")
        self._parent.stdin.flush()
        code = int(self._parent.stdout.readline())
        return subprocess.CompletedProcess(arguments, code, *(path.read_text(encoding="utf-8") for path in outputs))

    def end(self) -> None:
        self._parent.communicate()


def _fork() -> None:
    """Comes back in the child only, in the place the command will have."""
    for line in sys.stdin:
        if not (child := os.fork()):
            arguments, environment, outputs = json.loads(line)
            sys.argv[1:] = arguments
            os.environ.clear()
            os.environ.update(environment)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for descriptor, path in enumerate(outputs, start=1):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
            signal.alarm(120)
            return
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
    sys.exit()


def _end(main: Callable[[], None]) -> None:
    """Runs the command, then leaves as it asks: a thousand modules taken down one by one would cost more than it did."""
    code = 1
    try:
        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            sys.stderr.write(f"{leaving.code}\n")
    except BaseException:  # noqa: BLE001 - told as the interpreter would
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as the interpreter would
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for name in [*LIBRARIES, *engines()]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is shared stays shared
    _fork()
    from parvis.cli import main

    _end(main)
