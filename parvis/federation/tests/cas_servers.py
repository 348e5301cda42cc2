"""Two CAS servers, each with its own people and tickets: the package django-cas-server, served on free ports of the loopback.

    python cas_servers.py FOLDER     prints the two ports, then serves until its standard input is closed

A program of its own, which imports nothing of Parvis: one Django cannot have two sets of settings.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

PEOPLE: dict[str, dict[str, Any]] = {
    "cdelmas": {
        "displayName": "Claire Delmas",
        "mail": "claire.delmas@ici.example",
        "eduPersonAffiliation": ["faculty", "employee", "member"],
        "eduPersonPrincipalName": "CDelmas@ici.example",
        "supannCodeINE": "0123456789A",
        "isMemberOf": ["cn=droit", "cn=licence-1"],
    },
    "lmoreau": {"displayName": "Léo Moreau", "eduPersonAffiliation": "student", "user": "cdelmas", "cn": "Léo <Moreau>"},
    "visitor": {"displayName": "Passant", "eduPersonAffiliation": "affiliate"},
}


urlpatterns: list[Any] = []


class People:
    """The authentication class of both servers: the password is the name backwards."""

    def __init__(self, username: str) -> None:
        self.username = username

    def test_password(self, password: str) -> bool:
        return self.username in PEOPLE and password == self.username[::-1]

    def attributs(self) -> dict[str, Any]:
        return PEOPLE.get(self.username, {})


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Silent(WSGIRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        pass


def configure(database: Path) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="a test",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="__main__",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
                "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"},
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "cas_server",
        ],
        MIGRATION_MODULES={name: None for name in ("auth", "contenttypes", "sessions", "cas_server")},
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        STATIC_URL="/static/",
        USE_TZ=True,
        CAS_AUTH_CLASS="__main__.People",
        CAS_NEW_VERSION_HTML_WARNING=False,
        CAS_NEW_VERSION_EMAIL_WARNING=False,
        CAS_SHOW_SERVICE_MESSAGES=False,
    )
    django.setup()
    from django.urls import include, path

    urlpatterns.append(path("cas/", include("cas_server.urls", namespace="cas_server")))


def fill() -> None:
    from cas_server.models import ServicePattern
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    pattern = ServicePattern.objects.create(pos=1, name="parvis", pattern="^http://127", single_log_out=True)
    for name in sorted({name for values in PEOPLE.values() for name in values}):
        pattern.attributs.create(name=name)


def main() -> None:
    folder = Path(sys.argv[1])
    configure(folder / "cas.sqlite3")
    fill()
    from django.core.wsgi import get_wsgi_application
    from django.db import connections

    connections.close_all()
    (folder / "cas-1.sqlite3").write_bytes((folder / "cas.sqlite3").read_bytes())
    first, second = (make_server("127.0.0.1", 0, get_wsgi_application(), Threaded, Silent) for _ in range(2))
    child = os.fork()
    if child == 0:
        connections.settings["default"]["NAME"] = folder / "cas-1.sqlite3"
        second.serve_forever()
    sys.stdout.write(f"{first.server_port} {second.server_port}\n")
    sys.stdout.flush()
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        first.serve_forever()
    finally:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
