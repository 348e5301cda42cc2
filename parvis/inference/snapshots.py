"""What the data plane knows: who holds which key, what the rules allow them, which models there are and where they compute.

The console plane publishes it in files of one folder, each signed with the installation's key. `snapshot` is the whole,
and changes when something does. `pulse` is a few lines written every second: which snapshot is the right one, the keys that
were taken back since, and the instant, from which the age of all this is counted. `hidden-N` is what institution N wants
hidden, its people's names among it: sealed like a provider's secret, and there only where it asks for pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import msgspec

from parvis.access import sealing
from parvis.access.derivation import derived_key
from parvis.ledger.carbon import Slope
from parvis.ledger.pricing import Book

SNAPSHOT, PULSE = "snapshot", "pulse"
_HIDDEN = "hidden-"
_MAGIC = b"parvis\x00\x01"
_MAC_BYTES = 32
_USE = "parvis.inference.snapshots"

T = TypeVar("T")


class BadSnapshotError(Exception):
    """A file that this installation did not write, or that is not whole."""

    code = "bad_snapshot"


class Pseudonyms(msgspec.Struct, frozen=True, array_like=True):
    """Where they are asked for; `version` is that of what they hide, "" where it could not be written."""

    cases: tuple[tuple[str, str], ...]  # class, zone
    version: str = ""


class Hidden(msgspec.Struct, frozen=True):
    """What an institution's pseudonyms hide, beside what has a form."""

    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    student_numbers: tuple[str, ...] = ()


class Institution(msgspec.Struct, frozen=True, array_like=True):
    """`rules` is the text of its access rules in force, known by `rules_key`; "" where it wrote none. `periods` are the first
    and latest days of its courses, as ISO dates. `matrix` gives for each class of data the zones it may be computed in."""

    id: int
    slug: str
    rules_key: str = ""
    rules: str = ""
    periods: tuple[tuple[str, str], ...] = ()
    data_class: str = "internal"
    matrix: tuple[tuple[str, str, str], ...] = ()  # class, zone, clearance
    books: tuple[Book, ...] = ()  # of prices: its own, and the alliance's
    pseudonyms: Pseudonyms | None = None


class Holder(msgspec.Struct, frozen=True, array_like=True):
    """A profile that has keys, as the rules see it."""

    id: int
    person: int
    institution: int
    role: str
    groups: tuple[int, ...] = ()


class Key(msgspec.Struct, frozen=True, array_like=True):
    digest: str
    id: int
    holder: int
    scopes: tuple[str, ...]
    days: int
    expires_at: float
    data_class: str = ""
    places: tuple[int, ...] = ()  # in the tree of budgets
    component: str = ""  # whose expense it is


class Former(msgspec.Struct, frozen=True, array_like=True):
    """A key that opens nothing any more: who still comes with it is told in the evidence of its institution."""

    digest: str
    id: int
    institution: int
    person: int


class Provider(msgspec.Struct, frozen=True, array_like=True):
    """`secret` is sealed for `place`, as in its row. `institution` None: the operator gave it, for everybody."""

    id: str
    institution: int | None
    kind: str
    base_url: str
    zone: str
    secret: str = ""
    place: str = ""
    processor: str = ""
    agreement: int | None = None


class Model(msgspec.Struct, frozen=True, array_like=True):
    """`name` is the provider's, `alias` the one that requests use, `tool` what access rules call it; `place` tells its address
    from others. Moments are seconds since 1970."""

    id: str
    institution: int | None
    provider: str
    name: str
    alias: str
    purpose: str
    tool: str
    capabilities: tuple[str, ...]
    attested_at: float | None = None
    attested_until: float | None = None
    is_default: bool = False
    rank: int = 0
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    concurrency: int | None = None
    requests_per_minute: int | None = None
    place: str = ""
    number: int | None = None  # as the ledger knows it
    slopes: tuple[Slope, Slope] | None = None  # of its carbon; None where the method does not know it
    hedge_after: float | None = None  # seconds of silence
    counts_as_it_goes: bool = False


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    institutions: tuple[Institution, ...] = ()
    holders: tuple[Holder, ...] = ()
    keys: tuple[Key, ...] = ()
    providers: tuple[Provider, ...] = ()
    models: tuple[Model, ...] = ()
    carbon_method: str = ""
    former: tuple[Former, ...] = ()


