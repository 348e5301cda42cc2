#!/usr/bin/env python3
"""Verifies an export of the evidence log of Parvis, away from Parvis.

    python3 verifier.py FILE [--key KEY] [--head FILE]

One file, Python 3.9 or newer, nothing to install. FILE is an export (JSON Lines) or the proof of one entry (JSON). `--key`
is the public key that the institution published: without it, the file is only checked against the key that it carries.
`--head` is a signed head got from elsewhere, from a witness for instance: it must be in this log.

The log is a Merkle tree (RFC 6962). A leaf is the commitment of an entry, HMAC-SHA256(salt, body); heads are signed notes
(Ed25519, RFC 8032) in the text form of transparency logs: origin, size, root. Exit status: 0, all holds; 1, something does
not; 2, the file cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

EXPORT, PROOF = "parvis-evidence-1", "parvis-proof-1"
ERASURE = "evidence.erase"  # the action of an entry that names those that were erased
HASH = 32
MOST_FINDINGS = 1000
LONGEST_PROOF = 4_000_000  # bytes
NOTE, COSIGNATURE = 1, 4  # what a key signs: a note, or somebody else's
ENDORSEMENT = "parvis key endorsement"

sha256 = hashlib.sha256

# The tree of RFC 6962


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = sha256(b"").digest()


class Frontier:
    """The root of a tree that grows: one hash for each perfect subtree, the largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        peaks, size = self._peaks, self.size
        while size & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def included(leaf: bytes, number: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: `leaf`, the hash of the leaf of that number, is in the tree of that size and root."""
    if not 0 <= number < size or any(len(one) != HASH for one in path):
        return False
    at, latest, found = number, size - 1, leaf
    for step in path:
        if latest == 0:
            return False
        if at & 1 or at == latest:
            found = node_hash(step, found)
            while not at & 1 and at:
                at >>= 1
                latest >>= 1
        else:
            found = node_hash(found, step)
        at >>= 1
        latest >>= 1
    return latest == 0 and found == root


def consistent(size: int, root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2: the larger tree begins with the smaller one."""
    if not 0 <= size <= new_size or any(len(one) != HASH for one in path):
        return False
    if size == new_size:
        return not path and root == new_root
    if size == 0:
        return not path and root == EMPTY_ROOT
    steps = list(path)
    if size & (size - 1) == 0:
        steps.insert(0, root)
    if not steps:
        return False
    at, latest = size - 1, new_size - 1
    while at & 1:
        at >>= 1
        latest >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if latest == 0:
            return False
        if at & 1 or at == latest:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at >>= 1
                latest >>= 1
        else:
            new = node_hash(new, step)
        at >>= 1
        latest >>= 1
    return latest == 0 and old == root and new == new_root


def commitment(salt: bytes, body: bytes) -> bytes:
    return hmac.digest(salt, body, "sha256")


# Signatures


class Unreadable(ValueError):
    """What was given is not what it should be; the message says what."""


@dataclass(frozen=True)
class Key:
    """A public key and the name under which it signs, written name+identifier+base64."""

    name: str
    public: bytes

    @classmethod
    def read(cls, text: str) -> Key:
        name, _, rest = text.strip().partition("+")
        identifier, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        key = cls(name, raw[1:])
        if len(raw) != 1 + HASH or raw[0] != NOTE or not name or key.identifier(NOTE).hex() != identifier:
            raise Unreadable("this is no public key")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.identifier(NOTE).hex()}+{base64.b64encode(bytes([NOTE]) + self.public).decode()}"

    def identifier(self, use: int) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([use]) + self.public).digest()[:4]


