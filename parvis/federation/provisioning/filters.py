"""SCIM filters as conditions of the database. What has no column is refused: nothing is fetched to be filtered here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q
from scim2_models import InvalidFilterException, TooManyException
from scim2_models.path import AttrPath, CompareOperator, Comparison, LogicalExpr, LogicalOperator, Not, Present, ValuePath
from scim2_models.path.visitor import FilterVisitor

from parvis.federation.provisioning.models import name_key
from parvis.federation.provisioning.scim_sentences import said

MOST_COMPARISONS = 100  # of one filter: what a database takes has an end
OF_MANY = 10  # what a comparison with every member of every group counts for
Fold = Callable[[str], str]


class _Column:
    def __init__(self, name: str, *, fold: Fold = str, is_caseless: bool = False, empty: Any = "", kind: type = str) -> None:
        self.name, self.fold, self.is_caseless, self.empty, self.kind = name, fold, is_caseless, empty, kind
        self.cost = OF_MANY if name.endswith("__uid") else 1


USER_COLUMNS: Mapping[str, _Column] = {
    "id": _Column("uid"),
    "username": _Column("user_name_key", fold=name_key),
    "externalid": _Column("external_id"),
    "displayname": _Column("said__displayName", is_caseless=True, empty=None),
    "active": _Column("is_active", kind=bool),
    "meta.created": _Column("created_at", kind=datetime),
    "meta.lastmodified": _Column("changed_at", kind=datetime),
    "groups": _Column("directory_groups__uid"),
    "groups.value": _Column("directory_groups__uid"),
}
GROUP_COLUMNS: Mapping[str, _Column] = {
    "id": _Column("uid"),
    "displayname": _Column("group__name", is_caseless=True),
    "externalid": _Column("external_id"),
    "meta.created": _Column("created_at", kind=datetime),
    "meta.lastmodified": _Column("changed_at", kind=datetime),
    "members": _Column("members__uid"),
    "members.value": _Column("members__uid"),
}


class Conditions(FilterVisitor[Q]):
    """Raises InvalidFilterException, TooManyException."""

    def __init__(self, columns: Mapping[str, _Column]) -> None:
        self._columns = columns
        self._seen = 0

    def visit_comparison(self, node: Comparison) -> Q:
        column = self._column(node.attr_path)
        value = node.value
        if column.kind is datetime:
            return _dated(column, node.op, value)
        if column.kind is bool:
            if not isinstance(value, bool) or node.op not in _EQUALITIES:
                raise InvalidFilterException
            condition = Q(**{column.name: value})
            return condition if node.op == CompareOperator.eq else ~condition
        if not isinstance(value, str):
            raise InvalidFilterException
        lookup = _LOOKUPS.get(CompareOperator.eq if node.op == CompareOperator.ne else node.op)
        if lookup is None:
            raise InvalidFilterException
        condition = Q(**{f"{column.name}__{'i' * column.is_caseless}{lookup}": column.fold(value)})
        return ~condition if node.op == CompareOperator.ne else condition

    def visit_present(self, node: Present) -> Q:
        column = self._column(node.attr_path)
        absent = Q(**{f"{column.name}__isnull": True})
        return ~(absent | Q(**{column.name: ""}) if column.kind is str and column.empty == "" else absent)

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        join = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(join, [self.visit(term) for term in node.terms])

    def visit_value_path(self, node: ValuePath) -> Q:
        """`members[value eq "…"]`."""
        inner = node.val_filter
        if not isinstance(inner, Comparison) or inner.attr_path.attr.lower() != "value":
            raise InvalidFilterException
        return self.visit_comparison(Comparison(node.attr_path, inner.op, inner.value))

    def _column(self, path: AttrPath) -> _Column:
        name = ".".join(part for part in (path.attr, path.sub_attr) if part)
        if name.lower() not in self._columns:
            raise InvalidFilterException(detail=said("filter_attribute", attribute=name[:60]))
        column = self._columns[name.lower()]
        self._seen += column.cost
        if self._seen > MOST_COMPARISONS:
            raise TooManyException
        return column


def _dated(column: _Column, operator: CompareOperator, value: object) -> Q:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or operator not in _ORDERS:
        raise InvalidFilterException
    return Q(**{f"{column.name}{_ORDERS[operator]}": instant})


_EQUALITIES = (CompareOperator.eq, CompareOperator.ne)
_LOOKUPS = {
    CompareOperator.eq: "exact",
    CompareOperator.co: "contains",
    CompareOperator.sw: "startswith",
    CompareOperator.ew: "endswith",
}
_ORDERS = {
    CompareOperator.eq: "",
    CompareOperator.gt: "__gt",
    CompareOperator.ge: "__gte",
    CompareOperator.lt: "__lt",
    CompareOperator.le: "__lte",
}
