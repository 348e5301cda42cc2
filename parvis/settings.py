"""Configuration. Everything an operator may set is an environment variable named PARVIS_…, documented in
docs/configuration.md; what an institution chooses is a row, never a variable. A secret may also be given as PARVIS_X_FILE,
the path of a file that holds it."""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import available_timezones

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class Misconfigured(ImproperlyConfigured):
    """A setting that Parvis cannot start with. The command line has a sentence for each code; the others, this English."""

    def __init__(self, code: str, message: str, **params: str) -> None:
        super().__init__(message)
        self.code, self.params = code, params


_known: set[str] = set()  # the variables read, by their whole names


def _variable(name: str, default: str = "") -> str:
    """The value of PARVIS_<name>, or what the file named by PARVIS_<name>_FILE holds."""
    variable = f"PARVIS_{name}"
    _known.update((variable, f"{variable}_FILE"))
    if path := os.environ.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            message = f"{variable}_FILE names {path}, which cannot be read."
            raise Misconfigured("unreadable_file", message, name=f"{variable}_FILE", path=path) from None
    return os.environ.get(variable, default)


def _number(name: str, default: int) -> int:
    value = _variable(name, str(default))
    if not value.isdigit():
        name = f"PARVIS_{name}"
        raise Misconfigured("not_a_number", f"{name} must be a whole number, not {value!r}.", name=name, value=value)
    return int(value)


def _folder(path: Path) -> Path:
    """Made at first start. Raises when nothing can be written in it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        message = f"The data folder {path} (PARVIS_DATA_DIR) cannot be written."
        raise Misconfigured("data_folder", message, folder=str(path))
    return path


def _key_file(path: Path) -> str:
    """A key made at first start and kept beside the data, readable by its owner only."""
    try:
        if not path.exists():
            try:
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                    file.write(secrets.token_urlsafe(48))
            except FileExistsError:  # another process was first
                pass
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Misconfigured("key_file", f"The key {path} cannot be read or made.", path=str(path)) from None


def _address(name: str, schemes: set[str], example: str, *, needs_host: bool = False) -> SplitResult | None:
    """The parts of an address of these schemes; None when there is none. It is never repeated: it may hold a password."""
    if not (url := _variable(name)):
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme in schemes and (parts.hostname or not needs_host) and (parts.port is None or parts.port):
            return parts
    except ValueError:  # a port or a host that cannot be one
        pass
    name = f"PARVIS_{name}"
    raise Misconfigured("bad_address", f"{name} is no address like {example}.", name=name, example=example)


def _misspelt() -> Iterator[tuple[str, str]]:
    """Variables of the environment that look like ours and are not read, each with the one it is near to, or ""."""
    for name in sorted(os.environ):
        if name.startswith("PARVIS_") and name not in _known and not name.startswith("PARVIS_TEST_"):
            near = {known.removeprefix("PARVIS_"): known for known in _known if not known.endswith("_FILE")}
            found = difflib.get_close_matches(name.removeprefix("PARVIS_"), near, n=1, cutoff=0.7)
            yield name, near[found[0]] if found else ""


def _database(parts: SplitResult | None, data_dir: Path) -> dict[str, Any]:
    if parts is None:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data_dir / "parvis.sqlite3",
            "OPTIONS": {
                # Writers queue instead of failing, and an acknowledged write survives a power cut.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                " PRAGMA cache_size=-32000; PRAGMA mmap_size=268435456;",
            },
        }
    return {
        "ENGINE": "parvis.isolation.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or "") or _variable("DATABASE_PASSWORD"),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # A request has a thread of its own, and nobody else would use, nor close, the connection it left there: it gives it
        # back to a pool, where who comes when all are taken waits for one (decision 0001).
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # their rows would be read after the scope they were asked in
        "OPTIONS": {"pool": {"min_size": 1, "max_size": _number("DATABASE_CONNECTIONS", 24), "timeout": 10}},
    }


def _mail(parts: SplitResult | None) -> dict[str, Any]:
    """smtp://user:password@host:port (STARTTLS unless ?tls=0), smtps:// for TLS from the start; "" prints to the console."""
    if parts is None:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    direct = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if direct else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": direct,
        "EMAIL_USE_TLS": not direct and parts.query != "tls=0",
        "EMAIL_TIMEOUT": 20,
    }


VERSION_DIR = Path(__file__).resolve().parent
DATA_DIR = _folder(Path(_variable("DATA_DIR", "var")).expanduser().resolve())
FILES_DIR = DATA_DIR / "files"
SNAPSHOTS_DIR = DATA_DIR / "gateway"  # what the console plane tells the workers of /v1
SNAPSHOT_MAX_AGE = _number("SNAPSHOT_MAX_AGE", 60)  # seconds without news of the console after which they serve nothing
DEMO = _variable("DEMO") == "1"
DEBUG = _variable("DEBUG") == "1"

