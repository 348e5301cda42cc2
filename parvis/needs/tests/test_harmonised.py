"""Consent: what an institution agreed to is moved by nobody else, and an undo gives it back exactly."""

from __future__ import annotations

import pytest

from parvis.needs.actions import harmonised as actions
from parvis.needs.actions.harmonised import Impossible
from parvis.needs.models import (
    Attachment,
    AttachmentState,
    CoSignature,
    CoSignatureState,
    HarmonisedNeed,
    HarmonisedState,
    Operation,
    RawNeed,
    RawNeedState,
)
from parvis.needs.tests.conftest import TEXT, Commons


def fresh(attachment: Attachment) -> Attachment:
    return Attachment.unscoped.get(id=attachment.id)


def snapshot() -> tuple[object, object]:
    """All that stands: accepted attachments and co-signatures in force."""
    attachments = Attachment.unscoped.accepted().values_list("harmonised_id", "text_id", "start", "end", "decided_by_id")
    cosignatures = CoSignature.unscoped.valid().values_list("institution_id", "version_id", "students", "signed_by_id")
    return sorted(attachments), sorted(cosignatures)


def test_only_the_institution_that_wrote_a_need_accepts_its_attachment(commons: Commons) -> None:
    attachment = actions.propose_attachment(
        commons.coordinator, commons.text(commons.referent), commons.need(), start=3, end=12
    )
    assert attachment.excerpt == TEXT[3:12]
    for other in (commons.coordinator, commons.neighbour):
        with pytest.raises(Impossible, match="another_institution"):
            actions.accept_attachment(other, attachment)
    assert fresh(attachment).state == AttachmentState.PROPOSED
    actions.accept_attachment(commons.referent, attachment)
    assert fresh(attachment).state == AttachmentState.ACCEPTED
    assert RawNeed.unscoped.get().state == RawNeedState.ATTACHED
    with pytest.raises(Impossible, match="already_decided"):
        actions.refuse_attachment(commons.referent, attachment)
    actions.cancel_attachment(commons.referent, attachment)
    assert RawNeed.unscoped.get().state == RawNeedState.PUBLISHED


def test_a_need_that_is_not_shared_yet_and_an_excerpt_outside_it_are_not_attached(commons: Commons) -> None:
    need = commons.need()
    with pytest.raises(Impossible, match="not_published"):
        actions.propose_attachment(commons.coordinator, commons.text(commons.referent, RawNeedState.VALIDATED), need)
    text = commons.text(commons.referent)
    for start, end in ((5, 5), (-1, 4), (0, len(TEXT) + 1)):
        with pytest.raises(Impossible, match="no_such_excerpt"):
            actions.propose_attachment(commons.coordinator, text, need, start=start, end=end)
    actions.propose_attachment(commons.coordinator, text, need)
    with pytest.raises(Impossible, match="already_attached"):
        actions.propose_attachment(commons.neighbour, text, need)


def test_a_version_is_stabilised_after_a_vote_that_carries_it(commons: Commons) -> None:
    need = commons.need()
    version = actions.start_version(commons.coordinator, need)
    with pytest.raises(Impossible, match="not_voted"):
        actions.stabilise(commons.coordinator, need)
    actions.vote(commons.referent, version, in_favour=True)
    actions.vote(commons.neighbour, version, in_favour=False)
    with pytest.raises(Impossible, match="not_voted"):
        actions.stabilise(commons.coordinator, need)
    with pytest.raises(Impossible, match="not_of_the_group"):
        actions.vote(commons.house.principal(commons.house.teacher), version, in_favour=True)
    actions.vote(commons.neighbour, version, in_favour=True)
    stable = actions.stabilise(commons.coordinator, need)
    assert stable.fingerprint == actions.specification(stable).fingerprint != ""
    assert HarmonisedNeed.unscoped.get().state == HarmonisedState.STABILISED
    actions.open_cosignature(commons.coordinator, need)
    assert list(HarmonisedNeed.unscoped.published()) == [need]


def test_a_changed_word_makes_the_votes_void(commons: Commons) -> None:
    need = commons.need()
    actions.vote(commons.referent, actions.start_version(commons.coordinator, need), in_favour=True)
    actions.edit_version(commons.coordinator, need, scope="Licence")
    with pytest.raises(Impossible, match="not_voted"):
        actions.stabilise(commons.coordinator, need)


