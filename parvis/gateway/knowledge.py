"""What one worker knows now: the latest snapshot, read once into what a request looks up, and how old it is."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from parvis.access import sealing
from parvis.access.engine import Context, Person, State, Table, Tool, read
from parvis.access.keys import tokens
from parvis.inference.completion import UpstreamError
from parvis.inference.destinations import ForbiddenAddressError, Target, target_of
from parvis.inference.pool import Sending, sending
from parvis.inference.routing import DEFAULT_REACH, Candidate, Clearance, Matrix, matrix_up_to
from parvis.inference.snapshots import (
    BadSnapshotError,
    Former,
    Holder,
    Institution,
    Key,
    Model,
    Provider,
    Pulse,
    Snapshot,
    read_pulse,
    read_snapshot,
)
from parvis.ledger.budgets.messages import folder_of
from parvis.ledger.tariff import Tariff

log = logging.getLogger("parvis.gateway")

POLL_SECONDS = 0.25
_QUICK = os.urandom(32)  # of this process
OLDEST_SECONDS = 60.0


class Rules:
    """The rules of one institution, as the console decides by them."""

    def __init__(self, institution: Institution, zone: ZoneInfo) -> None:
        self._table = Table(read(institution.rules)) if institution.rules else None
        self._periods = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in institution.periods]
        self._zone = zone

    def static(self, person: Person, tool: Tool) -> bool | None:
        """What holds at any instant; None where a rule looks at the request."""
        if self._table is None:
            return True
        found = self._table.entitlement(person, tool)
        return None if found.state is State.LIVE else found.base.allowed

    def allows(self, person: Person, tool: Tool, now: datetime, *, data_class: str, days: int = 1) -> bool:
        if self._table is None:
            return True
        today = now.astimezone(self._zone).date()
        in_period = not self._periods or any(first <= today <= last for first, last in self._periods)
        context = Context(now, tool.zone or "on_prem", "course", data_class, in_course_period=in_period, days=days)
        return self._table.decide(person, tool, context).allowed


class Caller:
    """Who comes with one key. `hidden_in`: the zones where its data go with pseudonyms only."""

    def __init__(self, key: Key, holder: Holder, institution: Institution, rules: Rules) -> None:
        self.key, self.holder, self.institution = key, holder, institution
        groups = frozenset(str(group) for group in holder.groups)
        self._person = Person(str(holder.id), holder.role, groups, str(holder.institution))
        self._rules = rules
        self._static: dict[tuple[str, str], bool | None] = {}
        self.data_class = key.data_class or institution.data_class
        asked = institution.pseudonyms.cases if institution.pseudonyms else ()
        self.hidden_in = frozenset(zone for data_class, zone in asked if data_class == self.data_class)

    def holds(self, scope: str) -> bool:
        """Whether the key opens this, and its institution still lets it."""
        return scope in self.key.scopes and self._may(Tool("Key", scope), datetime.now(UTC), self.key.days)

    def may_use(self, known: Known, now: datetime) -> bool:
        return self._may(known.tool, now, 1)

    def _may(self, tool: Tool, now: datetime, days: int) -> bool:
        place = (tool.kind, tool.id)
        if place not in self._static:
            self._static[place] = self._rules.static(self._person, tool)
        static = self._static[place]
        if static is not None:
            return static
        return self._rules.allows(self._person, tool, now, data_class=self.data_class, days=days)


@dataclass(slots=True)
class Known:
    """A model, where it is asked, and how routing sees it."""

    model: Model
    provider: Provider
    target: Target | None  # None: its address is one that is never asked
    candidate: Candidate
    tool: Tool
    _secret: str | None = field(default=None, repr=False)
    _sendings: dict[str, Sending] = field(default_factory=dict, repr=False)

    def sending(self, operation: str, ring: Callable[[], sealing.Keyring], *, method: str = "POST") -> Sending:
        """Raises UpstreamError where there is no way to ask it."""
        if operation not in self._sendings:
            if self.target is None:
                raise UpstreamError("forbidden_address")
            self._sendings[operation] = sending(self.target, operation, self._opened(ring), method=method)
        return self._sendings[operation]

    def hides(self, text: str) -> str:
        """A text of the provider's without its secret."""
        return text.replace(self._secret, "…") if self._secret else text

    def _opened(self, ring: Callable[[], sealing.Keyring]) -> str:
        if self._secret is None:
            try:
                sealed = self.provider.secret
                self._secret = sealing.unseal(sealed, place=self.provider.place, ring=ring()) if sealed else ""
            except (sealing.SecretUnreadableError, OSError, ValueError):
                raise UpstreamError("refused_key") from None
        return self._secret