SECRET_KEY = _variable("SECRET_KEY") or _key_file(DATA_DIR / "secret.key")
# The file of the keys that encrypt stored secrets: made at first use, never given in a variable.
KEYRING = Path(_variable("KEYRING") or DATA_DIR / "secrets.keys").expanduser().resolve()
ALLOWED_HOSTS = [host for host in _variable("HOSTS", "127.0.0.1,localhost,[::1]").split(",") if host] or ["127.0.0.1"]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"]

if DEMO and (open_hosts := set(ALLOWED_HOSTS) - {"127.0.0.1", "localhost", "[::1]", "testserver"}):
    # Persona cards sign anybody in: they must never answer under a public name.
    names = ", ".join(sorted(open_hosts))
    raise Misconfigured("open_demo", f"PARVIS_DEMO serves this machine only; remove {names} from PARVIS_HOSTS.", names=names)

# Signs what is said to PostgreSQL of the institution that is asked for (decision 0017).
CONTEXT_KEY = SECRET_KEY
_POSTGRESQL = ({"postgres", "postgresql"}, "postgresql://user@host:5432/name")
DATABASES = {"default": _database(_address("DATABASE_URL", *_POSTGRESQL), DATA_DIR)}
# Who owns the tables, where it is another role than the one that serves: migrations, and writing files anew.
DATABASE_OWNER: dict[str, str] = {}
if _owner := _address("DATABASE_OWNER_URL", *_POSTGRESQL):
    DATABASE_OWNER = {"USER": unquote(_owner.username or ""), "PASSWORD": unquote(_owner.password or "")}
    DATABASES["owner"] = {**DATABASES["default"], **DATABASE_OWNER, "OPTIONS": {}}
# The role that serves, to which the owner gives the use of its tables; "" where they are one.
DATABASE_APPLICATION_ROLE = DATABASES["default"]["USER"] if _owner else ""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "parvis.web",
    "parvis.chores",
    "parvis.audit",
    "parvis.identity",
    "parvis.institutions",
    "parvis.access",
    "parvis.federation",
    "parvis.evidence",
    "parvis.ledger",
    "parvis.ledger.budgets",
    "parvis.inference",
    "parvis.corpora",
    "parvis.needs",
    "parvis.assistants",
    "parvis.offers",
    "parvis.privacy",
    "parvis.console",
    "parvis.isolation",  # last: it holds apart the tables of all the others
]

MIDDLEWARE = [
    "parvis.web.middleware.content_security_policy",  # before the static files, which have it too
    "servestatic.middleware.ServeStaticMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "parvis.access.middleware.principal",
    "parvis.web.refusals.wrong_method",
]

ROOT_URLCONF = "parvis.urls"
ASGI_APPLICATION = "parvis.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "parvis.web.context.shell",
            ],
        },
    },
]

CONSOLE_URL = _variable("CONSOLE_URL", "http://127.0.0.1:8000")  # where `parvis gateway` asks assistants
# Where people open Parvis, as links in mails and calendars begin.
SITE_URL = _variable("SITE_URL", f"https://{ALLOWED_HOSTS[0]}" if _variable("HTTPS") == "1" else "http://127.0.0.1:8000")
MAILS = bool(DEMO or _variable("SMTP_URL"))  # without a server notices wait on the page only
vars().update(_mail(_address("SMTP_URL", {"smtp", "smtps"}, "smtp://user@host:587", needs_host=True)))
DEFAULT_FROM_EMAIL = _variable("MAIL_FROM", "parvis@localhost")

AUTH_USER_MODEL = "identity.Person"
LOGIN_URL = "access:sign_in"
SESSION_ENGINE = "parvis.access.sessions.store"
SESSION_COOKIE_NAME = "parvis_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "parvis_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "parvis.web.views.csrf_refused"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if _variable("HTTPS") == "1":
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

# Who tells what waits for a person, in the order of their dashboard: functions as `access.agenda` describes them.
AGENDA = ["parvis.needs.agenda.awaited", "parvis.offers.agenda.awaited"]
# What access rules may be about, in the order of their matrix: functions that give `access.tools.Listed` of an institution.
TOOLS = [
    "parvis.assistants.tools.listed",
    "parvis.inference.tools.listed",
    "parvis.corpora.tools.listed",
    "parvis.access.keys.tools.listed",
    "parvis.ledger.budgets.tools.listed",
]

# What prices are kept for, and under: functions that give (identifier, name) of an institution.
PRICED = {
    "models": "parvis.inference.inventory.priced",
    "agreements": "parvis.offers.inventory.agreements",
    "apps": "parvis.assistants.inventory.apps",
}

