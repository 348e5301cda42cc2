"""Writing rules, and saying beforehand what they would change."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.access import matrix as matrices
from parvis.access.engine import AFFILIATIONS, OBEYED, Person, Rule, State, Table, Tool, read
from parvis.access.matrix import OPEN, Cell, Matrix
from parvis.access.principal import Principal
from parvis.access.rules.doors import InForce, periods_of, tools_of
from parvis.access.rules.models import CoursePeriod, Entitlement, RuleCheck, RuleSet
from parvis.access.tools import Listed
from parvis.audit.models import record
from parvis.institutions.models import Group, Institution, Profile

TABLE_ROWS = 20_000  # what is beyond is decided when it is first asked
NAMES_SHOWN = 40
CHECKED = Person("", "student", frozenset(), "")


class ChangedMeanwhileError(Exception):
    """Somebody saved other rules since these were read."""

    code = "changed_meanwhile"


class ChecksFailError(Exception):
    """The rules break what the institution said must hold."""

    code = "checks_fail"

    def __init__(self, checks: Sequence[RuleCheck]) -> None:
        super().__init__(self.code)
        self.checks = checks


@dataclass(frozen=True)
class Rules:
    """What an institution wrote, or would: the policies, and those among them that the matrix shows."""

    text: str
    matrix: Matrix
    number: int = 0  # the version that it is, or was made from; 0 when none was ever saved
    rules: tuple[Rule, ...] = field(default=(), repr=False)
    others: tuple[Rule, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class People:
    """How many, and the first of them."""

    count: int
    first: list[Profile]


@dataclass(frozen=True)
class Change:
    """Who gains a tool, who loses it, and for whom it now depends on the moment or on the request."""

    tool: Listed
    gained: People
    lost: People
    limited: People


def current(institution_id: int, names: Mapping[str, str] | None = None) -> Rules:
    """The rules in force; the open doors, as policies, where none was written."""
    saved = RuleSet.unscoped.filter(institution_id=institution_id).first()
    if saved:
        return _rules(saved.text, matrices.from_json(saved.matrix), saved.number)
    return _rules(matrices.text(OPEN, zone=_zone(), titles=names), OPEN, 0)


def with_column(rules: Rules, column: str, cells: Mapping[str, Cell] | None, names: Mapping[str, str]) -> Rules:
    """The same rules with another column of the matrix; what was written as text stays."""
    changed = matrices.replaced(rules.matrix, column, cells)
    text = matrices.text(changed, [rule.source for rule in rules.others], zone=_zone(), titles=names)
    return _rules(text, changed, rules.number)


def with_text(rules: Rules, text: str, known: Mapping[str, Collection[str]]) -> Rules:
    """Rules written as text, and the cells of the matrix that they still hold. Raises RulesError."""
    read(text, known)
    return _rules(text, rules.matrix, rules.number)


def known_names(institution_id: int, tools: Iterable[Listed]) -> dict[str, set[str]]:
    """Every identifier that a rule of this institution may name."""
    names: dict[str, set[str]] = {kind: set() for kind in OBEYED} | {"Institution": {str(institution_id)}}
    for one in tools:
        names[one.tool.kind].add(one.tool.id)
    names["Group"] = {str(pk) for pk in Group.objects.filter(institution=institution_id).values_list("id", flat=True)}
    names["Person"] = {str(pk) for pk in Profile.objects.filter(institution=institution_id).values_list("id", flat=True)}
    return names


def changes(institution_id: int, proposed: Rules, tools: Sequence[Listed], now: datetime) -> list[Change]:
    """What saving `proposed` would change, tool by tool. Nobody's name is read where nothing changes for them."""
    before, after = verdicts(institution_id, current(institution_id)), verdicts(institution_id, proposed)
    people = _people(institution_id, before.table.groups | after.table.groups)
    kinds = _kinds(people, (before.table, after.table))
    found = []
    corpora = _differs(before, after, [one.tool for one in tools if one.tool.kind == "Corpus"], kinds)
    for listed in tools:
        if not corpora and not _differs(before, after, [listed.tool], kinds):
            continue
        moved = _moved(before, after, listed, kinds, now)
        if any(moved):
            found.append(Change(listed, *map(_named, moved)))
    return found


def users(institution_id: int, rules: Rules, listed: Listed, now: datetime) -> tuple[set[int], set[int]]:
    """The profiles that may use the tool now, and those among them for whom it depends on the moment or on the request."""
    given = verdicts(institution_id, rules)
    people = _people(institution_id, given.table.groups)
    may = _holders(given, listed, people, now)
    return may, {pk for pk in may if given.table.entitlement(people[pk], listed.tool).state is State.LIVE}


