"""From raw needs to one specification: versions, requirements, votes, attachments with consent, merges and splits.

Nothing here changes what an institution agreed to. A merge or a split proposes; each institution accepts for itself; an undo
takes the proposals back (decision 0010).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from parvis.access.principal import Principal
from parvis.audit.models import record
from parvis.institutions.actions import notify, representatives
from parvis.institutions.models import Institution, Nature, Profile, Role, WorkingGroup
from parvis.needs.actions.indexing import index_harmonised, index_needs
from parvis.needs.actions.writing import must_rest_on
from parvis.needs.models import (
    Attachment,
    AttachmentState,
    Ballot,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    HarmonisedState,
    NeedVersion,
    Operation,
    OperationKind,
    RawNeed,
    RawNeedState,
    RawNeedText,
    Requirement,
    RequirementText,
)
from parvis.needs.models.harmonised import OPEN
from parvis.needs.specification import Requirement as SpecifiedRequirement
from parvis.needs.specification import Specification

SPEAKING = (Role.REFERENT, Role.SIGNATORY)  # for their institution


class Impossible(Exception):
    """The act is somebody's to do, but not as things stand. `code` has its sentence in `needs.messages`."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def propose(
    principal: Principal, *, working_group: WorkingGroup, title: str, description: str, scope: str = "", out_of_scope: str = ""
) -> HarmonisedNeed:
    """A harmonised need with its first version as a draft."""
    with transaction.atomic():
        need = _new_need(principal, working_group)
        NeedVersion.objects.create(
            need=need,
            number=1,
            title=title,
            description=description,
            scope=scope,
            out_of_scope=out_of_scope,
            written_by_id=principal.profile_id,
        )
        index_harmonised([need.id])
        _record(principal, "harmonised.propose", need)
    return need


def discuss(principal: Principal, need: HarmonisedNeed) -> None:
    with transaction.atomic():
        need = _hold(need)
        _move(need, HarmonisedState.DISCUSSED, come_from=(HarmonisedState.PROPOSED,))
        _notify(principal, need.working_group.profiles.filter(role=Role.REFERENT), "vote_opened", need)
        _record(principal, "harmonised.discuss", need)


def draft_of(need: HarmonisedNeed) -> NeedVersion | None:
    return need.versions.filter(stabilised_at=None).first()


def stable_of(need: HarmonisedNeed) -> NeedVersion | None:
    """The version in force: the latest stabilised one."""
    return need.versions.exclude(stabilised_at=None).order_by("-number").first()


def start_version(principal: Principal, need: HarmonisedNeed) -> NeedVersion:
    """The draft of the next version, with the words and requirements of the one in force. The draft there is, if any."""
    with transaction.atomic():
        need = _living(need)
        if draft := draft_of(need):
            return draft
        current = need.versions.latest("number")
        draft = NeedVersion.objects.create(
            need=need,
            number=current.number + 1,
            title=current.title,
            description=current.description,
            scope=current.scope,
            out_of_scope=current.out_of_scope,
            written_by_id=principal.profile_id,
        )
        for line in current.requirement_texts.prefetch_related("institutions"):
            copy = RequirementText.objects.create(
                requirement_id=line.requirement_id,
                version=draft,
                level=line.level,
                text=line.text,
                verification=line.verification,
            )
            copy.institutions.set(line.institutions.all())
        index_harmonised([need.id])
        _record(principal, "harmonised.new_version", need, number=draft.number)
    return draft


def words_of_version(need: HarmonisedNeed) -> dict[str, str]:
    """Those that the next edition of the need starts from."""
    version = need.versions.latest("number")
    return {name: getattr(version, name) for name in ("title", "description", "scope", "out_of_scope")}


def edit_version(principal: Principal, need: HarmonisedNeed, *, basis: str | None = None, **words: str) -> NeedVersion:
    """Writes the draft, starting one if needed; `words` are fields of NeedVersion. Votes cast on other words are void.
    `basis`: of the `words_of_version` that its author read."""
    with transaction.atomic():
        draft = start_version(principal, need)
        changed = [name for name, value in words.items() if getattr(draft, name) != value]
        if changed:
            must_rest_on(basis, words_of_version(need))
            for name in changed:
                setattr(draft, name, words[name])
            draft.save(update_fields=changed)
            draft.ballots.all().delete()
            index_harmonised([need.id])
            _record(principal, "harmonised.edit", need, number=draft.number, fields=sorted(changed))
    return draft


