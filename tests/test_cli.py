"""The executable as people use it: real processes, real files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from parvis.cli import ask
from parvis.corpora.tests.test_embeddings import DETAILS, SUBJECTS, of_meaning
from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import answering, sending_vectors
from tests.commands import Commands

CONTRACT = """# Le bail d’habitation

## Le préavis du locataire

La durée du préavis donné par le locataire est de trois mois. Elle est réduite à un mois lorsque le logement se situe en zone
tendue, ou lorsque le locataire justifie d’une mutation ou d’une perte d’emploi.

## Le dépôt de garantie

Le dépôt de garantie ne peut dépasser un mois de loyer hors charges. Il est restitué dans un délai de deux mois à compter de la
remise des clés, déduction faite des sommes dues au bailleur.
"""


class Parvis:
    """Runs `parvis …` with a cache of its own."""

    def __init__(self, home: Path, commands: Commands) -> None:
        self.home, self.commands = home, commands
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PARVIS_", "DJANGO_"))}
        self.environment = kept | {"XDG_CACHE_HOME": str(home / "cache"), "PARVIS_DATA_DIR": str(home / "data")}

    def __call__(self, *arguments: str | Path, language: str = "fr_FR.UTF-8") -> subprocess.CompletedProcess[str]:
        environment = self.environment | {"LANG": language, "LC_ALL": language, "COLUMNS": "200"}
        return self.commands.run([*map(str, arguments)], environment, self.home)


@pytest.fixture
def parvis(tmp_path: Path, commands: Commands) -> Parvis:
    return Parvis(tmp_path, commands)


@pytest.fixture
def installed(parvis: Parvis, tmp_path: Path, tables: Path) -> Parvis:
    """Parvis, its tables made."""
    (tmp_path / "data").mkdir()
    shutil.copy(tables, tmp_path / "data" / tables.name)
    return parvis


@pytest.fixture
def course(tmp_path: Path) -> Path:
    folder = tmp_path / "cours"
    folder.mkdir()
    (folder / "bail.md").write_text(CONTRACT, encoding="utf-8")
    return folder


def test_ask_answers_from_a_folder_then_says_when_it_does_not_know(parvis: Parvis, course: Path) -> None:
    answered = parvis("ask", course, "Quelle est la durée du préavis du locataire ?", "--json")
    assert answered.returncode == 0, answered.stderr
    result = json.loads(answered.stdout)
    assert "trois mois" in result["quotations"][0]["quotation"]
    assert result["quotations"][0]["file"] == "bail.md"

    abstained = parvis("ask", course, "Quelle est la recette du gâteau au yaourt ?")
    assert abstained.returncode == 3
    assert "ne répondent pas" in abstained.stdout


def test_ask_follows_what_changes_on_disk(parvis: Parvis, course: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_here(parvis, course, tables, monkeypatch)
    question = "Quelle est la durée du préavis du locataire ?"
    assert parvis("ask", course, question).returncode == 0
    (course / "bail.md").write_text(CONTRACT.replace("trois mois", "quatre mois"), encoding="utf-8")
    changed = json.loads(parvis("ask", course, question, "--json").stdout)
    quoted = " ".join(source["quotation"] for source in changed["quotations"])
    assert "quatre mois" in quoted
    assert "trois mois" not in quoted


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PARVIS_DATA_DIR", "/proc/parvis", "/proc/parvis ne peut être ni créé ni écrit"),
        ("PARVIS_DATABSE_URL", "x", "Est-ce PARVIS_DATABASE_URL"),
        ("PARVIS_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:x/parvis", "PARVIS_DATABASE_URL n’est pas une adresse"),
        ("PARVIS_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/parvis", "PostgreSQL ne peut pas être utilisé"),
    ],
)
def test_a_configuration_that_cannot_work_is_one_sentence(parvis: Parvis, variable: str, value: str, sentence: str) -> None:
    parvis.environment[variable] = value
    refused = parvis("institution", "list")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert sentence in refused.stderr.replace("\n", " ")
    assert "Traceback" not in refused.stderr
    assert "secret" not in refused.stderr


def index_here(parvis: Parvis, path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares `parvis ask` the making of its tables."""
    monkeypatch.setenv("XDG_CACHE_HOME", parvis.environment["XDG_CACHE_HOME"])
    folder = ask._index_folder(path.resolve())
    folder.mkdir(parents=True)
    shutil.copy(tables, folder / tables.name)


