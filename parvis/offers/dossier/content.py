"""What a tender dossier is made from, and the rule that its specification names no vendor."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from parvis.needs.specification import Specification
from parvis.offers.answer import Frame
from parvis.retrieval.analysis import terms
from parvis.retrieval.common_words import is_common

PILOT, COSIGNATORY, INTERESTED = "pilot", "cosignatory", "interested"


@dataclass(frozen=True, slots=True)
class Cosignature:
    institution: str
    level: str  # pilot, cosignatory, interested
    users: int | None = None  # people concerned, when the institution says it


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of an institution, quoted as they were written."""

    text: str
    institution: str
    written_on: date


@dataclass(frozen=True, slots=True)
class RegisterLine:
    at: datetime  # in the zone in which it is to be shown
    what: str
    recipient: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    specification: Specification
    issued_on: date
    alliance: str = ""
    request: str = ""  # SI-003, when there is a request for information
    deadline_at: datetime | None = None
    cosignatures: tuple[Cosignature, ...] = ()
    provenance: tuple[Excerpt, ...] = ()
    # Declared together, where enough institutions say theirs for the sum to tell nobody's.
    students: int | None = None
    envelope_euros: int | None = None
    register: tuple[RegisterLine, ...] = ()

    @property
    def frame(self) -> Frame:
        return Frame(self.request, self.specification)

    @property
    def edition(self) -> str:
        """SHA-256 of all that the functional expression says: the version, and what is joined to it on the day it is made.

        The register grows, and is no part of it.
        """
        said = {
            "version": self.specification.fingerprint,
            "issued_on": self.issued_on.isoformat(),
            "alliance": self.alliance,
            "request": self.request,
            "deadline_at": self.deadline_at.isoformat() if self.deadline_at else None,
            "cosignatures": [[one.institution, one.level, one.users] for one in self.cosignatures],
            "provenance": [[one.text, one.institution, one.written_on.isoformat()] for one in self.provenance],
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Naming:
    """Where a vendor is named. Fields of the specification by their name, requirements by their code, excerpts by number."""

    vendor: str
    place: str  # title, description, scope, out_of_scope, EX-003, excerpt-2
    words: str  # as they stand there, with some of what surrounds them


class VendorNamed(Exception):
    code = "vendor_named"

    def __init__(self, namings: tuple[Naming, ...]) -> None:
        super().__init__(self.code)
        self.namings = namings
        self.params = {"places": ", ".join(dict.fromkeys(f"{one.place} ({one.vendor})" for one in namings))[:500]}


def refuse_vendor_names(dossier: Dossier, vendors: Iterable[str], *, ordinary: Iterable[str] = ()) -> None:
    """Raises `VendorNamed`."""
    if found := namings(dossier, vendors, ordinary=ordinary):
        raise VendorNamed(tuple(found))


def namings(dossier: Dossier, vendors: Iterable[str], *, ordinary: Iterable[str] = ()) -> list[Naming]:
    """`ordinary` are names that a person declared to be common words here, such as "Orange". A common
    French word in small letters ("la notion de…") names nobody; with a capital it may, and a person says."""
    spared = {_joined(name) for name in ordinary}
    names = {letters: name for name in vendors if (letters := _joined(name)) and letters not in spared}
    beginnings = {letters[:end] for letters in names for end in range(1, len(letters) + 1)}
    return [
        Naming(names[letters], place, words)
        for place, text in _places(dossier)
        for letters, words in _occurrences(names, beginnings, text)
    ]


def _places(dossier: Dossier) -> Iterator[tuple[str, str]]:
    said = dossier.specification
    for name in ("title", "description", "scope", "out_of_scope"):
        yield name, getattr(said, name)
    for requirement in said.requirements:
        yield requirement.code, f"{requirement.text}\n{requirement.verification}"
    for number, excerpt in enumerate(dossier.provenance, start=1):
        yield f"excerpt-{number}", excerpt.text


def _occurrences(names: Collection[str], beginnings: Collection[str], text: str) -> Iterator[tuple[str, str]]:
    """Runs of whole words that spell a name, however it is cut: "Open AI", "open-ai" and "OpenAI" are the same."""
    words = list(_words(text))
    for first, (_, begin, _) in enumerate(words):
        spelled = ""
        for word, _, end in words[first:]:
            spelled += word
            if spelled not in beginnings:
                break
            if spelled in names and not _is_ordinary(text[begin:end]):
                yield spelled, " ".join(text[max(0, begin - 30) : end + 30].split())


def _is_ordinary(written: str) -> bool:
    found = terms(written)
    return written.islower() and len(found) == 1 and is_common(found[0])


def _joined(name: str) -> str:
    """The letters of a name without its legal form."""
    words = [word for word, _, _ in _words(name)]
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return "".join(words)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Words folded (no accent, no case, no invisible character), with where they stand."""
    folded, start = "", 0
    for place, char in enumerate([*text, " "]):
        letters = [one for one in unicodedata.normalize("NFKD", char).casefold() if one.isalnum()]
        if letters:
            if not folded:
                start = place
            folded += "".join(letters)
        elif folded and unicodedata.category(char) not in ("Cf", "Mn"):
            yield folded, start, place
            folded = ""


_LEGAL_FORMS = frozenset("sa sas sasu sarl eurl scop scic inc llc ltd limited gmbh ag bv plc corp se spa srl".split())
