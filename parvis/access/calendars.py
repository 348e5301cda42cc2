"""A person's dates as an iCalendar file (RFC 5545), which calendar programs read again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from parvis.access.agenda import Awaited

LINE = 75  # octets


def calendar(name: str, dated: Iterable[Awaited], *, site: str, now: datetime) -> bytes:
    """`dated` have a `due`: an instant, or a day. What it is about makes the UID, so that programs move what they know."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Parvis//Parvis//FR", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines.append(f"X-WR-CALNAME:{_text(name)}")
    for one in dated:
        lines += _event(one, site, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _event(one: Awaited, site: str, now: datetime) -> Iterator[str]:
    identity = hashlib.sha256(f"{one.url}\0{one.heading}\0{one.title}\0{one.note}".encode()).hexdigest()[:32]
    yield "BEGIN:VEVENT"
    yield f"UID:{identity}@parvis"
    yield f"DTSTAMP:{_instant(now)}"
    if isinstance(one.due, datetime):
        yield f"DTSTART:{_instant(one.due)}"
        yield f"DTEND:{_instant(one.due)}"
    elif isinstance(one.due, date):
        yield f"DTSTART;VALUE=DATE:{one.due:%Y%m%d}"
        yield f"DTEND;VALUE=DATE:{one.due + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_text(f'{one.heading} : {one.title}')}"
    if one.note:
        yield f"DESCRIPTION:{_text(one.note)}"
    yield f"URL:{site}{one.url}"
    yield "END:VEVENT"


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> Iterator[str]:
    """A line longer than 75 octets goes on after a space; no character is cut."""
    part, size = "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > LINE:
            yield part
            part, size = " ", 1
        part, size = part + character, size + octets
    yield part
