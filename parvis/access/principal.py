"""Who is asking, and what their role lets them do at all."""

from __future__ import annotations

from dataclasses import dataclass

from parvis.institutions.models import Role

EVERYONE = frozenset(Role.values)
APPS = frozenset({Role.APP})
CAMPUS = frozenset({Role.STUDENT, Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR, Role.REFERENT, Role.SIGNATORY, Role.DPO})
LEARNING = frozenset({Role.STUDENT}) | APPS  # an application asks for anybody: nothing says that it is not for students
TEACHING = frozenset({Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR})
ADMINISTRATION = frozenset({Role.ADMINISTRATOR})
PROTECTION = ADMINISTRATION | {Role.DPO}  # who answers for what is done with people's data
# Who works on needs, and who answers for their institution in it (research: life cycles and rights).
WRITING = frozenset({Role.TEACHER, Role.STAFF, Role.ADMINISTRATOR, Role.REFERENT, Role.COORDINATOR})
REPRESENTING = frozenset({Role.REFERENT, Role.SIGNATORY})
COMMONS = WRITING | REPRESENTING
COORDINATION = frozenset({Role.COORDINATOR})
SIGNING = frozenset({Role.SIGNATORY})

# An action is "<noun>:<verb>". Which rows it reaches is decided by the door of the row's model.
ROLES_ALLOWED: dict[str, frozenset[str]] = {
    "profile:switch": EVERYONE,
    "notice:view": EVERYONE,
    "assistant:use": CAMPUS | APPS,
    "conversation:view": CAMPUS | APPS,
    "conversation:edit": CAMPUS | APPS,
    "statement:view": CAMPUS,
    "statement:check": TEACHING,
    "api:list": CAMPUS | APPS,
    "api:ask": CAMPUS | APPS,
    "api:models": CAMPUS | APPS,
    "key:view": CAMPUS,
    "key:edit": CAMPUS,
    "key:oversee": ADMINISTRATION,
    "budget:own": CAMPUS,
    "budget:view": ADMINISTRATION | SIGNING | COORDINATION,
    "budget:oversee": ADMINISTRATION | SIGNING,
    "budget:coordinate": COORDINATION,
    "budget:edit": ADMINISTRATION | SIGNING | COORDINATION,
    "corpus:view": CAMPUS,
    "corpus:create": TEACHING,
    "corpus:edit": TEACHING,
    "signal:view": TEACHING,
    "signal:edit": TEACHING,
    "document:view": CAMPUS,
    "document:edit": TEACHING,
    "console:view": PROTECTION | {Role.COORDINATOR, Role.SIGNATORY},
    "usage:view": CAMPUS,
    "expense:view": ADMINISTRATION | {Role.SIGNATORY},
    "expense:state": ADMINISTRATION,
    "price:view": ADMINISTRATION | {Role.SIGNATORY},
    "price:edit": ADMINISTRATION,
    "model:view": ADMINISTRATION,
    "model:edit": ADMINISTRATION,
    "stream:view": ADMINISTRATION,
    "stream:stop": ADMINISTRATION,
    "source:view": ADMINISTRATION,
    "source:edit": ADMINISTRATION,
    "account:link": EVERYONE,
    "person:view": ADMINISTRATION,
    "person:edit": ADMINISTRATION,
    "provisioning:view": ADMINISTRATION,
    "provisioning:edit": ADMINISTRATION,
    "rule:view": ADMINISTRATION,
    "rule:edit": ADMINISTRATION,
    "evidence:view": PROTECTION | {Role.COORDINATOR},
    "evidence:edit": PROTECTION | {Role.COORDINATOR},
    "content:consult": PROTECTION,
    "consultation:view": EVERYONE,
    "profile:view": EVERYONE,
    "profile:erase": EVERYONE,
    "register:view": PROTECTION,
    "register:edit": PROTECTION,
    "retention:edit": PROTECTION,
    "need:view": COMMONS,
    "need:edit": WRITING,
    "need:validate": REPRESENTING,
    "attachment:propose": COMMONS,
    "attachment:decide": REPRESENTING,
    "harmonised:view": EVERYONE - {Role.STUDENT},
    "harmonised:edit": frozenset({Role.COORDINATOR, Role.REFERENT}),
    "harmonised:vote": frozenset({Role.REFERENT}),
    "harmonised:stabilise": COORDINATION,
    "workshop:view": COMMONS,
    "workshop:edit": frozenset({Role.COORDINATOR, Role.REFERENT}),
    "cosignature:view": COMMONS,
    "cosignature:prepare": REPRESENTING,
    "cosignature:sign": SIGNING,
    "alliance:view": COMMONS | {Role.OBSERVER},
    "alliance:edit": COORDINATION,
    "people:edit": COORDINATION | ADMINISTRATION,
    "request:view": COMMONS | {Role.VENDOR, Role.OBSERVER},
    "request:edit": COORDINATION,
    "request:hold_key": REPRESENTING,
    "request:register": COMMONS,
    "dossier:view": COMMONS,
    "answer:view": frozenset({Role.VENDOR}),
    "answer:edit": frozenset({Role.VENDOR}),
    "offer:view": COMMONS | {Role.VENDOR},
    "choice:view": COMMONS,
    "choice:prepare": REPRESENTING,
    "choice:decide": SIGNING,
    "agreement:view": REPRESENTING | ADMINISTRATION,
    "agreement:edit": SIGNING,
    "portfolio:view": REPRESENTING | ADMINISTRATION,
    "portfolio:edit": REPRESENTING | ADMINISTRATION,
    "reference:view": COMMONS | {Role.VENDOR},
    "reference:edit": REPRESENTING,
    "reference:reply": frozenset({Role.VENDOR}),
}


# What a key opens, by scope: these actions, among those of its holder's role, and no other.
SCOPES: dict[str, frozenset[str]] = {
    "list": frozenset({"api:list", "assistant:use"}),
    "ask": frozenset({"api:ask", "assistant:use", "conversation:view", "conversation:edit"}),
    "models": frozenset({"api:models"}),
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
    rules_key: str = ""  # the version of the institution's rules in force at this instant
    key_id: int | None = None  # the API key they came with; None for a session
    scopes: frozenset[str] = frozenset()  # of that key
    data_class: str = ""  # of what comes with that key, where it says
    proven: frozenset[int] | None = None  # the institutions whose sign-in the session went through; None: it need not have

    @property
    def actor(self) -> str:
        """How the audit log names them."""
        return f"person:{self.person_id}"

    def stands_before(self, institution_id: int) -> bool:
        """Whether that institution, too, would know who is there: one's sign-in does not vouch for people of another."""
        return self.proven is None or institution_id in self.proven

    def may(self, action: str) -> bool:
        """Raises KeyError for an action nobody declared: a typing error must not read as a refusal."""
        return self.role in ROLES_ALLOWED[action] and (self.key_id is None or self.is_in_scope(action))

    def is_in_scope(self, action: str) -> bool:
        return any(action in SCOPES[scope] for scope in self.scopes)
