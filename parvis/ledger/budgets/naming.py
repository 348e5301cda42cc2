"""Which budget refused and when it begins again, in words: said by both planes, so free of Django."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from parvis.ledger.budgets.messages import Refused
from parvis.ledger.budgets.periods import PARIS

ALLOTMENT = "allotment"  # beside the kinds of places: what the alliance allots to one institution

Translate = Callable[[str], str]


def _(sentence: str) -> str:
    """Marks what the catalogue translates."""
    return sentence


_WHOSE = {
    "alliance": _("The budget of the alliance"),
    ALLOTMENT: _("What the alliance allots to your institution"),
    "institution": _("The budget of your institution"),
    "component": _("The budget of “%(name)s”"),
    "course": _("The budget of “%(name)s”"),
    "app": _("The budget of this application"),
    "key": _("The budget of this key"),
    "person": _("Your own budget"),
}
_PERIODS = {
    "day": _("for today"),
    "month": _("for this month"),
    "semester": _("for this semester"),
    "year": _("for this year"),
}
_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
_ENGLISH = "January February March April May June July August September October November December".split()


def budget_named(refused: Refused, translate: Translate) -> str:
    """Only what whoever asks may know: a place of theirs, or one that they use. The beginning of a sentence."""
    whose = translate(_WHOSE.get(refused.kind, _("The budget"))) % {"name": refused.name}
    return f"{whose} {translate(_PERIODS[refused.period])}" if refused.period in _PERIODS else whose


def instant(seconds: float, language: str, *, now: datetime) -> str:
    """ "le 1er décembre à 0 h", "1 December at 00:00": of Paris, with its year where it is another."""
    at = datetime.fromtimestamp(seconds, PARIS)
    year = "" if at.year == now.astimezone(PARIS).year else f" {at.year}"
    if language.startswith("fr"):
        day, minutes = "1er" if at.day == 1 else at.day, f"\N{NO-BREAK SPACE}{at.minute:02}" if at.minute else ""
        return f"le {day} {_FRENCH[at.month - 1]}{year} à {at.hour}\N{NO-BREAK SPACE}h{minutes}"
    return f"{at.day} {_ENGLISH[at.month - 1]}{year} at {at:%H:%M}"
