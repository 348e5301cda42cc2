"""Text of a page image, with a box for every word, by tesseract."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

from .lines import Token
from .repair import clean

LANGUAGE = "fra"
DOTS_PER_INCH = 250
SECONDS_A_PAGE = 90


@cache
def is_available() -> bool:
    """Whether tesseract is installed with its French data."""
    program = shutil.which("tesseract")
    if program is None:
        return False
    try:
        listing = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 — a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return False
    return LANGUAGE in listing.stdout.split()


def words(png: Callable[[float], bytes], width: float, height: float) -> list[Token]:
    """Words recognised on a page of `width` × `height` points, in reading order; none when recognition fails."""
    image = png(DOTS_PER_INCH / 72)
    program = shutil.which("tesseract")
    if program is None:
        return []
    command = [program, "stdin", "stdout", "-l", LANGUAGE, "--psm", "3", "--dpi", str(DOTS_PER_INCH), "tsv"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603 — a fixed command, the image on its standard input
            command, input=image, capture_output=True, timeout=SECONDS_A_PAGE, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return _tokens(done.stdout.decode("utf-8", "replace"), width, height) if done.returncode == 0 else []


def _tokens(table: str, width: float, height: float) -> list[Token]:
    rows = [row.split("\t") for row in table.splitlines()[1:]]
    page = next((row for row in rows if row[0] == "1"), None)
    if page is None or len(page) < 12:
        return []
    across, down = width / max(1, int(page[8])), height / max(1, int(page[9]))
    lines: dict[tuple[str, ...], list[list[str]]] = {}
    for row in rows:
        if len(row) == 12 and row[0] == "5" and row[11].strip() and float(row[10]) >= 20:
            lines.setdefault(tuple(row[1:5]), []).append(row)
    return [token for line in lines.values() for token in _line(line, across, down)]


def _line(rows: list[list[str]], across: float, down: float) -> list[Token]:
    """Words of a line share its height: those of the words depend on their letters."""
    top = min(int(row[7]) for row in rows) * down
    bottom = max(int(row[7]) + int(row[9]) for row in rows) * down
    tokens = []
    for place, row in enumerate(rows):
        left, width, text = int(row[6]) * across, int(row[8]) * across, clean(row[11].strip())
        hyphen = place == len(rows) - 1 and len(text) > 2 and text[-1] in "-‐" and text[-2].isalpha()
        text = text.rstrip("-‐") if hyphen else text
        if text.strip("._…·"):
            tokens.append(Token(text, left, top, left + width, bottom, 0, hyphen, place == 0))
    return tokens