@dataclass(frozen=True)
class Note:
    """A text and its signatures: (name, identifier of the key, signature)."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def read(cls, written: str) -> Note:
        text, blank, lines = written.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise Unreadable("this is no signed note")
        found = []
        for line in lines.splitlines():
            mark, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raw = b""
            if mark != "\N{EM DASH}" or not name or len(raw) < 5:
                raise Unreadable("this is no signed note")
            found.append((name, raw[:4], raw[4:]))
        return cls(text + "\n", tuple(found))

    def is_signed_by(self, key: Key) -> bool:
        return any(
            name == key.name
            and identifier == key.identifier(NOTE)
            and verify_signature(key.public, self.text.encode(), signature)
            for name, identifier, signature in self.signatures
        )

    def seen_at(self, key: Key) -> int | None:
        """When the witness of that key countersigned this text, in seconds since 1970; None when it did not."""
        for name, identifier, raw in self.signatures:
            if name == key.name and identifier == key.identifier(COSIGNATURE) and len(raw) == 8 + 64:
                seconds = int.from_bytes(raw[:8], "big")
                if verify_signature(key.public, countersigned(self.text, seconds), raw[8:]):
                    return seconds
        return None


def countersigned(text: str, seconds: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


@dataclass(frozen=True)
class Head:
    """How many entries a log had, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def read(cls, text: str) -> Head:
        lines = text.split("\n")
        try:
            origin, size, root = lines[0], lines[1], base64.b64decode(lines[2], validate=True)
        except (IndexError, binascii.Error, ValueError):
            raise Unreadable("this is no head") from None
        if not origin or not (size.isascii() and size.isdigit()) or len(root) != HASH or str(int(size)) != size:
            raise Unreadable("this is no head")
        return cls(origin, int(size), root)


def endorsement(key: Key) -> str:
    """What a key signs to name the one that follows it."""
    return f"{ENDORSEMENT}\n{key}\n"


def accepted_keys(rows: Sequence[Any], pinned: Key | None = None) -> list[Key]:
    """The keys of a chain in which each names the next; from the pinned one on, where there is one."""
    keys: list[Key] = []
    for row in rows:
        key = Key.read(str(row["key"]))
        if keys:
            note = Note.read(str(row["endorsed"]))
            if note.text != endorsement(key) or not note.is_signed_by(keys[-1]):
                raise Unreadable("a key is not endorsed by the one before")
        keys.append(key)
    if pinned is None:
        return keys
    return keys[keys.index(pinned) :] if pinned in keys else [pinned]


# Ed25519 (RFC 8032, 5.1), for where no library is: slow, and only on public values.

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]  # (x, y, z, t), x = X/Z, y = Y/Z, xy = T/Z


def _add(one: _Point, other: _Point) -> _Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % _P, (one[1] + one[0]) * (other[1] + other[0]) % _P
    c, d = 2 * one[3] * other[3] * _D % _P, 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(number: int, point: _Point) -> _Point:
    found: _Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = _add(found, point)
        point = _add(point, point)
        number >>= 1
    return found


