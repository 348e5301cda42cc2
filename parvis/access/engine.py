"""What the rules of an institution decide. Rules are Cedar policies, validated against the schema below.

A rule that looks at `context` is live: it is decided at the request. Any other is decided once for each kind of person and
tool, and kept in a table that requests read. The table is keyed by all that rules can see of either, read anew at each
request: it is never out of date, and what it does not hold yet is decided by Cedar and added.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import cedarpy

from parvis.access.sensitivity import DATA_CLASSES, ZONES

# Grading, admission, assessing levels and watching exams are not among them (AI Act, annex III, 3): a rule cannot name them.
PURPOSES = ("course", "administration", "documentation", "research")
PURPOSES_OR_NONE = frozenset(("", *PURPOSES))
HIGH_RISK = ("grading", "admission", "level_assessment", "exam_surveillance")

ACTIONS = {"Model": "use", "Assistant": "use", "Corpus": "read", "App": "launch", "Key": "hold", "Budget": "use"}
OBEYED = ("Model", "Assistant", "Corpus", "Key", "Budget")  # the other has its place in the schema, and no door yet


def _enumeration(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


_LISTED = "[" + ", ".join(f'Purpose::"{purpose}"' for purpose in PURPOSES) + "]"
# Must allow as well as the rules of the institution, and stands where none was written: whatever it refuses, no rule lifts.
CHARTER = f"""
permit (principal, action, resource);
forbid (principal, action, resource) unless {{ {_LISTED}.contains(context.purpose) }};
forbid (principal, action, resource) when {{ resource has purpose && !{_LISTED}.contains(resource.purpose) }};
"""

AFFILIATIONS = ("student", "teacher", "staff", "administrator", "referent", "signatory", "dpo", "app")
SCHEMA = f"""
entity Institution;
entity Affiliation enum [{_enumeration(AFFILIATIONS)}];
entity Zone enum [{_enumeration(ZONES)}];
entity Purpose enum [{_enumeration(PURPOSES)}];
entity DataClass enum [{_enumeration(DATA_CLASSES)}];
entity Group;
entity Person in [Affiliation, Group, Institution];
entity Model {{ zone: Zone }};
entity Assistant {{ purpose: Purpose }};
entity Corpus {{ purpose: Purpose }};
entity App, Key, Budget;
type Request = {{ data_class: DataClass, zone: Zone, purpose: Purpose, now: datetime, in_course_period: Bool }};
type Holding = {{
  data_class: DataClass, zone: Zone, purpose: Purpose, now: datetime, in_course_period: Bool, days: Long
}};
action use appliesTo {{ principal: [Person], resource: [Model, Assistant, Budget], context: Request }};
action read appliesTo {{ principal: [Person], resource: [Corpus], context: Request }};
action launch appliesTo {{ principal: [Person], resource: [App], context: Request }};
action hold appliesTo {{ principal: [Person], resource: [Key], context: Holding }};
"""


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    affiliation: str
    groups: frozenset[str]
    institution: str


@dataclass(frozen=True, slots=True)
class Tool:
    """Something to be used. `zone` is a model's, `purpose` that of an assistant or of documents, `data_class` the highest of
    what is read through it. A key is known by its scope: that is what its holder uses; budgets, by what is done to
    them: "view", "set"."""

    kind: str  # a key of ACTIONS
    id: str
    zone: str = ""
    purpose: str = ""
    data_class: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    now: datetime
    zone: str = "on_prem"  # where what is asked would be computed
    purpose: str = "course"
    data_class: str = "internal"
    in_course_period: bool = True
    days: int = 1  # for how long a key is valid, from its creation


@dataclass(frozen=True, slots=True)
class Decision:
    """`rules` are the places, in the text, of those that decided: none when nothing allowed it, nor refused it."""

    allowed: bool
    rules: tuple[int, ...] = ()
    by_charter: bool = False  # refused for a purpose that is not in the list


class State(Enum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    LIVE = "live"  # the rules in `live` are decided at the request; where none of them speaks, `base` holds


@dataclass(frozen=True, slots=True)
class Entitlement:
    state: State
    base: Decision
    live: tuple[int, ...] = ()


class RulesError(Exception):
    """A text that is not a set of rules. `line` is where, from 1."""

    def __init__(self, code: str, line: int, **params: Any) -> None:
        super().__init__(f"line {line}: {code} {params}")
        self.code, self.line, self.params = code, line, params


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy of the text."""

    line: int
    source: str  # with the comments above it
    name: str  # its @id, or ""
    permits: bool
    is_live: bool
    scope: str  # of a live one: the same policy without its conditions, permitting
    resource: tuple[str, str]  # the kind and the identifier that it names; "" for any
    names: frozenset[tuple[str, str]] = field(repr=False)  # every entity it names
    meaning: str = field(repr=False)  # the same for two policies that differ by their words alone


