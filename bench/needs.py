"""Needs that are close, groups that form, shared money: figures beside their targets.

    python -m bench.needs [--quick] [--tune] [--json FILE]

The 141 needs of the demonstration are hard on purpose: 28 themes whose needs share few words, one author, so the standard
error of a share is .04. Each need in turn is the draft and the 140 others are known; "any in 5" is the share of drafts whose
first five suggestions hold one of the same theme. What is tuned was chosen on themes other than those measured (`--tune`).
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import parvis.demo
from bench.report import Report
from parvis.needs import similarity
from parvis.needs.similarity import Draft, Facets, Known, close_needs, keys
from parvis.retrieval.fts5 import Fts5Index, create_tables
from parvis.retrieval.index import Entry

NEEDS = Path(parvis.demo.__file__).parent / "needs.tsv"
ALLIANCE = frozenset({1})
DRAWS = 20

# The seven domains an author may pick, and the themes each covers.
DOMAINS = {
    "scolarité": ("chatbot_scolarite", "agents_scolarite", "orientation", "decrochage"),
    "enseignement": ("qcm", "tuteur", "competences", "media"),
    "évaluation": ("correction", "plagiat", "eee"),
    "contenus": ("transcription", "traduction", "accessibilite", "compte_rendu"),
    "recherche": ("biblio", "projets", "code"),
    "administration": ("juridique", "marches", "helpdesk", "formation"),
    "système d'information": ("souverain", "acces", "anonymisation", "couts", "pegase", "moodle"),
}
DOMAIN_OF = {theme: domain for domain, themes in DOMAINS.items() for theme in themes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer draws and drafts, no 100,000")
    parser.add_argument("--tune", action="store_true", help="choose on half of the themes, say what the other half gives")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    needs = load(NEEDS)
    if arguments.tune:
        tune(needs)
        return 0
    report = Report("Needs commons")
    suggestions(report, needs, draws=3 if arguments.quick else DRAWS)
    calls = network_calls()
    for count, target in ((10_000, "< 50"), (100_000, "< 100")):
        if count == 10_000 or not arguments.quick:
            latency(report, needs, count, target, drafts=100 if arguments.quick else 400)
    report.row("network calls of a suggestion", len(calls), "== 0")
    return report.finish(arguments.json)


def load(path: Path) -> list[tuple[str, str]]:
    """Theme and text of each need."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(theme, text) for theme, text in (line.split("\t") for line in lines)]


# Suggestions


def suggestions(report: Report, needs: Sequence[tuple[str, str]], *, draws: int) -> None:
    alone = found(needs)
    report.row("any in 5, text alone", statistics.mean(alone), ">= .34", note=f"{sum(alone)} of {len(alone)}")
    for right, target in ((1.0, None), (0.9, ">= .65"), (0.75, None)):
        shares = [statistics.mean(found(needs, with_domains(needs, right, random.Random(draw)))) for draw in range(draws)]
        spread = f"{min(shares):.3f}–{max(shares):.3f} over {draws} draws"
        report.row(f"any in 5, domain picked right {right:.0%}", statistics.mean(shares), target, note=spread)


def found(needs: Sequence[tuple[str, str]], facets: Sequence[Facets] | None = None) -> list[bool]:
    """For each need, whether one of its theme is among the five suggested; the need itself is taken out meanwhile."""
    known = {
        number: Known(number, number, text=text, facets=facets[number] if facets else Facets())
        for number, (_, text) in enumerate(needs)
    }
    index = Fts5Index(sqlite3.connect(":memory:"))
    create_tables(index.connection)
    index.upsert(entry(one) for one in known.values())
    hits = []
    for number, one in known.items():
        index.delete([number])
        close = close_needs(
            Draft(text=one.text, facets=one.facets),
            index=index,
            corpora=ALLIANCE,
            fetch=lambda some: [known[key] for key in some],
        )
        index.upsert([entry(one)])
        hits.append(any(needs[each.group][0] == needs[number][0] for each in close))
    return hits


def entry(known: Known) -> Entry:
    return Entry(known.key, known.key, 1, keys(known.title, known.text, known.facets))


def with_domains(needs: Sequence[tuple[str, str]], right: float, chance: random.Random) -> list[Facets]:
    """What authors pick, right so often; a wrong pick is any of the six others."""
    picked = []
    for theme, _ in needs:
        true = DOMAIN_OF[theme]
        others = [domain for domain in DOMAINS if domain != true]
        picked.append(Facets(domain=true if chance.random() < right else chance.choice(others)))
    return picked


