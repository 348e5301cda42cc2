"""Installs what a lock file pins, with a bar to watch: pip alone is either silent or talks for sixty screens.

python -m tools.install requirements.lock      (standard library only: nothing is installed yet)
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

WIDTH = 30


def main(lock: str) -> int:
    total = len(re.findall(r"^[a-z0-9._-]+(?:\[[^\]]*\])?==", Path(lock).read_text(encoding="utf-8"), re.MULTILINE))
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout
        said = list(_shown(pip.stdout, total))
    if sys.stdout.isatty():
        print("\r" + " " * 78 + "\r", end="", flush=True)
    if pip.returncode:
        print("".join(said[-30:]), file=sys.stderr)
    return pip.returncode


def _shown(lines: Iterable[str], total: int) -> Iterator[str]:
    done = 0
    for line in lines:
        yield line
        if found := re.match(r"(?:Collecting|Requirement already satisfied:) ([^=<>\[ ]+)", line):
            done = min(done + 1, total)
            _bar(done, total, found[1])
        elif line.startswith("Installing collected"):
            _bar(total, total, "…")


def _bar(done: int, total: int, name: str) -> None:
    if not sys.stdout.isatty():
        return
    filled = WIDTH * done // max(total, 1)
    print(f"\r  {'█' * filled}{'░' * (WIDTH - filled)} {done}/{total} {name[:30]:30}", end="", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
