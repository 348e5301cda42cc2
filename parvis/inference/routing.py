"""Which models a request may be sent to, in which order, or why to none.

Plain data in, plain data out: no database, no network, no clock of its own, so that the console and the data plane decide
alike. A model that the law of the institution forbids to a request (no attestation, a zone not cleared for its class, no right
to it) is never tried, whatever happens to the others; when those that are left are all out, the request is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from parvis.access.sensitivity import DATA_CLASSES, ZONES

CAPABILITIES = ("chat", "stream", "tools", "json_schema", "images", "embeddings", "responses")

# Why a model is not asked. The first that holds decides; those of OUT pass with time, and no other does.
REASONS = (
    "disabled",
    "not_attested",
    "attestation_over",
    "capability",
    "class",
    "not_entitled",
    "too_long",
    "resting",
    "busy",
)
OUT = frozenset({"resting", "busy"})

MOST_ATTEMPTS = 4
PAUSE = timedelta(milliseconds=250)  # before the same model is asked again; each further time doubles it
FAILURES_IN_A_ROW = 3  # then it is left alone
FIRST_REST = timedelta(seconds=5)  # each failure after it doubles the rest
LONGEST_REST = timedelta(minutes=5)
RATE_LIMITED_REST = timedelta(seconds=2)  # of a provider that does not say how long
MINUTE = timedelta(minutes=1)

# What another model, or the same one a little later, may mend. The rest would be refused again: it is about the request.
MENDABLE = frozenset(
    {"unreachable", "forbidden_address", "refused_key", "unknown_model", "rate_limited", "overloaded", "stalled", "cut"}
    | {"garbage", "empty"}
)
# Asked again a little later, the same model would say the same.
LASTING = frozenset({"forbidden_address", "refused_key", "unknown_model"})


class Clearance(StrEnum):
    """What a cell of the matrix says, from the most open."""

    ALLOWED = "allowed"
    REFUSED = "refused"


Matrix = Mapping[tuple[str, str], Clearance]  # (class, zone); a cell that is not there refuses


class Candidate(Struct, frozen=True):
    """One model of one provider, as far as routing sees it. A limit that is None is not known, and holds nothing back."""

    id: str
    alias: str  # several models of one alias stand in for each other
    zone: str
    capabilities: frozenset[str]
    enabled: bool = True
    attested_at: datetime | None = None  # when its provider committed itself not to train on what it is sent
    attested_until: datetime | None = None
    rank: int = 0  # among those of its alias, before the zone
    is_default: bool = False
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    concurrency: int | None = None
    requests_per_minute: int | None = None
    hedge_after: float | None = None  # seconds of silence after which another is asked beside it
    place: str = ""  # its address, kept apart from others: elsewhere the same row is another model to be well or ill

    @property
    def known_by(self) -> str:
        return self.place or self.id


class Request(Struct, frozen=True):
    """`alias` "" asks for any that can do it, the default one first. `only` names the one model to be asked, whatever its
    alias. `entitled` are the models that access rules allow to whom it is for."""

    data_class: str
    capabilities: frozenset[str]
    entitled: frozenset[str]
    alias: str = ""
    only: str = ""
    input_tokens: int = 0  # at least so many; 0 where nobody counted
    max_tokens: int | None = None


class Health(Struct, frozen=True):
    """What is known of one model in this process. Made anew by `begun` and `ended`."""

    failures: int = 0  # in a row
    rests_until: datetime | None = None
    probed: bool = False  # one request tries it again, after its rest
    in_flight: int = 0
    minute_at: datetime | None = None
    in_minute: int = 0

    def is_resting(self, now: datetime) -> bool:
        return self.probed or (self.rests_until is not None and self.rests_until > now)


class Attempt(Struct, frozen=True):
    candidate: Candidate
    pause: timedelta = timedelta()  # before it is sent
    max_tokens: int | None = None


class Refusal(Struct, frozen=True):
    """`code` is one of REASONS, the one of the models that came furthest; or "no_such_model", "none" (no model at all),
    "all_out" (each that was allowed failed or rests), or what the provider said that no other model would mend."""

    code: str
    data_class: str
    zones: tuple[str, ...] = ()  # of the models it is about
    capability: str = ""
    retry_at: datetime | None = None


class Verdict(Struct, frozen=True):
    """What is said of one model for one request; "" allows it. `cell` is the cell of the matrix that was looked at."""

    candidate: Candidate
    reason: str
    cell: tuple[str, str]


def route(
    request: Request,
    candidates: Iterable[Candidate],
    matrix: Matrix,
    health: Mapping[str, Health],
    now: datetime,
    *,
    most: int = MOST_ATTEMPTS,
) -> tuple[Attempt, ...] | Refusal:
    """The attempts to be made, in order: each allowed model once, then those that may be asked again."""
    verdicts = verdicts_of(request, candidates, matrix, health, now)
    allowed = [one.candidate for one in verdicts if not one.reason]
    if not allowed:
        return _refusal(request, verdicts, health)
    turns = [(candidate, turn) for turn in range(most) for candidate in allowed]
    return tuple(_attempt(request, candidate, turn) for candidate, turn in turns[:most])


def verdicts_of(
    request: Request,
    candidates: Iterable[Candidate],
    matrix: Matrix,
    health: Mapping[str, Health],
    now: datetime,
) -> list[Verdict]:
    """Of each model that the request may be about, in the order in which they are asked."""
    return [
        Verdict(one, _reason(request, one, matrix, health.get(one.known_by), now), (request.data_class, one.zone))
        for one in _asked_for(request, candidates)
    ]


class Conduct:
    """One request, from its first attempt to its last. Whoever sends tells what became of each attempt, and is told the next:
    every one, first or not, passes the same judgement at its own instant. `board` is shared with the other requests."""

    def __init__(self, request: Request, candidates: Sequence[Candidate], matrix: Matrix, board: dict[str, Health]) -> None:
        self.request, self.candidates, self.matrix, self.board = request, tuple(candidates), matrix, board
        self._in_order = _asked_for(request, self.candidates)
        self._asked: dict[str, int] = {}
        self._count = 0  # of attempts
        self._flying: set[str] = set()
        self._given_up: set[str] = set()
        self._final = ""  # what no other attempt would mend

    def next(self, now: datetime) -> Attempt | Refusal:
        """The attempt to make now, beside those in flight if any; it counts as sent."""
        if self._final:
            return self._out(self._final)
        if self._count >= MOST_ATTEMPTS:
            return self._out("all_out")
        chosen, least = None, MOST_ATTEMPTS
        for one in self._in_order:
            times = self._asked.get(one.id, 0)
            if times < least and self._is_free(one) and not self._reason(one, now):  # the first of those asked least
                chosen, least = one, times
        if chosen is None:
            return self._out("all_out") if self._asked else self._refusal(now)
        attempt = _attempt(self.request, chosen, least)
        self._asked[chosen.id] = least + 1
        self._count += 1
        self._flying.add(chosen.id)
        place = chosen.known_by
        self.board[place] = begun(self.board.get(place) or _WELL, now)
        return attempt

    def answered(self, attempt: Attempt, now: datetime) -> None:
        self._land(attempt, now, "")

    def failed(
        self, attempt: Attempt, code: str, now: datetime, *, retry_after: float | None = None, owed: bool = False
    ) -> None:
        """`code` is that of an UpstreamError. A model to which something may be `owed` is not asked again for this request."""
        self._land(attempt, now, code, retry_after=retry_after)
        if owed or code in LASTING:
            self._given_up.add(attempt.candidate.id)
        if code not in MENDABLE:
            self._final = code

    def left(self, attempt: Attempt, _now: datetime) -> None:
        """Nobody waits for it any more: it says nothing of the model."""
        self._flying.discard(attempt.candidate.id)
        place = attempt.candidate.known_by
        self.board[place] = left(self.board.get(place) or _WELL)

    def unsent(self, attempt: Attempt, now: datetime) -> None:
        """Nothing was sent after all: it is no attempt."""
        self.left(attempt, now)
        self._asked[attempt.candidate.id] -= 1
        self._count -= 1
        place = attempt.candidate.known_by
        self.board[place] = replace(self.board[place], in_minute=max(0, self.board[place].in_minute - 1))

    def _land(self, attempt: Attempt, now: datetime, code: str, *, retry_after: float | None = None) -> None:
        self._flying.discard(attempt.candidate.id)
        place = attempt.candidate.known_by
        self.board[place] = ended(self.board.get(place) or _WELL, now, code, retry_after=retry_after)

    def _is_free(self, one: Candidate) -> bool:
        return one.id not in self._flying and one.id not in self._given_up

    def _reason(self, one: Candidate, now: datetime) -> str:
        return _reason(self.request, one, self.matrix, self.board.get(one.known_by), now)

    def _refusal(self, now: datetime) -> Refusal:
        verdicts = verdicts_of(self.request, filter(self._is_free, self.candidates), self.matrix, self.board, now)
        return _refusal(self.request, verdicts, self.board)

    def _out(self, code: str) -> Refusal:
        asked = tuple(one for one in self.candidates if one.id in self._asked)
        return Refusal(code, self.request.data_class, _zones(asked), retry_at=_retry_at(asked, self.board))


_NO_PAUSE = timedelta()
_WELL = Health()  # of a model that nobody asked yet


def begun(health: Health, now: datetime) -> Health:
    """A request leaves for it."""
    rolls = health.minute_at is None or now - health.minute_at >= MINUTE
    return Health(
        failures=health.failures,
        rests_until=health.rests_until,
        in_flight=health.in_flight + 1,
        probed=health.rests_until is not None,
        minute_at=now if rolls else health.minute_at,
        in_minute=1 if rolls else health.in_minute + 1,
    )


def ended(health: Health, now: datetime, code: str = "", *, retry_after: float | None = None) -> Health:
    """It answered (code ""), or failed. What is about the request says that the model is there."""
    in_flight = max(0, health.in_flight - 1)
    if code not in MENDABLE:  # the usual: made at once, for every request passes here
        return Health(in_flight=in_flight, minute_at=health.minute_at, in_minute=health.in_minute)
    landed = replace(health, in_flight=in_flight, probed=False)
    failures = health.failures + 1
    rest = None
    if failures >= FAILURES_IN_A_ROW:
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(failures - FAILURES_IN_A_ROW, 10))
    if code == "rate_limited":
        asked = RATE_LIMITED_REST if retry_after is None else timedelta(seconds=min(retry_after, 3_600.0))
        rest = max(asked, rest or asked)
    until = now + rest if rest else None
    return replace(landed, failures=failures, rests_until=max(filter(None, (until, health.rests_until)), default=None))


def checked(health: Health, now: datetime, code: str = "") -> Health:
    """A health check, which is no request: it ends the rest, or makes it longer. It shows that the server is there, not that
    it answers: the next failure alone begins another rest."""
    if code in MENDABLE:
        return replace(ended(replace(health, in_flight=health.in_flight + 1), now, code), probed=health.probed)
    return replace(health, failures=min(health.failures, FAILURES_IN_A_ROW - 1), rests_until=None)


def left(health: Health) -> Health:
    """A request that nobody waited for."""
    return replace(health, in_flight=max(0, health.in_flight - 1), probed=False)


# The matrix

DEFAULT_REACH = {"public": "world", "internal": "eu", "personal": "eu", "sensitive": "on_prem"}


def matrix_up_to(reach: Mapping[str, str]) -> dict[tuple[str, str], Clearance]:
    """The matrix where each class goes as far as its zone, and nearer; "" lets it go nowhere."""

    def cell(data_class: str, zone: str) -> Clearance:
        farthest = reach.get(data_class, "")
        cleared = farthest in ZONES and ZONES.index(zone) <= ZONES.index(farthest)
        return Clearance.ALLOWED if cleared else Clearance.REFUSED

    return {(data_class, zone): cell(data_class, zone) for data_class in DATA_CLASSES for zone in ZONES}


def faults(matrix: Matrix) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of cells of which the first allows what the second refuses, though it is more sensitive or further away."""
    cells = [(data_class, zone) for data_class in DATA_CLASSES for zone in ZONES]
    for cell in cells:
        for other in cells:
            nearer = ZONES.index(other[1]) <= ZONES.index(cell[1]) and DATA_CLASSES.index(other[0]) <= DATA_CLASSES.index(
                cell[0]
            )
            if nearer and _is_allowed(matrix, cell) and not _is_allowed(matrix, other):
                yield cell, other


