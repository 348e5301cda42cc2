"""Every bench, one after the other; each figure beside its target, gathered in docs/measurements.md with --write.

python -m bench [--write] [--quick] [name …]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
MEASUREMENTS = ROOT / "docs" / "measurements.md"
NAMES = ("retrieval", "answers", "parsing", "citations", "verification", "ingestion", "question", "demonstration")

INTRODUCTION = """# Measurements

Written by `make bench` on {date}, two shared cores, no accelerator. What is compared was measured in the same run; quote the
ratios, not the absolute times. A target missed is said.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer questions, fewer trials")
    parser.add_argument("--write", action="store_true", help="write docs/measurements.md")
    arguments = parser.parse_args()
    missed, sections = 0, [INTRODUCTION.format(date=datetime.now(UTC).date())]
    for name in arguments.names or NAMES:
        with tempfile.NamedTemporaryFile(suffix=".json") as result:
            command = [sys.executable, "-m", f"bench.{name}", "--json", result.name, *(["--quick"] * arguments.quick)]
            missed += subprocess.run(command, cwd=ROOT, check=False).returncode != 0
            if written := Path(result.name).read_text(encoding="utf-8"):
                sections.append(_section(json.loads(written)))
    if arguments.write:
        MEASUREMENTS.write_text("\n".join(sections), encoding="utf-8")
    return int(missed > 0)


def _section(report: dict[str, object]) -> str:
    lines = [f"## {report['title']}\n", "| Figure | Measured | Target | | Note |", "|---|---|---|---|---|"]
    said = {True: "met", False: "**missed**", None: ""}
    for row in report["rows"]:  # type: ignore[attr-defined]
        measured = f"{row['value']:.4g} {row['unit']}".strip()
        lines.append(f"| {row['name']} | {measured} | {row['target']} | {said[row['met']]} | {row['note']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
