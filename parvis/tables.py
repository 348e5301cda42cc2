"""How the first migration of a package makes its tables."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


def at_once(*models: Operation) -> list[Operation]:
    """The operations of a first migration that creates these models, in this order."""
    return [CreateModels(*models)]


class CreateModels(Operation):
    """The tables of a package, made together. One `CreateModel` after the other, Django would build anew, for each, all the
    classes it is related to: most of the time a first start took."""

    reduces_to_sql = True

    def __init__(self, *models: Operation) -> None:
        self.models = models

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, list(self.models), {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)  # the classes: built once all are known, when the first table asks for its own
        for model in self.models:
            model.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for model in self.models:
            model.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for model in reversed(self.models):
            model.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "Create the tables of the package"