class Pulse(msgspec.Struct, frozen=True):
    """`version` is the fingerprint of the snapshot that holds; `revoked` are keys that it still has and nobody may use;
    `stopped` are the answers that an administrator ends, each as its institution and the number of its request."""

    version: str
    at: float
    revoked: tuple[int, ...] = ()
    seconds: float = 1.0  # until the next one is due
    stopped: tuple[tuple[int, str], ...] = ()


def write_snapshot(folder: Path, snapshot: Snapshot, *, master: str) -> str:
    """Its version: the same for the same content."""
    content = msgspec.msgpack.encode(snapshot)
    _write(folder / SNAPSHOT, content, master)
    return _version(content)


def read_snapshot(folder: Path, *, master: str) -> tuple[str, Snapshot]:
    """With its version. Raises BadSnapshotError, also when there is none."""
    content = _read(folder / SNAPSHOT, master)
    return _version(content), _decoded(content, Snapshot)


def write_hidden(folder: Path, institution: int, hidden: Hidden, *, master: str, key: sealing.Key) -> str:
    """Its version: the same for the same content."""
    content = msgspec.json.encode(hidden)
    sealed = sealing.seal(content.decode(), place=_place_of(institution), key=key)
    _write(folder / f"{_HIDDEN}{institution}", sealed.encode(), master)
    return _version(content)


def read_hidden(folder: Path, institution: int, *, master: str, ring: sealing.Keyring) -> tuple[str, Hidden]:
    """With its version. Raises BadSnapshotError, also when there is none; SecretUnreadableError."""
    sealed = _read(folder / f"{_HIDDEN}{institution}", master).decode()
    content = sealing.unseal(sealed, place=_place_of(institution), ring=ring).encode()
    try:
        return _version(content), msgspec.json.decode(content, type=Hidden)
    except msgspec.MsgspecError:
        raise BadSnapshotError(_HIDDEN) from None


def remove_hidden(folder: Path, *, but: Collection[int]) -> None:
    """Of institutions that ask for no pseudonyms any more."""
    for path in folder.glob(f"{_HIDDEN}*"):
        if path.name.removeprefix(_HIDDEN) not in {str(number) for number in but}:
            path.unlink(missing_ok=True)


def write_pulse(folder: Path, pulse: Pulse, *, master: str) -> None:
    _write(folder / PULSE, msgspec.msgpack.encode(pulse), master)


def read_pulse(folder: Path, *, master: str) -> Pulse:
    """Raises BadSnapshotError, also when there is none."""
    return _decoded(_read(folder / PULSE, master), Pulse)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _place_of(institution: int) -> str:
    """Where what is sealed belongs."""
    return f"{institution}|pseudonyms|{institution}|1"


def _write(path: Path, content: bytes, master: str) -> None:
    """Whole or not at all; for its owner only. A power cut may undo it: the next second writes it again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_MAGIC + _mac(path.name, content, master) + content)
    os.replace(temporary, path)


def _read(path: Path, master: str) -> bytes:
    try:
        found = path.read_bytes()
    except OSError as error:
        raise BadSnapshotError(path.name) from error
    start = len(_MAGIC) + _MAC_BYTES
    content = found[start:]
    if not found.startswith(_MAGIC) or not hmac.compare_digest(found[len(_MAGIC) : start], _mac(path.name, content, master)):
        raise BadSnapshotError(path.name)
    return content


def _mac(name: str, content: bytes, master: str) -> bytes:
    """Of the name too: one file does not pass for the other."""
    return hmac.new(derived_key(master, _USE), name.encode() + b"\0" + content, hashlib.sha256).digest()


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise BadSnapshotError(kind.__name__) from error
