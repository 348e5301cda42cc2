"""What is said of a command that cannot be understood: in the reader's language, from the first word to the last."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

import parvis
from parvis.cli import app, usage

FRENCH = gettext.translation("django", Path(parvis.__file__).parent / "locale", languages=["fr"])


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(usage, "_", FRENCH.gettext)
    monkeypatch.setattr("sys.argv", ["parvis", *arguments])
    with pytest.raises(SystemExit) as ended:
        usage.run(app)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["corpus", "nope"], "Il n’y a pas de commande « nope »."),
        (["ask", "cours/"], "« question » manque."),
        (["ask", "a", "b", "--what"], "Il n’y a pas d’option --what."),
        (["corpus", "ingest", "droit", "a.pdf"], "« corpus » doit être un nombre entier."),
        (["corpus", "evaluate", "x", "--limit", "-1"], "« --limit » doit être au moins 0."),
        (["corpus", "evaluate", "x", "--limit"], "L’option --limit attend une valeur."),
        (["person", "link", "a", "b"], "Ceci est de trop : b"),
    ],
)
def test_bad_usage_is_told_in_french(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err.replace("\u00a0", " ").replace("\u202f", " ")
    assert f"Erreur : {sentence}" in said
    assert not {"Error", "Missing", "No such", "Try", "Invalid"} & set(said.replace("'", " ").split())


def test_help_is_in_french(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "serve", "--help") == 0
    said = capsys.readouterr().out.replace("\u00a0", " ")
    assert "Afficher ce message et s’arrêter." in said
    assert "[par défaut : 8000" in said
    assert run(monkeypatch, "corpus", "evaluate", "--help") == 0
    assert "[obligatoire]" in capsys.readouterr().out
    assert run(monkeypatch) == 2
    assert "Erreur" not in capsys.readouterr().err
