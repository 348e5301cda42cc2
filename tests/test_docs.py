"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "parvis" / "settings.py").read_text(encoding="utf-8")


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    read = {f"PARVIS_{name}" for name in re.findall(r'_(?:variable|number|address)\("([A-Z_]+)"', SETTINGS)}
    documented = set(re.findall(r"`(PARVIS_[A-Z_]+)`", (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")))
    assert read
    assert read == documented


def test_the_readme_shows_the_two_commands_and_its_pictures_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme
    assert "parvis ask" in readme
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme)
    assert pictures
    assert [picture for picture in pictures if not (ROOT / picture).is_file()] == []


def test_make_has_at_most_twelve_targets() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert 5 < len(targets) <= 12


def test_lock_files_name_no_address() -> None:
    python, node = list(ROOT.glob("requirements*.lock")), list(ROOT.glob("parvis/**/tests/*/package-lock.json"))
    assert python
    assert node
    for lock, digest in [*((lock, "--hash=sha256:") for lock in python), *((lock, '"integrity": "sha512-') for lock in node)]:
        text = lock.read_text(encoding="utf-8")
        assert digest in text
        assert "://" not in text
