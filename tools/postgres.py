"""Runs a command with PARVIS_TEST_POSTGRES naming a PostgreSQL server made for the occasion, in a scratch folder.

python -m tools.postgres pytest -n 2

As where Parvis serves, one role owns the tables (PARVIS_TEST_POSTGRES_OWNER) and another, which owns nothing, works on them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

OWNER, APPLICATION = "parvis_owner", "parvis"


def main(command: Sequence[str]) -> int:
    binaries = _binaries()
    if binaries is None:
        print("PostgreSQL's server is not installed: apt install postgresql", file=sys.stderr)
        return 2
    scratch = Path(tempfile.mkdtemp(prefix="parvis-postgres-"))
    scratch.chmod(0o755)
    data, port = scratch / "data", _free_port()
    run_as = _server_user(scratch)
    how = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    initdb: list[str | Path] = [binaries / "initdb", "-D", data, *how]
    _run([*run_as, *initdb])
    # Unsynced: the data are thrown away with the folder.
    options = f"-p {port} -k {scratch} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    control: list[str | Path] = [*run_as, binaries / "pg_ctl", "-D", data]
    _run([*control, "-w", "-o", options, "-l", scratch / "log", "start"])
    try:
        server = f"127.0.0.1:{port}/postgres"
        with psycopg.connect(f"postgresql://postgres@{server}", autocommit=True) as superuser:
            superuser.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB IN ROLE pg_monitor, pg_checkpoint")
            superuser.execute(f"GRANT CREATE ON DATABASE postgres TO {OWNER}")
            superuser.execute(f"CREATE ROLE {APPLICATION} LOGIN IN ROLE pg_read_all_stats")
            superuser.execute(f"ALTER ROLE {APPLICATION} SET track_activities = off")
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/template1", autocommit=True) as template:
            # Erasure is tested on the files themselves, which no role of a real server reads.
            template.execute(f"GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO {OWNER}")
        addresses = {
            "PARVIS_TEST_POSTGRES": f"postgresql://{APPLICATION}@{server}",
            "PARVIS_TEST_POSTGRES_OWNER": f"postgresql://{OWNER}@{server}",
        }
        return subprocess.run(command, env={**os.environ, **addresses}, check=False).returncode
    finally:
        _run([*control, "-m", "immediate", "stop"])
        shutil.rmtree(scratch, ignore_errors=True)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


def _server_user(scratch: Path) -> list[str]:
    """PostgreSQL refuses to run as root: a command prefix that runs it as the account Debian made for it."""
    if os.geteuid() != 0:
        return []
    shutil.chown(scratch, pwd.getpwnam("postgres").pw_uid)
    return ["runuser", "-u", "postgres", "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: Sequence[str | Path]) -> None:
    # Not captured through a pipe: the server would inherit it and the call would never end.
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