def read(text: str, known: Mapping[str, Collection[str]] | None = None) -> tuple[Rule, ...]:
    """The rules of a text, in its order. `known` are the identifiers that exist, by type: a rule about another is refused.

    Raises RulesError with the line of the first fault.
    """
    rules = tuple(_rule(line, source) for line, source in statements(text))
    result = cedarpy.validate_policies(text, _schema())
    for error in result.errors:
        rule = rules[int(error.policy_id.removeprefix("policy"))]
        raise _invalid(rule, error.error)
    for rule in rules:
        for kind, identifier in sorted({rule.resource} | rule.names):
            place = _line_of(rule.line, rule.source, f'{kind}::"{identifier}"' if identifier else kind)
            if kind in ACTIONS and kind not in OBEYED:
                raise RulesError("no_door_yet", place, name=kind)
            if known is not None and identifier and kind in known and identifier not in known[kind]:
                raise RulesError("unknown_name", place, kind=kind, name=identifier)
    return rules


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Each policy with the line on which it begins, comments above it included in its text."""
    begun = 0
    for found in re.finditer(r'"(?:\\.|[^"\\])*"|//[^\n]*|;', text):
        if found.group() == ";":
            yield _statement(text, begun, found.end())
            begun = found.end()
    rest = re.sub(r"//[^\n]*", "", text[begun:])
    if rest.strip():
        yield _statement(text, begun, len(text))


class Table:
    """The rules of one institution, and what they gave so far for each kind of person and tool."""

    def __init__(self, rules: Sequence[Rule], entries: Mapping[tuple[Any, ...], Entitlement] | None = None) -> None:
        self.rules = tuple(rules)
        named = [name for rule in rules for name in rule.names]
        self.groups = frozenset(identifier for kind, identifier in named if kind == "Group")
        self._people = frozenset(identifier for kind, identifier in named if kind == "Person")
        self._tools = frozenset(name for name in named if name[0] in ACTIONS)
        self._entries: dict[tuple[Any, ...], Entitlement] = dict(entries or {})
        self._slices: dict[tuple[str, str], _Slice] = {}
        self._live: dict[tuple[int, ...], cedarpy.PolicySet] = {}

    def key(self, person: Person, tool: Tool) -> tuple[Any, ...]:
        """All that the rules can see of both."""
        return (
            person.affiliation,
            person.groups & self.groups,
            person.id if person.id in self._people else "",
            tool.kind,
            tool.id if (tool.kind, tool.id) in self._tools else "",
            tool.zone,
            tool.purpose,
        )

    def entitlement(self, person: Person, tool: Tool) -> Entitlement:
        key = self.key(person, tool)
        found = self._entries.get(key)
        if found is None:
            found = self._entries[key] = self._evaluated(person, tool)
        return found

    def decide(self, person: Person, tool: Tool, context: Context) -> Decision:
        if not PURPOSES_OR_NONE.issuperset((context.purpose, tool.purpose)) and not _within_charter(person, tool, context):
            return Decision(allowed=False, by_charter=True)
        found = self.entitlement(person, tool)
        return found.base if found.state is not State.LIVE else self._decided_live(found, person, tool, context)

    def compiled(self, people: Iterable[Person], tools: Sequence[Tool]) -> dict[tuple[Any, ...], Entitlement]:
        """The entitlements of these people, by key."""
        entries = {}
        for person in people:
            for tool in tools:
                entries[self.key(person, tool)] = self.entitlement(person, tool)
        return entries

    def _evaluated(self, person: Person, tool: Tool) -> Entitlement:
        part = self._slice(tool)
        request, entities = _request(person, tool), self._entities(person, tool)
        allowed, rules = _authorized(request, part.static, part.static_numbers, entities)
        base = Decision(allowed, rules)
        if not allowed and rules:
            return Entitlement(State.REFUSED, base)
        if part.live_numbers:
            _, live = _authorized(request, part.live_scopes, part.live_numbers, entities)
            if any(self.rules[number].permits != allowed for number in live):
                return Entitlement(State.LIVE, base, live)
        return Entitlement(State.ALLOWED if allowed else State.REFUSED, base)

    def _decided_live(self, entry: Entitlement, person: Person, tool: Tool, context: Context) -> Decision:
        policies = self._live.get(entry.live)
        if policies is None:
            policies = self._live[entry.live] = _policies(self.rules[number].source for number in entry.live)
        request = {**_request(person, tool), "context": _context(context)}
        allowed, rules = _authorized(request, policies, entry.live, self._entities(person, tool))
        if rules and not allowed:
            return Decision(allowed=False, rules=rules)
        return Decision(allowed=True, rules=rules) if allowed and not entry.base.allowed else entry.base

    def _entities(self, person: Person, tool: Tool) -> cedarpy.Entities:
        """What the rules can see of both: groups that they do not name cost nothing."""
        return cedarpy.Entities.from_json_str(_entities(person, person.groups & self.groups, tool))

    def _slice(self, tool: Tool) -> _Slice:
        """The rules that may be about this tool: the others cost nothing."""
        key = (tool.kind, tool.id if (tool.kind, tool.id) in self._tools else "")
        if key not in self._slices:
            reached = {("", ""), (tool.kind, ""), (tool.kind, tool.id)}
            matching = [number for number, rule in enumerate(self.rules) if rule.resource in reached]
            self._slices[key] = _Slice(self.rules, tuple(matching))
        return self._slices[key]


class _Slice:
    def __init__(self, rules: Sequence[Rule], numbers: tuple[int, ...]) -> None:
        self.static_numbers = tuple(number for number in numbers if not rules[number].is_live)
        self.live_numbers = tuple(number for number in numbers if rules[number].is_live)
        self.static = _policies(rules[number].source for number in self.static_numbers)
        self.live_scopes = _policies(rules[number].scope for number in self.live_numbers)


@cache
def _schema() -> cedarpy.Schema:
    return cedarpy.Schema.from_str(SCHEMA)


def _within_charter(person: Person, tool: Tool, context: Context) -> bool:
    request = {**_request(person, tool), "context": _context(context)}
    entities = cedarpy.Entities.from_json_str(_entities(person, (), tool))
    return cedarpy.is_authorized(request, _charter(), entities).allowed


@cache
def _charter() -> cedarpy.PolicySet:
    return _policies([CHARTER])


def _policies(sources: Iterable[str]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_str("\n".join(sources))


def _authorized(
    request: dict[str, Any], policies: cedarpy.PolicySet, numbers: Sequence[int], entities: cedarpy.Entities
) -> tuple[bool, tuple[int, ...]]:
    result = cedarpy.is_authorized(request, policies, entities)
    return result.allowed, tuple(sorted(numbers[int(reason.removeprefix("policy"))] for reason in result.diagnostics.reasons))


def _request(person: Person, tool: Tool) -> dict[str, Any]:
    return {
        "principal": {"type": "Person", "id": person.id},
        "action": {"type": "Action", "id": ACTIONS[tool.kind]},
        "resource": {"type": tool.kind, "id": tool.id},
    }


def _context(context: Context) -> str:
    return json.dumps(
        {
            "data_class": _reference("DataClass", context.data_class),
            "zone": _reference("Zone", context.zone),
            "purpose": _reference("Purpose", context.purpose),
            "now": {"__extn": {"fn": "datetime", "arg": f"{context.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}},
            "in_course_period": context.in_course_period,
            "days": context.days,
        }
    )


def _entities(person: Person, groups: Iterable[str], tool: Tool) -> str:
    parents = [{"type": "Group", "id": group} for group in groups]
    parents += [{"type": "Affiliation", "id": person.affiliation}, {"type": "Institution", "id": person.institution}]
    attributes = {"zone": _reference("Zone", tool.zone)} if tool.kind == "Model" else {}
    if tool.kind in ("Assistant", "Corpus"):
        attributes = {"purpose": _reference("Purpose", tool.purpose)}
    return json.dumps(
        [
            {"uid": {"type": "Person", "id": person.id}, "attrs": {}, "parents": parents},
            {"uid": {"type": tool.kind, "id": tool.id}, "attrs": attributes, "parents": []},
        ]
    )


def _reference(kind: str, identifier: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": identifier}}


# Cedar reads an expression by recursion, and a deep one ends the whole process: nothing that could be deep reaches it. One of
# these marks opens each level. Measured: eight hundred brackets are fatal, and Python's JSON gives up at five hundred terms.
MOST_NESTED = 250
_NESTING = re.compile(r"[(\[{!+*.-]|&&|\|\||\bif\b")
_WORDS = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*')


def _statement(text: str, begun: int, end: int) -> tuple[int, str]:
    source = text[begun:end]
    kept = source.lstrip()
    return text.count("\n", 0, end - len(kept)) + 1, kept.rstrip()


def _rule(line: int, source: str) -> Rule:
    if len(_NESTING.findall(_WORDS.sub(" ", source))) > MOST_NESTED:
        raise RulesError("too_intricate", line)
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(source))
    except ValueError as error:
        raise _unreadable(line, source, str(error)) from None
    if parsed["templates"] or len(parsed["staticPolicies"]) != 1:
        raise RulesError("template", line)
    policy = parsed["staticPolicies"]["policy0"]
    is_live = any(node == {"Var": "context"} for node in _nodes(policy["conditions"]))
    return Rule(
        line=line,
        source=source,
        name=policy.get("annotations", {}).get("id") or "",
        permits=policy["effect"] == "permit",
        is_live=is_live,
        scope=_scope(policy) if is_live else "",
        resource=_resource(policy["resource"]),
        names=frozenset((node["type"], node["id"]) for node in _nodes(policy) if set(node) == {"type", "id"}),
        meaning=json.dumps({**policy, "annotations": {}}, sort_keys=True),
    )


def _scope(policy: dict[str, Any]) -> str:
    bare = {**policy, "effect": "permit", "conditions": [], "annotations": {}}
    document = {"staticPolicies": {"policy0": bare}, "templates": {}, "templateLinks": []}
    return cedarpy.policies_from_json_str(json.dumps(document))


def _resource(constraint: dict[str, Any]) -> tuple[str, str]:
    if constraint["op"] == "==":
        return constraint["entity"]["type"], constraint["entity"]["id"]
    if constraint["op"] == "is":
        return constraint["entity_type"], ""
    return "", ""


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _unreadable(line: int, source: str, message: str) -> RulesError:
    token = re.search(
        r"(?:unexpected token|invalid token|invalid [\w ]+:|not a valid [\w ]+:?) ?`?([^`\n]+?)`?\s*(?:\n|$)", message
    )
    if token is None:
        return RulesError("unreadable_end", line + source.count("\n"))
    return RulesError("unreadable", _line_of(line, source, token.group(1)), word=token.group(1))


# What Cedar's validator says, by what it is about; what is not here is quoted as it says it.
_INVALID = {
    "unknown_attribute": r"attribute `(?P<word>[^`]+)`.* not found",
    "unknown_action": r'unrecognized action `Action::"(?P<word>[^"]+)"`',
    "unknown_type": r"unrecognized entity type `(?P<word>[^`]+)`",
    "not_in_list": r'entity `(?P<kind>\w+)::"(?P<word>[^"]*)"` is of an enumerated entity type',
    "wrong_type": r"unexpected type: expected (?P<expected>\w+) but saw (?P<word>\w+)",
    "never_applies": r"unable to find an applicable action",
}


def _invalid(rule: Rule, message: str) -> RulesError:
    for code, pattern in _INVALID.items():
        if found := re.search(pattern, message):
            params = found.groupdict()
            place = f'"{params["word"]}"' if code == "not_in_list" else params.get("word", "")
            return RulesError(code, _line_of(rule.line, rule.source, place), **params)
    return RulesError("invalid", rule.line, message=message.partition(", ")[2] or message)


def _line_of(line: int, source: str, words: str) -> int:
    """The line of the text that holds these words of the policy, which begins at `line`; comments do not count."""
    code = re.sub(r"//[^\n]*", lambda found: " " * len(found.group()), source)
    place = code.find(words) if words else len(code) - len(code.lstrip())
    return line + code.count("\n", 0, max(place, 0))
