"""Pseudonyms: what stays readable, what is masked for nothing, whether answers come back to the letter, and how fast.

    python -m bench.pseudonyms [--quick] [--json FILE] [--show]

Identifiers, slips of the keyboard and names are made at random, within sentences. Precision is measured on texts that name
nobody of the directory but by chance: the demonstration's courses, and extracts of Wikipedia (PIAF), full of other people.
Speeds are of processor time, one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.report import Report
from parvis.corpora.parsing.document import Unit
from parvis.corpora.parsing.reading import Limits, read
from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.inference.pseudonyms.detection import Detector, student_number
from parvis.inference.pseudonyms.names import directory
from parvis.inference.pseudonyms.restoration import Restorer
from parvis.inference.pseudonyms.spans import BIRTH, EMAIL
from parvis.inference.pseudonyms.tests import generated, properties

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
QUICK = 100  # times fewer
VALUES, NAMES, CUTS, PEOPLE = 100_000, 100_000, 100_000, 20_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the counts")
    parser.add_argument("--json")
    parser.add_argument("--show", action="store_true", help="print what is missed, and what is masked for nothing")
    parser.add_argument("--piaf", type=Path, default=SHARED / "piaf")
    arguments = parser.parse_args()
    part = QUICK if arguments.quick else 1
    report = Report("Pseudonyms")
    people = generated.people(Random(5), PEOPLE)
    names = [" ".join(one) for one in people]
    begun = time.process_time()
    detector = Detector(directory(names), [student_number(generated.STUDENT_PATTERN)])
    report.row(f"a directory of {PEOPLE:,} people made ready", time.process_time() - begun, "<= 2", unit="s")
    _recall(report, detector, people, part, show=arguments.show)
    _restoration(report, part)
    texts = {"demonstration courses": list(_courses())}
    if (arguments.piaf / "corpus.jsonl").exists():
        lines = (arguments.piaf / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
        texts["Wikipedia (PIAF)"] = [json.loads(line)["text"] for line in lines]
    _precision(report, detector, texts, show=arguments.show)
    _speed(report, detector, texts, people)
    return report.finish(arguments.json)


def _recall(report: Report, detector: Detector, people: list[tuple[str, str]], part: int, *, show: bool) -> None:
    for count, name, target, cases in (
        (VALUES // part, "valid identifiers left readable, even in part", "== 0", properties.valid),
        (VALUES // part, "labelled and mistyped: masked whole", ">= 0.999", properties.mistyped),
    ):
        missed: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for case in cases(Random(7), count):
            total[case.kind] += 1
            if not generated.is_masked(case.text, case.start, case.end, detector.find(case.text)):
                missed[case.kind] += 1
                if show and missed[case.kind] <= 12:
                    print("missed", case.kind, repr(case.text), repr(case.text[case.start : case.end]))
        value = sum(missed.values()) if target == "== 0" else 1 - sum(missed.values()) / total.total()
        note = f"of {total.total():,}" + "".join(
            f"; {kind} {number} of {total[kind]:,}" for kind, number in sorted(missed.items())
        )
        report.row(name, value, target, note=note)
    missed = Counter()
    for case in properties.named(Random(11), NAMES // part, people):
        if not generated.is_masked(case.text, case.start, case.end, detector.find(case.text)):
            missed[case.kind] += 1
            if show and missed[case.kind] <= 12:
                print("missed", repr(case.text))
    report.row(
        "names of the directory told without doubt: masked whole",
        1 - missed.total() / (NAMES // part),
        ">= 0.98",
        note=f"{NAMES // part:,}",
    )
    alone = sum(
        generated.is_masked(text, 11, 11 + len(family), detector.find(text))
        for _, family in people
        if (text := f"Hier soir, {family} a remis son travail.")
    )
    report.row("family names alone in a sentence: masked", alone / len(people), note="common words and first names are not")


def _restoration(report: Report, part: int) -> None:
    exact = sum(properties.comes_back(Random(seed)) for seed in range(CUTS // part))
    report.row(
        "texts streamed, cut anywhere, that differ",
        CUTS // part - exact,
        "== 0",
        note=f"of {CUTS // part:,}, some bent, some within JSON",
    )
    foreign = sum(not properties.keeps_to_itself(Random(seed)) for seed in range(CUTS // part // 10))
    report.row("placeholders somebody had typed given another’s value", foreign, "== 0", note=f"of {CUTS // part // 10:,}")


def _precision(report: Report, detector: Detector, texts: dict[str, list[str]], *, show: bool) -> None:
    """Ten passages at a time, as a request has: who is named in one of them is known in the others."""
    for name, passages in texts.items():
        kinds: Counter[str] = Counter()
        for place in range(0, len(passages), 10):
            text = "\n\n".join(passages[place : place + 10])
            found = detector.find(text)
            kinds.update(span.kind for span in found)
            if show and found:
                print(name, [(span.kind, text[span.start : span.end]) for span in found])
        words = sum(len(passage.split()) for passage in passages)
        rightly = {kind: kinds.pop(kind, 0) for kind in (EMAIL, BIRTH)}
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        beside = ", ".join(f"{kind} {count}" for kind, count in rightly.items())
        note = f"{words:,} words; {told}; rightly, beside: {beside}"
        report.row(f"masked for nothing in 100,000 words: {name}", kinds.total() / words * 100_000, "<= 60", note=note)


def _speed(report: Report, detector: Detector, texts: dict[str, list[str]], people: list[tuple[str, str]]) -> None:
    text = " ".join(passage for passages in texts.values() for passage in passages)[:1_000_000]
    random = Random(3)
    dense = "\n".join(case.text for case in properties.valid(random, 4_000)) + "\n".join(
        case.text for case in properties.named(random, 4_000, people)
    )
    for name, sample, target in (("prose", text, ">= 0.8"), ("nothing but identifiers and names", dense, None)):
        report.row(
            f"speed: {name}",
            _rate(detector, sample),
            target,
            unit="MB/s",
            note=f"{len(sample.encode()):,} bytes, to placeholders",
        )
    prompt = text[:4_000]
    times = []
    for _ in range(200):
        begun = time.process_time()
        Pseudonyms(detector, b"k").texts([prompt])
        times.append(time.process_time() - begun)
    report.row("a prompt of 4,000 characters, median", sorted(times)[100] * 1000, "<= 10", unit="ms")
    worst, ratio = _hostile(detector)
    report.row("slowest hostile text", worst, ">= 0.1", unit="MB/s", note="digits, signs, names and labels repeated")
    report.row("eight times longer takes, at worst", ratio, "<= 16", unit="times")
    pseudonyms = Pseudonyms(detector, b"k")
    answer = pseudonyms.texts([dense])[0]
    begun = time.process_time()
    restorer = Restorer(pseudonyms.vault)
    for place in range(0, len(answer), 4):
        restorer.push(answer[place : place + 4])
    report.row(
        "speed: restoring, by four characters",
        len(answer.encode()) / (time.process_time() - begun) / 1e6,
        ">= 0.8",
        unit="MB/s",
    )


def _rate(detector: Detector, text: str) -> float:
    best = 0.0
    for _ in range(3):
        begun = time.process_time()
        Pseudonyms(detector, b"k").texts([text])
        best = max(best, len(text.encode()) / (time.process_time() - begun) / 1e6)
    return best


def _hostile(detector: Detector) -> tuple[float, float]:
    """The lowest speed, and the highest ratio of times for a text eight times as long."""
    patterns = [
        "1 ", "1.", "06 ", "+33 ", "+", "@", "a@", "a.a@a.", ":", "a:", "1:", "::1 ", "⟦", "⟧", "⟦NOM_12345", "Martin ", "J. ",
        "Jean Martin ", "de La ", "NIR ", "tél ", "né le ", "mail a", "IP 1.", "IBAN FR76 ", "4111 ", "FR76", "A.B.",
        "é\u0301", "1-", "carte 1 ",
    ]  # fmt: skip
    worst, ratio = float("inf"), 0.0
    for pattern in patterns:
        times = []
        for length in (20_000, 160_000):
            text = pattern * (length // len(pattern))
            begun = time.process_time()
            detector.find(text)
            times.append(max(time.process_time() - begun, 1e-6))
        worst = min(worst, 0.16 / times[1])
        ratio = max(ratio, times[1] / times[0] if times[0] > 0.005 else 0)
    return worst, ratio


def _courses() -> Iterator[str]:
    for path in sorted((ROOT / "parvis" / "demo" / "courses").glob("*/*")):
        if path.suffix in (".pdf", ".docx", ".pptx", ".odt", ".md", ".html"):
            parts = read(path, name=path.name, limits=Limits(), ocr=False)
            yield from (part.text for part in parts if isinstance(part, Unit))


if __name__ == "__main__":
    sys.exit(main())