def failing(institution_id: int, rules: Rules, tools: Sequence[Listed], now: datetime) -> list[RuleCheck]:
    """The checks of the institution that these rules break. One about a tool that is gone holds."""
    given = verdicts(institution_id, rules)
    by_column = {one.column: one.tool for one in tools}
    return [
        check
        for check in RuleCheck.unscoped.filter(institution_id=institution_id).select_related("group")
        if (tool := by_column.get(check.tool))
        and given.table.decide(_checked(check), tool, given.context(now, tool)).allowed != check.allowed
    ]


def verdicts(institution_id: int, rules: Rules) -> InForce:
    """A table of rules that need not be in force."""
    return InForce(Table(rules.rules), periods_of(institution_id))


@transaction.atomic
def publish(principal: Principal, proposed: Rules, *, reason: str, restored: int | None = None) -> RuleSet:
    """They hold from the next request on. Raises ChangedMeanwhileError or ChecksFailError, and then nothing changed."""
    institution = Institution.objects.select_for_update().get(id=principal.institution_id)
    latest = RuleSet.unscoped.filter(institution=institution).first()
    number = latest.number if latest else 0
    if number != proposed.number:
        raise ChangedMeanwhileError
    tools = tools_of(institution.id)
    if broken := failing(institution.id, proposed, tools, timezone.now()):
        raise ChecksFailError(broken)
    saved = RuleSet.unscoped.create(
        institution=institution,
        number=number + 1,
        key=secrets.token_urlsafe(16),
        text=proposed.text,
        matrix=matrices.to_json(proposed.matrix),
        reason=reason,
        author_id=principal.profile_id,
        restored=restored,
    )
    _compile(saved, proposed, tools)
    _put_in_force(institution, saved.key)
    _record(principal, "rules.publish", f"rules:{saved.number}", reason=reason, restored=restored)
    return saved


def restore(principal: Principal, version: RuleSet) -> RuleSet:
    """A new version that says what an earlier one said."""
    proposed = _rules(version.text, matrices.from_json(version.matrix), current(principal.institution_id).number)
    return publish(principal, proposed, reason=version.reason, restored=version.number)


@transaction.atomic
def add_check(principal: Principal, *, affiliation: str, group: Group | None, tool: str, allowed: bool) -> RuleCheck:
    check, _ = RuleCheck.unscoped.update_or_create(
        institution_id=principal.institution_id,
        affiliation=affiliation,
        group=group,
        tool=tool,
        defaults={"allowed": allowed},
    )
    _record(principal, "rules.check.add", f"check:{check.id}", tool=tool, allowed=allowed)
    return check


@transaction.atomic
def remove_check(principal: Principal, check: RuleCheck) -> None:
    _record(principal, "rules.check.remove", f"check:{check.id}", tool=check.tool, allowed=check.allowed)
    check.delete()


@transaction.atomic
def set_period(principal: Principal, *, name: str, starts_date: date, ends_date: date) -> None:
    dates = {"starts_date": starts_date, "ends_date": ends_date}
    CoursePeriod.unscoped.update_or_create(institution_id=principal.institution_id, name=name, defaults=dates)
    _periods_changed(principal, "rules.period.set", name)


@transaction.atomic
def remove_period(principal: Principal, period: CoursePeriod) -> None:
    period.delete()
    _periods_changed(principal, "rules.period.remove", period.name)


def _periods_changed(principal: Principal, action: str, name: str) -> None:
    """Rules may ask whether courses last: the version in force takes another key, under which it is read again."""
    institution = Institution.objects.select_for_update().get(id=principal.institution_id)
    if institution.rules_key:
        key = secrets.token_urlsafe(16)
        RuleSet.unscoped.filter(institution=institution, key=institution.rules_key).update(key=key)
        _put_in_force(institution, key)
    _record(principal, action, f"institution:{institution.id}", name=name)


def _put_in_force(institution: Institution, key: str) -> None:
    institution.rules_key = key
    institution.save(update_fields=["rules_key"])


def _rules(text: str, matrix: Matrix, number: int) -> Rules:
    rules = read(text)
    kept, others = matrices.split(matrix, rules, zone=_zone())
    return Rules(text, kept, number, rules, tuple(others))


def _zone() -> Any:
    return timezone.get_default_timezone()


def _people(institution_id: int, groups: Collection[str]) -> dict[int, Person]:
    """Everybody whom rules may be about, with those of their groups that these rules name."""
    members: defaultdict[int, set[str]] = defaultdict(set)
    links = Group.profiles.through.objects.filter(group_id__in=[int(group) for group in groups])
    for profile_id, group_id in links.values_list("profile_id", "group_id"):
        members[profile_id].add(str(group_id))
    rows = Profile.objects.filter(institution=institution_id, ended_at=None, role__in=AFFILIATIONS)
    return {
        pk: Person(str(pk), role, frozenset(members.get(pk, ())), str(institution_id))
        for pk, role in rows.order_by("id").values_list("id", "role")
    }


