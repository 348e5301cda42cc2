"""Pins every dependency by hash, without addresses: one file for running Parvis, one more for each kind of work on it."""

from __future__ import annotations

import subprocess
import sys

# Each file holds what the one before it holds, so that one environment satisfies them all.
FILES = {
    "requirements.lock": ["build"],
    "requirements-dev.lock": ["build", "dev"],
    "requirements-browser.lock": ["build", "dev", "browser"],
    "requirements-bench.lock": ["build", "dev", "bench"],
}
COMPILE = ["uv", "pip", "compile", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet"]


def main() -> int:
    for name, groups in FILES.items():
        command = [sys.executable, "-m", *COMPILE, "pyproject.toml", *(f"--group={group}" for group in groups), "-o", name]
        if code := subprocess.run(command, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
