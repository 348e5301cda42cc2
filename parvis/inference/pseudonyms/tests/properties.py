"""What must always hold, for any seed: the tests try it on some, `bench.pseudonyms` on a hundred times more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.inference.pseudonyms.detection import Detector, student_number
from parvis.inference.pseudonyms.names import directory
from parvis.inference.pseudonyms.restoration import Restorer
from parvis.inference.pseudonyms.spans import KINDS
from parvis.inference.pseudonyms.tests import generated
from parvis.inference.pseudonyms.tests.generated import AFTER, BEFORE, MADE, SENTENCES


@dataclass(frozen=True)
class Case:
    kind: str
    text: str
    start: int
    end: int


def valid(random: Random, count: int) -> Iterator[Case]:
    """Identifiers that are right, with a label or without one."""
    kinds = list(MADE)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        made = MADE[kind]
        label = random.choice(made.labels) if not made.by_itself or random.random() < 0.3 else ""
        yield _case(random, kind, label, made.make(random))


def mistyped(random: Random, count: int) -> Iterator[Case]:
    kinds = list(MADE)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        yield _case(random, kind, random.choice(MADE[kind].labels), generated.mistyped(random, kind, MADE[kind].make(random)))


def named(random: Random, count: int, people: Sequence[tuple[str, str]]) -> Iterator[Case]:
    for _ in range(count):
        name = generated.said(random, *random.choice(people))
        before, _, after = random.choice(SENTENCES).partition("{}")
        skipped = next((len(title) for title in ("M. ", "Mme ", "monsieur ", "professeur ") if name.startswith(title)), 0)
        yield Case("NOM", before + name + after, len(before) + skipped, len(before) + len(name))


def _case(random: Random, kind: str, label: str, value: str) -> Case:
    before = random.choice(BEFORE) + label
    return Case(kind, before + value + random.choice(AFTER), len(before), len(before) + len(value))


_PEOPLE = generated.people(Random(2), 300)
DETECTOR = Detector(directory(" ".join(one) for one in _PEOPLE), [student_number(generated.STUDENT_PATTERN)])
_LITERALS = [
    "⟦",
    "⟧",
    "⟦NIR_12345A⟧",
    "⟦ nom_54321b ⟧",
    "NOM_12345C",
    "\\u27e6",
    "\\",
    '"',
    "⟦⟦",
    "⟦TEL_",
    "\n",
    "{}",
    "é",
    "😀",
    "⟦1⟧",
    "_",
]


def _text(random: Random) -> str:
    pieces = []
    for _ in range(random.randint(1, 12)):
        chance = random.random()
        if chance < 0.35:
            made = MADE[random.choice(list(MADE))]
            pieces.append(random.choice(made.labels) + made.make(random))
        elif chance < 0.6:
            pieces.append(random.choice(SENTENCES).format(generated.said(random, *random.choice(_PEOPLE))))
        else:
            pieces.append(random.choice(_LITERALS))
    return random.choice(("", " ", "\n")).join(pieces)


def cut(random: Random, text: str) -> list[str]:
    """Pieces of any length, most of them short, some empty."""
    pieces, place = [], 0
    while place < len(text):
        size = random.choice((0, 1, 1, 2, 3, 5, 8, 40))
        pieces.append(text[place : place + size])
        place += size
    return pieces


def bent(random: Random, text: str) -> str:
    """A placeholder as a careless model may copy it."""
    for kind in KINDS:
        text = text.replace(
            f"⟦{kind}_", f"⟦{random.choice((kind, kind.lower(), kind.title(), f' {kind}', f'{kind} '))}{random.choice('_ -')}"
        )
    return text.replace("⟧", random.choice(("⟧", " ⟧", "\u00a0⟧")))


def comes_back(random: Random) -> bool:
    """Whether a text that is pseudonymised, streamed in pieces cut anywhere and restored is the same to the letter: as it
    is, as a careless model copies it, and within a JSON document."""
    text = _text(random)
    pseudonyms = Pseudonyms(DETECTOR, random.randbytes(16))
    sent = pseudonyms.texts([text])[0]
    way = random.randrange(4)
    if way < 2:
        restorer = Restorer(pseudonyms.vault)
        answer = bent(random, sent) if way else sent
        return "".join([*map(restorer.push, cut(random, answer)), restorer.close()]) == text
    restorer = Restorer(pseudonyms.vault, json=True)
    document = json.dumps({"réponse": sent, "suite": ["\\⟦", sent]}, ensure_ascii=way == 2)
    restored = "".join([*map(restorer.push, cut(random, document)), restorer.close()])
    return bool(json.loads(restored) == {"réponse": text, "suite": ["\\⟦", text]})


def keeps_to_itself(random: Random) -> bool:
    """Whether a placeholder that somebody typed, were it one that this very conversation uses, stays what they typed."""
    key = random.randbytes(16)
    kind = random.choice([kind for kind in MADE if MADE[kind].by_itself])
    value = MADE[kind].make(random)
    first = Pseudonyms(DETECTOR, key).texts([value])[0]
    typed = random.choice((first, first.lower(), first.strip("⟦⟧"), first.replace("⟦", "⟦ ")))
    pseudonyms = Pseudonyms(DETECTOR, key)
    sent = pseudonyms.texts([value, f"Que vaut {typed} ?"])
    restorer = Restorer(pseudonyms.vault)
    restored = "".join([*map(restorer.push, cut(random, sent[1])), restorer.close()])
    return restored == f"Que vaut {typed} ?" and first.strip("⟦⟧").lower() not in sent[1].lower()
