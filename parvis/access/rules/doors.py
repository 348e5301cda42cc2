"""Where requests ask the rules: one look in the table of the version in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from django.utils.module_loading import import_string

from parvis.access.engine import PURPOSES_OR_NONE, Context, Decision, Entitlement, Person, State, Table, Tool, read
from parvis.access.principal import Principal
from parvis.access.rules import models
from parvis.access.tools import Listed
from parvis.audit.models import record


@dataclass(frozen=True)
class InForce:
    table: Table
    periods: tuple[tuple[date, date], ...]

    def context(
        self, now: datetime, tool: Tool, *, zone: str = "on_prem", purpose: str = "", data_class: str = "", days: int = 1
    ) -> Context:
        today = timezone.localdate(now)
        return Context(
            now=now,
            zone=tool.zone or zone,
            purpose=purpose or tool.purpose or "course",
            data_class=data_class or tool.data_class or "internal",
            days=days,
            in_course_period=not self.periods or any(first <= today <= latest for first, latest in self.periods),
        )


# Of an institution that wrote no rule: the charter still stands beside it.
OPEN_DOORS = InForce(Table(read("permit (principal, action, resource);")), ())


def tools_of(institution_id: int) -> list[Listed]:
    """Everything rules may be about, from every source of settings.TOOLS."""
    return [one for path in settings.TOOLS for one in import_string(path)(institution_id)]


def decision(
    principal: Principal, tool: Tool, *, zone: str = "on_prem", purpose: str = "", data_class: str = "", days: int = 1
) -> Decision:
    """What the rules say of this tool now, computed in that zone for that purpose over data of that class. Other doors are
    not asked."""
    if not principal.rules_key and PURPOSES_OR_NONE.issuperset((purpose, tool.purpose)):
        return Decision(allowed=True)
    rules = in_force(principal.institution_id, principal.rules_key) if principal.rules_key else OPEN_DOORS
    context = rules.context(timezone.now(), tool, zone=zone, purpose=purpose, data_class=data_class, days=days)
    return rules.table.decide(person_of(principal), tool, context)


def within_rules(rows: Any, principal: Principal) -> Any:
    """The rows that the rules allow now, at least computed on the institution's own servers. `rows` is a query set that
    says which tools its rows are."""
    if not principal.rules_key:
        return rows
    refused = [int(tool.id) for tool in rows.tools() if not decision(principal, tool).allowed]
    return rows.exclude(id__in=refused) if refused else rows


def record_refusals(principal: Principal, model: type[Model], **keys: Any) -> None:
    """Where the rules alone keep these rows from the person."""
    rows = model._default_manager.get_queryset()  # noqa: SLF001 - Django's documented name
    if not hasattr(rows, "before_rules"):
        return
    for tool in rows.before_rules(principal).filter(**keys).tools():
        refused = decision(principal, tool)
        if not refused.allowed:
            record_refusal(principal, tool, refused)


def record_refusal(principal: Principal, tool: Tool, refused: Decision) -> None:
    rules = in_force(principal.institution_id, principal.rules_key).table.rules if principal.rules_key else ()
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="access.refuse",
        subject=f"{tool.kind.lower()}:{tool.id}",
        version=principal.rules_key,
        rules=["charter"]
        if refused.by_charter
        else [rules[number].name or f"line {rules[number].line}" for number in refused.rules],
    )


def person_of(principal: Principal) -> Person:
    groups = frozenset(str(group_id) for group_id in principal.group_ids)
    return Person(str(principal.profile_id), principal.role, groups, str(principal.institution_id))


@lru_cache(maxsize=256)
def in_force(institution_id: int, key: str) -> InForce:
    """A version never changes under its key: kept in the process, and found again by no other key. Whoever comes with a key
    that was changed meanwhile is answered by the version that replaced it."""
    saved = models.RuleSet.unscoped.filter(institution_id=institution_id)
    rules = saved.filter(key=key).first() or saved.latest("number")
    rows = models.Entitlement.unscoped.filter(institution_id=institution_id, rules=rules)
    entries = {_key(row): _value(row) for row in rows.iterator()}
    return InForce(Table(read(rules.text), entries), periods_of(institution_id))


def periods_of(institution_id: int) -> tuple[tuple[date, date], ...]:
    rows = models.CoursePeriod.unscoped.filter(institution_id=institution_id)
    return tuple(rows.values_list("starts_date", "ends_date"))


def _key(row: models.Entitlement) -> tuple[object, ...]:
    return (row.affiliation, frozenset(row.groups), row.person, row.kind, row.tool, row.zone, row.purpose)


def _value(row: models.Entitlement) -> Entitlement:
    return Entitlement(State(row.state), Decision(row.base_allowed, tuple(row.base_rules)), tuple(row.live_rules))
