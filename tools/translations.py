"""The French catalogue: brought up to date (`update`), or checked to be complete, well spaced and compiled (`check`).

The sources speak English. The compiled catalogue is committed, so that running Parvis needs no gettext.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "parvis" / "locale" / "fr" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
# Signs that French keeps on the line of the word before: with a thin space, or a full one (Lexique de l’Imprimerie nationale).
THIN, FULL = re.compile(r"(?<=\S)[ \u00a0](?=[;?!])"), re.compile(r"(?<=\S) (?=[:»])|(?<=«) |(?<=\d) (?=%(?![(\w]))")


def main(verb: str) -> int:
    if shutil.which("xgettext") is None:
        print("GNU gettext is not installed: apt install gettext", file=sys.stderr)
        return 2
    return {"update": update, "check": check, "compile": compile_catalogue}[verb]()


def update() -> int:
    _extract()
    catalogue = polib.pofile(str(CATALOGUE))
    # The date of extraction would change the file each time for nothing.
    catalogue.metadata.pop("POT-Creation-Date", None)
    for entry in catalogue:
        entry.msgstr = spaced(entry.msgstr)
        entry.msgstr_plural = {form: spaced(words) for form, words in entry.msgstr_plural.items()}
    catalogue.save()
    compile_catalogue()
    return _report(catalogue)


def spaced(words: str) -> str:
    """With the unbreakable spaces of French."""
    return FULL.sub("\u00a0", THIN.sub("\u202f", words))


def compile_catalogue() -> int:
    polib.pofile(str(CATALOGUE)).save_as_mofile(str(COMPILED))
    return 0


def check() -> int:
    """Complete, nothing doubtful, in step with the sources, and compiled from what is read here."""
    committed = CATALOGUE.read_bytes()
    before = polib.pofile(str(CATALOGUE))
    try:
        _extract()
        needed = polib.pofile(str(CATALOGUE))
    finally:
        CATALOGUE.write_bytes(committed)
    known = {(entry.msgctxt, entry.msgid) for entry in before if not entry.obsolete}
    missing = [entry for entry in needed if not entry.obsolete and (entry.msgctxt, entry.msgid) not in known]
    for entry in missing:
        print(f"Not in the French catalogue: {entry.msgid!r} ({', '.join(place for place, _ in entry.occurrences)})")
    broken = [entry for entry in before if any(spaced(one) != one for one in (entry.msgstr, *entry.msgstr_plural.values()))]
    for entry in broken:
        print(f"A breakable space before a sign, mended by `make fix`: {entry.msgid!r}")
    stale = not COMPILED.exists() or _messages(polib.mofile(str(COMPILED))) != _messages(before)
    if stale:
        print("The compiled catalogue is not the one of the sources: run `make fix`.")
    return max(_report(before), int(bool(missing)), int(bool(broken)), int(stale))


def _messages(catalogue: polib.POFile | polib.MOFile) -> dict[tuple[str | None, str], object]:
    return {
        (entry.msgctxt, entry.msgid): entry.msgstr_plural or entry.msgstr
        for entry in catalogue
        if not entry.obsolete and entry.msgid and (entry.msgstr or any(entry.msgstr_plural.values()))
    }


def _report(catalogue: polib.POFile) -> int:
    doubtful = [*catalogue.untranslated_entries(), *catalogue.fuzzy_entries()]
    for entry in doubtful:
        print(f"Untranslated or doubtful: {entry.msgid!r}")
    print(f"French: {catalogue.percent_translated()} % of {len(catalogue)} messages.")
    return int(bool(doubtful))


def _extract() -> None:
    command = [
        sys.executable,
        "-m",
        "django",
        "makemessages",
        "--locale=fr",
        "--no-obsolete",
        "--no-wrap",
        "--add-location=file",
    ]
    command += ["--ignore=demo/*", "--ignore=*/tests/*", "--verbosity=0"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT / "parvis", env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["check"]))
