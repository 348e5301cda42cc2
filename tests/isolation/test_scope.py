"""Nothing is asked of the database for nobody, and the ways past institutions are the named ones."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import get_resolver

from conftest import House
from parvis.corpora.models import Corpus
from parvis.isolation import scope
from parvis.isolation.scope import ESCAPES, CrossedScope, NoScope, everywhere, unknown, within
from parvis.web import views

ROOT = Path(__file__).parents[2] / "parvis"
# Where each named escape is taken; a new place is a decision, not a convenience.
TAKEN = {
    "aggregates": {"offers/actions/portfolio.py"},
    "alliance": {"offers/actions/openings.py"},
    "budgets": {
        "ledger/budgets/actions/leases.py",
        "ledger/budgets/actions/limits.py",
        "ledger/budgets/actions/overview.py",
        "ledger/budgets/actions/tree.py",
    },
    "calendar": {"access/views.py"},
    "command line": {"cli/terminal.py"},
    "data plane": {"inference/publishing.py"},
    "evidence": {"audit/models.py", "evidence/jobs.py"},
    "identification": {"access/keys/doors.py", "access/middleware.py", "federation/provisioning/views/scim.py"},
    "personal data": {"privacy/actions/holdings.py", "privacy/actions/people.py"},
    "public pages": {"evidence/actions.py", "needs/views/published.py"},
    "sessions": {"access/sessions/actions.py", "isolation/sessions.py"},
    "settlement": {"ledger/actions/settlement.py"},
    "sign-in": {"access/views.py", "federation/saml/views.py", "federation/views.py"},
    "verification": {"access/isolation.py"},
    "tests": set(),  # tests/settings.py alone
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in ROOT.rglob("*.py"):
        if "tests" not in path.parts:
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def test_the_database_is_asked_for_somebody(house: House) -> None:
    with within(house.institution.id):
        assert Corpus.unscoped.count() == 0
    with unknown(), pytest.raises(NoScope, match="within"):
        Corpus.unscoped.count()


def test_whoever_acts_for_one_institution_does_not_begin_to_act_for_another() -> None:
    with within(1), within(1), pytest.raises(CrossedScope), within(2):
        pass
    with everywhere("tests"), within(2), pytest.raises(NoScope), everywhere("because it works"):
        pass


def test_escapes_are_those_of_the_list_each_where_it_is_said() -> None:
    taken: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("everywhere", "begin"):
                [name] = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: the name of an escape is written out"
                taken[str(name.value)].add(path)
    assert {name: taken[name] for name in (*ESCAPES, *taken)} == TAKEN


def test_no_statement_leaves_a_context_on_a_connection() -> None:
    """`set_config(…, false)` and SET outlive the transaction: the next user of a pooled connection would have them."""
    lasting = re.compile(
        r"set_config\([^)]*false|\bSET\s+(SESSION\s+)?\"?parvis\.|\bRESET\s+parvis\.|RESET ROLE|SET ROLE", re.I
    )
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not lasting.search(node.value), f"{path}:{node.lineno}"
    assert lasting.search("SELECT set_config('parvis.context', %s, false)")


def test_a_request_acts_for_the_institution_of_its_person(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain = views.health

    def noting(request: object) -> object:
        current = scope.current()
        assert current
        seen.append(current.institution_id)
        return plain(request)  # type: ignore[arg-type]

    [pattern] = [one for one in get_resolver().url_patterns if getattr(one, "name", "") == "health"]
    monkeypatch.setattr(pattern, "callback", noting)
    client = Client()
    client.get("/sante/")
    client.force_login(house.teacher.person)
    client.get("/sante/")
    assert seen == [scope.STRANGER, house.institution.id]
