from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from conftest import House
from parvis.corpora import actions, jobs
from parvis.corpora.engine import index
from parvis.corpora.models import Corpus, Document
from parvis.corpora.parsing.reading import read

COURSE = """# Droit constitutionnel

## La séparation des pouvoirs

Montesquieu distingue la puissance législative, la puissance exécutive et la puissance de juger. Il écrit que tout serait
perdu si le même homme exerçait ces trois pouvoirs. La séparation protège donc la liberté des citoyens contre l’arbitraire.

## Le contrôle de constitutionnalité

Le Conseil constitutionnel compte neuf membres nommés pour neuf ans. La question prioritaire de constitutionnalité date
de la révision du 23 juillet 2008 et s’applique depuis le 1er mars 2010.
"""

Add = Callable[..., actions.Added]


@pytest.fixture(autouse=True)
def files_dir(settings: Settings, tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    settings.FILES_DIR = folder
    return folder


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are read in this process, for tests that are about what comes after: the same parts, without the start of a
    process for each document."""
    monkeypatch.setattr(jobs, "read_bounded", read)


@pytest.fixture
def corpus(house: House) -> Corpus:
    return actions.create_corpus(house.principal(house.teacher), name="Droit constitutionnel")


@pytest.fixture
def add(house: House, corpus: Corpus) -> Add:
    """Gives a file to the course; without content, a text unlike any other."""
    numbers = itertools.count(1)

    def give(name: str = "cours.md", content: bytes | str | None = None, *, replaces: Document | None = None) -> actions.Added:
        if content is None:
            content = f"# Chapitre {next(numbers)}\n\nUn texte du chapitre, sur la question posée ici.\n"
        data = content.encode() if isinstance(content, str) else content
        return actions.add_upload(corpus, house.principal(house.teacher), name, io.BytesIO(data), replaces=replaces)

    return give


@pytest.fixture
def indexed(add: Add) -> Document:
    """The course above, ready to be asked."""
    document = add("cours.md", COURSE).document
    jobs.run_worker(until_idle=True)
    document.refresh_from_db()
    return document


@pytest.fixture
def ask(house: House, corpus: Corpus) -> Callable[[str], list[str]]:
    """The texts of the passages found by the teacher."""

    def texts(question: str) -> list[str]:
        found = actions.search_corpora(house.principal(house.teacher), question, [corpus.id])
        return [hit.passage.text for hit in found.hits]

    return texts


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """What the test writes is committed, so that other processes see it; afterwards the tables are emptied."""
    yield
    index().delete(Document.unscoped.values_list("id", flat=True))
