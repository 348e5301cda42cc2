"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

from parvis.access.principal import ROLES_ALLOWED
from parvis.background import CHORES

ROOT = Path(__file__).parent.parent / "parvis"


def views(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, object]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern.callback


def test_every_view_says_who_may_see_it() -> None:
    found = dict(views(get_resolver().url_patterns))
    silent = [address for address, view in found.items() if not hasattr(view, "requires") and not hasattr(view, "public")]
    assert found
    assert silent == []


def test_every_required_action_is_declared() -> None:
    for address, view in views(get_resolver().url_patterns):
        action = getattr(view, "requires", None)
        assert action is None or action in ROLES_ALLOWED, address


def _unscoped_uses(source: str) -> list[int]:
    bypasses = {"unscoped", "_default_manager", "_base_manager"}
    tree = ast.parse(source)
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in bypasses]


def _may_bypass(path: Path) -> bool:
    """Models, actions and jobs of the package that owns the rows act for no one in particular; an inventory counts,
    `personal` exports and erases, and the door out admits for the institution whose data would leave."""
    rooms = {"models", "actions", "jobs", "inventory", "doors", "door", "personal"}
    return path.stem in rooms or path.parent.name in rooms or "tests" in path.parts


def test_tenant_models_are_reached_through_their_door() -> None:
    offences = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in ROOT.rglob("*.py")
        if not _may_bypass(path)
        for line in _unscoped_uses(path.read_text(encoding="utf-8"))
    ]
    assert offences == []


def test_the_rule_on_doors_sees_a_bypass() -> None:
    assert _unscoped_uses("rows = Corpus.unscoped.filter(id=1)") == [1]


@pytest.mark.parametrize("model", [m for m in apps.get_models() if hasattr(m, "unscoped")], ids=str)
def test_tenant_models_carry_their_institution_and_have_a_door(model: type) -> None:
    fields = {field.name for field in model._meta.get_fields()}  # type: ignore[attr-defined]
    assert ("institution" in fields) != getattr(model, "alliance_wide", False)
    assert not hasattr(model.objects, "all")  # type: ignore[attr-defined]
    assert hasattr(model.objects, "visible_to")  # type: ignore[attr-defined]


def test_every_chore_has_a_name_of_its_own() -> None:
    assert len({one.name for one in CHORES}) == len(CHORES)
