"""What people do to raw needs: write, correct, validate, publish, archive, and say which ones are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.needs.actions.indexing import index_needs
from parvis.needs.actions.writing import must_rest_on
from parvis.needs.engine import group_of_need, index
from parvis.needs.models import Answer, HarmonisedNeed, Judgement, RawNeed, RawNeedState, RawNeedText


@dataclass(frozen=True, slots=True)
class Words:
    """What a need says: one row of `RawNeedText`, never changed."""

    title: str
    text: str
    audience: str = ""
    frequency: str = ""
    data_used: str = ""
    insufficient_tool: str = ""
    domain: str = ""
    public: str = ""
    activity: str = ""
    data_class: str = ""

    @classmethod
    def of(cls, text: RawNeedText) -> Words:
        return cls(**{name: getattr(text, name) for name in cls.__dataclass_fields__})


class WrongMoment(Exception):
    """The need is no longer, or not yet, in the state in which this is done: somebody else was faster."""

    code = "wrong_moment"


Close = RawNeed | HarmonisedNeed


def write_need(
    principal: Principal,
    words: Words,
    *,
    service: str = "",
    institution_id: int | None = None,
    judgements: Mapping[Close, str] | None = None,
) -> RawNeed:
    """A draft, of one's own institution unless the coordination writes it in another's name, which is then said."""
    with transaction.atomic():
        need = RawNeed.unscoped.create(
            institution_id=institution_id or principal.institution_id,
            author_id=principal.profile_id,
            on_behalf=institution_id not in (None, principal.institution_id),
            service=service,
        )
        _say(principal, need, words)
        index_needs([need.id])
        _record(principal, "need.create", need, on_behalf=need.on_behalf)
        for close, answer in (judgements or {}).items():
            judge(principal, need, close, answer)
    return need


def words_of_need(need: RawNeed) -> dict[str, str]:
    return asdict(Words.of(need.wording)) | {"service": need.service}


def correct_need(principal: Principal, need: RawNeed, words: Words, *, service: str, basis: str | None = None) -> bool:
    """Whether anything changed. Other words are a new wording: the old one stays, and excerpts still quote it. `basis`: of
    the `words_of_need` that its author read."""
    with transaction.atomic():
        held = _hold(need, *(state for state in RawNeedState if state != RawNeedState.ARCHIVED))
        changed = words != Words.of(held.wording)
        if changed or held.service != service:
            must_rest_on(basis, words_of_need(held))
        if held.service != service:
            held.service = service
            held.save(update_fields=["service"])
        elif not changed:
            return False
        if changed:
            _say(principal, held, words)
            index_needs([held.id])
        _record(principal, "need.edit", held, wording=held.wording.number)
    return True


def validate_need(principal: Principal, need: RawNeed) -> None:
    with transaction.atomic():
        held = _hold(need, RawNeedState.DRAFT)
        held.state = RawNeedState.VALIDATED
        held.validated_at, held.validated_by_id = timezone.now(), principal.profile_id
        held.save(update_fields=["state", "validated_at", "validated_by"])
        index_needs([held.id])
        _record(principal, "need.validate", held)


def publish_need(principal: Principal, need: RawNeed) -> None:
    """From now on every member of the alliance reads it, in its present wording and the next ones."""
    with transaction.atomic():
        held = _hold(need, RawNeedState.VALIDATED)
        held.state, held.published_from = RawNeedState.PUBLISHED, held.wording.number
        held.published_at, held.published_by_id = timezone.now(), principal.profile_id
        held.save(update_fields=["state", "published_from", "published_at", "published_by"])
        index_needs([held.id])
        _record(principal, "need.publish", held)


def archive_need(principal: Principal, need: RawNeed) -> None:
    with transaction.atomic():
        held = _hold(need, RawNeedState.PUBLISHED, RawNeedState.ATTACHED)
        held.state = RawNeedState.ARCHIVED
        held.archived_at, held.archived_by_id = timezone.now(), principal.profile_id
        held.save(update_fields=["state", "archived_at", "archived_by"])
        index_needs([held.id])
        _record(principal, "need.archive", held)


def delete_draft(principal: Principal, need: RawNeed) -> None:
    with transaction.atomic():
        held = _hold(need, RawNeedState.DRAFT)
        index().delete([group_of_need(held.id)])
        _record(principal, "need.delete", held)
        held.delete()


def discard_drafts(needs: QuerySet[RawNeed]) -> int:
    """Those among them that are drafts, out of the index too; how many."""
    with transaction.atomic():
        drafts = needs.filter(state=RawNeedState.DRAFT).order_by("id").select_for_update()
        ids = list(drafts.values_list("id", flat=True))
        index().delete(group_of_need(need_id) for need_id in ids)
        RawNeed.unscoped.filter(id__in=ids).delete()
    return len(ids)


def judge(principal: Principal, need: RawNeed, close: Close, answer: str) -> None:
    """The latest answer of an institution about two needs, whichever of them it was asked from."""
    about: dict[str, Any] = {"harmonised": close} if isinstance(close, HarmonisedNeed) else {"other_need": close}
    if need == close:
        raise ValueError("a need is not close to itself")
    with transaction.atomic():
        given = {"answer": Answer(answer), "profile_id": principal.profile_id}
        if isinstance(close, RawNeed):
            reverse = Q(institution_id=principal.institution_id, need=close, other_need=need)
            Judgement.unscoped.filter(reverse).delete()
        Judgement.unscoped.update_or_create(
            institution_id=principal.institution_id, need=need, **about, defaults={**given, "answered_at": timezone.now()}
        )
        subject = f"harmonised:{close.id}" if isinstance(close, HarmonisedNeed) else f"need:{close.id}"
        _record(principal, "need.judge", need, about=subject, answer=answer)


def _hold(need: RawNeed, *states: RawNeedState) -> RawNeed:
    """The row for this transaction alone, in one of these states. Raises WrongMoment."""
    held = RawNeed.unscoped.select_for_update(of=("self",)).select_related("current").filter(id=need.id).first()
    if held is None or held.state not in states:
        raise WrongMoment
    return held


def _say(principal: Principal, need: RawNeed, words: Words) -> None:
    need.current = RawNeedText.unscoped.create(
        institution_id=need.institution_id,
        need=need,
        number=need.current.number + 1 if need.current else 1,
        written_by_id=principal.profile_id,
        **asdict(words),
    )
    need.save(update_fields=["current"])


def _record(principal: Principal, action: str, need: RawNeed, **details: object) -> None:
    record(institution_id=need.institution_id, actor=principal.actor, action=action, subject=f"need:{need.id}", **details)
