"""What a browser must bring back: the sign-ins that it began and has not finished, kept in its own session."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.http import HttpRequest

from parvis.federation.failure import SignInError

_KEY = "sign_ins"
SECONDS = 15 * 60
MOST = 5  # tabs open at once


class Intent(StrEnum):
    """What one goes to one's institution for."""

    SIGN_IN = "sign_in"
    TRIAL = "trial"  # of the source, by its administrator
    LINK = "link"  # of another account to the person who is signed in


@dataclass(frozen=True, slots=True)
class Flow:
    source_id: int
    next: str
    intent: str
    nonce: str
    verifier: str
    began_at: float


def begin(request: HttpRequest, source_id: int, *, target: str, intent: Intent) -> tuple[str, Flow]:
    """The state that must come back, and what it stands for."""
    flow = Flow(source_id, target, intent, secrets.token_urlsafe(32), secrets.token_urlsafe(48), time.time())
    state = secrets.token_urlsafe(32)
    kept: dict[str, Any] = request.session.get(_KEY, {})
    newest = sorted(kept.items(), key=lambda item: item[1]["began_at"])[-(MOST - 1) :]
    request.session[_KEY] = {**dict(newest), state: asdict(flow)}
    return state, flow


def finish(request: HttpRequest, source_id: int, state: str) -> Flow:
    """Once. Raises SignInError("state") for what this browser did not begin with this source, or too long ago."""
    kept: dict[str, Any] = request.session.get(_KEY, {})
    found = kept.pop(state, None)
    if found is not None:
        request.session[_KEY] = kept
    if found is None or found["source_id"] != source_id or time.time() - found["began_at"] > SECONDS:
        raise SignInError("state")
    return Flow(**found)
