"""Making statements of the use of AI from the ledger, and telling whether a file is one of them."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from django.db import transaction
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.assistants.statements.document import Content, Line, fingerprint
from parvis.assistants.statements.models import Asked, Statement
from parvis.audit.models import record
from parvis.corpora.ai_rule.models import CourseRule, Use
from parvis.corpora.models import Corpus
from parvis.institutions.models import Profile

MOST_BYTES = 5_000_000  # of a file to check, and of what is unpacked of it
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none is taken for another
NUMBER = re.compile(rf"\b[{_LETTERS}]{{4}}-[{_LETTERS}]{{4}}-[{_LETTERS}]{{4}}\b")


class Verdict(Enum):
    CONFORM = "conform"
    MODIFIED = "modified"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checked:
    """`statement` is the one that was given: also of a file that was modified, by the number it still holds."""

    verdict: Verdict
    statement: Statement | None = None


def asked_in(principal: Principal, courses: Iterable[Corpus]) -> dict[int, int]:
    """How many questions this person asked in each of these courses."""
    counts = {course.id: 0 for course in courses}
    for ids in Asked.objects.visible_to(principal).values_list("courses", flat=True):
        for course_id in ids:
            if course_id in counts:
                counts[course_id] += 1
    return counts


def content_of(
    principal: Principal, profile: Profile, course: Corpus, *, first: date, last: date, number: str, now: datetime
) -> Content:
    """What the ledger says of this person, in this course, on these days, both included."""
    rows = Asked.objects.visible_to(principal).between(_midnight(first), _midnight(last + timedelta(days=1)))
    rule = CourseRule.objects.visible_to(principal).filter(corpus=course).first()
    return Content(
        number=number,
        institution=profile.institution.name,
        person=profile.person.display_name,
        course=course.name,
        use=rule.use if rule else Use.ALLOWED.value,
        words=rule.words if rule else "",
        first_date=first,
        last_date=last,
        made_at=now,
        lines=tuple(_line(row) for row in rows.select_related("turn") if course.id in row.courses),
    )


@transaction.atomic
def make_statement(
    principal: Principal,
    profile: Profile,
    course: Corpus,
    *,
    first: date,
    last: date,
    write: Callable[[Content, str], bytes],
) -> tuple[Statement, bytes]:
    """The file that `write` makes of the statement and of its fingerprint, which from then on can be checked."""
    number = _new_number()
    content = content_of(principal, profile, course, first=first, last=last, number=number, now=timezone.now())
    mark = fingerprint(content)
    file = write(content, mark)
    statement = Statement.unscoped.create(
        institution_id=principal.institution_id,
        profile=profile,
        number=number,
        course_name=course.name,
        first_date=first,
        last_date=last,
        questions=len(content.lines),
        fingerprint=mark,
        file_hash=hashlib.sha256(file).hexdigest(),
        made_at=content.made_at,
    )
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="statement.export",
        subject=f"statement:{number}",
        course=course.id,
        fingerprint=mark,
    )
    return statement, file


def check_file(principal: Principal, file: bytes) -> Checked:
    """Conform when it is, to the byte, a file that was given; modified when it only holds the number of one."""
    given = Statement.objects.visible_to(principal).select_related("profile__person")
    if found := given.filter(file_hash=hashlib.sha256(file).hexdigest()).first():
        return Checked(Verdict.CONFORM, found)
    found = given.filter(number__in=_numbers_in(file)).first()
    return Checked(Verdict.MODIFIED, found) if found else Checked(Verdict.UNKNOWN)


def check_fingerprint(principal: Principal, number: str, mark: str) -> Checked:
    """The same for what is printed at the foot of a paper."""
    given = Statement.objects.visible_to(principal).select_related("profile__person")
    found = given.filter(number=number.strip().upper()).first()
    if found is None:
        return Checked(Verdict.UNKNOWN)
    same = secrets.compare_digest("".join(mark.split()).lower().encode(), found.fingerprint.encode())
    return Checked(Verdict.CONFORM if same else Verdict.MODIFIED, found)


def _line(row: Asked) -> Line:
    return Line(
        asked_at=row.asked_at,
        assistant=row.assistant_name,
        question=row.turn.question if row.turn else None,
        question_hash=row.question_hash,
        outcome=row.outcome,
        mode=row.mode,
        model=row.model_name,
        zone=row.zone,
        documents=tuple(row.documents),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_default_timezone())


def _new_number() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3))


def _numbers_in(file: bytes) -> list[str]:
    return sorted(set(NUMBER.findall(_text_of(file).decode("utf-8", "replace"))))[:50]


def _text_of(file: bytes) -> bytes:
    """What an ODT says, or the file itself; nothing of an archive that unpacks beyond reason."""
    if not file.startswith(b"PK"):
        return file
    try:
        with zipfile.ZipFile(io.BytesIO(file)) as package, package.open("content.xml") as content:
            return content.read(MOST_BYTES)
    except _UNREADABLE:  # it bears no number then, and the person is told that it is not one of ours
        return b""


# What zipfile raises of archives that are damaged, encrypted, compressed otherwise, or no ODT.
_UNREADABLE = (zipfile.BadZipFile, KeyError, OSError, RuntimeError, NotImplementedError, ValueError)
