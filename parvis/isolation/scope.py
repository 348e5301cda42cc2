"""For whom the database is asked: one institution, nobody in particular, or, by a name that is listed here, everywhere.

The scope follows the context of the code (a request, a job), never the connection: a connection goes back to a pool, and what
was left on it would be the next one's. Without a scope no statement is sent at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

EVERYWHERE, STRANGER = 0, -1  # beside the identifiers of institutions, which begin at 1

# Every way past institutions, with why there is no other. A test reads the code: each is used, and no other name is.
ESCAPES = {
    "aggregates": "sums over the members, told only where they tell nobody's figure",
    "alliance": "answers under seal are opened together, by those who hold the keys",
    "budgets": "what an institution spends is held against the budget of the alliance too, which no institution reads",
    "calendar": "a calendar is asked for by its key, before anybody knows whose it is",
    "command line": "who runs Parvis acts for every institution",
    "data plane": "the keys and the models of every institution are published for the workers of /v1",
    "evidence": "whatever is done is written down, for the institution it was done to; it can only be added",
    "identification": "the institution of a request is not known before its person is",
    "personal data": "what is known of a person is told to them, copied and erased wherever it is, their sessions included",
    "public pages": "what the alliance published is counted over all of its members",
    "sessions": "a session is asked for by its key, before anybody knows whose it is",
    "settlement": "a batch of calls holds those of every institution; it can only be added, each call to its own",
    "sign-in": "whoever signs in is of no institution yet, or joins accounts of two",
    "verification": "whether the database recognises a context is asked with one",
    "tests": "a test looks at both sides",
}


class NoScope(Exception):
    """The database was asked, and nobody had said for which institution: see `within` and `everywhere`."""


class CrossedScope(Exception):
    """Code that acts for one institution began to act for another."""


@dataclass(frozen=True, slots=True)
class Scope:
    institution_id: int
    reason: str = ""


_scope: ContextVar[Scope | None] = ContextVar("parvis_scope", default=None)


def current() -> Scope | None:
    return _scope.get()


@contextmanager
def within(institution_id: int) -> Iterator[None]:
    """Acts for this institution. From inside another's, raises CrossedScope."""
    outer = _scope.get()
    if outer is not None and outer.institution_id not in (EVERYWHERE, STRANGER, institution_id):
        raise CrossedScope(f"within {outer.institution_id}, then within {institution_id}")
    with _entered(Scope(institution_id)):
        yield


@contextmanager
def stranger() -> Iterator[None]:
    """Acts for somebody who has not signed in: what is public can be read."""
    with _entered(Scope(STRANGER)):
        yield


@contextmanager
def everywhere(name: str) -> Iterator[None]:
    """Acts for all institutions, by one of the names of ESCAPES."""
    if name not in ESCAPES:
        raise NoScope(f"“{name}” is not among the named escapes of parvis.isolation.scope")
    with _entered(Scope(EVERYWHERE, name)):
        yield


def begin(name: str) -> None:
    """From here to the end of the process: commands and workers."""
    if name not in ESCAPES:
        raise NoScope(f"“{name}” is not among the named escapes of parvis.isolation.scope")
    _scope.set(Scope(EVERYWHERE, name))


@contextmanager
def unknown() -> Iterator[None]:
    """Without any scope, as in a thread that nobody gave one."""
    with _entered(None):
        yield


@contextmanager
def _entered(scope: Scope | None) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)
