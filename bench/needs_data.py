"""The needs that benches ask about: those of the demonstration, and as many more as one wants."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import parvis.demo
from parvis.needs.similarity import Facets

NEEDS = Path(parvis.demo.__file__).parent / "needs.tsv"

# The seven domains an author may pick, and the themes each covers: four or so, as in the report that set the targets.
DOMAINS = {
    "scolarité": ("chatbot_scolarite", "agents_scolarite", "orientation", "decrochage"),
    "enseignement": ("tuteur", "competences", "formation", "moodle"),
    "évaluation": ("qcm", "correction", "plagiat", "eee"),
    "contenus": ("transcription", "traduction", "accessibilite", "media"),
    "recherche": ("biblio", "projets", "code"),
    "administration": ("juridique", "marches", "compte_rendu", "couts"),
    "système d'information": ("souverain", "acces", "anonymisation", "pegase", "helpdesk"),
}
DOMAIN_OF = {theme: domain for domain, themes in DOMAINS.items() for theme in themes}


def load(path: Path) -> list[tuple[str, str]]:
    """Theme and text of each need."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(theme, text) for theme, text in (line.split("\t") for line in lines)]


def generated(texts: Sequence[str], chance: random.Random) -> Iterator[tuple[str, str, Facets]]:
    """Needs without end: pieces of real ones, and words of 20,000 invented ones, the first often, the others rarely."""
    words = [text.split() for text in texts]
    parts = ["".join(pair) for pair in product("bcdfglmnprstv", ("a", "e", "i", "o", "u", "an", "on", "eur", "ation", "ique"))]
    invented = ["".join(chance.choices(parts, k=chance.randint(2, 4))) for _ in range(20_000)]
    while True:
        pieces = []
        for _ in range(chance.randint(2, 7)):
            source = chance.choice(words)
            start = chance.randrange(len(source))
            pieces += source[start : start + chance.randint(2, 6)]
            pieces += [invented[int(20_000 * chance.random() ** 4)] for _ in range(chance.randint(0, 3))]
        yield "", " ".join(pieces), Facets(domain=chance.choice(list(DOMAINS)))
