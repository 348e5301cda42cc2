from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from parvis.access.principal import Principal
from parvis.institutions.models import Group
from parvis.ledger.budgets.descent import Step
from parvis.ledger.budgets.models import Budget, MeasureChoice, Node, NodeKind, PeriodChoice
from parvis.ledger.budgets.presentation import EURO, FOR_EACH, STEPS
from parvis.web.amounts import AmountField

# What one of the unit that people type is, in the unit that is kept.
UNIT = {MeasureChoice.MONEY: EURO, MeasureChoice.TOKENS: 1, MeasureChoice.CARBON: 1_000}
_WAYS = [(step.value, label) for step, label in STEPS.items()]
_MOST = Decimal(9_000_000)  # euros: what is kept is an integer of 63 bits


class LimitForm(forms.Form):
    """How much, and what is done when it is spent. The measure is that of a budget that exists."""

    amount = AmountField(label=_("Limit"), min_value=0, max_digits=16, decimal_places=4)
    way_down = forms.MultipleChoiceField(
        label=_("When it is spent"),
        choices=_WAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What is ticked is tried in this order, and said to the person; then the question is refused."),
    )

    def __init__(self, *args: Any, measure: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._measure = measure
        self.fields["amount"].help_text = _UNITS[MeasureChoice(measure)]

    def clean_amount(self) -> int:
        return in_units(self.cleaned_data["amount"], self._measure)


class BudgetForm(forms.Form):
    place: forms.ModelChoiceField[Node] = forms.ModelChoiceField(label=_("For"), queryset=None, required=False)
    each = forms.ChoiceField(label=_("Counted how"), required=False)
    amount = AmountField(
        label=_("Limit"),
        min_value=0,
        max_digits=16,
        decimal_places=4,
        help_text=_("In euros, in tokens or in grams of CO₂e, as chosen below. 0 allows nothing that costs."),
    )
    measure = forms.ChoiceField(label=_("Measured in"), choices=MeasureChoice.choices, initial=MeasureChoice.MONEY)
    period = forms.ChoiceField(
        label=_("Per"),
        choices=PeriodChoice.choices,
        initial=PeriodChoice.MONTH,
        help_text=_("It begins again at midnight, Paris time; semesters on the days that you chose."),
    )
    counts_earlier = forms.BooleanField(
        label=_("Count what the running period has spent already"),
        required=False,
        initial=True,
        help_text=_("As the ledger has it. Unticked, the first period begins at nothing, and may cost more than the limit."),
    )
    way_down = forms.MultipleChoiceField(
        label=_("When it is spent"),
        choices=_WAYS,
        required=False,
        initial=[Step.SMALLER, Step.QUEUE, Step.EXTRACTIVE],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("What is ticked is tried in this order, and said to the person; then the question is refused."),
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_alliance = principal.may("budget:coordinate")
        below = NodeKind.INSTITUTION if is_alliance else NodeKind.PERSON
        kinds = [below] if is_alliance else [below, NodeKind.KEY, NodeKind.APP]
        self.fields["each"].choices = [  # type: ignore[attr-defined]
            ("", _("together, for all that is below")),
            *((kind, FOR_EACH[kind]) for kind in kinds),
        ]
        place = cast("forms.ModelChoiceField[Node]", self.fields["place"])
        place.queryset = _places(principal, str(self.data.get("place") or self.initial.get("place") or ""))
        place.empty_label = str(_("the whole alliance") if is_alliance else _("the whole institution"))
        if is_alliance:
            del self.fields["place"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "amount" in cleaned and "measure" in cleaned:
            cleaned["amount"] = in_units(cleaned["amount"], cleaned["measure"])
        place = cleaned.get("place")
        if place is not None and cleaned.get("each") and place.kind in (NodeKind.PERSON, NodeKind.KEY):
            self.add_error("each", _("Nothing is below a person or a key."))
        return cleaned


def _places(principal: Principal, chosen: str) -> QuerySet[Node]:
    """Whoever asked something has a place: of people, the one that is chosen already is offered, from the page of people."""
    rows = Node.objects.editable_by(principal).exclude(kind__in=(NodeKind.INSTITUTION, NodeKind.ALLIANCE))
    person = Q(id=int(chosen)) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else Q(pk__in=())
    found: QuerySet[Node] = rows.filter(~Q(kind=NodeKind.PERSON) | person)
    return found.select_related("institution", "profile__person", "key")


class PlaceForm(forms.Form):
    kind = forms.ChoiceField(label=_("It is"), choices=[(k, NodeKind(k).label) for k in (NodeKind.COMPONENT, NodeKind.COURSE)])
    name = forms.CharField(label=_("Name"), max_length=120)
    parent: forms.ModelChoiceField[Node] = forms.ModelChoiceField(label=_("Below"), queryset=None, required=False)
    group: forms.ModelChoiceField[Group] = forms.ModelChoiceField(
        label=_("Its people"),
        queryset=Group.objects.none(),
        required=False,
        empty_label=_("nobody in particular"),
        help_text=_("Whatever they ask is counted here too."),
    )

    def __init__(self, *args: Any, principal: Principal, instance: Node | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent = cast("forms.ModelChoiceField[Node]", self.fields["parent"])
        parent.queryset = Node.objects.editable_by(principal).filter(kind=NodeKind.COMPONENT)
        parent.empty_label = str(_("the whole institution"))
        group = cast("forms.ModelChoiceField[Group]", self.fields["group"])
        taken = Node.objects.visible_to(principal).exclude(group=None)
        taken = taken.exclude(id=instance.id) if instance else taken
        group.queryset = Group.objects.filter(institution=principal.institution_id).exclude(id__in=taken.values("group"))
        if instance:
            del self.fields["kind"], self.fields["parent"]


class TermsForm(forms.Form):
    """The days on which semesters begin, of the university years around this one."""

    def __init__(self, *args: Any, days: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, first in enumerate(days):
            self.fields[f"day{number}"] = forms.DateField(
                label=_("Semester %d begins on") % (number + 1),
                initial=first,
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            )

    @property
    def days(self) -> list[Any]:
        return sorted({value for name, value in self.cleaned_data.items() if name.startswith("day")})


_UNITS = {
    MeasureChoice.MONEY: _("In euros."),
    MeasureChoice.TOKENS: _("In tokens."),
    MeasureChoice.CARBON: _("In grams of CO₂e."),
}


def in_units(typed: Decimal, measure: str) -> int:
    """Raises a ValidationError where nobody could mean it."""
    unit = UNIT[MeasureChoice(measure)]
    if typed * unit > _MOST * EURO:
        raise forms.ValidationError(_("This is more than any budget: is the unit right?"))
    return int(typed * unit)


def in_typed_unit(budget: Budget) -> Decimal:
    """The limit as it was typed."""
    return Decimal(budget.limit) / UNIT[MeasureChoice(budget.measure)]