def add_requirement(
    principal: Principal,
    need: HarmonisedNeed,
    *,
    level: str,
    text: str,
    verification: str = "",
    institutions: Iterable[Institution] = (),
) -> Requirement:
    with transaction.atomic():
        draft = start_version(principal, need)
        latest = need.requirements.aggregate(latest=Max("number"))["latest"] or 0
        requirement = Requirement.objects.create(need=need, number=latest + 1)
        line = RequirementText.objects.create(
            requirement=requirement, version=draft, level=level, text=text, verification=verification
        )
        line.institutions.set(institutions)
        draft.ballots.all().delete()
        _record(principal, "requirement.add", need, requirement=requirement.code)
    return requirement


def words_of_requirement(requirement: Requirement) -> dict[str, object]:
    """Those it has, or had last: `dropped` when the latest version is without it."""
    line = requirement.texts.order_by("version__number").last()
    if line is None:
        return {"dropped": True}
    return {
        "level": line.level,
        "text": line.text,
        "verification": line.verification,
        "institutions": sorted(line.institutions.values_list("id", flat=True)),
        "dropped": line.version_id != requirement.need.versions.latest("number").id,
    }


def edit_requirement(
    principal: Principal,
    requirement: Requirement,
    *,
    level: str,
    text: str,
    verification: str = "",
    institutions: Iterable[Institution] = (),
    basis: str | None = None,
) -> None:
    """In the draft, started if needed. A requirement dropped from it is written back. `basis`: of the
    `words_of_requirement` that its author read."""
    with transaction.atomic():
        draft = start_version(principal, requirement.need)
        words = {"level": level, "text": text, "verification": verification}
        standing = words_of_requirement(requirement)
        if standing != words | {"institutions": sorted(one.id for one in institutions), "dropped": False}:
            must_rest_on(basis, standing)
        line, _created = RequirementText.objects.update_or_create(requirement=requirement, version=draft, defaults=words)
        line.institutions.set(institutions)
        draft.ballots.all().delete()
        _record(principal, "requirement.edit", requirement.need, requirement=requirement.code)


def drop_requirement(principal: Principal, requirement: Requirement) -> None:
    """From the draft: earlier versions keep it, and its number is never given again."""
    with transaction.atomic():
        draft = start_version(principal, requirement.need)
        RequirementText.objects.filter(requirement=requirement, version=draft).delete()
        draft.ballots.all().delete()
        _record(principal, "requirement.drop", requirement.need, requirement=requirement.code)


def vote(principal: Principal, version: NeedVersion, *, in_favour: bool, comment: str = "") -> None:
    """One ballot per institution of the working group, the latest counts."""
    with transaction.atomic():
        need = _living(version.need)
        if version.is_stable:
            raise Impossible("already_stable")
        if not need.working_group.profiles.filter(id=principal.profile_id).exists():
            raise Impossible("not_of_the_group", group=need.working_group.name)
        Ballot.objects.update_or_create(
            version=version,
            institution_id=principal.institution_id,
            defaults={"profile_id": principal.profile_id, "in_favour": in_favour, "comment": comment},
        )
        _record(principal, "harmonised.vote", need, number=version.number, in_favour=in_favour)


def stabilise(principal: Principal, need: HarmonisedNeed) -> NeedVersion:
    """After a vote that carried it. From here on the version never changes, and earlier co-signatures are to be confirmed."""
    with transaction.atomic():
        need = _living(need)
        draft = draft_of(need)
        if draft is None:
            raise Impossible("no_draft")
        ballots = list(draft.ballots.values_list("in_favour", flat=True))
        if ballots.count(True) <= ballots.count(False):
            raise Impossible("not_voted", favour=ballots.count(True), against=ballots.count(False))
        previous = stable_of(need)
        draft.fingerprint = specification(draft).fingerprint
        draft.stabilised_at, draft.stabilised_by_id = timezone.now(), principal.profile_id
        draft.save(update_fields=["fingerprint", "stabilised_at", "stabilised_by"])
        if previous:
            standing = previous.cosignatures.filter(state__in=(CoSignatureState.VALID, CoSignatureState.TO_CONFIRM))
            asked = list(standing.values_list("institution", flat=True))
            _to_confirm(standing, draft)
            _notify(principal, representatives(asked, *SPEAKING), "cosignature_to_confirm", need)
        if need.state in (HarmonisedState.PROPOSED, HarmonisedState.DISCUSSED):
            need.state = HarmonisedState.STABILISED
            need.save(update_fields=["state"])
        _record(principal, "harmonised.stabilise", need, number=draft.number, fingerprint=draft.fingerprint)
    return draft


