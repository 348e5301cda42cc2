"""Harmonised needs as people meet them: a referent, the coordination, a neighbour, a vendor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from parvis.institutions.models import Institution, Nature, Profile, Role
from parvis.needs.actions import harmonised as actions
from parvis.needs.models import Attachment, AttachmentState, HarmonisedNeed, HarmonisedState
from parvis.needs.tests.conftest import TEXT, Commons

SignIn = Callable[[Profile], Client]


@pytest.fixture
def vendor(commons: Commons) -> Profile:
    firm = Institution.objects.create(slug="editeur", name="Éditeur", short_name="Éditeur", nature=Nature.VENDOR)
    person = commons.house.neighbour_student.person
    return Profile.objects.create(institution=firm, person=person, role=Role.VENDOR)


def test_from_a_proposal_to_a_published_need(commons: Commons, sign_in: SignIn) -> None:
    coordination, referent = sign_in(commons.coordinating), sign_in(commons.representing)
    words = {"working_group": commons.group.id, "title": "Assistant de scolarité", "description": "Répondre aux étudiants."}
    coordination.post(reverse("needs:harmonised_new"), words)
    need = HarmonisedNeed.unscoped.get()
    line = {"text": "Citer la page", "level": "P", "institutions": [commons.house.institution.id]}
    coordination.post(reverse("needs:requirement_new", args=[need.id]), line)
    coordination.post(reverse("needs:discussion", args=[need.id]))
    early = coordination.post(reverse("needs:stabilisation", args=[need.id]), follow=True)
    assert "Le vote ne l’emporte pas encore" in early.content.decode()
    referent.post(reverse("needs:ballot", args=[need.id]), {"in_favour": "yes", "comment": "D’accord"})
    coordination.post(reverse("needs:stabilisation", args=[need.id]))
    page = coordination.post(reverse("needs:opening", args=[need.id]), follow=True).content.decode()
    assert HarmonisedNeed.unscoped.get().state == HarmonisedState.COSIGNING
    for words_shown in (
        "BH-001",
        "EX-001",
        "Citer la page",
        "primordiale",
        "Seulement pour\u00a0:",
        "version 1, stabilisée le",
    ):
        assert words_shown in page
    assert "BH-001" in referent.get(reverse("needs:harmonised_list")).content.decode()


def test_the_coordination_cannot_accept_for_an_institution(commons: Commons, sign_in: SignIn) -> None:
    need, text = commons.need(), commons.text(commons.referent)
    coordination = sign_in(commons.coordinating)
    asked = {"harmonised": need.id, "sentence": ["1"]}
    coordination.post(reverse("needs:attach", args=[text.need_id]), asked)
    attachment = Attachment.unscoped.get()
    assert attachment.excerpt == "Il passe la main à un humain."
    for act in ("acceptance", "refusal"):
        refused = coordination.post(reverse(f"needs:{act}", args=[attachment.id]))
        assert refused.status_code == 403
        assert "personne n’accepte à la place d’un autre" in refused.content.decode()
    assert Attachment.unscoped.get().state == AttachmentState.PROPOSED
    page = sign_in(commons.representing).post(reverse("needs:acceptance", args=[attachment.id]), follow=True)
    assert Attachment.unscoped.get().state == AttachmentState.ACCEPTED
    original = reverse("needs:version", args=[text.need_id, 1])
    assert f'<a href="{original}">Il passe la main' in page.content.decode()
    assert TEXT.split(".")[0] in coordination.get(original).content.decode()
    colleague = sign_in(commons.house.teacher).post(reverse("needs:cancellation", args=[attachment.id]))
    assert "c’est son référent ou son signataire" in colleague.content.decode()
    sign_in(commons.representing).post(reverse("needs:cancellation", args=[attachment.id]))
    life = coordination.get(reverse("needs:harmonised", args=[need.id])).content.decode()
    assert "Extrait accepté par Ici" in life
    assert "Acceptation reprise\u00a0: Ici" in life
    assert "attachment_withdrawn" in commons.coordinating.notices.values_list("code", flat=True)


def test_others_are_told_that_it_is_not_theirs_or_find_nothing(commons: Commons, sign_in: SignIn, vendor: Profile) -> None:
    need = commons.need()
    attachment = actions.propose_attachment(commons.coordinator, commons.text(commons.referent), need)
    teacher, outside = sign_in(commons.house.other_teacher), sign_in(vendor)
    for name, argument in (
        ("harmonised_edit", need.id),
        ("requirement_new", need.id),
        ("stabilisation", need.id),
        ("ballot", need.id),
        ("merger", need.id),
        ("acceptance", attachment.id),
    ):
        address = reverse(f"needs:{name}", args=[argument])
        assert teacher.post(address).status_code == 403, name
        assert outside.post(address).status_code == 404, name
        assert sign_in(commons.house.student).post(address).status_code == 404, name


def test_a_vendor_reads_published_needs_without_their_kitchen(commons: Commons, sign_in: SignIn, vendor: Profile) -> None:
    need = commons.need()
    commons.attached(need, commons.referent)
    address, client = reverse("needs:harmonised", args=[need.id]), sign_in(vendor)
    assert client.get(address).status_code == 404
    commons.stable(need)
    actions.open_cosignature(commons.coordinator, need)
    page = client.get(address).content.decode()
    assert "Assistant de scolarité" in page
    assert "y compris le soir" not in page
    draft = actions.start_version(commons.coordinator, need)
    assert client.get(reverse("needs:harmonised_version", args=[need.id, draft.number])).status_code == 404


def test_merge_split_and_undo_in_pages(commons: Commons, sign_in: SignIn) -> None:
    kept, merged = commons.need(), commons.need("Foire aux questions")
    attachment = commons.attached(merged, commons.referent)
    coordination = sign_in(commons.coordinating)
    reason = {"reason": "Le même besoin"}
    coordination.post(reverse("needs:merger", args=[kept.id]), {"other": merged.id, **reason})
    page = coordination.get(reverse("needs:harmonised", args=[merged.id])).content.decode()
    assert "fusionné avec BH-001" in page
    operation = kept.operations.get()
    coordination.post(reverse("needs:undoing", args=[operation.id]))
    split = {"attachments": [attachment.id], "title": "Le soir", "description": "Hors des heures", **reason}
    shown = coordination.post(reverse("needs:division", args=[merged.id]), split, follow=True).content.decode()
    assert "BH-003" in shown
    assert "détaché de ce besoin" in shown
    wrong = coordination.post(reverse("needs:division", args=[merged.id]), {**split, "attachments": []})
    assert wrong.status_code == 422


def test_words_saved_meanwhile_are_shown_beside_ones_own(commons: Commons, sign_in: SignIn) -> None:
    need = commons.need()
    number = actions.add_requirement(commons.coordinator, need, level="P", text="Citer la page").number
    client = sign_in(commons.coordinating)
    version = {"title": "Assistant", "description": "Le mien"}
    for address, mine, theirs in (
        (reverse("needs:harmonised_edit", args=[need.id]), version, version | {"description": "Le sien"}),
        (reverse("needs:requirement", args=[need.id, number]), _line("Le mien"), _line("Le sien")),
    ):
        basis = client.get(address).context["basis"]
        assert client.post(address, theirs | {"basis": basis}).status_code == 302
        late = client.post(address, mine | {"basis": basis})
        assert late.status_code == 409
        page = late.content.decode()
        assert page.count("Le sien") == 1
        assert "Le mien</textarea>" in page
        assert client.post(address, theirs | {"basis": basis}).status_code == 302, "the same words twice are no conflict"
        assert client.post(address, mine | {"basis": late.context["basis"]}).status_code == 302
    assert need.versions.get().description == "Le mien"
    dropped = client.get(address).context["basis"]
    client.post(reverse("needs:requirement_removal", args=[need.id, number]))
    assert client.post(address, _line("Le mien, mieux") | {"basis": dropped}).status_code == 409


def _line(text: str) -> dict[str, str]:
    return {"text": text, "level": "P"}
