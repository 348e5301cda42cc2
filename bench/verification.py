"""A model that lies, before the whole engine: how many of its quotations are shown as verified?

    python -m bench.verification [--quick] [--json FILE]

A scripted model server writes, over real sockets, answers made of one true sentence and twelve lies: quotations of the
demonstration courses with one thing changed (a word, a number, a negation, a letter of another alphabet, the page…). Ten
thousand lies, each told twice: beside a truth, so that the answer is shown, and alone, so that nothing may be. An oracle that
shares no code with the verifier sets aside the changes that happen to leave true words of the page.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.report import Report
from parvis.assistants.answering import Citation, Done, Event, Evidence, Text, answer
from parvis.assistants.verification import find_quotation
from parvis.inference.tests.model_server import ModelServer, answering
from parvis.inference.upstream import Endpoint, stream_chat
from parvis.retrieval.abstention import Band
from parvis.retrieval.analysis import sentences
from parvis.retrieval.cutting import Span, cut
from parvis.retrieval.passage import Passage

COURSES = Path(__file__).parent.parent / "parvis" / "demo" / "courses"
LIES_PER_ANSWER = 12
PASSAGES_PER_ANSWER = 5
LIES, QUICK_LIES = 10_000, 1_000


@dataclass(frozen=True, slots=True)
class Lie:
    kind: str
    number: int  # of the passage it pretends to quote
    quotation: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    count = QUICK_LIES if arguments.quick else LIES
    report = Report("Verification, with a model that lies")
    passages = [passage for passage in _passages() if _quotable(passage)]
    chance = random.Random(20_26)
    asyncio.run(_lies(report, passages, chance, count))
    _typography(report, passages, chance, count)
    asyncio.run(_facts(report, passages, chance, count // 10))
    _speed(report, passages)
    return report.finish(arguments.json)


# Lies through the whole engine


async def _lies(report: Report, passages: list[Passage], chance: random.Random, count: int) -> None:
    shown_verified, told, hidden_shown, truths, kept = Counter[str](), Counter[str](), 0, 0, 0
    while told.total() < count:
        evidence = _evidence(passages, chance)
        truth = chance.choice(_quotable(chance.choice(evidence).passage))
        lies = _lies_about(evidence, passages, chance)
        told.update(lie.kind for lie in lies)
        written = [f'{lie.quotation} [{lie.number}: "{lie.quotation}"]' for lie in lies]
        events = await _answered("\n\n".join([f'{truth} [1: "{truth}"]', *written]), evidence)
        truths += 1
        if _is_verified(events, truth, evidence):
            kept += 1
        else:
            print(f"  refused: {truth}: {events[0]}", file=sys.stderr)
        for lie, text in _texts_of(lies, events):
            if text.status == "verified":
                shown_verified[lie.kind] += 1
                print(f"  accepted: {lie.kind}: {lie.quotation}", file=sys.stderr)
        shown_verified["citation"] += max(0, sum(isinstance(event, Citation) and event.verified for event in events) - 1)
        alone = await _answered("\n\n".join(written), evidence)
        for event in (event for event in alone if isinstance(event, Text | Citation)):
            hidden_shown += 1
            print(f"  shown: {event}", file=sys.stderr)
    for kind, number in sorted(told.items()):
        print(f"  {kind}: {number} told, {shown_verified[kind]} shown as verified", file=sys.stderr)
    kinds = f"{len(told)} kinds of change"
    report.row("Invented quotations shown as verified", shown_verified.total(), "== 0", note=f"of {told.total()}, {kinds}")
    report.row("Sentences shown when every quotation is invented", hidden_shown, "== 0", note=f"{truths} answers")
    report.row("True sentences between the lies shown as verified", kept / truths, ">= 0.99", note=f"of {truths}")


async def _answered(text: str, evidence: Sequence[Evidence]) -> list[Event]:
    """What a person would be shown of this text, sent by a real server in pieces."""
    async with ModelServer(answering(text, size=37)) as server:
        model = partial(stream_chat, Endpoint(server.url, "", "menteur"))
        async with aclosing(answer("Que dit le cours ?", evidence, decision=Band.ANSWER, model=model)) as stream:
            events = [event async for event in stream]
    assert isinstance(events[-1], Done)
    assert events[-1].outcome in {"answered", "abstained"}, events[-1]
    return events


def _is_verified(events: list[Event], truth: str, evidence: Sequence[Evidence]) -> bool:
    """Shown as verified, and the words cited are really there."""
    first = next((event for event in events if isinstance(event, Text)), None)
    citation = next((event for event in events if isinstance(event, Citation) and event.verified), None)
    if first is None or first.status != "verified" or citation is None:
        return False
    source = next(one.passage for one in evidence if one.number == citation.number)
    at_place = source.text[citation.start - source.start : citation.end - source.start]
    return _words(at_place) == _words(citation.quotation) == _words(truth)


def _texts_of(lies: list[Lie], events: list[Event]) -> list[tuple[Lie, Text]]:
    texts = [event for event in events if isinstance(event, Text)]
    return [(lie, text) for lie in lies for text in texts if lie.quotation.strip(' ".') in text.text]


def _lies_about(evidence: list[Evidence], passages: list[Passage], chance: random.Random) -> list[Lie]:
    pages = [_words(one.passage.text) for one in evidence]
    lies: list[Lie] = []
    while len(lies) < LIES_PER_ANSWER:
        one = chance.choice(evidence)
        sentence = chance.choice(_quotable(one.passage))
        kind = chance.choice(list(CHANGES))
        lied = CHANGES[kind](sentence, one.passage, passages, chance)
        if lied and lied != sentence and not any(_is_run(_words(lied), page) for page in pages):
            number = chance.randrange(20, 99) if kind == "page that does not exist" else one.number
            lies.append(Lie(kind, number, lied))
    return lies


Change = Callable[[str, Passage, Sequence[Passage], random.Random], str]


def _replaced(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    words[chance.randrange(len(words))] = chance.choice(chance.choice(passages).text.split())
    return " ".join(words)


def _inserted(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    words.insert(chance.randrange(1, len(words)), chance.choice(["ne", "jamais", "souvent", "très", "pas", "non", "42"]))
    return " ".join(words)


def _removed(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    del words[chance.randrange(1, len(words) - 1)]
    return " ".join(words)


def _swapped(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    first, second = sorted(chance.sample(range(len(words)), 2))
    words[first], words[second] = words[second], words[first]
    return " ".join(words)


def _affirmed(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return re.sub(r"\bn['’]", "", re.sub(r"\bne ", "", re.sub(r" (?:pas|jamais|point)\b", "", sentence)))


def _half_affirmed(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return re.sub(r" (?:pas|jamais|point|que)\b", "", sentence) if re.search(r"\bne |\bn['’]", sentence) else ""


def _denied(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return re.sub(r"\b(est|sont|peut|peuvent|doit|doivent|a|ont|fait)\b", r"ne \1 pas", sentence, count=1)


def _renumbered(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return re.sub(r"\d", lambda match: str((int(match[0]) + chance.randrange(1, 10)) % 10), sentence, count=1)


def _other_page(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return chance.choice(_quotable(chance.choice(passages)))


def _homoglyph(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    place = chance.choice([index for index, letter in enumerate(sentence) if letter in _LOOKALIKES] or [0])
    return sentence[:place] + _LOOKALIKES.get(sentence[place], sentence[place]) + sentence[place + 1 :]


def _recased(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    place = chance.randrange(len(words))
    words[place] = words[place].swapcase()
    return " ".join(words)


def _unaccented(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = sentence.split()
    place = chance.randrange(len(words))
    plain = "".join(letter for letter in unicodedata.normalize("NFD", words[place]) if not unicodedata.combining(letter))
    words[place] = plain if plain != words[place] else words[place].replace("e", "é", 1)
    return " ".join(words)


def _misspelt(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    place = chance.randrange(len(sentence))
    return sentence[:place] + chance.choice("aeinrst") + sentence[place + 1 :]


def _stitched(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    half, other = sentence.split(), chance.choice(_quotable(passage)).split()
    return " ".join([*half[: len(half) // 2], *other[len(other) // 2 :]])


def _elided(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    """Two real scraps of two words around an ellipsis, or the halves of a sentence in the wrong order."""
    words = sentence.split()
    if chance.random() < 0.5:
        return " ".join([*words[:2], "[…]", *words[-2:]])
    return " ".join([*words[len(words) // 2 :], "[…]", *words[: len(words) // 2]])


def _elided_negation(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    return re.sub(r"\b(?:ne |n['’])\S+ (?:\S+ )?(?:pas|jamais|point|que)\b", "[…]", sentence, count=1)


def _composed(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    words = [chance.choice(chance.choice(passages).text.split()) for _ in range(chance.randrange(5, 20))]
    return " ".join(words)


CHANGES: dict[str, Change] = {
    "word replaced": _replaced,
    "word inserted": _inserted,
    "word removed": _removed,
    "words swapped": _swapped,
    "negation dropped": _affirmed,
    "half a negation dropped": _half_affirmed,
    "negation added": _denied,
    "number changed": _renumbered,
    "page not given": _other_page,
    "page that does not exist": _composed,
    "letter of another alphabet": _homoglyph,
    "case changed": _recased,
    "accent changed": _unaccented,
    "letter changed": _misspelt,
    "sentences stitched": _stitched,
    "ellipsis abused": _elided,
    "negation elided": _elided_negation,
}
_LOOKALIKES = dict(zip("aceopxyiABEHKMOPTX", "асеорхуіАВЕНКМОРТХ", strict=True))


# True quotations, with the typography of another keyboard


def _typography(report: Report, passages: list[Passage], chance: random.Random, count: int) -> None:
    found = 0
    for _ in range(count):
        passage = chance.choice(passages)
        sentence = chance.choice(_quotable(passage))
        place = find_quotation(_retyped(sentence, chance), passage.text)
        found += place is not None and _words(passage.text[slice(*place)]) == _words(sentence)
    report.row("True quotations found after honest typography", found / count, ">= 1", note=f"of {count}, offsets exact")


def _retyped(sentence: str, chance: random.Random) -> str:
    changes: list[Callable[[str], str]] = [
        lambda text: text.replace("’", "'"),
        lambda text: text.replace("'", "’"),
        lambda text: re.sub(r"[\u00a0\u202f]", " ", text),
        lambda text: re.sub(r" ([;:!?»])", "\u00a0\\1", text),
        lambda text: re.sub(r"\s([;:!?])", r"\1", text),
        lambda text: text.replace(" ", "\n", 1),
        lambda text: re.sub(r" ", "  ", text, count=2),
        lambda text: re.sub(r"«\s*|\s*»", '"', text),
        lambda text: text.replace("-", "‑"),
        lambda text: text.replace("–", "-").replace("—", "-"),
        lambda text: text.replace("fi", "ﬁ").replace("fl", "ﬂ"),
        lambda text: text.replace("œ", "oe"),
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: re.sub(r"(\w{3})(\w{3})", "\\1\u00ad\\2", text, count=1),
        lambda text: text.rstrip("."),
        lambda text: f"« {text} »",
        lambda text: f"… {text}",
    ]
    for change in chance.sample(changes, 4):
        sentence = change(sentence)
    return sentence


# A true quotation under a sentence that says something else


async def _facts(report: Report, passages: list[Passage], chance: random.Random, count: int) -> None:
    for what, change in (
        ("a figure changed", _renumbered),
        ("a name changed", _renamed),
        ("its negation dropped", _contradicted),
    ):
        name = f"Sentences with {what}, over a true quotation, shown as verified"
        await _altered(report, name, passages, chance, count, change)


async def _altered(
    report: Report, name: str, passages: list[Passage], chance: random.Random, count: int, change: Change
) -> None:
    told = verified = 0
    candidates = [
        (passage, sentence, altered)
        for passage in passages
        for sentence in _quotable(passage)
        if (altered := change(sentence, passage, passages, chance)) and _words(altered) != _words(sentence)
    ]
    for passage, sentence, altered in chance.choices(candidates, k=count):
        evidence = [Evidence(1, passage)]
        if change is _renamed and set(_words(altered)) <= set(_words(passage.text)):
            continue  # another name of the same passage
        events = await _answered(f'{altered} [1: "{sentence}"]', evidence)
        told += 1
        accepted = any(isinstance(event, Text) and event.status == "verified" for event in events)
        verified += accepted
        if accepted:
            print(f"  accepted: {altered}\n  over: {sentence}", file=sys.stderr)
    report.row(name, verified, "== 0", note=f"of {told}")


def _contradicted(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    """Without its only negation."""
    if len(re.findall(r"\bne\b|\bn['’]|\bni\b|\bsans\b|\bnon\b", sentence)) != 1:
        return ""
    denial = r"\b(?:ne |n['’])([^.;:!?]{1,40}?) (?:pas|jamais|plus)\b"
    return re.sub(denial, r"\1", sentence) if re.search(denial, sentence) else ""


def _renamed(sentence: str, passage: Passage, passages: Sequence[Passage], chance: random.Random) -> str:
    names = [match for match in re.finditer(r"(?<=[a-zé,] )[A-ZÉ][a-zé]{3,}", sentence)]
    if not names:
        return ""
    name = chance.choice(names)
    return sentence[: name.start()] + chance.choice(["Talleyrand", "Grenoble", "Bourdieu", "Vercors"]) + sentence[name.end() :]


# Speed


def _speed(report: Report, passages: list[Passage]) -> None:
    page = "\n\n".join(passage.text for passage in passages[:6])
    sentence = _quotable(passages[3])[0]
    times = []
    for turn in range(300):
        asked = page + " " * turn  # never the same text: nothing is remembered
        began = time.perf_counter()
        find_quotation(sentence, asked)
        times.append(time.perf_counter() - began)
    report.row("Looking a quotation up in a page", statistics.median(times) * 1e6, unit="µs", note=f"{len(page)} characters")


# The pages


def _passages() -> list[Passage]:
    found: list[Passage] = []
    for document, path in enumerate(sorted(COURSES.glob("*/source/*.md")), 1):
        text = re.sub(r"^(?:#|\||```|!).*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        text = re.sub(r"\*|\^(?=er|e|o)|(?<=er|.e|.o)\^", "", text)
        spans = [Span(match.start(), match.end()) for match in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text)]
        for piece in cut(text, spans):
            words = text[piece.start : piece.end]
            found.append(Passage(len(found) + 1, 1, document, 1, piece.start, piece.end, words, path.parent.parent.name, "1"))
    return found


def _quotable(passage: Passage) -> list[str]:
    """Its sentences of six to forty words, without the marks the answer's own syntax uses."""
    found = [re.sub(r"^(?:\d+\.|[-•]) ", "", passage.text[start:end]) for start, end in sentences(passage.text)]
    return [text for text in found if 6 <= len(text.split()) <= 40 and not re.search(r'[\[\]$`"|{}\n]|\.\.\.|…', text)]


def _evidence(passages: list[Passage], chance: random.Random) -> list[Evidence]:
    return [Evidence(number, passage) for number, passage in enumerate(chance.sample(passages, PASSAGES_PER_ANSWER), 1)]


def _words(text: str) -> list[str]:
    """The oracle's reading: letters and digits, composed, as they are written."""
    text = unicodedata.normalize("NFC", text.replace("\u00ad", "")).replace("œ", "oe").replace("ﬁ", "fi").replace("ﬂ", "fl")
    return re.findall(r"[^\W_]+", text)


def _is_run(words: list[str], page: list[str]) -> bool:
    return not words or any(page[start : start + len(words)] == words for start in range(len(page) - len(words) + 1))


if __name__ == "__main__":
    sys.exit(main())
