"""The data plane apart: workers that serve /v1, and nothing of Django."""

from __future__ import annotations

from typing import Annotated

import typer

from parvis.cli.serve import Host, refuse_taken_port
from parvis.cli.terminal import out, start
from parvis.cli.words import gettext as _


def gateway(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Port to listen on."))] = 8001,
    workers: Annotated[int, typer.Option(min=1, help=_("Processes that serve /v1, one for each core."))] = 1,
) -> None:
    start(with_database=False)
    refuse_taken_port(host, port)
    import uvicorn

    names = {"address": f"http://{host}:{port}/v1", "count": workers}
    out.print(_("/v1 is served at %(address)s by %(count)d workers. Stop with Ctrl+C.") % names, markup=False)
    uvicorn.run(
        "parvis.dataplane:application",
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        backlog=2048,
    )