def _is_allowed(matrix: Matrix, cell: tuple[str, str]) -> bool:
    return matrix.get(cell, Clearance.REFUSED) == Clearance.ALLOWED


# One model


def _asked_for(request: Request, candidates: Iterable[Candidate]) -> list[Candidate]:
    if request.only:
        return [one for one in candidates if one.id == request.only]
    if request.alias:
        named = [one for one in candidates if one.alias == request.alias]
        return sorted(named, key=_order) if len(named) > 1 else named
    able = [one for one in candidates if one.enabled and request.capabilities <= one.capabilities]
    default = next((one.alias for one in able if one.is_default), "")
    return sorted(able, key=lambda one: (one.alias != default, _order(one)))


def _reason(request: Request, one: Candidate, matrix: Matrix, health: Health | None, now: datetime) -> str:
    if not one.enabled:
        return "disabled"
    if one.attested_at is None or one.attested_at > now:
        return "not_attested"
    if one.attested_until is not None and one.attested_until <= now:
        return "attestation_over"
    if not request.capabilities <= one.capabilities:
        return "capability"
    if not _is_allowed(matrix, (request.data_class, one.zone)):
        return "class"
    if one.id not in request.entitled:
        return "not_entitled"
    if one.context_tokens is not None and request.input_tokens > one.context_tokens:
        return "too_long"
    return _out(one, health, now) if health else ""