# One person of a kind that no rule tells apart, and the profiles of all.
Kinds = list[tuple[Person, set[int]]]


def _kinds(people: Mapping[int, Person], tables: Sequence[Table]) -> Kinds:
    named = {identifier for table in tables for rule in table.rules for kind, identifier in rule.names if kind == "Person"}
    kinds: dict[tuple[Any, ...], tuple[Person, set[int]]] = {}
    for pk, person in people.items():
        key = (person.affiliation, person.groups, person.id if person.id in named else "")
        kinds.setdefault(key, (person, set()))[1].add(pk)
    return list(kinds.values())


def _differs(before: InForce, after: InForce, tools: Iterable[Tool], kinds: Kinds) -> bool:
    return any(not _same(before, after, person, tool) for tool in tools for person, _ in kinds)


def _moved(
    before: InForce, after: InForce, listed: Listed, kinds: Kinds, now: datetime
) -> tuple[set[int], set[int], set[int]]:
    """Who gains, who loses, and who keeps it under conditions that there were not."""
    gained: set[int] = set()
    lost: set[int] = set()
    limited: set[int] = set()
    ways = listed.ways()
    for person, profiles in kinds:
        old, new = ([way for way in ways if _opens(given, person, listed, way.by, now)] for given in (before, after))
        is_live = after.table.entitlement(person, listed.tool).state is State.LIVE
        is_limited = is_live and not _same(before, after, person, listed.tool)
        if old == new and not is_limited:  # so it is for most, and their names need not be read
            continue
        had, has = (set().union(*(way.profiles & profiles for way in open_ways)) for open_ways in (old, new))
        gained |= has - had
        lost |= had - has
        limited |= has & had if is_limited else set()
    return gained, lost, limited


def _same(before: InForce, after: InForce, person: Person, tool: Tool) -> bool:
    """Whether what holds is what held, wherever it stands in the text."""
    meanings = []
    for given in (before, after):
        entry = given.table.entitlement(person, tool)
        meanings.append((entry.base.allowed, sorted(given.table.rules[number].meaning for number in entry.live)))
    return meanings[0] == meanings[1]


def _named(profile_ids: Collection[int]) -> People:
    first = sorted(profile_ids)[:NAMES_SHOWN]
    return People(len(profile_ids), list(Profile.objects.filter(id__in=first).select_related("person").order_by("id")))


def _holders(given: InForce, listed: Listed, people: Mapping[int, Person], now: datetime) -> set[int]:
    kinds, ways = _kinds(people, (given.table,)), listed.ways()
    return {
        pk
        for person, profiles in kinds
        for way in ways
        if _opens(given, person, listed, way.by, now)
        for pk in way.profiles & profiles
    }


def _opens(given: InForce, person: Person, listed: Listed, by: Any, now: datetime) -> bool:
    wanted = [listed.tool, *([by] if by else [])]
    return all(given.table.decide(person, tool, given.context(now, tool)).allowed for tool in wanted)


def _checked(check: RuleCheck) -> Person:
    groups = frozenset([str(check.group_id)] if check.group_id else [])
    return Person("", check.affiliation, groups, str(check.institution_id))


def _compile(saved: RuleSet, rules: Rules, tools: Sequence[Listed]) -> None:
    """The table of the version, in place of that of the one before."""
    Entitlement.unscoped.filter(institution_id=saved.institution_id).delete()
    table = Table(rules.rules)
    people = [person for person, _ in _kinds(_people(saved.institution_id, table.groups), (table,))]
    kinds = {table.key(CHECKED, one.tool)[3:]: one.tool for one in tools}
    entries = table.compiled(people[: max(1, TABLE_ROWS // max(1, len(kinds)))], list(kinds.values()))
    Entitlement.unscoped.bulk_create(
        (
            Entitlement(
                institution_id=saved.institution_id,
                rules=saved,
                affiliation=affiliation,
                groups=sorted(groups),
                person=person,
                kind=kind,
                tool=tool,
                zone=zone,
                purpose=purpose,
                state=entry.state.value,
                base_allowed=entry.base.allowed,
                base_rules=list(entry.base.rules),
                live_rules=list(entry.live),
            )
            for (affiliation, groups, person, kind, tool, zone, purpose), entry in entries.items()
        ),
        batch_size=500,
    )


def _record(principal: Principal, action: str, subject: str, **details: Any) -> None:
    record(institution_id=principal.institution_id, actor=principal.actor, action=action, subject=subject, **details)
