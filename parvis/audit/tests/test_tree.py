"""The tree is that of RFC 6962, and a proof cannot be forged."""

from __future__ import annotations

from random import Random

import pytest

from parvis.audit.tests.logs import tree_of
from parvis.audit.verifier import EMPTY_ROOT, Frontier, consistent, included, leaf_hash

# The inputs and roots that implementations of RFC 6962 share, for the trees of their first 0 to 8 entries.
INPUTS = [
    bytes.fromhex(one)
    for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_public_vectors(size: int) -> None:
    assert tree_of(INPUTS[:size]).root().hex() == ROOTS[size - 1]


def test_the_root_of_nothing() -> None:
    assert tree_of([]).root() == EMPTY_ROOT == Frontier().root()


def test_every_proof_of_small_trees_holds() -> None:
    data = [bytes([number]) for number in range(70)]
    tree = tree_of(data)
    roots = [tree.root_at(size) for size in range(71)]
    for size in range(1, 71):
        for number in range(size):
            assert included(leaf_hash(data[number]), number, size, tree.inclusion(number, size), roots[size])
        for earlier in range(size + 1):
            assert consistent(earlier, roots[earlier], size, roots[size], tree.consistency(earlier, size))


def test_a_large_tree_is_kept_in_tiles_and_grows_from_them() -> None:
    data = [number.to_bytes(4, "big") for number in range(66_000)]
    whole = tree_of(data)
    parts = tree_of(data[:300])
    parts.extend([leaf_hash(one) for one in data[300:]])
    assert parts.root() == whole.root()
    assert max(level for level, _index in whole.changed) == 2
    for number in (0, 255, 256, 65_535, 65_536, 65_999):
        path = whole.inclusion(number, 66_000)
        assert included(leaf_hash(data[number]), number, 66_000, path, whole.root())
    assert consistent(65_537, whole.root_at(65_537), 66_000, whole.root(), whole.consistency(65_537, 66_000))


def test_no_forged_proof_is_accepted() -> None:
    """At one percent of what `bench.evidence` tries."""
    from bench.evidence import forge

    assert forge(Random(26), 10_000) == 0


def test_a_proof_of_another_size_is_refused() -> None:
    tree = tree_of(INPUTS)
    root, path = tree.root(), tree.inclusion(3, 8)
    assert included(leaf_hash(INPUTS[3]), 3, 8, path, root)
    assert not included(leaf_hash(INPUTS[3]), 3, 8, path[:-1], root)
    assert not included(leaf_hash(INPUTS[3]), 3, 8, [*path, path[0]], root)
    assert not included(leaf_hash(INPUTS[3]), 8, 8, path, root)
    assert not included(leaf_hash(INPUTS[3]), 3, 8, [one[:-1] for one in path], root)
    with pytest.raises(ValueError, match="no leaf"):
        tree.inclusion(8, 8)
