"""One page of a PDF as PNG, drawn in a process of its own: `python -m parvis.corpora.parsing.picture FILE PAGE SCALE`."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path

from .refusals import Unreadable

MEMORY_BYTES = 1_000_000_000
SECONDS = 20


def draw(path: Path, number: int, *, scale: float) -> bytes:
    """Page `number` (from 1), `scale` pixels a point. A file that harms its reader harms a process that was to end anyway."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "parvis.corpora.parsing.picture", str(path), str(number), str(scale)],
            capture_output=True,
            timeout=SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise Unreadable("corrupt") from error
    return done.stdout


def main(arguments: list[str]) -> int:
    for what, limit in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # a lower limit is already in force
            resource.setrlimit(what, (limit, limit))
    from .pdf import render_page

    path, number, scale = arguments
    try:
        sys.stdout.buffer.write(render_page(Path(path), int(number), scale=float(scale)))
    except Unreadable:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
