"""What is done with entries once they are written: numbered in a tree, signed, proved, exported, erased."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from parvis.audit.models import Entry, Log, SignedHead, SigningKey, Tile, record
from parvis.audit.signing import Signer
from parvis.audit.tree import Tree
from parvis.audit.verifier import ERASURE, EXPORT, HASH, PROOF, Key, leaf_hash

log = logging.getLogger("parvis.audit")
BATCH = 5_000
LISTED_LEAVES = 256  # a line of an export
EARLIER_HEADS = 256  # in an export, as evenly spread as they come


class KeyMissingError(Exception):
    """The private key of this installation is not in its data folder: no head can be signed."""


# Logs and their trees


def log_of(institution_id: int | None) -> Log:
    """Made at the first need."""
    found = Log.objects.filter(institution_id=institution_id).first()
    if found is None:
        name = secrets.token_hex(8)
        values = {"name": name, "origin": f"{_host()}/journal/{name}"}
        found, _new = Log.objects.get_or_create(institution_id=institution_id, defaults=values)
    return found


def integrate_all(*, now: datetime | None = None) -> int:
    """Numbers what waits, in every log. How many entries were."""
    waiting = Entry.objects.filter(number=None).order_by().values_list("institution_id", flat=True).distinct()
    return sum(integrate(institution_id, now=now) for institution_id in list(waiting))


def integrate(institution_id: int | None, *, now: datetime | None = None) -> int:
    """Numbers what waits in one log, in the order of the table, and signs the head. How many entries were."""
    row, done = log_of(institution_id), 0
    while count := _integrate_batch(row.id, now or timezone.now()):
        done += count
        if count < BATCH:
            break
    return done


def _integrate_batch(log_id: int, now: datetime) -> int:
    with transaction.atomic():
        row = Log.objects.select_for_update().get(id=log_id)
        waiting = Entry.objects.filter(institution_id=row.institution_id, number=None).order_by("id")
        entries = list(waiting.values_list("id", "commitment")[:BATCH])
        tree = _tree(row)
        if not entries:
            if row.size and not row.heads.filter(size=row.size).exists():  # the key was missing then
                _sign(row, tree, now)
            return 0
        tree.extend([leaf_hash(bytes(commitment)) for _id, commitment in entries])
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE audit_entry SET number = %s WHERE id = %s",
                [(row.size + place, entry_id) for place, (entry_id, _commitment) in enumerate(entries)],
            )
        for (level, index), hashes in tree.changed.items():
            Tile.objects.update_or_create(log=row, level=level, index=index, defaults={"hashes": hashes})
        row.size = tree.size
        row.save(update_fields=["size"])
        _sign(row, tree, now)
        return len(entries)


def _sign(row: Log, tree: Tree, now: datetime) -> None:
    try:
        signer = current_signer()
    except KeyMissingError:
        log.exception("The head of a log could not be signed")  # the entries keep their numbers: they are signed later
        return
    root = tree.root()
    note = signer.head(row.origin, tree.size, root, at=_instant(now))
    SignedHead.objects.create(log=row, size=tree.size, root=root, note=note, at=now)


def _tree(row: Log) -> Tree:
    return Tree(row.size, lambda level, index: _hashes(row, level, index))


def _hashes(row: Log, level: int, index: int) -> bytes:
    found = row.tiles.filter(level=level, index=index).values_list("hashes", flat=True).first()
    return bytes(found) if found is not None else b""


def latest_head(row: Log) -> SignedHead | None:
    return row.heads.order_by("-size").first()


def consistency(row: Log, size: int, new_size: int) -> list[bytes]:
    """Raises ValueError for sizes that the log never had."""
    return _tree(row).consistency(size, new_size)


def root_at(row: Log, size: int) -> bytes:
    """Raises ValueError for a size that the log never had."""
    return _tree(row).root_at(size)


# Files


def export(row: Log, witnesses: Sequence[dict[str, str]] = ()) -> Iterator[str]:
    """The lines of a file that `verifier` verifies. `witnesses`: {"key", "note"} of who countersigned heads of this log."""
    head = latest_head(row)
    if head is None:
        return
    header = {
        "format": EXPORT,
        "origin": row.origin,
        "exported_at": _instant(timezone.now()),
        "keys": keys(),
        "head": head.note,
        "heads": _earlier_notes(row, head.size),
        "witnesses": list(witnesses),
    }
    yield _line(header)
    entries = Entry.objects.filter(institution_id=row.institution_id, number__lt=head.size).order_by("number")
    for entry in entries.iterator(chunk_size=2_000):
        yield _line(_entry(entry))
    for first in range(0, head.size, LISTED_LEAVES):
        hashes = _hashes(row, 0, first // LISTED_LEAVES)[: (head.size - first) * HASH]
        yield _line({"first": first, "hashes": hashes.hex()})


def proof(entry: Entry, witnesses: Sequence[dict[str, str]] = ()) -> dict[str, Any] | None:
    """That one entry is in its log, for `verifier`. None while it has no number, or no head is signed."""
    row = log_of(entry.institution_id)
    head = latest_head(row)
    if head is None or entry.number is None or entry.number >= head.size:
        return None
    return {
        "format": PROOF,
        "origin": row.origin,
        "keys": keys(),
        "head": head.note,
        "witnesses": list(witnesses),
        "entry": _entry(entry),
        "path": [one.hex() for one in _tree(row).inclusion(entry.number, head.size)],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    said: dict[str, Any] = {"n": entry.number, "c": bytes(entry.commitment).hex()}
    return said if entry.salt is None else said | {"s": bytes(entry.salt).hex(), "b": entry.statement}


def _earlier_notes(row: Log, size: int) -> list[str]:
    rows = row.heads.filter(size__lt=size).order_by("size")
    ids = list(rows.values_list("id", flat=True))
    step = -(-len(ids) // EARLIER_HEADS) or 1
    return list(rows.filter(id__in=ids[::step]).values_list("note", flat=True))


# Erasure


def erase(entries: Iterable[int], *, institution_id: int | None, actor: str, reason: str) -> int:
    """Empties entries of one log, by their ids, of all that they say; how many. Their commitments stay: proofs made before and
    after still hold, and an entry says which were emptied, by whom and why. `reason` holds no content. Entries that say so of
    others are never emptied: without them, nobody could tell an erasure from a theft."""
    integrate(institution_id)
    with transaction.atomic():
        rows = (
            Entry.objects.select_for_update()
            .filter(id__in=list(entries), institution_id=institution_id, number__isnull=False, salt__isnull=False)
            .exclude(action=ERASURE)
        )
        numbers = sorted(number for number in rows.values_list("number", flat=True) if number is not None)
        if not numbers:
            return 0
        rows.update(salt=None, actor="", action="", subject="", details={})
        record(
            institution_id=institution_id,
            actor=actor,
            action=ERASURE,
            subject=f"entry:{numbers[0]}",
            entries=_ranges(numbers),
            reason=reason,
        )
    return len(numbers)


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


# Keys


def keys() -> list[dict[str, str]]:
    """The public keys of this installation, each with the note in which the one before names it."""
    return [{"key": row.key, "endorsed": row.endorsed} for row in SigningKey.objects.all()]


def current_key() -> Key:
    """Made at the first need."""
    return current_signer().key


def current_signer() -> Signer:
    """Raises KeyMissingError when the file of the current key is gone."""
    row = SigningKey.objects.order_by("-id").first()
    if row is None:
        return _new_key(None)
    key = Key.read(row.key)
    try:
        raw = base64.b64decode(_key_file(key).read_text(encoding="ascii"), validate=True)
        signer = Signer(key.name, Ed25519PrivateKey.from_private_bytes(raw))
    except (OSError, ValueError) as error:
        raise KeyMissingError(str(_key_file(key))) from error
    if signer.key != key:
        raise KeyMissingError(str(_key_file(key)))
    return signer


def rotate_key() -> Key:
    """Another key signs from now on, named by the one before; heads signed until now stay as they are."""
    return _new_key(current_signer()).key


def _new_key(former: Signer | None) -> Signer:
    signer = Signer(former.name if former else _host(), Ed25519PrivateKey.generate())
    path = _key_file(signer.key)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(signer.private.private_bytes_raw()).decode())
        file.flush()
        os.fsync(file.fileno())
    with transaction.atomic():
        if former is None and SigningKey.objects.exists():  # another process was first
            path.unlink()
            return current_signer()
        SigningKey.objects.create(
            key=str(signer.key), endorsed=former.endorse(signer.key) if former else "", at=timezone.now()
        )
        if former:
            record(
                institution_id=None,
                actor="system:operator",
                action="evidence.rotate",
                subject="key:evidence",
                key=str(signer.key),
            )
    return signer


def _key_file(key: Key) -> Path:
    return Path(settings.DATA_DIR) / "evidence" / f"{key.identifier(1).hex()}.key"


def _host() -> str:
    return urlsplit(settings.SITE_URL).netloc or "parvis"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