class Knowledge:
    """One snapshot."""

    def __init__(self, version: str, snapshot: Snapshot, *, before: Knowledge | None = None, zone: ZoneInfo) -> None:
        self.version = version
        self.institutions = {one.id: one for one in snapshot.institutions}
        self._holders = {one.id: one for one in snapshot.holders}
        self._keys = {one.digest: one for one in snapshot.keys}
        self._former = {one.digest: one for one in snapshot.former}
        self._zone = zone
        providers = {one.id: one for one in snapshot.providers}
        self._models = [_known(one, providers[one.provider]) for one in snapshot.models if one.provider in providers]
        self.by_id = {one.model.id: one for one in self._models}
        self._callers: dict[str, Caller] = {}
        self._recognised: dict[bytes, Caller] = {}
        self._matrices: dict[int, Matrix] = {}
        self._usable: dict[tuple[int, str], tuple[Known, ...]] = {}
        self._method = snapshot.carbon_method
        self._tariffs: dict[tuple[int, str], Tariff] = {}
        # Rules are read again where they changed only: it is what costs.
        self.rules: dict[int, Rules] = {}
        for number, rules in before.rules.items() if before else ():
            if before and _rules_of(self.institutions.get(number)) == _rules_of(before.institutions.get(number)):
                self.rules[number] = rules

    def caller(self, digest: str) -> Caller | None:
        found = self._callers.get(digest)
        if found is None and (key := self._keys.get(digest)) and (holder := self._holders.get(key.holder)):
            institution = self.institutions[holder.institution]
            found = self._callers[digest] = Caller(key, holder, institution, self._rules_of(institution))
        return found

    def recognised(self, token: str, *, master: str) -> Caller | None:
        """Whose key it is. One recognised before is found again by a faster hash, which means nothing elsewhere."""
        quick = hashlib.blake2b(token.encode("latin-1"), digest_size=16, key=_QUICK).digest()
        found = self._recognised.get(quick)
        if found is None and tokens.is_well_formed(token):
            found = self.caller(tokens.digest(token, master=master))
            if found:
                self._recognised[quick] = found
        return found

    def former(self, token: str, *, master: str) -> Former | None:
        """Whose key it was, of one that opens nothing now."""
        if not tokens.is_well_formed(token):
            return None
        digest = tokens.digest(token, master=master)
        if caller := self.caller(digest):
            return Former(digest, caller.key.id, caller.institution.id, caller.holder.person)
        return self._former.get(digest)

    def usable(self, institution_id: int, alias: str = "") -> tuple[Known, ...]:
        """The models of that name that the institution has, its own and the alliance's; all of them without a name."""
        place = (institution_id, alias)
        if place not in self._usable:
            found = (one for one in self._models if one.model.institution in (None, institution_id))
            self._usable[place] = tuple(one for one in found if alias in ("", one.model.alias))
            if alias and not self._usable[place]:
                return self._usable.pop(place)  # anybody may ask for anything: it is not remembered
        return self._usable[place]

    def matrix(self, institution: Institution) -> Matrix:
        if institution.id not in self._matrices:
            cells = {(data_class, zone): Clearance(said) for data_class, zone, said in institution.matrix}
            self._matrices[institution.id] = cells or matrix_up_to(DEFAULT_REACH)
        return self._matrices[institution.id]

    def tariff(self, institution: Institution, known: Known) -> Tariff:
        """What the model costs this institution."""
        place = (institution.id, known.model.id)
        if place not in self._tariffs:
            model, agreement = known.model, known.provider.agreement
            slopes, method = model.slopes, self._method if model.slopes else ""
            self._tariffs[place] = Tariff(institution.id, model.number, agreement, institution.books, slopes, method)
        return self._tariffs[place]

    def _rules_of(self, institution: Institution) -> Rules:
        if institution.id not in self.rules:
            self.rules[institution.id] = Rules(institution, self._zone)
        return self.rules[institution.id]


def _rules_of(institution: Institution | None) -> object:
    return institution and (institution.rules, institution.periods)


