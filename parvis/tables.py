"""How the first migration of a package makes its tables."""

from __future__ import annotations

from typing import Any, cast

from django.db.migrations.operations import RunPython
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


def at_once(*models: Operation) -> list[Operation]:
    """The operations of a first migration that creates these models, in this order."""
    return [CreateModels(*models)]


class CreateModels(Operation):
    """The tables of a package, made together. One `CreateModel` after the other, Django would build anew, for each, all the
    classes it is related to: most of the time a first start took. These are new and change no other: theirs are added."""

    reduces_to_sql = True

    def __init__(self, *models: Operation) -> None:
        self.models = models

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__qualname__, list(self.models), {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        classes = state.__dict__.pop("apps", None)  # put aside: each model would build them anew
        known = set(state.models)
        for model in self.models:
            model.state_forwards(app_label, state)
        if classes is not None:
            classes.render_multiple([state.models[name] for name in state.models if name not in known])
            state.__dict__["apps"] = classes

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for model in self.models:
            model.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for model in reversed(self.models):
            model.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "Create the tables of the package"


class Statements(RunPython):
    """What a migration does with statements of its own. It is given no class of that time, and Django need not build them."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self.code(cast(Any, None), schema_editor)
