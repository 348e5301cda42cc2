"""The Merkle tree of a log (RFC 6962), kept as tiles of 256 hashes: a proof reads a few rows, whatever the size of the log.

Tile (level, index) holds the roots of the perfect subtrees of 256^level leaves, from the 256·index-th on. The proofs that
are made here are verified by `verifier`, which leaves this house alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from parvis.audit.verifier import EMPTY_ROOT, HASH, node_hash

WIDTH_BITS = 8
WIDTH = 1 << WIDTH_BITS

# The hashes of a tile, one after the other; b"" for one that does not exist.
ReadTile = Callable[[int, int], bytes]


class Tree:
    """`changed` holds the tiles that were written since, by (level, index)."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size = size
        self.changed: dict[tuple[int, int], bytes] = {}
        self._read = read

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Appends these hashes of leaves."""
        for leaf in leaves:
            self._append(0, self.size, leaf)
            self.size += 1

    def root(self) -> bytes:
        return self.root_at(self.size)

    def root_at(self, size: int) -> bytes:
        """The root that the tree had at that size, which must not be larger than its own."""
        if not 0 <= size <= self.size:
            raise ValueError(f"no tree of {size} leaves in one of {self.size}")
        return self._span(0, size) if size else EMPTY_ROOT

    def inclusion(self, number: int, size: int) -> list[bytes]:
        """The path from a leaf to the root at `size` (RFC 6962, 2.1.1)."""
        if not 0 <= number < size <= self.size:
            raise ValueError(f"no leaf {number} in a tree of {size}")
        return self._path(number, 0, size)

    def consistency(self, size: int, new_size: int) -> list[bytes]:
        """The proof that the tree of `new_size` begins with that of `size` (RFC 6962, 2.1.2)."""
        if not 0 <= size <= new_size <= self.size:
            raise ValueError(f"no trees of {size} and {new_size} leaves in one of {self.size}")
        return self._between(size, 0, new_size, whole=True) if 0 < size < new_size else []

    def _path(self, number: int, start: int, count: int) -> list[bytes]:
        if count == 1:
            return []
        left = _left(count)
        if number < left:
            return [*self._path(number, start, left), self._span(start + left, count - left)]
        return [*self._path(number - left, start + left, count - left), self._span(start, left)]

    def _between(self, size: int, start: int, count: int, *, whole: bool) -> list[bytes]:
        if size == count:
            return [] if whole else [self._span(start, count)]
        left = _left(count)
        if size <= left:
            return [*self._between(size, start, left, whole=whole), self._span(start + left, count - left)]
        return [*self._between(size - left, start + left, count - left, whole=False), self._span(start, left)]

    def _span(self, start: int, count: int) -> bytes:
        """The root of `count` leaves from `start`, a multiple of every perfect subtree they make."""
        if count & (count - 1) == 0:
            return self._perfect(count.bit_length() - 1, start // count)
        left = _left(count)
        return node_hash(self._span(start, left), self._span(start + left, count - left))

    def _perfect(self, height: int, index: int) -> bytes:
        level, inside = divmod(height, WIDTH_BITS)
        first = index << inside
        tile = self._tile(level, first >> WIDTH_BITS)
        at = first % WIDTH * HASH
        return _fold(tile[at : at + (HASH << inside)])

    def _append(self, level: int, index: int, leaf: bytes) -> None:
        place = (level, index >> WIDTH_BITS)
        tile = self._tile(*place) + leaf
        self.changed[place] = tile
        if len(tile) == WIDTH * HASH:
            self._append(level + 1, index >> WIDTH_BITS, _fold(tile))

    def _tile(self, level: int, index: int) -> bytes:
        known = self.changed.get((level, index))
        return self._read(level, index) if known is None else known


def _left(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _fold(hashes: bytes) -> bytes:
    """The root of a perfect tree over these."""
    row = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