def test_a_requirement_keeps_its_number_through_versions(commons: Commons) -> None:
    need = commons.need()
    first = actions.add_requirement(commons.coordinator, need, level="P", text="Répondre en français")
    second = actions.add_requirement(
        commons.coordinator, need, level="S", text="Répondre en breton", institutions=[commons.house.institution]
    )
    old = commons.stable(need)
    actions.drop_requirement(commons.coordinator, first)
    third = actions.add_requirement(commons.coordinator, need, level="I", text="Citer la page")
    new = commons.stable(need)
    assert [line.requirement for line in old.requirement_texts.all()] == [first, second]
    assert [line.requirement.code for line in new.requirement_texts.all()] == [second.code, third.code] == ["EX-002", "EX-003"]
    assert [list(line.institutions.all()) for line in new.requirement_texts.all()] == [[commons.house.institution], []]


def test_a_new_version_asks_every_cosignature_again_and_keeps_the_old_ones(commons: Commons) -> None:
    need = commons.need()
    old = commons.stable(need)
    commons.signed(old, commons.referent)
    actions.edit_version(commons.coordinator, need, scope="Licence")
    new = commons.stable(need)
    [asked] = new.cosignatures.all()
    assert (asked.state, asked.students, asked.signed_by) == (CoSignatureState.TO_CONFIRM, 1_000, None)
    assert list(old.cosignatures.values_list("state", flat=True)) == [CoSignatureState.VALID]


def test_an_undone_merge_restores_attachments_and_cosignatures_exactly(commons: Commons) -> None:
    kept, merged = commons.need(), commons.need("Foire aux questions")
    commons.attached(kept, commons.referent)
    commons.attached(merged, commons.neighbour)
    commons.signed(commons.stable(kept), commons.referent)
    commons.signed(commons.stable(merged), commons.neighbour)
    before = snapshot()
    operation = actions.merge(commons.coordinator, kept, merged, reason="Même chose")
    assert snapshot() == before, "a merge proposes and moves nothing"
    [proposed] = operation.attachments.all()
    with pytest.raises(Impossible, match="another_institution"):
        actions.accept_attachment(commons.coordinator, proposed)
    actions.accept_attachment(commons.neighbour, proposed)
    asked = CoSignature.unscoped.get(operation=operation)
    assert (asked.institution_id, asked.state) == (commons.neighbour.institution_id, CoSignatureState.TO_CONFIRM)
    with pytest.raises(Impossible, match="merged"):
        actions.start_version(commons.coordinator, merged)
    actions.undo(commons.coordinator, operation)
    assert snapshot() == before
    assert HarmonisedNeed.unscoped.living().count() == 2
    with pytest.raises(Impossible, match="already_undone"):
        actions.undo(commons.coordinator, operation)


def test_an_undone_split_gives_back_what_its_acceptance_replaced(commons: Commons) -> None:
    need = commons.need()
    mine, theirs = commons.attached(need, commons.referent), commons.attached(need, commons.neighbour)
    commons.signed(commons.stable(need), commons.referent)
    before = snapshot()
    operation = actions.split(
        commons.coordinator, need, [mine, theirs], title="Le soir", description="…", reason="Deux besoins"
    )
    assert snapshot() == before
    actions.accept_attachment(commons.referent, operation.attachments.get(institution_id=commons.referent.institution_id))
    assert fresh(mine).state == AttachmentState.CANCELLED
    assert fresh(theirs).state == AttachmentState.ACCEPTED, "the neighbour has not answered"
    actions.undo(commons.coordinator, operation)
    assert snapshot() == before


def test_operations_are_undone_from_the_latest(commons: Commons) -> None:
    first, second, third = commons.need("un"), commons.need("deux"), commons.need("trois")
    older = actions.merge(commons.coordinator, second, third, reason="")
    newer = actions.merge(commons.coordinator, first, second, reason="")
    with pytest.raises(Impossible, match="later_operation"):
        actions.undo(commons.coordinator, older)
    actions.undo(commons.coordinator, newer)
    actions.undo(commons.coordinator, Operation.objects.get(id=older.id))
    assert HarmonisedNeed.unscoped.living().count() == 3


def test_the_excerpts_of_a_need_are_the_same_bytes_after_fifty_operations(commons: Commons) -> None:
    need, other = commons.need(), commons.need("Autre")
    attachment = commons.attached(need, commons.referent)
    words = (attachment.excerpt, attachment.text.written_at, attachment.institution_id)
    for turn in range(25):
        actions.undo(commons.coordinator, actions.merge(commons.coordinator, other, need, reason=str(turn)))
        made = actions.split(commons.coordinator, need, [fresh(attachment)], title="x", description="y", reason=str(turn))
        actions.undo(commons.coordinator, made)
    again = fresh(attachment)
    assert (again.excerpt, again.text.written_at, again.institution_id) == words
    assert again.state == AttachmentState.ACCEPTED
