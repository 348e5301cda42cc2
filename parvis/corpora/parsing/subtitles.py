"""WebVTT and SRT, read the way players read them: forgivingly."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .document import BlockKind, DocumentHead, DocumentTail, Unit, UnitKind
from .encoding import decode
from .refusals import Unreadable
from .sections import Piece, one_line, unit_of

LONGEST_GROUP = 60.0  # seconds
ENOUGH = 40.0  # seconds after which a group ends with the sentence


@dataclass(frozen=True, slots=True)
class Cue:
    start: float
    end: float
    speaker: str
    text: str


def read_subtitles(data: bytes, *, name: str, media_type: str) -> Iterator[DocumentHead | Unit | DocumentTail]:
    found = cues(decode(data))
    if not found:
        raise Unreadable("corrupt" if data.strip() else "empty")
    yield DocumentHead(media_type, Path(name).stem, None)
    count = 0
    for group in groups(found):
        count += 1
        yield _unit(count, group)
    yield DocumentTail(count)


def cues(text: str) -> list[Cue]:
    """Cues in the order of the file, with text in them. A line of times begins one, whatever surrounds it."""
    found: list[Cue] = []
    body: list[str] = []
    times: tuple[float, float] | None = None
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), "00:00 --> 00:00"]:
        match = _TIMES.search(line) if "-->" in line else None
        if match is None:
            body.append(line)
            continue
        if times is not None:
            found.extend(_cue(times, body))
        times, body = (_seconds(match.group(1)), _seconds(match.group(2))), []
    return _without_repeats(found)


def groups(found: list[Cue]) -> Iterator[list[Cue]]:
    """Consecutive cues up to a minute, ending with a sentence where one ends late enough."""
    group: list[Cue] = []
    for cue in found:
        if group and (cue.end - group[0].start > LONGEST_GROUP or cue.start < group[-1].start):
            yield group
            group = []
        group.append(cue)
        if cue.end - group[0].start >= ENOUGH and _SENTENCE_END.search(cue.text):
            yield group
            group = []
    if group:
        yield group


def timestamp(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _unit(number: int, group: list[Cue]) -> Unit:
    turns: list[tuple[str, list[str]]] = []
    for cue in group:
        if not turns or (cue.speaker and cue.speaker != turns[-1][0]):
            turns.append((cue.speaker, []))
        turns[-1][1].append(cue.text)
    spoken = [f"{speaker} : {' '.join(texts)}" if speaker else " ".join(texts) for speaker, texts in turns]
    return unit_of(
        [Piece(BlockKind.PARAGRAPH, text) for text in spoken],
        number=number,
        kind=UnitKind.CUE,
        label=timestamp(group[0].start),
        start_seconds=group[0].start,
        end_seconds=max(cue.end for cue in group),
    )


def _cue(times: tuple[float, float], body: list[str]) -> Iterator[Cue]:
    """Blank lines end a cue's text; where they are missing, what ends it is the number of the next one."""
    shown: list[str] = []
    for place, line in enumerate(body):
        if not line.strip():
            break
        if place == len(body) - 1 and line.strip().isdigit() and place > 0:
            break
        shown.append(line)
    raw = " ".join(shown)
    speaker = _VOICE.search(raw)
    text = one_line(html.unescape(_TAG.sub("", raw)))
    if text:
        yield Cue(times[0], max(times), one_line(speaker.group(1)) if speaker else "", text)


def _without_repeats(found: list[Cue]) -> list[Cue]:
    """Captions that roll say each line twice: what the cue before said is taken off."""
    kept: list[Cue] = []
    before = ""
    for cue in found:
        text = cue.text.removeprefix(before).strip() if len(before) > 8 else cue.text
        before = cue.text
        if text:
            kept.append(Cue(cue.start, cue.end, cue.speaker, text))
    return kept


def _seconds(stamp: str) -> float:
    seconds = 0.0
    for part in stamp.replace(",", ".").split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


_STAMP = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,3})?"
_TIMES = re.compile(rf"({_STAMP})\s*-->\s*({_STAMP})", re.ASCII)
_TAG = re.compile(r"<[/!]?[a-zA-Z\d][^<>]{0,200}>|\{\\[^{}]{0,100}\}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^<>]{1,80})>")
_SENTENCE_END = re.compile(r"[.!?…][»\"”)]?$")
