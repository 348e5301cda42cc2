"""Every bench, one after the other, each figure beside its target.

    python -m bench [--quick] [--million] [--write] [name …]

With --write the figures of each bench that was run replace its own in docs/measurements/, and docs/measurements.md is made
again from all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "measurements.md"
FIGURES = ROOT / "docs" / "measurements"
NAMES = (
    "retrieval",
    "answers",
    "demonstration",
    "parsing",
    "citations",
    "verification",
    "ingestion",
    "question",
    "needs",
    "offers",
    "commons",
    "rules",
    "routing",
    "isolation",
    "budgets",
    "saml",
    "keys",
    "gateway",
    "openai_description",
    "people",
    "evidence",
    "ledger",
    "witnesses",
    "crash",
    "pseudonyms",
)

INTRODUCTION = """# Measurements

Written by `python -m bench --write`, on two shared cores without accelerator. What is compared was measured in the same run:
quote the ratios, not the absolute times. A target missed is said.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"among {', '.join(NAMES)}; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="fewer questions, fewer trials")
    parser.add_argument("--million", action="store_true", help="retrieval among a million passages too")
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no bench named {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        missed = [name for name in arguments.names or NAMES if not _run(name, Path(folder) / name, arguments)]
        if arguments.write:
            _keep(Path(folder))
    print(f"targets missed, or not measured, in: {', '.join(missed)}" if missed else "all targets met")
    return int(bool(missed))


def _run(name: str, result: Path, arguments: argparse.Namespace) -> bool:
    command = [sys.executable, "-m", f"bench.{name}", "--json", str(result), *(["--quick"] * arguments.quick)]
    if name == "retrieval" and arguments.million:
        command.append("--million")
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _keep(results: Path) -> None:
    FIGURES.mkdir(exist_ok=True)
    for result in results.iterdir():
        report = {"date": datetime.now(UTC).date().isoformat(), **json.loads(result.read_text(encoding="utf-8"))}
        text = json.dumps(report, ensure_ascii=False, indent=1) + "\n"
        (FIGURES / f"{result.name}.json").write_text(text, encoding="utf-8")
    kept = [FIGURES / f"{name}.json" for name in NAMES if (FIGURES / f"{name}.json").exists()]
    sections = [_section(json.loads(path.read_text(encoding="utf-8"))) for path in kept]
    PAGE.write_text("\n".join([INTRODUCTION, *sections]), encoding="utf-8")


def _section(report: dict[str, Any]) -> str:
    lines = [
        f"## {report['title']}\n",
        f"{report['date']}\n",
        "| Figure | Measured | Target | | Note |",
        "|---|---|---|---|---|",
    ]
    said = {True: "met", False: "**missed**", None: ""}
    for row in report["rows"]:
        measured = f"{row['value']:.4g} {row['unit']}".strip()
        lines.append(f"| {row['name']} | {measured} | {row['target']} | {said[row['met']]} | {row['note']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