def open_cosignature(principal: Principal, need: HarmonisedNeed) -> None:
    """Publishes the need: vendors, observers and anybody read it from this instant."""
    with transaction.atomic():
        need = _hold(need)
        _move(need, HarmonisedState.COSIGNING, come_from=(HarmonisedState.STABILISED,))
        need.published_at = timezone.now()
        need.save(update_fields=["published_at"])
        members = Institution.objects.filter(nature=Nature.MEMBER).values_list("id", flat=True)
        _notify(principal, representatives(members, *SPEAKING), "cosignature_open", need)
        _record(principal, "harmonised.open_cosignature", need)


def specification(version: NeedVersion) -> Specification:
    """The version as plain data."""
    lines = version.requirement_texts.select_related("requirement").prefetch_related("institutions")
    return Specification(
        reference=version.need.code,
        version=version.number,
        title=version.title,
        description=version.description,
        scope=version.scope,
        out_of_scope=version.out_of_scope,
        working_group=version.need.working_group.name,
        requirements=tuple(
            SpecifiedRequirement(
                code=line.requirement.code,
                level=line.level,
                text=line.text,
                verification=line.verification,
                institutions=tuple(institution.name for institution in line.institutions.all()),
            )
            for line in lines
        ),
    )


def propose_attachment(
    principal: Principal, text: RawNeedText, harmonised: HarmonisedNeed, *, start: int = 0, end: int | None = None
) -> Attachment:
    """Of a whole wording, or of one excerpt. Who represents the institution that wrote it may accept in the same gesture."""
    end = len(text.text) if end is None else end
    if not 0 <= start < end <= len(text.text):
        raise Impossible("no_such_excerpt")
    with transaction.atomic():
        harmonised = _living(harmonised)
        if text.need.state not in (RawNeedState.PUBLISHED, RawNeedState.ATTACHED):
            raise Impossible("not_published")
        try:
            with transaction.atomic():
                attachment = Attachment.unscoped.create(
                    institution_id=text.institution_id,
                    text=text,
                    start=start,
                    end=end,
                    harmonised=harmonised,
                    proposed_by_id=principal.profile_id,
                )
        except IntegrityError:
            raise Impossible("already_attached", need=harmonised.code) from None
        _notify(principal, representatives([text.institution_id], *SPEAKING), "attachment_proposed", harmonised)
        _record(principal, "attachment.propose", harmonised, attachment=attachment.id, institution=text.institution_id)
    return attachment


def accept_attachment(principal: Principal, attachment: Attachment) -> None:
    """By a person of the institution that wrote the need: the door of `Attachment` lets nobody else through."""
    _must_be_of(principal, attachment)
    with transaction.atomic():
        attachment = _hold_attachment(attachment)
        if attachment.state not in OPEN:
            raise Impossible("already_decided")
        _living(attachment.harmonised)
        now = timezone.now()
        attachment.state, attachment.decided_by_id, attachment.decided_at = AttachmentState.ACCEPTED, principal.profile_id, now
        attachment.save(update_fields=["state", "decided_by", "decided_at"])
        if attachment.replaces_id and attachment.operation and attachment.operation.kind == OperationKind.SPLIT:
            replaced = Attachment.unscoped.filter(id=attachment.replaces_id, state=AttachmentState.ACCEPTED)
            replaced.update(state=AttachmentState.CANCELLED, cancelled_at=now)
        _follow(attachment.text.need_id)
        _tell_proposer(principal, attachment, "attachment_accepted")
        _record(principal, "attachment.accept", attachment.harmonised, attachment=attachment.id)


def refuse_attachment(principal: Principal, attachment: Attachment, *, reason: str = "") -> None:
    """The same excerpt is not suggested again for that need."""
    _must_be_of(principal, attachment)
    with transaction.atomic():
        attachment = _hold_attachment(attachment)
        if attachment.state not in OPEN:
            raise Impossible("already_decided")
        attachment.state, attachment.reason = AttachmentState.REFUSED, reason
        attachment.decided_by_id, attachment.decided_at = principal.profile_id, timezone.now()
        attachment.save(update_fields=["state", "reason", "decided_by", "decided_at"])
        _tell_proposer(principal, attachment, "attachment_refused")
        _record(principal, "attachment.refuse", attachment.harmonised, attachment=attachment.id)


def cancel_attachment(principal: Principal, attachment: Attachment) -> None:
    """Undoes an acceptance, by the institution that gave it, or a proposal, by who made it. Co-signatures do not move: they
    are about words, which stay."""
    own_proposal = attachment.state in OPEN and attachment.proposed_by_id == principal.profile_id
    if not own_proposal:
        _must_be_of(principal, attachment)
    with transaction.atomic():
        attachment = _hold_attachment(attachment)
        if attachment.state not in (*OPEN, AttachmentState.ACCEPTED):
            raise Impossible("already_decided")
        was_accepted = attachment.state == AttachmentState.ACCEPTED
        attachment.state, attachment.cancelled_at = AttachmentState.CANCELLED, timezone.now()
        attachment.save(update_fields=["state", "cancelled_at"])
        _follow(attachment.text.need_id)
        if was_accepted:
            _tell_proposer(principal, attachment, "attachment_withdrawn")
        _record(principal, "attachment.cancel", attachment.harmonised, attachment=attachment.id)


