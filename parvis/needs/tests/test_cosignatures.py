"""An institution's word: who gives it, on which version, and what the totals count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from parvis.institutions.models import Profile, Role
from parvis.needs.actions import cosignatures, harmonised
from parvis.needs.actions.cosignatures import Word, totals
from parvis.needs.models import CoSignature, CoSignatureState, HarmonisedNeed
from parvis.needs.tests.conftest import Commons

SignIn = Callable[[Profile], Client]


@pytest.fixture
def signatory(commons: Commons) -> Profile:
    person = commons.house.other_teacher.person
    return Profile.objects.create(institution=commons.house.institution, person=person, role=Role.SIGNATORY)


def _published(commons: Commons, title: str = "Assistant de scolarité") -> HarmonisedNeed:
    need = commons.need(title)
    commons.stable(need)
    harmonised.open_cosignature(commons.coordinator, need)
    return HarmonisedNeed.unscoped.get(id=need.id)


def _new_version(commons: Commons, need: HarmonisedNeed) -> None:
    harmonised.edit_version(commons.coordinator, need, scope="Licence et master")
    commons.stable(need)


def test_a_referent_prepares_and_a_signatory_signs(commons: Commons, sign_in: SignIn, signatory: Profile) -> None:
    need = _published(commons)
    address = reverse("needs:cosignature", args=[need.id])
    word = {"engagement": "pilot", "students": "12000", "envelope_euros": "40000", "sign": "1"}
    sign_in(commons.representing).post(address, word)
    assert CoSignature.unscoped.get().state == CoSignatureState.PREPARED, "a referent's “sign” signs nothing"
    for other in (commons.coordinating, commons.house.teacher):
        assert sign_in(other).post(address, word).status_code == 403
    assert sign_in(commons.house.student).post(address, word).status_code == 404
    page = sign_in(signatory).post(address, word, follow=True).content.decode()
    row = CoSignature.unscoped.get()
    assert (row.state, row.signed_by, row.students) == (CoSignatureState.VALID, signatory, 12_000)
    assert "12\N{NARROW NO-BREAK SPACE}000" in page or "12\N{NO-BREAK SPACE}000" in page
    assert "40" in page
    refused = sign_in(signatory).post(address, word | {"students": "-3"})
    assert refused.status_code == 422


def test_a_new_version_is_confirmed_with_its_changes_in_view(commons: Commons, sign_in: SignIn, signatory: Profile) -> None:
    need = _published(commons)
    principal = commons.house.principal(signatory)
    cosignatures.sign(principal, need, Word("cosignatory", students=500))
    client, address = sign_in(signatory), reverse("needs:cosignature", args=[need.id])
    listed = reverse("needs:harmonised_list")
    assert "<li>1 co-signature<" in client.get(listed).content.decode()
    _new_version(commons, need)
    assert "<li>1 co-signature<" not in client.get(listed).content.decode(), "the former version’s counts no more"
    page = client.get(address).content.decode()
    assert "<ins>Licence et master</ins>" in page
    assert 'value="500"' in page
    assert _totals(need).institutions == 0
    assert _totals(need).to_confirm == 1
    word = {"engagement": "cosignatory", "students": "600", "sign": "1"}
    assert client.post(address, word | {"version": "1"}).status_code == 422, "what was read is not what is in force"
    client.post(address, word | {"version": "2"})
    assert (_totals(need).institutions, _totals(need).students, _totals(need).to_confirm) == (1, 600, 0)
    client.post(reverse("needs:withdrawal", args=[need.id]))
    assert _totals(need).institutions == 0


def test_totals_count_institutions_and_tell_silence_from_zero(commons: Commons, signatory: Profile) -> None:
    need = _published(commons)
    cosignatures.sign(commons.house.principal(signatory), need, Word("pilot", students=0))
    cosignatures.sign(commons.neighbour, need, Word("interested", envelope_euros=10_000))
    counted = _totals(need)
    assert (counted.institutions, counted.students, counted.said_students) == (2, 0, 1)
    assert (counted.envelope_euros, counted.said_envelope, counted.pilots) == (10_000, 1, 1)


def test_an_undone_merge_takes_back_what_it_had_asked_to_sign(commons: Commons, signatory: Profile) -> None:
    kept, merged = _published(commons), _published(commons, "Foire aux questions")
    principal = commons.house.principal(signatory)
    cosignatures.sign(principal, merged, Word("pilot", students=500))
    before = _valid()
    operation = harmonised.merge(commons.coordinator, kept, merged, reason="Même besoin")
    cosignatures.sign(principal, kept, Word("pilot", students=700))
    assert len(_valid()) == 2
    harmonised.undo(commons.coordinator, operation)
    assert _valid() == before
    again = harmonised.merge(commons.coordinator, kept, merged, reason="Même besoin, tout de même")
    asked = CoSignature.unscoped.get(operation=again)
    assert (asked.state, asked.students, asked.signed_by) == (CoSignatureState.TO_CONFIRM, 500, None), "asked a second time"
    harmonised.undo(commons.coordinator, again)
    assert _valid() == before
    cosignatures.sign(principal, kept, Word("pilot"))
    assert len(_valid()) == 2, "signed anew, on its own"


def test_nothing_is_signed_before_the_need_is_open(commons: Commons) -> None:
    need = commons.need()
    commons.stable(need)
    with pytest.raises(harmonised.Impossible, match="not_open_to_cosignature"):
        cosignatures.sign(commons.referent, need, Word("pilot"))
    with pytest.raises(harmonised.Impossible, match="nothing_signed"):
        cosignatures.withdraw(commons.referent, need)


def test_what_an_institution_prepares_is_its_own(commons: Commons) -> None:
    need = _published(commons)
    cosignatures.prepare(commons.referent, need, Word("pilot", envelope_euros=99))
    seen = [CoSignature.objects.visible_to(one).count() for one in (commons.referent, commons.neighbour, commons.coordinator)]
    assert seen == [1, 0, 0]


def _totals(need: HarmonisedNeed) -> cosignatures.Totals:
    version = harmonised.stable_of(need)
    assert version
    return totals(version.cosignatures.all())


def _valid() -> list[tuple[object, ...]]:
    return sorted(CoSignature.unscoped.valid().values_list("institution_id", "version_id", "students"), key=str)