def _known(model: Model, provider: Provider) -> Known:
    try:
        target = target_of(provider.base_url, inside=provider.zone == "on_prem" or provider.institution is None)
    except ForbiddenAddressError:
        target = None
    candidate = Candidate(
        id=model.id,
        alias=model.alias,
        zone=provider.zone,
        capabilities=frozenset(model.capabilities),
        attested_at=_moment(model.attested_at),
        attested_until=_moment(model.attested_until),
        rank=model.rank,
        is_default=model.is_default,
        context_tokens=model.context_tokens,
        max_output_tokens=model.max_output_tokens,
        concurrency=model.concurrency,
        requests_per_minute=model.requests_per_minute,
        hedge_after=model.hedge_after,
        place=model.place,
    )
    return Known(model, provider, target, candidate, Tool("Model", model.tool, zone=provider.zone))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """`snapshots` is the folder the console writes in, `keyring` the file that opens secrets of providers, `budgets` the
    folder of the machine's settler; `pace` how often one key, or one holder, may ask a minute."""

    snapshots: Path
    keyring: Path
    master: str = field(repr=False)
    budgets: Path
    time_zone: str = "Europe/Paris"
    oldest: float = OLDEST_SECONDS
    pace: int = 600

    @classmethod
    def of(cls, values: Any) -> Settings:
        """From what the installation is set to: the module `parvis.settings`, or Django's own object."""
        return cls(
            snapshots=values.SNAPSHOTS_DIR,
            keyring=values.KEYRING,
            master=values.SECRET_KEY,
            budgets=folder_of(values.DATA_DIR),
            time_zone=values.TIME_ZONE,
            oldest=values.SNAPSHOT_MAX_AGE,
            pace=values.V1_REQUESTS_A_MINUTE,
        )


class Follower:
    """Reads what the console publishes, four times a second. `on_change` is called when keys or models may have gone, or an
    answer was stopped."""

    def __init__(self, settings: Settings, on_change: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.revoked: Collection[int] = frozenset()
        self.stopped: Collection[tuple[int, str]] = frozenset()  # an institution, and the number of one of its requests
        self._on_change = on_change
        self._knowledge: Knowledge | None = None
        self._pulse: Pulse | None = None
        self._beat_at = 0.0  # by a clock that nobody sets
        self._zone = ZoneInfo(settings.time_zone)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self.look()
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()

    def knowledge(self) -> Knowledge | None:
        """None where there is none, or it is too old to be trusted."""
        if self._pulse is None or time.monotonic() - self._beat_at > self.settings.oldest:
            return None
        if abs(time.time() - self._pulse.at) > self.settings.oldest:
            return None
        return self._knowledge

    def caller(self, token: str) -> Caller | None:
        """Whose key it is; None where it opens nothing now. There is a knowledge."""
        caller = self._knowledge.recognised(token, master=self.settings.master) if self._knowledge else None
        return caller if caller and self.is_valid(caller) else None

    def former(self, token: str) -> Former | None:
        return self._knowledge.former(token, master=self.settings.master) if self._knowledge else None

    def is_valid(self, caller: Caller) -> bool:
        return caller.key.id not in self.revoked and caller.key.expires_at > time.time()

    def same(self, caller: Caller) -> Caller | None:
        """Who comes with that key now, by the latest snapshot."""
        found = self._knowledge.caller(caller.key.digest) if self._knowledge else None
        return found if found and self.is_valid(found) else None

    def look(self) -> None:
        """Once. What cannot be read changes nothing: it only gets older."""
        try:
            pulse = read_pulse(self.settings.snapshots, master=self.settings.master)
            if self._pulse and pulse.at == self._pulse.at:
                return
            if self._knowledge is None or pulse.version != self._knowledge.version:
                self._take(pulse)
        except BadSnapshotError:
            return
        before = self._pulse
        self._pulse, self._beat_at = pulse, time.monotonic()
        self.revoked, self.stopped = frozenset(pulse.revoked), frozenset(pulse.stopped)
        if before is None or (pulse.version, pulse.revoked, pulse.stopped) != (before.version, before.revoked, before.stopped):
            self._on_change()

    def _take(self, pulse: Pulse) -> None:
        version, snapshot = read_snapshot(self.settings.snapshots, master=self.settings.master)
        if version != pulse.version:  # another is being written: its pulse comes
            raise BadSnapshotError("version")
        self._knowledge = Knowledge(version, snapshot, before=self._knowledge, zone=self._zone)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                self.look()
            except Exception:
                log.exception("What the console published could not be read")

    def ring(self) -> sealing.Keyring:
        """Raises OSError or ValueError."""
        return sealing.parse(self.settings.keyring.read_text(encoding="ascii"))