def merge(principal: Principal, kept: HarmonisedNeed, merged: HarmonisedNeed, *, reason: str) -> Operation:
    """`merged` becomes part of `kept`: its attachments and co-signatures stay as they are, and are proposed for `kept`."""
    with transaction.atomic():
        kept, merged = _living(kept), _living(merged)
        if kept.pk == merged.pk:
            raise Impossible("same_need")
        operation = Operation.objects.create(
            kind=OperationKind.MERGE, need=kept, other=merged, reason=reason, done_by_id=principal.profile_id
        )
        merged.merged_into = kept
        merged.save(update_fields=["merged_into"])
        _propose_again(principal, merged.attachments.accepted(), kept, operation)
        version, other_version = stable_of(kept), stable_of(merged)
        if version and other_version:
            _to_confirm(other_version.cosignatures.filter(state=CoSignatureState.VALID), version, operation)
        index_harmonised([merged.id])
        _record(principal, "harmonised.merge", kept, merged=merged.code)
    return operation


def split(
    principal: Principal,
    need: HarmonisedNeed,
    attachments: Sequence[Attachment],
    *,
    title: str,
    description: str,
    reason: str,
) -> Operation:
    """A new need from some of the attachments of `need`; each institution's stays until it accepts the new one."""
    with transaction.atomic():
        need = _living(need)
        chosen = [one for one in attachments if one.harmonised_id == need.id and one.state == AttachmentState.ACCEPTED]
        if not chosen:
            raise Impossible("nothing_to_split")
        new = _new_need(principal, need.working_group)
        NeedVersion.objects.create(
            need=new, number=1, title=title, description=description, written_by_id=principal.profile_id
        )
        operation = Operation.objects.create(
            kind=OperationKind.SPLIT, need=need, other=new, reason=reason, done_by_id=principal.profile_id
        )
        _propose_again(principal, chosen, new, operation)
        index_harmonised([new.id])
        _record(principal, "harmonised.split", need, new=new.code)
    return operation


def undo(principal: Principal, operation: Operation) -> None:
    """Takes back every proposal the operation made, accepted ones too, and gives back what those replaced: attachments and
    co-signatures are exactly those of before, but for what institutions did otherwise since."""
    with transaction.atomic():
        operation = Operation.objects.select_for_update().select_related("need", "other").get(id=operation.id)
        if operation.undone_at:
            raise Impossible("already_undone")
        _nothing_rests_on(operation)
        now = timezone.now()
        made = list(operation.attachments.select_related("text"))
        for attachment in made:
            was_accepted = attachment.state == AttachmentState.ACCEPTED
            if attachment.state in (*OPEN, AttachmentState.ACCEPTED):
                Attachment.unscoped.filter(id=attachment.id).update(state=AttachmentState.CANCELLED, cancelled_at=now)
            if was_accepted and operation.kind == OperationKind.SPLIT and attachment.replaces_id:
                replaced = Attachment.unscoped.filter(id=attachment.replaces_id, state=AttachmentState.CANCELLED)
                replaced.update(state=AttachmentState.ACCEPTED, cancelled_at=None)
        CoSignature.unscoped.filter(operation=operation).update(state=CoSignatureState.WITHDRAWN, withdrawn_at=now)
        if operation.kind == OperationKind.MERGE:
            HarmonisedNeed.unscoped.filter(id=operation.other_id).update(merged_into=None)
        else:
            HarmonisedNeed.unscoped.filter(id=operation.other_id).update(undone_at=now)
        operation.undone_at, operation.undone_by_id = now, principal.profile_id
        operation.save(update_fields=["undone_at", "undone_by"])
        for need_id in {attachment.text.need_id for attachment in made}:
            _follow(need_id)
        index_harmonised([operation.other_id])
        _record(principal, "harmonised.undo", operation.need, operation=operation.id, kind=operation.kind)


def _new_need(principal: Principal, working_group: WorkingGroup) -> HarmonisedNeed:
    # Two at once would take the same number: the group is held, and the constraint has the last word.
    list(WorkingGroup.objects.select_for_update().values_list("id", flat=True))
    latest = HarmonisedNeed.unscoped.aggregate(latest=Max("number"))["latest"] or 0
    return HarmonisedNeed.unscoped.create(number=latest + 1, working_group=working_group, created_by_id=principal.profile_id)


