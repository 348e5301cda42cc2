"""The data plane apart: workers that serve /v1, and nothing of Django."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from parvis.cli.serve import Host, die_with_parent, refuse_taken_port
from parvis.cli.terminal import out, start
from parvis.cli.words import gettext as _

SERVED = "parvis.dataplane:application"
FLAGS = (
    *("--loop", "uvloop", "--http", "parvis.gateway.front:Front", "--ws", "none", "--log-level", "warning", "--no-access-log"),
    *("--no-proxy-headers", "--no-server-header", "--no-date-header", "--backlog", "2048"),
    *("--timeout-keep-alive", "30", "--timeout-graceful-shutdown", "10"),
)


def gateway(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Port to listen on."))] = 8001,
    workers: Annotated[int, typer.Option(min=1, help=_("Processes that serve /v1, one for each core."))] = 1,
    settles: Annotated[
        bool,
        typer.Option("--settler/--no-settler", help=_("Also settle budgets, when no other process of this machine does.")),
    ] = True,
) -> None:
    start(with_database=False)
    refuse_taken_port(host, port)
    names = {"address": f"http://{host}:{port}/v1", "count": workers}
    out.print(_("/v1 is served at %(address)s (workers: %(count)d). Stop with Ctrl+C.") % names, markup=False)
    if settles:  # stands by while the console does: /v1 outlives it
        subprocess.Popen([sys.executable, "-m", "parvis.cli", "settler"], preexec_fn=die_with_parent)
    # In this process's place: what was read to check the settings is nothing that a worker needs.
    arguments = ["-m", "uvicorn", SERVED, "--host", host, "--port", str(port), "--workers", str(workers), *FLAGS]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - our own program, without a shell
