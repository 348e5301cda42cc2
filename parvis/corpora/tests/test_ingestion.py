"""From a file to passages that are found."""

from __future__ import annotations

import io

import pytest

from conftest import House
from parvis.corpora import actions, jobs
from parvis.corpora.models import Corpus, Document, DocumentState, Passage

COURSE = """# Droit constitutionnel

## La séparation des pouvoirs

Montesquieu distingue la puissance législative, la puissance exécutive et la puissance de juger. Il écrit que tout serait
perdu si le même homme exerçait ces trois pouvoirs. La séparation protège donc la liberté des citoyens contre l’arbitraire.

## Le contrôle de constitutionnalité

Le Conseil constitutionnel compte neuf membres nommés pour neuf ans. La question prioritaire de constitutionnalité date
de la révision du 23 juillet 2008 et s’applique depuis le 1er mars 2010.
"""


@pytest.fixture
def corpus(house: House) -> Corpus:
    return actions.create_corpus(house.principal(house.teacher), name="Droit constitutionnel")


def add(house: House, corpus: Corpus, name: str, content: bytes | str) -> actions.Added:
    data = content.encode() if isinstance(content, str) else content
    return actions.add_upload(corpus, house.principal(house.teacher), name, io.BytesIO(data))


def test_a_file_is_found_once_it_is_read(house: House, corpus: Corpus) -> None:
    teacher = house.principal(house.teacher)
    document = add(house, corpus, "cours.md", COURSE).document
    assert not actions.search_corpora(teacher, "Combien de membres compte le Conseil ?", [corpus.id]).hits

    jobs.run_worker(until_idle=True)

    document.refresh_from_db()
    assert (document.state, document.title, document.media_type) == (
        DocumentState.INDEXED,
        "Droit constitutionnel",
        "text/markdown",
    )
    assert document.pages_done == document.pages_total == Document.unscoped.get().pages.count() == 3
    found = actions.search_corpora(teacher, "Combien de membres compte le Conseil constitutionnel ?", [corpus.id])
    best = found.hits[0].passage
    assert "neuf membres" in best.text
    assert best.heading_path == ("Droit constitutionnel", "Le contrôle de constitutionnalité")
    assert best.document_title == "Droit constitutionnel"
    page = Passage.unscoped.get(id=best.id).page
    assert page.text[best.start : best.end] == best.text
