"""A working group's session: needs brought together in front of everybody, and minutes that write themselves."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, override

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.actions import notify
from parvis.institutions.models import WorkingGroup
from parvis.needs.actions.harmonised import Impossible, propose, propose_attachment
from parvis.needs.models import HarmonisedNeed, Minute, MinuteKind, RawNeed, Workshop

LONGEST_MINUTE = 2_000
_PROPOSED = gettext_noop("Proposed for %(code)s, %(title)s: %(needs)s. Each institution decides for itself.")
_GATHERED = gettext_noop("Harmonised need proposed: %(code)s, %(title)s.")


def open_workshop(principal: Principal, group: WorkingGroup, title: str) -> Workshop:
    with transaction.atomic():
        workshop = Workshop.unscoped.create(working_group=group, title=title, opened_by_id=principal.profile_id)
        address = reverse("needs:workshop", args=[workshop.id])
        people = group.profiles.filter(ended_at=None)
        notify(people, "workshop_opened", address, but=principal.profile_id, group=group.name)
        _record(principal, "workshop.open", workshop)
    return workshop


def write(principal: Principal, workshop: Workshop, *, kind: str, text: str) -> Minute:
    """A note or a decision. A mistake is corrected by another line."""
    with transaction.atomic():
        _hold(workshop)
        minute = _minute(principal, workshop, MinuteKind(kind), text)
        _record(principal, "workshop.write", workshop, kind=kind)
    return minute


def propose_to(principal: Principal, workshop: Workshop, needs: Sequence[RawNeed], harmonised: HarmonisedNeed) -> int:
    """Proposes the whole wording of each need; its institution decides. How many were: those already there are passed over."""
    with transaction.atomic():
        _hold(workshop)
        proposed = []
        for need in needs:
            try:
                propose_attachment(principal, need.wording, harmonised)
            except Impossible as refusal:
                if refusal.code not in {"already_attached", "not_published"}:
                    raise
            else:
                proposed.append(need)
        if proposed:
            _act(principal, workshop, _PROPOSED, harmonised, proposed)
    return len(proposed)


def gather(
    principal: Principal, workshop: Workshop, needs: Sequence[RawNeed], *, title: str, description: str
) -> HarmonisedNeed:
    """A new harmonised need of the group, with the chosen needs proposed for it."""
    with transaction.atomic():
        _hold(workshop)
        harmonised = propose(principal, working_group=workshop.working_group, title=title, description=description)
        _act(principal, workshop, _GATHERED, harmonised, ())
        propose_to(principal, workshop, needs, harmonised)
    return harmonised


def close(principal: Principal, workshop: Workshop) -> None:
    """From here on its minutes change no more."""
    with transaction.atomic():
        held = _hold(workshop)
        held.closed_at = timezone.now()
        held.save(update_fields=["closed_at"])
        _record(principal, "workshop.close", workshop)


def _hold(workshop: Workshop) -> Workshop:
    held = Workshop.unscoped.select_for_update(of=("self",)).get(id=workshop.id)
    if held.closed_at:
        raise Impossible("workshop_closed")
    return held


def _act(
    principal: Principal, workshop: Workshop, sentence: str, harmonised: HarmonisedNeed, needs: Sequence[RawNeed]
) -> None:
    """In the language of the alliance, whatever that of who acted: minutes have one."""
    with override(settings.LANGUAGE_CODE):
        named = ", ".join(f"«\u00a0{need.wording.title}\u00a0» ({need.institution.short_name})" for need in needs)
        words = gettext(sentence) % {"code": harmonised.code, "title": harmonised.title, "needs": named}
    _minute(principal, workshop, MinuteKind.ACT, words, harmonised)


def _minute(
    principal: Principal, workshop: Workshop, kind: MinuteKind, text: str, harmonised: HarmonisedNeed | None = None
) -> Minute:
    return Minute.objects.create(
        workshop=workshop,
        kind=kind,
        text=text if len(text) <= LONGEST_MINUTE else text[: LONGEST_MINUTE - 1] + "…",
        harmonised=harmonised,
        profile_id=principal.profile_id,
    )


def _record(principal: Principal, action: str, workshop: Workshop, **details: object) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"workshop:{workshop.id}",
        **details,
    )