def _out(one: Candidate, health: Health, now: datetime) -> str:
    if health.is_resting(now):
        return "resting"
    if one.concurrency is not None and health.in_flight >= one.concurrency:
        return "busy"
    in_minute = health.in_minute if health.minute_at and now - health.minute_at < MINUTE else 0
    if one.requests_per_minute is not None and in_minute >= one.requests_per_minute:
        return "busy"
    return ""


def _order(one: Candidate) -> tuple[int, int, tuple[int, str]]:
    """As the administrator ranked them, then the nearest."""
    return (one.rank, ZONES.index(one.zone), _number(one.id))


def _number(identifier: str) -> tuple[int, str]:
    return (int(identifier) if identifier.isascii() and identifier.isdigit() else 0, identifier)


def _attempt(request: Request, candidate: Candidate, turn: int) -> Attempt:
    bound, most = request.max_tokens, candidate.max_output_tokens
    if bound is None or (most is not None and most < bound):
        bound = most
    return Attempt(candidate, PAUSE * 2 ** (turn - 1) if turn else _NO_PAUSE, bound)


def _refusal(request: Request, verdicts: Sequence[Verdict], health: Mapping[str, Health]) -> Refusal:
    if not verdicts:
        named = request.alias or request.only
        return Refusal("no_such_model" if named else "none", request.data_class)
    code = max((one.reason for one in verdicts), key=REASONS.index)
    about = [one.candidate for one in verdicts if one.reason == code]
    missing = sorted(request.capabilities - about[0].capabilities, key=CAPABILITIES.index) if code == "capability" else [""]
    retry_at = _retry_at(about, health) if code in OUT else None
    return Refusal("all_out" if code in OUT else code, request.data_class, _zones(about), missing[0], retry_at)


def _zones(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(sorted({one.zone for one in candidates}, key=ZONES.index))


def _retry_at(candidates: Iterable[Candidate], health: Mapping[str, Health]) -> datetime | None:
    known = [health[one.known_by].rests_until for one in candidates if one.known_by in health]
    return min((until for until in known if until is not None), default=None)
