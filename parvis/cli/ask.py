"""`parvis ask`: the main job on one's own files, without a server."""

from __future__ import annotations

import asyncio
import json as json_module
import os
from pathlib import Path
from typing import Annotated

import typer

from parvis.cli.terminal import Exit, err, migrate, out, start, stop
from parvis.cli.words import gettext as _


def ask(
    path: Annotated[Path, typer.Argument(help=_("A file, a folder, or a ZIP archive."))],
    question: Annotated[str, typer.Argument(help=_("The question, between quotes."))],
    json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    if not path.exists():
        stop(_("There is nothing at %s.") % path)
    if not question.strip():
        stop(_("The question is empty."))
    start(data_dir=_index_folder())
    raise NotImplementedError(asyncio, json_module, Exit, err, out, migrate, json)


def _index_folder() -> Path:
    """Where the indexes of `ask` are kept between questions (XDG Base Directory)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "parvis"
