"""What is being answered at this instant in one institution, as its administrators see it: by which model or assistant, for
which key, since when. Never a word of it, nor the name of a person who asks: a key has the name its holder gave it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from parvis.access.models import ApiKey
from parvis.access.principal import Principal
from parvis.assistants.models import Turn
from parvis.inference.models import Stop, Zone
from parvis.inference.open_streams import OpenStream, open_streams
from parvis.institutions.models import Role

UNIT_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Line:
    """`through` is the model that writes for an assistant; `zone` is "" while no model has begun; `sent` is in bytes, None
    where it is not counted. One of `request_id` and `turn_id` names it; `key` is that of its button in the page."""

    key: str
    what: str
    is_assistant: bool
    through: str
    zone: str
    who: str
    detail: str
    begun_at: datetime
    seconds: int
    pieces: int
    sent: int | None
    request_id: str = ""
    turn_id: int = 0
    is_ending: bool = False

    @property
    def duration(self) -> str:
        hours, rest = divmod(self.seconds, 3_600)
        minutes, seconds = divmod(rest, 60)
        parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
        while parts[0][0] == 0 and len(parts) > 1:
            parts.pop(0)
        return UNIT_SPACE.join(f"{count}{UNIT_SPACE}{unit}" for count, unit in parts[:2])


def streams_of(principal: Principal) -> list[OpenStream]:
    """Through /v1."""
    return open_streams(settings.SNAPSHOTS_DIR, principal.institution_id) if principal.may("stream:view") else []


def lines_of(principal: Principal, now: datetime) -> list[Line]:
    """The oldest first."""
    lines = [*_of_models(principal, now), *_of_assistants(principal, now)]
    return sorted(lines, key=lambda line: (-line.seconds, line.key))


def count_of(principal: Principal, now: datetime) -> int:
    written: int = Turn.objects.listed_to(principal).being_written(now).count()
    return len(streams_of(principal)) + written


def _of_models(principal: Principal, now: datetime) -> Iterator[Line]:
    streams = streams_of(principal)
    asking = {stream.key for stream in streams}
    keys = {
        key.id: key for key in ApiKey.objects.visible_to(principal).filter(id__in=asking).select_related("profile__person")
    }
    ending = set(Stop.objects.visible_to(principal).under_way(now).values_list("request_id", flat=True))
    for one in streams:
        who, detail = _holder(keys.get(one.key), one.component)
        yield Line(
            key=one.request_id,
            what=one.model,
            is_assistant=False,
            through="",
            zone=_zone(one.zone),
            who=who,
            detail=detail,
            begun_at=datetime.fromtimestamp(one.begun_at, UTC),
            seconds=_seconds(now.timestamp() - one.begun_at),
            pieces=one.pieces,
            sent=one.sent,
            request_id=one.request_id,
            is_ending=one.request_id in ending,
        )


def _of_assistants(principal: Principal, now: datetime) -> Iterator[Line]:
    for turn in Turn.objects.listed_to(principal).being_written(now):
        asker = turn.conversation.profile
        yield Line(
            key=f"turn-{turn.id}",
            what=turn.conversation.assistant.name,
            is_assistant=True,
            through=turn.model_name,
            zone=_zone(turn.zone),
            who=asker.person.display_name if asker.role == Role.APP else _("A person"),
            detail="",
            begun_at=turn.created_at,
            seconds=_seconds((now - turn.created_at).total_seconds()),
            pieces=turn.latest_seq,
            sent=None,
            turn_id=turn.id,
        )


def _holder(key: ApiKey | None, component: str) -> tuple[str, str]:
    """An application is named, and which of its keys; of a person, the key alone."""
    if key is None:
        return _("A person’s key"), component
    if key.profile.role != Role.APP:
        said = _("A person’s key, “%(name)s”") % {"name": key.name}
        return said, component
    return key.profile.person.display_name, f"{key.name}, {key.hint}…"


def _zone(zone: str) -> str:
    return str(Zone(zone).label) if zone in Zone.values else zone


def _seconds(since: float) -> int:
    return max(0, int(since))
