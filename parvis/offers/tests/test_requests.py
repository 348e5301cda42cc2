"""A request from its preparation to its opening: what each step needs, and what nobody can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parvis.audit.models import Entry
from parvis.institutions.models import Notice
from parvis.needs.actions.harmonised import merge
from parvis.needs.models import HarmonisedNeed, HarmonisedState
from parvis.offers.actions import answers, openings, requests
from parvis.offers.actions.documents import register_entries
from parvis.offers.answer import Grid, Line
from parvis.offers.dossier.content import VendorNamed
from parvis.offers.models import AnswerDraft, ConformityLine, Offer, RegisterKind, RequestForInformation, SealedAnswer
from parvis.offers.passphrases import MOST_TRIES
from parvis.offers.refusals import Impossible
from parvis.offers.sealing import WeakPassphraseError
from parvis.offers.tests.conftest import DAY, MARKER, Market, an_answer, passphrase_of, plain_documents


def test_a_development_without_a_date_is_not_sent(market: Market) -> None:
    request = market.published()
    said = replace(an_answer(market.vendor), lines=(Line("EX-001", "DEV"), Line("EX-002", "ST")))
    with pytest.raises(Impossible, match="date_missing") as refused:
        market.sent(request, market.vendor, said)
    assert refused.value.params["requirements"] == "EX-001"
    assert not SealedAnswer.unscoped.exists()


def test_publication_waits_for_every_holder_and_forgets_the_private_key(market: Market) -> None:
    request = market.prepared()
    coordinator = market.commons.coordinator
    for profile in market.holders[:-1]:
        requests.enrol(market.principal(profile), market.holder(request, profile), passphrase_of(profile))
    with pytest.raises(Impossible, match="holders_missing"):
        requests.publish(coordinator, request, now=market.now)
    missing = market.holders[-1]
    with pytest.raises(WeakPassphraseError):
        requests.enrol(market.principal(missing), market.holder(request, missing), "court")
    requests.enrol(market.principal(missing), market.holder(request, missing), passphrase_of(missing))
    published = requests.publish(coordinator, request, now=market.now, write=plain_documents)
    assert HarmonisedNeed.unscoped.get(id=market.need.id).state == HarmonisedState.ASKED
    assert (bytes(published.private_key), len(bytes(published.public_key))) == (b"", 32)
    names = [document.name for document in published.documents.all()]
    assert [entry.subject for entry in published.register.filter(kind=RegisterKind.PUBLICATION)] == names
    with pytest.raises(Impossible, match="already_published"):
        requests.edit(coordinator, published, market.terms(), now=market.now)


def test_a_need_that_was_merged_meanwhile_is_not_asked_about(market: Market) -> None:
    request = market.prepared()
    for profile in market.holders:
        requests.enrol(market.principal(profile), market.holder(request, profile), passphrase_of(profile))
    merge(market.commons.coordinator, market.commons.need("Autre"), market.need, reason="Le même")
    merged = RequestForInformation.unscoped.get()
    with pytest.raises(Impossible, match="need_not_published"):
        requests.publish(market.commons.coordinator, merged, now=market.now, write=plain_documents)


def test_two_prepared_at_once_do_not_take_the_same_number(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = market.prepared().number
    monkeypatch.setattr(requests, "_next_number", lambda: taken)
    with pytest.raises(Impossible, match="number_taken"):
        market.prepared()


@pytest.mark.parametrize("needed", [1, 4])
def test_at_least_two_holders_of_those_there_are(market: Market, needed: int) -> None:
    with pytest.raises(Impossible, match="holders_unfit"):
        market.prepared(needed)


def test_the_kth_share_opens_everything_at_once(market: Market) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    market.sent(request, market.rival)
    first, second, third = market.holders
    with pytest.raises(Impossible, match="too_early"):
        openings.contribute(
            market.principal(first), market.holder(request, first), passphrase_of(first), now=market.now + 9 * DAY
        )
    assert market.give(request, first) is False
    assert not Offer.unscoped.exists()
    with pytest.raises(Impossible, match="given"):
        market.give(request, first)
    assert market.give(request, third) is True
    assert [offer.product for offer in Offer.unscoped.all()] == [
        f"Produit {MARKER} Atelier Vega",
        f"Produit {MARKER} Comptoir Altaïr",
    ]
    opened = RequestForInformation.unscoped.get(id=request.id)
    assert opened.private_key
    assert HarmonisedNeed.unscoped.get(id=market.need.id).state == HarmonisedState.ANSWERED
    with pytest.raises(Impossible, match="opened"):
        market.give(request, second)


def test_a_requirement_without_a_line_is_no_answer(market: Market) -> None:
    market.opened()
    codes = {
        (line.offer.institution_id, line.requirement.requirement.code): line.code for line in ConformityLine.objects.all()
    }
    vendor = market.vendor.institution_id
    assert (codes[vendor, "EX-001"], codes[vendor, "EX-002"]) == ("ST", "")


def test_an_altered_answer_is_told_of_and_stops_no_other(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    request = market.published()
    create = SealedAnswer.unscoped.create
    monkeypatch.setattr(SealedAnswer.unscoped, "create", lambda **row: create(**{**row, "blob": row["blob"][:-1] + b"x"}))
    market.sent(request, market.vendor)
    monkeypatch.undo()
    market.sent(request, market.rival)
    for profile in market.holders[:2]:
        market.give(request, profile)
    opened = RequestForInformation.unscoped.get(id=request.id)
    assert [offer.institution for offer in Offer.unscoped.all()] == [market.rival.institution]
    assert opened.unreadable_vendors() == [market.vendor.institution]


def test_the_latest_revision_counts(market: Market) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    principal, frame = market.principal(market.vendor), answers.frame_of(request)
    draft = AnswerDraft.unscoped.get()
    key = answers.unlock(principal, draft, passphrase_of(market.vendor), now=market.now)
    company = an_answer(market.vendor).company
    with pytest.raises(Impossible, match="already_sent"):
        answers.submit(principal, request, key, frame=frame, now=market.now + DAY)
    answers.write(principal, request, key, lambda grid: Grid(grid.lines, (), type(company)(product="Deuxième")), frame=frame)
    second = answers.submit(principal, request, key, frame=frame, now=market.now + 2 * DAY)
    assert second.revision == 2
    assert answers.reopen(SealedAnswer.unscoped.get(revision=1), key, frame).company.product.startswith("Produit")
    for profile in market.holders[:2]:
        market.give(request, profile)
    assert Offer.unscoped.get().product == "Deuxième"


def test_a_late_answer_is_refused_written_down_and_its_draft_stays(market: Market) -> None:
    request = market.published()
    principal, frame = market.principal(market.vendor), answers.frame_of(request)
    key = answers.start(principal, request, passphrase_of(market.vendor))
    answers.write(principal, request, key, lambda _grid: an_answer(market.vendor), frame=frame)
    with pytest.raises(Impossible, match="late"):
        answers.submit(principal, request, key, frame=frame, now=request.deadline_at)
    assert not SealedAnswer.unscoped.exists()
    assert answers.read(AnswerDraft.unscoped.get(), key, frame) == an_answer(market.vendor)
    assert request.register.filter(kind=RegisterKind.REFUSAL, recipient=market.vendor.institution).count() == 1
    assert Entry.objects.filter(action="answer.late").count() == 1


def test_a_deadline_is_postponed_for_everybody_while_answers_are_received(market: Market) -> None:
    request, coordinator = market.published(), market.commons.coordinator
    market.sent(request, market.vendor)
    sealed, later = bytes(SealedAnswer.unscoped.get().blob), request.deadline_at + 5 * DAY
    with pytest.raises(Impossible, match="not_later"):
        requests.postpone(coordinator, request, deadline_at=request.deadline_at, reason="Congés", now=market.now)
    with pytest.raises(VendorNamed):
        requests.postpone(coordinator, request, deadline_at=later, reason="Pour Atelier Vega", now=market.now)
    requests.postpone(coordinator, request, deadline_at=later, reason="Congés", now=request.deadline_at - DAY)
    [line] = request.register.filter(kind=RegisterKind.POSTPONEMENT)
    assert line.recipient is None
    assert "Congés" in line.subject
    assert {market.vendor, market.rival} <= {notice.profile for notice in Notice.objects.filter(code="request_postponed")}
    with pytest.raises(Impossible, match="too_early"):
        market.give(RequestForInformation.unscoped.get(id=request.id), market.holders[0])
    principal, frame = market.principal(market.vendor), answers.frame_of(request)
    key = answers.unlock(principal, AnswerDraft.unscoped.get(), passphrase_of(market.vendor), now=market.after)
    answers.write(principal, request, key, lambda grid: replace(grid, prices=()), frame=frame)
    assert answers.submit(principal, request, key, frame=frame, now=market.after).revision == 2
    assert bytes(SealedAnswer.unscoped.get(revision=1).blob) == sealed
    with pytest.raises(Impossible, match="not_running"):
        requests.postpone(coordinator, request, deadline_at=later + DAY, reason="Encore", now=later)


def test_the_register_says_nothing_of_who_answered_before_the_opening(market: Market) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    assert {entry.kind for entry in register_entries(request)} == {RegisterKind.PUBLICATION}
    for profile in market.holders[:2]:
        market.give(request, profile)
    opened = RequestForInformation.unscoped.get(id=request.id)
    assert {entry.kind for entry in register_entries(opened)} >= {RegisterKind.SUBMISSION, RegisterKind.OPENING}


def test_wrong_passphrases_are_few(market: Market) -> None:
    request = market.published()
    market.sent(request, market.vendor)
    profile = market.holders[0]
    principal = market.principal(profile)
    for left in range(MOST_TRIES - 1, 0, -1):
        with pytest.raises(Impossible, match="wrong_passphrase") as refusal:
            openings.contribute(principal, market.holder(request, profile), "une autre phrase secrète", now=market.after)
        assert refusal.value.params == {"left": left}
    for passphrase in ("une autre phrase secrète", passphrase_of(profile)):
        with pytest.raises(Impossible, match="too_many_tries"):
            openings.contribute(principal, market.holder(request, profile), passphrase, now=market.after)
    later = market.after + DAY
    assert openings.contribute(principal, market.holder(request, profile), passphrase_of(profile), now=later) is False


def test_questions_are_answered_to_all_at_once_without_names(market: Market) -> None:
    request = market.published()
    vendor = market.principal(market.vendor)
    question = requests.ask(vendor, request, "Atelier Vega demande : sur site ?", now=market.now + DAY)
    coordinator = market.commons.coordinator
    with pytest.raises(VendorNamed) as named:
        requests.publish_answer(
            coordinator, question, published_text=question.text, answer="Comme Atelier Vega", now=market.now + DAY
        )
    assert [one.place for one in named.value.namings] == ["question", "answer"]
    requests.publish_answer(coordinator, question, published_text="Sur site ?", answer="Oui", now=market.now + DAY)
    with pytest.raises(Impossible, match="already_answered"):
        requests.publish_answer(coordinator, question, published_text="Sur site ?", answer="Non", now=market.now + DAY)
    with pytest.raises(Impossible, match="questions_closed"):
        requests.ask(vendor, request, "Encore ?", now=market.now + 6 * DAY)
