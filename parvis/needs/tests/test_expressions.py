"""Raw needs, as a writer, a referent, a signatory, the coordination and the neighbours meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conftest import House
from parvis.access.middleware import principal_of
from parvis.identity.models import Person, Source
from parvis.institutions.models import Institution, Nature, Profile, Role, WorkingGroup
from parvis.needs.actions import expressions as actions
from parvis.needs.actions.expressions import Words
from parvis.needs.actions.indexing import index_needs, reindex_all
from parvis.needs.engine import index, readable_corpora
from parvis.needs.models import (
    Answer,
    Attachment,
    AttachmentState,
    HarmonisedNeed,
    Judgement,
    RawNeed,
    RawNeedState,
    RawNeedText,
)
from parvis.needs.suggestions import close_needs

SignIn = Callable[[Profile], Client]

EVENING = Words("Répondre aux étudiants le soir", "Un assistant répond aux questions d’inscription le soir et le week-end.")
NIGHT = Words("Questions d’inscription", "Les étudiants posent leurs questions d’inscription le soir : personne ne répond.")
SUBSIDY = Words("Subventions", "Rédiger les dossiers de subvention avec les chercheurs de chaque laboratoire.")
DRAFT, VALIDATED, PUBLISHED, ARCHIVED = (RawNeedState(one) for one in ("draft", "validated", "published", "archived"))


@dataclass(frozen=True)
class People:
    writer: Profile
    colleague: Profile
    referent: Profile
    signatory: Profile
    student: Profile
    neighbour: Profile
    neighbour_referent: Profile
    coordinator: Profile

    def write(self, profile: Profile, words: Words = EVENING, state: RawNeedState = DRAFT) -> RawNeed:
        need = actions.write_need(principal_of(profile), words)
        here = profile.institution_id == self.referent.institution_id
        referent = principal_of(self.referent if here else self.neighbour_referent)
        acts = (actions.validate_need, actions.publish_need, actions.archive_need)
        for act in acts[: [DRAFT, VALIDATED, PUBLISHED, ARCHIVED].index(state)]:
            act(referent, need)
        need.refresh_from_db()
        return need


@pytest.fixture
def people(house: House) -> People:
    alliance = Institution.objects.create(
        slug="alliance", name="L’alliance", short_name="Alliance", nature=Nature.COORDINATION
    )
    return People(
        writer=house.teacher,
        colleague=house.other_teacher,
        referent=profile(house.institution, "Référente", Role.REFERENT),
        signatory=profile(house.institution, "Vice-présidente", Role.SIGNATORY),
        student=house.student,
        neighbour=house.neighbour_teacher,
        neighbour_referent=profile(house.neighbour_institution, "Référent", Role.REFERENT),
        coordinator=profile(alliance, "Coordinatrice", Role.COORDINATOR),
    )


def profile(institution: Institution, name: str, role: Role) -> Profile:
    person = Person.objects.create(key=f"local:{institution.slug}:{name}", source=Source.LOCAL, display_name=name)
    return Profile.objects.create(institution=institution, person=person, role=role)


def filled(words: Words, **more: str) -> dict[str, str]:
    return {"title": words.title, "text": words.text, **more}


def proposed(reader: Profile, words: Words = NIGHT, need: RawNeed | None = None) -> list[str]:
    return [one.text.title for one in close_needs(principal_of(reader), words, need=need)]


def test_a_need_is_written_listed_and_read(people: People, sign_in: SignIn) -> None:
    client = sign_in(people.writer)
    written = client.post(reverse("needs:new"), filled(EVENING, audience="Licence 1", service="Scolarité"))
    need = RawNeed.unscoped.get()
    assert (written.status_code, written["Location"]) == (302, reverse("needs:detail", args=[need.id]))
    assert (need.state, need.institution_id, need.on_behalf) == (DRAFT, people.writer.institution_id, False)
    assert EVENING.title in client.get(reverse("needs:list")).content.decode()
    page = client.get(written["Location"]).content.decode()
    assert "Licence 1" in page
    assert "Scolarité" in page


def test_two_answers_are_required_and_what_was_typed_stays(people: People, sign_in: SignIn) -> None:
    answer = sign_in(people.writer).post(reverse("needs:new"), {"title": "Un besoin", "text": "", "domain": "Recherche"})
    assert answer.status_code == 422
    assert 'value="Recherche"' in answer.content.decode()
    assert not RawNeed.unscoped.exists()


# What each may do to a need of the writer's institution: the report's table of rights.
RIGHTS = {
    ("validation", DRAFT): {"writer": 403, "colleague": 404, "referent": 302, "signatory": 302, "coordinator": 404},
    ("publication", VALIDATED): {"writer": 403, "colleague": 403, "referent": 302, "signatory": 302, "coordinator": 403},
    ("archiving", PUBLISHED): {"writer": 403, "referent": 302, "coordinator": 403, "neighbour_referent": 403, "student": 404},
    ("deletion", DRAFT): {"writer": 302, "colleague": 404, "referent": 403, "signatory": 403, "neighbour_referent": 404},
    ("deletion", VALIDATED): {"writer": 403, "referent": 403, "neighbour": 404},
    ("edit", DRAFT): {"writer": 200, "colleague": 404, "referent": 200, "signatory": 403, "coordinator": 404},
    ("edit", PUBLISHED): {"writer": 403, "referent": 200, "coordinator": 403, "neighbour_referent": 403, "student": 404},
    ("detail", DRAFT): {"writer": 200, "colleague": 404, "referent": 200, "signatory": 200, "coordinator": 404},
    ("detail", VALIDATED): {"colleague": 200, "coordinator": 200, "neighbour": 404, "neighbour_referent": 404},
    ("detail", PUBLISHED): {"neighbour": 200, "coordinator": 200, "student": 404},
}


@pytest.mark.parametrize(("name", "state"), RIGHTS)
def test_rights(people: People, sign_in: SignIn, name: str, state: RawNeedState) -> None:
    for who, expected in RIGHTS[name, state].items():
        need = people.write(people.writer, state=state)
        client, address = sign_in(getattr(people, who)), reverse(f"needs:{name}", args=[need.id])
        answer = client.get(address) if name in {"edit", "detail"} else client.post(address)
        assert answer.status_code == expected, who
        if expected == 403:
            assert "Error" not in answer.content.decode()
            assert re.search(r'class="lead">(Seul|Un brouillon|Ce qu’un)', answer.content.decode()), who


def test_the_coordination_writes_in_the_name_of_an_institution_and_validates_nothing(people: People, sign_in: SignIn) -> None:
    client = sign_in(people.coordinator)
    assert client.post(reverse("needs:new"), filled(EVENING)).status_code == 422  # in whose name?
    client.post(reverse("needs:new"), filled(EVENING, institution=str(people.writer.institution_id)))
    need = RawNeed.unscoped.get()
    assert (need.institution_id, need.on_behalf) == (people.writer.institution_id, True)
    assert client.post(reverse("needs:validation", args=[need.id])).status_code == 403
    assert "coordination" in sign_in(people.referent).get(reverse("needs:detail", args=[need.id])).content.decode()
    assert sign_in(people.referent).post(reverse("needs:validation", args=[need.id])).status_code == 302


def test_nobody_else_writes_in_the_name_of_an_institution(people: People, sign_in: SignIn) -> None:
    sign_in(people.writer).post(reverse("needs:new"), filled(EVENING, institution=str(people.neighbour.institution_id)))
    assert RawNeed.unscoped.get().institution_id == people.writer.institution_id


def test_what_somebody_else_did_first_is_told(people: People, sign_in: SignIn) -> None:
    need = people.write(people.writer, state=PUBLISHED)
    answer = sign_in(people.referent).post(reverse("needs:validation", args=[need.id]), follow=True)
    assert "entre-temps" in answer.content.decode()
    need.refresh_from_db()
    assert need.state == PUBLISHED


def test_a_correction_is_a_new_wording_and_the_old_ones_stay(people: People, sign_in: SignIn) -> None:
    need = people.write(people.writer, state=PUBLISHED)
    client = sign_in(people.referent)
    client.post(reverse("needs:edit", args=[need.id]), filled(NIGHT))
    client.post(reverse("needs:edit", args=[need.id]), filled(NIGHT))  # the same words again
    assert [text.title for text in RawNeedText.unscoped.filter(need=need)] == [EVENING.title, NIGHT.title]
    neighbour = sign_in(people.neighbour)
    assert EVENING.text in neighbour.get(reverse("needs:version", args=[need.id, 1])).content.decode()
    page = neighbour.get(reverse("needs:detail", args=[need.id])).content.decode()
    assert reverse("needs:version", args=[need.id, 1]) in page
    assert page.count(people.referent.person.display_name) == 3  # validated, published, corrected


def test_a_correction_made_from_an_older_wording_is_not_saved(people: People, sign_in: SignIn) -> None:
    need = people.write(people.writer)
    address, client = reverse("needs:edit", args=[need.id]), sign_in(people.referent)
    basis = client.get(address).context["basis"]
    sign_in(people.writer).post(address, filled(SUBSIDY, basis=basis))
    late = client.post(address, filled(NIGHT, basis=basis))
    assert late.status_code == 409
    assert SUBSIDY.title in late.content.decode()
    assert f'value="{NIGHT.title}"' in late.content.decode()
    client.post(address, filled(NIGHT, basis=late.context["basis"]))
    assert [text.title for text in RawNeedText.unscoped.filter(need=need)] == [EVENING.title, SUBSIDY.title, NIGHT.title]


def test_what_was_mended_before_publication_stays_at_home(people: People, sign_in: SignIn) -> None:
    need = people.write(people.writer, SUBSIDY)
    actions.correct_need(principal_of(people.writer), need, EVENING, service="")
    for act in (actions.validate_need, actions.publish_need):
        act(principal_of(people.referent), need)
    first = reverse("needs:version", args=[need.id, 1])
    assert sign_in(people.writer).get(first).status_code == 200
    assert sign_in(people.neighbour).get(first).status_code == 404


def test_the_list_shows_mine_first_and_finds_by_stem_facet_and_state(people: People, sign_in: SignIn) -> None:
    mine = people.write(people.writer, SUBSIDY)
    people.write(people.neighbour, EVENING, PUBLISHED)
    people.write(people.neighbour, NIGHT, VALIDATED)
    client = sign_in(people.writer)

    def titles(**asked: str) -> list[str]:
        return re.findall(r'row-title"><a [^>]*>([^<]+)', client.get(reverse("needs:list"), asked).content.decode())

    assert titles() == [SUBSIDY.title, EVENING.title]
    assert titles(q="inscriptions") == [EVENING.title]
    assert titles(q="subvention") == [SUBSIDY.title]  # one's own draft too
    assert titles(etat="published") == [EVENING.title]
    assert titles(etablissement=people.neighbour.institution.slug, q="personne") == []
    actions.correct_need(principal_of(people.writer), mine, Words(SUBSIDY.title, SUBSIDY.text, domain="Recherche"), service="")
    assert titles(domain="Recherche") == [SUBSIDY.title]
    exported = client.get(reverse("needs:export"), {"domain": "Recherche"}).content.decode("utf-8-sig")
    assert (SUBSIDY.text in exported, EVENING.text in exported) == (True, False)


def test_strange_questions_are_answered(people: People, sign_in: SignIn) -> None:
    client = sign_in(people.writer)
    for asked in ({"q": "a\0b"}, {"domain": "\0"}, {"etat": "x", "page": "9" * 30}, {"etablissement": "é" * 5_000}):
        assert client.get(reverse("needs:list"), asked).status_code == 200
    long_number = "9" * 5_000
    assert client.get(reverse("needs:new"), {"meme": long_number}).status_code == 200
    typed = filled(EVENING, **{f"close-{long_number}": "same", "close-999999999999999998": "same"})

    def post(name: str, **more: str) -> int:
        form = urlencode({**typed, **more})
        return client.post(reverse(name), form, content_type="application/x-www-form-urlencoded").status_code

    assert post("needs:close", text="\0" * 50, need=long_number) == 200
    assert post("needs:new", title="\0") == 422
    assert post("needs:new") == 302


@pytest.mark.parametrize("state", [DRAFT, VALIDATED, PUBLISHED, ARCHIVED])
def test_only_what_one_may_read_is_proposed_and_known_to_the_index(people: People, state: RawNeedState) -> None:
    need = people.write(people.writer, state=state)
    for name in People.__dataclass_fields__:
        reader = getattr(people, name)
        principal = principal_of(reader)
        readable = RawNeed.objects.visible_to(principal).filter(id=need.id).exists() and state != ARCHIVED
        assert proposed(reader) == ([EVENING.title] if readable else []), name
        if not readable:
            assert index().stats(["etudi"], readable_corpora(principal)).passage_count == 0, name


def test_a_reader_of_several_institutions_sees_each_from_its_own(people: People, house: House) -> None:
    people.write(people.writer)
    elsewhere = Profile.objects.create(institution=house.neighbour_institution, person=people.writer.person, role=Role.STAFF)
    assert (proposed(people.writer), proposed(elsewhere)) == ([EVENING.title], [])


def test_what_is_rolled_back_is_not_proposed(people: People) -> None:
    with transaction.atomic():
        people.write(people.writer, state=PUBLISHED)
        transaction.set_rollback(True)
    assert proposed(people.writer) == []


def test_the_index_is_made_again_from_the_rows(people: People) -> None:
    need = people.write(people.neighbour, EVENING, PUBLISHED)
    index().delete([2 * need.id])
    assert proposed(people.writer) == []
    reindex_all()
    assert proposed(people.writer) == [EVENING.title]


def test_a_deleted_draft_leaves_the_index(people: People) -> None:
    need = people.write(people.referent)
    assert proposed(people.referent) == [EVENING.title]
    actions.delete_draft(principal_of(people.referent), need)
    assert index().stats(["etudi"], readable_corpora(principal_of(people.referent))).passage_count == 0


def test_different_is_never_proposed_again_to_that_institution(people: People, sign_in: SignIn) -> None:
    theirs = people.write(people.neighbour, EVENING, PUBLISHED)
    mine = people.write(people.writer, NIGHT, PUBLISHED)
    address = reverse("needs:judgement", args=[mine.id])
    assert sign_in(people.neighbour).post(address, {f"close-{2 * theirs.id}": "different"}).status_code == 403
    assert proposed(people.referent, need=mine) == [EVENING.title]
    sign_in(people.writer).post(address, {f"close-{2 * theirs.id}": "different"})
    assert Judgement.unscoped.get().answer == Answer.DIFFERENT
    for reader in (people.writer, people.referent, people.colleague):
        assert proposed(reader, need=mine) == []
        assert NIGHT.title not in proposed(reader, EVENING, theirs)  # nor the other way round
    assert proposed(people.neighbour, EVENING, need=theirs) == [NIGHT.title]


def test_answers_given_while_writing_are_kept_with_the_draft(people: People, sign_in: SignIn) -> None:
    theirs = people.write(people.neighbour, EVENING, PUBLISHED)
    hidden = people.write(people.neighbour, SUBSIDY)
    sign_in(people.writer).post(
        reverse("needs:new"), filled(NIGHT, **{f"close-{2 * theirs.id}": "same", f"close-{2 * hidden.id}": "same"})
    )
    judgement = Judgement.unscoped.get()
    assert (judgement.other_need_id, judgement.answer) == (theirs.id, Answer.SAME)
    assert judgement.institution_id == people.writer.institution_id


def test_starting_from_another_institutions_need_says_it_is_the_same(people: People, sign_in: SignIn) -> None:
    theirs = people.write(people.neighbour, EVENING, PUBLISHED)
    hidden = people.write(people.neighbour, SUBSIDY)
    client = sign_in(people.writer)
    address = f"{reverse('needs:new')}?meme={2 * theirs.id}"
    assert address in client.get(reverse("needs:detail", args=[theirs.id])).content.decode()
    assert f'name="close-{2 * theirs.id}" value="same"' in client.get(address).content.decode()
    assert SUBSIDY.title not in client.get(reverse("needs:new"), {"meme": 2 * hidden.id}).content.decode()


def test_every_confirmed_verbatim_leads_to_its_harmonised_need(people: People) -> None:
    need = people.write(people.neighbour, EVENING, PUBLISHED)
    group = WorkingGroup.objects.create(slug="pedagogie", name="Pédagogie")
    harmonised = HarmonisedNeed.unscoped.create(number=12, working_group=group, created_by=people.coordinator)
    Attachment.unscoped.create(
        institution=need.institution,
        text=need.wording,
        end=10,
        harmonised=harmonised,
        state=AttachmentState.ACCEPTED,
        decided_by=people.neighbour_referent,
        decided_at=timezone.now(),
    )
    actions.correct_need(principal_of(people.neighbour_referent), need, SUBSIDY, service="")
    [found] = close_needs(principal_of(people.writer), NIGHT)
    assert (found.text.title, found.harmonised) == (EVENING.title, harmonised)
    Attachment.unscoped.update(state=AttachmentState.CANCELLED)
    index_needs([need.id])
    assert proposed(people.writer) == []


def test_without_scripts_looking_for_close_needs_loses_nothing(people: People, sign_in: SignIn) -> None:
    people.write(people.neighbour, EVENING, PUBLISHED)
    typed = filled(NIGHT, audience="Licence 1", close="1")
    page = sign_in(people.writer).post(reverse("needs:new"), typed)
    assert page.status_code == 200
    for kept in (NIGHT.title, NIGHT.text, "Licence 1", EVENING.title):
        assert kept in page.content.decode()
    assert RawNeed.unscoped.count() == 1


def test_what_is_swapped_in_equals_a_fresh_page(people: People, sign_in: SignIn) -> None:
    people.write(people.neighbour, EVENING, PUBLISHED)
    client = sign_in(people.writer)
    swapped = client.post(reverse("needs:close"), filled(NIGHT)).content.decode()
    page = client.post(reverse("needs:new"), filled(NIGHT, close="1")).content.decode()
    assert swapped.strip() in page
    assert '<mark class="shared">soir</mark>' in swapped
    assert "doublon" not in swapped
    assert EVENING.title not in client.post(reverse("needs:close"), {"title": "Soir", "text": "inscription"}).content.decode()
