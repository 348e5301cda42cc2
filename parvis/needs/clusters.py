"""The workshop's map: clusters that texts suggest among needs not attached yet, and a place for each.

Average linkage over the similarity of `similarity`, under what people have decided: the texts of one harmonised need are one
from the start, two harmonised needs never come together, nor do two needs judged different. So what is confirmed is given and
never computed, and no new need can move it. A cluster is a suggestion and nothing more: on needs that share few words most of
its pairs are wrong (`python -m bench.needs`).

Places are cells of a grid, one each, so that cards of any shape do not overlap; clusters lie near those they resemble
(classical scaling, then the nearest room), an empty cell around each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from parvis.needs.similarity import Known, similarities, word_surfaces

MOST_TEXTS = 2_000  # a workshop is about one domain; the time grows as the square: seconds for so many
LEAST_SIMILARITY = 0.15  # mean, between two parts of a cluster
SAME_DOMAIN = 0.1  # what one domain adds to a similarity; with more, clusters would be the domains
LABEL_TERMS = 3
SPREAD = 0.6  # with more, a map is mostly empty and no screen holds it

Cell = tuple[int, int]  # column and row, from 0


@dataclass(frozen=True, slots=True)
class Cluster:
    """`keys` are needs not attached, the most central first; `group` is the harmonised need they are close to, if any.
    `label` are words that several of its texts share, the most telling first; `cohesion` is their mean similarity."""

    keys: tuple[int, ...]
    group: int | None
    label: tuple[str, ...]
    cohesion: float


@dataclass(frozen=True, slots=True)
class WorkshopMap:
    """`clusters`, the largest first; `alone` are needs close to none; `cells` are of every need not attached, by key, and
    `group_cells` of every harmonised need."""

    clusters: tuple[Cluster, ...]
    alone: tuple[int, ...]
    cells: Mapping[int, Cell]
    group_cells: Mapping[int, Cell]


class TooManyTexts(Exception):
    """A map of so many texts would take too long, and nobody would read it: a workshop takes a domain or a working group."""

    code = "too_many_texts"

    def __init__(self, texts: int) -> None:
        super().__init__(self.code)
        self.params = {"texts": texts, "most": MOST_TEXTS}


def workshop_map(
    unattached: Sequence[Known],
    confirmed: Sequence[Known] = (),
    *,
    different: Collection[tuple[int, int]] = (),
    least_similarity: float = LEAST_SIMILARITY,
) -> WorkshopMap:
    """`confirmed` are the texts of harmonised needs, as many as each has; `unattached`, one text for each need.
    `different` are pairs of groups."""
    texts = [*sorted(confirmed, key=lambda one: one.key), *sorted(unattached, key=lambda one: one.key)]
    if len(texts) > MOST_TEXTS:
        raise TooManyTexts(len(texts))
    if not texts:
        return WorkshopMap((), (), {}, {})
    harmonised = frozenset(one.group for one in confirmed)
    close = _closeness(texts)
    parts = _parts(texts, close, harmonised, different, least_similarity)
    parts.sort(key=lambda part: (-len(part), texts[part[0]].key))
    words = [word_surfaces(one) for one in texts]
    everywhere = Counter(word for some in words for word in some)
    clusters, alone = [], []
    for part in parts:
        free = [place for place in part if texts[place].group not in harmonised]
        if free and len(part) > 1:
            clusters.append(_cluster(texts, words, everywhere, close, part, free))
        alone += [texts[place].key for place in free if len(part) == 1]
    nodes = [_nodes(texts, close, part, harmonised) for part in parts]
    cells = dict(
        zip((node for some in nodes for node in some), _cells(close, parts, [len(some) for some in nodes]), strict=True)
    )
    return WorkshopMap(
        clusters=tuple(clusters),
        alone=tuple(sorted(alone)),
        cells={number: cell for (is_group, number), cell in cells.items() if not is_group},
        group_cells={number: cell for (is_group, number), cell in cells.items() if is_group},
    )


_Part = list[int]  # places in the list of texts
_NEVER = 1e7  # a distance that no mean over MOST_TEXTS² pairs brings below 1
_LEAST = 1e-6  # above 0, the distance inside a harmonised need: it is one before anything joins it


def _closeness(texts: Sequence[Known]) -> NDArray[np.float64]:
    domains = np.array([one.facets.domain for one in texts])
    same = (domains[:, None] == domains[None, :]) & (domains != "")
    close: NDArray[np.float64] = np.minimum(similarities(texts) + SAME_DOMAIN * same, 1.0)
    return close


def _parts(
    texts: Sequence[Known],
    close: NDArray[np.float64],
    harmonised: frozenset[int],
    different: Collection[tuple[int, int]],
    least_similarity: float,
) -> list[_Part]:
    if len(texts) == 1:
        return [[0]]
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distances = np.maximum(1 - close, _LEAST)
    groups = np.array([one.group for one in texts])
    fixed = np.isin(groups, list(harmonised))
    distances[np.ix_(fixed, fixed)] = _NEVER
    for first, second in different:
        distances[np.ix_(groups == first, groups == second)] = _NEVER
        distances[np.ix_(groups == second, groups == first)] = _NEVER
    for group in harmonised:
        distances[np.ix_(groups == group, groups == group)] = 0
    np.fill_diagonal(distances, 0)
    numbers = fcluster(linkage(squareform(distances, checks=False), "average"), 1 - least_similarity, "distance")
    parts: dict[int, _Part] = defaultdict(list)
    for place, number in enumerate(numbers.tolist()):
        parts[number].append(place)
    return list(parts.values())


def _cluster(
    texts: Sequence[Known],
    words: Sequence[Mapping[str, str]],
    everywhere: Mapping[str, int],
    close: NDArray[np.float64],
    part: _Part,
    free: _Part,
) -> Cluster:
    groups = {texts[place].group for place in part if place not in free}
    inside = close[np.ix_(part, part)]
    pairs = len(part) * (len(part) - 1)
    return Cluster(
        keys=tuple(texts[place].key for place in _central_first(close, part, free)),
        group=next(iter(groups), None),
        label=_label([words[place] for place in part], everywhere),
        cohesion=float((inside.sum() - np.trace(inside)) / pairs),
    )


def _central_first(close: NDArray[np.float64], part: _Part, free: _Part) -> _Part:
    nearness = close[:, part].sum(axis=1)
    return sorted(free, key=lambda place: (-round(float(nearness[place]), 9), place))


def _label(part: Sequence[Mapping[str, str]], everywhere: Mapping[str, int]) -> tuple[str, ...]:
    """A word tells the more, the more texts of the cluster have it and the fewer others do."""
    inside = Counter(word for words in part for word in words)
    shared = [word for word, times in inside.items() if times > 1]
    shared.sort(key=lambda word: (-(inside[word] ** 2) / everywhere[word], word))
    return tuple(dict.fromkeys(_most_written(word, part) for word in shared))[:LABEL_TERMS]


def _most_written(word: str, part: Sequence[Mapping[str, str]]) -> str:
    written = Counter(words[word] for words in part if word in words)
    return min(written, key=lambda surface: (-written[surface], surface))


_Node = tuple[bool, int]  # whether a harmonised need; its group, or the need's key


def _nodes(texts: Sequence[Known], close: NDArray[np.float64], part: _Part, harmonised: frozenset[int]) -> list[_Node]:
    groups = dict.fromkeys(texts[place].group for place in part if texts[place].group in harmonised)
    free = [place for place in part if texts[place].group not in harmonised]
    return [*((True, group) for group in groups), *((False, texts[place].key) for place in _central_first(close, part, free))]


def _cells(close: NDArray[np.float64], parts: Sequence[_Part], sizes: Sequence[int]) -> list[Cell]:
    """A cell for each node of each part, in order; the largest parts choose first."""
    wanted = _scaled(close, parts) * (SPREAD * np.sqrt(sum(sizes) + len(sizes)))
    taken: set[Cell] = set()
    placed: list[list[Cell]] = []
    for (column, row), size in zip(np.rint(wanted).astype(int).tolist(), sizes, strict=True):
        shape = _nearest_cells(size)
        right, down = next(
            (column + right, row + down)
            for right, down in _rings()
            if not any((column + right + x, row + down + y) in taken for x, y in shape)
        )
        cells = [(right + x, down + y) for x, y in shape]
        placed.append(cells)
        taken.update((x + right, y + down) for x, y in cells for right in (-1, 0, 1) for down in (-1, 0, 1))
    left, top = (min(cell[axis] for cells in placed for cell in cells) for axis in (0, 1))
    return [(x - left, y - top) for cells in placed for x, y in cells]


def _scaled(close: NDArray[np.float64], parts: Sequence[_Part]) -> NDArray[np.float64]:
    """Classical scaling of the parts' mean distances, within −1 … 1."""
    if len(parts) < 3:
        return np.array([[float(number), 0.0] for number in range(len(parts))])
    member = np.zeros((len(parts), len(close)))
    for number, part in enumerate(parts):
        member[number, part] = 1 / len(part)
    squared = (1 - member @ close @ member.T) ** 2
    np.fill_diagonal(squared, 0)
    centred = squared - squared.mean(axis=0)
    centred = -(centred - centred.mean(axis=1, keepdims=True)) / 2
    values, vectors = np.linalg.eigh(centred)
    plane = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0))
    plane *= np.where(plane[np.abs(plane).argmax(axis=0), [0, 1]] < 0, -1, 1)  # a vector's sign is the library's whim
    scaled: NDArray[np.float64] = plane / max(float(np.abs(plane).max()), 1e-12)
    return scaled


def _nearest_cells(size: int) -> list[Cell]:
    reach = range(-int(size**0.5) - 1, int(size**0.5) + 2)
    return sorted(((x, y) for x in reach for y in reach), key=lambda cell: (cell[0] ** 2 + cell[1] ** 2, cell))[:size]


def _rings() -> Iterator[Cell]:
    """Every step away from a cell, the nearest first, square after square."""
    for far in count():
        yield from _ring(far)


@lru_cache(maxsize=256)
def _ring(far: int) -> list[Cell]:
    sides = range(-far, far + 1)
    ring = {(x, y) for x in sides for y in (-far, far)} | {(x, y) for y in sides for x in (-far, far)}
    return sorted(ring, key=lambda cell: (cell[0] ** 2 + cell[1] ** 2, cell))
