from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from parvis.isolation import scope


class IsolationConfig(AppConfig):
    """Last of the applications: its policies are made once the tables of all the others are."""

    name = "parvis.isolation"

    def ready(self) -> None:
        connection_created.connect(_guard, dispatch_uid="parvis.isolation.guard")
        post_migrate.connect(_install, sender=self, dispatch_uid="parvis.isolation.install")


def _guard(connection: Any, **_: Any) -> None:
    if _refuse_without_scope not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_without_scope)


def _refuse_without_scope(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if scope.current() is None:
        raise scope.NoScope(
            "The database was asked outside of any institution. Act `within(institution_id)`, or by a named escape,"
            " `everywhere(name)`: see parvis/isolation/scope.py."
        )
    return execute(sql, params, many, context)


def _install(using: str, **_: Any) -> None:
    from django.db import connections

    from parvis.isolation.install import install

    install(connections[using])
