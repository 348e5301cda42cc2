"""Who is asking, and what their role lets them do at all."""

from __future__ import annotations

from dataclasses import dataclass

from parvis.institutions.models import Role

EVERYONE = frozenset(Role.values)
TEACHING = frozenset({Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR})
ADMINISTRATION = frozenset({Role.ADMINISTRATOR})

# An action is "<noun>:<verb>". Which rows it reaches is decided by the door of the row's model.
ROLES_ALLOWED: dict[str, frozenset[str]] = {
    "profile:switch": EVERYONE,
    "assistant:use": EVERYONE,
    "conversation:view": EVERYONE,
    "conversation:edit": EVERYONE,
    "corpus:view": EVERYONE,
    "corpus:create": TEACHING,
    "corpus:edit": TEACHING,
    "signal:view": TEACHING,
    "signal:edit": TEACHING,
    "document:view": EVERYONE,
    "document:edit": TEACHING,
    "model:view": ADMINISTRATION,
    "model:edit": ADMINISTRATION,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """A person acting in one institution and one role, with the groups they belong to at this instant.

    Made anew for each request, so that a change of role or group takes effect at the next one.
    """

    person_id: int
    profile_id: int
    institution_id: int
    role: str
    group_ids: frozenset[int]

    @property
    def actor(self) -> str:
        """How the audit log names them."""
        return f"person:{self.person_id}"

    def may(self, action: str) -> bool:
        """Raises KeyError for an action nobody declared: a typing error must not read as a refusal."""
        return self.role in ROLES_ALLOWED[action]
