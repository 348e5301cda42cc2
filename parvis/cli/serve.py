"""Serving: pages in one process, reading of documents in another, and the demonstration."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from parvis.cli.terminal import Exit, demo_data, err, migrate, out, reading_progress, start, stop
from parvis.cli.words import gettext as _

Port = Annotated[int, typer.Option(min=1, max=65535, help=_("Port to listen on."))]
Host = Annotated[str, typer.Option(help=_("Address to listen on."))]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help=_("Processes that serve pages."))] = 1,
) -> None:
    start()
    refuse_taken_port(host, port)
    _refuse_network_file_system()
    if migrate():
        out.print(_("The database was brought up to date."))
    _listen(host, port, workers)


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help=_("Stop when nothing is waiting."))] = False,
) -> None:
    start()
    migrate()
    from parvis import background

    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: the handler may interrupt the very wait that holds the event's lock, and would then wait for itself.
        signal.signal(number, lambda *_arguments: threading.Thread(target=stop_asked.set).start())
    background.run(until_idle=until_idle, stop=stop_asked)


def settler() -> None:
    start()
    migrate()
    from django.conf import settings

    from parvis.ledger.budgets.messages import folder_of
    from parvis.ledger.budgets.settler import run

    run(folder_of(settings.DATA_DIR))


def demo(
    fresh: Annotated[bool, typer.Option("--fresh", help=_("Forget the demonstration's data and start over."))] = False,
    port: Port = 8000,
    load_only: Annotated[bool, typer.Option("--load-only", help=_("Load the data without serving."))] = False,
) -> None:
    address = f"http://127.0.0.1:{port}"
    if not load_only and _answers(address):
        if fresh:
            stop(_("Something already answers at %s. Stop it before starting over.") % address)
        out.print(_("Parvis already answers at %s") % address, markup=False)
        return
    os.environ.setdefault("PARVIS_SITE_URL", address)  # mails lead where it is served
    data = demo_data()
    if fresh:
        _forget(data)
    began = time.monotonic()
    start(data_dir=data, demo=True)
    with out.status(_("Preparing the database…")):
        migrate()
    _load_with_progress()
    _introduce(address, seconds=time.monotonic() - began)
    if not load_only:
        _listen("127.0.0.1", port, workers=1)


def _forget(data: Path) -> None:
    """Deletes a demonstration's folder, and only that: any other folder is refused."""
    if not data.exists():
        return
    if not (data / "parvis.sqlite3").exists() and any(data.iterdir()):
        stop(_("“%s” is not a demonstration's folder: nothing was deleted.") % data)
    shutil.rmtree(data)


def _load_with_progress() -> None:
    from parvis.demo.loader import load

    with reading_progress(out) as on_progress:
        load(on_progress=on_progress)


def _introduce(address: str, *, seconds: float) -> None:
    from parvis.demo.loader import personas

    table = Table(_("Who can sign in"), _("Role"), _("Institution"), title=_("Invented people of the demonstration"))
    for profile in personas():
        table.add_row(profile.person.display_name, str(profile.get_role_display()), profile.institution.name)
    out.print(table)
    out.print(_("Ready in %.0f s. Open %s and choose a card. Stop with Ctrl+C.") % (seconds, address), markup=False)


def _listen(host: str, port: int, workers: int) -> None:
    import uvicorn
    from django.conf import settings

    from parvis.ledger.budgets.messages import folder_of
    from parvis.ledger.budgets.settler import settling

    with _reading_documents(), settling(folder_of(settings.DATA_DIR)):
        # uvicorn stops gently on SIGTERM and SIGINT; open streams get the time to close.
        uvicorn.run(
            "parvis.asgi:application",
            host=host,
            port=port,
            workers=workers,
            log_level="warning",
            timeout_graceful_shutdown=5,
            server_header=False,
        )


@contextmanager
def _reading_documents() -> Iterator[None]:
    """A worker beside the server, in its own process, started again if it dies, ended with the server."""
    stopping = threading.Event()

    def keep_alive() -> None:
        while not stopping.is_set():
            process = subprocess.Popen([sys.executable, "-m", "parvis.cli", "worker"], preexec_fn=die_with_parent)
            while process.poll() is None and not stopping.wait(0.5):
                pass
            if stopping.is_set():
                process.terminate()
                process.wait(timeout=10)
            else:
                err.print(_("The reader of documents stopped; it is started again."))
                stopping.wait(2)

    thread = threading.Thread(target=keep_alive, name="reader", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=12)


def die_with_parent() -> None:
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/sante/", timeout=1) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        stop(_("Something other than Parvis answers at %s. Choose another port with --port.") % address, Exit.BAD_INPUT)
    except OSError:
        return False


def refuse_taken_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        stop(
            _("Parvis cannot listen on port %(port)d of %(host)s (%(reason)s). Choose another port with --port.")
            % {"port": port, "host": host, "reason": os.strerror(error.errno or 0)}
        )


def _refuse_network_file_system() -> None:
    from django.conf import settings
    from django.db import connection

    from parvis.cli.doctor import file_system_of

    network = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph", "glusterfs"}
    if connection.vendor == "sqlite" and (kind := file_system_of(settings.DATA_DIR)) in network:
        stop(
            _("SQLite loses data on a network file system (%(kind)s): move %(path)s to a local disk, or use PostgreSQL.")
            % {"kind": kind, "path": settings.DATA_DIR},
            Exit.FAILED,
        )