def _hold(need: HarmonisedNeed) -> HarmonisedNeed:
    return HarmonisedNeed.unscoped.select_for_update(of=("self",)).select_related("working_group").get(id=need.id)


def _living(need: HarmonisedNeed) -> HarmonisedNeed:
    held = _hold(need)
    if held.merged_into_id or held.undone_at:
        raise Impossible("merged", need=held.code)
    return held


def _hold_attachment(attachment: Attachment) -> Attachment:
    rows = Attachment.unscoped.select_for_update(of=("self",)).select_related("harmonised", "text", "operation")
    return rows.get(id=attachment.id)


def _move(need: HarmonisedNeed, state: HarmonisedState, *, come_from: tuple[HarmonisedState, ...]) -> None:
    if need.state not in come_from or need.merged_into_id:
        raise Impossible("not_at_this_stage", state=need.get_state_display())
    need.state = state
    need.save(update_fields=["state"])


def _must_be_of(principal: Principal, attachment: Attachment) -> None:
    """The door said it; money, votes and consent are checked where they are taken, too."""
    if principal.role == Role.COORDINATOR or attachment.institution_id != principal.institution_id:
        raise Impossible("another_institution")


def _propose_again(
    principal: Principal, attachments: Iterable[Attachment], harmonised: HarmonisedNeed, operation: Operation
) -> None:
    live = (*OPEN, AttachmentState.ACCEPTED)
    there = set(Attachment.unscoped.filter(harmonised=harmonised, state__in=live).values_list("text_id", "start", "end"))
    Attachment.unscoped.bulk_create(
        Attachment(
            institution_id=one.institution_id,
            text_id=one.text_id,
            start=one.start,
            end=one.end,
            harmonised=harmonised,
            proposed_by_id=principal.profile_id,
            operation=operation,
            replaces=one,
        )
        for one in attachments
        if (one.text_id, one.start, one.end) not in there
    )


def _to_confirm(cosignatures: Iterable[CoSignature], version: NeedVersion, operation: Operation | None = None) -> None:
    """The same word asked again on `version`, of institutions that gave none on it."""
    taken_back = {row.institution_id: row for row in version.cosignatures.taken_back()}
    there = set(version.cosignatures.values_list("institution_id", flat=True)) - taken_back.keys()
    for one in cosignatures:
        if one.institution_id in there:
            continue
        row = taken_back.get(one.institution_id) or CoSignature(institution_id=one.institution_id, version=version)
        row.state, row.operation = CoSignatureState.TO_CONFIRM, operation
        row.signed_by, row.signed_at, row.withdrawn_at = None, None, None
        for name in ("engagement", "students", "users", "envelope_euros", "horizon_date", "comment"):
            setattr(row, name, getattr(one, name))
        row.prepared_by_id = one.signed_by_id or one.prepared_by_id  # whose word it was
        row.save()


def _nothing_rests_on(operation: Operation) -> None:
    later = Operation.objects.filter(undone_at=None, id__gt=operation.id)
    needs = (operation.need_id, operation.other_id)
    if later.filter(need_id__in=needs).exists() or later.filter(other_id__in=needs).exists():
        raise Impossible("later_operation")


def _follow(need_id: int) -> None:
    """A raw need is attached as long as one of its attachments is accepted, and what is accepted leads others to it."""
    accepted = Attachment.unscoped.accepted().filter(text__need_id=need_id).exists()
    come_from, state = (RawNeedState.PUBLISHED, RawNeedState.ATTACHED)[:: 1 if accepted else -1]
    RawNeed.unscoped.filter(id=need_id, state=come_from).update(state=state)
    index_needs([need_id])


def _tell_proposer(principal: Principal, attachment: Attachment, kind: str) -> None:
    if attachment.proposed_by:
        institution = Institution.objects.get(id=attachment.institution_id).short_name
        _notify(principal, [attachment.proposed_by], kind, attachment.harmonised, institution=institution)


def _notify(principal: Principal, profiles: Iterable[Profile], kind: str, need: HarmonisedNeed, **params: str) -> None:
    address = reverse("needs:harmonised", args=[need.id])
    notify(profiles, kind, address, but=principal.profile_id, code=need.code, **params)


def _record(principal: Principal, action: str, need: HarmonisedNeed, **details: Any) -> None:
    record(
        institution_id=principal.institution_id,
        actor=principal.actor,
        action=action,
        subject=f"harmonised:{need.id}",
        **details,
    )
