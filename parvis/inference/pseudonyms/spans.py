"""What was found and where. The kinds are the words that placeholders show to the model, which reads French."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NIR, INE, IBAN, SIREN, SIRET, CARD = "NIR", "INE", "IBAN", "SIREN", "SIRET", "CARTE"
PHONE, EMAIL, IP, STUDENT, BIRTH = "TEL", "MAIL", "IP", "ETU", "NAISSANCE"
NAME, TERM, LITERAL = "NOM", "TERME", "TEXTE"
KINDS = (NIR, INE, IBAN, SIREN, SIRET, CARD, PHONE, EMAIL, IP, STUDENT, BIRTH, NAME, TERM, LITERAL)

SPACES = " \t\u00a0\u2007\u2009\u200a\u202f"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a text. `certain`: its key or its form is right; otherwise only its label tells."""

    start: int
    end: int
    kind: str
    certain: bool = True


def merged(spans: Iterable[Span]) -> list[Span]:
    """Without overlap, in order. Spans that overlap become one that covers them all, of the kind of the surest, then of the
    longest: nothing that one of them covered stays readable."""
    apart: list[Span] = []
    best = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if apart and span.start < apart[-1].end:
            former = apart[-1]
            wins = (span.certain, span.end - span.start) > (former.certain, best)
            best = span.end - span.start if wins else best
            kind, certain = (span.kind, span.certain) if wins else (former.kind, former.certain)
            apart[-1] = Span(former.start, max(former.end, span.end), kind, certain)
        else:
            apart.append(span)
            best = span.end - span.start
    return apart