# Where a person's own page leads, in its order: functions that give `access.profiles.OwnSection`.
OWN_PAGES = [
    "parvis.ledger.profile.own_section",
    "parvis.federation.accounts.own_section",
    "parvis.access.keys.profile.own_section",
    "parvis.ledger.budgets.profile.own_section",
    "parvis.assistants.statements.profile.own_section",
    "parvis.evidence.profile.own_section",
    "parvis.access.notices.own_section",
]

# Tells where one chooses the institution whose account opens a session: a function that gives an address, "" for nowhere.
SIGN_IN_CHOICE = "parvis.federation.actions.choice_address"
# Names or addresses inside the network where sign-in sources may be, there also without TLS.
PRIVATE_HOSTS = frozenset(host for host in _variable("PRIVATE_HOSTS").split(",") if host)

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LANGUAGE_COOKIE_NAME = "parvis_language"
LOCALE_PATHS = [VERSION_DIR / "locale"]
TIME_ZONE = _variable("TIME_ZONE", "Europe/Paris")
if TIME_ZONE not in available_timezones():
    raise Misconfigured("time_zone", f"PARVIS_TIME_ZONE: there is no time zone {TIME_ZONE!r}.", value=TIME_ZONE)
USE_TZ = True

# Pages of errors show no variable, in debug mode neither: one of them may hold a secret or the words of a person.
DEFAULT_EXCEPTION_REPORTER_FILTER = "parvis.web.reports.NoVariables"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SERVESTATIC_ALLOW_ALL_ORIGINS = False
SERVESTATIC_USE_FINDERS = True  # no collectstatic step: the wheel's own files are served

# An upload is received whole on disk before it is judged; larger ones are refused with a sentence, not a reset.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 1_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # a table of hundreds of rows is a form; what is longer is refused with a sentence
FILE_UPLOAD_TEMP_DIR = None
REQUEST_MAX_BYTES = _number("REQUEST_MAX_BYTES", 2 * 1024**3)  # of all files sent at once; what exceeds it reaches no disk

# Of one person or application, with a key or at the page of an assistant; what exceeds it is told when to come back.
REQUESTS_A_MINUTE = max(1, _number("REQUESTS_A_MINUTE", 120))
# Of one key, and of all keys of one holder, at /v1, of all its workers on a machine together.
V1_REQUESTS_A_MINUTE = max(1, _number("V1_REQUESTS_A_MINUTE", 600))

DOCUMENT_MAX_BYTES = _number("DOCUMENT_MAX_BYTES", 200_000_000)
DOCUMENT_MAX_PAGES = _number("DOCUMENT_MAX_PAGES", 5_000)
DOCUMENT_MAX_SECONDS = _number("DOCUMENT_MAX_SECONDS", 1_800)
DOCUMENT_MAX_MEMORY = _number("DOCUMENT_MAX_MEMORY", 1_500_000_000)
OCR = _variable("OCR", "1") == "1"

# A model may be given by environment, for the whole installation; institutions add their own as rows.
MODEL_URL = _variable("MODEL_URL")
MODEL_KEY = _variable("MODEL_KEY")
MODEL_NAME = _variable("MODEL_NAME")
MODEL_ZONE = _variable("MODEL_ZONE")
MODEL_ATTESTED = _variable("MODEL_ATTESTED")
EMBEDDINGS_URL = _variable("EMBEDDINGS_URL")
EMBEDDINGS_KEY = _variable("EMBEDDINGS_KEY")
EMBEDDINGS_NAME = _variable("EMBEDDINGS_NAME")
EMBEDDINGS_ZONE = _variable("EMBEDDINGS_ZONE")
EMBEDDINGS_ATTESTED = _variable("EMBEDDINGS_ATTESTED")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "parvis": {"level": "INFO"},
        # A refusal (403, 404, 405) is an answer: the audit keeps what matters. What fails here is told, with where.
        "django.request": {"level": "ERROR"},
        # Nor is a form that is too long (413) a failure: anybody could write a stack to the log with each.
        "django.security.RequestDataTooBig": {"level": "CRITICAL"},
        "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        "django.security.TooManyFilesSent": {"level": "CRITICAL"},
    },
}

# A misspelt setting would be one that is silently not applied. Other names are left alone, for the command line to tell of:
# a container platform makes some of its own from the name of a service.
UNKNOWN_VARIABLES = []
for _name, _near in _misspelt():
    if _near:
        raise Misconfigured("unknown_variable", f"There is no setting {_name}. Is it {_near}?", name=_name, near=_near)
    UNKNOWN_VARIABLES.append(_name)
