"""What rules decide, and what they refuse to read."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from parvis.access import matrix as matrices
from parvis.access.engine import AFFILIATIONS, HIGH_RISK, Context, Decision, Person, RulesError, State, Table, Tool, read
from parvis.access.tests.matrices import PARIS, cases, expected, random_matrix

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STUDENT = Person("1", "student", frozenset({"3"}), "1")
MODEL = Tool("Model", "7", zone="eu")


def test_three_thousand_random_cases_decide_as_the_matrix_means() -> None:
    random = Random(2026)
    for _ in range(10):
        matrix = random_matrix(random)
        table = Table(read(matrices.text(matrix, zone=PARIS)))
        for case in cases(random, 300):
            found = table.decide(case.person, case.tool, case.context)
            assert found.allowed == expected(matrix, case), (matrix, case)


def test_a_matrix_is_found_again_in_its_text_but_for_what_was_changed_by_hand() -> None:
    matrix = random_matrix(Random(4))
    text = matrices.text(matrix, zone=PARIS)
    assert matrices.split(matrix, read(text), zone=PARIS) == (matrix, [])
    changed = text.replace("permit (", "forbid (", 1)
    kept, [other] = matrices.split(matrix, read(changed), zone=PARIS)
    assert not other.permits
    assert sum(map(len, kept.values())) == sum(map(len, matrix.values())) - 1


def test_only_rules_about_the_moment_or_the_request_are_decided_live() -> None:
    text = """permit (principal in Group::"3", action == Action::"use", resource is Model);
        forbid (principal, action == Action::"use", resource == Model::"7") when { context.purpose == Purpose::"research" };
        forbid (principal, action == Action::"use", resource == Model::"8") when { resource.zone == Zone::"world" };"""
    table = Table(read(text))
    assert table.entitlement(STUDENT, MODEL).state is State.LIVE
    assert table.entitlement(STUDENT, Tool("Model", "8", zone="world")).state is State.REFUSED
    assert table.entitlement(STUDENT, Tool("Model", "8", zone="fr")).state is State.ALLOWED
    stranger = Person("2", "student", frozenset(), "1")
    assert table.entitlement(stranger, MODEL).state is State.REFUSED  # no live rule could allow it
    assert table.decide(STUDENT, MODEL, Context(NOW, purpose="course")).rules == (0,)
    assert table.decide(STUDENT, MODEL, Context(NOW, purpose="research")).rules == (1,)


TOOLS = (
    MODEL,
    Tool("Assistant", "1", purpose="course"),
    Tool("Corpus", "1", purpose="course"),
    Tool("Key", "ask"),
)


@pytest.mark.parametrize("purpose", HIGH_RISK)
def test_no_rule_allows_a_high_risk_use(purpose: str) -> None:
    table = Table(read('permit (principal, action, resource); permit (principal == Person::"1", action, resource);'))
    for role in AFFILIATIONS:
        person = Person("1", role, frozenset({"3"}), "1")
        for tool in TOOLS:
            assert table.decide(person, tool, Context(NOW)).allowed
            assert table.decide(person, tool, Context(NOW, purpose=purpose)) == Decision(allowed=False, by_charter=True)
        declared = Tool("Assistant", "1", purpose=purpose)
        assert table.decide(person, declared, Context(NOW, purpose="course")) == Decision(allowed=False, by_charter=True)
    with pytest.raises(RulesError):
        read(f'permit (principal, action, resource) when {{ context.purpose == Purpose::"{purpose}" }};')


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        (3, "unreadable", "permit (principal, action, resource);\n\npermit (principal, action, resource) wen { true };"),
        (1, "unreadable_end", "permit (principal, action, resource)"),
        (4, "unreadable", 'permit (principal, action, resource);\n// note;\npermit (principal == Person::"1"\n resource);'),
        (2, "unknown_attribute", 'forbid (principal, action, resource is Model)\nwhen { resource.zon == Zone::"fr" };'),
        (1, "not_in_list", 'permit (principal in Affiliation::"studnt", action, resource);'),
        (1, "unknown_action", 'permit (principal, action == Action::"uze", resource);'),
        (2, "unknown_name", '// Model::"99"\npermit (principal, action, resource == Model::"99");'),
        (1, "no_door_yet", "permit (principal, action, resource is App);"),
        (1, "template", "permit (principal == ?principal, action, resource);"),
        (1, "never_applies", 'permit (principal, action == Action::"use", resource == Person::"1");'),
    ],
)
def test_a_text_is_refused_with_the_line_of_its_fault(line: int, code: str, text: str) -> None:
    with pytest.raises(RulesError) as refused:
        read(text, {"Model": {"7"}, "Person": {"1"}})
    assert (refused.value.line, refused.value.code) == (line, code)


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 20_000 + "true" + ")" * 20_000,
        "!(" * 20_000 + "true" + ")" * 20_000,
        "[" * 20_000 + "]" * 20_000 + " == []",
        "{a: " * 20_000 + "1" + "}" * 20_000 + " == {a: 1}",
        "if true then " * 20_000 + "true" + " else true" * 20_000,
        " || ".join(["true"] * 20_000),
        "context" + ".a" * 20_000,
        "1 + " * 20_000 + "1 == 1",
    ],
    ids=["brackets", "negations", "sets", "records", "ifs", "terms", "members", "sums"],
)
def test_a_rule_that_would_end_the_process_never_reaches_cedar(condition: str) -> None:
    with pytest.raises(RulesError) as refused:
        read(f"permit (principal, action, resource);\npermit (principal, action, resource) when {{ {condition} }};")
    assert (refused.value.line, refused.value.code) == (2, "too_intricate")


def test_a_long_rule_is_read_and_what_its_words_and_comments_hold_counts_for_nothing() -> None:
    terms = " || ".join(['context.zone == Zone::"eu"'] * 100)
    names = ", ".join(f'Group::"(({number}"' for number in range(2_000))
    rule = f"permit (principal, action, resource is Model) when {{ {terms} }} unless {{ principal in [{names}] }};"
    written = f"// {'(' * 1_000}\n{rule}"
    assert Table(read(written)).decide(STUDENT, MODEL, Context(NOW, zone="eu")).allowed
