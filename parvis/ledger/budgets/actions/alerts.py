"""Telling once, at 50, 80 and 100 per cent, those who can do something about it."""

from __future__ import annotations

from parvis.access.middleware import principal_of
from parvis.access.rights import permits
from parvis.institutions.actions import notify
from parvis.institutions.models import Nature, Profile, Role
from parvis.ledger.budgets.models import Node, NodeKind, Spending

LEVELS = (50, 80, 100)
# Their addresses, written out: the settler need not load every page of Parvis to tell of one.
TREE_PAGE, OWN_PAGE = "/budgets/", "/budgets/moi/"


def level_of(*, used: int, limit: int, refused: bool) -> int:
    """The highest that is reached, 0 for none. A budget that refuses a call is at its end, whatever is left of it."""
    if refused:
        return LEVELS[-1]
    return max((level for level in LEVELS if used * 100 >= limit * level), default=0)


def alert(account: Spending, *, refused: bool = False) -> None:
    """Once a level and period, in the transaction that holds the account's lock; the caller saves `alerted`."""
    level = level_of(used=account.used, limit=account.limit, refused=refused)
    if level <= account.alerted:
        return
    account.alerted = level
    node = Node.unscoped.select_related("profile__person", "institution", "key", "parent").get(id=account.node_id)
    told = _told(node)
    if node.profile is not None and node.kind == NodeKind.PERSON:
        notify([node.profile], "own_budget_reached", OWN_PAGE, percent=level)
        told = [profile for profile in told if profile.id != node.profile_id] if not account.budget.each else []
    notify(told, "budget_reached", TREE_PAGE, percent=level, place=str(node))


def _told(node: Node) -> list[Profile]:
    """Administrators and signatories of the institution who may see its budgets; for the alliance's own place, who
    coordinates."""
    people = Profile.objects.filter(ended_at=None)
    if node.institution_id is None:
        people = people.filter(institution__nature=Nature.COORDINATION, role=Role.COORDINATOR)
    else:
        people = people.filter(institution=node.institution_id, role__in=(Role.ADMINISTRATOR, Role.SIGNATORY))
    return [one for one in people.select_related("institution") if permits(principal_of(one), "budget:view")]
