"""Rules in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.access.engine import AFFILIATIONS, HIGH_RISK, PURPOSES, Decision, Rule, RulesError, State
from parvis.access.matrix import EVERYONE, KINDS, Cell
from parvis.access.middleware import principal_of
from parvis.access.rules.actions import Change, Rules
from parvis.access.rules.doors import InForce, person_of
from parvis.access.rules.models import RuleCheck
from parvis.access.sensitivity import DATA_CLASSES
from parvis.access.tools import Listed
from parvis.institutions.models import Group, Profile


def row_names(institution_id: int) -> dict[str, str]:
    """Every row of the matrix, in its order."""
    groups = Group.objects.filter(institution=institution_id).order_by("name")
    return {
        EVERYONE: _("Everyone"),
        **{f"affiliation:{role}": label for role, label in affiliation_names().items()},
        **{f"group:{group.id}": group.name for group in groups},
    }


def affiliation_names() -> dict[str, str]:
    names = {
        "student": _("Students"),
        "teacher": _("Teachers"),
        "staff": _("Staff"),
        "administrator": _("Administrators"),
        "referent": _("Need referents"),
        "signatory": _("Signatories"),
        "app": _("Applications"),
        "dpo": _("Data protection officers"),
    }
    return {role: names[role] for role in AFFILIATIONS}


def kind_names() -> dict[str, str]:
    names = {
        "assistant": _("Every assistant"),
        "model": _("Every model"),
        "corpus": _("Every set of documents"),
        "key": _("Every key"),
        "budget": _("Seeing and setting budgets"),
    }
    return {kind: names[kind] for kind in KINDS}


def data_class_names() -> dict[str, str]:
    """From the least sensitive to the most."""
    names = {"public": _("public"), "internal": _("internal"), "personal": _("personal"), "sensitive": _("sensitive")}
    return {one: names[one] for one in DATA_CLASSES}


def column_names(tools: Sequence[Listed]) -> dict[str, str]:
    labels = {
        "Assistant": _("assistant"),
        "Model": _("model"),
        "Corpus": _("documents"),
        "Key": _("access by program"),
        "Budget": _("administration"),
    }
    return kind_names() | {one.column: f"{one.name} ({labels[one.tool.kind]})" for one in tools}


def cell_words(cell: Cell | None) -> str:
    if cell is None:
        return _("no rule")
    words = [_("allowed") if cell.allowed else _("refused")]
    if cell.until:
        words.append(_("until %(day)s") % {"day": date_format(cell.until, "j F Y")})
    if cell.on_prem:
        words.append(_("only on our own servers"))
    if cell.course:
        words.append(_("only for courses"))
    if cell.up_to:
        words.append(_("only data up to “%(data_class)s”") % {"data_class": data_class_names()[cell.up_to]})
    if cell.days is not None:
        words.append(ngettext("for %(days)s day at most", "for %(days)s days at most", cell.days) % {"days": cell.days})
    return ", ".join(words)


@dataclass(frozen=True)
class ShownRule:
    words: str
    source: str


@dataclass(frozen=True)
class Why:
    allowed: bool
    sentence: str
    rules: list[ShownRule]
    live: list[ShownRule]


def purpose_names() -> dict[str, str]:
    """What a tool may be asked for, then what it never may."""
    names = {
        "course": _("understanding a course"),
        "administration": _("rules and procedures"),
        "documentation": _("finding one’s way in documents"),
        "research": _("research"),
        "grading": _("grading work"),
        "admission": _("admitting or assigning people"),
        "level_assessment": _("assessing a level"),
        "exam_surveillance": _("watching an exam"),
    }
    return {purpose: names[purpose] for purpose in (*PURPOSES, *HIGH_RISK)}


def why(
    given: InForce, rules: Rules, profile: Profile, listed: Listed, names: Names, now: datetime, *, purpose: str = ""
) -> Why:
    """Whether this person may use this tool now, for that purpose or for its own, and what decides it."""
    person = person_of(principal_of(profile))
    ways = [way for way in listed.ways() if profile.id in way.profiles]
    words = {"name": profile.person.display_name, "tool": listed.name}
    if purpose in HIGH_RISK:  # whatever is shared: the charter says it of everybody
        words["purpose"] = purpose_names()[purpose]
        found = given.table.decide(person, listed.tool, given.context(now, listed.tool, purpose=purpose))
        return Why(found.allowed, _sentence(found, State.REFUSED, words), [], [])
    if not ways:
        sentence = _("%(name)s does not reach %(tool)s: nothing of it is shared with this person. No rule is about it.")
        if listed.tool.kind == "Budget":
            sentence = _("%(name)s does not reach %(tool)s: their role does not open it. No rule is about it.")
        return Why(False, sentence % words, [], [])
    found = given.table.decide(person, listed.tool, given.context(now, listed.tool, purpose=purpose))
    entry = given.table.entitlement(person, listed.tool)
    live = [shown_rule(given.table.rules[number], rules, names) for number in entry.live if number not in found.rules]
    if found.allowed:
        closed = [given.table.decide(person, way.by, given.context(now, way.by)) for way in ways if way.by]
        if closed and not any(decision.allowed for decision in closed):
            sentence = _("%(name)s may not use %(tool)s now: the documents it answers from are refused.")
            if listed.tool.kind == "Budget":
                sentence = _("%(name)s may not use %(tool)s now: a rule keeps this person from seeing budgets.")
            return Why(False, sentence % words, _deciding(given, closed[0], rules, names), live)
    return Why(found.allowed, _sentence(found, entry.state, words), _deciding(given, found, rules, names), live)


def shown_rule(rule: Rule, rules: Rules, names: Names) -> ShownRule:
    column, _space, row = rule.name.partition(" ")
    is_cell = rule not in rules.others and row in rules.matrix.get(column, {})
    if is_cell:
        title = f"{names.rows.get(row, row)} · {names.columns.get(column, column)}"
        words = _("%(cell)s: %(rule)s") % {"cell": title, "rule": cell_words(rules.matrix[column][row])}
        return ShownRule(words, rule.source)
    return ShownRule(_("Rule of the text, line %(line)s") % {"line": rule.line}, rule.source)


@dataclass(frozen=True)
class Names:
    rows: Mapping[str, str]
    columns: Mapping[str, str]


def change_parts(change: Change) -> list[tuple[str, str, list[Profile], int]]:
    """Who gains, loses or keeps a tool: the kind of change, its sentence, the first people, and how many more."""
    gained, lost, limited = change.gained.count, change.lost.count, change.limited.count
    parts = [
        ("gained", ngettext("%(count)s person gains it", "%(count)s people gain it", gained), change.gained),
        ("lost", ngettext("%(count)s person loses it", "%(count)s people lose it", lost), change.lost),
        (
            "limited",
            ngettext("%(count)s person keeps it, under conditions", "%(count)s people keep it, under conditions", limited),
            change.limited,
        ),
    ]
    return [
        (code, sentence % {"count": people.count}, people.first, people.count - len(people.first))
        for code, sentence, people in parts
        if people.count
    ]


def check_words(check: RuleCheck, names: Names) -> str:
    who = affiliation_names()[check.affiliation] + (f", {check.group.name}" if check.group else "")
    tool = names.columns.get(check.tool, check.tool)
    text = _("%(who)s: use %(tool)s") if check.allowed else _("%(who)s: do not use %(tool)s")
    return text % {"who": who, "tool": tool}


def error_sentence(error: RulesError) -> str:
    """What is wrong with a text, and where."""
    params: dict[str, Any] = error.params
    sentences = {
        "unreadable": _("this rule cannot be read from “%(word)s” on."),
        "unreadable_end": _("this rule is not finished: a bracket, a quotation mark or the final “;” is missing."),
        "too_intricate": _("this rule has too many conditions or brackets: write several."),
        "template": _("a rule with “?principal” or “?resource” is a template: name whom and what it is about."),
        "unknown_name": _("there is no %(kind)s “%(name)s” in this institution."),
        "unknown_attribute": _("“%(word)s” is not known: neither of people, nor of tools, nor of the request."),
        "unknown_action": _("there is no action “%(word)s”."),
        "unknown_type": _("there is nothing called “%(word)s”."),
        "not_in_list": _("“%(word)s” is not in the list of %(kind)s."),
        "wrong_type": _("this compares what cannot be compared: %(expected)s was expected, not %(word)s."),
        "never_applies": _("this rule would never apply: nobody of that kind does that to such a thing."),
        "no_door_yet": _("rules about %(name)s are not obeyed yet: it cannot be saved."),
        "invalid": _("this rule does not hold with what Parvis knows: %(message)s"),
    }
    return _("Line %(line)s: %(sentence)s") % {"line": error.line, "sentence": sentences[error.code] % params}


def _sentence(found: Decision, state: State, words: Mapping[str, str]) -> str:
    if found.by_charter:
        return _(
            "%(name)s may not use %(tool)s for this: %(purpose)s. The AI Act counts it among high-risk uses (Annex III, 3);"
            " Parvis refuses it to everybody, and no rule of an institution can allow it."
        ) % {"purpose": "", **words}
    if found.allowed and state is State.LIVE:
        return _("%(name)s may use %(tool)s now. It depends on the moment or on the request.") % words
    if found.allowed:
        return _("%(name)s may use %(tool)s.") % words
    if found.rules:
        return _("%(name)s may not use %(tool)s now: a rule refuses it.") % words
    if state is State.LIVE:
        return _("%(name)s may not use %(tool)s now: no rule allows it at this moment.") % words
    return _("%(name)s may not use %(tool)s: no rule allows it.") % words


def _deciding(given: InForce, found: Decision, rules: Rules, names: Names) -> list[ShownRule]:
    return [shown_rule(given.table.rules[number], rules, names) for number in found.rules]