def tune(needs: Sequence[tuple[str, str]]) -> None:
    """Half of the themes choose, the other half is measured, 40 times. The known needs are all of them each time."""
    texts = {}
    for family, (shortest, longest) in product((1, 4, 5, 6, 40), ((3, 4), (3, 5), (4, 4))):
        set_to(FAMILY=family, SHORTEST_RUN=shortest, LONGEST_RUN=longest)
        texts[f"family {family}, runs {shortest}–{longest}"] = [float(hit) for hit in found(needs)]
    choose("text alone", needs, texts)
    set_to(FAMILY=5, SHORTEST_RUN=3, LONGEST_RUN=4)
    boosts = {}
    for boost in (0.05, 0.1, 0.15, 0.2, 0.3, 0.5):
        set_to(DOMAIN_BOOST=boost)
        draws = [found(needs, with_domains(needs, 0.9, random.Random(1000 + draw))) for draw in range(5)]
        boosts[f"boost {boost}"] = [statistics.mean(hits) for hits in zip(*draws, strict=True)]
    choose("domain right 90 %", needs, boosts)


def set_to(**values: float) -> None:
    for name, value in values.items():
        setattr(similarity, name, value)
    similarity._read.cache_clear()


def choose(name: str, needs: Sequence[tuple[str, str]], tried: Mapping[str, Sequence[float]]) -> None:
    themes, chance = sorted(DOMAIN_OF), random.Random(3)
    chosen: Counter[str] = Counter()
    held_out = []
    for _ in range(40):
        half = set(chance.sample(themes, len(themes) // 2))
        mine = [number for number, (theme, _) in enumerate(needs) if theme in half]
        rest = [number for number, (theme, _) in enumerate(needs) if theme not in half]
        best = max(tried, key=lambda one: statistics.mean(tried[one][number] for number in mine))
        chosen[best] += 1
        held_out.append(statistics.mean(tried[best][number] for number in rest))
    print(f"{name}: {statistics.mean(held_out):.3f} on themes not chosen on")
    for one, hits in tried.items():
        print(f"  {one}: {statistics.mean(hits):.3f} on all, chosen {chosen[one]} times of 40")


# Speed


def latency(report: Report, needs: Sequence[tuple[str, str]], count: int, target: str, *, drafts: int) -> None:
    """A draft as its author stops typing, among `count` needs in a database file; every draft is new."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "needs.sqlite")
        create_tables(connection)
        connection.execute("CREATE TABLE need (key INTEGER PRIMARY KEY, text TEXT, domain TEXT)")
        index = Fts5Index(connection)
        writer = generated([text for _, text in needs], random.Random(count))
        for first in range(1, count + 1, 10_000):
            known = [Known(first + step, first + step, *next(writer)) for step in range(10_000)]
            connection.executemany(
                "INSERT INTO need VALUES (?, ?, ?)", [(one.key, one.text, one.facets.domain) for one in known]
            )
            index.upsert(entry(one) for one in known)
            connection.commit()
        index.maintain()
        connection.commit()
        similarity._read.cache_clear()
        times = []
        for _ in range(drafts):
            _, text, facets = next(writer)
            draft = Draft(text=text[: random.Random(text).randint(30, 200)], facets=facets)
            start = time.perf_counter()
            close_needs(draft, index=index, corpora=ALLIANCE, fetch=fetching(connection))
            times.append(1000 * (time.perf_counter() - start))
        connection.close()
    times.sort()
    report.row(f"p50 of a suggestion, {count:,} needs", times[len(times) // 2], unit="ms")
    report.row(
        f"p95 of a suggestion, {count:,} needs", times[int(0.95 * len(times))], target, unit="ms", note=f"{drafts} drafts"
    )


def fetching(connection: sqlite3.Connection) -> Callable[[Sequence[int]], list[Known]]:
    def fetch(some: Sequence[int]) -> list[Known]:
        rows = connection.execute(
            "SELECT key, text, domain FROM need WHERE key IN (SELECT value FROM json_each(?))", [json.dumps(some)]
        )
        return [Known(key, key, text=text, facets=Facets(domain)) for key, text, domain in rows]

    return fetch


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


def network_calls() -> list[str]:
    """Every look-up and connection from now on, in a list that grows; each is refused."""
    calls: list[str] = []

    def watch(event: str, _arguments: object) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            calls.append(event)
            raise PermissionError(event)

    sys.addaudithook(watch)
    return calls


if __name__ == "__main__":
    sys.exit(main())
