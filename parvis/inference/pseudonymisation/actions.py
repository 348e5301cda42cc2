"""The pseudonyms of a request, where its institution asks for them. What goes wrong here refuses: nothing is sent as it is."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Max
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.access.sensitivity import DATA_CLASSES
from parvis.audit.models import record
from parvis.identity.models import Source
from parvis.inference.pseudonymisation.models import Pseudonymisation
from parvis.inference.pseudonyms import PseudonymsUnavailableError
from parvis.inference.pseudonyms.bodies import Pseudonyms
from parvis.inference.pseudonyms.detection import Detector, PatternError, detector_of
from parvis.inference.pseudonyms.keys import key_of
from parvis.institutions.models import Profile, Role

log = logging.getLogger(__name__)

NAMES_KEPT_SECONDS = 300.0  # somebody who changes name is known by the new one after that; who arrives, at once

_detectors: dict[int, tuple[object, float, Detector]] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Tried:
    """What one text becomes. `pieces` are the text that would be sent, cut at placeholders: each with what it stands for,
    or ""."""

    pieces: tuple[tuple[str, str], ...]
    restored: str

    @property
    def replaced(self) -> list[tuple[str, str]]:
        """Each placeholder once, with what it stands for."""
        return list(dict.fromkeys((piece, value) for piece, value in self.pieces if value))


def pseudonyms_for(institution_id: int, *, data_class: str, zones: Iterable[str], subject: str = "") -> Pseudonyms | None:
    """For one request whose data may go to these zones; None where nothing asks for it. The same subject, a conversation or
    VECTORS, has the same placeholders; without one they are this request's alone. Raises PseudonymsUnavailableError."""
    try:
        asked = Pseudonymisation.unscoped.filter(institution=institution_id).first()
        if asked is None or not asked.asks(data_class, zones):
            return None
        return Pseudonyms(_detector(institution_id, asked), key_of(institution_id, subject, master=settings.SECRET_KEY))
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing leaves
        log.error("Pseudonyms of institution %s: %s", institution_id, type(error).__name__)
    raise PseudonymsUnavailableError


def tried(principal: Principal, text: str) -> Tried:
    """Nothing of it is sent or kept. Raises PseudonymsUnavailableError."""
    asked = Pseudonymisation.objects.visible_to(principal).first()
    asked = asked or Pseudonymisation(institution_id=principal.institution_id)
    try:
        detector = _detector(principal.institution_id, asked)
    except PatternError as error:
        raise PseudonymsUnavailableError from error
    pseudonyms = Pseudonyms(detector, secrets.token_bytes(32))
    [sent] = pseudonyms.texts([text])
    return Tried(tuple(pseudonyms.pieces(sent)), pseudonyms.restored(sent))


@transaction.atomic
def set_pseudonymisation(principal: Principal, *, cases: list[str], student_numbers: str, terms: str) -> None:
    values = {"cases": cases, "student_numbers": student_numbers, "terms": terms, "set_at": timezone.now()}
    row, _created = Pseudonymisation.unscoped.update_or_create(institution_id=principal.institution_id, defaults=values)
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action="pseudonyms.edit",
        subject=f"pseudonymisation:{row.id}",
        cases=cases,
        terms=len(lines(terms)),
    )


def classes_hidden(institution_id: int, zone: str) -> list[str]:
    """Those that are sent there with pseudonyms only."""
    asked = Pseudonymisation.unscoped.filter(institution=institution_id).first()
    return [name for name in DATA_CLASSES if asked and asked.asks(name, [zone])]


def asked_for() -> list[Pseudonymisation]:
    """By every institution, for the data plane."""
    return [row for row in Pseudonymisation.unscoped.order_by("institution_id") if row.cases]


def stamp_of(asked: Pseudonymisation) -> tuple[object, ...]:
    """Another as soon as somebody arrives or is erased, or as the settings change; not as somebody changes name."""
    return (asked.set_at, asked.pk, *_people(asked.institution_id).aggregate(Count("id"), Max("id")).values())


def names_of(institution_id: int) -> list[str]:
    return list(_people(institution_id).order_by().values_list("person__display_name", flat=True).distinct())


def people_count(institution_id: int) -> int:
    return _people(institution_id).values("person").distinct().count()


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def forget_names() -> None:
    """For tests: other people may have the same numbers."""
    with _lock:
        _detectors.clear()


def _detector(institution_id: int, asked: Pseudonymisation) -> Detector:
    """Kept by this process while the directory and the settings are the same."""
    stamp = stamp_of(asked)
    with _lock:
        known = _detectors.get(institution_id)
        if known and known[0] == stamp and time.monotonic() < known[1]:
            return known[2]
        names, numbers = names_of(institution_id), lines(asked.student_numbers)
        made = detector_of(names, terms=lines(asked.terms), student_numbers=numbers)
        _detectors[institution_id] = (stamp, time.monotonic() + NAMES_KEPT_SECONDS, made)
        return made


def _people(institution_id: int) -> models.QuerySet[Profile]:
    """Those who left included: documents still speak of them."""
    here = Profile.objects.filter(institution=institution_id)
    return here.exclude(role=Role.APP).exclude(person__source=Source.ERASED)
