"""`parvis audit verify`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from parvis.audit.tests.logs import signer, written
from parvis.cli import app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(written(20).file())
    return path


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", "verify", *map(str, arguments)])
    return done.exit_code, done.output


def test_an_export_that_holds_and_one_that_does_not(file: Path) -> None:
    assert run(file, "--key", signer().key)[0] == 0
    assert run(file, "--key", signer(2).key)[0] == 1
    file.write_bytes(file.read_bytes().replace(b"corpus:", b"Corpus:", 1))
    code, said = run(file)
    assert code == 1
    assert "0" in said.splitlines()[-1]


def test_what_cannot_be_read_is_bad_input(file: Path) -> None:
    assert run(file.with_name("absent"))[0] == 2
    assert run(file, "--key", "no key")[0] == 2
    file.write_text("hello")
    assert run(file)[0] == 2
