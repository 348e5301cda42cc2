from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from parvis.personal import Erased, Impersonal, Tables, Within

TABLES: Tables = {
    "budgets_node": Erased(_("Places in the tree of budgets"), ("profile",)),
    "budgets_budget": Within("budgets_node"),
    "budgets_spending": Erased(_("What was spent of budgets"), ("node__profile",), omit=frozenset({"ceiling", "alerted"})),
    "budgets_lease": Within("budgets_spending"),
    "budgets_term": Impersonal("the days on which semesters begin"),
}
