"""Budgets in words and gauges, for their pages and for what a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from parvis.ledger.budgets.descent import Step
from parvis.ledger.budgets.messages import Code, Measure, Refused
from parvis.ledger.budgets.naming import budget_named, instant
from parvis.ledger.presentation import euros
from parvis.web.templatetags.interface import date

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from parvis.ledger.budgets.models import Budget, Spending

EURO = 10**9
NEAR = 80  # per cent
_CARBON = ((1_000_000, "kg"), (1_000, "g"), (1, "mg"))

PER: dict[str, StrOrPromise] = {
    "day": gettext_lazy("a day"),
    "month": gettext_lazy("a month"),
    "semester": gettext_lazy("a semester"),
    "year": gettext_lazy("a year"),
}
THIS: dict[str, StrOrPromise] = {
    "day": gettext_lazy("today"),
    "month": gettext_lazy("this month"),
    "semester": gettext_lazy("this semester"),
    "year": gettext_lazy("this year"),
}
FOR_EACH: dict[str, StrOrPromise] = {
    "institution": gettext_lazy("for each institution"),
    "person": gettext_lazy("for each person"),
    "key": gettext_lazy("for each key"),
    "app": gettext_lazy("for each application"),
}
STEPS: dict[Step, StrOrPromise] = {
    Step.SMALLER: gettext_lazy("answer with a smaller model"),
    Step.QUEUE: gettext_lazy("wait until something is left"),
    Step.EXTRACTIVE: gettext_lazy("answer with quotations only, which cost nothing"),
}


def amount(value: int, measure: str) -> str:
    """12,40 €; 3 000 tokens; 1,2 kg of CO2e."""
    if measure == Measure.TOKENS:
        return ngettext("%(count)s token", "%(count)s tokens", value) % {"count": number_format(value, force_grouping=True)}
    if measure == Measure.CARBON:
        unit, name = next((unit, name) for unit, name in _CARBON if value >= unit or unit == 1)
        return f"{number_format(value / unit, 1 if value % unit else 0, force_grouping=True)}\N{NO-BREAK SPACE}{name} CO₂e"
    return euros(value)


@dataclass(frozen=True, slots=True)
class Gauge:
    """`used` and `taken` (what calls hold too) are per cent of the limit, written for a drawing."""

    budget: Budget
    words: str
    counted: str
    used: str
    taken: str
    percent: int
    tone: str
    resets: str


def gauge(budget: Budget, spending: Spending | None) -> Gauge:
    """`spending` is None where nothing was asked yet in this period."""
    used, leased = (spending.used, spending.leased) if spending else (0, 0)
    limit = spending.limit if spending else budget.limit
    percent = 100 if limit == 0 else min(999, used * 100 // limit)
    words = _("%(used)s of %(limit)s %(period)s") % {
        "used": amount(used, budget.measure),
        "limit": amount(limit, budget.measure),
        "period": THIS[budget.period],
    }
    if leased:
        words += " · " + _("%(held)s held for calls") % {"held": amount(leased, budget.measure)}
    resets = _("begins again on %s") % day(spending.ends_at) if spending else ""
    tone = "bad" if percent >= 100 else "warn" if percent >= NEAR else "good"
    earlier = counted(budget, spending) if spending else ""
    return Gauge(budget, words, earlier, _width(used, limit), _width(used + leased, limit), percent, tone, resets)


def counted(budget: Budget, spending: Spending) -> str:
    """ "123,45 € of it spent this month before this budget was set."; "" where nothing was before the budget."""
    if not spending.opening:
        return ""
    words = {"amount": amount(spending.opening, budget.measure), "period": THIS[budget.period]}
    return _("%(amount)s of it spent %(period)s before this budget was set.") % words


def left(budget: Budget, spending: Spending | None) -> str:
    """What is left of it, in its own measure."""
    return amount(max(0, spending.limit - spending.used) if spending else budget.limit, budget.measure)


def title(budget: Budget) -> str:
    """ "100 € a month, for each person"."""
    words = f"{amount(budget.limit, budget.measure)} {PER[budget.period]}"
    return f"{words}, {FOR_EACH[budget.each]}" if budget.each else words


def day(instant: datetime) -> str:
    return date(timezone.localtime(instant), "j F Y")


def refusal(refused: Refused) -> str:
    """What a person is told when a call does not go: the fact, what is left, and when it begins again."""
    if refused.code is Code.STORE_DOWN:
        return _("Budgets cannot be read at this moment: nothing was sent to a model. Try again in a minute.")
    if refused.code is Code.NO_BUDGET:
        return _("Nothing says which budget would pay for this: nothing was sent to a model. Tell your administrator.")
    if refused.code is Code.UNKNOWN_PRICE:
        return _(
            "A budget counts what is not known of this model, price or emissions: nothing was sent. "
            "Its price is written by the administration, in Expenses, Price books."
        )
    if refused.code is Code.HELD:
        return _("What is left of the budget is held by other questions under way. Try again in a moment.")
    said = {"budget": budget_named(refused, _), "left": amount(refused.left, refused.measure)}
    words = _("%(budget)s is spent: %(left)s left, less than this may cost.") % said
    if refused.resets_at is None:
        return words
    return f"{words} " + _("It begins again on %s.") % instant(refused.resets_at, get_language() or "fr", now=timezone.now())


def descent(step: Step) -> str:
    """What a person is told of the way down that is taken."""
    if step is Step.SMALLER:
        return _("The budget is nearly spent: this answer comes from a smaller model.")
    if step is Step.QUEUE:
        return _("The budget is held by other questions: yours waits for its turn.")
    if step is Step.EXTRACTIVE:
        return _("The budget is spent: this answer is made of quotations only, which cost nothing.")
    return _("The budget is spent: no answer can be given until it begins again.")


def _width(part: int, whole: int) -> str:
    return str(100 if whole == 0 else min(100, round(part * 100 / whole, 1)))
