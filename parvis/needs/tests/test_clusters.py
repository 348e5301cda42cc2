from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.needs import clusters
from parvis.needs.clusters import TooManyTexts, WorkshopMap, workshop_map
from parvis.needs.similarity import Facets, Known

WORDS = "cours quiz copies salle budget achats amphi notes réunion moodle bourse stage thèse labo visio handicap".split()
FREE = 10_000  # numbers of groups from here on are needs not attached

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
confirmed_texts = st.lists(st.tuples(st.integers(1, 4), texts), max_size=8)


def confirmed(rows: Sequence[tuple[int, str]]) -> list[Known]:
    return [Known(key, group, text=text) for key, (group, text) in enumerate(rows, 1)]


def unattached(rows: Sequence[str]) -> list[Known]:
    return [Known(FREE + number, FREE + number, text=text) for number, text in enumerate(rows)]


def check(found: WorkshopMap, known: Sequence[Known], new: Sequence[Known]) -> None:
    """What is confirmed stands apart from what is computed; every need not attached has its place, and one cell each."""
    assert found.group_cells.keys() == {one.group for one in known}
    suggested = [key for cluster in found.clusters for key in cluster.keys]
    assert sorted([*suggested, *found.alone]) == sorted(found.cells) == sorted(one.key for one in new)
    cells = [*found.cells.values(), *found.group_cells.values()]
    assert len(set(cells)) == len(cells)


def parts_with(group: int, known: Sequence[Known], new: Sequence[Known]) -> int:
    every, harmonised = [*known, *new], frozenset(one.group for one in known)
    if len(every) < 2:
        return len(every)
    parts = clusters._parts(every, clusters._closeness(every), harmonised, (), clusters.LEAST_SIMILARITY)
    return sum(group in {every[place].group for place in part} for part in parts)


@settings(max_examples=20, deadline=None)
@given(confirmed_texts, st.lists(texts, max_size=15), st.randoms(use_true_random=False))
def test_no_need_moves_what_is_confirmed(rows: list[tuple[int, str]], more: list[str], chance: random.Random) -> None:
    known, new = confirmed(rows), unattached(more)
    found = workshop_map(new, known)
    check(found, known, new)
    assert all(parts_with(group, known, new) == 1 for group in found.group_cells)
    shuffled = workshop_map(chance.sample(new, len(new)), chance.sample(known, len(known)))
    assert shuffled == found


def test_a_thousand_new_needs_change_no_confirmed_membership() -> None:
    chance = random.Random(8)
    known = confirmed([(1 + number % 12, " ".join(chance.sample(WORDS, 3))) for number in range(36)])
    new = unattached([" ".join(chance.choices(WORDS, k=3)) for _ in range(1_000)])
    found = workshop_map(new, known)
    check(found, known, new)
    assert workshop_map([], known).group_cells.keys() == found.group_cells.keys()
    groups = [cluster.group for cluster in found.clusters if cluster.group is not None]
    assert len(set(groups)) == len(groups) > 0


def test_a_cluster_says_what_its_texts_share_and_which_harmonised_need_is_near() -> None:
    known = confirmed([(1, "Transcription automatique des cours en amphi"), (1, "Sous-titrer les vidéos de cours")])
    new = unattached(
        [
            "Transcrire les cours donnés en amphi",
            "Fabriquer des quiz Moodle avec leurs réponses",
            "Des quiz dans Moodle à partir d'un chapitre",
            "Recalculer les bourses",
        ]
    )
    found = workshop_map(new, known)
    near = {cluster.keys: cluster for cluster in found.clusters}
    assert near[FREE,].group == 1
    assert set(near[FREE + 1, FREE + 2].label) >= {"quiz", "moodle"} or set(near[FREE + 1, FREE + 2].label) >= {
        "quiz",
        "Moodle",
    }
    assert near[FREE + 1, FREE + 2].group is None
    assert found.alone == (FREE + 3,)


def test_two_needs_judged_different_are_never_one_cluster() -> None:
    new = unattached(["quiz dans Moodle", "quiz dans Moodle", "des quiz Moodle"])
    assert len(workshop_map(new).clusters[0].keys) == 3
    found = workshop_map(new, different=[(FREE, FREE + 1)])
    assert not any({FREE, FREE + 1} <= set(cluster.keys) for cluster in found.clusters)


def test_one_domain_brings_needs_together() -> None:
    rows = ["quiz de révision à préparer en amphi", "copies de partiel à corriger avec barème en amphi", *WORDS[7:]]
    apart = unattached(rows)
    domain = Facets(domain="évaluation")
    together = [Known(one.key, one.group, text=one.text, facets=domain) for one in apart[:2]]
    assert {FREE, FREE + 1} <= set(workshop_map(apart).alone)
    assert [cluster.keys for cluster in workshop_map([*together, *apart[2:]]).clusters] == [(FREE, FREE + 1)]


def test_too_many_texts_are_refused_with_how_many_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "MOST_TEXTS", 2)
    with pytest.raises(TooManyTexts) as refused:
        workshop_map(unattached(["a", "b", "c"]))
    assert (refused.value.code, refused.value.params) == ("too_many_texts", {"texts": 3, "most": 2})
