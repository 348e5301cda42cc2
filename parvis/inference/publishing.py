"""The console plane tells the data plane what it needs (see `snapshots`), every second, as long as it lives; now and then it
takes what that refused."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import msgspec
from django.conf import settings
from django.db import connection
from django.utils import timezone

from parvis.access.keys.actions import former_keys, taken_back, usable_keys
from parvis.access.keys.models import ApiKey
from parvis.access.rules.doors import in_force
from parvis.access.secrets import is_current, seal
from parvis.access.secrets.keyring import keyring
from parvis.inference.actions import published_models, stopped
from parvis.inference.collecting import collect
from parvis.inference.door import INSTALLATION, Route, candidate_of, environment_routes, matrix_of
from parvis.inference.models import LanguageModel, Provider
from parvis.inference.open_streams import sweep
from parvis.inference.pseudonymisation.actions import NAMES_KEPT_SECONDS, asked_for, lines, names_of, stamp_of
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.routing import Candidate
from parvis.inference.snapshots import (
    Former,
    Hidden,
    Holder,
    Institution,
    Key,
    Model,
    Pseudonyms,
    Pulse,
    Snapshot,
    remove_hidden,
    write_hidden,
    write_pulse,
    write_snapshot,
)
from parvis.inference.snapshots import Provider as PublishedProvider
from parvis.institutions.actions import group_ids_of
from parvis.institutions.models import Institution as InstitutionRow
from parvis.institutions.models import Profile
from parvis.isolation.scope import everywhere
from parvis.ledger.actions.books import books_of
from parvis.ledger.budgets.actions.tree import Places, places_of_keys
from parvis.ledger.carbon import method, slopes_of
from parvis.ledger.pricing import Book

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
SHARE = 0.1  # of the time, at most, spent on reading everything again
COLLECTS_EVERY = 10.0


class Publisher:
    """Writes into `folder`. What is taken back is told at the next second; the rest as soon as reading it all takes no more
    than a share of the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._directories = Directories(folder)
        self._version = ""
        self._keys: frozenset[int] = frozenset()
        self._due_at = 0.0

    def tick(self) -> Pulse:
        now = timezone.now()
        with everywhere("data plane"):
            if time.monotonic() >= self._due_at:
                self._publish(now)
            revoked = tuple(sorted(self._keys.intersection(taken_back(self._keys, now))))
            pulse = Pulse(self._version, now.timestamp(), revoked, EVERY_SECONDS, stopped(now))
        write_pulse(self.folder, pulse, master=settings.SECRET_KEY)
        sweep(self.folder)
        return pulse

    def _publish(self, now: datetime) -> None:
        begun = time.monotonic()
        snapshot = snapshot_of(now, self._directories)
        self._version = write_snapshot(self.folder, snapshot, master=settings.SECRET_KEY)
        remove_hidden(self.folder, but=[one.id for one in snapshot.institutions if one.pseudonyms])
        self._keys = frozenset(key.id for key in snapshot.keys)
        self._due_at = time.monotonic() + (time.monotonic() - begun) / SHARE