def _point(raw: bytes) -> _Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def verify_by_hand(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or _BASE is None or s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _add(r, _times(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _verify_by_library(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    verify_signature = _verify_by_library
except ImportError:
    verify_signature = verify_by_hand


# The verification of a file


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold. `first` and `latest` are numbers of entries, from 0; -1 where none is concerned."""

    code: str
    first: int = -1
    latest: int = -1
    detail: str = ""


@dataclass
class Result:
    origin: str = ""
    size: int = 0
    entries: int = 0
    erased: int = 0
    key: str = ""
    is_pinned: bool = False
    head: str = ""
    witnesses: list[tuple[str, int]] = field(default_factory=list)  # (name, seconds since 1970)
    findings: list[Finding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings

    def find(self, code: str, first: int = -1, latest: int = -1, detail: str = "") -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(code, first, first if latest < 0 else latest, detail))


@dataclass
class _Claim:
    """What the entries of a file say, as they are read."""

    leaves: bytearray = field(default_factory=bytearray)
    numbers: list[int] = field(default_factory=list)
    listed: bytearray = field(default_factory=bytearray)
    erased: list[int] = field(default_factory=list)
    erasures: list[tuple[int, int]] = field(default_factory=list)


def verify(file: BinaryIO, pinned: Key | None = None, known: Sequence[str] = ()) -> Result:
    """Raises Unreadable when it is not a file of evidence. `known`: signed heads got from elsewhere."""
    first = file.readline()
    if first.strip() == b"{":  # a proof, laid out for people
        first += file.read(LONGEST_PROOF)
    header = _object(first)
    if header.get("format") == PROOF:
        return _verify_proof(header, pinned)
    if header.get("format") != EXPORT:
        raise Unreadable("this is neither an export of evidence nor a proof")
    result = Result()
    head = _verify_head(header, pinned, result)
    earlier = _earlier(header, result, head)
    claim = _read_entries(file, result)
    result.entries = len(claim.numbers)
    roots = _roots(bytes(claim.leaves), {one.size for one in earlier} | {head.size})
    if roots.get(head.size) == head.root and result.entries == head.size:
        _check_numbers(claim, result)
    else:
        _locate(claim, head, earlier, roots, result)
    _check_erasures(claim, result)
    for written in known:
        other = Head.read(Note.read(written).text)
        mine = _roots(bytes(claim.leaves), {other.size}).get(other.size)
        if not any(Note.read(written).is_signed_by(key) for key in _keys(header, pinned)):
            result.find("known_not_signed")
        elif other.size > head.size:
            result.find("older_than_known", head.size, other.size - 1)
        elif mine != other.root:
            result.find("not_the_known_log", 0, other.size - 1)
    return result


def _verify_proof(proof: dict[str, Any], pinned: Key | None) -> Result:
    result = Result()
    head = _verify_head(proof, pinned, result)
    entry = proof.get("entry")
    try:
        number, committed = int(entry["n"]), bytes.fromhex(entry["c"])  # type: ignore[index]
        path = [bytes.fromhex(one) for one in proof["path"]]
    except (KeyError, TypeError, ValueError):
        raise Unreadable("this proof names no entry") from None
    result.entries = 1
    if entry.get("b") is None:  # type: ignore[union-attr]
        result.erased = 1
    elif commitment(bytes.fromhex(entry["s"]), entry["b"].encode()) != committed:  # type: ignore[index]
        result.find("altered", number)
    if not included(leaf_hash(committed), number, head.size, path, head.root):
        result.find("not_included", number)
    return result


def _keys(header: dict[str, Any], pinned: Key | None) -> list[Key]:
    rows = header.get("keys")
    if not isinstance(rows, list) or not rows:
        raise Unreadable("the first line names no key")
    try:
        return accepted_keys(rows, pinned)
    except (KeyError, TypeError):
        raise Unreadable("the keys cannot be read") from None


def _verify_head(header: dict[str, Any], pinned: Key | None, result: Result) -> Head:
    note = Note.read(str(header.get("head")))
    head = Head.read(note.text)
    keys = _keys(header, pinned)
    signing = next((key for key in keys if note.is_signed_by(key)), None)
    result.origin, result.size, result.head = head.origin, head.size, base64.b64encode(head.root).decode()
    result.key, result.is_pinned = str(signing or keys[-1]), pinned is not None
    if signing is None or head.origin != header.get("origin"):
        result.find("head_not_signed")
    for row in header.get("witnesses", []):
        key, seen = Key.read(str(row["key"])), Note.read(str(row["note"]))
        seconds, held = seen.seen_at(key), Head.read(seen.text)
        if seconds is None or held.origin != head.origin or not any(seen.is_signed_by(one) for one in keys):
            result.find("witness_not_signed", detail=key.name)
        else:
            result.witnesses.append((key.name, seconds))
    return head


def _earlier(header: dict[str, Any], result: Result, head: Head) -> list[Head]:
    """Heads signed before, and those that witnesses hold: the log must begin as each of them says."""
    found = []
    keys = _keys(header, None)
    written = [*header.get("heads", []), *(row["note"] for row in header.get("witnesses", []))]
    for one in written:
        note = Note.read(str(one))
        earlier = Head.read(note.text)
        if earlier.origin != head.origin or not any(note.is_signed_by(key) for key in keys):
            result.find("head_not_signed")
        elif earlier.size > head.size:
            result.find("older_than_known", head.size, earlier.size - 1)
        else:
            found.append(earlier)
    return sorted(found, key=lambda one: one.size)


def _read_entries(file: BinaryIO, result: Result) -> _Claim:
    claim = _Claim()
    leaves, numbers, mark = claim.leaves, claim.numbers, ERASURE
    loads, digest = json.loads, hmac.digest
    for position, line in enumerate(file):
        try:
            row = loads(line)
            if "hashes" in row:
                claim.listed += bytes.fromhex(row["hashes"])
                continue
            number, committed, body = row["n"], bytes.fromhex(row["c"]), row.get("b")
            if body is None:
                claim.erased.append(number)
            else:
                if digest(bytes.fromhex(row["s"]), body.encode(), "sha256") != committed:
                    result.find("altered", number)
                if mark in body:
                    claim.erasures += _erasures(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            result.find("unreadable_line", detail=str(position + 2))
            continue
        numbers.append(number)
        leaves += sha256(b"\x00" + committed).digest()
    result.erased = len(claim.erased)
    return claim


def _erasures(body: str) -> list[tuple[int, int]]:
    said = json.loads(body)
    if said.get("action") != ERASURE:
        return []
    return [(int(first), int(latest)) for first, latest in said["details"]["entries"]]


def _roots(leaves: bytes, sizes: set[int]) -> dict[int, bytes]:
    """The root of the tree at each of these sizes, among those that it has."""
    frontier, found = Frontier(), {}
    if 0 in sizes:
        found[0] = EMPTY_ROOT
    append = frontier.append
    for at in range(0, len(leaves), HASH):
        append(leaves[at : at + HASH])
        if frontier.size in sizes:
            found[frontier.size] = frontier.root()
    return found


def _check_numbers(claim: _Claim, result: Result) -> None:
    for position, number in enumerate(claim.numbers):
        if position != number:
            result.find("renumbered", position)


def _locate(claim: _Claim, head: Head, earlier: Sequence[Head], roots: dict[int, bytes], result: Result) -> None:
    """The entries are not those that were signed. The file also lists the hash of each leaf: when that list is the signed
    one, it tells exactly which; otherwise heads signed before tell between which two of them the log was changed."""
    listed = bytes(claim.listed)
    if len(listed) == head.size * HASH and _roots(listed, {head.size}).get(head.size) == head.root:
        _compare(claim, listed, result)
        return
    start = 0
    for one in sorted([*earlier, head], key=lambda each: each.size):
        if one.size > result.entries:
            break
        if roots.get(one.size) != one.root:
            result.find("changed_between", start, one.size - 1)
            break
        start = one.size
    if result.entries > head.size:
        result.find("added", head.size, result.entries - 1)
    elif result.entries < head.size:
        result.find("missing", result.entries, head.size - 1)
        if start < result.entries and not any(one.code == "changed_between" for one in result.findings):
            result.find("unproved", start, result.entries - 1)


def _compare(claim: _Claim, listed: bytes, result: Result) -> None:
    true = {listed[at : at + HASH]: at // HASH for at in range(0, len(listed), HASH)}
    leaves = bytes(claim.leaves)
    shown = [true.get(leaves[at : at + HASH], -1) for at in range(0, len(leaves), HASH)]
    present = set(shown)
    missing = {number for number in range(len(true)) if number not in present}
    already = {one.first for one in result.findings if one.code == "altered"}
    for position, number in enumerate(shown):
        if number >= 0:
            continue
        claimed = claim.numbers[position]
        if claimed in missing:
            missing.discard(claimed)
            if claimed not in already:
                result.find("altered", claimed)
        else:
            result.find("added", position)
    for first, latest in _runs(sorted(missing)):
        result.find("missing", first, latest)
    known = [number for number in shown if number >= 0]
    for number in _out_of_order(known):
        result.find("moved", number)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[start], numbers[at - 1]
            start = at


def _out_of_order(numbers: Sequence[int]) -> list[int]:
    """The fewest that, taken away, leave the others in order."""
    ends: list[int] = []
    ends_at: list[int] = []
    before = [-1] * len(numbers)
    for at, number in enumerate(numbers):
        length = bisect_left(ends, number)
        before[at] = ends_at[length - 1] if length else -1
        if length == len(ends):
            ends.append(number)
            ends_at.append(at)
        else:
            ends[length], ends_at[length] = number, at
    kept, at = set(), ends_at[-1] if ends_at else -1
    while at >= 0:
        kept.add(at)
        at = before[at]
    return [number for at, number in enumerate(numbers) if at not in kept]


def _check_erasures(claim: _Claim, result: Result) -> None:
    """An entry is erased by an entry that says so; anything else is a body that somebody took away."""
    said = sorted(claim.erasures)
    for first, latest in _runs(sorted(claim.erased)):
        at = first
        while at <= latest:
            covering = [end for begin, end in said if begin <= at <= end]
            if not covering:
                result.find("erased_without_trace", at)
                at += 1
            else:
                at = max(covering) + 1


def _object(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise Unreadable("this is not a file of evidence")
    return parsed


# What is said

FRENCH = {
    "altered": "l’entrée {first} a été modifiée",
    "missing": "manquent : {range}",
    "added": "ajout qui n’a jamais été signé : {range}",
    "moved": "l’entrée {first} a été déplacée",
    "renumbered": "l’entrée {first} porte un autre numéro",
    "changed_between": "modification entre deux têtes signées : {range}",
    "unproved": "sans la suite du journal, aucune tête ne prouve : {range}",
    "unreadable_line": "la ligne {detail} ne se lit pas",
    "erased_without_trace": "l’entrée {first} est vide, et aucune entrée ne dit qu’elle a été effacée",
    "not_included": "l’entrée {first} n’est pas dans le journal signé",
    "head_not_signed": "une tête n’est pas signée par la clé du journal",
    "witness_not_signed": "le contreseing de {detail} ne vaut pas pour ce journal",
    "known_not_signed": "la tête connue n’est pas signée par la clé du journal",
    "older_than_known": "journal plus ancien qu’une tête déjà signée, manquent : {range}",
    "not_the_known_log": "ce n’est pas le journal de la tête connue : {range}",
}
ENGLISH = {
    "altered": "entry {first} was altered",
    "missing": "missing: {range}",
    "added": "added and never signed: {range}",
    "moved": "entry {first} was moved",
    "renumbered": "entry {first} bears another number",
    "changed_between": "changed between two signed heads: {range}",
    "unproved": "without what follows, no head proves: {range}",
    "unreadable_line": "line {detail} cannot be read",
    "erased_without_trace": "entry {first} is empty, and no entry says that it was erased",
    "not_included": "entry {first} is not in the signed log",
    "head_not_signed": "a head is not signed by the key of the log",
    "witness_not_signed": "the countersignature of {detail} does not hold for this log",
    "known_not_signed": "the known head is not signed by the key of the log",
    "older_than_known": "the log is older than a head already signed, missing: {range}",
    "not_the_known_log": "this is not the log of the known head: {range}",
}


def sentence(finding: Finding, french: bool = True) -> str:
    one, several = ("entrée {}", "entrées {} à {}") if french else ("entry {}", "entries {} to {}")
    single = finding.first == finding.latest
    span = one.format(finding.first) if single else several.format(finding.first, finding.latest)
    words = (FRENCH if french else ENGLISH)[finding.code]
    return words.format(first=finding.first, range=span, detail=finding.detail)


def report(result: Result, french: bool = True) -> str:
    said = {
        "log": ("Journal", "Log"),
        "entries": ("Entrées", "Entries"),
        "erased": ("dont effacées, et dites telles", "of which erased, and said so"),
        "key": ("Clé", "Key"),
        "given": ("à comparer avec celle que l’établissement a publiée", "to compare with the one the institution published"),
        "pinned": ("celle que vous avez donnée", "the one you gave"),
        "head": ("Racine signée", "Signed root"),
        "witness": ("Contresigné par", "Countersigned by"),
        "nobody": ("personne", "nobody"),
        "holds": ("Tout se vérifie.", "Everything holds."),
        "faults": ("NE SE VÉRIFIE PAS :", "DOES NOT HOLD:"),
    }
    word = {name: both[0 if french else 1] for name, both in said.items()}
    colon = "\N{NO-BREAK SPACE}: " if french else ": "
    names = sorted({name for name, _seconds in result.witnesses})
    lines = [
        word["log"] + colon + result.origin,
        word["entries"]
        + colon
        + f"{result.entries} / {result.size}"
        + (f", {word['erased']} {result.erased}" if result.erased else ""),
        word["key"] + colon + result.key + f" ({word['pinned' if result.is_pinned else 'given']})",
        word["head"] + colon + result.head,
        word["witness"] + colon + (", ".join(names) or word["nobody"]),
    ]
    if result.holds:
        return "\n".join([*lines, word["holds"]])
    return "\n".join([*lines, word["faults"], *(f"  - {sentence(one, french)}" for one in result.findings)])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--key", help="the public key that the institution published")
    parser.add_argument("--head", action="append", default=[], metavar="FILE", help="a signed head got from elsewhere")
    given = parser.parse_args(arguments)
    french = (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "fr")[:2] != "en"
    try:
        pinned = Key.read(given.key) if given.key else None
        known = [open(path, encoding="utf-8").read() for path in given.head]
        with open(given.file, "rb") as file:
            result = verify(file, pinned, known)
    except (OSError, Unreadable) as error:
        sys.stderr.write(f"{given.file}: {error}\n")
        return 2
    sys.stdout.write(report(result, french) + "\n")
    return 0 if result.holds else 1


if __name__ == "__main__":
    sys.exit(main())