def test_ask_reads_an_archive_and_says_what_it_could_not_read(
    parvis: Parvis, tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "cours.zip"
    index_here(parvis, archive, tables, monkeypatch)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bail.md", CONTRACT)
        file.writestr("photo.pdf", b"%PDF-1.7 this is not a PDF")
    answer = parvis("ask", archive, "De combien est le dépôt de garantie ?")
    assert answer.returncode == 0
    assert "un mois de loyer" in answer.stdout.replace("\n", " ")
    assert "photo.pdf" in answer.stderr


@pytest.mark.parametrize(
    ("language", "sentence"), [("fr_FR.UTF-8", "Il n’y a rien à"), ("en_GB.UTF-8", "There is nothing at")]
)
def test_bad_input_is_one_sentence_and_code_two(parvis: Parvis, tmp_path: Path, language: str, sentence: str) -> None:
    refused = parvis("ask", tmp_path / "absent", "Pourquoi ?", language=language)
    assert refused.returncode == 2
    assert refused.stderr.startswith(sentence)
    assert refused.stdout == ""


def test_an_empty_question_and_an_empty_folder_are_refused(
    parvis: Parvis, course: Path, tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert parvis("ask", course, "   ").returncode == 2
    empty = tmp_path / "vide"
    empty.mkdir()
    index_here(parvis, empty, tables, monkeypatch)
    assert parvis("ask", empty, "Quelle durée ?").returncode == 2


def test_a_dataset_with_a_bad_row_is_refused_with_its_line(parvis: Parvis, tmp_path: Path) -> None:
    dataset = tmp_path / "questions"
    dataset.mkdir()
    (dataset / "corpus.jsonl").write_text('{"id": "1", "title": "t", "text": "x"}\n{"id": "2"\n', encoding="utf-8")
    (dataset / "queries.jsonl").write_text('{"id": "q", "text": "x ?"}\n', encoding="utf-8")
    (dataset / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t1\n", encoding="utf-8")
    refused = parvis("corpus", "evaluate", dataset)
    assert refused.returncode == 2
    assert "2" in refused.stderr
    assert "corpus.jsonl" in refused.stderr


def test_a_labelled_set_is_measured_with_the_installation_s_embeddings(parvis: Parvis, tmp_path: Path) -> None:
    pairs = [(word, heading, detail) for word, heading, _ in SUBJECTS for detail in DETAILS]
    texts = [f"Fiche du {detail} d’un bien de la catégorie {word}." for word, _, detail in pairs]
    dataset = tmp_path / "questions"
    dataset.mkdir()
    _write_rows(dataset / "corpus.jsonl", [{"id": f"p{n}", "title": f"t{n}", "text": text} for n, text in enumerate(texts)])
    asked = [{"id": f"q{n}", "text": f"{detail} {heading}"} for n, (_, heading, detail) in enumerate(pairs)]
    _write_rows(dataset / "queries.jsonl", asked)
    labels = [f"q{n}\tp{n}\t1" for n in range(len(pairs))]
    (dataset / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *labels]), encoding="utf-8")
    assert parvis("corpus", "evaluate", dataset, "--embeddings").returncode == 2  # no endpoint is given
    with running(answering("")) as server:
        server.embedding = sending_vectors(of_meaning)
        parvis.environment |= {"PARVIS_EMBEDDINGS_URL": server.url, "PARVIS_EMBEDDINGS_NAME": "sens"}
        with_endpoint = parvis("corpus", "evaluate", dataset, "--embeddings", "--json")
    assert with_endpoint.returncode == 0, with_endpoint.stderr
    alone = json.loads(parvis("corpus", "evaluate", dataset, "--json").stdout)
    fused = json.loads(with_endpoint.stdout)
    assert (alone["embeddings_weight"], fused["embeddings_weight"] > 0) == (None, True)
    assert fused["ndcg_at_10"] > alone["ndcg_at_10"] + 0.2


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


def test_doctor_reports_every_part_and_fails_when_one_fails(parvis: Parvis, tmp_path: Path) -> None:
    before = parvis("doctor", "--json")
    assert before.returncode == 1  # no table yet
    assert {finding["verdict"] for finding in json.loads(before.stdout)} >= {"failed"}
    added = parvis("institution", "add", "ici", "Université d’ici")
    assert added.returncode == 0, added.stderr
    after = parvis("doctor", "--json")
    assert after.returncode == 0, after.stdout
    assert len(json.loads(after.stdout)) >= 6


def test_the_first_administrator_gets_a_link_that_works_once(installed: Parvis) -> None:
    installed("institution", "add", "ici", "Université d’ici")
    added = installed("person", "add", "Prénom Nom", "--institution", "ici", "--role", "administrator")
    assert added.returncode == 0, added.stderr
    assert "http://127.0.0.1:8000/connexion/lien/" in added.stdout
    again = installed("person", "link", "prenom-nom", "--address", "https://parvis.exemple.fr/")
    assert "\nhttps://parvis.exemple.fr/connexion/lien/" in again.stdout
    installed.environment["PARVIS_SITE_URL"] = "https://ia.exemple.fr/"
    assert "\nhttps://ia.exemple.fr/connexion/lien/" in installed("person", "link", "prenom-nom").stdout
    (listed,) = json.loads(installed("person", "list", "--json").stdout)
    assert (listed["identifier"], listed["institution"], listed["role"]) == ("prenom-nom", "ici", "administrator")
    assert installed("person", "add", "X", "--institution", "absente").returncode == 2
    assert installed("person", "add", "X", "--institution", "ici", "--role", "roi").returncode == 2


def test_a_key_is_printed_once_listed_without_itself_and_revoked(installed: Parvis) -> None:
    installed("institution", "add", "ici", "Université d’ici")
    made = installed("key", "create", "Nuit", "--institution", "ici", "--app", "Robot", "--scope", "ask")
    token = made.stdout.strip()
    assert (made.returncode, token[:7], len(token)) == (0, "parvis_", 56), made.stderr
    shown = installed("key", "list", "--json").stdout
    (listed,) = json.loads(shown)
    assert token not in shown
    assert (listed["holder"], listed["scopes"], listed["state"]) == ("Robot", ["ask"], "active")
    assert installed("key", "revoke", str(listed["id"])).returncode == 0
    assert json.loads(installed("key", "list", "--json").stdout)[0]["state"] == "revoked"
    for refused in (["--scope", "tout"], ["--days", "9999"], ["--person", "personne"], ["--app", "Robot", "--person", "X"]):
        assert installed("key", "create", "Nuit", "--institution", "ici", *refused).returncode == 2


def test_a_list_of_people_is_shown_then_imported_once(installed: Parvis, tmp_path: Path) -> None:
    installed("institution", "add", "liste", "Université de la liste")
    people = tmp_path / "etudiants.csv"
    people.write_text("identifiant,nom complet,rôle\nlea,Léa Martin,étudiante\ntom,Tom Durand,étudiant\n", encoding="cp1252")
    command = ("person", "import", str(people), "--institution", "liste", "--yes")
    done = installed(*command)
    assert done.returncode == 0, done.stderr
    assert "Nouvelles : 2" in done.stdout.replace("\u00a0", " ")
    again = installed(*command)
    assert "Inchangées : 2" in again.stdout.replace("\u00a0", " ")
    people.write_text("identifiant,nom complet,rôle\nlea,Léa Martin,étudiante\nzoé,Zoé,magicienne\n", encoding="utf-8")
    faulty = installed(*command, "--end-absent")
    assert faulty.returncode == 2
    assert "magicienne" in faulty.stdout
    listed = json.loads(installed("person", "list", "--institution", "liste", "--json").stdout)
    assert [(one["identifier"], one["role"]) for one in listed] == [("liste:lea", "student")]
    assert installed("person", "import", str(tmp_path / "absent.csv"), "--institution", "liste").returncode == 2
    assert installed(*command, "--source", "absente").returncode == 2


def test_a_port_that_is_taken_is_said_in_a_sentence(parvis: Parvis) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = parvis("serve", "--port", str(taken.getsockname()[1]))
    assert served.returncode == 2
    assert "--port" in served.stderr


def test_the_demonstration_refuses_a_folder_that_is_not_its_own(parvis: Parvis, tmp_path: Path) -> None:
    mine = tmp_path / "data"
    mine.mkdir()
    (mine / "thesis.txt").write_text("twenty years of work", encoding="utf-8")
    assert parvis("demo", "--fresh", "--load-only").returncode == 2
    assert (mine / "thesis.txt").exists()


def test_a_worker_ends_when_it_is_told_to(installed: Parvis) -> None:
    worker = subprocess.Popen([sys.executable, "-m", "parvis.cli", "worker"], env=installed.environment)
    while not listens(worker):
        time.sleep(0.02)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=1)  # it waits for documents
    worker.terminate()
    assert worker.wait(timeout=20) == 0


def listens(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has taken the signal that ends it in its own hands, as the kernel sees it."""
    assert process.poll() is None
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