class Directories:
    """The names that workers hide, written again where they changed only: there may be tens of thousands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: dict[int, tuple[object, float, str]] = {}

    def version(self, asked: Pseudonymisation) -> str:
        """Of what is written; "" where it cannot be, and then nothing of the institution goes where pseudonyms are asked."""
        number, now = asked.institution_id, time.monotonic()
        try:
            key = keyring().current
            stamp = (*stamp_of(asked), key.name)
            known = self._written.get(number)
            if known is None or known[0] != stamp or known[1] <= now:
                version = write_hidden(self.folder, number, _hidden(asked), master=settings.SECRET_KEY, key=key)
                known = self._written[number] = (stamp, now + NAMES_KEPT_SECONDS, version)
        except Exception as error:  # noqa: BLE001 - its message may hold a name
            log.error("Names of institution %s are not published: %s", number, type(error).__name__)
            return ""
        return known[2]


def keep(stop: threading.Event) -> threading.Thread:
    """Begins the thread; it ends soon after `stop` is set."""
    thread = threading.Thread(target=_run, args=(stop,), name="publishing", daemon=True)
    thread.start()
    return thread


def publish() -> Pulse:
    """Once."""
    return Publisher(settings.SNAPSHOTS_DIR).tick()


def snapshot_of(now: datetime, directories: Directories | None = None) -> Snapshot:
    """Without `directories` no names are written: where pseudonyms are asked for, workers refuse."""
    keys = list(usable_keys(now))
    places = places_of_keys(keys)
    profiles = {key.profile_id: key.profile for key in keys}
    groups = group_ids_of(profiles)
    rows = published_models()
    providers = {row.provider_id: row.provider for row in rows}
    given = environment_routes()
    institutions = list(InstitutionRow.objects.order_by("id"))
    books = books_of({row.id for row in institutions})
    hiding = {row.institution_id: _pseudonyms(row, directories) for row in asked_for()}
    return Snapshot(
        institutions=tuple(_institution(row, books[row.id], hiding.get(row.id)) for row in institutions),
        holders=tuple(_holder(profiles[number], groups.get(number, ())) for number in sorted(profiles)),
        keys=tuple(_key(key, places[key.id]) for key in keys),
        providers=(*(_provider(one) for one in providers.values()), *(_given(one) for one in given.values())),
        models=(
            *(_model(candidate_of(row), row.purpose, str(row.provider_id), row.name, row) for row in rows),
            *(_model(one.candidate, purpose, one.candidate.id, one.model) for purpose, one in given.items()),
        ),
        carbon_method=method(),
        former=tuple(Former(key.digest, key.id, key.institution_id, key.profile.person_id) for key in former_keys(now)),
    )


def _institution(row: InstitutionRow, books: Iterable[Book], pseudonyms: Pseudonyms | None) -> Institution:
    matrix = tuple((*cell, str(said)) for cell, said in sorted(matrix_of(row.id).items()))
    found = Institution(row.id, row.slug, data_class=row.data_class, matrix=matrix, books=tuple(books), pseudonyms=pseudonyms)
    if not row.rules_key:
        return found
    rules = in_force(row.id, row.rules_key)
    return msgspec.structs.replace(
        found,
        rules_key=row.rules_key,
        rules="\n".join(rule.source for rule in rules.table.rules),
        periods=tuple((first.isoformat(), latest.isoformat()) for first, latest in rules.periods),
    )


def _pseudonyms(row: Pseudonymisation, directories: Directories | None) -> Pseudonyms:
    pairs = (case.partition(":") for case in row.cases)
    cases = tuple((data_class, zone) for data_class, _, zone in pairs)
    return Pseudonyms(cases, directories.version(row) if directories else "")


def _hidden(asked: Pseudonymisation) -> Hidden:
    names = sorted(names_of(asked.institution_id))
    return Hidden(tuple(names), tuple(lines(asked.terms)), tuple(lines(asked.student_numbers)))


def _holder(profile: Profile, groups: Iterable[int]) -> Holder:
    return Holder(profile.id, profile.person_id, profile.institution_id, profile.role, tuple(sorted(groups)))


def _key(key: ApiKey, places: Places) -> Key:
    return Key(
        digest=key.digest,
        id=key.id,
        holder=key.profile_id,
        scopes=tuple(key.scopes),
        days=key.days,
        expires_at=key.expires_at.timestamp(),
        data_class=key.data_class,
        places=places.chain,
        component=places.component,
    )


def _provider(row: Provider) -> PublishedProvider:
    return PublishedProvider(
        id=str(row.id),
        institution=row.institution_id,
        kind=row.kind,
        base_url=row.base_url,
        zone=row.zone,
        secret=row.sealed_secret,
        place=row.secret_place,
        processor=row.processor,
        agreement=row.agreement_id,
    )


def _given(route: Route) -> PublishedProvider:
    """What the environment gives, for everybody."""
    place = f"environment|{route.candidate.id}"
    secret = _sealed(route.installation_key, place, settings.KEYRING) if route.installation_key else ""
    return PublishedProvider(route.candidate.id, None, route.kind, route.base_url, route.zone, secret, place)


def _model(one: Candidate, purpose: str, provider: str, name: str, row: LanguageModel | None = None) -> Model:
    return Model(
        id=one.id,
        institution=row.institution_id if row else None,
        provider=provider,
        name=name,
        alias=one.alias,
        purpose=purpose,
        tool=one.id if row else INSTALLATION,
        capabilities=tuple(sorted(one.capabilities)),
        attested_at=one.attested_at.timestamp() if one.attested_at else None,
        attested_until=one.attested_until.timestamp() if one.attested_until else None,
        rank=one.rank,
        is_default=one.is_default,
        context_tokens=one.context_tokens,
        max_output_tokens=one.max_output_tokens,
        concurrency=one.concurrency,
        requests_per_minute=one.requests_per_minute,
        place=one.place,
        number=row.id if row else None,
        slopes=slopes_of(name, one.zone),
        hedge_after=one.hedge_after,
        counts_as_it_goes=row is not None and row.counts_as_it_goes,
    )


def _sealed(secret: str, place: str, keyring: Path) -> str:
    """The same as long as its key is: else the snapshot would be another each second."""
    sealed = _sealed_once(secret, place, keyring)
    if not is_current(sealed):
        _sealed_once.cache_clear()
        sealed = _sealed_once(secret, place, keyring)
    return sealed


@lru_cache(maxsize=8)
def _sealed_once(secret: str, place: str, keyring: Path) -> str:
    return seal(secret, place=place)


def _run(stop: threading.Event) -> None:
    publisher, collects_at = Publisher(settings.SNAPSHOTS_DIR), 0.0
    while not stop.is_set():
        with _alone(settings.SNAPSHOTS_DIR) as is_first:
            while is_first and not stop.is_set():
                try:
                    publisher.tick()
                    if time.monotonic() >= collects_at:
                        collects_at = time.monotonic() + COLLECTS_EVERY
                        with everywhere("data plane"):
                            collect(settings.SNAPSHOTS_DIR, timezone.now())
                except Exception:
                    log.exception("The data plane is told nothing, or not asked what it refused, this time")
                finally:
                    connection.close()
                stop.wait(EVERY_SECONDS)
        stop.wait(EVERY_SECONDS)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Of several workers on one folder, one publishes; another takes over when it ends, however it ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "publisher.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
