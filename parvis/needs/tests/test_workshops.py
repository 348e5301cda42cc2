"""A session: who opens and writes it, what bringing needs together does and does not do, the minutes taken away."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from docx import Document

from parvis.institutions.models import Profile
from parvis.needs.models import Attachment, AttachmentState, HarmonisedNeed, Minute, RawNeedState, Workshop
from parvis.needs.tests.conftest import Commons

SignIn = Callable[[Profile], Client]


@pytest.fixture
def workshop(commons: Commons) -> Workshop:
    return Workshop.unscoped.create(working_group=commons.group, title="Séance 1", opened_by=commons.coordinating)


def test_needs_brought_together_are_proposed_and_nothing_more(commons: Commons, workshop: Workshop, sign_in: SignIn) -> None:
    here, there = commons.text(commons.referent), commons.text(commons.neighbour)
    draft = commons.text(commons.neighbour, RawNeedState.DRAFT)
    client = sign_in(commons.representing)
    page = reverse("needs:workshop", args=[workshop.id])
    shown = client.get(page).content.decode()
    assert f'id="need-{here.need_id}"' in shown
    assert f'id="need-{draft.need_id}"' not in shown
    address = reverse("needs:workshop_gathering", args=[workshop.id])
    chosen = [here.need_id, there.need_id, draft.need_id]
    client.post(address, {"need": chosen, "title": "Répondre le soir", "description": "Hors des heures."})
    need = HarmonisedNeed.unscoped.get()
    assert set(Attachment.unscoped.values_list("text", "state")) == {
        (here.id, AttachmentState.PROPOSED),
        (there.id, AttachmentState.PROPOSED),
    }
    client.post(address, {"need": chosen, "harmonised": need.id})
    assert Attachment.unscoped.count() == 2, "proposed once"
    before, other, after = (commons.text(commons.referent).need_id for _time in range(3))
    below = {"need": other, "way": "1", "order": f"{before} {other} {after} "}
    unsaid = client.post(address, below | {"to-1": ""})
    assert unsaid.headers["Location"] == f"{page}#choose-{other}"
    done = client.post(address, below | {"to-1": need.id})
    assert done.headers["Location"] == f"{page}#choose-{after}", "one goes on with the next card"
    assert Attachment.unscoped.count() == 3
    acts = [minute.text for minute in Minute.objects.filter(kind="act")][:2]
    assert acts == [
        "Besoin harmonisé proposé\u00a0: BH-001, Répondre le soir.",
        "Proposés pour BH-001, Répondre le soir\u00a0: «\u00a0Assistant\u00a0» (Ici), «\u00a0Assistant\u00a0» (Là-bas). "
        "Chaque établissement décide pour lui-même.",
    ]
    assert f'id="need-{here.need_id}"' not in client.get(page).content.decode()


def test_who_is_not_of_the_group_reads_and_does_not_write(commons: Commons, workshop: Workshop, sign_in: SignIn) -> None:
    line = {"kind": "note", "text": "Bonjour"}
    for name in ("workshop_minute", "workshop_gathering", "workshop_closing"):
        address = reverse(f"needs:{name}", args=[workshop.id])
        assert sign_in(commons.house.teacher).post(address, line).status_code == 403, name
        assert sign_in(commons.house.student).post(address, line).status_code == 404, name
    assert sign_in(commons.house.teacher).get(reverse("needs:workshop", args=[workshop.id])).status_code == 200
    refused = sign_in(commons.house.teacher).post(reverse("needs:workshops"), {"title": "x"})
    assert refused.status_code == 403
    assert Minute.objects.count() == 0


def test_a_line_written_elsewhere_arrives_and_an_unchanged_page_is_left_alone(
    commons: Commons, workshop: Workshop, sign_in: SignIn
) -> None:
    client, follow = sign_in(commons.representing), reverse("needs:workshop_following", args=[workshop.id])
    assert client.get(follow, {"vu": 0, "carte": 0}).status_code == 204
    address = reverse("needs:workshop_minute", args=[workshop.id])
    sign_in(commons.coordinating).post(address, {"kind": "decision", "text": "On retient <b>le soir</b>"})
    news = client.get(follow, {"vu": 0, "carte": 0}).content.decode()
    assert "On retient &lt;b&gt;le soir" in news
    whole = client.get(reverse("needs:workshop", args=[workshop.id])).content.decode()
    assert news.strip() in whole


def test_minutes_are_taken_away_and_change_no_more_once_closed(commons: Commons, workshop: Workshop, sign_in: SignIn) -> None:
    client = sign_in(commons.coordinating)
    address = reverse("needs:workshop_minute", args=[workshop.id])
    client.post(address, {"kind": "decision", "text": "Retenir *le soir* # et le week-end"})
    client.post(reverse("needs:workshop_closing", args=[workshop.id]))
    assert client.post(address, {"kind": "note", "text": "Trop tard"}).status_code == 403
    files = {kind: client.get(reverse("needs:minutes_file", args=[workshop.id, kind])) for kind in ("md", "docx", "pdf")}
    assert r"- Retenir \*le soir\* \# et le week-end" in files["md"].content.decode()
    paragraphs = [paragraph.text for paragraph in Document(io.BytesIO(files["docx"].content)).paragraphs]
    assert "Retenir *le soir* # et le week-end" in paragraphs
    assert files["pdf"].content.startswith(b"%PDF")
    assert Minute.objects.count() == 1
