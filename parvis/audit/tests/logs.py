"""Logs made in memory, for tests and benches: the same bytes as those of a database, without one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from parvis.audit.signing import Signer
from parvis.audit.statement import statement
from parvis.audit.tree import Tree
from parvis.audit.verifier import EXPORT, commitment, leaf_hash

ORIGIN = "parvis.example/journal/essai"
BEGUN = datetime(2026, 11, 2, 8, tzinfo=UTC)
ACTIONS = ("session.open", "turn.ask", "access.refuse", "rules.publish", "corpus.create", "document.add")


def tree_of(data: Sequence[bytes]) -> Tree:
    tree = Tree(0, lambda _level, _index: b"")
    tree.extend([leaf_hash(one) for one in data])
    return tree


def signer(seed: int = 1) -> Signer:
    return Signer("parvis.example", Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@dataclass
class Written:
    """A log as a file holds it: the header, a row for each entry, then the lists of leaves."""

    header: dict[str, Any]
    entries: list[dict[str, Any]]
    listed: list[dict[str, Any]]

    def file(self) -> bytes:
        return b"".join(_line(row) for row in (self.header, *self.entries, *self.listed))


def written(count: int, *, heads_every: int = 500) -> Written:
    entries = list(_entries(count))
    commitments = [bytes.fromhex(row["c"]) for row in entries]
    return Written(_header(tree_of(commitments), heads_every), entries, list(_listed(commitments)))


def write(path: Path, count: int) -> None:
    """A log too large for memory."""
    commitments, body_path = [], path.with_suffix(".entries")
    with body_path.open("wb") as file:
        for row in _entries(count):
            commitments.append(bytes.fromhex(row["c"]))
            file.write(_line(row))
        for row in _listed(commitments):
            file.write(_line(row))
    with path.open("wb") as whole, body_path.open("rb") as file:
        whole.write(_line(_header(tree_of(commitments), max(1, count // 50))))
        shutil.copyfileobj(file, whole)
    body_path.unlink()


def _entries(count: int) -> Iterator[dict[str, Any]]:
    random = Random(4)
    for number in range(count):
        text = statement(
            at=BEGUN + timedelta(seconds=number),
            institution_id=1,
            actor=f"person:{random.randrange(900)}",
            action=random.choice(ACTIONS),
            subject=f"corpus:{random.randrange(300)}",
            details={"corpus": random.randrange(300)},
        )
        salt = random.randbytes(32)
        yield {"n": number, "c": commitment(salt, text.encode()).hex(), "s": salt.hex(), "b": text}


def _header(tree: Tree, heads_every: int) -> dict[str, Any]:
    who = signer()
    sizes = [*range(heads_every, tree.size, heads_every), tree.size]
    notes = [who.head(ORIGIN, size, tree.root_at(size), at="2026-11-02T08:00:00Z") for size in sizes]
    header = {"format": EXPORT, "origin": ORIGIN, "keys": [{"key": str(who.key), "endorsed": ""}]}
    return header | {"head": notes[-1], "heads": notes[:-1], "witnesses": []}


def _listed(commitments: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    for first in range(0, len(commitments), 256):
        hashes = b"".join(leaf_hash(one) for one in commitments[first : first + 256])
        yield {"first": first, "hashes": hashes.hex()}


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
