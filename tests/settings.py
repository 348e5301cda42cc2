"""Settings of the test suite: the product's own, on a throw-away database.

PARVIS_TEST_POSTGRES=<url> runs the same suite on PostgreSQL, whose tables PARVIS_TEST_POSTGRES_OWNER=<url> makes.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_SCRATCH = Path(tempfile.mkdtemp(prefix="parvis-tests-"))
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)
os.environ["PARVIS_DATA_DIR"] = str(_SCRATCH)
os.environ["PARVIS_DATABASE_URL"] = os.environ.get("PARVIS_TEST_POSTGRES", "")
os.environ["PARVIS_DATABASE_OWNER_URL"] = os.environ.get("PARVIS_TEST_POSTGRES_OWNER", "")
os.environ["PARVIS_SECRET_KEY"] = "only for tests, never a secret"
for name in ("PARVIS_DEMO", "PARVIS_HOSTS", "PARVIS_MODEL_URL", "PARVIS_EMBEDDINGS_URL"):
    os.environ.pop(name, None)

# First, and for the tests only: its classes look for their own text through every module that was read before.
import scim2_models  # noqa: E402, F401

from parvis.isolation import scope  # noqa: E402
from parvis.settings import *  # noqa: E402, F403
from parvis.settings import DATABASES, MIDDLEWARE  # noqa: E402

scope.begin("tests")  # of the main thread: those of the product have their own

# Static files have no part in what is tested here, and their middleware would put every test on an event loop.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("servestatic.")]
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
REQUESTS_A_MINUTE = 1_000_000  # a test asks as fast as it can
PRIVATE_HOSTS = frozenset({"127.0.0.1"})  # where the tests' own identity providers are
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, not memory: answers are written by other threads. Unsynced: nothing here needs to survive a power cut.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    DATABASES["default"]["ENGINE"] = "tests.sqlite"
    DATABASES["default"]["TEST"] = {"NAME": _SCRATCH / f"{worker}.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON;"
    )
else:
    DATABASES["default"]["ENGINE"] = "tests.postgres"
    DATABASES.pop("owner", None)  # see tests.postgres
    del DATABASES["default"]["OPTIONS"]["pool"]  # the test database is dropped at the end: nobody may stay connected
